/*-------------------------------------------------------------------------
 *
 * resumable_id.h
 *	  The id of a resumable upload, and the name of its file.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_RESUMABLE_ID_H
#define FFU_RESUMABLE_ID_H

#include "base/ffu.h"

/* What an id looks like: this, and a token. */
#define FFU_SECRET_PREFIX	"resume:"
#define FFU_SECRET_LEN		(7 + FFU_TOKEN_LEN)

/* The name of a file: "<fxid>.<16 hex digits>". */
#define FFU_RESUMED_MAX		(20 + 1 + 16)

/* What is known of an id without knowing it. */
typedef struct FfuSecret
{
	int64		key;			/* the digest's first 8 bytes */
	char		sha256[FFU_SHA256_HEX_LEN + 1];
} FfuSecret;

extern bool ffu_secret_is(const char *value);
extern void ffu_secret_make(char *id, FfuSecret *secret);
extern bool ffu_secret_read(const char *id, FfuSecret *secret);
extern void ffu_secret_name(char *name, uint64 fxid, int64 key);
extern bool ffu_secret_parse_name(const char *name, uint64 *fxid, int64 *key);

#endif							/* FFU_RESUMABLE_ID_H */
