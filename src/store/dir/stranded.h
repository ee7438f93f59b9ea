/*-------------------------------------------------------------------------
 *
 * stranded.h
 *	  Finds rows whose files would be missing in another folder.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_STRANDED_H
#define FFU_STRANDED_H

#include "base/ffu.h"

#include "access/attnum.h"
#include "nodes/pg_list.h"

/* A file column */
typedef struct FfuPathColumn
{
	Oid			relid;
	AttrNumber	attnum;
} FfuPathColumn;

extern List *ffu_stranded_columns(void);
extern bool ffu_stranded_has_path(Oid relid, AttrNumber attnum, int limit);
extern bool ffu_stranded_find(int limit, Oid *relid, AttrNumber *attnum);
extern const char *ffu_stranded_hint(int limit);

#endif							/* FFU_STRANDED_H */
