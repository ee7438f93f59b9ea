/*-------------------------------------------------------------------------
 *
 * shown.c
 *	  What a browser may show, and under which name a browser saves a file.
 *
 * A browser shows a file of a short list of types, in which nothing runs, and
 * saves any other file.  The extension of the path decides, as in a web server
 * that serves the folder.  With "nosniff" a browser takes the file for nothing
 * else, whatever the content is.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "text/path.h"
#include "text/shown.h"
#include "text/url.h"

/*
 * Extensions and types that a browser may show.  examples/nginx/nginx.conf has
 * the same list.
 */
static const struct
{
	const char *ext;
	const char *mime_type;
}			shown_types[] =

{
	{"aac", "audio/aac"},
	{"avif", "image/avif"},
	{"bmp", "image/bmp"},
	{"flac", "audio/flac"},
	{"gif", "image/gif"},
	{"ico", "image/x-icon"},
	{"jfif", "image/jpeg"},
	{"jpeg", "image/jpeg"},
	{"jpg", "image/jpeg"},
	{"m4a", "audio/mp4"},
	{"m4v", "video/mp4"},
	{"mov", "video/quicktime"},
	{"mp3", "audio/mpeg"},
	{"mp4", "video/mp4"},
	{"oga", "audio/ogg"},
	{"ogg", "audio/ogg"},
	{"ogv", "video/ogg"},
	{"opus", "audio/ogg"},
	{"pdf", "application/pdf"},
	{"png", "image/png"},
	{"txt", "text/plain; charset=utf-8"},
	{"wav", "audio/wav"},
	{"webm", "video/webm"},
	{"webp", "image/webp"},
};

/*
 * Return the type under which a browser may show the file of a path, or NULL
 * if a browser is to save the file.  Raise no error.
 */
const char *
ffu_shown_type(const char *path)
{
	char		ext[FFU_EXT_MAX + 1];

	(void) ffu_extension_of(path, ext);
	for (int i = 0; i < lengthof(shown_types); i++)
	{
		if (strcmp(shown_types[i].ext, ext) == 0)
			return shown_types[i].mime_type;
	}
	return NULL;
}

/*
 * Append a name as a quoted string in ASCII, with "_" for any other character
 * and for characters that browsers take for escapes.  Return whether the
 * string equals the name.
 */
static bool
append_quoted(StringInfo buf, const char *name)
{
	bool		equal = true;

	appendStringInfoChar(buf, '"');
	for (const char *p = name; *p != '\0'; p += pg_mblen(p))
	{
		bool		plain = *p >= ' ' && *p < 0x7f && strchr("\"\\%", *p) == NULL;

		appendStringInfoChar(buf, plain ? *p : '_');
		equal = equal && plain;
	}
	appendStringInfoChar(buf, '"');
	return equal;
}

/*
 * Return the header Content-Disposition of RFC 6266, palloc'd.  name must be
 * clean.  A name that is not plain ASCII is given a second time, in UTF-8.
 */
char *
ffu_shown_disposition(const char *name, bool attachment)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "%s; filename=", attachment ? "attachment" : "inline");
	if (!append_quoted(&buf, name))
	{
		appendStringInfoString(&buf, "; filename*=UTF-8''");
		ffu_url_append_encoded(&buf, name);
	}
	return buf.data;
}
