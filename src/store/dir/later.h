/*-------------------------------------------------------------------------
 *
 * later.h
 *	  Files of a folder that become durable after the commit.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_LATER_H
#define FFU_LATER_H

#include "base/ffu.h"
#include "store/dir/folder.h"
#include "store/store.h"

/* For the syncer, which is connected to no database */
extern int	ffu_later_open(const char *folder_path, const char *root_id,
						   FfuFolder *folder);
extern int	ffu_later_find(FfuFolder *folder, const char *path,
						   FfuSpoolFile *file);
extern int	ffu_later_write_out(FfuSpoolFile *file);
extern int	ffu_later_sync(FfuFolder *folder);
extern void ffu_later_close(FfuFolder *folder);

/* For files from the WAL */
extern bool ffu_later_has_bytes(FfuStore *store, const char *path,
								const char *data, size_t len);
extern int	ffu_later_put_back(FfuStore *store, FfuStaged *staged, mode_t mode,
							   const char *data, size_t len);
extern int	ffu_later_put_piece(FfuStore *store, FfuStaged *staged,
								mode_t mode, const char *data, size_t len,
								int64 offset, int64 size);
extern int	ffu_later_remove(FfuStore *store, const char *path, bool keep);
extern int	ffu_later_sync_store(FfuStore *store);
extern int	ffu_later_sync_all(FfuStore *store);

#endif							/* FFU_LATER_H */
