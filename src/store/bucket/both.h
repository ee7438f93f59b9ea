/*-------------------------------------------------------------------------
 *
 * both.h
 *	  The store that is a folder and a bucket.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_BOTH_H
#define FFU_BOTH_H

#include "base/ffu.h"

#include "store/store.h"

/* Names in the bucket for files that are kept, or in quarantine */
#define FFU_BUCKET_KEPT			".ffu/kept/"
#define FFU_BUCKET_QUARANTINE	".ffu/quarantine/"

extern void ffu_both_init(void);
extern bool ffu_both_has_bucket(const FfuStore *store);

/* callbacks.c: no error, no allocation (I6) */
extern int	ffu_both_undo(FfuStore *store, FfuStaged *staged);
extern int	ffu_both_finish(FfuStore *store, FfuStaged *staged);
extern int	ffu_both_remove_now(FfuStore *store, const char *path, bool keep);

/* publish_bucket.c */
extern bool ffu_both_announce(FfuStore *store, FfuOutgoing *files, uint32 n);
extern void ffu_both_publish(FfuStore *store, FfuOutgoing *files, uint32 n);

/* remove_bucket.c */
extern void ffu_both_remove(FfuStore *store, FfuRemoval *removals, int n,
							void (*pause) (void));
extern int	ffu_both_quarantine(FfuStore *store, const char *path);

#endif							/* FFU_BOTH_H */
