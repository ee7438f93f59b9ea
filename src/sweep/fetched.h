/*-------------------------------------------------------------------------
 *
 * fetched.h
 *	  Removes what a fetch of missing files has left.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_SWEEP_FETCHED_H
#define FFU_SWEEP_FETCHED_H

#include "base/ffu.h"
#include "store/store.h"

extern void ffu_sweep_fetched(FfuStore *store);

#endif							/* FFU_SWEEP_FETCHED_H */
