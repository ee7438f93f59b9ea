/*-------------------------------------------------------------------------
 *
 * pieces.c
 *	  Uploads of this transaction whose bytes arrive in pieces.
 *
 * Such an upload is staged empty and grows at its end, by any number of
 * statements.  The upload is complete when a file column's trigger sees the
 * upload; then no bytes can be appended, unless the assignment is rolled back
 * to a savepoint.
 *
 * A rollback to a savepoint drops the bytes appended after the savepoint: the
 * file is cut off at its earlier size.  A SHA-256 cannot go back to an earlier
 * state, so the digest of such a file is computed from the complete file.
 * Only a rollback has this cost, a savepoint has not.
 *
 * Each upload needs the memory of one digest; libmagic sees the beginning of
 * the file on the disk.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "base/error.h"
#include "base/fault.h"
#include "base/settings.h"
#include "store/dir/root.h"
#include "store/dir/syscall.h"
#include "upload/pieces.h"
#include "upload/upload.h"

/*
 * Begin an upload without any bytes.  file_name is a clean name, or NULL;
 * max_size is in bytes, or -1 for no limit.
 */
FfuFile *
ffu_pieces_begin(const char *file_name, int64 max_size)
{
	FfuFile    *file = ffu_upload_stage(file_name);

	ffu_pending_begin_pieces(file, max_size);
	ffu_upload_park(file);
	FFU_FAULT("pieces-after-begin");
	return file;
}

/*
 * Refuse bytes that do not start at the end of the upload: raise 22023 for a
 * negative start, 55000 for a start other than size.
 */
void
ffu_pieces_check_start(int64 size, int64 start)
{
	if (start < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("start of ffu.upload_append() cannot be negative"),
				 errdetail("It is " INT64_FORMAT ".", start),
				 errhint("The first byte of an upload is at 0.")));
	if (start != size)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("bytes do not follow what the upload has already"),
				 errdetail("The upload has " INT64_FORMAT " bytes, but start is " INT64_FORMAT ".",
						   size, start),
				 errhint("Go on at the offset that ffu.upload_offset() returns.")));
}

/*
 * Raise 23514 for a size above the database's limit, or above the upload's
 * own.
 */
void
ffu_pieces_check_size(int64 size, int64 max_size)
{
	if (size > ffu_setting_max_bytes())
		ffu_raise_too_large(size, ffu_setting_max_bytes(), true, NULL,
							InvalidAttrNumber);
	if (max_size < 0 || size <= max_size)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("file is too large"),
			 errdetail("It has at least " INT64_FORMAT " bytes; at most " INT64_FORMAT " were announced to ffu.upload_begin().",
					   size, max_size),
			 errhint("Send no more than that, or begin another upload with a larger max_size."),
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME,
								FFU_CONSTRAINT_SIZE)));
}

/*
 * Raise an error for a system call on a staged file.
 */
static void
check_result(int result, const char *action, const FfuFile *file)
{
	if (result != 0)
		ffu_raise_io(result, action, file->file_name ? file->file_name : "");
}

/*
 * Cut off the bytes of an aborted subtransaction, if the abort failed to.
 */
void
ffu_pieces_settle(FfuFile *file)
{
	FfuStore   *store = ffu_root_use();

	if (file->pieces == NULL || !file->pieces->torn)
		return;
	check_result(store->methods->cut(store, &file->staged, file->size),
				 "truncate staging file for upload", file);
	file->pieces->torn = false;
}

/*
 * Refuse an upload of which the disk has lost bytes.  The lost bytes may be
 * older than the savepoint to which the client rolled back after the loss.
 */
static void
refuse_lost(const FfuFile *file)
{
	if (file->lost)
		check_result(EIO, "sync staging file for upload", file);
}

/*
 * Append bytes to an upload and return the new size.  Raise 55000 if the
 * upload is complete; 23514 if the file would be too large, before any byte is
 * written; 53100 if the disk is full.
 */
int64
ffu_pieces_append(FfuFile *file, const char *data, size_t len)
{
	FfuStore   *store = ffu_root_use();

	if (file->pieces == NULL || file->pieces->closed_level > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("upload is complete"),
				 file->pieces ?
				 errdetail("It was assigned to a file column.") :
				 errdetail("It was not begun by ffu.upload_begin()."),
				 errhint("Append all bytes before the upload is assigned.")));
	refuse_lost(file);
	ffu_pieces_check_size(file->size + (int64) len, file->pieces->max_size);
	ffu_pieces_settle(file);
	ffu_pending_append(file);
	check_result(store->methods->reopen(store, &file->staged),
				 "open staging file for upload", file);
	ffu_upload_put(file, file->pieces->hash, data, len);
	ffu_upload_park(file);
	FFU_FAULT("pieces-after-append");
	return file->size;
}

/*
 * Determine digest and type of an upload that has all its bytes.  If a
 * rollback has made the running digest useless, read the file.
 */
static void
complete(FfuFile *file)
{
	FfuStore   *store = ffu_root_use();
	struct pg_cryptohash_ctx *hash = file->pieces->hash;
	char	   *head;
	size_t		head_len;

	if (hash == NULL)
	{
		ffu_upload_learn(file, file->file_name ? file->file_name : "");
		return;
	}
	check_result(store->methods->reopen(store, &file->staged),
				 "open staging file for upload", file);
	head = palloc(FFU_MAGIC_BYTES);
	check_result(ffu_sys_read(file->staged.fd, head, FFU_MAGIC_BYTES, 0,
							  &head_len),
				 "read staging file for upload", file);
	file->pieces->hash = NULL;
	ffu_upload_complete(file, hash, head, head_len, file->staged.fd);
	(void) ffu_sys_start_writeback(file->staged.fd);
	ffu_upload_park(file);
	pfree(head);
}

/*
 * Complete an upload when the upload is assigned to a file column: no bytes
 * can be appended afterwards.  Do nothing for a complete upload, or for an
 * upload that did not come in pieces.
 */
void
ffu_pieces_close(FfuFile *file)
{
	if (file->pieces == NULL || file->pieces->closed_level > 0)
		return;
	refuse_lost(file);
	ffu_pieces_settle(file);
	ffu_pending_close_pieces(file);
	complete(file);
}
