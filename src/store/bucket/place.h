/*-------------------------------------------------------------------------
 *
 * place.h
 *	  The bucket of this database, and the library that speaks to it.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_PLACE_H
#define FFU_PLACE_H

#include "base/ffu.h"

#include "store/bucket.h"

/* The row of ffu.bucket */
typedef struct FfuBucketRow
{
	const char *url;
	const char *region;
	const char *style;			/* "path" or "host" */
	const char *profile;
	const char *ca_file;		/* "": the certificates of the system */
	bool		insecure;		/* http to another host is allowed */
	bool		batch;			/* the store removes many keys at once */
	bool		direct;			/* the store takes direct uploads */
} FfuBucketRow;

extern const FfuBucketMethods *ffu_place_methods(void);
extern void ffu_place_make(const FfuBucketRow *row, FfuPlace *place);
extern bool ffu_place_exists(void);
extern bool ffu_place_find(FfuPlace *place);

#endif							/* FFU_PLACE_H */
