/*-------------------------------------------------------------------------
 *
 * pieces.c
 *	  Uploads of this transaction that get their bytes in pieces.
 *
 * Such an upload is staged empty and grows at its end, in as many statements
 * as it takes.  It is complete when a file column's trigger sees it; from then
 * on nothing can be appended, unless that is rolled back to a savepoint.
 *
 * A savepoint that is rolled back takes the bytes appended after it along: the
 * file is cut off where it was.  A SHA-256 cannot be taken back, so the digest
 * of such a file is found by reading it once it is complete.  That is the
 * price of a rollback, not of a savepoint.
 *
 * Memory is that of a digest for each upload; libmagic is shown the beginning
 * of the file as it is on the disk.
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
 * Begin an upload without any bytes.  file_name is cleaned already, or NULL;
 * max_size in bytes, or -1.
 */
FfuFile *
ffu_pieces_begin(const char *file_name, int64 max_size)
{
	FfuFile    *file = ffu_upload_stage(file_name);

	ffu_pending_begin_pieces(file, max_size);
	ffu_upload_park(file);
	FFU_POINT("pieces-after-begin");
	return file;
}

/*
 * Refuse bytes that do not come at the end of what is there.
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
 * Refuse a size above the database's limit, or above the upload's own: 23514.
 */
void
ffu_pieces_check_size(int64 size, int64 max_size)
{
	if (size > ffu_guc_max_bytes())
		ffu_raise_too_large(size, ffu_guc_max_bytes(), true, NULL,
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
 * Cut off what an aborted subtransaction left behind, if that failed then.
 */
void
ffu_pieces_settle(FfuFile *file)
{
	FfuPlace   *place = ffu_root_use();

	if (file->pieces == NULL || !file->pieces->torn)
		return;
	check_result(place->store->cut(place, &file->staged, file->size),
				 "truncate staging file for upload", file);
	file->pieces->torn = false;
}

/*
 * Refuse an upload of which the disk has lost bytes, which may have come before
 * the savepoint that was rolled back because of that.
 */
static void
refuse_lost(const FfuFile *file)
{
	if (file->lost)
		check_result(EIO, "sync staging file for upload", file);
}

/*
 * Append bytes to an upload and return its size.  Raises 23514 before anything
 * is written if it would be too large, 55000 if it gets no more bytes, 53100.
 */
int64
ffu_pieces_append(FfuFile *file, const char *data, size_t len)
{
	FfuPlace   *place = ffu_root_use();

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
	check_result(place->store->reopen(place, &file->staged),
				 "open staging file for upload", file);
	ffu_upload_put(file, file->pieces->hash, data, len);
	ffu_upload_park(file);
	FFU_POINT("pieces-after-append");
	return file->size;
}

/*
 * The upload has all its bytes: find out what they are.
 */
static void
complete(FfuFile *file)
{
	FfuPlace   *place = ffu_root_use();
	struct pg_cryptohash_ctx *hash = file->pieces->hash;
	char	   *head;
	size_t		head_len;

	if (hash == NULL)
	{
		ffu_upload_learn(file, file->file_name ? file->file_name : "");
		return;
	}
	check_result(place->store->reopen(place, &file->staged),
				 "open staging file for upload", file);
	head = palloc(FFU_MAGIC_BYTES);
	check_result(ffu_durable_read(file->staged.fd, head, FFU_MAGIC_BYTES, 0,
								  &head_len),
				 "read staging file for upload", file);
	file->pieces->hash = NULL;
	ffu_upload_complete(file, hash, head, head_len, file->staged.fd);
	(void) ffu_durable_start_writeback(file->staged.fd);
	ffu_upload_park(file);
	pfree(head);
}

/*
 * An upload is assigned: if it came in pieces, it gets no more of them.
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
