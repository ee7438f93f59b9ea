/*-------------------------------------------------------------------------
 *
 * value.c
 *	  The values that a file column accepts, and the file of each value.
 *
 *	upload:...		an upload of this transaction; a copy, if the upload was
 *					used before.  An upload in pieces is complete now
 *	data:...		the bytes themselves
 *	\x...			the bytes themselves, in hex, as a bytea value becomes a
 *					text.  No path begins with a backslash
 *	a path			chosen for this column, in this transaction, and not owned
 *					yet, in an UPDATE: that upload (EXCLUDED, or the second
 *					call of ffu's trigger)
 *					living: a copy with a new path
 *					doomed by this transaction: also a copy, so that rows
 *					can swap files; the bytes are there until commit
 *					doomed by another transaction, or gone: refused.  The
 *					file may still be there, but is never copied back: a
 *					stale save of the full row looks the same
 *					detached: also a copy; the detached file stays.
 *					A private path of an earlier transaction is refused by
 *					a public column, and asks for the right to sign its URL
 *	copy:<path>		the file under a new path, even if the row has the path:
 *					then the companions stay
 *	detach:<path>	in an UPDATE, the path in the row: the row lets the path
 *					go, and the file stays (trigger.c)
 *	dangle:<path>	the reverse: the file goes, and the row keeps path and
 *					companions (trigger.c)
 *	anything else	refused
 *
 * The callers handle NULL and '', which stand for no file.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/tupdesc.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "base/error.h"
#include "base/settings.h"
#include "base/signing.h"
#include "column/policy.h"
#include "column/value.h"
#include "text/data_uri.h"
#include "text/file_name.h"
#include "text/path.h"
#include "text/resumable_id.h"
#include "transaction/deletion.h"
#include "upload/pieces.h"
#include "upload/remote.h"
#include "upload/upload.h"

static void refuse_hex(Relation rel, const FfuColumn *column, const char *found) pg_attribute_noreturn();
static void refuse_private(Relation rel, const FfuColumn *column) pg_attribute_noreturn();
static void refuse_path(Relation rel, const FfuColumn *column, const char *path, bool doomed) pg_attribute_noreturn();
static void refuse_value(Relation rel, const FfuColumn *column, const char *value, size_t len) pg_attribute_noreturn();

/*
 * Raise 23503 for a path without a living file.
 */
static void
refuse_path(Relation rel, const FfuColumn *column, const char *path,
			bool doomed)
{
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 doomed ?
			 errmsg("file was replaced or deleted meanwhile") :
			 errmsg("there is no file with this path"),
			 errdetail("The path is \"%s\".",
					   ffu_shown(path, strlen(path))),
			 doomed ?
			 errhint("Reload the row and apply the change again, leaving out the file column if the file is to stay.") :
			 errhint("Reload the row if this was its own path; otherwise assign the path of a file in another row, or bytes: ffu.file(name, bytes)."),
			 ffu_err_column(rel, column->attnum, FFU_CONSTRAINT_FILE)));
}

/*
 * Raise 22023 for a value of no accepted kind.
 */
static void
refuse_value(Relation rel, const FfuColumn *column, const char *value,
			 size_t len)
{
	bool		resumable = ffu_resumable_id_is(value);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("value is not accepted by file column \"%s\"",
					NameStr(TupleDescAttr(RelationGetDescr(rel),
										  column->attnum - 1)->attname)),
			 resumable ?
			 errdetail("The value is the id of a resumable upload.") :
			 errdetail("The value begins with \"%s\".", ffu_shown(value, len)),
			 resumable ?
			 errhint("Assign the result of ffu.upload_finish().") :
			 errhint("Accepted are bytes, ffu.file(name, bytes), ffu.from_large_object(name, oid), a data: URI, the path of a stored file, and NULL or an empty string for no file."),
			 ffu_err_column(rel, column->attnum, FFU_CONSTRAINT_FILE)));
}

/*
 * Refuse a size that column or database do not allow.  at_least tells that
 * more bytes may follow.
 */
static void
check_size(Relation rel, const FfuColumn *column, int64 size, bool at_least)
{
	ffu_policy_check_size(rel, column, size, at_least);
	if (size > ffu_setting_max_bytes())
		ffu_raise_too_large(size, ffu_setting_max_bytes(), at_least, rel,
							column->attnum);
}

