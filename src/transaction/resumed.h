/*-------------------------------------------------------------------------
 *
 * resumed.h
 *	  Files of resumable uploads that this transaction has touched.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_RESUMED_H
#define FFU_RESUMED_H

#include "base/ffu.h"

#include "store/store.h"
#include "text/resumable_id.h"

/* The members are in resumed.c. */
typedef struct FfuResumableFile FfuResumableFile;

/* What COMMIT does with the file */
typedef enum FfuResumedOutcome
{
	FFU_RESUMED_LEFT,			/* nothing: no changes */
	FFU_RESUMED_SYNCED,			/* makes new bytes durable */
	FFU_RESUMED_LOST,			/* fails: the disk has lost new bytes */
	FFU_RESUMED_REMOVED			/* removes the name: finished or cancelled */
} FfuResumedOutcome;

/* Ask and iterate, the newest first */
extern FfuResumableFile *ffu_resumed_first(void);
extern FfuResumableFile *ffu_resumed_next(const FfuResumableFile *file);
extern FfuResumedOutcome ffu_resumed_outcome(const FfuResumableFile *file);
extern bool ffu_resumed_is_begun(const FfuResumableFile *file);
extern bool ffu_resumed_is_lost(const FfuResumableFile *file);
extern void ffu_resumed_range(const FfuResumableFile *file, int64 *from,
							  int64 *to);
extern void ffu_resumed_name(const FfuResumableFile *file, char *name);

/* What the spool knows; only functions of the spool change the answer */
extern FfuSpoolFile *ffu_resumed_file(FfuResumableFile *file);

/* Events */
extern FfuResumableFile *ffu_resumed_touch(uint64 fxid, int64 key);
extern void ffu_resumed_begin(FfuResumableFile *file);
extern void ffu_resumed_write(FfuResumableFile *file, int64 from, int64 to);
extern void ffu_resumed_lose(FfuResumableFile *file);
extern void ffu_resumed_end(FfuResumableFile *file);

/* For the transaction callbacks: raise no error */
extern void ffu_resumed_subcommit(int level);
extern bool ffu_resumed_subabort(FfuResumableFile *file, int level);
extern void ffu_resumed_reset(void);

#endif							/* FFU_RESUMED_H */
