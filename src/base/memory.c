/*-------------------------------------------------------------------------
 *
 * memory.c
 *	  The allocator of the C library, and large values.
 *
 * A file that passes through a connection is in the backend's memory as a
 * value, and PostgreSQL gives that memory back to the C library after each
 * statement.  The library in turn gives it back to the system: what is larger
 * than its mmap threshold at once, and the end of the heap whenever more than
 * its trim threshold is free there.  Both are 128 kB in a new process.  Then
 * every page is a page fault again for the next file, and on machines with
 * several processors every return interrupts the others; for files of 100 kB
 * that has been seen to cost more than all else together.
 *
 * The GNU library learns: when something is freed that was larger than the
 * mmap threshold, up to 32 MB, that is the threshold from then on, and the
 * other one is twice as much.  So that is what we do once, in a session that
 * handles a large file.  Nothing of what is allocated here is ever touched.
 * The session may then keep up to twice LEARNED of what it has used anyway.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <stdlib.h>

#include "base/memory.h"

/* Files of fewer bytes are below the thresholds anyway. */
#define LARGE			((int64) 32 * 1024)

/* The mmap threshold in bytes, afterwards */
#define LEARNED			((size_t) 8 * 1024 * 1024)

/*
 * Values of so many bytes are going to be handled.  Raises no error.
 */
void
ffu_memory_expect(int64 size)
{
	static bool learned = false;
	void	   *volatile block;

	if (learned || size < LARGE)
		return;
	learned = true;
	/* volatile, or the compiler would see that nothing is done with it */
	block = malloc(LEARNED);
	free(block);
}
