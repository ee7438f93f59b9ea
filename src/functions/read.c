/*-------------------------------------------------------------------------
 *
 * read.c
 *	  SQL functions that read a file: content, stream, size, to_large_object
 *	  and _dangles; _file_digest and _is_root, for other servers.
 *
 * A caller who knows a path may read the file.  A file of this transaction
 * that is not published yet is read under the staging name.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/xlog.h"
#include "funcapi.h"
#include "libpq/be-fsstubs.h"
#include "libpq/libpq-fs.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/expandeddatum.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "base/error.h"
#include "base/fault.h"
#include "base/memory.h"
#include "store/dir/root.h"
#include "store/dir/spool.h"
#include "sweep/deliver.h"
#include "text/path.h"
#include "transaction/deletion.h"
#include "upload/pieces.h"
#include "upload/upload.h"

static void refuse_path(const char *path) pg_attribute_noreturn();

FFU_FUNCTION(ffu_sql_content);
FFU_FUNCTION(ffu_sql_content_range);
FFU_FUNCTION(ffu_sql_stream);
FFU_FUNCTION(ffu_sql_size);
FFU_FUNCTION(ffu_sql_dangles);
FFU_FUNCTION(ffu_sql_to_large_object);
FFU_FUNCTION(ffu_sql_file_digest);
FFU_FUNCTION(ffu_sql_is_root);

/* The largest possible bytea */
#define CONTENT_MAX			((int64) (MaxAllocSize - VARHDRSZ))

/* Size from which bytes are read on use; see Content. */
#define CONTENT_LATER		((int64) 64 * 1024)

/* An open file.  A callback closes the file with the memory context. */
typedef struct OpenFile
{
	char	   *path;
	FfuReader	reader;
	int64		offset;			/* of the next piece to read */
	int32		chunk_size;
	MemoryContextCallback callback;
} OpenFile;

/*
 * A bytea whose bytes are still in the file, as an expanded object.  The bytes
 * are read straight into the final store.  Reading them into the function's
 * result first would cost a large value one more copy and, page by page, the
 * memory.
 */
typedef struct Content
{
	ExpandedObjectHeader header;
	OpenFile   *file;
	int64		count;			/* number of bytes from file->offset on */
} Content;

static Size content_size(ExpandedObjectHeader *header);
static void content_read(ExpandedObjectHeader *header, void *result,
						 Size allocated);

static const ExpandedObjectMethods content_methods = {
	content_size, content_read
};

/*
 * Memory context callback: close the file.  Raise no error.
 */
static void
close_file(void *arg)
{
	ffu_reader_close(&((OpenFile *) arg)->reader);
}

/*
 * Raise the error for a path without a living file.
 */
static void
refuse_path(const char *path)
{
	if (RecoveryInProgress())
		ffu_deliver_check();
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("there is no file with this path"),
			 errdetail("The path is \"%s\".", ffu_shown(path, strlen(path))),
			 errhint("Pass the value of a file column as it is."),
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME,
								FFU_CONSTRAINT_FILE)));
}

/*
 * Open the file of a path, or of an upload of this transaction.  Return 0 or
 * an error number.
 */
static int
open_any(FfuStore *store, const char *path, FfuReader *reader)
{
	FfuFile    *file;

	if (strncmp(path, FFU_UPLOAD_PREFIX, strlen(FFU_UPLOAD_PREFIX)) == 0)
	{
		file = ffu_upload_from_text(path, NULL, InvalidAttrNumber);
		ffu_pieces_settle(file);
	}
	else if (!ffu_path_valid(path, strlen(path)))
		return ENOENT;
	else
		file = ffu_pending_by_path(path);
	if (file == NULL)
		return store->methods->open(store, FFU_ORIGIN_PATH, path, reader);
	return ffu_spool_read(store, ffu_file_staged(file), reader);
}

/*
 * Tell whether the directory of a path exists or is merely missing.  If
 * another kind of name blocks the way, return false: the next message about
 * the path names the obstacle.
 */
static bool
has_directory(FfuStore *store, const char *path)
{
	FfuLook		look;
	int			result = store->methods->look(store, path, &look);

	return result != ENOTDIR && result != ELOOP;
}

/*
 * Open a file for reading, until the current memory context is deleted.
 */
