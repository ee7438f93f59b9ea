/*-------------------------------------------------------------------------
 *
 * scan.h
 *	  Reads every path of a file column.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_SCAN_H
#define FFU_SCAN_H

#include "base/ffu.h"
#include "access/attnum.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"

#include "column/column.h"

/*
 * Called with each path and the row in a slot.  May raise errors.  Return
 * false to stop the scan.
 */
typedef bool (*FfuPathVisitor) (const char *path, TupleTableSlot *slot,
								void *arg);

extern void ffu_scan_paths(Relation rel, AttrNumber attnum,
						   FfuPathVisitor visit, void *arg);
extern void ffu_scan_doom(Relation rel, const FfuColumn *column);

#endif							/* FFU_SCAN_H */
