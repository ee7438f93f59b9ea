/*-------------------------------------------------------------------------
 *
 * upload.c
 *	  Writes new bytes: step 1 of the protocol.
 *
 * An upload is a staged file that no row owns yet.  One pass over the bytes
 * writes the file, computes the hash and collects the bytes for libmagic.  The
 * kernel is asked to begin writing early, so that the fsync before commit has
 * little left to do.
 *
 * In SQL an upload is a text, "upload:<fxid>.<n>".  The text is neither a
 * secret nor a right: only the upload's own transaction accepts the text, and
 * finds the upload among its staged files.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/parallel.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "base/error.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/settings.h"
#include "base/shared.h"
#include "store/dir/root.h"
#include "store/dir/syscall.h"
#include "text/mime.h"
#include "text/path.h"
#include "transaction/statement.h"
#include "upload/upload.h"

/*
 * Number of files of a transaction that stay open until their sync; the sync
 * opens other files again.  The number is small, since fd.c does not count
 * these files.
 */
#define OPEN_FILES_MAX	4

/* Number of further names to try if leftovers have the first names */
#define STAGE_TRIES		100000

struct FfuWriter
{
	FfuFile    *file;
	pg_cryptohash_ctx *hash;

	/* The first FFU_MAGIC_BYTES, in head_buf or in the caller's memory */
	const char *head;
	char	   *head_buf;
	size_t		head_len;
};

/*
 * Raise an error where no file may be stored: in read-only transactions and on
 * standbys (25006), and in parallel workers (25000).
 */
void
ffu_upload_prevent(const char *function)
{
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot execute %s during recovery", function),
				 errhint("Store and delete files on the primary server.")));
	PreventCommandIfReadOnly(function);
	PreventCommandIfParallelMode(function);
}

/*
 * Stage a new file with the bytes of an origin, under the next number whose
 * staging name is free.  A leftover of a transaction that had the same id
 * before a crash may occupy a name.  Return 0 or an error number.
 */
static int
stage_free(FfuOrigin *origin, const char *file_name, FfuFile **file)
{
	FfuStore   *store = ffu_root_use();
	int			tries;

	for (tries = 0; tries < STAGE_TRIES; tries++)
	{
		int			result;

		*file = ffu_pending_stage(file_name);
		result = store->methods->stage(store, ffu_file_staged(*file), origin);
		if (result == 0)
		{
			ffu_statement_note(*file);
			return 0;
		}
		ffu_pending_remove(*file);
		if (result != EEXIST)
			return result;
	}
	return EEXIST;
}

/*
 * Stage a new file, empty and open.  file_name is a clean name, or NULL.
 */
FfuFile *
ffu_upload_stage(const char *file_name)
{
	FfuOrigin	origin = {.kind = FFU_ORIGIN_CALLER};
	FfuFile    *file;
	int			result = stage_free(&origin, file_name, &file);

	if (result != 0)
		ffu_raise_io(result, "create staging file for upload",
					 file_name ? file_name : "");
	FFU_FAULT("stage-after-create");
	return file;
}

/*
 * Make a writer for an empty staged file.
 */
static FfuWriter *
make_writer(FfuFile *file)
{
	FfuWriter  *writer = palloc0(sizeof(FfuWriter));

	writer->file = file;
	writer->hash = pg_cryptohash_create(PG_SHA256);
	if (writer->hash == NULL || pg_cryptohash_init(writer->hash) < 0)
		elog(ERROR, "could not initialize SHA-256");
	return writer;
}

/*
 * Begin an upload.  file_name is a clean name, or NULL.  The same
 * subtransaction must end the writer, by ffu_upload_end or by an error.
 */
