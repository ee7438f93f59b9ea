/*-------------------------------------------------------------------------
 *
 * limit.h
 *	  The limit of the bytes that a transaction stages.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_LIMIT_H
#define FFU_LIMIT_H

#include "base/ffu.h"

#include "transaction/file.h"

extern void ffu_limit_check_staged(int64 more);
extern void ffu_limit_check_linked(const FfuFile *file, int64 size);

#endif							/* FFU_LIMIT_H */
