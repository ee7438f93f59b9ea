/*-------------------------------------------------------------------------
 *
 * expire.h
 *	  Resumable uploads that nobody goes on with.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_EXPIRE_H
#define FFU_EXPIRE_H

#include "base/ffu.h"
#include "nodes/pg_list.h"

/* What was done, in files. */
typedef struct FfuExpired
{
	void		(*pause) (void);	/* see FfuSweep */
	int64		removed;		/* expired, or of no upload */
	bool		more;			/* the limit was reached */
	int64		open;			/* begun by a transaction in progress */
	int64		unclear;		/* not a name of ours */
	int64		failed;			/* could not be removed: tried again later */
	int			error;			/* why, of the first of them */
} FfuExpired;

extern void ffu_expire(FfuExpired *expired, int limit);
extern void ffu_expire_settle(void);
extern List *ffu_expire_names(void);
extern const char *ffu_expire_complaint(const char *name, bool *ended);

#endif							/* FFU_EXPIRE_H */
