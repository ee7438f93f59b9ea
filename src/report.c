/*-------------------------------------------------------------------------
 *
 * report.c
 *	  Messages that several files raise.
 *
 * Layer 2.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "ffu.h"

#include "mb/pg_wchar.h"

#include "report.h"

/*
 * The SQLSTATE for an error number of a system call: disk full is 53100, what
 * PostgreSQL has no class for is an I/O error.  For use inside ereport().
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
		case EACCES:
		case EPERM:
		case EROFS:
			return errcode(ERRCODE_INSUFFICIENT_PRIVILEGE);
		default:
			return errcode(ERRCODE_IO_ERROR);
	}
}

/*
 * Raise: "could not <action> file "<path>": <why>".
 */
void
ffu_raise_io(int error, const char *action, const char *path)
{
	errno = error;
	ereport(ERROR,
			(ffu_errcode_for(error),
			 errmsg("could not %s file \"%s\": %m", action, path),
			 error == ENOSPC || error == EDQUOT ?
			 errhint("Free some space on the file system of the folder for files; ffu.status shows where it is.") : 0));
}

/*
 * The same at a level below ERROR, after commit or abort: what is left over
 * is not lost.
 */
void
ffu_warn_io(int elevel, int error, const char *action, const char *path)
{
	Assert(elevel < ERROR);
	errno = error;
	ereport(elevel,
			(ffu_errcode_for(error),
			 errmsg("could not %s file \"%s\": %m", action, path),
			 errdetail("The next sweep tries again.")));
}

/*
 * Refuse a file that is too large; both sizes in bytes.
 */
void
ffu_raise_too_large(int64 size, int64 limit)
{
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("file is too large"),
			 errdetail("It has %s" INT64_FORMAT " bytes; at most " INT64_FORMAT " are allowed by ffu.max_content_length.",
					   size > limit ? "" : "more than ",
					   Max(size, limit), limit),
			 errhint("Store a smaller file, or have a superuser raise ffu.max_content_length."),
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME,
								FFU_CONSTRAINT_SIZE)));
}

/*
 * What is shown of a client's value in a message: at most FFU_SHOWN_MAX
 * bytes of it, in whole characters.  The result is palloc'd.
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
