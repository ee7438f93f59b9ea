/*-------------------------------------------------------------------------
 *
 * secret.c
 *	  The secrets of signed URLs.
 *
 * ffu.url_secret has at most two rows.  No role but the owner of the extension
 * has a right on the table, and no dump has its rows.  The functions here read
 * the table below the level of SQL, and the server makes the secrets: no
 * statement, parameter or message contains a secret.
 *
 * Signed are URLs with the secret of the greatest number whose time to sign
 * has come; every row is good to verify a URL.  So there is time to give a new
 * secret to the web server before the first URL needs the new secret, and URLs
 * signed with the secret before stay valid until the next rotation.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/catalog.h"
#include "base/signing.h"
#include "functions/secret.h"
#include "upload/upload.h"

FFU_FUNCTION(ffu_sql_rotate_url_secret);

/* Columns of ffu.url_secret */
#define Anum_secret_number		1
#define Anum_secret_secret		2
#define Anum_secret_sign_from	3

typedef bool (*SecretTest) (int32 number, TimestampTz sign_from, int32 wanted);

/*
 * Read the row of ffu.url_secret with the greatest number that passes the
 * test.  Return false if there is no such row.
 */
static bool
read_secret(SecretTest test, int32 wanted, FfuSecret *secret)
{
	Relation	rel = table_open(ffu_catalog_relation("url_secret"),
								 AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0,
										  NULL);
	HeapTuple	tuple;
	bool		isnull;

	secret->number = 0;
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		int32		number = DatumGetInt32(heap_getattr(tuple, Anum_secret_number,
														desc, &isnull));
		TimestampTz sign_from = DatumGetTimestampTz(heap_getattr(tuple,
																 Anum_secret_sign_from,
																 desc, &isnull));
		char	   *value;

		if (number <= secret->number || !test(number, sign_from, wanted))
			continue;
		value = TextDatumGetCString(heap_getattr(tuple, Anum_secret_secret,
												 desc, &isnull));
		secret->number = number;
		strlcpy(secret->secret, value, sizeof(secret->secret));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return secret->number > 0;
}

/*
 * SecretTest: is the number the wanted one?
 */
static bool
has_number(int32 number, TimestampTz sign_from, int32 wanted)
{
	return number == wanted;
}

/*
 * SecretTest: has the time to sign come?
 */
static bool
may_sign(int32 number, TimestampTz sign_from, int32 wanted)
{
	return sign_from <= GetCurrentStatementStartTimestamp();
}

/*
 * Find a secret by its number.  Return false if there is no such secret.
 */
bool
ffu_secret_numbered(int32 number, FfuSecret *secret)
{
	return read_secret(has_number, number, secret);
}

/*
 * Find the secret that signs now.  Raise 42501 if the current user may not
 * sign, 55000 if there is no secret.
 */
void
ffu_secret_for_signing(FfuSecret *secret)
{
	ffu_signing_require("permission denied to sign URLs",
						"The URL of a private file is signed");
	if (!read_secret(may_sign, 0, secret))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no secret for signed URLs is set in this database"),
				 errdetail("The table ffu.url_secret is empty. No dump has its rows."),
				 errhint("Have a superuser call ffu.rotate_url_secret(), and give the web server what ffu.nginx_secrets() returns.")));
}

/*
 * ffu.rotate_url_secret(sign_after interval) RETURNS timestamptz: make a new
 * secret, and drop all others but the secret that signs now.  Return the time
 * from which the new secret signs.
 */
Datum
ffu_sql_rotate_url_secret(PG_FUNCTION_ARGS)
{
	Interval   *sign_after = PG_GETARG_INTERVAL_P(0);
	TimestampTz now = GetCurrentStatementStartTimestamp();
	TimestampTz sign_from = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
																	TimestampTzGetDatum(now),
																	IntervalPGetDatum(sign_after)));
	FfuSecret	current;

	ffu_upload_prevent("ffu.rotate_url_secret()");
	if (sign_from < now)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("sign_after cannot be negative"),
				 errdetail("It is the time in which the web server gets the new secret."),
				 errhint("Write for example '1 hour', or '0' for at once.")));
	(void) ffu_catalog_execute("LOCK TABLE ffu.url_secret IN SHARE ROW EXCLUSIVE MODE",
							   NULL, NULL);
	if (!read_secret(may_sign, 0, &current))
		sign_from = now;
	/* The server makes the secret within the statement, which may be logged. */
	(void) ffu_catalog_execute("INSERT INTO ffu.url_secret (number, secret, sign_from)"
							   " SELECT COALESCE(max(s.number), 0) + 1,"
							   " encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'hex'),"
							   " $1::timestamptz FROM ffu.url_secret s",
							   timestamptz_to_str(sign_from), NULL);
	(void) ffu_catalog_execute("DELETE FROM ffu.url_secret s"
							   " WHERE s.number <> $1::int"
							   " AND s.number <> (SELECT max(m.number) FROM ffu.url_secret m)",
							   psprintf("%d", current.number), NULL);
	PG_RETURN_TIMESTAMPTZ(sign_from);
}
