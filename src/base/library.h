/*-------------------------------------------------------------------------
 *
 * library.h
 *	  The libraries beside ffu, which only those sessions load that need them.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_LIBRARY_H
#define FFU_LIBRARY_H

#include "base/ffu.h"

extern void *ffu_library_function(const char *library, const char *function,
								  const char *hint);
extern void ffu_library_check(const char *name, int wanted, int found);

#endif							/* FFU_LIBRARY_H */
