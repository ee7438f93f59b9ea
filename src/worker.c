/*-------------------------------------------------------------------------
 *
 * worker.c
 *	  The background workers: a launcher, and sweepers.
 *
 * With ffu in shared_preload_libraries the server runs one launcher.  The
 * launcher is connected to no database and reads the list of databases.  For
 * each database with work the launcher starts a sweeper, which connects,
 * sweeps and exits.  One sweeper runs at a time, and for a limited time,
 * before another database has a turn.  The launcher also removes the folders
 * of dropped databases (store/dir/dropped.c).
 *
 *	at start, and every ffu.naptime		every database that has used ffu, and
 *										now and then every database there is
 *	a commit has left work				that database, soon
 *
 * DROP DATABASE, RENAME, SET TABLESPACE and CREATE DATABASE ... TEMPLATE lock
 * the database and give up if a session is still connected five seconds later.
 * So a sweeper checks this lock between two files, and exits at once.
 * Deletions that the sweeper has not struck off are done again (I7).
 *
 * The wake-up is a latch in shared memory, never NOTIFY, which would forbid
 * PREPARE TRANSACTION.  A sweeper that fails reports to the server's log, and
 * the launcher tries again at the next turn.  Any session can do the work of a
 * sweeper; without the workers the work is only done later.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <signal.h>

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/catalog.h"
#include "base/error.h"
#include "base/settings.h"
#include "base/shared.h"
#include "store/dir/dropped.h"
#include "functions/move.h"
#include "store/dir/folder_list.h"
#include "store/dir/root.h"
#include "sweep/deliver.h"
#include "sweep/intents.h"
#include "sweep/sweep.h"
#include "sweep/verify.h"
#include "transaction/usage.h"
#include "wal/queue.h"
#include "wal/syncer.h"
#include "worker.h"

/* Number of naptimes between two sweeps of databases not known to use ffu */
#define UNKNOWN_EVERY		10

/* Pause of the launcher after a round, in ms */
#define PAUSE				100

/* Pause after which the launcher looks for a hanging syncer, in ms */
#define REPORT_PAUSE		15000

/* Maximum number of batches in one run of a sweeper */
#define BATCHES_MAX			50

/* Number of files that move to the bucket in one transaction */
#define MOVED_MAX			100

/*
 * List the oids of all databases that accept connections, in the current
 * memory context.
 */
List *
ffu_worker_databases(void)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *databases = NIL;
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);
		MemoryContext old;

		if (!database->datallowconn || database->datistemplate)
			continue;
		old = MemoryContextSwitchTo(context);
		databases = lappend_oid(databases, database->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return databases;
}

/*
 * Describe a worker of ffu, which connects to a database.
 */
