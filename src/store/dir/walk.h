/*-------------------------------------------------------------------------
 *
 * walk.h
 *	  Reads the names in the folder.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_WALK_H
#define FFU_WALK_H

#include "base/ffu.h"
#include "nodes/pg_list.h"
#include "utils/hsearch.h"

#include "store/store.h"

/* A path in a staging name, an entry of ffu_walk_staged_paths() */
typedef struct FfuStagedPath
{
	char		path[FFU_PATH_MAX + 1]; /* key */
	bool		owned;			/* for the caller; false at first */
} FfuStagedPath;

extern void ffu_walk_prevent(const char *function);
extern HTAB *ffu_walk_staged_paths(List *names);
extern List *ffu_walk_control(int staging_fd, const char *name);

#endif							/* FFU_WALK_H */
