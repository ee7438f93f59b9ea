/*-------------------------------------------------------------------------
 *
 * verify.h
 *	  Doubtful deletions: look for other rows that have the file.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_VERIFY_H
#define FFU_VERIFY_H

#include "base/ffu.h"
#include "storage/block.h"
#include "utils/hsearch.h"

/* What a verification found, in deletions */
typedef struct FfuVerified
{
	int64		cleared;		/* no row has the path: doomed now */
	int64		refused;		/* another row has it: struck off */
	int64		waiting;		/* still doubtful */
	HTAB	   *ids;			/* of those cleared, of int64 */
} FfuVerified;

extern void ffu_verify(FfuVerified *result, BlockNumber max_blocks);

#endif							/* FFU_VERIFY_H */