void
ffu_worker_describe(BackgroundWorker *worker, const char *type,
					const char *function, BgWorkerStartTime start)
{
	memset(worker, 0, sizeof(*worker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = start;
	worker->bgw_restart_time = 5;
	snprintf(worker->bgw_library_name, BGW_MAXLEN, "ffu");
	snprintf(worker->bgw_function_name, BGW_MAXLEN, "%s", function);
	snprintf(worker->bgw_name, BGW_MAXLEN, "%s", type);
	snprintf(worker->bgw_type, BGW_MAXLEN, "%s", type);
}

/*
 * Wait for the end of a worker.  If the worker hangs because its folder does
 * not answer, the log must say so nevertheless.
 */
static void
wait_for_end(BackgroundWorkerHandle *handle)
{
	pid_t		pid;

	while (GetBackgroundWorkerPid(handle, &pid) != BGWH_STOPPED)
	{
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 REPORT_PAUSE, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		ffu_syncer_report();
	}
	/* A session may have woken up the launcher meanwhile. */
	SetLatch(MyLatch);
}

/*
 * Start a worker for a database once, and wait for its end.  Return false if no
 * worker was available.
 */
bool
ffu_worker_run(BackgroundWorker *worker, Oid database)
{
	BackgroundWorkerHandle *handle;

	worker->bgw_restart_time = BGW_NEVER_RESTART;
	worker->bgw_main_arg = ObjectIdGetDatum(database);
	worker->bgw_notify_pid = MyProcPid;
	snprintf(worker->bgw_name, BGW_MAXLEN, "%s for database %u",
			 worker->bgw_type, database);
	if (!RegisterDynamicBackgroundWorker(worker, &handle))
		return false;
	wait_for_end(handle);
	pfree(handle);
	return true;
}

/*
 * Run a sweeper for a database.  With thorough the sweeper visits every
 * deletion, even if most deletions have to wait.  Return false if no worker was
 * available.
 */
static bool
run_sweeper(Oid database, bool thorough)
{
	BackgroundWorker worker;

	ffu_worker_describe(&worker, "ffu sweeper", "ffu_worker_sweep",
						BgWorkerStart_RecoveryFinished);
	worker.bgw_extra[0] = thorough;
	return ffu_worker_run(&worker, database);
}

/*
 * Tell whether a command holds, or waits for, a lock on a database that blocks
 * new connections.
 */
static bool
is_database_locked(Oid database)
{
	LOCKTAG		tag;

	/* Every new connection takes this lock for a moment. */
	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, database, 0);
	if (LockAcquire(&tag, RowExclusiveLock, true, true) ==
		LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, RowExclusiveLock, true);
	return false;
}

/*
 * Exit if a command waits until no session is connected to this database.  The
 * transaction is rolled back, and the launcher starts another sweeper once the
 * command is over.
 */
static void
leave_if_asked(void)
{
	if (!is_database_locked(MyDatabaseId))
		return;
	ereport(DEBUG1,
			(errmsg_internal("ffu sweeper leaves database %u to another command",
							 MyDatabaseId)));
	ffu_shared_want_sweep();
	proc_exit(0);
}

/*
 * Sweep the databases once.  everything: a naptime is over.  unknown: include
 * databases that have not used ffu yet.  Return true if a database needs a
 * sweep but could not be swept.
 */
static bool
do_round(bool everything, bool unknown)
{
	bool		left = false;
	ListCell   *lc;

	foreach(lc, ffu_worker_databases())
	{
		Oid			database = lfirst_oid(lc);
		bool		wanted = ffu_shared_take_wanted(database);

		CHECK_FOR_INTERRUPTS();
		ffu_syncer_start_if_wanted();
		if (!wanted && !(everything &&
						 (unknown || ffu_shared_known(database))))
			continue;
		if (is_database_locked(database) || !run_sweeper(database, everything))
		{
			ffu_shared_give_wanted(database);
			left = true;
		}
	}
	return left;
}

/*
 * on_shmem_exit callback
 */
static void
at_launcher_exit(int code, Datum arg)
{
	ffu_shared_launcher_end();
}

/*
 * Set the signal handlers of a worker.
 */
void
ffu_worker_set_signals(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
}

/*
 * Entry point of the launcher.
 */
void
ffu_worker_launch(Datum arg)
{
	MemoryContext context;
	TimestampTz next = 0;
	int			rounds = 0;
	bool		removing = false;

	ffu_worker_set_signals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	before_shmem_exit(at_launcher_exit, (Datum) 0);
	ffu_shared_launcher_begin();
	context = AllocSetContextCreate(TopMemoryContext, "ffu launcher",
									ALLOCSET_DEFAULT_SIZES);
	while (true)
	{
		bool		everything = GetCurrentTimestamp() >= next;
		bool		left;
		long		pause;

		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		MemoryContextSwitchTo(context);
		MemoryContextReset(context);
		if (everything || removing)
			removing = ffu_dropped_remove(ffu_setting_sweep_batch);
		ffu_syncer_start_if_wanted();
		ffu_syncer_report();
		left = do_round(everything,
						everything && rounds++ % UNKNOWN_EVERY == 0);
		if (everything)
			next = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
											   ffu_setting_naptime * 1000L);
		/* Leave other processes some time, however much work there is. */
		(void) WaitLatch(NULL, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, PAUSE,
						 PG_WAIT_EXTENSION);
		pause = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next);
		if (ffu_queue_was_used())
			pause = Min(pause, REPORT_PAUSE);
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 left || removing ? PAUSE : pause,
						 PG_WAIT_EXTENSION);
	}
}

/*
 * Let the owner of the database end this process, as DROP DATABASE ... WITH
 * (FORCE) does.  Until now the process belongs to no role, and only superusers
 * may end the process.
 */
