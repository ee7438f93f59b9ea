/*-------------------------------------------------------------------------
 *
 * sign.c
 *	  Signs requests to an object store (AWS Signature Version 4).
 *
 * A request is written in a canonical form, and a key derived from the secret
 * signs the digest of that form.  The derived key is good for a day and a
 * region, so a session derives it once a day.
 *
 * A header signs a request of ours; a query signs a URL for others.  The
 * canonical form is the same.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <time.h>

#include "common/cryptohash.h"
#include "common/hmac.h"
#include "common/sha2.h"

#include "store/s3/sign.h"

#define ALGORITHM	"AWS4-HMAC-SHA256"
#define SERVICE		"s3"
#define SCOPE_END	"aws4_request"

/* The most parameters of a query, and the most headers */
#define PAIRS_MAX	24

/* The derived key, and what it was derived from */
static struct
{
	char		day[FFU_SIGN_DAY_LEN + 1];
	char		region[64];
	char		secret[256];
	uint8		key[PG_SHA256_DIGEST_LENGTH];
}			derived;

/*
 * Raise an error of the server's digests.
 */
static void
refuse_digest(const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_INTERNAL_ERROR),
			 errmsg("could not sign a request to the object store"),
			 errdetail("%s", reason)));
}

/*
 * Sign data with a key.
 */
static void
hmac(const uint8 *key, size_t key_len, const char *data, uint8 *out)
{
	pg_hmac_ctx *ctx = pg_hmac_create(PG_SHA256);
	bool		good = ctx != NULL &&
	pg_hmac_init(ctx, key, key_len) >= 0 &&
	pg_hmac_update(ctx, (const uint8 *) data, strlen(data)) >= 0 &&
	pg_hmac_final(ctx, out, PG_SHA256_DIGEST_LENGTH) >= 0;
	char	   *reason = good ? NULL : pstrdup(pg_hmac_error(ctx));

	if (ctx != NULL)
		pg_hmac_free(ctx);
	if (!good)
		refuse_digest(reason);
}

/*
 * Append bytes as hex digits.
 */
static void
append_hex(StringInfo buf, const uint8 *bytes, size_t len)
{
	size_t		i;

	for (i = 0; i < len; i++)
		appendStringInfo(buf, "%02x", bytes[i]);
}

/*
 * Append the SHA-256 of data as hex digits.
 */
void
ffu_sign_digest(StringInfo buf, const char *data, size_t len)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);
	bool		good = ctx != NULL && pg_cryptohash_init(ctx) >= 0 &&
	pg_cryptohash_update(ctx, (const uint8 *) data, len) >= 0 &&
	pg_cryptohash_final(ctx, digest, sizeof(digest)) >= 0;
	char	   *reason = good ? NULL : pstrdup(pg_cryptohash_error(ctx));

	if (ctx != NULL)
		pg_cryptohash_free(ctx);
	if (!good)
		refuse_digest(reason);
	append_hex(buf, digest, sizeof(digest));
}

/*
 * Append a text in the encoding of URIs, as the canonical form wants it: every
 * byte but letters, digits and "-._~" as %XX.  keep_slash keeps slashes.
 */
