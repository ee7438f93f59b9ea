/*-------------------------------------------------------------------------
 *
 * limit.h
 *	  The limits of what a transaction stages.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_LIMIT_H
#define FFU_LIMIT_H

#include "base/ffu.h"

#include "text/mime.h"
#include "transaction/file.h"

extern int64 ffu_limit_staged(void);
extern int64 ffu_limit_detection(void);
extern void ffu_limit_check_staged(int64 more);
extern void ffu_limit_check_linked(const FfuFile *file, int64 size);
extern void ffu_limit_detect(const void *data, size_t len, int64 size,
							 FfuReadPiece read, void *arg, FfuMime *mime);

/* For the transaction callbacks: raise no error */
extern void ffu_limit_reset(void);

#endif							/* FFU_LIMIT_H */
