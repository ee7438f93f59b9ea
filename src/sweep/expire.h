/*-------------------------------------------------------------------------
 *
 * expire.h
 *	  Resumable uploads that no client continues.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_EXPIRE_H
#define FFU_EXPIRE_H

#include "base/ffu.h"
#include "nodes/pg_list.h"

/* Result of ffu_expire(), in files */
typedef struct FfuExpired
{
	void		(*pause) (void);	/* see FfuSweep */
	int64		removed;		/* expired, or without an upload */
	bool		more;			/* the limit was reached */
	int64		open;			/* begun by a transaction in progress */
	int64		unclear;		/* not a name of ffu */
	int64		failed;			/* not removed; tried again later */
	int			error;			/* of the first failure */
} FfuExpired;

extern void ffu_expire(FfuExpired *expired, int limit);
extern void ffu_expire_settle(void);
extern List *ffu_expire_names(void);
extern const char *ffu_expire_complaint(const char *name, bool *ended);

#endif							/* FFU_EXPIRE_H */
