/*-------------------------------------------------------------------------
 *
 * verify.h
 *	  Verifies doubtful deletions: looks for other rows that have the file.
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

/* Result of a verification, in deletions and in staging names */
typedef struct FfuVerified
{
	int64		cleared;		/* no row has the path: state is now doomed */
	int64		refused;		/* another row has the path: struck off */
	int64		waiting;		/* still doubtful */
	int64		finished;		/* names: committed */
	int64		undone;			/* names: not committed; file removed */
	int64		failed;			/* names: an error of the file system */
	HTAB	   *ids;			/* ids (int64) of the cleared deletions */
} FfuVerified;

extern void ffu_verify(FfuVerified *result, BlockNumber max_blocks,
					   int64 max_rows, bool wait);

#endif							/* FFU_VERIFY_H */
