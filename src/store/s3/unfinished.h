/*-------------------------------------------------------------------------
 *
 * unfinished.h
 *	  Ends multipart uploads that nobody finishes.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_UNFINISHED_H
#define FFU_UNFINISHED_H

#include "base/ffu.h"

#include "store/bucket.h"

extern int	ffu_unfinished_end(const FfuPlace *place, FfuKeyRemoval *removals,
							   int n);
extern void ffu_unfinished_end_one(const FfuPlace *place,
								   FfuKeyRemoval *removal, char *id);

#endif							/* FFU_UNFINISHED_H */
