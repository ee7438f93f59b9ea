/*-------------------------------------------------------------------------
 *
 * fault.h
 *	  Named points at which a test can cause a fault.
 *
 * The points are compiled only if FFU_FAULTS is defined, as in test builds.  A
 * release build has no points, not even their names.
 *
 * FFU_POINT: a point where an error is allowed.
 *
 * FFU_POINT_SAFE: a point where no error is allowed.  "kill" and "crash" work,
 * "error" does nothing.
 *
 * FFU_POINT_ERRNO: a point before a system call.  Returns the error number to
 * pretend, or 0.
 *
 * FFU_POINT_IN_ORDER: tells whether ffu shall assume a file system that keeps
 * the order of changes (store.h), for tests on other file systems.
 *
 * The tests find the names in the source, and crash the server at every point,
 * new points included.
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
