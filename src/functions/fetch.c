/*-------------------------------------------------------------------------
 *
 * fetch.c
 *	  The SQL procedure ffu.fetch_missing(): files come from another server.
 *
 * A standby that was begun without a copy of the folder lacks the files that
 * were stored before.  So does a server after a restore without the folder.  The
 * rows are there: they say which files are missing, and another server has them.
 *
 *	1	List the rows whose files are missing (missing.c), then end the
 *		transaction: no snapshot is held while files are fetched, which on a
 *		standby would be cancelled, or hold the primary's vacuum up.
 *	2	Fetch the files of a slice, each into a file of .ffu/fetched.  Compare
 *		size and SHA-256 with the row; if the row has no SHA-256, with what the
 *		other server says.  A file has at most the bytes that its row says, or
 *		ffu.max_content_length; a server that sends more and more is left.
 *	3	Make the bytes of the slice durable.  Give each file its path, and make
 *		the paths durable.  End the transaction.
 *
 * Step 3 meets redo, which may remove the file that is being fetched.  A file
 * that comes after its removal would stay for ever.  So step 3 takes the lock
 * under which files are delivered and removed on a standby, then a snapshot,
 * and gives the path only to a file whose row this snapshot sees.  A removal
 * waits for every snapshot that sees the row (I4a, W12).  Hence:
 *
 *	the removal was done before the lock	no later snapshot sees the row, and
 *											the file does not get the path
 *	else									the removal comes after the link,
 *											and removes the file
 *
 * A file that has moved to the bucket is removed from the folder whatever
 * snapshots there are, but then the bucket had the file before.  So step 3 looks
 * into the bucket, under the lock.  On a primary there is no such lock, but the
 * snapshot does the same: the sweep, and the sessions that delete, wait for it.
 *
 * Before the link the minimum recovery point passes the commit of the row:
 * otherwise a standby could be promoted, after a crash, at a moment when the
 * file has no row.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <sys/stat.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "commands/dbcommands.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/advisory.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/library.h"
#include "base/settings.h"
#include "base/version.h"
#include "functions/missing.h"
#include "store/dir/fetched.h"
#include "store/dir/later.h"
#include "store/dir/root.h"
#include "store/dir/spool.h"
#include "store/dir/walk.h"
#include "store/peer.h"
#include "sweep/deliver.h"
#include "wal/arrived.h"

FFU_FUNCTION(ffu_sql_fetch_missing);

/* Limits of a slice; the last file may exceed the second */
#define SLICE_FILES			100
#define SLICE_BYTES			(INT64CONST(16) * 1024 * 1024)

/* Number of bytes too many after which the end is not waited for */
#define EXCESS_MAX			(INT64CONST(1024) * 1024)

/* Maximum number of lists; rows that were changed meanwhile need another */
#define PASSES				5

/* Maximum number of warnings of a call */
#define WARNINGS_MAX		10

/* Pause between two messages of progress, in ms */
#define PROGRESS_PAUSE		10000

/* A call */
typedef struct Fetch
{
	const FfuPeerMethods *methods;
	FfuPeer    *peer;			/* NULL if there is no connection */
	FfuPeerTarget target;
	MemoryContext call_context; /* has the peer and the target */
	MemoryContext context;		/* of a slice */
	int64		files;
	int64		bytes;
	int64		failed;
	int64		changed;		/* rows of this list that were changed */
	uint32		n;				/* files in .ffu/fetched so far, in this slice */
	TimestampTz told;			/* when progress was reported */
} Fetch;

/* A file that has arrived */
typedef struct Arrival
{
	const FfuMissing *file;
	uint32		n;				/* name in .ffu/fetched */
	int64		size;
} Arrival;

/* What is at the path of a file */
typedef enum Place
{
	PLACE_EMPTY,
	PLACE_WRONG,				/* a file of another size */
	PLACE_TAKEN,				/* the file, or the bucket has it */
	PLACE_BLOCKED				/* something that is not a file */
} Place;

/*
 * Load the library ffu_peer, and return its table.
 */
static const FfuPeerMethods *
load_methods(void)
{
	FfuPeerFunction function;
	const FfuPeerMethods *methods;

	function = (FfuPeerFunction)
		ffu_library_function(FFU_PEER_LIBRARY, FFU_PEER_FUNCTION,
							 "Install the library ffu_peer that was built together with ffu for this server, and the library libpq.");
	methods = function();
	ffu_library_check("ffu_peer", FFU_PEER_VERSION, methods->version);
	return methods;
}

