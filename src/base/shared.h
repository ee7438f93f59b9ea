/*-------------------------------------------------------------------------
 *
 * shared.h
 *	  What backends and the background worker share: counters, wake-ups.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_SHARED_H
#define FFU_SHARED_H

#include "base/ffu.h"

/* What is counted, per database */
typedef enum FfuCounter
{
	FFU_COUNT_STORED_FILES,		/* uploads whose bytes were all written */
	FFU_COUNT_STORED_BYTES,
	FFU_COUNT_PUBLISHED_FILES,	/* of transactions that committed */
	FFU_COUNT_PUBLISHED_BYTES,
	FFU_COUNT_UNDONE_FILES,		/* rolled back, or owned by no row */
	FFU_COUNT_DELETED_FILES,	/* removed because a row let them go */
	FFU_COUNT_SWEPT_FILES,		/* leftovers that a sweep finished */
	FFU_COUNT_FAILED,			/* could not be removed; tried again later */
	FFU_COUNTERS				/* how many there are */
} FfuCounter;

extern void ffu_share_init(void);
extern void ffu_share_count(FfuCounter counter, int64 n);
extern void ffu_share_read(int64 *values);
extern void ffu_share_want_sweep(void);

/* For the launcher */
extern void ffu_share_launcher_begin(void);
extern void ffu_share_launcher_end(void);
extern bool ffu_share_known(Oid database);
extern bool ffu_share_take_wanted(Oid database);
extern void ffu_share_give_wanted(Oid database);

#endif							/* FFU_SHARED_H */