static OpenFile *
open_file(const char *path)
{
	FfuStore   *store = ffu_root_read();
	OpenFile   *file = palloc0(sizeof(OpenFile));
	int			result;

	file->path = pstrdup(path);
	file->callback.func = close_file;
	file->callback.arg = file;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &file->callback);
	result = open_any(store, path, &file->reader);
	if (result == ENOENT ||
		((result == ENOTDIR || result == ELOOP) && has_directory(store, path)))
		refuse_path(path);
	if (result != 0)
		ffu_raise_io(result, "open file", path);
	return file;
}

/*
 * Read count bytes at offset.  Raise an error if the file has become shorter.
 */
static void
read_bytes(OpenFile *file, int64 offset, int64 count, char *bytes)
{
	int64		done = 0;

	while (done < count)
	{
		size_t		got;
		int			error;

		CHECK_FOR_INTERRUPTS();
		error = ffu_reader_read(&file->reader, bytes + done,
								Min(count - done, FFU_CHUNK),
								offset + done, &got);
		if (error != 0)
			ffu_raise_io(error, "read file", file->path);
		if (got == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("file is shorter than it was when it was opened"),
					 errdetail("The file is \"%s\".", file->path),
					 errhint("Nobody else may change the files in the folder; ffu.check() finds files that differ from their rows.")));
		done += got;
		FFU_FAULT("read-after-chunk");
	}
}

/*
 * Read the next count bytes into a new bytea.  The file must have these bytes.
 */
static bytea *
read_piece(OpenFile *file, int64 count)
{
	bytea	   *result;

	ffu_memory_expect(count);
	result = palloc(VARHDRSZ + count);
	read_bytes(file, file->offset, count, VARDATA(result));
	SET_VARSIZE(result, VARHDRSZ + count);
	file->offset += count;
	return result;
}

/*
 * Expanded object method: return the size of the bytea.
 */
static Size
content_size(ExpandedObjectHeader *header)
{
	return VARHDRSZ + ((Content *) header)->count;
}

/*
 * Expanded object method: write the bytea to result.
 */
static void
content_read(ExpandedObjectHeader *header, void *result, Size allocated)
{
	Content    *content = (Content *) header;

	Assert(allocated == VARHDRSZ + content->count);
	read_bytes(content->file, content->file->offset, content->count,
			   VARDATA(result));
	SET_VARSIZE(result, allocated);
}

/*
 * Return a bytea of count bytes of a file from start on, or fewer at the end
 * of the file.  From CONTENT_LATER bytes on the file is read later, and stays
 * open as long as the current memory context lasts.
 */
static Datum
content_of(const char *path, int64 start, int64 count)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "ffu content",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Content    *content = palloc0(sizeof(Content));
	Datum		result;

	content->file = open_file(path);
	content->file->offset = start;
	content->count = Min(count, Max(content->file->reader.size - start, 0));
	MemoryContextSwitchTo(old);
	if (content->count > CONTENT_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("file is too large for one value"),
				 errdetail(INT64_FORMAT " bytes are wanted of \"%s\"; a bytea can hold " INT64_FORMAT ".",
						   content->count, path, CONTENT_MAX),
				 errhint("Read it in pieces, with ffu.content(path, start, count) or ffu.stream(path).")));
	if (content->count >= CONTENT_LATER)
	{
		ffu_memory_expect(content->count);
		EOH_init_header(&content->header, &content_methods, context);
		return EOHPGetRODatum(&content->header);
	}
	result = PointerGetDatum(read_piece(content->file, content->count));
	MemoryContextDelete(context);
	return result;
}

/*
 * ffu.content(path text) RETURNS bytea: return the whole file.
 */
Datum
ffu_sql_content(PG_FUNCTION_ARGS)
{
	return content_of(text_to_cstring(PG_GETARG_TEXT_PP(0)), 0, PG_INT64_MAX);
}

/*
 * ffu.content(path text, start bigint, count bigint) RETURNS bytea: return
 * count bytes from start on, counted from 0; fewer at the end of the file.
 */
Datum
ffu_sql_content_range(PG_FUNCTION_ARGS)
{
	int64		start = PG_GETARG_INT64(1);
	int64		count = PG_GETARG_INT64(2);

	if (start < 0 || count < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("start and count of ffu.content() cannot be negative"),
				 errdetail("They are " INT64_FORMAT " and " INT64_FORMAT ".",
						   start, count),
				 errhint("The first byte of a file is at 0.")));
	return content_of(text_to_cstring(PG_GETARG_TEXT_PP(0)), start, count);
}

