/*-------------------------------------------------------------------------
 *
 * claim.c
 *	  Whose a bucket is: the object .ffu/owner.
 *
 * The object has the form of the owner file of a folder, without the key for
 * proofs, since others may read a bucket.  The object fences deletions: a
 * primary that was replaced finds another owner, and removes nothing.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "base/caught.h"
#include "base/digest.h"
#include "store/bucket/claim.h"
#include "store/bucket/place.h"
#include "store/dir/owner.h"
#include "store/dir/root.h"

/*
 * Give the bytes of a text to a request.
 */
static int
read_text(void *arg, char *buf, size_t len, int64 offset)
{
	memcpy(buf, (const char *) arg + offset, len);
	return 0;
}

/*
 * Compare what the owner object says with this database.  Set *detail to a
 * sentence for a message.
 */
static FfuBucketOwner
judge_owner(const FfuOwner *owner, const char *root_id, char **detail)
{
	FfuOwner	self;

	ffu_root_self("", &self);
	if (owner->system_identifier != self.system_identifier ||
		owner->database != self.database ||
		strcmp(owner->root_id, root_id) != 0)
	{
		*detail = psprintf("Its owner is root \"%s\", database %u of cluster " UINT64_FORMAT ".",
						   owner->root_id, owner->database,
						   owner->system_identifier);
		return FFU_BUCKET_FOREIGN;
	}
	if (strcmp(owner->machine, self.machine) != 0 ||
		owner->control_inode != self.control_inode)
	{
		*detail = pstrdup("Another copy of this cluster has claimed it.");
		return FFU_BUCKET_COPY;
	}
	return FFU_BUCKET_OURS;
}

/*
 * Read the owner object of a bucket.  root_id is the id of this database's
 * root.  Set *detail to a sentence for a message if the bucket is not ours.
 */
FfuBucketOwner
ffu_bucket_claim_look(const FfuPlace *place, const char *root_id,
					  char **detail)
{
	const FfuBucketMethods *methods = ffu_place_methods();
	FfuObject	object;
	FfuOwner	owner;
	char		content[FFU_OWNER_TEXT_MAX];
	int			result;

	*detail = pstrdup("It has no \".ffu/owner\".");
	if (!methods->look(place, FFU_BUCKET_OWNER, &object))
		return FFU_BUCKET_NO_OWNER;
	*detail = pstrdup("Its \".ffu/owner\" is not the owner object of a bucket.");
	if (object.size <= 0 || object.size >= sizeof(content))
		return FFU_BUCKET_UNREADABLE;
	if (!methods->read(place, FFU_BUCKET_OWNER, content, object.size, 0))
		return FFU_BUCKET_NO_OWNER;
	content[object.size] = '\0';
	result = ffu_owner_parse(content, &owner);
	if (result == FFU_OWNER_NEWER)
		*detail = pstrdup("A later version of ffu has used it.");
	if (result != 0)
		return FFU_BUCKET_UNREADABLE;
	return judge_owner(&owner, root_id, detail);
}

/*
 * Tell whether this database still owns the bucket, so that it may remove
 * objects.  If not, or if the bucket cannot be asked, set *why to the reason.
 * A cancel still raises its error.
 */
bool
ffu_bucket_claim_fence(const FfuPlace *place, const char *root_id, char **why)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool ours = false;

	PG_TRY();
	{
		ours = ffu_bucket_claim_look(place, root_id, why) == FFU_BUCKET_OURS;
	}
	PG_CATCH();
	{
		*why = ffu_caught_store(context);
	}
	PG_END_TRY();
	return ours;
}

/*
 * Make this database the owner of a bucket.
 */
void
ffu_bucket_claim_write(const FfuPlace *place, const char *root_id)
{
	FfuPut		put = {0};
	FfuOwner	owner;
	char		content[FFU_OWNER_TEXT_MAX];
	uint8		digest[FFU_SHA256_LEN];
	char		hex[FFU_SHA256_HEX_LEN + 1];
	struct pg_cryptohash_ctx *hash = ffu_digest_begin();

	ffu_root_self("", &owner);
	strlcpy(owner.root_id, root_id, sizeof(owner.root_id));
	ffu_owner_write(content, &owner);
	ffu_digest_add(hash, content, strlen(content));
	ffu_digest_end(hash, digest);
	ffu_digest_to_hex(digest, hex);
	put.key = FFU_BUCKET_OWNER;
	put.size = strlen(content);
	put.sha256 = hex;
	put.type = "text/plain";
	put.root_id = root_id;
	put.read = read_text;
	put.arg = content;
	ffu_place_methods()->put(place, &put, 1);
}
