/*-------------------------------------------------------------------------
 *
 * writer.c
 *	  Writes, hashes and sniffs bytes: step 1 of the protocol.
 *
 * All bytes that become a file pass a writer.  One pass over the bytes writes
 * them at the end of the open file, computes the digest and collects the first
 * bytes for libmagic.  The file goes to the disk slice by slice while the
 * bytes come, so that the fsync before commit has little left to do.
 *
 *	an upload at once		writes, hashes, sniffs
 *	an upload in pieces		writes, hashes; the digest outlives the statement,
 *							the first bytes are read from the file at the end
 *	a resumable upload		writes; the file is read when the upload is finished
 *	a file staged by a link	hashes, sniffs
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "miscadmin.h"

#include "base/digest.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/settings.h"
#include "base/shared.h"
#include "store/dir/spool.h"
#include "text/mime.h"
#include "text/path.h"
#include "transaction/pending.h"
#include "transaction/publish.h"
#include "upload/limit.h"
#include "upload/writer.h"

/*
 * Number of files of a transaction that stay open until their sync; the sync
 * opens other files again.  The number is small, since fd.c does not count
 * these files.
 */
#define OPEN_FILES_MAX	4

/*
 * Raise 23514 for a size, in bytes, above ffu.max_content_length.  at_least
 * tells that the file may become larger.
 */
void
ffu_writer_check_size(int64 size, bool at_least)
{
	if (size > ffu_setting_max_bytes())
		ffu_raise_too_large(size, ffu_setting_max_bytes(), at_least, NULL,
							InvalidAttrNumber);
}

/*
 * Set up a writer that hashes and sniffs.  file is where the bytes go, or
 * NULL.  The same subtransaction must end the writer, by ffu_writer_end or by
 * an error.
 */
void
ffu_writer_begin(FfuWriter *writer, FfuFile *file)
{
	memset(writer, 0, sizeof(*writer));
	writer->file = file;
	writer->name = file ? ffu_file_shown(file) : "";
	writer->sniffs = true;
	writer->hash = ffu_digest_begin();
}

/*
 * Copy the first bytes for libmagic to the writer's own buffer.
 */
static void
keep_head(FfuWriter *writer, const char *data, size_t len)
{
	size_t		take = Min(len, FFU_MAGIC_BYTES - writer->head_len);

	if (take == 0)
		return;
	if (writer->head_buf == NULL)
		writer->head_buf = palloc(FFU_MAGIC_BYTES);
	memcpy(writer->head_buf + writer->head_len, data, take);
	writer->head = writer->head_buf;
	writer->head_len += take;
}

/*
 * Return the file in the spool where the bytes go.
 */
static FfuSpoolFile *
target(const FfuWriter *writer)
{
	return writer->file ? &ffu_file_staged(writer->file)->file :
		ffu_resumed_file(writer->resumed);
}

/*
 * Write a piece to the file.
 */
static void
write_piece(FfuWriter *writer, const char *data, size_t len)
{
	int			result = ffu_spool_write(target(writer), data, len,
										 writer->size);

	if (writer->file)
	{
		if (result != 0)
			ffu_raise_io(result, "write staging file for upload",
						 writer->name);
		ffu_file_grow(writer->file, len);
		FFU_FAULT("stage-after-write");
		return;
	}
	if (result != 0)
		ffu_raise_io(result, "write file of resumable upload", writer->name);
	FFU_FAULT("resume-after-write");
}

/*
 * Begin writing the last slice, now complete, to the disk.
 */
static void
write_behind(FfuWriter *writer)
{
	int64		slice = writer->size / FFU_SLICE - 1;
	int			result;

	if (ffu_setting_fsync == FFU_FSYNC_OFF ||
		(writer->file && ffu_publish_expects_bucket()))
		return;
	result = ffu_spool_write_behind(target(writer), slice);
	if (result == 0)
		return;
	if (writer->file)
	{
		ffu_file_lose(writer->file);
		ffu_raise_io(result, "sync staging file for upload", writer->name);
	}
	ffu_resumed_lose(writer->resumed);
	ffu_raise_io(result, "sync file of resumable upload", writer->name);
}

