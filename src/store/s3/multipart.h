/*-------------------------------------------------------------------------
 *
 * multipart.h
 *	  Multipart uploads: objects that several requests store.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_MULTIPART_H
#define FFU_MULTIPART_H

#include "base/ffu.h"

#include "store/bucket.h"

extern void ffu_multipart_put(const FfuPlace *place, FfuPut *put);
extern bool ffu_multipart_probe(const FfuPlace *place, const FfuPut *put);

#endif							/* FFU_MULTIPART_H */
