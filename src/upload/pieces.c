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
#include "store/dir/spool.h"
#include "transaction/publish.h"
#include "upload/pieces.h"
#include "upload/upload.h"

/*
 * Begin an upload without any bytes.  file_name is a clean name, or NULL;
 * max_size is in bytes, or -1 for no limit.
 */
FfuFile *
ffu_pieces_begin(const char *file_name, int64 max_size)
{
	FfuFile    *file = ffu_upload_empty(file_name);

	ffu_pending_begin_pieces(file, max_size);
	ffu_writer_park(file);
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
	ffu_writer_check_size(size, true);
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
		ffu_raise_io(result, action, ffu_file_shown(file));
}

/*
 * Cut off the bytes of an aborted subtransaction, if the abort failed to.
 */
void
ffu_pieces_settle(FfuFile *file)
{
	const FfuPieces *pieces = ffu_file_pieces(file);
	FfuStore   *store = ffu_root_use();

	if (pieces == NULL || !pieces->torn)
		return;
	check_result(ffu_spool_cut(store, ffu_file_staged(file),
							   ffu_file_facts(file)->size),
				 "truncate staging file for upload", file);
	ffu_file_set_torn(file, false);
}

/*
 * Refuse an upload of which the disk has lost bytes.  The lost bytes may be
 * older than the savepoint to which the client rolled back after the loss.
 */
static void
refuse_lost(const FfuFile *file)
{
	if (ffu_file_is_lost(file))
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
	const FfuPieces *pieces = ffu_file_pieces(file);
	FfuStore   *store = ffu_root_use();
	FfuWriter	writer = {.file = file,.name = ffu_file_shown(file)};

	if (ffu_file_life(file) >= FFU_LIFE_WHOLE)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("upload is complete"),
				 pieces ?
				 errdetail("It was assigned to a file column.") :
				 errdetail("It was not begun by ffu.upload_begin()."),
				 errhint("Append all bytes before the upload is assigned.")));
	refuse_lost(file);
	ffu_pieces_check_size(ffu_file_facts(file)->size + (int64) len,
						  pieces->max_size);
	ffu_pieces_settle(file);
	ffu_pending_append(file);
	check_result(ffu_spool_reopen(store, ffu_file_staged(file)),
				 "open staging file for upload", file);
	writer.size = ffu_file_facts(file)->size;
	writer.hash = pieces->hash;
	ffu_writer_put(&writer, data, len);
	ffu_writer_park(file);
	FFU_FAULT("pieces-after-append");
	return writer.size;
}

/*
 * Determine digest and type of an upload that has all its bytes, from the
 * running digest and the beginning of the file.
 */
static void
complete(FfuFile *file)
{
	FfuStore   *store = ffu_root_use();
	FfuStaged  *staged = ffu_file_staged(file);
	FfuWriter	writer = {.size = ffu_file_facts(file)->size};
	FfuReader	reader = {0};

	check_result(ffu_spool_reopen(store, staged),
				 "open staging file for upload", file);
	(void) ffu_spool_borrow(store, staged, &reader);
	writer.head = writer.head_buf = palloc(FFU_MAGIC_BYTES);
	check_result(ffu_reader_read(&reader, writer.head_buf, FFU_MAGIC_BYTES, 0,
								 &writer.head_len),
				 "read staging file for upload", file);
	writer.hash = ffu_file_take_hash(file);
	ffu_writer_end(&writer, file, &reader);
	if (!ffu_publish_expects_bucket() &&
		!ffu_publish_may_log(store, file, writer.size))
		ffu_spool_start_writeback(&staged->file);
	ffu_writer_park(file);
}

/*
 * Complete a growing upload when the upload is assigned to a file column: no
 * bytes can be appended afterwards.  If a rollback has made the running digest
 * useless, read the file.
 */
void
ffu_pieces_close(FfuFile *file)
{
	Assert(ffu_file_life(file) == FFU_LIFE_GROWING);
	refuse_lost(file);
	ffu_pieces_settle(file);
	if (ffu_file_pieces(file)->hash)
		complete(file);
	else
		ffu_upload_learn(file, ffu_file_shown(file));
}
