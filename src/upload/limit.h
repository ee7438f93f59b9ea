/*-------------------------------------------------------------------------
 *
 * limit.h
 *	  Limits of what a role can do to the disk before COMMIT.
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
extern void ffu_limit_check_uploads(void);

#endif							/* FFU_LIMIT_H */
