/*-------------------------------------------------------------------------
 *
 * resumable_id.c
 *	  The id of a resumable upload, and the name of the upload's file.
 *
 * Everybody who has the id (and the role) can append.  So the id is a secret
 * of 128 random bits, and only the SHA-256 of the id is stored.  The first 8
 * bytes of the SHA-256 are the upload's key: in the table, in the name of the
 * upload's file and in the lock that sessions take while working on the
 * upload.  Nobody can derive the id from the key.
 *
 * The name of the file includes the transaction that began the upload: until
 * that transaction ends, other sessions cannot see the upload's row.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "utils/builtins.h"

#include "base/digest.h"
#include "text/path.h"
#include "text/resumable_id.h"
#include "text/token.h"

/*
 * Tell whether a value starts like the id of a resumable upload; the rest may
 * be invalid.
 */
bool
ffu_resumable_id_is(const char *value)
{
	return strncmp(value, FFU_RESUMABLE_ID_PREFIX, strlen(FFU_RESUMABLE_ID_PREFIX)) == 0;
}

/*
 * Compute the digest and the key of an id.
 */
static void
digest(const char *id, FfuResumableId *secret)
{
	uint8		bytes[FFU_SHA256_LEN];
	struct pg_cryptohash_ctx *hash = ffu_digest_begin();
	uint64		key = 0;
	int			i;

	ffu_digest_add(hash, id, strlen(id));
	ffu_digest_end(hash, bytes);
	for (i = 0; i < 8; i++)
		key = key << 8 | bytes[i];
	secret->key = (int64) key;
	ffu_digest_to_hex(bytes, secret->sha256);
}

/*
 * Make a new id of FFU_RESUMABLE_ID_LEN + 1 bytes, and its digest and key.
 */
void
ffu_resumable_id_make(char *id, FfuResumableId *secret)
{
	strlcpy(id, FFU_RESUMABLE_ID_PREFIX, FFU_RESUMABLE_ID_LEN + 1);
	ffu_token_make(id + strlen(FFU_RESUMABLE_ID_PREFIX));
	digest(id, secret);
}

/*
 * Compute the digest and the key of an id.  Return false if the id is invalid.
 */
bool
ffu_resumable_id_read(const char *id, FfuResumableId *secret)
{
	const char *token = id + strlen(FFU_RESUMABLE_ID_PREFIX);

	if (!ffu_resumable_id_is(id) || strlen(token) != FFU_TOKEN_LEN ||
		!ffu_path_valid(token, FFU_TOKEN_LEN))
		return false;
	digest(id, secret);
	return true;
}

/*
 * Write the name of an upload's file, FFU_RESUMED_MAX + 1 bytes.  Raise no
 * error and allocate nothing.
 */
void
ffu_resumable_id_name(char *name, uint64 fxid, int64 key)
{
	static const char digits[] = "0123456789abcdef";
	char	   *out = name + pg_ulltoa_n(fxid, name);
	int			shift;

	*out++ = '.';
	for (shift = 60; shift >= 0; shift -= 4)
		*out++ = digits[((uint64) key >> shift) & 0xf];
	*out = '\0';
}

/*
 * Parse the name of an upload's file.  Return false if the name is invalid.
 */
bool
ffu_resumable_id_parse_name(const char *name, uint64 *fxid, int64 *key)
{
	char		again[FFU_RESUMED_MAX + 1];
	char	   *end;

	errno = 0;
	*fxid = strtou64(name, &end, 10);
	if (errno != 0 || *end != '.')
		return false;
	*key = (int64) strtou64(end + 1, &end, 16);
	if (errno != 0 || *end != '\0')
		return false;
	ffu_resumable_id_name(again, *fxid, *key);
	return strcmp(name, again) == 0;
}