/*
 * Take the next bytes.  Raise 53100 if the disk is full, and 53400 for more
 * than ffu.max_staged.  The caller has checked the size.
 */
void
ffu_writer_put(FfuWriter *writer, const char *data, size_t len)
{
	bool		writes = writer->file || writer->resumed;

	ffu_memory_expect(len);
	if (writer->file)
		ffu_limit_check_staged(len);
	if (writer->sniffs)
		keep_head(writer, data, len);
	while (len > 0)
	{
		int64		to_slice = FFU_SLICE - writer->size % FFU_SLICE;
		size_t		piece = Min(len, FFU_CHUNK);

		piece = Min(piece, to_slice);
		CHECK_FOR_INTERRUPTS();
		if (writes)
			write_piece(writer, data, piece);
		if (writer->hash)
			ffu_digest_add(writer->hash, data, piece);
		writer->size += piece;
		if (writes && piece == to_slice)
			write_behind(writer);
		data += piece;
		len -= piece;
	}
}

/*
 * Take all bytes of a reader.  path names the file in messages.
 */
void
ffu_writer_copy(FfuWriter *writer, FfuReader *reader, const char *path)
{
	char	   *buf = palloc(FFU_CHUNK);
	size_t		got;

	while (true)
	{
		int			result = ffu_reader_read(reader, buf, FFU_CHUNK,
											 writer->size, &got);

		if (result != 0)
			ffu_raise_io(result, "read file", path);
		if (got == 0)
			break;
		if (writer->file)
			ffu_writer_check_size(writer->size + (int64) got, true);
		ffu_writer_put(writer, buf, got);
		FFU_FAULT("learn-after-chunk");
	}
	pfree(buf);
}

/*
 * Choose the extension of a file: a copy keeps the extension of the original;
 * otherwise the client's name comes first, then the content.
 */
void
ffu_writer_choose_ext(const FfuBirth *birth, const FfuMime *mime, char *ext)
{
	if (birth->ext_fixed && birth->ext[0] != '\0')
		memcpy(ext, birth->ext, sizeof(birth->ext));
	else if (birth->file_name == NULL ||
			 !ffu_extension_of(birth->file_name, ext))
		strlcpy(ext, mime->extension, FFU_EXT_MAX + 1);
}

/*
 * End a writer after the last byte of a file: the file is whole.  reader reads
 * the file.  Free what the writer has allocated.
 */
void
ffu_writer_end(FfuWriter *writer, FfuFile *file, FfuReader *reader)
{
	uint8		digest[FFU_SHA256_LEN];
	FfuFacts	facts = {.size = writer->size};
	FfuMime		mime;

	ffu_digest_end(writer->hash, digest);
	ffu_digest_to_hex(digest, facts.sha256);
	ffu_limit_detect(writer->head, writer->head_len, facts.size,
					 ffu_reader_piece, reader, &mime);
	facts.mime = ffu_pending_mime(&mime);
	ffu_writer_choose_ext(ffu_file_birth(file), &mime, facts.ext);
	ffu_limit_check_linked(file, facts.size);
	ffu_pending_whole(file, &facts);
	ffu_shared_count(FFU_COUNT_STORED_FILES, 1);
	ffu_shared_count(FFU_COUNT_STORED_BYTES, facts.size);
	if (writer->head_buf)
		pfree(writer->head_buf);
}

/*
 * Close a file after its staging, unless the transaction has few files.
 */
void
ffu_writer_park(FfuFile *file)
{
	if (ffu_pending_count() > OPEN_FILES_MAX)
		ffu_spool_close(&ffu_file_staged(file)->file);
}
