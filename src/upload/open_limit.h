/*-------------------------------------------------------------------------
 *
 * open_limit.h
 *	  The limit of the open resumable uploads of a role.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_OPEN_LIMIT_H
#define FFU_OPEN_LIMIT_H

#include "base/ffu.h"

extern void ffu_open_limit_check(void);

#endif							/* FFU_OPEN_LIMIT_H */
