/*-------------------------------------------------------------------------
 *
 * folder_list.c
 *	  The list of folders that databases of this cluster use.
 *
 * The list is the file ffu.folders in the data directory, so that
 * ffu.abandoned_folders can list a folder after the database was dropped, and
 * so that tools which read no SQL can.  A line: "database root-id path".
 *
 * A sweeper notes the folder of its database.  The launcher takes out what it
 * removes, and runs no sweeper meanwhile; so one process at a time writes the
 * list.  Failures are logged.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "miscadmin.h"
#include "storage/fd.h"

#include "base/error.h"
#include "store/dir/folder_list.h"

#define LIST			"ffu.folders"
#define LIST_NEW		LIST ".new"
#define LINE_MAX_LEN	(MAXPGPATH + 64)

/* A line of the list, and which other lines it replaces */
typedef struct Line
{
	char		whole[LINE_MAX_LEN];	/* "database root-id path\n" */
	char		database[16];	/* "database " */
	const char *root_id;
	char		path[MAXPGPATH + 2];	/* " path\n" */
} Line;

/*
 * Tell whether a text ends with another text.
 */
static bool
ends_with(const char *text, const char *end)
{
	size_t		len = strlen(text);
	size_t		end_len = strlen(end);

	return len >= end_len && strcmp(text +len - end_len, end) == 0;
}

/*
 * Tell whether a new line replaces an old line: the database, the root or the
 * path is the same.
 */
static bool
replaces(const Line *line, const char *old)
{
	return strncmp(old, line->database, strlen(line->database)) == 0 ||
		strstr(old, line->root_id) != NULL || ends_with(old, line->path);
}

/*
 * Tell whether the list has a line that begins with a text.
 */
static bool
has_line(const char *start)
{
	FILE	   *in = AllocateFile(LIST, "r");
	char		old[LINE_MAX_LEN];
	bool		found = false;

	if (in == NULL)
		return false;
	while (!found && fgets(old, sizeof(old), in) != NULL)
		found = strncmp(old, start, strlen(start)) == 0;
	FreeFile(in);
	return found;
}

/*
 * Copy the list to out.  Leave out the lines that line replaces, or without a
 * line those that begin with start.
 */
static void
copy_list(FILE *out, const Line *line, const char *start)
{
	FILE	   *in = AllocateFile(LIST, "r");
	char		old[LINE_MAX_LEN];

	if (in == NULL)
		return;
	while (fgets(old, sizeof(old), in) != NULL)
	{
		if (line ? !replaces(line, old) :
			strncmp(old, start, strlen(start)) != 0)
			(void) fputs(old, out);
	}
	FreeFile(in);
}

/*
 * Write the list again: with a line in the place of others, or without the
 * lines that begin with start.
 */
static void
write_list(const Line *line, const char *start)
{
	FILE	   *out = AllocateFile(LIST_NEW, "w");
	bool		failed;

	if (out == NULL)
	{
		ffu_warn_io(LOG, errno, "write", LIST_NEW);
		return;
	}
	copy_list(out, line, start);
	if (line)
		(void) fputs(line->whole, out);
	failed = ferror(out) != 0;
	if (FreeFile(out) != 0 || failed)
		ffu_warn_io(LOG, errno, "write", LIST_NEW);
	else
		(void) durable_rename(LIST_NEW, LIST, LOG);
}

/*
 * Note that this database uses this folder.
 */
void
ffu_folder_list_note(const FfuClaim *claim)
{
	Line		line;

	snprintf(line.database, sizeof(line.database), "%u ", MyDatabaseId);
	snprintf(line.path, sizeof(line.path), " %s\n", claim->path);
	snprintf(line.whole, sizeof(line.whole), "%s%s%s", line.database,
			 claim->root_id, line.path);
	line.root_id = claim->root_id;
	if (!has_line(line.whole))
		write_list(&line, NULL);
}

/*
 * Forget the folder of a dropped database.
 */
void
ffu_folder_list_forget(Oid database, const char *root_id)
{
	char		start[LINE_MAX_LEN];

	snprintf(start, sizeof(start), "%u %s ", database, root_id);
	if (has_line(start))
		write_list(NULL, start);
}