FfuWriter *
ffu_upload_begin(const char *file_name)
{
	return make_writer(ffu_upload_stage(file_name));
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
 * Return the name of a file for messages.
 */
static const char *
shown_name(const FfuFile *file)
{
	const char *name = ffu_file_birth(file)->file_name;

	return name ? name : "";
}

/*
 * Write and hash a piece.
 */
static void
write_piece(FfuFile *file, pg_cryptohash_ctx *hash, const char *data,
			size_t len)
{
	int			result;

	CHECK_FOR_INTERRUPTS();
	result = ffu_sys_write(ffu_file_staged(file)->fd, data, len,
						   ffu_file_facts(file)->size);
	if (result != 0)
		ffu_raise_io(result, "write staging file for upload",
					 shown_name(file));
	if (hash && pg_cryptohash_update(hash, (const uint8 *) data, len) < 0)
		elog(ERROR, "could not update SHA-256");
	ffu_file_grow(file, len);
	FFU_FAULT("stage-after-write");
}

/*
 * Begin writing the file's last slice, now complete, to the disk.
 */
static void
write_behind(FfuFile *file)
{
	int64		slice = ffu_file_facts(file)->size / FFU_SLICE - 1;
	int			result;

	if (ffu_setting_fsync == FFU_FSYNC_OFF)
		return;
	result = ffu_sys_write_behind(ffu_file_staged(file)->fd,
								  slice * FFU_SLICE,
								  slice < FFU_SLICES ? -1 :
								  (slice - FFU_SLICES) * FFU_SLICE);
	if (result == 0)
		return;
	ffu_file_lose(file);
	ffu_raise_io(result, "sync staging file for upload", shown_name(file));
}

/*
 * Write bytes at the end of an open staged file, and hash the bytes unless
 * hash is NULL.  Raise 53100 if the disk is full.
 */
void
ffu_upload_put(FfuFile *file, pg_cryptohash_ctx *hash, const char *data,
			   size_t len)
{
	ffu_memory_expect(len);
	while (len > 0)
	{
		int64		to_slice = FFU_SLICE -
		ffu_file_facts(file)->size % FFU_SLICE;
		size_t		piece = Min(len, FFU_CHUNK);

		piece = Min(piece, to_slice);
		write_piece(file, hash, data, piece);
		if (piece == to_slice)
			write_behind(file);
		data += piece;
		len -= piece;
	}
}

/*
 * Raise 23514 for a size, in bytes, above ffu.max_content_length.  at_least
 * tells that the file may become larger.
 */
void
ffu_upload_check_size(int64 size, bool at_least)
{
	if (size > ffu_setting_max_bytes())
		ffu_raise_too_large(size, ffu_setting_max_bytes(), at_least, NULL,
							InvalidAttrNumber);
}

/*
 * Append bytes to an upload.
 */
void
ffu_upload_write(FfuWriter *writer, const char *data, size_t len)
{
	ffu_upload_check_size(ffu_file_facts(writer->file)->size + (int64) len,
						  true);
	keep_head(writer, data, len);
	ffu_upload_put(writer->file, writer->hash, data, len);
}

/*
 * Close a file after its staging, unless the transaction has few files.
 */
void
ffu_upload_park(FfuFile *file)
{
	if (ffu_pending_count() > OPEN_FILES_MAX)
		ffu_sys_close(&ffu_file_staged(file)->fd);
}

/*
 * Determine the facts of a file after its last byte: digest, type and
 * extension.  facts->size is set.  head are the first bytes, fd is the open
 * file.  Free hash.
 */
void
ffu_upload_complete(const FfuFile *file, FfuFacts *facts,
					pg_cryptohash_ctx *hash, const char *head,
					size_t head_len, int fd)
{
	const char *file_name = ffu_file_birth(file)->file_name;
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	FfuMime		mime;

	if (pg_cryptohash_final(hash, digest, sizeof(digest)) < 0)
		elog(ERROR, "could not finalize SHA-256");
	pg_cryptohash_free(hash);
	hex_encode((const char *) digest, sizeof(digest), facts->sha256);
	facts->sha256[FFU_SHA256_HEX_LEN] = '\0';
	ffu_mime_detect(head, head_len, facts->size, fd, &mime);
	facts->mime = ffu_pending_mime(&mime);
	if (file_name == NULL || !ffu_extension_of(file_name, facts->ext))
		strlcpy(facts->ext, mime.extension, sizeof(facts->ext));
	ffu_shared_count(FFU_COUNT_STORED_FILES, 1);
	ffu_shared_count(FFU_COUNT_STORED_BYTES, facts->size);
}

/*
 * End a writer after the last byte, and set *facts.
 */
static void
end_writer(FfuWriter *writer, FfuFacts *facts)
{
	FfuFile    *file = writer->file;
	int			fd = ffu_file_staged(file)->fd;

	(void) ffu_sys_start_writeback(fd);
	*facts = *ffu_file_facts(file);
	ffu_upload_complete(file, facts, writer->hash, writer->head,
						writer->head_len, fd);
	ffu_upload_park(file);
	if (writer->head_buf)
		pfree(writer->head_buf);
	pfree(writer);
	FFU_FAULT("stage-end");
}

/*
 * End an upload after its last byte.
 */
FfuFile *
ffu_upload_end(FfuWriter *writer)
{
	FfuFile    *file = writer->file;
	FfuFacts	facts;

	end_writer(writer, &facts);
	ffu_pending_whole(file, &facts);
	return file;
}

/*
 * Upload a file whose bytes are all in memory.
 */
FfuFile *
ffu_upload_bytes(const char *file_name, const char *data, size_t len)
{
	FfuWriter  *writer;

	ffu_upload_check_size(len, false);
	writer = ffu_upload_begin(file_name);
	writer->head = data;
	writer->head_len = Min(len, FFU_MAGIC_BYTES);
	ffu_upload_put(writer->file, writer->hash, data, len);
	return ffu_upload_end(writer);
}

/*
 * Append all bytes of an open file.
 */
static void
write_open_file(FfuWriter *writer, int fd, const char *path)
{
	char	   *buf = palloc(FFU_CHUNK);
	int64		offset = 0;
	size_t		got;

	while (true)
	{
		int			result = ffu_sys_read(fd, buf, FFU_CHUNK, offset, &got);

		if (result != 0)
			ffu_raise_io(result, "read file", path);
		if (got == 0)
			break;
		ffu_upload_write(writer, buf, got);
		offset += got;
	}
	pfree(buf);
}

/*
 * Copy the bytes that a store left to its caller to an empty staged file, and
 * set *facts.  Close the reader, also if there is an error.
 */
static void
copy_rest(FfuFile *file, FfuReader *rest, const char *path, FfuFacts *facts)
{
	FfuWriter  *volatile writer = NULL;

	PG_TRY();
	{
		writer = make_writer(file);
		write_open_file(writer, rest->fd, path);
	}
	PG_CATCH();
	{
		ffu_sys_close(&rest->fd);
		PG_RE_THROW();
	}
	PG_END_TRY();
	ffu_sys_close(&rest->fd);
	end_writer(writer, facts);
}

/*
 * Stage a new file with all bytes of an origin.  If the bytes were copied, set
 * *facts; otherwise facts->mime is NULL.  The caller determines the facts then,
 * and calls ffu_pending_whole.  path names the origin in messages.  Return 0 or
 * an error number of the store.
 */
static int
stage_from(FfuOrigin *origin, const char *file_name, const char *path,
		   FfuFile **file, FfuFacts *facts)
{
	int			result = stage_free(origin, file_name, file);

	memset(facts, 0, sizeof(*facts));
	if (result == 0 && origin->rest.fd >= 0)
		copy_rest(*file, &origin->rest, path, facts);
	return result;
}

/*
 * Hash an open file from its beginning, and keep the first bytes for libmagic.
 * Return the size.
 */
static int64
hash_open_file(FfuWriter *writer, int fd, const char *path)
{
	char	   *buf = palloc(FFU_CHUNK);
	int64		size = 0;
	size_t		got;

	while (true)
	{
		int			result;

		CHECK_FOR_INTERRUPTS();
		result = ffu_sys_read(fd, buf, FFU_CHUNK, size, &got);
		if (result != 0)
			ffu_raise_io(result, "read file", path);
		if (got == 0)
			break;
		keep_head(writer, buf, got);
		if (pg_cryptohash_update(writer->hash, (const uint8 *) buf, got) < 0)
			elog(ERROR, "could not update SHA-256");
		size += got;
		FFU_FAULT("learn-after-chunk");
	}
	pfree(buf);
	return size;
}

/*
 * Read a staged file to determine its facts.
 */
static void
learn(FfuFile *file, const char *path, FfuFacts *facts)
{
	FfuStore   *store = ffu_root_use();
	FfuStaged  *staged = ffu_file_staged(file);
	FfuWriter	writer = {.file = file};
	int			fd = staged->fd;
	int			result = fd >= 0 ? 0 :
	store->methods->open_staged(store, staged, &fd);

	if (result != 0)
		ffu_raise_io(result, "read file", path);
	PG_TRY();
	{
		writer.hash = pg_cryptohash_create(PG_SHA256);
		if (writer.hash == NULL || pg_cryptohash_init(writer.hash) < 0)
			elog(ERROR, "could not initialize SHA-256");
		facts->size = hash_open_file(&writer, fd, path);
		ffu_upload_complete(file, facts, writer.hash, writer.head,
							writer.head_len, fd);
	}
	PG_FINALLY();
	{
		if (fd != staged->fd)
			ffu_sys_close(&fd);
	}
	PG_END_TRY();
	ffu_upload_park(file);
	if (writer.head_buf)
		pfree(writer.head_buf);
}

/*
 * Stage the bytes of an upload again: for a second use of an upload, or for a
 * copy of a file of this transaction.
 */
FfuFile *
ffu_upload_again(FfuFile *from)
{
	FfuOrigin	origin = {.kind = FFU_ORIGIN_STAGED,
	.staged = ffu_file_staged(from)};
	const FfuBirth *birth = ffu_file_birth(from);
	const FfuFacts *known = ffu_file_facts(from);
	FfuFacts	facts;
	FfuFile    *file;
	int			result = stage_from(&origin, birth->file_name, "upload", &file,
									&facts);

	if (result != 0)
		ffu_raise_io(result, "link staging file for upload", shown_name(from));
	/* A file from outside is still the file of both names. */
	ffu_file_born(file, origin.linked && birth->kind == FFU_ORIGIN_OUTSIDE ?
				  FFU_ORIGIN_OUTSIDE : FFU_ORIGIN_STAGED, 0);
	if (origin.linked && birth->source)
		ffu_pending_move(file, birth->source);
	if (facts.mime == NULL && known->mime == NULL)
		learn(file, ffu_file_path(from), &facts);
	else if (facts.mime == NULL)
		facts = *known;
	facts.ext_fixed = known->ext_fixed;
	if (facts.ext_fixed)
		memcpy(facts.ext, known->ext, sizeof(facts.ext));
	ffu_pending_whole(file, &facts);
	return file;
}

/*
 * Stage the bytes of the published file with this path, or return NULL if
 * there is no such file.  The new file does not depend on the path any more.
 */
FfuFile *
ffu_upload_copy(const char *path)
{
	FfuOrigin	origin = {.kind = FFU_ORIGIN_PATH,.name = path};
	FfuFacts	facts;
	FfuFile    *file;
	int			result = stage_from(&origin, NULL, path, &file, &facts);

	if (result == ENOENT)
		return NULL;
	if (result != 0)
		ffu_raise_io(result, "link file", path);
	ffu_file_born(file, FFU_ORIGIN_PATH, 0);
	if (facts.mime == NULL)
		learn(file, path, &facts);
	/* The name is gone; the extension was chosen at the first upload. */
	ffu_extension_of(path, facts.ext);
	facts.ext_fixed = true;
	ffu_pending_whole(file, &facts);
	return file;
}

/*
 * Stage the published file with this path again, for the same row.  The row
 * keeps its facts, so the file need not be read.  Return NULL if there is no
 * such file.
 */
FfuFile *
ffu_upload_relocated(const char *path)
{
	FfuOrigin	origin = {.kind = FFU_ORIGIN_PATH,.name = path};
	FfuFacts	facts;
	FfuFile    *file;
	int			result = stage_from(&origin, NULL, path, &file, &facts);

	if (result == ENOENT)
		return NULL;
	if (result != 0)
		ffu_raise_io(result, "link file", path);
	ffu_file_born(file, FFU_ORIGIN_PATH, 0);
	facts.ext[0] = '\0';
	ffu_extension_of(path, facts.ext);
	facts.ext_fixed = true;
	ffu_pending_whole(file, &facts);
	return file;
}

/*
 * Upload the file of an origin outside the folder; path names the file in
 * messages.  The caller calls ffu_upload_learn afterwards.
 */
FfuFile *
ffu_upload_outside(const char *file_name, FfuOrigin *origin, const char *path)
{
	FfuFacts	facts;
	FfuFile    *file;
	int			result = stage_from(origin, file_name, path, &file, &facts);

	if (result != 0)
		ffu_raise_io(result, "link file", path);
	if (origin->linked)
		ffu_file_born(file, FFU_ORIGIN_OUTSIDE, 0);
	if (facts.mime)
		ffu_pending_whole(file, &facts);
	return file;
}

/*
 * Make an upload of the file of the resumable upload with this key; the file
 * is called name.  The caller calls ffu_upload_learn afterwards.
 */
FfuFile *
ffu_upload_resumed(const char *file_name, const char *name, int64 key)
{
	FfuOrigin	origin = {.kind = FFU_ORIGIN_RESUMABLE,.name = name};
	FfuFacts	facts;
	FfuFile    *file;
	int			result = stage_from(&origin, file_name, name, &file, &facts);

	if (result != 0)
		ffu_raise_io(result, "link file of resumable upload",
					 file_name ? file_name : "");
	ffu_file_born(file, FFU_ORIGIN_RESUMABLE, key);
	if (facts.mime)
		ffu_pending_whole(file, &facts);
	return file;
}

/*
 * Determine size, checksum and type of a staged file by reading the file,
 * unless the file is whole.
 */
void
ffu_upload_learn(FfuFile *file, const char *path)
{
	FfuFacts	facts = {.size = 0};

	if (ffu_file_life(file) >= FFU_LIFE_WHOLE)
		return;
	learn(file, path, &facts);
	ffu_upload_check_size(facts.size, false);
	ffu_pending_whole(file, &facts);
}

/*
 * Stage the bytes of the deleted file that had this path, or return NULL if
 * the file is gone.
 */
FfuFile *
ffu_upload_deleted(const char *path)
{
	FfuOrigin	origin = {.kind = FFU_ORIGIN_DELETED,.name = path};
	FfuFacts	facts;
	FfuFile    *file;
	int			result = stage_from(&origin, NULL, path, &file, &facts);

	if (result == ENOENT)
		return NULL;
	if (result != 0)
		ffu_raise_io(result, "link file", path);
	ffu_file_born(file, FFU_ORIGIN_DELETED, 0);
	if (facts.mime == NULL)
		learn(file, path, &facts);
	ffu_extension_of(path, facts.ext);
	facts.ext_fixed = true;
	ffu_pending_whole(file, &facts);
	return file;
}
