/*-------------------------------------------------------------------------
 *
 * put.h
 *	  Stores and copies objects, small and large.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_PUT_H
#define FFU_PUT_H

#include "base/ffu.h"

#include "store/bucket.h"

extern void ffu_put_objects(const FfuPlace *place, FfuPut *puts, int n);
extern void ffu_put_copies(const FfuPlace *place, FfuKeyCopy *copies, int n);

#endif							/* FFU_PUT_H */