/*
 * Raise 22P02 for bytes in hex with a wrong character, or with an odd number
 * of digits (found is empty).
 */
static void
refuse_hex(Relation rel, const FfuColumn *column, const char *found)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid bytes for file column \"%s\"",
					NameStr(TupleDescAttr(RelationGetDescr(rel),
										  column->attnum - 1)->attname)),
			 *found == '\0' ?
			 errdetail("The value begins with \"\\x\" and has an odd number of hexadecimal digits.") :
			 errdetail("The value begins with \"\\x\" and has the character \"%s\", which is not a hexadecimal digit.",
					   ffu_shown(found, pg_mblen(found))),
			 errhint("Bytes are written as \\x and two hexadecimal digits for each byte. ffu.file(name, bytes) takes a value of type bytea."),
			 ffu_err_column(rel, column->attnum, FFU_CONSTRAINT_FILE)));
}

/*
 * Upload the bytes of digits in hex, without a name.  The value has no white
 * space: it is the text of a bytea value.
 */
static FfuFile *
resolve_hex(Relation rel, const FfuColumn *column, const char *digits,
			size_t len)
{
	FfuWriter	writer;
	size_t		valid = strspn(digits, "0123456789abcdefABCDEF");
	size_t		done;
	char	   *buf;

	if (valid < len || len % 2 != 0)
		refuse_hex(rel, column, digits + valid);
	check_size(rel, column, len / 2, false);
	ffu_upload_begin(&writer, NULL);
	buf = palloc(FFU_CHUNK);
	for (done = 0; done < len; done += 2 * FFU_CHUNK)
	{
		size_t		n = Min(2 * FFU_CHUNK, len - done);

		ffu_upload_write(&writer, buf, hex_decode(digits + done, n, buf));
	}
	pfree(buf);
	return ffu_upload_end(&writer);
}

/*
 * Upload the bytes of a data: URI.  Refuse the URI at the first byte over the
 * limit.
 */
static FfuFile *
resolve_data_uri(Relation rel, const FfuColumn *column, const char *value,
				 size_t len)
{
	FfuDataUri	uri;
	FfuWriter	writer;
	char	   *buf;
	int64		size = 0;
	size_t		got;

	ffu_data_uri_parse(value, len, &uri);
	ffu_upload_begin(&writer, uri.file_name ?
					 ffu_file_name_read(uri.file_name, strlen(uri.file_name)) :
					 NULL);
	buf = palloc(FFU_CHUNK);
	while ((got = ffu_data_uri_read(&uri, buf, FFU_CHUNK)) > 0)
	{
		size += got;
		check_size(rel, column, size, true);
		ffu_upload_write(&writer, buf, got);
	}
	pfree(buf);
	return ffu_upload_end(&writer);
}

/*
 * Was the path of a file chosen for this column?
 */
static bool
is_for(const FfuFile *file, const FfuColumn *column)
{
	const FfuAssignment *assignment = ffu_file_assignment(file);

	return assignment->table == column->top &&
		strcmp(assignment->key, column->key) == 0;
}

/*
 * Raise 22023 for the path of a private file in a public column.  Such a path
 * may be of an old URL, and the copy would be public for good.
 */
static void
refuse_private(Relation rel, const FfuColumn *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("value is not accepted by file column \"%s\"",
					NameStr(TupleDescAttr(RelationGetDescr(rel),
										  column->attnum - 1)->attname)),
			 errdetail("The value is the path of a private file, and the column is public."),
			 errhint("To publish the file, store the bytes again: ffu.file(name, ffu.content(path))."),
			 ffu_err_column(rel, column->attnum, FFU_CONSTRAINT_FILE)));
}

/*
 * Raise 42501 if the path is of a private file and the current user may not
 * sign its URL.  A copy is a file of its own, and stays when a signed URL has
 * expired.
 */
void
ffu_value_require_right(const char *path)
{
	if (ffu_path_is_private(path))
		ffu_signing_require("permission denied to copy a private file",
							"The path of another row names a private file");
}

