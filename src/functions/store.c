/*-------------------------------------------------------------------------
 *
 * store.c
 *	  SQL functions that store bytes: ffu.file, ffu.from_large_object,
 *	  ffu.undelete.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "catalog/pg_collation_d.h"
#include "catalog/pg_largeobject.h"
#include "libpq/be-fsstubs.h"
#include "libpq/libpq-fs.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/formatting.h"

#include "base/error.h"
#include "functions/store.h"
#include "sweep/sweep.h"
#include "text/file_name.h"
#include "text/path.h"
#include "transaction/deletion.h"
#include "upload/upload.h"

FFU_FUNCTION(ffu_sql_file);
FFU_FUNCTION(ffu_sql_from_large_object);
FFU_FUNCTION(ffu_sql_undelete);

/*
 * Return argument 0 as a cleaned file name, or NULL.
 */
static char *
file_name_argument(FunctionCallInfo fcinfo)
{
	text	   *name;

	if (PG_ARGISNULL(0))
		return NULL;
	name = PG_GETARG_TEXT_PP(0);
	return ffu_file_name_read(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
}

/*
 * Raise 23514 if the bytes do not have the size that the client has sent
 * (argument 2), 22023 for a size below zero.
 */
static void
check_sent_size(FunctionCallInfo fcinfo, int64 size)
{
	if (PG_ARGISNULL(2) || PG_GETARG_INT64(2) == size)
		return;
	if (PG_GETARG_INT64(2) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("size cannot be negative"),
				 errdetail("The value is " INT64_FORMAT ".",
						   PG_GETARG_INT64(2)),
				 errhint("Write the number of bytes that the client has, or leave size out.")));
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("bytes do not have the size that was sent"),
			 errdetail("There are " INT64_FORMAT " bytes; size is " INT64_FORMAT ".",
					   size, PG_GETARG_INT64(2)),
			 errhint("Let the driver send the bytes as bytea, not as text. If it does, the bytes were cut off on their way: send all bytes again."),
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME,
								FFU_CONSTRAINT_CONTENT)));
}

/*
 * Return a checksum in hex in lower case, palloc'd.  Raise 22023 for a text
 * that is no checksum.
 */
char *
ffu_store_sha256(const text *argument)
{
	char	   *sent = text_to_cstring(argument);

	if (strlen(sent) != FFU_SHA256_HEX_LEN ||
		strspn(sent, "0123456789abcdefABCDEF") != FFU_SHA256_HEX_LEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid sha256: \"%s\"",
						ffu_shown(sent, strlen(sent))),
				 errdetail("A SHA-256 checksum has %d hexadecimal digits.",
						   FFU_SHA256_HEX_LEN),
				 errhint("Write the checksum in hex: encode(sha256(bytes), 'hex').")));
	return str_tolower(sent, FFU_SHA256_HEX_LEN, C_COLLATION_OID);
}

/*
 * Raise 23514 if a file does not have the checksum that the client has sent;
 * sent may be NULL.
 */
static void
check_sent_sha256(const FfuFile *file, const char *sent)
{
	const FfuFacts *facts = ffu_file_facts(file);

	if (sent == NULL || strcmp(sent, facts->sha256) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("bytes do not have the checksum that was sent"),
			 errdetail("The checksum of the " INT64_FORMAT " bytes is %s; sha256 is %s.",
					   facts->size, facts->sha256, sent),
			 errhint("Let the driver send the bytes as bytea, not as text. If it does, the bytes were changed on their way: send all bytes again."),
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME,
								FFU_CONSTRAINT_CONTENT)));
}

/*
 * ffu.file(file_name text, bytes bytea, size bigint, sha256 text) RETURNS text:
 * upload bytes.  NULL bytes give NULL.
 */
Datum
ffu_sql_file(PG_FUNCTION_ARGS)
{
	FfuFile    *file;
	char	   *file_name;
	char	   *sha256;
	bytea	   *bytes;

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	ffu_upload_prevent("ffu.file()");
	file_name = file_name_argument(fcinfo);
	sha256 = PG_ARGISNULL(3) ? NULL :
		ffu_store_sha256(PG_GETARG_TEXT_PP(3));
	bytes = PG_GETARG_BYTEA_PP(1);
	check_sent_size(fcinfo, VARSIZE_ANY_EXHDR(bytes));
	ffu_sweep_first_use();
	file = ffu_upload_bytes(file_name, VARDATA_ANY(bytes),
							VARSIZE_ANY_EXHDR(bytes));
	check_sent_sha256(file, sha256);
	PG_FREE_IF_COPY(bytes, 1);
	PG_RETURN_TEXT_P(cstring_to_text(ffu_upload_to_text(file)));
}

/*
 * ffu.from_large_object(file_name text, large_object oid) RETURNS text: upload
 * the bytes of a large object, in bounded memory.
 */
Datum
ffu_sql_from_large_object(PG_FUNCTION_ARGS)
{
	FfuWriter	writer;
	char	   *file_name;
	char	   *buf;
	Oid			oid;
	int			object;
	int			got;

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	oid = PG_GETARG_OID(1);
	ffu_upload_prevent("ffu.from_large_object()");
	file_name = file_name_argument(fcinfo);
	if (!LargeObjectExists(oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("large object %u does not exist", oid),
				 errdetail("There is no entry for it in pg_largeobject_metadata."),
				 errhint("Pass the oid that lo_create(), lo_from_bytea() or lo_import() returned.")));
	ffu_sweep_first_use();
	object = DatumGetInt32(DirectFunctionCall2(be_lo_open,
											   ObjectIdGetDatum(oid),
											   Int32GetDatum(INV_READ)));
	ffu_upload_begin(&writer, file_name);
	buf = palloc(FFU_CHUNK);
	while ((got = lo_read(object, buf, FFU_CHUNK)) > 0)
		ffu_upload_write(&writer, buf, got);
	pfree(buf);
	DirectFunctionCall1(be_lo_close, Int32GetDatum(object));
	PG_RETURN_TEXT_P(cstring_to_text(ffu_upload_to_text(ffu_upload_end(&writer))));
}

/*
 * ffu.undelete(path text) RETURNS text: upload the bytes of a file that a row
 * let go, as long as ffu.deletion_delay or a snapshot keeps the file.  The
 * upload gets a new path (I3).
 */
Datum
ffu_sql_undelete(PG_FUNCTION_ARGS)
{
	char	   *path = text_to_cstring(PG_GETARG_TEXT_PP(0));
	FfuFile    *file = NULL;

	ffu_upload_prevent("ffu.undelete()");
	ffu_sweep_first_use();
	if (ffu_path_valid(path, strlen(path)) && ffu_deletion_has(path))
		file = ffu_upload_copy(FFU_ORIGIN_DELETED, path);
	if (file == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("there is no deleted file with path \"%s\"",
						ffu_shown(path, strlen(path))),
				 errdetail("The file was never deleted, or is removed already."),
				 errhint("ffu.pending_deletions lists the files that can be brought back."),
				 err_generic_string(PG_DIAG_CONSTRAINT_NAME,
									FFU_CONSTRAINT_FILE)));
	ffu_upload_learn(file, path);
	PG_RETURN_TEXT_P(cstring_to_text(ffu_upload_to_text(file)));
}
