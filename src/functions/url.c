/*-------------------------------------------------------------------------
 *
 * url.c
 *	  The URL of a file.
 *
 * A path has only characters that need no escape in a URL, so the URL is the
 * base followed by the path.  The URL of a private file has a signature, which
 * text/url.c computes and checks.
 *
 * Who knows a path may read the file (ffu.content), and so may sign the URL.
 * EXECUTE on ffu.signed_url is the privilege to sign, also for ffu.url.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/settings.h"
#include "functions/secret.h"
#include "functions/url.h"
#include "text/file_name.h"
#include "text/path.h"
#include "text/url.h"

static void refuse_base(const char *url) pg_attribute_noreturn();

FFU_FUNCTION(ffu_sql_url);
FFU_FUNCTION(ffu_sql_signed_url);
FFU_FUNCTION(ffu_sql_verify_url);
FFU_FUNCTION(ffu_sql_url_expires);
FFU_FUNCTION(ffu_sql_normal_extension);

/* The secret that signs, kept as long as the call in a query */
typedef struct Signer
{
	Oid			user;			/* whose right was checked */
	FfuSecret	secret;
} Signer;

/*
 * Return the base of a URL: an argument, or NULL for the setting.
 */
static const char *
base_of(const text *arg, size_t *len)
{
	const char *base = ffu_setting_base_url;

	if (arg == NULL)
	{
		*len = strlen(base);
		return base;
	}
	*len = VARSIZE_ANY_EXHDR(arg);
	return VARDATA_ANY(arg);
}

/*
 * Tell whether a slash goes between a base and the path: a base that ends in a
 * letter or digit has none.
 */
static bool
wants_slash(const char *base, size_t len)
{
	return len > 0 && isalnum((unsigned char) base[len - 1]);
}

/*
 * Append the encoded name for a download to buf, if there is a name.
 */
static void
append_download(StringInfo buf, const char *path, const text *name)
{
	char	   *clean = name == NULL ? NULL :
	ffu_file_name_download(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), path);

	if (clean != NULL)
		ffu_url_append_encoded(buf, clean);
}

/*
 * Return the end of the life of the URL of a path: the same for half of
 * ffu.url_expiry, so that caches keep the file.  The halves begin at different
 * times for different paths, so that not all URLs change at once.
 */
static int64
shared_expiry(const char *path)
{
	int64		now = timestamptz_to_time_t(GetCurrentStatementStartTimestamp());
	int64		half = Max(ffu_setting_url_expiry / 2, 1);
	int64		offset = hash_bytes((const unsigned char *) path,
									strlen(path)) % half;

	return ((now + offset) / half + 2) * half - offset;
}

/*
 * Find the secret that signs.  A query looks once for each call in the query.
 */
static const FfuSecret *
signing_secret(FunctionCallInfo fcinfo)
{
	Signer	   *signer = fcinfo->flinfo->fn_extra;

	if (signer == NULL)
	{
		signer = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt,
										sizeof(Signer));
		fcinfo->flinfo->fn_extra = signer;
	}
	if (signer->user != GetUserId())
	{
		signer->user = InvalidOid;
		ffu_secret_for_signing(&signer->secret);
		signer->user = GetUserId();
	}
	return &signer->secret;
}

/*
 * Raise 22023 for a base that leaves open what the web server sees.
 */
static void
refuse_base(const char *url)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("URL cannot be signed"),
			 errdetail("Without the path of the file the URL is \"%s\".",
					   ffu_shown(url, strlen(url))),
			 errhint("The base is to have a path that begins with a slash, without escapes and query, such as \"/files/\".")));
}

/*
 * Return a signed URL.  expires counts in seconds from 1970; download is the
 * encoded name or "".
 */
