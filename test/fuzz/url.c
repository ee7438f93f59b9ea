/*-------------------------------------------------------------------------
 *
 * url.c
 *	  Harness: a signed URL is read only as ffu would write it, and the name for
 *	  a download breaks out of no header.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "shim.h"

#include "lib/stringinfo.h"

#include "text/file_name.h"
#include "text/path.h"
#include "text/shown.h"
#include "text/url.h"

static void
check_url(const char *url)
{
	FfuSignedUrl parsed;
	StringInfoData again;
	char		signature[FFU_SIGNATURE_LEN + 1];

	if (!ffu_url_parse(url, &parsed))
		return;
	insist(parsed.what.uri[0] == '/');
	insist(memchr(parsed.what.uri, '%', parsed.what.uri_len) == NULL);
	initStringInfo(&again);
	appendBinaryStringInfo(&again, url, parsed.what.uri + parsed.what.uri_len - url);
	appendStringInfoChar(&again, '?');
	if (parsed.what.download)
		appendStringInfo(&again, "download=%.*s&", (int) parsed.what.download_len,
						 parsed.what.download);
	appendStringInfo(&again, "expires=%lld&key=%d&signature=%s",
					 (long long) parsed.what.expires, parsed.key, parsed.signature);
	insist(strcmp(again.data, url) == 0);
	ffu_url_sign(&parsed.what, "secret", signature);
	insist(strlen(signature) == FFU_SIGNATURE_LEN);
	(void) ffu_url_signature_equals(signature, parsed.signature);
}

static void
check_name(const char *name)
{
	char	   *clean = ffu_file_name_download(name, strlen(name), "a/b.txt");
	char		ext[FFU_EXT_MAX + 1];
	char	   *header;
	StringInfoData encoded;
	int			quotes = 0;

	if (clean == NULL)
		return;
	insist(ffu_extension_of(clean, ext) && strcmp(ext, "txt") == 0);
	header = ffu_shown_disposition(clean, true);
	for (const char *p = header; *p; p++)
	{
		insist(*p >= ' ' && *p < 0x7f);
		quotes += *p == '"';
	}
	insist(quotes == 2);
	initStringInfo(&encoded);
	ffu_url_append_encoded(&encoded, clean);
	insist(encoded.data[strspn(encoded.data, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%")] == '\0');
}

/* URL NUL file name */
void
fuzz(const char *data, size_t len)
{
	char		fields[2][FUZZ_INPUT_MAX];

	for (int i = 0; i < lengthof(fields); i++)
		fuzz_field(&data, &len, fields[i], sizeof(fields[i]));
	check_url(fields[0]);
	if (fuzz_is_text(fields[1], strlen(fields[1])))
		check_name(fields[1]);
}
