/*-------------------------------------------------------------------------
 *
 * check_staging.c
 *	  Reports staging names of no running transaction, and files of resumable
 *	  uploads without a row or with too few bytes.
 *
 * A session removes the staging names of a finished transaction a moment after
 * the end (step 8).  So a staging name of a finished transaction is reported
 * only if no such name is removed for a while.  The catalog cannot distinguish
 * a slow session from a killed one, but a running session makes progress.  A
 * transaction that ends during the check counts as in progress.  After COMMIT
 * PREPARED, which calls no extension, staging names stay until the next sweep.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/xlog.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/error.h"
#include "store/dir/root.h"
#include "store/dir/spool.h"
#include "store/dir/walk.h"
#include "sweep/deliver.h"
#include "sweep/expire.h"
#include "sweep/settle.h"

FFU_FUNCTION(ffu_sql_check_staging);

/* Time to wait for other sessions to remove staging names, without progress */
#define STAGING_PATIENCE_MS	3000
#define STAGING_PAUSE_MS	20

/* Prefix of the names of resumable uploads in a list with staging names */
#define UPLOADS_PREFIX		FFU_UPLOADS_DIR "/"

/*
 * Return the name of a resumable upload in a list, or NULL for a staging name.
 */
static const char *
upload_name(const char *name)
{
	size_t		len = strlen(UPLOADS_PREFIX);

	return strncmp(name, UPLOADS_PREFIX, len) == 0 ? name + len : NULL;
}

/*
 * Return a sentence that tells why a staging name belongs to no running
 * transaction, or NULL if the name does belong to one.  Set *ended if a sweep
 * would remove the name.
 */
static const char *
stale_name(const char *name, bool *ended)
{
	FfuStaged	staged;
	FfuFate		fate;

	if (upload_name(name))
		return ffu_expire_complaint(upload_name(name), ended);
	*ended = false;
	if (!ffu_settle_read(name, &staged, &fate))
		return "It is not a staging name of ffu.";
	switch (fate)
	{
		case FFU_FATE_OPEN:
			return NULL;
		case FFU_FATE_COMMITTED:
			*ended = true;
			return "Its transaction has committed; a sweep removes this name.";
		case FFU_FATE_ABORTED:
			*ended = true;
			return "Its transaction has not committed; a sweep removes the file.";
		case FFU_FATE_DOUBTFUL:
			*ended = true;
			return "It is older than the last start of the server; a sweep looks rows up.";
		default:
			*ended = staged.path[0] == '\0';
			return *ended ?
				"Nothing was published for it; a sweep removes it." :
				"What became of its transaction is not known here.";
	}
}

/*
 * Wait while other sessions remove the staging names of finished transactions.
 * Return the remaining names after STAGING_PATIENCE_MS without progress.
 */
static List *
wait_for_others(FfuStore *store, List *names)
{
	TimestampTz last = GetCurrentTimestamp();

	while (names != NIL &&
		   !TimestampDifferenceExceeds(last, GetCurrentTimestamp(),
									   STAGING_PATIENCE_MS))
	{
		int			before = list_length(names);
		ListCell   *lc;

		foreach(lc, names)
		{
			const char *upload = upload_name(lfirst(lc));

			if (upload ? ffu_spool_upload_size(store, upload) < 0 :
				!ffu_spool_has(store, lfirst(lc)))
				names = foreach_delete_current(names, lc);
		}
		if (list_length(names) < before)
			last = GetCurrentTimestamp();
		CHECK_FOR_INTERRUPTS();
		if (names != NIL)
			pg_usleep(STAGING_PAUSE_MS * 1000L);
	}
	return names;
}

/*
 * Convert a name to a path below ".ffu/", palloc'd.
 */
static char *
shown_path(const char *name)
{
	const char *shown = ffu_shown_name(name);

	return upload_name(name) ? pstrdup(shown) :
		psprintf("%s/%s", FFU_STAGING_DIR, shown);
}

/*
 * ffu._check_staging() RETURNS SETOF record (name, detail)
 */
Datum
ffu_sql_check_staging(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result;
	FfuStore   *store;
	List	   *names;
	List	   *ended_names = NIL;
	List	   *unclear_names = NIL;
	ListCell   *lc;
	bool		ended;

	if (!ffu_deliver_may_check())
		ffu_walk_prevent("ffu.check()");
	InitMaterializedSRF(fcinfo, 0);
	/* On a standby the deliverer settles the names. */
	if (RecoveryInProgress())
		return (Datum) 0;
	result = (ReturnSetInfo *) fcinfo->resultinfo;
	store = ffu_root_use();
	names = ffu_spool_staged_names(store);
	foreach(lc, ffu_expire_names())
		names = lappend(names, psprintf(UPLOADS_PREFIX "%s",
										(char *) lfirst(lc)));
	foreach(lc, names)
	{
		CHECK_FOR_INTERRUPTS();
		if (stale_name(lfirst(lc), &ended) == NULL)
			continue;
		if (ended)
			ended_names = lappend(ended_names, lfirst(lc));
		else
			unclear_names = lappend(unclear_names, lfirst(lc));
	}
	ended_names = wait_for_others(store, ended_names);
	foreach(lc, list_concat(unclear_names, ended_names))
	{
		const char *why = stale_name(lfirst(lc), &ended);
		Datum		values[2];
		bool		isnull[2] = {false};

		/* After a crash the server may have assigned the id again. */
		if (why == NULL)
			continue;
		values[0] = CStringGetTextDatum(shown_path(lfirst(lc)));
		values[1] = CStringGetTextDatum(why);
		tuplestore_putvalues(result->setResult, result->setDesc, values,
							 isnull);
	}
	return (Datum) 0;
}
