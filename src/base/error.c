/*-------------------------------------------------------------------------
 *
 * error.c
 *	  Error messages that several files raise.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/rel.h"

#include "base/error.h"

/*
 * Set the SQLSTATE for an error number of a system call, inside ereport().
 * EACCES is an I/O error, unlike elsewhere in PostgreSQL (42501): the server
 * lacks a right, not the client.
 */
int
ffu_errcode_for(int error)
{
	switch (error)
	{
		case ENOSPC:
		case EDQUOT:
			return errcode(ERRCODE_DISK_FULL);
		case EMFILE:
		case ENFILE:
			return errcode(ERRCODE_INSUFFICIENT_RESOURCES);
		default:
			return errcode(ERRCODE_IO_ERROR);
	}
}

/*
 * Set detail and hint for an error number of a system call on the folder,
 * inside ereport().
 */
static int
explain(int error)
{
	switch (error)
	{
		case ENOSPC:
		case EDQUOT:
			errdetail("The file system of the folder for files is full, or a quota is used up.");
			return errhint("Free some space there; ffu.status shows where it is.");
		case EACCES:
		case EPERM:
			errdetail("The operating system user of the server may not do this.");
			return errhint("Give the folder and all that is in it to that user; ffu.status shows where it is.");
		case EROFS:
			errdetail("The file system of the folder for files is read-only.");
			return errhint("Look for the reason in the log of the operating system, and mount it for writing again.");
		default:
			errdetail("The operating system could not do what was asked; nothing can be said of the bytes concerned.");
			return errhint("Look for the reason in the log of the operating system, and at ffu.status.");
	}
}

/*
 * Raise an error: could not <action> "<path>": <reason>.  The action names its
 * object, as in "sync file".
 */
void
ffu_raise_io(int error, const char *action, const char *path)
{
	errno = error;
	ereport(ERROR,
			(ffu_errcode_for(error),
			 errmsg("could not %s \"%s\": %m", action, path),
			 explain(error)));
}

/*
 * Report the same at a level below ERROR, after commit or abort, where the next
 * sweep does the rest.
 */
void
ffu_warn_io(int elevel, int error, const char *action, const char *path)
{
	Assert(elevel < ERROR);
	errno = error;
	ereport(elevel,
			(ffu_errcode_for(error),
			 errmsg("could not %s \"%s\": %m", action, path),
			 errdetail("The next sweep tries again.")));
}

/*
 * Raise an error for a file above ffu.max_content_length.  Both sizes are in
 * bytes; at_least tells that more bytes may follow.  rel and attnum are the
 * column; rel is NULL as long as no column is known.
 */
void
ffu_raise_too_large(int64 size, int64 limit, bool at_least, Relation rel,
					AttrNumber attnum)
{
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("file is too large"),
			 errdetail("It has %s" INT64_FORMAT " bytes; at most " INT64_FORMAT " are allowed by ffu.max_content_length.",
					   at_least ? "at least " : "", size, limit),
			 errhint("Store a smaller file, or have a superuser raise ffu.max_content_length."),
			 rel ? errtablecol(rel, attnum) : 0,
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME,
								FFU_CONSTRAINT_SIZE)));
}

/*
 * Shorten a client's value for a message to at most FFU_SHOWN_MAX bytes, in
 * whole characters.  The result is palloc'd.
 */
char *
ffu_shown(const char *value, size_t len)
{
	bool		cut = len > FFU_SHOWN_MAX;
	char	   *shown;

	if (cut)
		len = pg_mbcliplen(value, Min(len, FFU_SHOWN_MAX * 2), FFU_SHOWN_MAX);
	shown = palloc(len + 4);
	memcpy(shown, value, len);
	strlcpy(shown + len, cut ? "..." : "", 4);
	return shown;
}

/*
 * Convert a name of the file system to text.  Bytes that are invalid in the
 * database's encoding become \ooo.  Return a palloc'd string, or name itself.
 */
const char *
ffu_shown_name(const char *name)
{
	StringInfoData buf;
	const unsigned char *p;

	if (pg_verifymbstr(name, strlen(name), true))
		return name;
	initStringInfo(&buf);
	for (p = (const unsigned char *) name; *p; p++)
	{
		if (IS_HIGHBIT_SET(*p))
			appendStringInfo(&buf, "\\%03o", *p);
		else
			appendStringInfoChar(&buf, *p);
	}
	return buf.data;
}
