/*-------------------------------------------------------------------------
 *
 * former.h
 *	  The former names of file columns.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_FORMER_H
#define FFU_FORMER_H

#include "base/ffu.h"
#include "access/attnum.h"

extern Oid	ffu_top_of(Oid relid);
extern uint64 ffu_former_state(void);
extern bool ffu_former_is_contested(const char *schema, const char *table,
									const char *column, Oid top);
extern void ffu_former_note_attach(Oid relid);
extern void ffu_former_note_detach(Oid relid);
extern void ffu_former_altered(Oid class, Oid object, AttrNumber attnum);
extern void ffu_former_dropped(Oid relid, AttrNumber attnum);
extern void ffu_former_init(void);

#endif							/* FFU_FORMER_H */
