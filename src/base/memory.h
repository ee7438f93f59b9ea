/*-------------------------------------------------------------------------
 *
 * memory.h
 *	  The allocator of the C library, and large values.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_MEMORY_H
#define FFU_MEMORY_H

#include "base/ffu.h"

extern void ffu_memory_expect(int64 size);

#endif							/* FFU_MEMORY_H */
