/*-------------------------------------------------------------------------
 *
 * append.c
 *	  SQL functions that upload bytes in pieces: ffu.upload_begin and the
 *	  functions that continue, finish or cancel an upload.
 *
 *	upload:...	an upload of this transaction (pieces.c)
 *	resume:...	a resumable upload (resumable.c)
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/fault.h"
#include "sweep/sweep.h"
#include "text/file_name.h"
#include "upload/limit.h"
#include "upload/open_limit.h"
#include "upload/pieces.h"
#include "upload/remote.h"
#include "upload/resumable.h"
#include "upload/upload.h"

FFU_FUNCTION(ffu_sql_upload_begin);
FFU_FUNCTION(ffu_sql_upload_append);
FFU_FUNCTION(ffu_sql_upload_append_at);
FFU_FUNCTION(ffu_sql_upload_offset);
FFU_FUNCTION(ffu_sql_upload_status);
FFU_FUNCTION(ffu_sql_upload_finish);
FFU_FUNCTION(ffu_sql_upload_cancel);

/* Columns of ffu.upload_status() */
#define STATUS_COLUMNS	5

/*
 * ffu._upload_begin(file_name text, resumable boolean, max_size bigint)
 * RETURNS text: begin an upload without bytes.  NULL for max_size gives the
 * limit of the database.
 */
Datum
ffu_sql_upload_begin(PG_FUNCTION_ARGS)
{
	int64		max_size = PG_ARGISNULL(2) ? -1 : PG_GETARG_INT64(2);
	char	   *file_name = NULL;

	ffu_upload_prevent("ffu.upload_begin()");
	if (!PG_ARGISNULL(0))
	{
		text	   *name = PG_GETARG_TEXT_PP(0);

		file_name = ffu_file_name_read(VARDATA_ANY(name),
									   VARSIZE_ANY_EXHDR(name));
	}
	ffu_sweep_first_use();
	if (!PG_ARGISNULL(1) && PG_GETARG_BOOL(1))
	{
		ffu_open_limit_check();
		PG_RETURN_TEXT_P(cstring_to_text(ffu_resumable_begin(file_name, max_size,
															 NULL)));
	}
	PG_RETURN_TEXT_P(cstring_to_text(ffu_upload_to_text(ffu_pieces_begin(file_name,
																		 max_size))));
}

/*
 * Open the file of a resumable upload.  A finish that was cut off may have
 * left a second name of the file.  The sweep removes that name, because no
 * bytes may be appended to a published file.
 */
static void
open_resumable(FfuResumable *resume)
{
	FfuSweep	sweep = {.first_use = true};

	if (ffu_resumable_open(resume) == 1)
		return;
	ffu_sweep_staging(&sweep, true);
	if (ffu_resumable_open(resume) == 1)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("file of resumable upload is in use under another name"),
			 errdetail("ffu.upload_finish() was called, and the fate of its transaction is not known yet."),
			 errhint("Try again later; if that does not help, give it up with ffu.upload_cancel().")));
}

/*
 * Append bytes to an upload and return the new size.  *start is the offset of
 * the bytes.  A NULL start stands for the end of the upload, and is allowed
 * only for an upload of this transaction.
 */
static int64
append(const char *upload, const int64 *start, const char *data, size_t len)
{
	FfuResumable resume;
	FfuFile    *file;

	if (!ffu_resumable_id_is(upload))
	{
		file = ffu_upload_from_text(upload, NULL, InvalidAttrNumber);
		if (start)
			ffu_pieces_check_start(ffu_file_facts(file)->size, *start);
		return ffu_pieces_append(file, data, len);
	}
	if (start == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bytes for a resumable upload need a start"),
				 errdetail("Without it, bytes that were sent twice would be there twice."),
				 errhint("Call ffu.upload_append(upload, start, bytes).")));
	ffu_resumable_use(upload, &resume);
	if (resume.content != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a direct upload takes no bytes here"),
				 errdetail("Its bytes go to the bucket."),
				 errhint("Let the client PUT the bytes to the URL that ffu.upload_begin returned.")));
	ffu_pieces_check_start(resume.size, *start);
	ffu_pieces_check_size(resume.size + (int64) len, resume.max_size);
	ffu_limit_check_staged(len);
	open_resumable(&resume);
	return ffu_resumable_append(&resume, data, len);
}

/*
 * ffu.upload_append(upload text, bytes bytea) RETURNS bigint: append bytes to
 * an upload and return the new size.
 */
