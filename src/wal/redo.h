/*-------------------------------------------------------------------------
 *
 * redo.h
 *	  The resource manager of ffu.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_REDO_H
#define FFU_REDO_H

#include "base/ffu.h"

extern void ffu_redo_init(void);

#endif							/* FFU_REDO_H */
