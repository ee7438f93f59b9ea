/*-------------------------------------------------------------------------
 *
 * path.c
 *	  The grammar of paths, staging names, tokens, file names.
 *
 * This file handles text only: the names that ffu assigns, and the cleaning of
 * the names that clients send.  Disks, tables and transactions belong to other
 * files.
 *
 *	path		= segment *( "/" segment )		at most FFU_PATH_MAX bytes
 *	segment		= ( alnum / "_" / "~" / "-" ) *byte
 *	byte		= alnum / "." / "_" / "~" / "-"
 *	alnum		= A-Z / a-z / 0-9
 *	token		= 26( a-z / 2-7 )				with no alnum beside it
 *
 * Every path contains a token.  A path needs no encoding in a URL, equals the
 * file's name on the disk, and contains no ":".  So in
 *
 *	staging		= part "/" fxid "." n [ [ "." run ] ":" path ]
 *													numbers in decimal
 *	part		= 0-9 / a-f						the fxid's last hex digit
 *
 * a ":" can stand for each "/" of the path.  template.c makes paths from
 * templates.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "text/path.h"

/* No file system allows longer names; a whole path is shorter. */
#define SEGMENT_MAX			255

StaticAssertDecl(FFU_PATH_MAX <= SEGMENT_MAX,
				 "a path of one segment must fit into a file name");
StaticAssertDecl(FFU_STAGING_MAX - FFU_STAGING_PART_LEN - 1 <= SEGMENT_MAX,
				 "a staging name must fit into a file name");

/*
 * Tell whether len bytes are a path that ffu could have assigned.  The bytes
 * may have any values.  Raise no error and allocate nothing.
 */
bool
ffu_path_valid(const char *path, size_t len)
{
	bool		has_token = false;
	bool		starts = true;	/* at the start of a segment? */
	size_t		run = 0;		/* letters and digits up to here */
	size_t		digits = 0;		/* number of token digits among these */

	if (len == 0 || len > FFU_PATH_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		char		c = path[i];

		if (starts && (c == '/' || c == '.'))
			return false;
		if (c != '/' && !ffu_is_segment_byte(c))
			return false;
		starts = (c == '/');

		if (ffu_is_alnum(c))
		{
			run++;
			if (ffu_is_token_digit(c))
				digits++;
			continue;
		}
		if (run == FFU_TOKEN_LEN && digits == FFU_TOKEN_LEN)
			has_token = true;
		run = digits = 0;
	}
	if (run == FFU_TOKEN_LEN && digits == FFU_TOKEN_LEN)
		has_token = true;
	return has_token && !starts;
}

/*
 * Tell whether a path, or a template with the beginning of a path, begins as
 * the paths of private columns do.
 */
bool
ffu_path_is_private(const char *path)
{
	return strncmp(path, FFU_PRIVATE_PREFIX, strlen(FFU_PRIVATE_PREFIX)) == 0;
}

/*
 * Return the number of bytes at p to drop from a file name: the length of a
 * control character or of a character that can disguise a name, else 0.
 *
 * In UTF-8 the dropped characters include the C1 controls, and characters that
 * change the direction of writing or break a line: U+061C, U+200E, U+200F,
 * U+2028 to U+202E, and U+2066 to U+2069.  utf8 says that the text is valid
 * UTF-8.
 */
static int
dropped_len(const unsigned char *p, size_t len, bool utf8)
{
	if (*p < 0x20 || *p == 0x7f)
		return 1;
	if (!utf8)
		return 0;
	if (len >= 2 &&
		((p[0] == 0xc2 && p[1] <= 0x9f) || (p[0] == 0xd8 && p[1] == 0x9c)))
		return 2;
	if (len >= 3 && p[0] == 0xe2 &&
		((p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f ||
						   (p[2] >= 0xa8 && p[2] <= 0xae))) ||
		 (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)))
		return 3;
	return 0;
}

/*
 * Reduce a client's file name to the part that is fit for display and
 * download.
 *
 * Remove directories, whether they end with "/" or "\"; control and spoofing
 * characters; spaces at both ends; and dots at the end.  Return the rest, of
 * any length up to len, in the current memory context; NULL if nothing is
 * left.  name must be valid in the database encoding.  Raise no error except
 * "out of memory".
 */
char *
ffu_file_name_clean(const char *name, size_t len)
{
	bool		utf8 = (GetDatabaseEncoding() == PG_UTF8);
	const char *end = name + len;
	const char *p = end;
	char	   *clean;
	char	   *out;

	/*
	 * Byte-wise processing is right in every database encoding: there, no
	 * ASCII byte is part of a longer character.  (Some client encodings have
	 * such bytes.)
	 */
	while (p > name && p[-1] != '/' && p[-1] != '\\')
		p--;

	clean = out = palloc(end - p + 1);
	while (p < end)
	{
		int			dropped = dropped_len((const unsigned char *) p, end - p,
										  utf8);

		if (dropped == 0 && !(*p == ' ' && out == clean))
			*out++ = *p;
		p += Max(dropped, 1);
	}
	while (out > clean && (out[-1] == ' ' || out[-1] == '.'))
		out--;
	*out = '\0';
	if (out > clean)
		return clean;
	pfree(clean);
	return NULL;
}

