/*-------------------------------------------------------------------------
 *
 * keys.h
 *	  Lists and removes the objects of a bucket.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_KEYS_H
#define FFU_KEYS_H

#include "base/ffu.h"

#include "store/bucket.h"

extern void ffu_keys_walk(const FfuPlace *place, const char *start,
						  FfuKeyVisitor visit, void *arg);
extern void ffu_keys_remove(const FfuPlace *place, FfuKeyRemoval *removals,
							int n);

#endif							/* FFU_KEYS_H */