/*
 * Refuse a caller who is no superuser, a call in a transaction block, and a
 * standby without files.
 */
static void
check_call(FunctionCallInfo fcinfo)
{
	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for procedure fetch_missing"),
				 errdetail("Only superusers may let the server connect to another server."),
				 errhint("Have a superuser call the procedure.")));
	if (fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		((CallContext *) fcinfo->context)->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("ffu.fetch_missing() cannot run in a transaction block"),
				 errdetail("The procedure ends transactions, so that no snapshot is held while files are fetched."),
				 errhint("Call the procedure outside of a transaction block, and not from a function.")));
	if (!ffu_deliver_may_check())
		ffu_walk_prevent("ffu.fetch_missing()");
}

/*
 * Return the connection string of this standby to its primary, palloc'd.
 */
static const char *
own_conninfo(void)
{
	const char *value = GetConfigOption("primary_conninfo", true, false);

	if (value == NULL || value[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no server is named to fetch files from"),
				 errdetail("The argument conninfo is null, and primary_conninfo is empty."),
				 errhint("Name the other server by a connection string of libpq, for example 'service=primary'.")));
	return pstrdup(value);
}

/*
 * Connect to the other server, perhaps again.
 */
static void
open_peer(Fetch *fetch)
{
	MemoryContext old = MemoryContextSwitchTo(fetch->call_context);

	if (fetch->peer)
		fetch->methods->close(fetch->peer);
	fetch->peer = NULL;
	fetch->peer = fetch->methods->open(&fetch->target);
	MemoryContextSwitchTo(old);
}

/*
 * Find out where the files come from, and connect.
 */
static void
connect_peer(Fetch *fetch, FunctionCallInfo fcinfo)
{
	FfuPeerTarget *target = &fetch->target;

	fetch->call_context = CurrentMemoryContext;
	target->same_name = PG_ARGISNULL(0);
	target->conninfo = PG_ARGISNULL(0) ? own_conninfo() :
		text_to_cstring(PG_GETARG_TEXT_PP(0));
	target->database = get_database_name(MyDatabaseId);
	target->encoding = GetDatabaseEncodingName();
	target->version = ffu_version_library();
	target->root_id = pstrdup(ffu_root_id());
	fetch->methods = load_methods();
	SPI_commit();
	open_peer(fetch);
}

/*
 * Count a file that stays missing, and say why; of many not of each.
 */
static void
fail_file(Fetch *fetch, const FfuMissing *file, int sqlstate,
		  const char *detail)
{
	if (fetch->failed++ >= WARNINGS_MAX)
		return;
	ereport(WARNING,
			(errcode(sqlstate),
			 errmsg("file \"%s\" is not fetched", file->path),
			 errdetail_internal("%s", detail),
			 errhint("ffu.check() lists the files that are missing.")));
}

/*
 * Look what is at the path of a file.
 */
static Place
look_at_place(FfuStore *store, const FfuMissing *file)
{
	FfuLook		look;
	int			result = ffu_folder_methods.look(store, file->path, &look);

	if (result == 0 && !S_ISREG(look.mode))
		return PLACE_BLOCKED;
	if (result == 0)
		return file->size >= 0 && look.size != file->size ?
			PLACE_WRONG : PLACE_TAKEN;
	if (result == ENOTDIR || result == ELOOP)
		return PLACE_BLOCKED;
	if (result != ENOENT)
		ffu_raise_io(result, "look at file", file->path);
	if (store->methods != &ffu_folder_methods &&
		store->methods->look(store, file->path, &look) == 0)
		return PLACE_TAKEN;
	return PLACE_EMPTY;
}

/*
 * Leave the files out of a list whose rows have changed, or whose places are
 * taken.
 */
static List *
leave_out(Fetch *fetch, FfuStore *store, List *files)
{
	List	   *wanted = NIL;
	ListCell   *lc;

	PushActiveSnapshot(GetLatestSnapshot());
	foreach(lc, files)
	{
		FfuMissing *file = lfirst(lc);
		Place		place;

		CHECK_FOR_INTERRUPTS();
		if (!ffu_missing_read(file))
		{
			fetch->changed++;
			continue;
		}
		place = look_at_place(store, file);
		if (place == PLACE_BLOCKED)
			fail_file(fetch, file, ERRCODE_WRONG_OBJECT_TYPE,
					  "Something that is not a file is in its place, or in the place of a directory above.");
		else if (place != PLACE_TAKEN)
			wanted = lappend(wanted, file);
	}
	PopActiveSnapshot();
	return wanted;
}