void
ffu_sign_encode(StringInfo buf, const char *text, bool keep_slash)
{
	const unsigned char *p;

	for (p = (const unsigned char *) text; *p; p++)
	{
		bool		plain = (*p >= 'A' && *p <= 'Z') ||
		(*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') ||
		strchr("-._~", *p) != NULL || (*p == '/' && keep_slash);

		if (plain)
			appendStringInfoChar(buf, *p);
		else
			appendStringInfo(buf, "%%%02X", *p);
	}
}

/*
 * Write a time in seconds from 1970 to out, FFU_SIGN_TIME_LEN + 1 bytes.
 */
void
ffu_sign_time(char *out, int64 time)
{
	time_t		seconds = (time_t) time;
	struct tm	tm;

	gmtime_r(&seconds, &tm);
	(void) strftime(out, FFU_SIGN_TIME_LEN + 1, "%Y%m%dT%H%M%SZ", &tm);
}

/*
 * Compare two pairs by name: for qsort.
 */
static int
compare_pairs(const void *a, const void *b)
{
	return strcmp(((const FfuPair *) a)->name, ((const FfuPair *) b)->name);
}

/*
 * Copy pairs to sorted, PAIRS_MAX of them, in the order of their names.
 */
static void
sort_pairs(FfuPair *sorted, const FfuPair *pairs, int n)
{
	if (n > PAIRS_MAX)
		elog(ERROR, "request to the object store has %d pairs", n);
	if (n == 0)
		return;
	memcpy(sorted, pairs, n * sizeof(FfuPair));
	qsort(sorted, n, sizeof(FfuPair), compare_pairs);
}

/*
 * Append a query in its canonical form: encoded, in the order of names.
 */
void
ffu_sign_query(StringInfo buf, const FfuPair *query, int nquery)
{
	FfuPair		sorted[PAIRS_MAX];
	int			i;

	sort_pairs(sorted, query, nquery);
	for (i = 0; i < nquery; i++)
	{
		if (i > 0)
			appendStringInfoChar(buf, '&');
		ffu_sign_encode(buf, sorted[i].name, false);
		appendStringInfoChar(buf, '=');
		ffu_sign_encode(buf, sorted[i].value, false);
	}
}

/*
 * Append the names of headers, with semicolons between them.
 */
static void
append_names(StringInfo buf, const FfuPair *headers, int nheaders)
{
	FfuPair		sorted[PAIRS_MAX];
	int			i;

	sort_pairs(sorted, headers, nheaders);
	for (i = 0; i < nheaders; i++)
		appendStringInfo(buf, "%s%s", i > 0 ? ";" : "", sorted[i].name);
}

/*
 * Append the canonical form of a request, whose query is ready.
 */
static void
append_canonical(StringInfo buf, const FfuSignee *what, const char *query)
{
	FfuPair		sorted[PAIRS_MAX];
	int			i;

	sort_pairs(sorted, what->headers, what->nheaders);
	appendStringInfo(buf, "%s\n%s\n%s\n", what->method, what->path, query);
	for (i = 0; i < what->nheaders; i++)
		appendStringInfo(buf, "%s:%s\n", sorted[i].name, sorted[i].value);
	appendStringInfoChar(buf, '\n');
	append_names(buf, what->headers, what->nheaders);
	appendStringInfo(buf, "\n%s", what->payload);
}

/*
 * Append what a key is good for: day, region, service.
 */
static void
append_scope(StringInfo buf, const char *time, const char *region)
{
	appendStringInfo(buf, "%.*s/%s/" SERVICE "/" SCOPE_END,
					 FFU_SIGN_DAY_LEN, time, region);
}

/*
 * Derive the key of a day and region from the secret, unless the last key was
 * the same.
 */
static void
derive_key(const FfuSignKey *key, const char *day)
{
	char	   *start;
	uint8		next[PG_SHA256_DIGEST_LENGTH];

	if (strcmp(derived.day, day) == 0 &&
		strcmp(derived.region, key->region) == 0 &&
		strcmp(derived.secret, key->secret) == 0)
		return;
	derived.day[0] = '\0';
	start = psprintf("AWS4%s", key->secret);
	hmac((uint8 *) start, strlen(start), day, next);
	hmac(next, sizeof(next), key->region, next);
	hmac(next, sizeof(next), SERVICE, next);
	hmac(next, sizeof(next), SCOPE_END, derived.key);
	explicit_bzero(start, strlen(start));
	pfree(start);
	/* What does not fit is derived again at each use. */
	if (strlcpy(derived.region, key->region, sizeof(derived.region)) <
		sizeof(derived.region) &&
		strlcpy(derived.secret, key->secret, sizeof(derived.secret)) <
		sizeof(derived.secret))
		strlcpy(derived.day, day, sizeof(derived.day));
}

/*
 * Append the signature of a request, whose query is ready.
 */
static void
append_signature(StringInfo buf, const FfuSignKey *key, const FfuSignee *what,
				 const char *query)
{
	char		time[FFU_SIGN_TIME_LEN + 1];
	char		day[FFU_SIGN_DAY_LEN + 1];
	uint8		signature[PG_SHA256_DIGEST_LENGTH];
	StringInfoData canonical;
	StringInfoData text;

	ffu_sign_time(time, what->time);
	strlcpy(day, time, sizeof(day));
	derive_key(key, day);
	initStringInfo(&canonical);
	append_canonical(&canonical, what, query);
	initStringInfo(&text);
	appendStringInfo(&text, ALGORITHM "\n%s\n", time);
	append_scope(&text, time, key->region);
	appendStringInfoChar(&text, '\n');
	ffu_sign_digest(&text, canonical.data, canonical.len);
	hmac(derived.key, sizeof(derived.key), text.data, signature);
	append_hex(buf, signature, sizeof(signature));
	pfree(canonical.data);
	pfree(text.data);
}

/*
 * Append the value of the header Authorization.  The headers of what must have
 * host, x-amz-date and x-amz-content-sha256.
 */
void
ffu_sign_authorization(StringInfo buf, const FfuSignKey *key,
					   const FfuSignee *what)
{
	char		time[FFU_SIGN_TIME_LEN + 1];
	StringInfoData query;

	ffu_sign_time(time, what->time);
	initStringInfo(&query);
	ffu_sign_query(&query, what->query, what->nquery);
	appendStringInfo(buf, ALGORITHM " Credential=%s/", key->key_id);
	append_scope(buf, time, key->region);
	appendStringInfoString(buf, ", SignedHeaders=");
	append_names(buf, what->headers, what->nheaders);
	appendStringInfoString(buf, ", Signature=");
	append_signature(buf, key, what, query.data);
	pfree(query.data);
}

/*
 * Append the query of a signed URL that expires in this number of seconds.
 * The headers of what must have host; who uses the URL sends the others.
 */
void
ffu_sign_url(StringInfo query, const FfuSignKey *key, const FfuSignee *what,
			 int expires)
{
	FfuPair		pairs[PAIRS_MAX];
	char		time[FFU_SIGN_TIME_LEN + 1];
	StringInfoData credential;
	StringInfoData names;
	char	   *life = psprintf("%d", expires);
	int			n = what->nquery;
	int			start = query->len;

	if (n + 6 > PAIRS_MAX)
		elog(ERROR, "signed URL has %d parameters", n);
	ffu_sign_time(time, what->time);
	initStringInfo(&credential);
	appendStringInfo(&credential, "%s/", key->key_id);
	append_scope(&credential, time, key->region);
	initStringInfo(&names);
	append_names(&names, what->headers, what->nheaders);
	if (n > 0)
		memcpy(pairs, what->query, n * sizeof(FfuPair));
	pairs[n++] = ffu_pair("X-Amz-Algorithm", ALGORITHM);
	pairs[n++] = ffu_pair("X-Amz-Credential", credential.data);
	pairs[n++] = ffu_pair("X-Amz-Date", time);
	pairs[n++] = ffu_pair("X-Amz-Expires", life);
	pairs[n++] = ffu_pair("X-Amz-SignedHeaders", names.data);
	if (key->token != NULL)
		pairs[n++] = ffu_pair("X-Amz-Security-Token", key->token);
	ffu_sign_query(query, pairs, n);
	names.len = 0;
	append_signature(&names, key, what, query->data + start);
	appendStringInfo(query, "&X-Amz-Signature=%s", names.data);
	pfree(names.data);
	pfree(credential.data);
	pfree(life);
}
