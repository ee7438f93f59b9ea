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

/* A column whose paths were all doomed by a command */
typedef struct FfuLost
{
	Oid			owner;			/* owner of the table */
	const char *table;
	const char *column;			/* key of the column */
	const char *name;			/* name of the column, or NULL */
	Oid			type;
	CommandId	since;			/* command of the first deletion, or older */
} FfuLost;

extern void ffu_copies_refuse(List *lost);

#endif							/* FFU_COPIES_H */