/*
 * Return how many bytes a file may have.  Not by a column's max_size, which may
 * have been lowered since the file was stored.
 */
static int64
size_limit(const FfuMissing *file)
{
	return file->size >= 0 ? file->size : ffu_setting_max_bytes();
}

/*
 * Tell whether a file is so long already that its end is not waited for.
 */
static bool
is_endless(const FfuMissing *file, int64 size)
{
	return size > size_limit(file) + EXCESS_MAX;
}

/*
 * Judge the size of a file that has arrived.  Return NULL if the size is right,
 * else a sentence, palloc'd, and set *sqlstate.
 */
static const char *
judge_size(const FfuMissing *file, int64 size, int *sqlstate)
{
	const char *at_least = is_endless(file, size) ? "at least " : "";

	*sqlstate = ERRCODE_DATA_CORRUPTED;
	if (file->size >= 0 && file->size != size)
		return psprintf("The other server has sent %s" INT64_FORMAT " bytes; the row says " INT64_FORMAT ".",
						at_least, size, file->size);
	if (size <= size_limit(file))
		return NULL;
	*sqlstate = ERRCODE_CONFIGURATION_LIMIT_EXCEEDED;
	return psprintf("The other server has sent %s" INT64_FORMAT " bytes; the row says no size, and ffu.max_content_length allows " INT64_FORMAT ".",
					at_least, size, size_limit(file));
}

/*
 * Judge a file that has arrived with this size and digest.  Return NULL if the
 * file is right, else a sentence, palloc'd, and set *sqlstate.
 */
static const char *
judge(Fetch *fetch, const FfuMissing *file, int64 size, const char *sha256,
	  int *sqlstate)
{
	char		told[FFU_SHA256_HEX_LEN + 1];
	const char *by = "row";
	const char *wrong = judge_size(file, size, sqlstate);
	char	   *why;

	if (wrong != NULL)
		return wrong;
	strlcpy(told, file->sha256, sizeof(told));
	if (told[0] == '\0')
	{
		by = "other server";
		if (!fetch->methods->digest(fetch->peer, file->path, told, &why))
			return why;
	}
	if (strcmp(told, sha256) == 0)
		return NULL;
	return psprintf("The SHA-256 of what has arrived is %s; the %s says %s.",
					sha256, by, ffu_shown_name(told));
}

/*
 * Write the bytes of a file as they arrive.  Return NULL at the end, or when the
 * end is not waited for, or why the other server cannot give the file, palloc'd.
 */
static char *
write_pieces(Fetch *fetch, const FfuMissing *file, FfuSpoolFile *out,
			 int64 *size, char *sha256)
{
	struct pg_cryptohash_ctx *hash = ffu_digest_begin();
	uint8		digest[FFU_SHA256_LEN];
	const char *data;
	size_t		len;
	char	   *why = NULL;

	*size = 0;
	fetch->methods->ask(fetch->peer, file->path);
	while (!is_endless(file, *size) &&
		   fetch->methods->read(fetch->peer, &data, &len, &why))
	{
		int64		slice = *size / FFU_SLICE;
		int			result;

		/* More than the file may have: of a wrong file no more is kept */
		if (*size + (int64) len > size_limit(file))
		{
			*size += len;
			continue;
		}
		result = ffu_spool_write(out, data, len, *size);
		*size += len;
		if (result == 0 && *size / FFU_SLICE > slice)
			result = ffu_spool_write_behind(out, slice);
		if (result != 0)
			ffu_raise_io(result, "write file", file->path);
		ffu_digest_add(hash, data, len);
		FFU_FAULT("fetch-after-piece");
	}
	ffu_digest_end(hash, digest);
	ffu_digest_to_hex(digest, sha256);
	return why;
}

/*
 * Fetch a file.  Return the arrival, or NULL if the file has not arrived as the
 * row wants it.
 */
