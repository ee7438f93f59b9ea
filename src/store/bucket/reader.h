/*-------------------------------------------------------------------------
 *
 * reader.h
 *	  Reads the objects of a bucket.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_BUCKET_READER_H
#define FFU_BUCKET_READER_H

#include "base/ffu.h"

#include "store/bucket.h"
#include "store/reader.h"

extern void ffu_bucket_begin(const FfuPlace *place, const char *key,
							 int64 size, int64 window, FfuReader *reader);
extern int	ffu_bucket_open(const char *key, FfuReader *reader);

#endif							/* FFU_BUCKET_READER_H */
