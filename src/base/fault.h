/*-------------------------------------------------------------------------
 *
 * fault.h
 *	  Named points at which a test can make things go wrong.
 *
 * Compiled in only where FFU_FAULTS is defined, which only the
 * tests do: a release build has none of them, not even their names.
 *
 * FFU_POINT		where an error may be raised
 * FFU_POINT_SAFE	where it may not: killing and crashing work, "error" does
 *					nothing
 * FFU_POINT_ERRNO	before a system call: the error number to pretend, or 0
 * FFU_POINT_IN_ORDER	is a file system to be taken for one that keeps things in
 *					order (store.h), so that tests need not have one?
 *
 * The names are found by the tests in the source, so that every new point is
 * crashed at by itself.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_FAULT_H
#define FFU_FAULT_H

#include "base/ffu.h"

#ifdef FFU_FAULTS

extern bool ffu_point_in_order;

extern void ffu_point_init(void);
extern void ffu_point_reach(const char *name);
extern void ffu_point_reach_safe(const char *name);
extern int	ffu_point_errno(const char *name);

#define FFU_POINT(name)			ffu_point_reach(name)
#define FFU_POINT_SAFE(name)	ffu_point_reach_safe(name)
#define FFU_POINT_ERRNO(name)	ffu_point_errno(name)
#define FFU_POINT_IN_ORDER()	ffu_point_in_order

#else

#define ffu_point_init()		((void) 0)
#define FFU_POINT(name)			((void) 0)
#define FFU_POINT_SAFE(name)	((void) 0)
#define FFU_POINT_ERRNO(name)	0
#define FFU_POINT_IN_ORDER()	false

#endif

#endif							/* FFU_FAULT_H */
