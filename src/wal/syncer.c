/*-------------------------------------------------------------------------
 *
 * syncer.c
 *	  The background worker that makes queued files durable, and holds
 *	  checkpoints until it has.
 *
 * A checkpoint publishes its redo pointer, writes the buffers, lists the
 * processes with DELAY_CHKPT_COMPLETE by their virtual transaction ids, and
 * waits until none of the list has the same id and the flag; then it logs the
 * checkpoint record, and the WAL before the redo pointer is not needed any
 * more.  The syncer has the flag all the time, and changes its id only if it
 * has made durable all files that were in the queue after the last redo
 * pointer was published:
 *
 *	- The list is made under ProcArrayLock, after the pointer was published.
 *	  The id changes under the same lock, exclusively, and only if the pointer
 *	  is still the one before the last round.  So the first change after the
 *	  list was made comes after a round for this pointer or a later one (W3).
 *	- The id changes again and again, so a list that was made late has an id
 *	  that changes soon.  Nothing depends on when the syncer notices a new
 *	  pointer.
 *
 * The alternative, epochs with a transaction for each, lowers the flag between
 * two epochs; backends would have to sync their files meanwhile.  Here the flag
 * is never down, so there is no gap.
 *
 * A file whose bytes cannot be written or synced makes the server restart
 * (PANIC), as for a table: the WAL has the bytes.  A folder that is missing or
 * cannot be opened is tried again, and checkpoints wait.
 *
 * The launcher starts the syncer when a backend wants the queue.  A syncer that
 * has had nothing to do for IDLE_TIME exits.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <signal.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/sinvaladt.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/fault.h"
#include "store/dir/later.h"
#include "wal/log.h"
#include "wal/queue.h"
#include "wal/syncer.h"

/* Pause between two looks at the redo pointer, in ms */
#define PAUSE			20

/* Time from one round to the next, in ms */
#define ROUND_TIME		1000

/* Time without a file after which the syncer exits, in ms */
#define IDLE_TIME		60000

/* Time between two reports of the same problem, in ms */
#define REPORT_TIME		30000

/* The redo pointer before the last round */
static XLogRecPtr synced = InvalidXLogRecPtr;

/*
 * Hold all checkpoints whose redo pointer is not published yet.
 */
static void
begin_hold(void)
{
	LWLockAcquire(ProcArrayLock, LW_EXCLUSIVE);
	FFU_LXID = GetNextLocalTransactionId();
	MyProc->delayChkptFlags |= DELAY_CHKPT_COMPLETE;
	LWLockRelease(ProcArrayLock);
}

/*
 * Let the checkpoints go on whose redo pointer is not newer than the last round.
 */
static void
pass_hold(void)
{
	LWLockAcquire(ProcArrayLock, LW_EXCLUSIVE);
	if (GetRedoRecPtr() == synced)
		FFU_LXID = GetNextLocalTransactionId();
	LWLockRelease(ProcArrayLock);
}

/*
 * Let all checkpoints go on.
 */
static void
end_hold(void)
{
	LWLockAcquire(ProcArrayLock, LW_EXCLUSIVE);
	MyProc->delayChkptFlags &= ~DELAY_CHKPT_COMPLETE;
	FFU_LXID = InvalidLocalTransactionId;
	LWLockRelease(ProcArrayLock);
}

/*
 * Restart the server unless result is 0.
 */
static void
check_disk(int result, const char *action, const char *path)
{
	if (result == 0)
		return;
	errno = result;
	ereport(PANIC,
			(ffu_errcode_for(result),
			 errmsg("could not %s \"%s\": %m", action, path),
			 errdetail("After the restart the bytes come from the WAL.")));
}

/*
 * Write out a file of the queue.  A file that is gone needs no sync.  Return an
 * error number if the file cannot be opened now.
 */
static int
write_out(FfuFolder *folder, const char *path)
{
	FfuSpoolFile file;
	int			result = ffu_later_find(folder, path, &file);

	if (result == ENOENT || result == ENOTDIR || result == ELOOP)
		return 0;
	if (result == 0)
		check_disk(ffu_later_write_out(&file), "write out file", path);
	return result;
}

/*
 * Make the files [begin, end) of the queue durable that are in this folder.
 * Return an error number if the folder cannot be used now.
 */
static int
sync_folder(int number, uint64 begin, uint64 end)
{
	FfuQueueFolder place;
	FfuFolder	folder;
	uint64		i;
	int			result;

	ffu_queue_folder(number, &place);
	result = ffu_later_open(place.path, place.root_id, &folder);
	if (result != 0)
		return result;
	for (i = begin; result == 0 && i < end; i++)
	{
		const FfuQueueFile *file = ffu_queue_file(i);

		if (file->folder == number)
			result = write_out(&folder, file->path);
	}
	FFU_FAULT_SAFE("syncer-before-sync");
	if (result == 0)
		check_disk(ffu_later_sync(&folder), "sync folder", place.path);
	ffu_later_close(&folder);
	return result;
}

/*
 * Is any of the files [begin, end) in this folder?
 */
static bool
is_needed(int number, uint64 begin, uint64 end)
{
	uint64		i;

	for (i = begin; i < end; i++)
	{
		if (ffu_queue_file(i)->folder == number)
			return true;
	}
	return false;
}

/*
 * Is it time to report a problem again?  last is the time of the last report.
 */
static bool
may_report(TimestampTz *last)
{
	TimestampTz now = GetCurrentTimestamp();

	if (*last != 0 && !TimestampDifferenceExceeds(*last, now, REPORT_TIME))
		return false;
	*last = now;
	return true;
}

