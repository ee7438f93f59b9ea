/*-------------------------------------------------------------------------
 *
 * object.h
 *	  Stores, reads and looks at single objects.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_OBJECT_H
#define FFU_OBJECT_H

#include "base/ffu.h"

#include "store/bucket.h"
#include "store/s3/call.h"

extern void ffu_object_describe(FfuCall *call, const FfuPut *put);
extern void ffu_object_ask_put(FfuCall *call, const FfuPut *put);
extern void ffu_object_look_all(const FfuPlace *place, FfuKeyLook *looks,
								int n);
extern bool ffu_object_look(const FfuPlace *place, const char *key,
							FfuObject *object);
extern bool ffu_object_read(const FfuPlace *place, const char *key, char *buf,
							size_t len, int64 offset);
extern char *ffu_object_source(const FfuPlace *place, const char *key);
extern void ffu_object_sign(const FfuPlace *place, const char *key,
							const char *disposition, int64 time, int expires,
							StringInfo url);

extern void ffu_object_ask_direct(FfuCall *call, const char *key,
								  const char *length, const char *sha256);
extern void ffu_object_sign_put(const FfuPlace *place, const char *key,
								int64 size, const char *sha256, int64 time,
								int expires, StringInfo url);

#endif							/* FFU_OBJECT_H */
