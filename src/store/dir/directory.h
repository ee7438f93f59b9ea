/*-------------------------------------------------------------------------
 *
 * directory.h
 *	  The directories of paths.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_DIRECTORY_H
#define FFU_DIRECTORY_H

#include "store/dir/folder.h"

extern const char *ffu_leaf_of(const char *path);
extern int	ffu_directory_open(const FfuFolder *folder, const char *path, bool make,
							   int *fd);
extern void ffu_directory_close(const FfuFolder *folder, int *fd);
extern void ffu_directories_remove_empty(const FfuFolder *folder, const char *path);

#endif							/* FFU_DIRECTORY_H */
