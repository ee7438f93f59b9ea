/*-------------------------------------------------------------------------
 *
 * proof.c
 *	  The proof in a path: for which column and row the path was made.
 *
 * A row can get a path that ffu did not make for the row: triggers were
 * disabled, a dump was restored, a subscription applied a change.  When such a
 * row is deleted, the file may belong to another row.  So only the first half
 * of a token is random.  The second half is a keyed hash of the first half,
 * the column and the row.  The key belongs to the folder: ffu.root and
 * .ffu/owner have a copy each, and no dump contains the key.
 *
 * A path without a valid proof is no error: renaming a table or changing a
 * primary key has the same effect.  The deletion of such a path is doubtful,
 * and waits until verify.c has looked for another row with the path.
 *
 * Without the key, all 128 bits of a token look random.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "common/hmac.h"
#include "common/sha2.h"

#include "column/proof.h"
#include "store/dir/root.h"
#include "text/token.h"

/* Lengths of the random half and the proof of a token */
#define RANDOM_BYTES		8
#define PROOF_BYTES			(FFU_TOKEN_BYTES - RANDOM_BYTES)

/*
 * Return the key of the folder that this database has claimed, or NULL.  Open
 * the folder for the rest of the transaction, which the commit of a deletion
 * does in any case.  If the folder cannot be opened, read the key from
 * ffu.root.  The result is good until the next call.
 */
static const char *
find_key(void)
{
	static FfuClaim claim;
	const char *key = claim.key;

	if (ffu_root_in_use() != NULL || ffu_root_try() != NULL)
		key = ffu_root_key();
	else if (!ffu_root_read_claim(&claim, false))
		return NULL;
	return *key ? key : NULL;
}

/*
 * Compute the second half of a token from the first half and the owner.
 */
static void
prove(const char *key, const StringInfoData *whose, const uint8 *random,
	  uint8 *proof)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	pg_hmac_ctx *hmac = pg_hmac_create(PG_SHA256);

	if (hmac == NULL ||
		pg_hmac_init(hmac, (const uint8 *) key, strlen(key)) < 0 ||
		pg_hmac_update(hmac, random, RANDOM_BYTES) < 0 ||
		pg_hmac_update(hmac, (const uint8 *) whose->data, whose->len) < 0 ||
		pg_hmac_final(hmac, digest, sizeof(digest)) < 0)
		elog(ERROR, "could not compute HMAC");
	pg_hmac_free(hmac);
	memcpy(proof, digest, PROOF_BYTES);
}

/*
 * Make a token, FFU_TOKEN_LEN + 1 bytes, for a path of the column and row that
 * whose describes.  In a folder without a key the token proves nothing.
 */
void
ffu_proof_token(const StringInfoData *whose, char *token)
{
	const char *key = find_key();
	uint8		bytes[FFU_TOKEN_BYTES];

	ffu_token_random(bytes, FFU_TOKEN_BYTES);
	if (key != NULL)
		prove(key, whose, bytes, bytes + RANDOM_BYTES);
	ffu_token_write(bytes, token);
}

/*
 * Tell whether the path was made for the column and row that whose describes.
 * A path has one token, and may have a few other words that look like a token.
 */
bool
ffu_proof_holds(const StringInfoData *whose, const char *path)
{
	const char *key = find_key();
	const char *p = path;
	uint8		bytes[FFU_TOKEN_BYTES];
	uint8		proof[PROOF_BYTES];

	if (key == NULL)
		return false;
	while ((p = ffu_token_find(p, bytes)) != NULL)
	{
		prove(key, whose, bytes, proof);
		if (memcmp(proof, bytes + RANDOM_BYTES, PROOF_BYTES) == 0)
			return true;
	}
	return false;
}
