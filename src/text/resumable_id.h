/*-------------------------------------------------------------------------
 *
 * resumable_id.h
 *	  The id of a resumable upload, and the name of the upload's file.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_RESUMABLE_ID_H
#define FFU_RESUMABLE_ID_H

#include "base/ffu.h"

/* An id is this prefix and a token. */
#define FFU_RESUMABLE_ID_PREFIX	"resume:"
#define FFU_RESUMABLE_ID_LEN		(7 + FFU_TOKEN_LEN)

/* The name of a file: "<fxid>.<16 hex digits>" */
#define FFU_RESUMED_MAX		(20 + 1 + 16)

/* The stored part of an id, from which nobody can derive the id */
typedef struct FfuResumableId
{
	int64		key;			/* first 8 bytes of the digest */
	char		sha256[FFU_SHA256_HEX_LEN + 1];
} FfuResumableId;

extern bool ffu_resumable_id_is(const char *value);
extern void ffu_resumable_id_make(char *id, FfuResumableId *secret);
extern bool ffu_resumable_id_read(const char *id, FfuResumableId *secret);
extern void ffu_resumable_id_name(char *name, uint64 fxid, int64 key);
extern bool ffu_resumable_id_parse_name(const char *name, uint64 *fxid, int64 *key);

#endif							/* FFU_RESUMABLE_ID_H */