static Arrival *
fetch_file(Fetch *fetch, FfuStore *store, const FfuMissing *file)
{
	FfuSpoolFile out = FFU_SPOOL_CLOSED;
	Arrival    *arrival = palloc(sizeof(Arrival));
	char		sha256[FFU_SHA256_HEX_LEN + 1];
	const char *volatile why = NULL;
	int			sqlstate = ERRCODE_UNDEFINED_FILE;
	int			result;

	arrival->file = file;
	arrival->n = fetch->n++;
	result = ffu_fetched_create(store, arrival->n, &out);
	if (result != 0)
		ffu_raise_io(result, "create file", file->path);
	PG_TRY();
	{
		why = write_pieces(fetch, file, &out, &arrival->size, sha256);
		result = ffu_fetched_finish(&out);
	}
	PG_FINALLY();
	{
		ffu_spool_close(&out);
	}
	PG_END_TRY();
	if (result != 0)
		ffu_raise_io(result, "write file", file->path);
	if (why == NULL)
		why = judge(fetch, file, arrival->size, sha256, &sqlstate);
	if (why == NULL)
		return arrival;
	fail_file(fetch, file, sqlstate, why);
	(void) ffu_fetched_remove(store, arrival->n);
	if (is_endless(file, arrival->size))
		open_peer(fetch);
	return NULL;
}

/*
 * Make everything in the folder durable that this call has changed.
 */
static void
sync_folder(FfuStore *store)
{
	int			result = ffu_later_sync_store(store);

	if (result != 0)
		ffu_raise_io(result, "sync folder", ffu_root_path());
}

/*
 * Give a file that has arrived its path, if the row is still there.
 */
static void
publish_file(Fetch *fetch, FfuStore *store, const Arrival *arrival)
{
	const FfuMissing *file = arrival->file;
	Place		place = PLACE_TAKEN;
	int			result;

	if (!ffu_missing_is_current(file))
		fetch->changed++;
	else
		place = look_at_place(store, file);
	if (place == PLACE_EMPTY || place == PLACE_WRONG)
	{
		result = ffu_fetched_publish(store, arrival->n, file->path,
									 place == PLACE_WRONG);
		if (result != 0)
			ffu_raise_io(result, "publish file", file->path);
		fetch->files++;
		fetch->bytes += arrival->size;
	}
	else
		(void) ffu_fetched_remove(store, arrival->n);
	FFU_FAULT("fetch-after-file");
}

/*
 * Step 3 for the files that have arrived.  See the head of this file.
 */
static void
publish(Fetch *fetch, FfuStore *store, List *arrivals)
{
	bool		in_recovery = RecoveryInProgress();
	LOCKTAG		tag;
	ListCell   *lc;

	sync_folder(store);
	FFU_FAULT("fetch-after-bytes");
	/* Not under the lock: whoever has a table may wait for the lock. */
	foreach(lc, arrivals)
		ffu_missing_lock(((Arrival *) lfirst(lc))->file);
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0, 0, FFU_LOCK_DELIVER);
	if (in_recovery)
		ffu_arrived_lock(&tag);
	PushActiveSnapshot(GetLatestSnapshot());
	if (in_recovery)
		XLogFlush(GetXLogReplayRecPtr(NULL));
	FFU_FAULT("fetch-before-link");
	foreach(lc, arrivals)
		publish_file(fetch, store, lfirst(lc));
	PopActiveSnapshot();
	if (in_recovery)
		ffu_arrived_unlock(&tag);
	sync_folder(store);
}

/*
 * Tell the progress from time to time, or at the end.
 */
static void
tell_progress(Fetch *fetch, bool at_end)
{
	TimestampTz now = GetCurrentTimestamp();

	if (!at_end && !TimestampDifferenceExceeds(fetch->told, now,
											   PROGRESS_PAUSE))
		return;
	fetch->told = now;
	ereport(NOTICE,
			(errmsg("%s: " INT64_FORMAT " files, " INT64_FORMAT " bytes, " INT64_FORMAT " failed",
					at_end ? "fetch finished" : "fetched",
					fetch->files, fetch->bytes, fetch->failed)));
}

/*
 * Publish what has arrived, and end the transaction.
 */
static void
end_slice(Fetch *fetch, FfuStore *store, List *arrivals)
{
	if (arrivals != NIL)
		publish(fetch, store, arrivals);
	ffu_fetched_drop(store, fetch->n);
	fetch->n = 0;
	SPI_commit();
	tell_progress(fetch, false);
}

/*
 * Fetch files of rows, in slices.
 */
