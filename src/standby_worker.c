/*-------------------------------------------------------------------------
 *
 * standby_worker.c
 *	  The background workers of a standby: a launcher, and deliverers.
 *
 * With ffu.standby_files a hot standby runs this launcher until its promotion.
 * For each database whose inbox has something new the launcher starts a
 * deliverer, which connects and gives the files to the folder (sweep/deliver.c).
 * One deliverer runs at a time.  It exits when nothing more has arrived for
 * LINGER, when another database needs a deliverer, and after LIFE: a new process
 * for each file would cost more than the delivery.
 *
 *	redo has put a file into the inbox		that database, at once
 *	removals wait for old snapshots, or
 *	staging names for transactions			every WAITING_PAUSE
 *	a delivery failed						every FAILED_PAUSE
 *
 * Sessions do not depend on the workers: they deliver what they need.  The
 * workers are for those who reach the folder in another way, such as a web
 * server, and they make the inbox short.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/catalog.h"
#include "base/settings.h"
#include "standby_worker.h"
#include "store/dir/inbox.h"
#include "store/dir/root.h"
#include "sweep/deliver.h"
#include "wal/arrived.h"
#include "worker.h"

/* Pauses of the launcher, in ms: after a round, and without work */
#define ROUND_PAUSE		20
#define IDLE_PAUSE		1000

/* Pauses until the next delivery for a database, in ms */
#define WAITING_PAUSE	2000
#define FAILED_PAUSE	10000

/* How long a deliverer waits for more, and how long it lives, in ms */
#define LINGER			1000
#define LIFE			10000

/* A database that has had a deliverer */
typedef struct Database
{
	Oid			oid;			/* key */
	TimestampTz retry;			/* when to deliver again after a failure, or 0 */
	TimestampTz next;			/* when to look again at what waits */
} Database;

/*
 * Read the configuration files again if the postmaster has asked for that.
 */
static void
reload_config(void)
{
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/*
 * Run a deliverer for a database.  If no worker is available, the next round
 * tries again.
 */
static void
run_deliverer(Oid database)
{
	BackgroundWorker worker;

	ffu_worker_describe(&worker, "ffu deliverer", "ffu_standby_deliver",
						BgWorkerStart_ConsistentState);
	(void) ffu_worker_run(&worker, database);
}

/*
 * Does a database have work that only time brings on?
 */
static bool
is_waiting(Oid oid)
{
	return ffu_inbox_has_removals(oid) || ffu_arrived_is_unsettled(oid);
}

/*
 * Is it time for a delivery?  What has arrived waits only after a failure.
 */
static bool
is_due(const Database *database)
{
	TimestampTz now = GetCurrentTimestamp();

	if (ffu_arrived_is_pending(database->oid))
		return database->retry <= now;
	return database->next <= now && is_waiting(database->oid);
}

/*
 * Deliver for a database if there is something to do and the time has come.
 */
static void
visit_database(HTAB *databases, Oid oid)
{
	bool		found;
	Database   *database = hash_search(databases, &oid, HASH_ENTER, &found);
	TimestampTz now;
	uint64		count;

	if (!found)
		database->retry = database->next = 0;
	if (!is_due(database))
		return;
	count = ffu_arrived_count(oid);
	run_deliverer(oid);
	now = GetCurrentTimestamp();
	database->next = TimestampTzPlusMilliseconds(now, WAITING_PAUSE);
	database->retry = ffu_arrived_is_delivered(oid, count) ? 0 :
		TimestampTzPlusMilliseconds(now, FAILED_PAUSE);
}

/*
 * on_shmem_exit callback
 */
static void
at_exit(int code, Datum arg)
{
	ffu_arrived_set_latch(NULL);
}

/*
 * Entry point of the launcher.  The launcher ends with the promotion.
 */
void
ffu_standby_launch(Datum arg)
{
	HASHCTL		ctl = {.keysize = sizeof(Oid),.entrysize = sizeof(Database)};
	HTAB	   *databases;
	MemoryContext context;

	ffu_worker_set_signals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	before_shmem_exit(at_exit, (Datum) 0);
	ffu_arrived_set_latch(MyLatch);
	databases = hash_create("ffu standby databases", 16, &ctl,
							HASH_ELEM | HASH_BLOBS);
	context = AllocSetContextCreate(TopMemoryContext, "ffu standby launcher",
									ALLOCSET_DEFAULT_SIZES);
	while (RecoveryInProgress())
	{
		ListCell   *lc;

		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		reload_config();
		MemoryContextSwitchTo(context);
		MemoryContextReset(context);
		foreach(lc, ffu_worker_databases())
			visit_database(databases, lfirst_oid(lc));
		(void) WaitLatch(NULL, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ROUND_PAUSE,
						 PG_WAIT_EXTENSION);
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 IDLE_PAUSE, PG_WAIT_EXTENSION);
	}
	proc_exit(0);
}

/*
 * Deliver, in a transaction of this function.  Return false if this database
 * has no folder.
 */
static bool
deliver(void)
{
	FfuClaim	claim;
	bool		has_folder;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, "ffu: delivering files");
	has_folder = OidIsValid(ffu_catalog_schema()) &&
		ffu_root_read_claim(&claim, false);
	if (has_folder)
	{
		/* Opening the root delivers, or raises the reason why not. */
		FfuStore   *store = ffu_root_use();

		ffu_deliver_check();
		ffu_deliver_settle(store);
		ffu_deliver_removals(store);
		ffu_deliver_check();
	}
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_activity(STATE_IDLE, NULL);
	return has_folder;
}

/*
 * Wait until something has arrived for this database.  Return false if nothing
 * has in time, or if another database needs a deliverer.
 */
static bool
wait_for_more(void)
{
	int			waited;

	for (waited = 0; waited < LINGER; waited += ROUND_PAUSE)
	{
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 ROUND_PAUSE, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		reload_config();
		if (!RecoveryInProgress() ||
			ffu_arrived_is_pending_elsewhere(MyDatabaseId))
			return false;
		if (ffu_arrived_is_pending(MyDatabaseId))
			return true;
	}
	return false;
}

/*
 * Entry point of a deliverer.  arg is the oid of the database.
 */
void
ffu_standby_deliver(Datum arg)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LIFE);

	ffu_worker_set_signals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(arg), InvalidOid,
											  0);
	while (deliver() && GetCurrentTimestamp() < end && wait_for_more())
		 /* Deliver again. */ ;
}

/*
 * Register the launcher, if this server is to keep files.  _PG_init calls this
 * function in the postmaster.
 */
void
ffu_standby_init(void)
{
	BackgroundWorker worker;

	if (!ffu_setting_standby_files)
		return;
	ffu_worker_describe(&worker, "ffu standby launcher", "ffu_standby_launch",
						BgWorkerStart_ConsistentState);
	RegisterBackgroundWorker(&worker);
}
