/*-------------------------------------------------------------------------
 *
 * remote.h
 *	  Uploads whose bytes are in the bucket, and stay there.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_REMOTE_H
#define FFU_REMOTE_H

#include "base/ffu.h"

#include "transaction/file.h"
#include "upload/resumable.h"

/* Where browsers store what becomes a file later */
#define FFU_REMOTE_INCOMING		".ffu/incoming/"

extern FfuFile *ffu_remote_copy(const char *path);
extern void ffu_remote_fetch(FfuFile *file);
extern char *ffu_remote_begin(const char *file_name, int64 size,
							  const char *sha256, StringInfo url,
							  TimestampTz *expires_at);
extern FfuFile *ffu_remote_finish(FfuResumable *resume);
extern void ffu_remote_end(const FfuResumable *resume);

#endif							/* FFU_REMOTE_H */
