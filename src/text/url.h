/*-------------------------------------------------------------------------
 *
 * url.h
 *	  The grammar of URLs, and their signatures.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_URL_H
#define FFU_URL_H

#include "base/ffu.h"
#include "lib/stringinfo.h"

/* A signature: 16 bytes in base64url without padding */
#define FFU_SIGNATURE_LEN		22

/* What a signature covers, besides the secret */
typedef struct FfuSigned
{
	const char *uri;			/* path of the URL, as the web server sees it */
	size_t		uri_len;
	const char *download;		/* encoded name, or NULL */
	size_t		download_len;
	int64		expires;		/* seconds since 1970, UTC */
} FfuSigned;

/* A signed URL, taken apart */
typedef struct FfuSignedUrl
{
	FfuSigned	what;
	int32		key;			/* number of the secret */
	const char *signature;		/* FFU_SIGNATURE_LEN bytes */
} FfuSignedUrl;

extern const char *ffu_url_uri(const char *url, size_t len, size_t *uri_len);
extern void ffu_url_append_encoded(StringInfo buf, const char *name);
extern void ffu_url_sign(const FfuSigned *what, const char *secret,
						 char *signature);
extern bool ffu_url_parse(const char *url, FfuSignedUrl *parsed);
extern bool ffu_url_signature_equals(const char *one, const char *other);

#endif							/* FFU_URL_H */
