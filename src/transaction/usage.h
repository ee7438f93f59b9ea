/*-------------------------------------------------------------------------
 *
 * usage.h
 *	  Counts stored files and bytes, and holds transactions to quotas.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_USAGE_H
#define FFU_USAGE_H

#include "base/ffu.h"

#include "transaction/file.h"

extern bool ffu_usage_counting(void);
extern int64 ffu_usage_size(const char *path);
extern int64 ffu_usage_file_size(FfuFile *file);
extern void ffu_usage_stored(Oid relid, FfuFile *file);
extern void ffu_usage_restored(Oid relid, const char *path);
extern void ffu_usage_unowned(Oid relid, FfuFile *file);
extern void ffu_usage_removed(Oid relid, int64 size);
extern void ffu_usage_cleared(Oid relid, int64 size);
extern void ffu_usage_dropped(Oid relid);
extern void ffu_usage_check(void);
extern void ffu_usage_before_commit(bool prepare);
extern void ffu_usage_fold(void);

/* For the transaction callbacks: raise no error */
extern void ffu_usage_subcommit(int level);
extern void ffu_usage_subabort(int level);
extern void ffu_usage_reset(void);

#endif							/* FFU_USAGE_H */
