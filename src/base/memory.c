/*-------------------------------------------------------------------------
 *
 * memory.c
 *	  The allocator of the C library, and large values.
 *
 * A file that passes through a connection is a value in the backend's memory,
 * and PostgreSQL returns that memory to the C library after each statement.
 * The library returns memory to the system: blocks larger than the mmap
 * threshold at once, and the end of the heap whenever more than the trim
 * threshold is free there.  Both thresholds are 128 kB in a new process.  Then
 * the next file takes a page fault for every page, and on machines with
 * several processors every return interrupts the other processors.  For files
 * of 100 kB this cost was measured to exceed all other costs together.
 *
 * The GNU library learns: when a program frees a block larger than the mmap
 * threshold, up to 32 MB, the block's size becomes the threshold, and the trim
 * threshold becomes twice the size.  ffu_memory_expect frees a block of
 * LEARNED bytes once, in a session that handles a large file.  The block is
 * never touched.  The session may then keep up to twice LEARNED of the memory
 * it has used.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <stdlib.h>

#include "base/memory.h"

/* Smaller values stay below the thresholds. */
#define LARGE			((int64) 32 * 1024)

/* The mmap threshold in bytes, afterwards */
#define LEARNED			((size_t) 8 * 1024 * 1024)

/*
 * Prepare for values of size bytes.  Raise no error.
 */
void
ffu_memory_expect(int64 size)
{
	static bool learned = false;
	void	   *volatile block;

	if (learned || size < LARGE)
		return;
	learned = true;
	/* volatile: else the compiler drops the unused block */
	block = malloc(LEARNED);
	free(block);
}
