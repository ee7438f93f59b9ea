/*-------------------------------------------------------------------------
 *
 * url.c
 *	  The grammar of URLs, and their signatures.
 *
 *	url			= base path [ "?" query ]
 *	query		= download / [ download "&" ] signed
 *	download	= "download=" 1*( unreserved / "%" hex hex )
 *	signed		= "expires=" seconds "&key=" number "&signature=" 22base64url
 *	unreserved	= alnum / "-" / "." / "_" / "~"
 *
 * A path needs no escape.  The signature is the MD5 of
 *
 *	seconds uri [ "?" download ] " " secret
 *
 * where uri is the URL without scheme, host and query.  This is the form that
 * the module secure_link of nginx checks.  seconds count from 1970, and number
 * says which secret was used.  Neither a uri nor an encoded name contains "?"
 * or a space, so the parts are unambiguous.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "common/md5.h"
#include "mb/pg_wchar.h"

#include "text/path.h"
#include "text/url.h"

/*
 * Return the path of a URL of len bytes, and the length of the path in
 * *uri_len.  Return NULL if the path does not begin with a slash, or if an
 * escape, a query or a fragment follows.  The result points into the URL.
 * Raise no error.
 */
const char *
ffu_url_uri(const char *url, size_t len, size_t *uri_len)
{
	const char *end = url + len;
	const char *p = url;

	while (p < end && (ffu_is_alnum(*p) || *p == '+' || *p == '-' || *p == '.'))
		p++;
	if (p > url && p < end && *p == ':')
		p++;
	else
		p = url;
	if (end - p >= 2 && p[0] == '/' && p[1] == '/')
	{
		p += 2;
		while (p < end && *p != '/')
			p++;
	}
	if (p == end || *p != '/')
		return NULL;
	for (const char *q = p; q < end; q++)
	{
		if (*q == '%' || *q == '?' || *q == '#')
			return NULL;
	}
	*uri_len = end - p;
	return p;
}

/*
 * Append a name in UTF-8, percent-encoded.  name is in the database encoding.
 * In SQL_ASCII a name can have any bytes: "_" stands for what is not ASCII if
 * the name is not UTF-8.  Raise an error if the name has no equivalent in UTF-8.
 */
void
ffu_url_append_encoded(StringInfo buf, const char *name)
{
	bool		unknown = GetDatabaseEncoding() == PG_SQL_ASCII &&
	!pg_verify_mbstr(PG_UTF8, name, strlen(name), true);
	const char *utf8 = unknown ? name :
	pg_server_to_any(name, strlen(name), PG_UTF8);

	for (const char *p = utf8; *p != '\0'; p++)
	{
		if (unknown && IS_HIGHBIT_SET(*p))
			appendStringInfoChar(buf, '_');
		else if (ffu_is_segment_byte(*p))
			appendStringInfoChar(buf, *p);
		else
			appendStringInfo(buf, "%%%02X", (unsigned char) *p);
	}
}

/*
 * Write a signature, FFU_SIGNATURE_LEN characters and a zero byte.  Raise an
 * error if the server has no MD5.
 */
void
ffu_url_sign(const FfuSigned *what, const char *secret, char *signature)
{
	static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	StringInfoData buf;
	uint8		hash[MD5_DIGEST_LENGTH + 2] = {0};
	const char *error = NULL;

	initStringInfo(&buf);
	appendStringInfo(&buf, INT64_FORMAT "%.*s", what->expires,
					 (int) what->uri_len, what->uri);
	if (what->download != NULL)
		appendStringInfo(&buf, "?download=%.*s", (int) what->download_len,
						 what->download);
	appendStringInfo(&buf, " %s", secret);
	if (!pg_md5_binary(buf.data, buf.len, hash, &error))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute %s hash: %s", "MD5", error)));
	pfree(buf.data);
	for (int i = 0; i < FFU_SIGNATURE_LEN; i++)
	{
		int			bit = 6 * i;
		int			two = hash[bit / 8] << 8 | hash[bit / 8 + 1];

		signature[i] = digits[(two >> (10 - bit % 8)) & 0x3f];
	}
	signature[FFU_SIGNATURE_LEN] = '\0';
}

/*
 * Read a word and a number up to max.  Return the end, or NULL.  Raise no
 * error.
 */
static const char *
parse_member(const char *p, const char *word, uint64 max, uint64 *number)
{
	size_t		len = strlen(word);

	return strncmp(p, word, len) == 0 ?
		ffu_number_parse(p + len, max, number) : NULL;
}

/*
 * Read "download=" and an encoded name into parsed.  Return what follows "&".
 * Without a name return p; return NULL if the name is not valid.  Raise no
 * error.
 */
static const char *
parse_download(const char *p, FfuSignedUrl *parsed)
{
	size_t		len = strlen("download=");

	if (strncmp(p, "download=", len) != 0)
		return p;
	p += len;
	parsed->what.download = p;
	while (*p != '\0' && (ffu_is_segment_byte(*p) || *p == '%'))
		p++;
	parsed->what.download_len = p - parsed->what.download;
	return *p == '&' && parsed->what.download_len > 0 ? p + 1 : NULL;
}

/*
 * Take a signed URL apart.  Return false for any other text, also if another
 * URL would mean the same.  The result points into the URL.  Raise no error.
 */
bool
ffu_url_parse(const char *url, FfuSignedUrl *parsed)
{
	const char *query = strchr(url, '?');
	const char *p;
	uint64		expires;
	uint64		key;

	memset(parsed, 0, sizeof(*parsed));
	if (query == NULL)
		return false;
	parsed->what.uri = ffu_url_uri(url, query - url, &parsed->what.uri_len);
	if (parsed->what.uri == NULL)
		return false;
	if ((p = parse_download(query + 1, parsed)) == NULL ||
		(p = parse_member(p, "expires=", PG_INT64_MAX, &expires)) == NULL ||
		(p = parse_member(p, "&key=", PG_INT32_MAX, &key)) == NULL ||
		strncmp(p, "&signature=", strlen("&signature=")) != 0)
		return false;
	parsed->what.expires = (int64) expires;
	parsed->key = (int32) key;
	parsed->signature = p + strlen("&signature=");
	return strlen(parsed->signature) == FFU_SIGNATURE_LEN;
}

/*
 * Tell whether two signatures are equal, in a time that does not depend on
 * where they differ.  Raise no error.
 */
bool
ffu_url_signature_equals(const char *one, const char *other)
{
	unsigned int differences = 0;

	for (int i = 0; i < FFU_SIGNATURE_LEN; i++)
		differences |= (unsigned char) one[i] ^ (unsigned char) other[i];
	return differences == 0;
}
