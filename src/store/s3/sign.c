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
#include "common/sha2.h"
#include "utils/builtins.h"

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
 * Compute the SHA-256 of two pieces of data.  The context is used again for
 * the next digest: to make one costs as much as a digest.
 */
static void
digest(pg_cryptohash_ctx *ctx, const void *first, size_t first_len,
	   const void *second, size_t second_len, uint8 *out)
{
	if (pg_cryptohash_init(ctx) < 0 ||
		pg_cryptohash_update(ctx, first, first_len) < 0 ||
		pg_cryptohash_update(ctx, second, second_len) < 0 ||
		pg_cryptohash_final(ctx, out, PG_SHA256_DIGEST_LENGTH) < 0)
	{
		char	   *reason = pstrdup(pg_cryptohash_error(ctx));

		pg_cryptohash_free(ctx);
		refuse_digest(reason);
	}
}

/*
 * Make a context for digests.
 */
static pg_cryptohash_ctx *
begin_digests(void)
{
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);

	if (ctx == NULL)
		refuse_digest("out of memory");
	return ctx;
}

/*
 * Sign data with a key: HMAC (RFC 2104).  The server's function for HMAC costs
 * more than twice as much, since it makes its contexts for each use.
 */
static void
hmac(pg_cryptohash_ctx *ctx, const uint8 *key, size_t key_len,
	 const char *data, size_t len, uint8 *out)
{
	uint8		inner[PG_SHA256_BLOCK_LENGTH];
	uint8		outer[PG_SHA256_BLOCK_LENGTH];
	uint8		short_key[PG_SHA256_DIGEST_LENGTH];
	uint8		result[PG_SHA256_DIGEST_LENGTH];
	size_t		i;

	if (key_len > PG_SHA256_BLOCK_LENGTH)
	{
		digest(ctx, key, key_len, "", 0, short_key);
		key = short_key;
		key_len = sizeof(short_key);
	}
	for (i = 0; i < PG_SHA256_BLOCK_LENGTH; i++)
	{
		uint8		byte = i < key_len ? key[i] : 0;

		inner[i] = byte ^ 0x36;
		outer[i] = byte ^ 0x5c;
	}
	digest(ctx, inner, sizeof(inner), data, len, result);
	digest(ctx, outer, sizeof(outer), result, sizeof(result), out);
}

/*
 * Append texts.  The last argument is NULL.  Much faster than a format: ffu
 * signs a URL for each row of a page.
 */
static void
append(StringInfo buf,...)
{
	va_list		texts;
	char	   *text;

	va_start(texts, buf);
	while ((text = va_arg(texts, char *)))
		appendStringInfoString(buf, text);
	va_end(texts);
}

/*
 * Append bytes as hex digits.
 */
static void
append_hex(StringInfo buf, const uint8 *bytes, size_t len)
{
	enlargeStringInfo(buf, 2 * (int) len);
	buf->len += (int) hex_encode((const char *) bytes, len,
								 buf->data + buf->len);
	buf->data[buf->len] = '\0';
}

/*
 * Append the SHA-256 of data as hex digits.
 */
void
ffu_sign_digest(StringInfo buf, const char *data, size_t len)
{
	uint8		bytes[PG_SHA256_DIGEST_LENGTH];
	pg_cryptohash_ctx *ctx = begin_digests();

	digest(ctx, data, len, "", 0, bytes);
	pg_cryptohash_free(ctx);
	append_hex(buf, bytes, sizeof(bytes));
}

/*
 * Is a byte itself in the canonical form?
 */
static inline bool
is_plain(unsigned char c, bool keep_slash)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		(c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' ||
		c == '~' || (c == '/' && keep_slash);
}

/*
 * Append a text in the encoding of URIs, as the canonical form wants it: every
 * byte but letters, digits and "-._~" as %XX.  keep_slash keeps slashes.
 */