/*
 * Log, now and then, that a folder cannot be synced.
 */
static void
report_trouble(int number, int error)
{
	static TimestampTz last = 0;
	FfuQueueFolder folder;

	if (!may_report(&last))
		return;
	ffu_queue_folder(number, &folder);
	errno = error;
	ereport(LOG,
			(ffu_errcode_for_folder(error),
			 errmsg("could not sync folder \"%s\": %m", folder.path),
			 errdetail("Files in it are not durable yet; checkpoints wait."),
			 errhint("Mount the folder, or bring it back.")));
}

/*
 * Make all files in the queue durable, and say so in the WAL.  Return false if
 * a folder cannot be used; its files stay in the queue.
 */
static bool
do_round(void)
{
	XLogRecPtr	upto = GetXLogInsertRecPtr();
	uint64		end;
	uint64		begin = ffu_queue_begin_round(&end);
	int			folders = ffu_queue_folders();
	int			i;

	for (i = 0; i < folders; i++)
	{
		int			result;

		if (!is_needed(i, begin, end))
			continue;
		ffu_queue_note_trouble(i, 0);
		result = sync_folder(i, begin, end);
		if (result != 0)
		{
			ffu_queue_note_trouble(i, result);
			report_trouble(i, result);
			return false;
		}
	}
	/* Not earlier: two folders may be of the same database. */
	for (i = 0; i < folders; i++)
	{
		FfuQueueFolder folder;

		if (!is_needed(i, begin, end))
			continue;
		ffu_queue_folder(i, &folder);
		ffu_log_sync(folder.database, upto);
	}
	ffu_queue_end_round(end);
	return true;
}

/*
 * before_shmem_exit callback: accept no more files, make the files in the queue
 * durable, then let checkpoints go on.  If that is impossible, restart the
 * server: the WAL has the bytes.
 */
static void
at_exit(int code, Datum arg)
{
	ffu_queue_close();
	/* An error would end the process, and so the hold. */
	START_CRIT_SECTION();
	if (!do_round())
		ereport(PANIC,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a folder with files that are not durable cannot be synced"),
				 errdetail("After the restart the bytes come from the WAL."),
				 errhint("See the messages before.")));
	END_CRIT_SECTION();
	end_hold();
}

/*
 * Set up the process.  Exit if there is another syncer: a new launcher does not
 * know of a syncer that has just been started.
 */
static void
begin(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	begin_hold();
	if (!ffu_queue_open())
	{
		end_hold();
		proc_exit(0);
	}
	before_shmem_exit(at_exit, (Datum) 0);
}

/*
 * Wait for a moment, or for a backend that finds many files in the queue.
 */
static void
wait_a_moment(void)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 PAUSE, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/*
 * Entry point of the syncer.
 */
void
ffu_syncer_main(Datum arg)
{
	TimestampTz last_round = 0;
	TimestampTz last_file;

	begin();
	last_file = GetCurrentTimestamp();
	while (!ShutdownRequestPending)
	{
		XLogRecPtr	redo = GetRedoRecPtr();
		TimestampTz now = GetCurrentTimestamp();
		uint64		end;

		if (redo != synced || ffu_queue_is_full() ||
			TimestampDifferenceExceeds(last_round, now, ROUND_TIME))
		{
			last_round = now;
			if (ffu_queue_begin_round(&end) < end)
				last_file = now;
			if (do_round())
				synced = redo;
		}
		pass_hold();
		if (TimestampDifferenceExceeds(last_file, now, IDLE_TIME))
			break;
		wait_a_moment();
	}
	proc_exit(0);
}

/*
 * Start a syncer, unless one runs or none is wanted.  For the launcher.
 */
void
ffu_syncer_start_if_wanted(void)
{
	static BackgroundWorkerHandle *handle = NULL;
	static TimestampTz last = 0;
	BackgroundWorker worker;
	MemoryContext old;
	pid_t		pid;

	if (!ffu_queue_take_wanted() ||
		(handle && GetBackgroundWorkerPid(handle, &pid) != BGWH_STOPPED))
		return;
	if (handle)
		pfree(handle);
	handle = NULL;
	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	snprintf(worker.bgw_library_name, BGW_MAXLEN, "ffu");
	snprintf(worker.bgw_function_name, BGW_MAXLEN, "ffu_syncer_main");
	snprintf(worker.bgw_name, BGW_MAXLEN, "ffu syncer");
	snprintf(worker.bgw_type, BGW_MAXLEN, "ffu syncer");
	old = MemoryContextSwitchTo(TopMemoryContext);
	if (!RegisterDynamicBackgroundWorker(&worker, &handle) &&
		may_report(&last))
		ereport(LOG,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("ffu cannot start its syncer: there is no free background worker"),
				 errdetail("Until then commits sync their files."),
				 errhint("Raise max_worker_processes.")));
	MemoryContextSwitchTo(old);
}

/*
 * Log a folder that the syncer has tried for long to sync.  For the launcher,
 * since the syncer itself may hang.
 */
void
ffu_syncer_report(void)
{
	static TimestampTz last = 0;
	char		path[MAXPGPATH];
	int			error;

	if (ffu_queue_is_stuck(InvalidOid, path, &error) && error == 0 &&
		may_report(&last))
		ereport(LOG,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("folder \"%s\" does not answer", path),
				 errdetail("The syncer waits for the disk; checkpoints wait for the syncer.")));
}