/*
 * ffu.stream(path text, chunk_size integer) RETURNS SETOF bytea: return the
 * file in pieces of chunk_size bytes, with one piece at a time in memory.
 */
Datum
ffu_sql_stream(PG_FUNCTION_ARGS)
{
	FuncCallContext *context;
	OpenFile   *file;
	bytea	   *piece;

	if (SRF_IS_FIRSTCALL())
	{
		int32		chunk_size = PG_GETARG_INT32(1);
		char	   *path = text_to_cstring(PG_GETARG_TEXT_PP(0));
		MemoryContext old;

		if (chunk_size <= 0 || chunk_size > CONTENT_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("chunk_size of ffu.stream() is out of range"),
					 errdetail("It is %d; it can be from 1 to " INT64_FORMAT " bytes.",
							   chunk_size, CONTENT_MAX),
					 errhint("Leave chunk_size out for the default.")));
		context = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(context->multi_call_memory_ctx);
		file = open_file(path);
		file->chunk_size = chunk_size;
		context->user_fctx = file;
		MemoryContextSwitchTo(old);
	}
	context = SRF_PERCALL_SETUP();
	file = context->user_fctx;
	if (file->offset >= file->reader.size)
	{
		close_file(file);
		SRF_RETURN_DONE(context);
	}
	piece = read_piece(file, Min(file->chunk_size,
								 file->reader.size - file->offset));
	SRF_RETURN_NEXT(context, PointerGetDatum(piece));
}

/*
 * ffu.size(path text) RETURNS bigint: return the size of a file in bytes.
 */
Datum
ffu_sql_size(PG_FUNCTION_ARGS)
{
	OpenFile   *file = open_file(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	int64		size = file->reader.size;

	close_file(file);
	PG_RETURN_INT64(size);
}

/*
 * ffu._dangles(path text) RETURNS boolean: tell whether a row keeps this path
 * on purpose, without a file (dangling).
 */
Datum
ffu_sql_dangles(PG_FUNCTION_ARGS)
{
	char	   *path = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PG_RETURN_BOOL((ffu_deletion_rows(path) & FFU_DELETION_DANGLING) != 0);
}

/*
 * ffu.to_large_object(path text, large_object oid) RETURNS oid: make a large
 * object with the bytes of a file, in bounded memory.  large_object 0 chooses
 * an unused oid.
 */
Datum
ffu_sql_to_large_object(PG_FUNCTION_ARGS)
{
	OpenFile   *file;
	Datum		oid;
	int			object;
	char	   *buf;
	int64		offset = 0;

	ffu_upload_prevent("ffu.to_large_object()");
	file = open_file(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	oid = DirectFunctionCall1(be_lo_create, PG_GETARG_DATUM(1));
	object = DatumGetInt32(DirectFunctionCall2(be_lo_open, oid,
											   Int32GetDatum(INV_WRITE)));
	buf = palloc(FFU_CHUNK);
	while (true)
	{
		size_t		got;
		int			error;

		CHECK_FOR_INTERRUPTS();
		error = ffu_reader_read(&file->reader, buf, FFU_CHUNK, offset, &got);
		if (error != 0)
			ffu_raise_io(error, "read file", file->path);
		if (got == 0)
			break;
		(void) lo_write(object, buf, (int) got);
		offset += got;
		FFU_FAULT("read-after-object");
	}
	pfree(buf);
	DirectFunctionCall1(be_lo_close, Int32GetDatum(object));
	close_file(file);
	PG_RETURN_DATUM(oid);
}

/*
 * ffu._file_digest(path text) RETURNS text: return the SHA-256 of a file.
 */
Datum
ffu_sql_file_digest(PG_FUNCTION_ARGS)
{
	OpenFile   *file = open_file(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	char		sha256[FFU_SHA256_HEX_LEN + 1];
	int64		size;
	int			result = ffu_reader_digest(&file->reader, sha256, &size);

	if (result != 0)
		ffu_raise_io(result, "read file", file->path);
	PG_RETURN_TEXT_P(cstring_to_text(sha256));
}

/*
 * ffu._is_root(root_id text) RETURNS boolean: tell whether the files of this
 * database are in the root with this id.
 */
Datum
ffu_sql_is_root(PG_FUNCTION_ARGS)
{
	FfuClaim	claim;

	PG_RETURN_BOOL(ffu_root_read_claim(&claim, false) &&
				   strcmp(claim.root_id,
						  text_to_cstring(PG_GETARG_TEXT_PP(0))) == 0);
}