static void
give_to_owner(void)
{
	HeapTuple	tuple = SearchSysCache1(DATABASEOID,
										ObjectIdGetDatum(MyDatabaseId));

	if (HeapTupleIsValid(tuple))
	{
		MyProc->roleId = ((Form_pg_database) GETSTRUCT(tuple))->datdba;
		ReleaseSysCache(tuple);
	}
}

/*
 * Tell whether this database has ffu and a usable folder, in a transaction of
 * this function.  Log the reason if the folder cannot be used.
 */
static bool
can_sweep(void)
{
	bool		result = false;
	FfuClaim	claim;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	give_to_owner();
	if (OidIsValid(ffu_catalog_schema()) &&
		ffu_root_read_claim(&claim, false))
	{
		FfuStore   *store = ffu_root_try() ? ffu_root_in_use() : NULL;

		result = store != NULL;
		if (store != NULL)
		{
			ffu_deliver_removals(store);
			ffu_folder_list_note(&claim);
			ffu_dropped_unmark(store);
		}
		else
			ereport(LOG,
					(errmsg("ffu cannot sweep folder \"%s\": it cannot be used",
							claim.path),
					 errhint("See ffu.status in database %u.", MyDatabaseId)));
	}
	PopActiveSnapshot();
	CommitTransactionCommand();
	return result;
}

/*
 * Sweep one batch of deletions in a transaction of this function.  With
 * staging, sweep the staging names first.  The sweep continues after the
 * previous batch.  Return true if there is more work.
 */
static bool
sweep_batch(FfuSweep *sweep, bool staging)
{
	int64		before = sweep->deleted + sweep->kept + sweep->failed;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, "ffu: sweeping");
	sweep->more = false;
	if (staging)
	{
		ffu_sweep_staging(sweep, true);
		ffu_intents_sweep(sweep);
	}
	ffu_sweep_deletions(sweep, ffu_setting_sweep_batch);
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	return sweep->more || sweep->deleted + sweep->kept + sweep->failed -
		before >= ffu_setting_sweep_batch;
}

/*
 * Move files to the bucket, in a transaction.  Return false if no file is due.
 */
static bool
move_files(void)
{
	bool		moved;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, "ffu: moving files to the bucket");
	moved = ffu_move_due(MOVED_MAX);
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	return moved;
}

/*
 * Verify the doubtful deletions, in a transaction.  The next batches sweep the
 * cleared deletions.
 */
static void
verify(void)
{
	FfuVerified verified;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, "ffu: verifying doubtful deletions");
	ffu_verify(&verified, MaxBlockNumber, PG_INT64_MAX, false);
	hash_destroy(verified.ids);
	ffu_usage_fold();
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_activity(STATE_IDLE, NULL);
}

/*
 * Override what the configuration or ALTER DATABASE may have set: a sweep needs
 * transactions that are READ COMMITTED and write.  Autovacuum does the same.
 */
static void
override_settings(void)
{
	SetConfigOption("default_transaction_isolation", "read committed",
					PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_read_only", "off",
					PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("lock_timeout", "0", PGC_SUSET, PGC_S_OVERRIDE);
}

/*
 * Entry point of a sweeper.  arg is the oid of the database.
 */
void
ffu_worker_sweep(Datum arg)
{
	Oid			database = DatumGetObjectId(arg);
	FfuSweep	sweep = {
		.thorough = MyBgworkerEntry->bgw_extra[0] != 0,
		.pause = leave_if_asked
	};
	int			batches = 0;

	ffu_worker_set_signals();
	override_settings();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	leave_if_asked();
	if (!can_sweep())
		return;
	if (sweep.thorough)
		verify();
	while (sweep_batch(&sweep, batches == 0 || sweep.more))
	{
		CHECK_FOR_INTERRUPTS();
		if (++batches == BATCHES_MAX)
		{
			ffu_shared_want_sweep();
			break;
		}
	}
	/* Last, since a store that is away ends this process. */
	for (batches = 0; batches < BATCHES_MAX && move_files(); batches++)
		leave_if_asked();
}

/*
 * Register the launcher.  _PG_init calls this function in the postmaster.
 */
void
ffu_worker_init(void)
{
	BackgroundWorker worker;

	ffu_worker_describe(&worker, "ffu launcher", "ffu_worker_launch",
						BgWorkerStart_RecoveryFinished);
	RegisterBackgroundWorker(&worker);
}
