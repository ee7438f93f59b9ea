/*-------------------------------------------------------------------------
 *
 * column.h
 *	  The file columns of a table, as declared by the table's triggers.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_COLUMN_H
#define FFU_COLUMN_H

#include "base/ffu.h"
#include "access/htup.h"
#include "access/tupdesc.h"
#include "utils/relcache.h"

#include "column/declaration.h"
#include "transaction/pending.h"

extern const FfuColumn *ffu_column_find(Relation rel, const char *key);
extern const FfuColumn *ffu_column_named(Relation rel, const char *name);
extern const FfuColumn *ffu_column_find_declared(Relation rel,
												 const char *key);
extern const char *ffu_column_name(Relation rel, const FfuColumn *column);
extern bool ffu_column_is_text(TupleDesc desc, AttrNumber attnum);
extern char *ffu_column_path(Relation rel, const FfuColumn *column,
							 HeapTuple tuple, const char *ext);
extern bool ffu_column_proves(Relation rel, const FfuColumn *column,
							  HeapTuple tuple, const char *path);
extern FfuColumn *ffu_column_names(Relation rel);
extern void ffu_column_init(void);

#endif							/* FFU_COLUMN_H */