static text *
sign_url(FunctionCallInfo fcinfo, const StringInfo url, const char *download,
		 int64 expires)
{
	const FfuSecret *secret = signing_secret(fcinfo);
	FfuSigned	what = {0};
	char		signature[FFU_SIGNATURE_LEN + 1];
	StringInfoData buf;

	what.uri = ffu_url_uri(url->data, url->len, &what.uri_len);
	if (what.uri == NULL)
		refuse_base(url->data);
	what.download = *download ? download : NULL;
	what.download_len = strlen(download);
	what.expires = expires;
	ffu_url_sign(&what, secret->secret, signature);
	initStringInfo(&buf);
	appendStringInfo(&buf, "%s?%s%s%sexpires=" INT64_FORMAT "&key=%d&signature=%s",
					 url->data, *download ? "download=" : "", download,
					 *download ? "&" : "", expires, secret->number, signature);
	return cstring_to_text_with_len(buf.data, buf.len);
}

/*
 * Make url the base followed by the path.
 */
static void
make_url(StringInfo url, const text *base_arg, const char *path)
{
	size_t		base_len;
	const char *base = base_of(base_arg, &base_len);

	initStringInfo(url);
	appendBinaryStringInfo(url, base, base_len);
	if (wants_slash(base, base_len))
		appendStringInfoChar(url, '/');
	appendStringInfoString(url, path);
}

/*
 * Tell whether a path is the path of a private file.  Raise no error.
 */
static bool
is_private(const char *path, size_t len)
{
	return ffu_path_valid(path, len) && ffu_path_is_private(path);
}

/*
 * Return the URL of a public file without a name for downloads.
 */
static text *
plain_url(const text *path, const text *base_arg)
{
	size_t		base_len;
	const char *base = base_of(base_arg, &base_len);
	size_t		path_len = VARSIZE_ANY_EXHDR(path);
	size_t		slash = wants_slash(base, base_len);
	text	   *result = palloc(VARHDRSZ + base_len + slash + path_len);
	char	   *p = VARDATA(result);

	SET_VARSIZE(result, VARHDRSZ + base_len + slash + path_len);
	memcpy(p, base, base_len);
	if (slash)
		p[base_len] = '/';
	memcpy(p + base_len + slash, VARDATA_ANY(path), path_len);
	return result;
}

/*
 * ffu.url(path text, base text DEFAULT NULL, download_name text DEFAULT NULL)
 * RETURNS text: return NULL for no file.  A slash goes between a base that
 * ends in a letter or digit and the path.
 */
Datum
ffu_sql_url(PG_FUNCTION_ARGS)
{
	text	   *path;
	text	   *base;
	text	   *name;
	char	   *path_string;
	StringInfoData url;
	StringInfoData download;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	path = PG_GETARG_TEXT_PP(0);
	if (VARSIZE_ANY_EXHDR(path) == 0)
		PG_RETURN_NULL();
	base = PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1);
	name = PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2);
	if (name == NULL &&
		!is_private(VARDATA_ANY(path), VARSIZE_ANY_EXHDR(path)))
		PG_RETURN_TEXT_P(plain_url(path, base));

	path_string = text_to_cstring(path);
	make_url(&url, base, path_string);
	initStringInfo(&download);
	append_download(&download, path_string, name);
	if (is_private(path_string, strlen(path_string)))
		PG_RETURN_TEXT_P(sign_url(fcinfo, &url, download.data,
								  shared_expiry(path_string)));
	if (download.len > 0)
		appendStringInfo(&url, "?download=%s", download.data);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(url.data, url.len));
}

/*
 * Return the end of a life that begins now, in seconds from 1970, rounded up.
 * Raise 22023 for a life that is not positive.
 */
static int64
expiry_after(Interval *valid_for)
{
	TimestampTz now = GetCurrentStatementStartTimestamp();
	TimestampTz end = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
															  TimestampTzGetDatum(now),
															  IntervalPGetDatum(valid_for)));

	if (end <= now)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("valid_for must be greater than zero"),
				 errdetail("It is how long the URL is valid from now on."),
				 errhint("Write for example '10 minutes', or leave it out for the setting ffu.url_expiry.")));
	if (TIMESTAMP_NOT_FINITE(end))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("valid_for must be finite"),
				 errdetail("It is how long the URL is valid from now on."),
				 errhint("Write for example '10 minutes', or leave it out for the setting ffu.url_expiry.")));
	return timestamptz_to_time_t(end + USECS_PER_SEC - 1);
}

