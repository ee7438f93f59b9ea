/*-------------------------------------------------------------------------
 *
 * http.h
 *	  Sends requests to an object store, several at a time.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_HTTP_H
#define FFU_HTTP_H

#include "base/ffu.h"

#include "store/s3/call.h"

extern void ffu_http_run(const FfuPlace *place, FfuCall *calls, int n);
extern void ffu_http_free(FfuCall *calls, int n);

#endif							/* FFU_HTTP_H */
