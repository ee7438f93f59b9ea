/*-------------------------------------------------------------------------
 *
 * moving.h
 *	  The table of files that wait for their move to the bucket.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_MOVING_H
#define FFU_MOVING_H

#include "base/ffu.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"

#include "store/store.h"

/* A row of ffu.moving; the texts are palloc'd */
typedef struct FfuMoving
{
	ItemPointerData tid;
	char	   *path;
	char	   *sha256;			/* NULL if not known */
	bool		copied;			/* the bucket has the file */
} FfuMoving;

/* May a file move now? */
typedef bool (*FfuMovingFilter) (const char *path, const void *arg);

extern void ffu_moving_add(const FfuOutgoing *files, uint32 n);
extern List *ffu_moving_due(int limit, FfuMovingFilter may, const void *arg);
extern void ffu_moving_set(const FfuMoving *moving, bool copied);
extern void ffu_moving_remove(const FfuMoving *moving);

#endif							/* FFU_MOVING_H */
