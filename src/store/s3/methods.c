/*-------------------------------------------------------------------------
 *
 * methods.c
 *	  The library ffu_s3: its table of functions.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "store/bucket.h"
#include "store/s3/keys.h"
#include "store/s3/object.h"
#include "store/s3/probe.h"
#include "store/s3/put.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT const FfuBucketMethods *ffu_bucket_methods(void);

static const FfuBucketMethods methods = {
	FFU_BUCKET_VERSION,
	ffu_put_objects,
	ffu_object_look,
	ffu_object_look_all,
	ffu_object_read,
	ffu_put_copies,
	ffu_keys_remove,
	ffu_keys_walk,
	ffu_object_sign,
	ffu_object_sign_put,
	ffu_probe
};

/*
 * Return the table.  The library ffu calls this when a session first uses a
 * bucket.
 */
const FfuBucketMethods *
ffu_bucket_methods(void)
{
	return &methods;
}
