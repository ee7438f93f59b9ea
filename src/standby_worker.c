/*-------------------------------------------------------------------------
 *
 * standby_worker.c
 *	  The background workers of a standby: a launcher, and deliverers.
 *
 * With ffu.standby_files a hot standby runs this launcher until its promotion.
 * For each database whose inbox has something new the launcher starts a
 * deliverer, which connects, gives the files to the folder (sweep/deliver.c) and
 * exits.  One deliverer runs at a time.
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

/* A database that has had a deliverer */
typedef struct Database
{
	Oid			oid;			/* key */
	TimestampTz next;			/* begin of the next delivery, 0: at once */
} Database;

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
 * Deliver for a database if there is something to do and the time has come.
 */
static void
visit_database(HTAB *databases, Oid oid)
{
	bool		found;
	Database   *database = hash_search(databases, &oid, HASH_ENTER, &found);
	int			pause = 0;

	if (!found)
		database->next = 0;
	if (database->next > GetCurrentTimestamp() ||
		(!ffu_arrived_is_pending(oid) && !is_waiting(oid)))
		return;
	run_deliverer(oid);
	if (ffu_arrived_is_pending(oid))
		pause = FAILED_PAUSE;
	else if (is_waiting(oid))
		pause = WAITING_PAUSE;
	database->next = pause == 0 ? 0 :
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), pause);
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
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
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
 * Deliver, in a transaction of this function.
 */
static void
deliver(void)
{
	FfuClaim	claim;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, "ffu: delivering files");
	if (OidIsValid(ffu_catalog_schema()) &&
		ffu_root_read_claim(&claim, false))
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
}

/*
 * Entry point of a deliverer.  arg is the oid of the database.
 */
void
ffu_standby_deliver(Datum arg)
{
	ffu_worker_set_signals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(arg), InvalidOid,
											  0);
	deliver();
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
