/*-------------------------------------------------------------------------
 *
 * bucket_url.c
 *	  The signed URL of a file in the bucket.
 *
 * The object store checks the signature, so the form is the store's: Signature
 * Version 4 in the query.  The session signs by itself, without a request.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/settings.h"
#include "functions/url.h"
#include "store/bucket/place.h"
#include "text/file_name.h"
#include "text/shown.h"

FFU_FUNCTION(ffu_sql_bucket_url);

/* Object stores refuse a longer life: 7 days */
#define LIFE_MAX	(INT64CONST(7) * 24 * 60 * 60)

/*
 * Return the life of the URL in seconds.  Raise 22023 for a life that is not
 * positive or longer than object stores allow.
 */
static int
life_of(const Interval *valid_for)
{
	TimestampTz now = GetCurrentStatementStartTimestamp();
	TimestampTz end;
	int64		life = ffu_setting_url_expiry;

	if (valid_for != NULL)
	{
		end = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
													  TimestampTzGetDatum(now),
													  IntervalPGetDatum(valid_for)));
		life = TIMESTAMP_NOT_FINITE(end) ? LIFE_MAX + 1 :
			(end - now + USECS_PER_SEC - 1) / USECS_PER_SEC;
	}
	if (life <= 0 || life > LIFE_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("valid_for of ffu.bucket_url() is out of range"),
				 errdetail("It can be from 1 second to 7 days, the most that object stores allow."),
				 errhint("Write for example '10 minutes', or leave it out for the setting ffu.url_expiry.")));
	return (int) life;
}

/*
 * Return the value of the header with which the store answers, palloc'd, or
 * NULL for the header that the file was stored with.
 */
static const char *
disposition_of(const char *path, const text *name)
{
	char	   *clean;

	if (name == NULL)
		return NULL;
	clean = ffu_file_name_download(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name),
								   path);
	return clean == NULL ? NULL : ffu_shown_disposition(clean, true);
}

/*
 * Return the bucket.  A statement looks once.  Raise 55000 without a bucket.
 */
static const FfuPlace *
find_place(FmgrInfo *call)
{
	FfuPlace   *place = call->fn_extra;
	MemoryContext old;

	if (place != NULL)
		return place;
	old = MemoryContextSwitchTo(call->fn_mcxt);
	place = palloc(sizeof(FfuPlace));
	if (!ffu_place_find(place))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this database has no bucket"),
				 errdetail("ffu.bucket_url() signs URLs of files in the bucket."),
				 errhint("Call ffu.signed_url() for a file in the folder.")));
	MemoryContextSwitchTo(old);
	call->fn_extra = place;
	return place;
}

/*
 * ffu.bucket_url(path text, valid_for interval DEFAULT NULL, download_name text
 * DEFAULT NULL) RETURNS text: return NULL for no file.  The time of the
 * signature is the same for half of the life, so that caches keep the file.
 */
Datum
ffu_sql_bucket_url(PG_FUNCTION_ARGS)
{
	int64		now = timestamptz_to_time_t(GetCurrentStatementStartTimestamp());
	int64		half;
	char	   *path;
	int			life;
	const FfuPlace *place;
	StringInfoData url;

	if (PG_ARGISNULL(0) || VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(0)) == 0)
		PG_RETURN_NULL();
	path = ffu_url_path(PG_GETARG_TEXT_PP(0));
	life = life_of(PG_ARGISNULL(1) ? NULL : PG_GETARG_INTERVAL_P(1));
	place = find_place(fcinfo->flinfo);
	half = Max(life / 2, 1);
	initStringInfo(&url);
	ffu_place_methods()->sign(place, path,
							  disposition_of(path, PG_ARGISNULL(2) ? NULL :
											 PG_GETARG_TEXT_PP(2)),
							  now - now % half, life, &url);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(url.data, url.len));
}
