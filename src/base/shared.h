/*-------------------------------------------------------------------------
 *
 * shared.h
 *	  State shared by backends and background worker: run, counters, wake-ups.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_SHARED_H
#define FFU_SHARED_H

#include "base/ffu.h"

/* Counters per database */
typedef enum FfuCounter
{
	FFU_COUNT_STORED_FILES,		/* uploads whose bytes were all written */
	FFU_COUNT_STORED_BYTES,
	FFU_COUNT_PUBLISHED_FILES,	/* of committed transactions */
	FFU_COUNT_PUBLISHED_BYTES,
	FFU_COUNT_UNDONE_FILES,		/* rolled back, or assigned to no row */
	FFU_COUNT_DELETED_FILES,	/* removed after a row released the file */
	FFU_COUNT_SWEPT_FILES,		/* leftovers finished by a sweep */
	FFU_COUNT_FAILED,			/* failed removals; a sweep tries again */
	FFU_COUNTERS				/* number of counters */
} FfuCounter;

extern void ffu_shared_init(void);
extern uint64 ffu_shared_run(void);
extern void ffu_shared_count(FfuCounter counter, int64 n);
extern void ffu_shared_read(int64 *values);
extern void ffu_shared_want_sweep(void);
extern void ffu_shared_wake_launcher(void);

/* For the launcher */
extern void ffu_shared_launcher_begin(void);
extern void ffu_shared_launcher_end(void);
extern bool ffu_shared_known(Oid database);
extern bool ffu_shared_take_wanted(Oid database);
extern void ffu_shared_give_wanted(Oid database);

#endif							/* FFU_SHARED_H */