Datum
ffu_sql_upload_append(PG_FUNCTION_ARGS)
{
	bytea	   *bytes;

	ffu_upload_prevent("ffu.upload_append()");
	bytes = PG_GETARG_BYTEA_PP(1);
	PG_RETURN_INT64(append(text_to_cstring(PG_GETARG_TEXT_PP(0)), NULL,
						   VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)));
}

/*
 * ffu.upload_append(upload text, start bigint, bytes bytea) RETURNS bigint:
 * append bytes to an upload of start bytes and return the new size.
 */
Datum
ffu_sql_upload_append_at(PG_FUNCTION_ARGS)
{
	int64		start = PG_GETARG_INT64(1);
	bytea	   *bytes;

	ffu_upload_prevent("ffu.upload_append()");
	ffu_sweep_first_use();
	bytes = PG_GETARG_BYTEA_PP(2);
	PG_RETURN_INT64(append(text_to_cstring(PG_GETARG_TEXT_PP(0)), &start,
						   VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)));
}

/*
 * ffu.upload_offset(upload text) RETURNS bigint: return the size of an upload.
 */
Datum
ffu_sql_upload_offset(PG_FUNCTION_ARGS)
{
	char	   *upload = text_to_cstring(PG_GETARG_TEXT_PP(0));
	FfuResumable resume;

	if (!ffu_resumable_id_is(upload))
	{
		FfuFile    *file = ffu_upload_from_text(upload, NULL,
												InvalidAttrNumber);

		PG_RETURN_INT64(ffu_file_facts(file)->size);
	}
	ffu_resumable_look(upload, &resume);
	PG_RETURN_INT64(resume.size);
}

/*
 * ffu.upload_status(upload text) RETURNS record: describe a resumable upload.
 */
Datum
ffu_sql_upload_status(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[STATUS_COLUMNS];
	bool		isnull[STATUS_COLUMNS] = {false};
	FfuResumable resume;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	ffu_resumable_look(text_to_cstring(PG_GETARG_TEXT_PP(0)), &resume);
	values[0] = CStringGetTextDatum(resume.file_name ? resume.file_name : "");
	isnull[0] = resume.file_name == NULL;
	values[1] = Int64GetDatum(resume.size);
	values[2] = Int64GetDatum(resume.max_size);
	isnull[2] = resume.max_size < 0;
	values[3] = TimestampTzGetDatum(resume.begun_at);
	values[4] = TimestampTzGetDatum(resume.expires_at);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, isnull)));
}

/*
 * Return the upload that this transaction has made of a resumable upload for a
 * row that was not written.  READ COMMITTED evaluates an expression again when
 * the row has changed meanwhile, and the first evaluation has ended the
 * resumable upload.  Return NULL if there is no such upload.
 */
static FfuFile *
finished_before(const char *id)
{
	FfuResumableId secret;

	if (!ffu_pending_active() || !ffu_resumable_id_read(id, &secret))
		return NULL;
	return ffu_pending_by_resumable(secret.key);
}

/*
 * ffu.upload_finish(upload text) RETURNS text: return an upload of this
 * transaction with the bytes of a resumable upload.  The commit of this
 * transaction ends the resumable upload.
 */
Datum
ffu_sql_upload_finish(PG_FUNCTION_ARGS)
{
	char	   *id = text_to_cstring(PG_GETARG_TEXT_PP(0));
	FfuResumable resume;
	FfuFile    *file;

	ffu_upload_prevent("ffu.upload_finish()");
	ffu_sweep_first_use();
	file = finished_before(id);
	if (file)
		PG_RETURN_TEXT_P(cstring_to_text(ffu_upload_to_text(file)));
	ffu_resumable_use(id, &resume);
	if (resume.content != NULL)
		file = ffu_remote_finish(&resume);
	else
	{
		open_resumable(&resume);
		file = ffu_resumable_finish(&resume);
	}
	PG_RETURN_TEXT_P(cstring_to_text(ffu_upload_to_text(file)));
}

/*
 * ffu.upload_cancel(upload text) RETURNS void: end a resumable upload.
 */
Datum
ffu_sql_upload_cancel(PG_FUNCTION_ARGS)
{
	FfuResumable resume;

	ffu_upload_prevent("ffu.upload_cancel()");
	ffu_sweep_first_use();
	ffu_resumable_use(text_to_cstring(PG_GETARG_TEXT_PP(0)), &resume);
	ffu_remote_end(&resume);
	ffu_resumable_end(&resume);
	PG_RETURN_VOID();
}
