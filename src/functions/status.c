/*-------------------------------------------------------------------------
 *
 * status.c
 *	  SQL functions ffu.sweep(), and the functions behind ffu.status and
 *	  ffu.stat.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <magic.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/catalog.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/shared.h"
#include "base/version.h"
#include "store/dir/describe.h"
#include "store/dir/salvage.h"
#include "store/dir/stranded.h"
#include "sweep/deliver.h"
#include "sweep/intents.h"
#include "sweep/sweep.h"
#include "sweep/verify.h"
#include "transaction/usage.h"
#include "text/path.h"
#include "upload/upload.h"
#include "wal/arrived.h"
#include "wal/queue.h"

FFU_FUNCTION(ffu_sql_sweep);
FFU_FUNCTION(ffu_sql_folder_status);
FFU_FUNCTION(ffu_sql_counters);
FFU_FUNCTION(ffu_sql_doom_detached);
FFU_FUNCTION(ffu_sql_skip_replicated);

/* Columns of ffu._folder_status() */
typedef enum StatusColumn
{
	STATUS_FOLDER,
	STATUS_ROOT_ID,
	STATUS_PROBLEM,
	STATUS_HINT,
	STATUS_WRITABLE,
	STATUS_FREE_BYTES,
	STATUS_OWNER,
	STATUS_MODE,
	STATUS_FILE_SYSTEM,
	STATUS_DURABILITY,
	STATUS_PRELOADED,
	STATUS_STAGED,
	STATUS_LIBRARY_VERSION,
	STATUS_LIBMAGIC_VERSION,
	STATUS_COLUMNS
} StatusColumn;

/* A row of ffu._folder_status() */
typedef struct StatusRow
{
	Datum		values[STATUS_COLUMNS];
	bool		isnull[STATUS_COLUMNS];
} StatusRow;

/*
 * Set a column of the status to a text.
 */
static void
set_text(StatusRow *row, StatusColumn column, const char *text)
{
	row->values[column] = CStringGetTextDatum(text);
	row->isnull[column] = false;
}

/*
 * Set a column of the status to a value that is not a text.
 */
static void
set_datum(StatusRow *row, StatusColumn column, Datum value)
{
	row->values[column] = value;
	row->isnull[column] = false;
}

/*
 * Make a tuple of a function's result type.
 */
static Datum
make_row(FunctionCallInfo fcinfo, Datum *values, bool *isnull)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values,
											 isnull));
}

/*
 * ffu.sweep(): finish all that can be finished, and return the counts.
 */
Datum
ffu_sql_sweep(PG_FUNCTION_ARGS)
{
	FfuSweep	sweep = {.asked_for = true,.thorough = true};
	FfuVerified verified;
	Datum		values[8];
	bool		isnull[8] = {false};

	ffu_upload_prevent("ffu.sweep()");
	if (!ffu_sweep_may_delete())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("ffu.sweep() must be called in a READ COMMITTED transaction"),
				 errdetail("The isolation level of this transaction is \"%s\".",
						   XactIsoLevel == XACT_SERIALIZABLE ?
						   "serializable" : "repeatable read"),
				 errhint("Call it after BEGIN ISOLATION LEVEL READ COMMITTED.")));
	ffu_deliver_removals(ffu_root_use());
	ffu_verify(&verified, MaxBlockNumber, PG_INT64_MAX, true);
	sweep.cleared = verified.ids;
	ffu_sweep_staging(&sweep, true);
	ffu_sweep_deletions(&sweep, 0);
	ffu_intents_sweep(&sweep);
	ffu_usage_fold();
	sweep.waiting += verified.waiting;
	sweep.finished += verified.finished;
	sweep.undone += verified.undone;
	sweep.failed += verified.failed;
	if (sweep.unsaid > 0)
		ereport(WARNING,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg_plural("%lld more failure is not shown",
							   "%lld more failures are not shown",
							   (unsigned long) sweep.unsaid,
							   (long long) sweep.unsaid),
				 errhint("ffu.pending_deletions has the last error of each deletion.")));
	if (sweep.more)
		ereport(NOTICE,
				(errmsg("more resumable uploads have expired than one sweep ends"),
				 errhint("Call ffu.sweep() again.")));
	values[0] = Int64GetDatum(sweep.finished);
	values[1] = Int64GetDatum(sweep.undone);
	values[2] = Int64GetDatum(sweep.deleted);
	values[3] = Int64GetDatum(sweep.kept);
	values[4] = Int64GetDatum(sweep.waiting);
	values[5] = Int64GetDatum(sweep.open);
	values[6] = Int64GetDatum(sweep.unclear);
	values[7] = Int64GetDatum(sweep.failed);
	PG_RETURN_DATUM(make_row(fcinfo, values, isnull));
}

/*
 * ffu._counters(): return the counters behind ffu.stat, in the order of
 * FfuCounter.
 */
Datum
ffu_sql_counters(PG_FUNCTION_ARGS)
{
	int64		counters[FFU_COUNTERS];
	Datum		values[FFU_COUNTERS];
	bool		isnull[FFU_COUNTERS] = {false};
	int			i;

	ffu_shared_read(counters);
	for (i = 0; i < FFU_COUNTERS; i++)
		values[i] = Int64GetDatum(counters[i]);
	PG_RETURN_DATUM(make_row(fcinfo, values, isnull));
}

