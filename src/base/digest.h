/*-------------------------------------------------------------------------
 *
 * digest.h
 *	  SHA-256.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_DIGEST_H
#define FFU_DIGEST_H

#include "base/ffu.h"

struct pg_cryptohash_ctx;

extern struct pg_cryptohash_ctx *ffu_digest_begin(void);
extern void ffu_digest_add(struct pg_cryptohash_ctx *hash, const char *data,
						   size_t len);
extern void ffu_digest_end(struct pg_cryptohash_ctx *hash, uint8 *bytes);
extern void ffu_digest_to_hex(const uint8 *bytes, char *hex);

#endif							/* FFU_DIGEST_H */
