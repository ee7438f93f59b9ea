/*-------------------------------------------------------------------------
 *
 * digest.c
 *	  SHA-256.
 *
 * The server's functions report failures by their results.  No caller can do
 * anything but raise an error, so the functions of this file raise the error.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "common/cryptohash.h"
#include "utils/builtins.h"

#include "base/digest.h"

/*
 * Begin a SHA-256.  The result lasts as long as the current memory context and
 * the current resource owner, or until ffu_digest_end() or
 * pg_cryptohash_free().
 */
pg_cryptohash_ctx *
ffu_digest_begin(void)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);

	if (hash == NULL || pg_cryptohash_init(hash) < 0)
		elog(ERROR, "could not initialize SHA-256");
	return hash;
}

/*
 * Add bytes to a SHA-256.
 */
void
ffu_digest_add(pg_cryptohash_ctx *hash, const char *data, size_t len)
{
	if (pg_cryptohash_update(hash, (const uint8 *) data, len) < 0)
		elog(ERROR, "could not update SHA-256");
}

/*
 * Finish and free a SHA-256: write FFU_SHA256_LEN bytes.
 */
void
ffu_digest_end(pg_cryptohash_ctx *hash, uint8 *bytes)
{
	if (pg_cryptohash_final(hash, bytes, FFU_SHA256_LEN) < 0)
		elog(ERROR, "could not finalize SHA-256");
	pg_cryptohash_free(hash);
}

/*
 * Write a SHA-256 as FFU_SHA256_HEX_LEN digits and a zero byte.
 */
void
ffu_digest_to_hex(const uint8 *bytes, char *hex)
{
	hex_encode((const char *) bytes, FFU_SHA256_LEN, hex);
	hex[FFU_SHA256_HEX_LEN] = '\0';
}