/*
 * Return the path of a file, palloc'd.  Raise 22023 for another value, which
 * cannot be signed.
 */
char *
ffu_url_path(const text *value)
{
	char	   *path = text_to_cstring(value);

	if (!ffu_path_valid(path, strlen(path)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("only the path of a file can be signed"),
				 errdetail("The value is \"%s\".", ffu_shown(path, strlen(path))),
				 errhint("Pass the value of a file column as it is.")));
	return path;
}

/*
 * ffu.signed_url(path text, valid_for interval DEFAULT NULL, download_name
 * text DEFAULT NULL, base text DEFAULT NULL) RETURNS text: return NULL for no
 * file.
 */
Datum
ffu_sql_signed_url(PG_FUNCTION_ARGS)
{
	char	   *path;
	StringInfoData url;
	StringInfoData download;

	if (PG_ARGISNULL(0) || VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(0)) == 0)
		PG_RETURN_NULL();
	path = ffu_url_path(PG_GETARG_TEXT_PP(0));
	make_url(&url, PG_ARGISNULL(3) ? NULL : PG_GETARG_TEXT_PP(3), path);
	initStringInfo(&download);
	append_download(&download, path,
					PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2));
	PG_RETURN_TEXT_P(sign_url(fcinfo, &url, download.data,
							  PG_ARGISNULL(1) ? shared_expiry(path) :
							  expiry_after(PG_GETARG_INTERVAL_P(1))));
}

/*
 * Return the path in the URI of a signed URL: what follows the base.  Return
 * NULL if the URI does not begin with the base, or if no path follows.
 */
static char *
path_in_uri(const FfuSigned *what, const text *base_arg)
{
	StringInfoData url;
	const char *base;
	size_t		base_len;
	const char *path;
	size_t		path_len;

	make_url(&url, base_arg, "");
	/* A base without a slash at its end can be the path of a host. */
	base = ffu_url_uri(url.data, url.len, &base_len);
	if (base == NULL || what->uri_len < base_len ||
		memcmp(what->uri, base, base_len) != 0)
		return NULL;
	path = what->uri + base_len;
	path_len = what->uri_len - base_len;
	return ffu_path_valid(path, path_len) ? pnstrdup(path, path_len) : NULL;
}

/*
 * ffu.verify_url(url text, base text DEFAULT NULL) RETURNS text: return the
 * path of a signed URL, or NULL if the URL is not valid now.
 */
Datum
ffu_sql_verify_url(PG_FUNCTION_ARGS)
{
	FfuSignedUrl parsed;
	FfuSecret	secret;
	char		signature[FFU_SIGNATURE_LEN + 1];
	char	   *path;

	if (PG_ARGISNULL(0) ||
		!ffu_url_parse(text_to_cstring(PG_GETARG_TEXT_PP(0)), &parsed) ||
		!ffu_secret_numbered(parsed.key, &secret))
		PG_RETURN_NULL();
	ffu_url_sign(&parsed.what, secret.secret, signature);
	if (!ffu_url_signature_equals(signature, parsed.signature) ||
		parsed.what.expires < timestamptz_to_time_t(GetCurrentStatementStartTimestamp()))
		PG_RETURN_NULL();
	path = path_in_uri(&parsed.what,
					   PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1));
	if (path == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(path));
}

/*
 * ffu._url_expires(path text) RETURNS bigint: return the end of the life of
 * the URL that ffu.url gives for a private file, in seconds from 1970.
 */
Datum
ffu_sql_url_expires(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(shared_expiry(text_to_cstring(PG_GETARG_TEXT_PP(0))));
}

/*
 * ffu._normal_extension(extension text): return an extension in lower case,
 * without leading dots, or NULL if the text is not an extension.
 */
Datum
ffu_sql_normal_extension(PG_FUNCTION_ARGS)
{
	text	   *extension = PG_GETARG_TEXT_PP(0);
	char		normal[FFU_EXT_MAX + 1];

	if (!ffu_setting_normal_extension(VARDATA_ANY(extension),
									  VARSIZE_ANY_EXHDR(extension), normal))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(normal));
}
