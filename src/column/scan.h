/*-------------------------------------------------------------------------
 *
 * scan.h
 *	  Every path of a file column.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_SCAN_H
#define FFU_SCAN_H

#include "base/ffu.h"
#include "access/attnum.h"
#include "utils/relcache.h"

/* Called with each path; may raise errors.  Returns false to stop. */
typedef bool (*FfuPathVisitor) (const char *path, void *arg);

extern void ffu_scan_paths(Relation rel, AttrNumber attnum,
						   FfuPathVisitor visit, void *arg);
extern void ffu_scan_doom(Relation rel, AttrNumber attnum);

#endif							/* FFU_SCAN_H */
