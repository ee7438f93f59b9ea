/*-------------------------------------------------------------------------
 *
 * fault.h
 *	  Named points at which a test can cause a fault.
 *
 * The points are compiled only if FFU_FAULTS is defined, as in test builds.  A
 * release build has no points, not even their names.
 *
 * FFU_FAULT: a point where an error is allowed.
 *
 * FFU_FAULT_SAFE: a point where no error is allowed.  "kill" and "crash" work,
 * "error" does nothing.
 *
 * FFU_FAULT_ERRNO: a point before a system call.  Returns the error number to
 * pretend, or 0.
 *
 * FFU_FAULT_IN_ORDER: tells whether ffu shall assume a file system that keeps
 * the order of changes (store/dir/folder.h), for tests on other file systems.
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

extern bool ffu_fault_in_order;

extern void ffu_fault_init(void);
extern void ffu_fault_reach(const char *name);
extern void ffu_fault_reach_safe(const char *name);
extern int	ffu_fault_errno(const char *name);

#define FFU_FAULT(name)			ffu_fault_reach(name)
#define FFU_FAULT_SAFE(name)	ffu_fault_reach_safe(name)
#define FFU_FAULT_ERRNO(name)	ffu_fault_errno(name)
#define FFU_FAULT_IN_ORDER()	ffu_fault_in_order

#else

#define ffu_fault_init()		((void) 0)
#define FFU_FAULT(name)			((void) 0)
#define FFU_FAULT_SAFE(name)	((void) 0)
#define FFU_FAULT_ERRNO(name)	0
#define FFU_FAULT_IN_ORDER()	false

#endif

#endif							/* FFU_FAULT_H */
