/*-------------------------------------------------------------------------
 *
 * finish.h
 *	  What happens to files once the fate of a transaction is known.
 *
 * No function raises an error (I6).
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_FINISH_H
#define FFU_FINISH_H

#include "base/ffu.h"
#include "utils/relcache.h"

/* Failures of a callback, reported by a single WARNING. */
typedef struct FfuLeftover
{
	int			count;
	int			error;			/* error number of the first failure */
	char		path[FFU_STAGING_MAX + 1];	/* path or staging name of the
											 * first */
} FfuLeftover;

extern void ffu_finish_subabort(int level, FfuLeftover *left);
extern void ffu_finish_abort(FfuLeftover *left);
extern void ffu_finish_unowned(FfuLeftover *left);
extern void ffu_finish_watch(Relation deletion);
extern void ffu_finish_force_flush(void);
extern void ffu_finish_horizon(void);
extern void ffu_finish_close(void);
extern int	ffu_finish_commit(FfuLeftover *left, FfuLeftover *unmoved);

#endif							/* FFU_FINISH_H */
