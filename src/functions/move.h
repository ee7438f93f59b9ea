/*-------------------------------------------------------------------------
 *
 * move.h
 *	  Moves files that waited in the folder to the bucket.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_FUNCTIONS_MOVE_H
#define FFU_FUNCTIONS_MOVE_H

#include "base/ffu.h"

extern bool ffu_move_due(int limit);

#endif							/* FFU_FUNCTIONS_MOVE_H */
