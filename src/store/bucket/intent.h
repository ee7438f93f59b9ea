/*-------------------------------------------------------------------------
 *
 * intent.h
 *	  The table of intents: which keys a transaction may have stored.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_INTENT_H
#define FFU_INTENT_H

#include "base/ffu.h"
#include "access/htup.h"
#include "nodes/pg_list.h"
#include "utils/hsearch.h"
#include "utils/relcache.h"
#include "utils/timestamp.h"

/* Columns of ffu.intent */
#define Anum_intent_key			1
#define Anum_intent_uncertain	2
#define Anum_intent_noted_at	3
#define Anum_intent_removed_at	4
#define Anum_intent_multipart	5
#define Natts_intent			5

/* A row of ffu.intent */
typedef struct FfuIntent
{
	ItemPointerData tid;
	char	   *key;
	bool		uncertain;
	TimestampTz noted_at;
	TimestampTz removed_at;		/* DT_NOBEGIN: not removed yet */
	bool		multipart;
} FfuIntent;

extern void ffu_intent_announce(List *keys, bool moved, bool multipart);
extern void ffu_intent_note_uncertain(List *keys, bool multipart);
extern void ffu_intent_announce_removal(List *keys);
extern void ffu_intent_note_removal(List *keys);
extern void ffu_intent_announce_incoming(char *key, TimestampTz until);
extern void ffu_intent_hasten(const char *key);
extern void ffu_intent_read(Relation rel, HeapTuple tuple, FfuIntent *intent);
extern void ffu_intent_set_removed(Relation rel, HeapTuple tuple);
extern void ffu_intent_removed(List *keys);
extern List *ffu_intent_keys(void);
extern HTAB *ffu_intent_removable(void);

#endif							/* FFU_INTENT_H */
