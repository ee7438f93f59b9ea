/*-------------------------------------------------------------------------
 *
 * usage.h
 *	  Counts stored files and bytes, for quotas.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_USAGE_H
#define FFU_USAGE_H

#include "base/ffu.h"

#include "executor/tuptable.h"

#include "transaction/file.h"

/* Called with a row of a table of ffu */
typedef void (*FfuUsageRowVisitor) (TupleTableSlot *slot, void *arg);

/*
 * Called with the owner of a table, the bytes that count for the table, and the
 * bytes of its deleted files, or of its new files.
 */
typedef void (*FfuUsageVisitor) (Oid owner, int64 bytes, int64 others);

extern bool ffu_usage_counting(void);
extern int64 ffu_usage_size(const char *path);
extern int64 ffu_usage_file_size(FfuFile *file);
extern void ffu_usage_stored(Oid relid, FfuFile *file);
extern void ffu_usage_restored(Oid relid, const char *path);
extern void ffu_usage_unowned(Oid relid, FfuFile *file);
extern void ffu_usage_removed(Oid relid, int64 size);
extern void ffu_usage_doomed(Oid relid, int64 size);
extern void ffu_usage_struck(Oid relid, int64 size);
extern void ffu_usage_cleared(Oid relid, int64 size);
extern void ffu_usage_dropped(Oid relid);
extern void ffu_usage_scan(const char *name, FfuUsageRowVisitor visit,
						   void *arg);
extern Oid	ffu_usage_owner(Oid relid);
extern void ffu_usage_visit_committed(FfuUsageVisitor visit);
extern void ffu_usage_visit_added(FfuUsageVisitor visit);
extern bool ffu_usage_has_sums(void);
extern void ffu_usage_before_commit(bool prepare);
extern void ffu_usage_fold(void);

/* For the transaction callbacks: raise no error */
extern void ffu_usage_subcommit(int level);
extern void ffu_usage_subabort(int level);
extern void ffu_usage_reset(void);

#endif							/* FFU_USAGE_H */
