/*-------------------------------------------------------------------------
 *
 * sweep.h
 *	  Finishes the work that a crash, an old snapshot or a failed unlink left.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_SWEEP_H
#define FFU_SWEEP_H

#include "base/ffu.h"
#include "utils/hsearch.h"

/* Number of states whose deletions are swept: doomed first, then kept */
#define FFU_SWEPT_STATES	2

/* What a sweep works on; each has warnings of its own */
typedef enum FfuSwept
{
	FFU_SWEPT_STAGING,			/* staging names and resumable uploads */
	FFU_SWEPT_DELETION,			/* rows of ffu.deletion */
	FFU_SWEPT_INTENT,			/* rows of ffu.intent */
	FFU_SWEPT_KINDS
} FfuSwept;

/* A sweep.  All counts are in files. */
typedef struct FfuSweep
{
	/* Parameters */
	bool		asked_for;		/* by ffu.sweep(): warnings may name paths */
	bool		thorough;		/* visit all deletions, however many wait */
	int64		after[FFU_SWEPT_STATES];	/* begin after this id in each
											 * state; advanced by each sweep */
	HTAB	   *cleared;		/* ids (int64) of deletions that this
								 * transaction has verified; or NULL */
	bool		first_use;		/* as part of other work: do little */
	void		(*pause) (void);	/* called between two files; may end the
									 * process.  NULL: no call */
	/* Results */
	bool		more;			/* more uploads have expired than one
								 * transaction ends */
	int64		finished;		/* staging names removed after a commit */
	int64		undone;			/* files removed after an abort */
	int64		deleted;		/* deletions finished and struck off */
	int64		kept;			/* files moved out of reach of URLs */
	int64		waiting;		/* deletions that a snapshot,
								 * ffu.deletion_delay or a failure holds up */
	int64		open;			/* files of transactions in progress or
								 * prepared */
	int64		unclear;		/* staging names of unknown fate */
	int64		failed;			/* files not removed; tried again later */
	int64		unsaid;			/* failures that no warning names */
	int			warnings[FFU_SWEPT_KINDS];	/* number of warnings so far */
} FfuSweep;

extern void ffu_sweep_staging(FfuSweep *sweep, bool wait);
extern void ffu_sweep_deletions(FfuSweep *sweep, int limit);
extern int	ffu_sweep_warning_level(FfuSweep *sweep, FfuSwept kind);
extern bool ffu_sweep_may_delete(void);
extern void ffu_sweep_first_use(void);
extern void ffu_sweep_before_commit(void);
extern void ffu_sweep_note(int dooms);

#endif							/* FFU_SWEEP_H */
