/*-------------------------------------------------------------------------
 *
 * upload.c
 *	  Stages files from every origin: step 1 of the protocol.
 *
 * An upload is a staged file that no row owns yet.  FfuOrigin says where the
 * bytes come from.  The spool links or shares the bytes of a file that exists;
 * the writer (writer.c) writes all other bytes.  In SQL an upload is a text
 * (upload_text.c).
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
#include "miscadmin.h"

#include "base/error.h"
#include "base/fault.h"
#include "store/dir/claim.h"
#include "store/dir/root.h"
#include "text/path.h"
#include "transaction/publish.h"
#include "transaction/statement.h"
#include "upload/limit.h"
#include "upload/upload.h"

/* Number of further names to try if leftovers have the first names */
#define STAGE_TRIES		100000

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
stage_free(FfuOrigin *origin, const FfuBirth *birth, FfuFile **file)
{
	FfuStore   *store = ffu_claim_use();
	int			tries;

	for (tries = 0; tries < STAGE_TRIES; tries++)
	{
		int			result;

		*file = ffu_pending_stage(birth);
		result = ffu_spool_stage(store, ffu_file_staged(*file), origin);
		if (result == 0)
			return 0;
		ffu_pending_remove(*file);
		if (result != EEXIST)
			return result;
	}
	return EEXIST;
}

/*
 * Write the bytes that the spool left to its caller to an empty staged file.
 * Close the reader, also if there is an error.
 */
static void
copy_rest(FfuFile *file, FfuReader *rest, const char *shown)
{
	FfuWriter	writer;

	PG_TRY();
	{
		ffu_writer_begin(&writer, file);
		ffu_writer_copy(&writer, rest, shown);
	}
	PG_CATCH();
	{
		ffu_reader_close(rest);
		PG_RE_THROW();
	}
	PG_END_TRY();
	ffu_reader_close(rest);
	(void) ffu_upload_end(&writer);
}

/*
 * Return the action for the message of a failed staging.
 */
static const char *
action_of(FfuOriginKind kind)
{
	switch (kind)
	{
		case FFU_ORIGIN_CALLER:
			return "create staging file for upload";
		case FFU_ORIGIN_STAGED:
			return "link staging file for upload";
		case FFU_ORIGIN_RESUMABLE:
			return "link file of resumable upload";
		default:
			return "link file";
	}
}

/*
 * Stage a new file with the bytes of an origin.  birth has the same kind;
 * shown names the origin in messages.  If the bytes were copied, the file is
 * whole.  If the origin is the caller, the file is empty and open.  Otherwise
 * the caller calls ffu_upload_learn, or ffu_upload_trust.  Return NULL if
 * there is no file with the path of the origin.
 */
FfuFile *
ffu_upload_stage(FfuOrigin *origin, const FfuBirth *birth, const char *shown)
{
	FfuFile    *file;
	int			result = stage_free(origin, birth, &file);

	Assert(origin->kind == birth->kind ||
		   birth->kind == FFU_ORIGIN_OUTSIDE);
	if (result == ENOENT && (origin->kind == FFU_ORIGIN_PATH ||
							 origin->kind == FFU_ORIGIN_DELETED))
		return NULL;
	if (result != 0)
		ffu_raise_io(result, action_of(origin->kind), shown);
	if (birth->kind == FFU_ORIGIN_OUTSIDE && !origin->linked)
		ffu_file_copied(file);
	if (origin->kind == FFU_ORIGIN_CALLER)
		FFU_FAULT("stage-after-create");
	else if (origin->rest.methods)
		copy_rest(file, &origin->rest, shown);
	ffu_statement_note(file);
	return file;
}

/*
 * Stage a new file whose bytes stay in the bucket, under this key, until the
 * commit copies them.  The caller calls ffu_upload_trust.
 */
FfuFile *
ffu_upload_remote(const FfuBirth *birth, const char *key, const char *shown)
{
	FfuOrigin	origin = {.kind = FFU_ORIGIN_CALLER};
	FfuFile    *file;
	int			result = stage_free(&origin, birth, &file);

	if (result != 0)
		ffu_raise_io(result, action_of(origin.kind), shown);
	ffu_spool_close(&ffu_file_staged(file)->file);
	ffu_file_staged(file)->remote = MemoryContextStrdup(ffu_pending_context(),
														key);
	FFU_FAULT("stage-after-create");
	ffu_statement_note(file);
	return file;
}

/*
 * Stage a new file, empty and open.  file_name is a clean name, or NULL.
 */
FfuFile *
ffu_upload_empty(const char *file_name)
{
	FfuOrigin	origin = {.kind = FFU_ORIGIN_CALLER};
	FfuBirth	birth = {.kind = FFU_ORIGIN_CALLER,.file_name = file_name};

	return ffu_upload_stage(&origin, &birth, file_name ? file_name : "");
}

