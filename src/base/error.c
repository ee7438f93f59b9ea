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

/* The directory noted by ffu_report_directory() */
static char culprit[MAXPGPATH];

/*
 * Set the SQLSTATE for an error number of a system call, inside ereport():
 * disk full is 53100, too many open files 53000, no memory 53200, the rest I/O
 * errors.  EACCES is an I/O error, unlike elsewhere in PostgreSQL (42501): the
 * server lacks a right, not the client.
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
		case ENOMEM:
			return errcode(ERRCODE_OUT_OF_MEMORY);
		default:
			return errcode(ERRCODE_IO_ERROR);
	}
}

/*
 * Set the SQLSTATE for an error number that the folder itself gave, inside
 * ereport().  0 stands for a folder of another database.  A missing folder is
 * a wrong setup (55000), not an error of the system.
 */
int
ffu_errcode_for_folder(int error)
{
	switch (error)
	{
		case 0:
		case ENOENT:
		case ENOTDIR:
		case ELOOP:
		case EINVAL:
			return errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE);
		default:
			return ffu_errcode_for(error);
	}
}

/*
 * Return the hint for an error number of a system call on the folder.  Return
 * NULL if the hint depends on the call.  The result is constant.
 */
const char *
ffu_hint_for(int error)
{
	switch (error)
	{
		case ENOSPC:
		case EDQUOT:
			return "Free some space there; ffu.status shows where it is.";
		case EACCES:
		case EPERM:
			return "Give the folder and all that is in it to the operating system user of the server, and the right to search the directories above it; ffu.status shows where it is.";
		case EROFS:
			return "Look for the reason in the log of the operating system, and mount it for writing again.";
		case EMFILE:
		case ENFILE:
			return "Raise the limit of open files of the server's processes, or of the operating system.";
		case ENOMEM:
			return "Free some memory on the server.";
		case EIO:
		case ESTALE:
			return "Look for the reason in the log of the operating system, and at ffu.status.";
		default:
			return NULL;
	}
}

/*
 * Note the first len bytes of a path, a directory of the folder that the
 * caller could not enter.  The next message about this path names the
 * directory.  Raise no error.
 */
void
ffu_report_directory(const char *path, size_t len)
{
	len = Min(len, sizeof(culprit) - 1);
	memcpy(culprit, path, len);
	culprit[len] = '\0';
}

/*
 * Tell whether the noted directory lies above a path.
 */
static bool
is_culprit_of(const char *path)
{
	size_t		len = strlen(culprit);

	return len > 0 && strncmp(path, culprit, len) == 0 && path[len] == '/';
}

/*
 * Set detail and hint for an error number of a system call on the file at path
 * in the folder, inside ereport().
 */
static int
explain(int error, const char *path)
{
	const char *hint = ffu_hint_for(error);

	switch (error)
	{
		case ENOSPC:
		case EDQUOT:
			errdetail("The file system of the folder for files is full, or a quota is used up.");
			break;
		case EACCES:
		case EPERM:
			errdetail("The operating system user of the server may not do this.");
			break;
		case EROFS:
			errdetail("The file system of the folder for files is read-only.");
			break;
		case EMFILE:
		case ENFILE:
			errdetail("Too many files are open.");
			break;
		case ENOTDIR:
		case ELOOP:
			if (is_culprit_of(path))
			{
				errdetail("\"%s\" in the folder is not a directory.", culprit);
				return errhint("Move the file or directory out of the folder; ffu.status shows the path of the folder.");
			}
			pg_fallthrough;
		default:
			errdetail("The operation of the system failed; the state of the bytes is not known.");
			break;
	}
	return errhint("%s", hint ? hint :
				   "Look for the reason in the log of the operating system, and at ffu.status.");
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
			 explain(error, path)));
}

/*
 * Report the same error at a level below ERROR, after commit or abort, where
 * the next sweep does the rest.
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
 * Report an error that a store describes in words, like ffu_warn_io().
 */
void
ffu_warn_store(int elevel, const char *why, const char *action,
			   const char *path)
{
	Assert(elevel < ERROR);
	ereport(elevel,
			(errcode(ERRCODE_IO_ERROR),
			 errmsg("could not %s \"%s\": %s", action, path, why),
			 errdetail("The next sweep tries again.")));
}

/*
 * Set schema, table, column and constraint of an error, inside ereport().  rel
 * may be NULL.  constraint is one of the names FFU_CONSTRAINT_..., or NULL.
 */
int
ffu_err_column(Relation rel, AttrNumber attnum, const char *constraint)
{
	if (rel)
		errtablecol(rel, attnum);
	if (constraint)
		err_generic_string(PG_DIAG_CONSTRAINT_NAME, constraint);
	return 0;
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
			 ffu_err_column(rel, attnum, FFU_CONSTRAINT_SIZE)));
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
