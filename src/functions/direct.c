/*-------------------------------------------------------------------------
 *
 * direct.c
 *	  SQL function that begins a direct upload: ffu.upload_begin with direct.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "functions/store.h"
#include "sweep/sweep.h"
#include "text/file_name.h"
#include "upload/open_limit.h"
#include "upload/remote.h"
#include "upload/upload.h"

FFU_FUNCTION(ffu_sql_upload_begin_direct);

/* Columns of the result */
#define COLUMNS		4

/*
 * Raise 22023 unless the arguments describe a direct upload: the signature of
 * the URL is for bytes of this size and digest.
 */
static void
check_arguments(FunctionCallInfo fcinfo)
{
	if (!PG_ARGISNULL(1) && PG_GETARG_BOOL(1) && !PG_ARGISNULL(2) &&
		PG_GETARG_INT64(2) >= 0 && !PG_ARGISNULL(3))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a direct upload needs size and sha256"),
			 errdetail("The URL is signed for bytes of this size and SHA-256 alone."),
			 errhint("Call ffu.upload_begin(file_name, direct => true, size => ..., sha256 => ...), or without direct for bytes that come to the database.")));
}

/*
 * ffu.upload_begin(file_name text, direct boolean, size bigint, sha256 text)
 * RETURNS record: begin an upload whose bytes the client sends to the bucket.
 */
Datum
ffu_sql_upload_begin_direct(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[COLUMNS];
	bool		isnull[COLUMNS] = {false};
	char	   *file_name = NULL;
	char	   *sha256;
	char	   *id;
	StringInfoData url;
	TimestampTz expires_at;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	ffu_upload_prevent("ffu.upload_begin()");
	check_arguments(fcinfo);
	sha256 = ffu_store_sha256(PG_GETARG_TEXT_PP(3));
	if (!PG_ARGISNULL(0))
	{
		text	   *name = PG_GETARG_TEXT_PP(0);

		file_name = ffu_file_name_read(VARDATA_ANY(name),
									   VARSIZE_ANY_EXHDR(name));
	}
	ffu_sweep_first_use();
	ffu_open_limit_check();
	initStringInfo(&url);
	id = ffu_remote_begin(file_name, PG_GETARG_INT64(2), sha256, &url,
						  &expires_at);
	values[0] = CStringGetTextDatum(id);
	values[1] = CStringGetTextDatum(url.data);
	values[2] = CStringGetTextDatum(psprintf("{\"x-amz-content-sha256\": \"%s\"}",
											 sha256));
	values[3] = TimestampTzGetDatum(expires_at);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, isnull)));
}
