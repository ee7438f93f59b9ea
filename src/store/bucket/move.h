/*-------------------------------------------------------------------------
 *
 * move.h
 *	  Files that move between folder and bucket.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_MOVE_H
#define FFU_MOVE_H

#include "base/ffu.h"
#include "nodes/pg_list.h"

#include "store/store.h"

extern void ffu_move_lock(bool moves);
extern void ffu_move_require_owner(void);

/* Called with the files that were removed from the folder */
typedef void (*FfuMoveNote) (const FfuRemoval *removals, int n);

extern int64 ffu_move_leave(FfuStore *store, List *paths, bool to_bucket,
							FfuMoveNote note);

#endif							/* FFU_MOVE_H */