/*
 * Write the extension of a file name into ext, FFU_EXT_MAX + 1 bytes: the
 * bytes after the last dot, in lower case, or "" if the name has no extension.
 *
 * Return whether the name has an extension: 1 to FFU_EXT_MAX letters and
 * digits after a dot that is not the first byte.  Raise no error and allocate
 * nothing.
 */
bool
ffu_extension_of(const char *name, char *ext)
{
	const char *dot = strrchr(name, '.');
	size_t		len = 0;

	ext[0] = '\0';
	if (dot == NULL || dot == name)
		return false;
	for (const char *p = dot + 1; *p != '\0'; p++, len++)
	{
		if (len == FFU_EXT_MAX || !ffu_is_alnum(*p))
			return false;
	}
	for (size_t i = 0; i < len; i++)
		ext[i] = pg_ascii_tolower((unsigned char) dot[i + 1]);
	ext[len] = '\0';
	return len > 0;
}

/*
 * Write the name of a part of the staging directory into name,
 * FFU_STAGING_PART_LEN + 1 bytes.  Raise no error and allocate nothing.
 */
void
ffu_staging_part(char *name, int part)
{
	name[0] = "0123456789abcdef"[part];
	name[1] = '\0';
}

/*
 * Write a staging name, relative to the staging directory, into name,
 * FFU_STAGING_MAX + 1 bytes.  The name denotes upload n of transaction fxid,
 * to be published as path unless path is NULL.  run is the run of the server
 * that gave the id out, or 0; without a path it is not written.
 *
 * The path must be valid.  Raise no error and allocate nothing: snprintf()
 * promises neither, so the function formats the numbers itself.
 */
void
ffu_staging_name(char *name, uint64 fxid, uint32 n, uint64 run,
				 const char *path)
{
	char	   *out = name;

	ffu_staging_part(out, fxid % FFU_STAGING_PARTS);
	out += FFU_STAGING_PART_LEN;
	*out++ = '/';
	out += pg_ulltoa_n(fxid, out);
	*out++ = '.';
	out += pg_ultoa_n(n, out);
	if (path != NULL)
	{
		Assert(ffu_path_valid(path, strlen(path)));
		if (run != 0)
		{
			*out++ = '.';
			out += pg_ulltoa_n(run, out);
		}
		*out++ = ':';
		for (int i = 0; i < FFU_PATH_MAX && path[i] != '\0'; i++)
			*out++ = (path[i] == '/') ? ':' : path[i];
	}
	*out = '\0';
}

/*
 * Read a decimal number up to max, as ffu_staging_name() writes numbers.
 * Return the end of the number, or NULL if there is no number.  Raise no
 * error.
 */
const char *
ffu_number_parse(const char *p, uint64 max, uint64 *number)
{
	uint64		value = 0;

	if (*p < '0' || *p > '9' || (*p == '0' && p[1] >= '0' && p[1] <= '9'))
		return NULL;
	for (; *p >= '0' && *p <= '9'; p++)
	{
		int			digit = *p - '0';

		if (value > (max - digit) / 10)
			return NULL;
		value = value * 10 + digit;
	}
	*number = value;
	return p;
}

/*
 * Read "<fxid>.<n>", the name of upload n of transaction fxid.  Return the end
 * of the name, or NULL if there is no name.  Raise no error and allocate
 * nothing.
 */
const char *
ffu_upload_parse(const char *p, uint64 *fxid, uint32 *n)
{
	uint64		number;

	p = ffu_number_parse(p, PG_UINT64_MAX, fxid);
	if (p == NULL || *p != '.')
		return NULL;
	p = ffu_number_parse(p + 1, PG_UINT32_MAX, &number);
	if (p != NULL)
		*n = (uint32) number;
	return p;
}

/*
 * Parse a staging name: the inverse of ffu_staging_name().
 *
 * Write the path into path, FFU_PATH_MAX + 1 bytes, or "" if the name has no
 * path, and set *run to the run, or 0.  Return false, with undefined results,
 * if ffu_staging_name() would not write exactly this name.  Raise no error and
 * allocate nothing.
 */
bool
ffu_staging_parse(const char *name, uint64 *fxid, uint32 *n, uint64 *run,
				  char *path)
{
	const char *p;
	char		part[FFU_STAGING_PART_LEN + 1];
	size_t		len;

	path[0] = '\0';
	*run = 0;
	if (name[0] == '\0' || name[1] != '/')
		return false;
	p = ffu_upload_parse(name + 2, fxid, n);
	if (p == NULL)
		return false;
	ffu_staging_part(part, *fxid % FFU_STAGING_PARTS);
	if (name[0] != part[0])
		return false;
	if (*p == '\0')
		return true;
	if (*p == '.')
	{
		p = ffu_number_parse(p + 1, PG_UINT64_MAX, run);
		if (p == NULL || *run == 0)
			return false;
	}
	if (*p != ':')
		return false;

	p++;
	len = strlen(p);
	if (len > FFU_PATH_MAX || strchr(p, '/') != NULL)
		return false;
	for (size_t i = 0; i < len; i++)
		path[i] = (p[i] == ':') ? '/' : p[i];
	path[len] = '\0';
	return ffu_path_valid(path, len);
}
