/*-------------------------------------------------------------------------
 *
 * directory.h
 *	  The directories of paths, opened and cached.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_DIRECTORY_H
#define FFU_DIRECTORY_H

#include "store/store.h"

extern const char *ffu_leaf_of(const char *path);
extern void ffu_directories_close(FfuStore *store, int n);
extern bool ffu_directories_look_again(FfuStore *store, int result, bool kept);
extern int	ffu_directory_open(FfuStore *store, const char *path, bool make,
							   int *fd);
extern void ffu_directories_remove_empty(FfuStore *store, const char *path);

#endif							/* FFU_DIRECTORY_H */
