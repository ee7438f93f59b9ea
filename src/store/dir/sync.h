/*-------------------------------------------------------------------------
 *
 * sync.h
 *	  Makes published files and their names durable.
 *
 * Functions here raise errors.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_SYNC_H
#define FFU_SYNC_H

#include "base/ffu.h"

#include "store/dir/folder.h"
#include "store/store.h"

extern bool ffu_sync_is_whole(const FfuFolder *folder, uint32 n);
extern void ffu_sync_staging(FfuFolder *folder, uint64 fxid);
extern void ffu_sync_staging_parts(FfuFolder *folder);
extern void ffu_sync_write_out(FfuFolder *folder, FfuOutgoing *file);
extern void ffu_sync_file(FfuFolder *folder, FfuOutgoing *file);
extern void ffu_sync_files(FfuFolder *folder, FfuOutgoing *files, uint32 n);

#endif							/* FFU_SYNC_H */
