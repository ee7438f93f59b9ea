/*-------------------------------------------------------------------------
 *
 * caught.h
 *	  Errors of an object store that somebody catches.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_CAUGHT_H
#define FFU_CAUGHT_H

#include "base/ffu.h"

extern char *ffu_caught_store(MemoryContext context);

#endif							/* FFU_CAUGHT_H */
