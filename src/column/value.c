/*-------------------------------------------------------------------------
 *
 * value.c
 *	  What may be assigned to a file column, and which file it means.
 *
 *	upload:...		an upload of this transaction; used a second time, a copy.
 *					If it came in pieces, it is complete now
 *	data:...		the bytes themselves
 *	a path			chosen for this column, in this transaction, and not owned
 *					yet, in an UPDATE: that upload (EXCLUDED, or our own
 *					trigger once more)
 *					living: a copy, with a path of its own
 *					doomed by this transaction: a copy as well, so that
 *					rows can swap files; the bytes are there until commit
 *					doomed by another one, or gone: refused; never copied
 *					back, though the file may still be there, since this
 *					is how a stale full-row save looks
 *					detached: a copy as well, the file stays as it is
 *	copy:<path>		that file under a path of its own, also where it is the
 *					row's own already: its companions stay then
 *	detach:<path>	in an UPDATE, the row's own path: it lets go, and the file
 *					stays (trigger.c)
 *	dangle:<path>	the same, the other way round: the file goes, and the row
 *					keeps path and companions (trigger.c)
 *	anything else	refused
 *
 * NULL and '' are no file and do not come here.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/tupdesc.h"
#include "utils/rel.h"

#include "base/error.h"
#include "base/settings.h"
#include "column/value.h"
#include "text/data_uri.h"
#include "text/file_name.h"
#include "text/path.h"
#include "text/resumable_id.h"
#include "transaction/deletion.h"
#include "upload/pieces.h"
#include "upload/upload.h"

static void refuse_path(Relation rel, const FfuColumn *column, const char *path, bool doomed) pg_attribute_noreturn();
static void refuse_value(Relation rel, const FfuColumn *column, const char *value, size_t len) pg_attribute_noreturn();

/*
 * Set schema, table, column and constraint of an error.  For use inside
 * ereport().
 */
static int
err_file(Relation rel, const FfuColumn *column)
{
	errtablecol(rel, column->attnum);
	return err_generic_string(PG_DIAG_CONSTRAINT_NAME, FFU_CONSTRAINT_FILE);
}

/*
 * Refuse a path of no living file.
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
			 err_file(rel, column)));
}

/*
 * Refuse a value of no accepted kind.
 */
static void
refuse_value(Relation rel, const FfuColumn *column, const char *value,
			 size_t len)
{
	bool		bytes = len >= 2 && value[0] == '\\' && value[1] == 'x';
	bool		resumable = ffu_secret_is(value);

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
			 bytes ?
			 errhint("Bytes are stored with ffu.file(name, bytes).") :
			 errhint("Accepted are ffu.file(name, bytes), ffu.from_large_object(name, oid), a data: URI, the path of a stored file, and NULL or an empty string for no file."),
			 err_file(rel, column)));
}

/*
 * Refuse a size that column or database do not allow.
 */
static void
check_size(Relation rel, const FfuColumn *column, int64 size)
{
	ffu_column_check_size(rel, column, size, true);
	if (size > ffu_guc_max_bytes())
		ffu_raise_too_large(size, ffu_guc_max_bytes(), true, rel,
							column->attnum);
}

/*
 * Upload what a data: URI holds.  It is refused at the first byte too many.
 */
static FfuFile *
resolve_data_uri(Relation rel, const FfuColumn *column, const char *value,
				 size_t len)
{
	FfuDataUri	uri;
	FfuWriter  *writer;
	char	   *buf;
	int64		size = 0;
	size_t		got;

	ffu_datauri_parse(value, len, &uri);
	writer = ffu_upload_begin(uri.file_name ?
							  ffu_file_name_read(uri.file_name,
												 strlen(uri.file_name)) :
							  NULL);
	buf = palloc(FFU_CHUNK);
	while ((got = ffu_datauri_read(&uri, buf, FFU_CHUNK)) > 0)
	{
		size += got;
		check_size(rel, column, size);
		ffu_upload_write(writer, buf, got);
	}
	pfree(buf);
	return ffu_upload_end(writer);
}

/*
 * The file that a path means.
 */
static FfuFile *
resolve_path(Relation rel, const FfuColumn *column, const char *path,
			 bool insert)
{
	FfuFile    *file = ffu_pending_by_path(path);

	if (file != NULL)
	{
		file->seen = true;
		if (!insert && file->owned_level == 0 && file->doomed_level == 0 &&
			file->link_table == column->top &&
			strcmp(file->link_key, column->key) == 0)
			return file;
		return ffu_upload_again(file);
	}
	if (ffu_deletion_forbids(path))
		refuse_path(rel, column, path, true);
	file = ffu_upload_copy(path);
	if (file == NULL)
		refuse_path(rel, column, path, false);
	/* A deletion that was committed while we looked counts as well. */
	if (ffu_deletion_forbids(path))
		refuse_path(rel, column, path, true);
	file->fixed_ext = true;
	return file;
}

/*
 * The file that a row has already, to be given a new path.  It is one of an
 * earlier transaction.
 */
FfuFile *
ffu_value_relocate(Relation rel, const FfuColumn *column, const char *path)
{
	FfuFile    *file;

	if (ffu_deletion_forbids(path))
		refuse_path(rel, column, path, true);
	file = ffu_upload_relocated(path);
	if (file == NULL)
		refuse_path(rel, column, path, false);
	if (ffu_deletion_forbids(path))
		refuse_path(rel, column, path, true);
	file->seen = true;
	return file;
}

/*
 * The file that a value assigned to a file column means: one of this
 * transaction, with a path already only if it is not owned yet.  insert says
 * that a new row is being made, rather than one changed.  Raises 22023, 22P02,
 * 23503, 23514 and 55000, as the reference lists them.
 */
FfuFile *
ffu_value_resolve(Relation rel, const FfuColumn *column, const char *value,
				  size_t len, bool insert)
{
	FfuFile    *file;

	if (strncmp(value, FFU_UPLOAD_PREFIX, strlen(FFU_UPLOAD_PREFIX)) == 0)
	{
		file = ffu_upload_from_text(value, rel, column->attnum);
		file->seen = true;
		ffu_pieces_close(file);
		if (file->link_level > 0)
			file = ffu_upload_again(file);
	}
	else if (ffu_datauri_is(value, len))
		file = resolve_data_uri(rel, column, value, len);
	else if (strncmp(value, FFU_COPY_PREFIX, strlen(FFU_COPY_PREFIX)) == 0 &&
			 ffu_path_valid(value + strlen(FFU_COPY_PREFIX),
							len - strlen(FFU_COPY_PREFIX)))
		file = resolve_path(rel, column, value + strlen(FFU_COPY_PREFIX),
							true);
	else if (ffu_path_valid(value, len))
		file = resolve_path(rel, column, value, insert);
	else
		refuse_value(rel, column, value, len);
	file->seen = true;
	return file;
}