static void
fetch_files(Fetch *fetch, List *files)
{
	FfuStore   *store = ffu_root_use();
	List	   *arrivals = NIL;
	int64		size = 0;
	ListCell   *lc;

	files = leave_out(fetch, store, files);
	foreach(lc, files)
	{
		Arrival    *arrival;

		/* Nor the snapshot of the catalogs, which would count as well. */
		InvalidateCatalogSnapshotConditionally();
		arrival = fetch_file(fetch, store, lfirst(lc));
		if (arrival == NULL)
			continue;
		arrivals = lappend(arrivals, arrival);
		size += arrival->size;
		if (size < SLICE_BYTES)
			continue;
		end_slice(fetch, store, arrivals);
		MemoryContextSwitchTo(fetch->context);
		store = ffu_root_use();
		arrivals = NIL;
		size = 0;
	}
	end_slice(fetch, store, arrivals);
}

/*
 * Steps 1 to 3: fetch all files that are missing now.
 */
static void
run_pass(Fetch *fetch)
{
	Portal		portal;
	List	   *files;

	fetch->changed = 0;
	PushActiveSnapshot(GetTransactionSnapshot());
	portal = ffu_missing_open();
	PopActiveSnapshot();
	SPI_commit();
	for (;;)
	{
		MemoryContextReset(fetch->context);
		MemoryContextSwitchTo(fetch->context);
		files = ffu_missing_next(portal, SLICE_FILES);
		if (files == NIL)
			break;
		fetch_files(fetch, files);
	}
	ffu_missing_close(portal);
}

/*
 * Do the work of a call.  The caller has the lock.
 */
static void
run(Fetch *fetch, FunctionCallInfo fcinfo)
{
	int			pass = 0;

	ffu_fetched_clear(ffu_root_use());
	connect_peer(fetch, fcinfo);
	do
		run_pass(fetch);
	while (fetch->changed > 0 && ++pass < PASSES);
	if (fetch->failed > WARNINGS_MAX)
		ereport(WARNING,
				(errmsg(INT64_FORMAT " more files are not fetched",
						fetch->failed - WARNINGS_MAX),
				 errdetail("They are not shown."),
				 errhint("ffu.check() lists the files that are missing.")));
	tell_progress(fetch, true);
	fetch->methods->close(fetch->peer);
	fetch->peer = NULL;
}

/*
 * Take the lock of a session that fetches.
 *
 * A sweep that removes leftovers has the lock in ExclusiveLock for a moment, and
 * is waited for: RowExclusiveLock conflicts with that mode alone, and keeps
 * further sweeps out until the transaction ends.  Another session that fetches
 * is not waited for.
 */
static void
lock_fetches(LOCKTAG *tag)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, 0, 0, FFU_LOCK_FETCH);
	(void) LockAcquire(tag, RowExclusiveLock, false, false);
	if (LockAcquire(tag, ShareUpdateExclusiveLock, true,
					true) == LOCKACQUIRE_NOT_AVAIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("missing files are being fetched already"),
				 errdetail("Another session runs ffu.fetch_missing() in this database."),
				 errhint("Wait until it has ended.")));
}

/*
 * Clean up after a call, also after an error.
 */
static void
clean_up(Fetch *fetch, const LOCKTAG *tag)
{
	FfuStore   *store = ffu_root_in_use();

	if (fetch->peer)
		fetch->methods->close(fetch->peer);
	if (store && fetch->n > 0)
		ffu_fetched_drop(store, fetch->n);
	(void) LockRelease(tag, ShareUpdateExclusiveLock, true);
}

/*
 * ffu.fetch_missing(conninfo text, INOUT files bigint, INOUT bytes bigint,
 * INOUT failed bigint)
 */
Datum
ffu_sql_fetch_missing(PG_FUNCTION_ARGS)
{
	MemoryContext old = CurrentMemoryContext;
	Fetch		fetch = {.told = GetCurrentTimestamp()};
	Datum		values[3];
	bool		isnull[3] = {false};
	TupleDesc	desc;
	LOCKTAG		tag;

	ffu_version_check();
	check_call(fcinfo);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	desc = BlessTupleDesc(desc);
	fetch.context = AllocSetContextCreate(CurrentMemoryContext, "ffu fetch",
										  ALLOCSET_DEFAULT_SIZES);
	lock_fetches(&tag);
	PG_TRY();
	{
		if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
			elog(ERROR, "SPI_connect_ext failed");
		run(&fetch, fcinfo);
		SPI_finish();
	}
	PG_FINALLY();
	{
		clean_up(&fetch, &tag);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(fetch.context);
	values[0] = Int64GetDatum(fetch.files);
	values[1] = Int64GetDatum(fetch.bytes);
	values[2] = Int64GetDatum(fetch.failed);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, isnull)));
}
