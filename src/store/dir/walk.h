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
#include "utils/hsearch.h"

#include "store/store.h"

/*
 * Called with each name in the folder that is not a directory, and with each
 * unreadable directory.  For the latter error is not 0 and *st is undefined.
 * May raise errors.
 */
typedef void (*FfuNameVisitor) (const char *path, const struct stat *st,
								int error, void *arg);

/* A path in a staging name, an entry of ffu_walk_staged_paths() */
typedef struct FfuStagedPath
{
	char		path[FFU_PATH_MAX + 1]; /* key */
	bool		owned;			/* for the caller; false at first */
} FfuStagedPath;

extern void ffu_walk_prevent(const char *function);
extern void ffu_walk_files(FfuStore *store, FfuNameVisitor visit, void *arg);
extern List *ffu_walk_staging(FfuStore *store);
extern HTAB *ffu_walk_staged_paths(List *names);
extern List *ffu_walk_control(FfuStore *store, const char *name);
extern int	ffu_walk_digest(FfuStore *store, const char *path,
							char *sha256, int64 *size);

#endif							/* FFU_WALK_H */
