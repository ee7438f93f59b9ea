/*-------------------------------------------------------------------------
 *
 * walk.h
 *	  Reads the folder: all names, and the bytes of a file.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_WALK_H
#define FFU_WALK_H

#include <sys/stat.h>

#include "base/ffu.h"
#include "nodes/pg_list.h"

#include "store/store.h"

/*
 * Called with each name in the folder that is not a directory, and with each
 * unreadable directory.  For the latter error is not 0 and *st is undefined.
 * May raise errors.
 */
typedef void (*FfuNameVisitor) (const char *path, const struct stat *st,
								int error, void *arg);

extern void ffu_inspect_prevent(const char *function);
extern void ffu_inspect_walk(FfuPlace *place, FfuNameVisitor visit, void *arg);
extern List *ffu_inspect_staging(FfuPlace *place);
extern List *ffu_inspect_own(FfuPlace *place, const char *name);
extern int	ffu_inspect_digest(FfuPlace *place, const char *path,
							   char *sha256, int64 *size);

#endif							/* FFU_WALK_H */
