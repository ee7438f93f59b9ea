/*-------------------------------------------------------------------------
 *
 * file_name.c
 *	  The names of files for people: cleaned, of a limited length.
 *
 * A file name is for display and download.  The name is stored in a column and
 * never used on the disk, so the limit FFU_FILE_NAME_MAX counts characters, as
 * people and varchar(n) count.  ffu refuses a client's longer name, since a
 * silently cut name would differ from the client's name.  A name that ffu
 * itself changes, by an extension or for a short column, is cut before the
 * extension, which stays whole.
 *
 * Uploads and rows belong to other files.
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
 * Clean a client's file name of len bytes, in the database encoding.  Return
 * the clean name, palloc'd, or NULL for a NULL name.  Raise 22023 if the clean
 * name is empty or has more than FFU_FILE_NAME_MAX characters.
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
 * Append ending, in ASCII, to a name of len bytes, after cutting the name so
 * that the result has at most max characters.  Return the result, palloc'd, or
 * NULL if no character of the name would be left.
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
 * Shorten a name to max characters, before its extension.  Return the name
 * itself if the name is short enough, else a palloc'd copy.  Return NULL if a
 * character and the extension do not fit.
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
 * Append an extension to a name.  Return the result, palloc'd, of at most
 * FFU_FILE_NAME_MAX characters.
 */
char *
ffu_file_name_extend(const char *name, const char *ext)
{
	return join(name, strlen(name), psprintf(".%s", ext), FFU_FILE_NAME_MAX);
}

/*
 * Return the name under which a browser saves the file of a path, palloc'd, or
 * NULL if nothing of the name is left.  The name has the extension of the
 * path, which says what type the web server sends.
 */
char *
ffu_file_name_download(const char *name, size_t len, const char *path)
{
	char	   *clean = ffu_file_name_clean(name, len);
	char		wanted[FFU_EXT_MAX + 1];
	char		given[FFU_EXT_MAX + 1];

	if (clean != NULL)
		clean = ffu_file_name_shorten(clean, FFU_FILE_NAME_MAX);
	if (clean == NULL)
		return NULL;
	(void) ffu_extension_of(path, wanted);
	(void) ffu_extension_of(clean, given);
	if (strcmp(given, wanted) == 0)
		return clean;
	if (*wanted != '\0')
		return ffu_file_name_extend(clean, wanted);
	return pnstrdup(clean, strrchr(clean, '.') - clean);
}