/*
 * Stage a copy of the file with a path.  From bucket to bucket the store
 * copies, at the commit.
 */
static FfuFile *
copy_path(Relation rel, const FfuColumn *column, const char *path)
{
	FfuFile    *file = NULL;

	if (column->to_bucket)
		file = ffu_remote_copy(path);
	if (file == NULL)
		file = ffu_upload_copy(FFU_ORIGIN_PATH, path);
	if (file == NULL)
		refuse_path(rel, column, path, false);
	return file;
}

/*
 * Return the file of a path.  A file of this transaction is the transaction's
 * own, and so is a file that this transaction lets go, if the path was made for
 * the row: the owner of a table can let go of any path.
 */
static FfuFile *
resolve_path(Relation rel, const FfuColumn *column, const char *path,
			 bool insert)
{
	FfuFile    *file = ffu_pending_by_path(path);

	if (file != NULL)
	{
		ffu_file_see(file);
		if (!insert && ffu_file_life(file) == FFU_LIFE_CHOSEN &&
			is_for(file, column))
			return file;
		return ffu_upload_again(file);
	}
	if (!ffu_deletion_is_proven(path))
	{
		if (!column->is_private && ffu_path_is_private(path))
			refuse_private(rel, column);
		ffu_value_require_right(path);
	}
	if (ffu_deletion_forbids(path))
		refuse_path(rel, column, path, true);
	file = copy_path(rel, column, path);
	ffu_upload_learn(file, path);
	/* Count a deletion that was committed meanwhile. */
	if (ffu_deletion_forbids(path))
		refuse_path(rel, column, path, true);
	return file;
}

/*
 * Return the file of a row for a new path.  The file is from an earlier
 * transaction.
 */
FfuFile *
ffu_value_relocate(Relation rel, const FfuColumn *column, const char *path)
{
	FfuFile    *file;

	if (ffu_deletion_forbids(path))
		refuse_path(rel, column, path, true);
	file = copy_path(rel, column, path);
	/* An object is stored with digest and type. */
	if (column->to_bucket)
		ffu_upload_learn(file, path);
	else
		ffu_upload_trust(file, NULL);
	if (ffu_deletion_forbids(path))
		refuse_path(rel, column, path, true);
	ffu_file_see(file);
	return file;
}

/*
 * Return the file of a value assigned to a file column.  The file belongs to
 * this transaction, and has a path only if the path is not owned yet.  insert
 * tells that the row is new, not changed.  Raise 22023, 22P02, 23503, 23514,
 * 42501 and 55000, as the reference lists.
 */
FfuFile *
ffu_value_resolve(Relation rel, const FfuColumn *column, const char *value,
				  size_t len, bool insert)
{
	FfuFile    *file;

	if (strncmp(value, FFU_UPLOAD_PREFIX, strlen(FFU_UPLOAD_PREFIX)) == 0)
	{
		file = ffu_upload_from_text(value, rel, column->attnum);
		ffu_file_see(file);
		if (ffu_file_life(file) == FFU_LIFE_GROWING)
			ffu_pieces_close(file);
		if (ffu_file_life(file) >= FFU_LIFE_CHOSEN)
			file = ffu_upload_again(file);
	}
	else if (ffu_data_uri_is(value, len))
		file = resolve_data_uri(rel, column, value, len);
	else if (strncmp(value, FFU_HEX_PREFIX, strlen(FFU_HEX_PREFIX)) == 0)
		file = resolve_hex(rel, column, value + strlen(FFU_HEX_PREFIX),
						   len - strlen(FFU_HEX_PREFIX));
	else if (strncmp(value, FFU_COPY_PREFIX, strlen(FFU_COPY_PREFIX)) == 0 &&
			 ffu_path_valid(value + strlen(FFU_COPY_PREFIX),
							len - strlen(FFU_COPY_PREFIX)))
		file = resolve_path(rel, column, value + strlen(FFU_COPY_PREFIX),
							true);
	else if (ffu_path_valid(value, len))
		file = resolve_path(rel, column, value, insert);
	else
		refuse_value(rel, column, value, len);
	if (!column->to_bucket)
		ffu_remote_fetch(file);
	ffu_file_see(file);
	return file;
}
