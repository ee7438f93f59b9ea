/*-------------------------------------------------------------------------
 *
 * sweep.h
 *	  Finish what a crash, an old snapshot or a failed unlink left over.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_SWEEP_H
#define FFU_SWEEP_H

#include "base/ffu.h"
#include "utils/hsearch.h"

/* Deletions are swept by their state: doomed ones first, then kept ones. */
#define FFU_SWEPT_STATES	2

/* A sweep: what it did, in files. */
typedef struct FfuSweep
{
	/* How it is to be done */
	bool		asked_for;		/* by ffu.sweep(), which may see paths */
	bool		thorough;		/* look at all deletions, however many wait */
	int64		after[FFU_SWEPT_STATES];	/* begin after the deletion with
											 * this id; is moved on */
	HTAB	   *cleared;		/* ids of deletions that this transaction has
								 * verified, of int64; or NULL */
	bool		first_use;		/* on the way of somebody else's work: little */
	void		(*pause) (void);	/* called between two files; may end the
									 * process.  NULL for none */
	/* What it did */
	bool		more;			/* more uploads have expired than one
								 * transaction ends */
	int64		finished;		/* of committed transactions: staging name
								 * removed */
	int64		undone;			/* of others: removed */
	int64		deleted;		/* deletions done and struck off */
	int64		kept;			/* moved out of URL reach */
	int64		waiting;		/* deletions that a snapshot,
								 * ffu.deletion_delay or a failure holds up */
	int64		open;			/* of transactions in progress or prepared */
	int64		unclear;		/* staging names whose fate is not known here */
	int64		failed;			/* could not be removed: tried again later */
} FfuSweep;

extern void ffu_sweep_staging(FfuSweep *sweep, bool wait);
extern void ffu_sweep_deletions(FfuSweep *sweep, int limit);
extern bool ffu_sweep_may_delete(void);
extern void ffu_sweep_first_use(void);
extern void ffu_sweep_before_commit(void);
extern void ffu_sweep_note(int dooms);

#endif							/* FFU_SWEEP_H */
