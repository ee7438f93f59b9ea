/*-------------------------------------------------------------------------
 *
 * claim.h
 *	  Whose a bucket is: the object .ffu/owner.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_BUCKET_CLAIM_H
#define FFU_BUCKET_CLAIM_H

#include "base/ffu.h"

#include "store/bucket.h"

#define FFU_BUCKET_OWNER	".ffu/owner"

/* What the owner object of a bucket says */
typedef enum FfuBucketOwner
{
	FFU_BUCKET_OURS,
	FFU_BUCKET_NO_OWNER,		/* there is no owner object */
	FFU_BUCKET_COPY,			/* another copy of this cluster */
	FFU_BUCKET_FOREIGN,			/* another database or cluster */
	FFU_BUCKET_UNREADABLE		/* malformed, or of a later version */
} FfuBucketOwner;

extern FfuBucketOwner ffu_bucket_claim_look(const FfuPlace *place,
											const char *root_id,
											char **detail);
extern bool ffu_bucket_claim_fence(const FfuPlace *place,
								   const char *root_id, char **why);
extern void ffu_bucket_claim_write(const FfuPlace *place,
								   const char *root_id);

#endif							/* FFU_BUCKET_CLAIM_H */
