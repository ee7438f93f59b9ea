/*-------------------------------------------------------------------------
 *
 * area.h
 *	  Areas of shared memory.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_AREA_H
#define FFU_AREA_H

#include "storage/lwlock.h"

#include "base/ffu.h"

typedef struct FfuArea
{
	const char *name;			/* of the memory and of the lock */
	Size		size;			/* in bytes */

	/*
	 * Called in every process with the memory and its lock.  In the process
	 * that makes the memory, is_new is true, and all bytes are zero.
	 */
	void		(*attach) (void *memory, LWLock *lock, bool is_new);
} FfuArea;

extern void ffu_area_add(const FfuArea *area);

#endif							/* FFU_AREA_H */
