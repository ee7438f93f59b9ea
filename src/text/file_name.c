/*-------------------------------------------------------------------------
 *
 * file_name.c
 *	  The names that files have for people: cleaned, of a limited length.
 *
 * A file name is for display and download. It is stored in a column and never
 * used on the disk, so its limit counts characters, as people and varchar(n)
 * do: FFU_FILE_NAME_MAX of them. A client's longer name is refused, since a
 * name cut off in silence is not what the client sent. What ffu itself makes
 * longer, by an extension or for a short column, is shortened before the
 * extension, which stays whole.
 *
 * Knows nothing of uploads and rows.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "mb/pg_wchar.h"

#include "text/file_name.h"
#include "text/path.h"
#include "base/error.h"

/*
 * Clean a client's file name of 'len' bytes, in the database encoding.
 *
 * Returns NULL for a NULL name, else the clean name, palloc'd. Raises 22023 if
 * the clean name is empty or has more than FFU_FILE_NAME_MAX characters.
 */
char *
ffu_file_name_read(const char *name, size_t len)
{
	char	   *clean;
	int			chars;

	if (name == NULL)
		return NULL;
	clean = ffu_file_name_clean(name, len);
	if (clean == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("file name is empty"),
				 errdetail("Nothing is left of \"%s\" without its directories and control characters.",
						   ffu_shown(name, len)),
				 errhint("Pass NULL for a file without a name.")));
	chars = pg_mbstrlen(clean);
	if (chars > FFU_FILE_NAME_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("file name is too long"),
				 errdetail("It has %d characters; at most %d are allowed.",
						   chars, FFU_FILE_NAME_MAX),
				 errhint("Shorten the file name.")));
	return clean;
}

/*
 * Put 'ending' behind the first characters of a name, of which there are 'len'
 * bytes, so that the result has at most 'max' characters. The ending is in
 * ASCII. Returns the result palloc'd, NULL if nothing of the name would be
 * left.
 */
static char *
join(const char *name, size_t len, const char *ending, int max)
{
	int			room = max - (int) strlen(ending);
	int			kept;

	if (room < 1)
		return NULL;
	kept = pg_mbcharcliplen(name, len, room);
	return psprintf("%.*s%s", kept, name, ending);
}

/*
 * Shorten a name to 'max' characters, before its extension.
 *
 * Returns the name itself if it is short enough, else the shorter one,
 * palloc'd; NULL if there is no room for a character and the extension.
 */
char *
ffu_file_name_shorten(const char *name, int max)
{
	char		ext[FFU_EXT_MAX + 1];
	size_t		len = strlen(name);
	const char *ending = name + len;

	if (pg_mbstrlen(name) <= max)
		return unconstify(char *, name);
	if (ffu_extension_of(name, ext))
		ending = strrchr(name, '.');
	return join(name, ending - name, ending, max);
}

/*
 * Give a name an extension. Returns the result palloc'd, of at most
 * FFU_FILE_NAME_MAX characters.
 */
char *
ffu_file_name_extend(const char *name, const char *ext)
{
	return join(name, strlen(name), psprintf(".%s", ext), FFU_FILE_NAME_MAX);
}