/*
 * Begin an upload.  file_name is a clean name, or NULL.  The same
 * subtransaction must end the writer, by ffu_upload_end or by an error.
 */
void
ffu_upload_begin(FfuWriter *writer, const char *file_name)
{
	ffu_writer_begin(writer, ffu_upload_empty(file_name));
}

/*
 * Append bytes to an upload.
 */
void
ffu_upload_write(FfuWriter *writer, const char *data, size_t len)
{
	ffu_writer_check_size(writer->size + (int64) len, true);
	ffu_writer_put(writer, data, len);
}

/*
 * End an upload after its last byte.
 */
FfuFile *
ffu_upload_end(FfuWriter *writer)
{
	FfuStore   *store = ffu_root_use();
	FfuFile    *file = writer->file;
	FfuStaged  *staged = ffu_file_staged(file);
	FfuReader	reader = {0};

	if (!ffu_publish_expects_bucket() &&
		!ffu_publish_may_log(store, file, writer->size))
		ffu_spool_start_writeback(&staged->file);
	(void) ffu_spool_borrow(store, staged, &reader);
	ffu_writer_end(writer, file, &reader);
	ffu_writer_park(file);
	FFU_FAULT("stage-end");
	return file;
}

/*
 * Upload a file whose bytes are all in memory.
 */
FfuFile *
ffu_upload_bytes(const char *file_name, const char *data, size_t len)
{
	FfuWriter	writer;

	ffu_writer_check_size(len, false);
	ffu_upload_begin(&writer, file_name);
	writer.sniffs = false;
	writer.head = data;
	writer.head_len = Min(len, FFU_MAGIC_BYTES);
	ffu_writer_put(&writer, data, len);
	return ffu_upload_end(&writer);
}

/*
 * Read a staged file to determine its facts, unless the file is whole.  shown
 * names the file in messages.
 */
void
ffu_upload_learn(FfuFile *file, const char *shown)
{
	FfuReader	reader = {0};
	FfuWriter	writer;
	int			result;

	if (ffu_file_life(file) >= FFU_LIFE_WHOLE)
		return;
	result = ffu_spool_borrow(ffu_root_use(), ffu_file_staged(file), &reader);
	if (result != 0)
		ffu_raise_io(result, "read file", shown);
	PG_TRY();
	{
		ffu_writer_begin(&writer, NULL);
		ffu_writer_copy(&writer, &reader, shown);
		ffu_writer_end(&writer, file, &reader);
	}
	PG_FINALLY();
	{
		ffu_reader_close(&reader);
	}
	PG_END_TRY();
	ffu_writer_park(file);
}

/*
 * Take a staged file for whole that is not read, unless the file is whole.
 * facts are the facts of the same bytes; NULL: the row of the file keeps its
 * facts.
 */
void
ffu_upload_trust(FfuFile *file, const FfuFacts *facts)
{
	FfuFacts	unread = {.size = 0};

	if (ffu_file_life(file) >= FFU_LIFE_WHOLE)
		return;
	strlcpy(unread.ext, ffu_file_birth(file)->ext, sizeof(unread.ext));
	if (facts)
		ffu_limit_check_linked(file, facts->size);
	ffu_pending_whole(file, facts ? facts : &unread);
	ffu_writer_park(file);
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
	const FfuFacts *facts = ffu_file_facts(from);
	FfuBirth	birth = *ffu_file_birth(from);
	FfuFile    *file;

	/* A linked file from outside is the file of both names. */
	if (birth.kind != FFU_ORIGIN_OUTSIDE)
		birth.kind = FFU_ORIGIN_STAGED;
	birth.resumable_key = 0;
	file = ffu_upload_stage(&origin, &birth, ffu_file_shown(from));
	if (origin.linked && birth.source)
		ffu_pending_move(file, birth.source);
	if (facts->mime)
		ffu_upload_trust(file, facts);
	else
		ffu_upload_learn(file, ffu_file_path(from));
	return file;
}

/*
 * Stage the bytes of the file with this path, published (PATH) or deleted
 * (DELETED), or return NULL if there is no such file.  The new file does not
 * depend on the path any more, but keeps the extension.  The caller calls
 * ffu_upload_learn or ffu_upload_trust.
 */
FfuFile *
ffu_upload_copy(FfuOriginKind kind, const char *path)
{
	FfuOrigin	origin = {.kind = kind,.name = path};
	FfuBirth	birth = {.kind = kind,.ext_fixed = true};

	ffu_extension_of(path, birth.ext);
	return ffu_upload_stage(&origin, &birth, path);
}
