/*-------------------------------------------------------------------------
 *
 * catalog.h
 *	  Finds ffu's own tables and functions in the catalog.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_CATALOG_H
#define FFU_CATALOG_H

#include "base/ffu.h"

#include "executor/tuptable.h"
#include "utils/relcache.h"

extern Oid	ffu_catalog_schema(void);
extern Oid	ffu_catalog_relation(const char *name);
extern Oid	ffu_catalog_relation_if_any(const char *name);
extern void ffu_catalog_hold(Oid relid);
extern Oid	ffu_catalog_function(const char *name);
extern Oid	ffu_catalog_function_of(const char *name, int nargs,
									const Oid *types);
extern bool ffu_catalog_is_trigger(Oid function);
extern Oid	ffu_catalog_type(void);
extern bool ffu_catalog_lock_row(Relation rel, HeapTuple tuple,
								 TupleTableSlot *slot);
extern uint64 ffu_catalog_execute(const char *command, const char *first,
								  const char *second);

#endif							/* FFU_CATALOG_H */