void
ffu_sign_encode(StringInfo buf, const char *text, bool keep_slash)
{
	static const char digits[] = "0123456789ABCDEF";
	const unsigned char *p = (const unsigned char *) text;

	while (*p)
	{
		const unsigned char *plain = p;

		while (is_plain(*p, keep_slash))
			p++;
		appendBinaryStringInfo(buf, (const char *) plain, (int) (p - plain));
		if (*p == '\0')
			break;
		appendStringInfoChar(buf, '%');
		appendStringInfoChar(buf, digits[*p >> 4]);
		appendStringInfoChar(buf, digits[*p & 15]);
		p++;
	}
}

/*
 * Write a time in seconds from 1970 to out, FFU_SIGN_TIME_LEN + 1 bytes.
 */
void
ffu_sign_time(char *out, int64 time)
{
	static int64 last = -1;
	static char text[FFU_SIGN_TIME_LEN + 1];

	if (time != last)
	{
		time_t		seconds = (time_t) time;
		struct tm	tm;

		gmtime_r(&seconds, &tm);
		(void) strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &tm);
		last = time;
	}
	memcpy(out, text, sizeof(text));
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
		append(buf, i > 0 ? ";" : "", sorted[i].name, NULL);
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
	append(buf, what->method, "\n", what->path, "\n", query, "\n", NULL);
	for (i = 0; i < what->nheaders; i++)
		append(buf, sorted[i].name, ":", sorted[i].value, "\n", NULL);
	appendStringInfoChar(buf, '\n');
	append_names(buf, what->headers, what->nheaders);
	append(buf, "\n", what->payload, NULL);
}

/*
 * Append what a key is good for: day, region, service.
 */
static void
append_scope(StringInfo buf, const char *time, const char *region)
{
	appendBinaryStringInfo(buf, time, FFU_SIGN_DAY_LEN);
	append(buf, "/", region, "/" SERVICE "/" SCOPE_END, NULL);
}

/*
 * Derive the key of a day and region from the secret, unless the last key was
 * the same.
 */
static void
derive_key(pg_cryptohash_ctx *ctx, const FfuSignKey *key, const char *day)
{
	char	   *start;
	uint8		next[PG_SHA256_DIGEST_LENGTH];

	if (strcmp(derived.day, day) == 0 &&
		strcmp(derived.region, key->region) == 0 &&
		strcmp(derived.secret, key->secret) == 0)
		return;
	derived.day[0] = '\0';
	start = psprintf("AWS4%s", key->secret);
	hmac(ctx, (uint8 *) start, strlen(start), day, strlen(day), next);
	hmac(ctx, next, sizeof(next), key->region, strlen(key->region), next);
	hmac(ctx, next, sizeof(next), SERVICE, strlen(SERVICE), next);
	hmac(ctx, next, sizeof(next), SCOPE_END, strlen(SCOPE_END), derived.key);
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
	uint8		bytes[PG_SHA256_DIGEST_LENGTH];
	pg_cryptohash_ctx *ctx = begin_digests();
	StringInfoData canonical;
	StringInfoData text;

	ffu_sign_time(time, what->time);
	strlcpy(day, time, sizeof(day));
	derive_key(ctx, key, day);
	initStringInfo(&canonical);
	append_canonical(&canonical, what, query);
	initStringInfo(&text);
	append(&text, ALGORITHM "\n", time, "\n", NULL);
	append_scope(&text, time, key->region);
	appendStringInfoChar(&text, '\n');
	digest(ctx, canonical.data, canonical.len, "", 0, bytes);
	append_hex(&text, bytes, sizeof(bytes));
	hmac(ctx, derived.key, sizeof(derived.key), text.data, text.len, bytes);
	append_hex(buf, bytes, sizeof(bytes));
	pg_cryptohash_free(ctx);
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
	char		life[12];
	int			n = what->nquery;
	int			start = query->len;

	if (n + 6 > PAIRS_MAX)
		elog(ERROR, "signed URL has %d parameters", n);
	snprintf(life, sizeof(life), "%d", expires);
	ffu_sign_time(time, what->time);
	initStringInfo(&credential);
	append(&credential, key->key_id, "/", NULL);
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
	append(query, "&X-Amz-Signature=", names.data, NULL);
	pfree(names.data);
	pfree(credential.data);
}