/*
 * Fill in the columns that an open folder gives.
 */
static void
describe_place(StatusRow *row, const FfuDescription *place)
{
	set_text(row, STATUS_FILE_SYSTEM, place->file_system);
	set_text(row, STATUS_DURABILITY, place->durability);
	set_datum(row, STATUS_STAGED, Int64GetDatum(place->staged));
	if (place->free_bytes >= 0)
		set_datum(row, STATUS_FREE_BYTES, Int64GetDatum(place->free_bytes));
	if (place->owner)
		set_text(row, STATUS_OWNER, place->owner);
	if (place->mode)
		set_text(row, STATUS_MODE, place->mode);
	set_datum(row, STATUS_WRITABLE, BoolGetDatum(place->writable));
}

/*
 * Note a problem with files in the WAL, unless another problem is noted: the
 * syncer cannot do its work, or files have not been put back since a recovery.
 */
static void
describe_wal(StatusRow *row)
{
	char		path[MAXPGPATH];
	int			error;

	if (!row->isnull[STATUS_PROBLEM])
		return;
	if (ffu_queue_is_stuck(MyDatabaseId, path, &error))
	{
		set_text(row, STATUS_PROBLEM,
				 psprintf("The syncer cannot make new files durable, and checkpoints wait: %s.",
						  error ? strerror(error) : "the folder does not answer"));
		set_text(row, STATUS_HINT, "Mend the file system of the folder.");
	}
	else if (RecoveryInProgress() && ffu_setting_standby_files &&
			 ffu_arrived_is_pending(MyDatabaseId))
	{
		set_text(row, STATUS_PROBLEM,
				 "Files from the primary wait to be put into the folder.");
		set_text(row, STATUS_HINT,
				 "If that stays so, the server log says why.");
	}
	else if (!RecoveryInProgress() && ffu_salvage_has(MyDatabaseId))
	{
		set_text(row, STATUS_PROBLEM,
				 "Files from the WAL have not been put back since a recovery.");
		set_text(row, STATUS_HINT,
				 "The next use of the folder tries that; the server log says why it failed.");
	}
}

/*
 * ffu._folder_status(): return the columns of ffu.status that SQL cannot find.
 * If the folder cannot be used, raise no error: return the problem.
 */
Datum
ffu_sql_folder_status(PG_FUNCTION_ARGS)
{
	StatusRow	row;
	FfuClaim	claim;
	FfuDescription place;
	FfuTrouble	trouble;
	int			version = magic_version();

	memset(row.isnull, true, sizeof(row.isnull));
	set_datum(&row, STATUS_PRELOADED,
			  BoolGetDatum(ffu_setting_preloaded));
	set_text(&row, STATUS_LIBRARY_VERSION, ffu_version_library());
	set_text(&row, STATUS_LIBMAGIC_VERSION,
			 psprintf("%d.%02d", version / 100, version % 100));
	if (!ffu_root_read_claim(&claim, false))
	{
		set_text(&row, STATUS_PROBLEM, "No folder for files is set in this database.");
		set_text(&row, STATUS_HINT, ffu_stranded_hint(0));
		PG_RETURN_DATUM(make_row(fcinfo, row.values, row.isnull));
	}
	set_text(&row, STATUS_FOLDER, claim.path);
	set_text(&row, STATUS_ROOT_ID, claim.root_id);
	set_datum(&row, STATUS_WRITABLE, BoolGetDatum(false));
	if (ffu_describe_folder(&claim, &place, &trouble))
		describe_place(&row, &place);
	else
	{
		set_text(&row, STATUS_PROBLEM, trouble.detail);
		set_text(&row, STATUS_HINT, trouble.hint);
	}
	describe_wal(&row);
	PG_RETURN_DATUM(make_row(fcinfo, row.values, row.isnull));
}

/*
 * ffu._doom_detached(path text): turn marks of detached files into new
 * deletions, for all files if path is NULL.  Return the number.  The row that
 * let go of the file may have had the path of another row, so the deletion is
 * doubtful.
 */
Datum
ffu_sql_doom_detached(PG_FUNCTION_ARGS)
{
#define DOOM_DETACHED \
	"UPDATE ffu.deletion SET state = 'doubtful'," \
	" id = nextval('ffu.deletion_id_seq'), doomed_at = statement_timestamp()" \
	" WHERE state = 'detached'"
	uint64		done;

	if (PG_ARGISNULL(0))
		done = ffu_catalog_execute(DOOM_DETACHED, NULL, NULL);
	else
		done = ffu_catalog_execute(DOOM_DETACHED " AND path = $1",
								   text_to_cstring(PG_GETARG_TEXT_PP(0)), NULL);
	PG_RETURN_INT64((int64) done);
}

/*
 * ffu.skip_replicated(): BEFORE INSERT, UPDATE or DELETE on a table of ffu,
 * enabled for replicas: skip the row that replication brings.
 */
Datum
ffu_sql_skip_replicated(PG_FUNCTION_ARGS)
{
	return PointerGetDatum(NULL);
}
