/*-------------------------------------------------------------------------
 *
 * copies.h
 *	  Copies of paths in columns that own no files.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_COPIES_H
#define FFU_COPIES_H

#include "base/ffu.h"
#include "nodes/pg_list.h"

/* A column whose paths a command has doomed, all of them */
typedef struct FfuLost
{
	Oid			owner;			/* of its table */
	const char *table;
	const char *column;			/* its key */
	const char *name;			/* its name, or NULL */
	Oid			type;
	CommandId	since;			/* of the first deletion, or older */
} FfuLost;

extern void ffu_copies_refuse(List *lost);

#endif							/* FFU_COPIES_H */
