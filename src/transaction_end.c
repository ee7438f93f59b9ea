/*-------------------------------------------------------------------------
 *
 * transaction_end.c
 *	  The end of a transaction: PostgreSQL's callbacks, and the functions that
 *	  the callbacks call.
 *
 *	PRE_COMMIT, PRE_PREPARE	steps 4 to 6, publish.c; may raise errors
 *	COMMIT					step 7, under the locks: take the horizon
 *	release, after locks	step 8, finish.c
 *	ABORT					undo everything, finish.c
 *	PREPARE					forget: the sweep decides the fate of the files by
 *							the commit log, since COMMIT PREPARED and
 *							ROLLBACK PREPARED call no extension
 *
 * Code that COMMIT, ABORT, PREPARE or release reaches raises no error.  A
 * single WARNING tells which work was left.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "base/error.h"
#include "base/fault.h"
#include "store/dir/root.h"
#include "sweep/sweep.h"
#include "transaction/dooms.h"
#include "transaction/finish.h"
#include "transaction/pending.h"
#include "transaction/publish.h"
#include "transaction/quota.h"
#include "transaction/resumed.h"
#include "transaction/usage.h"
#include "upload/limit.h"
#include "transaction_end.h"

/* Between the COMMIT callback and the release of the locks */
static bool committed = false;

/*
 * Warn of work that was left, if any.
 */
static void
warn(const FfuLeftover *left, const char *action)
{
	if (left->count > 0)
		ffu_warn_io(WARNING, left->error, action, left->path);
}

/*
 * Warn of imported files that were not removed from the old store.
 */
static void
warn_unmoved(const FfuLeftover *unmoved)
{
	if (unmoved->count == 0)
		return;
	errno = unmoved->error;
	ereport(WARNING,
			(ffu_errcode_for(unmoved->error),
			 errmsg("could not remove imported file \"%s\": %m",
					unmoved->path),
			 errdetail_plural("%d file was imported and is still where it was.",
							  "%d files were imported and are still where they were.",
							  unmoved->count, unmoved->count),
			 errhint("The original was changed or replaced meanwhile, or the server may not remove it. Look at the file and remove it by hand.")));
}

/*
 * Forget the transaction.
 */
static void
forget(void)
{
	committed = false;
	ffu_finish_close();
	ffu_root_release();
	ffu_resumed_reset();
	ffu_dooms_reset();
	ffu_usage_reset();
	ffu_quota_reset();
	ffu_limit_reset();
	ffu_pending_reset();
}

/*
 * Do the work before the commit record, or before the record of PREPARE.  May
 * raise errors.
 *
 * What is allocated goes with the transaction.  The current context of a
 * procedure that commits lives until the procedure ends.
 */
static void
before_commit(bool prepare)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);

	if (OidIsValid(ffu_dooms_deletion()) && !prepare)
		ffu_sweep_before_commit();
	ffu_publish(prepare);
	ffu_quota_check_last();
	ffu_usage_before_commit(prepare);
	MemoryContextSwitchTo(old);
}

/*
 * Undo the files of an aborted transaction.
 */
static void
after_abort(void)
{
	FfuLeftover left = {0};

	ffu_finish_abort(&left);
	warn(&left, "remove staging file");
	forget();
}

/*
 * Do step 8 of a committed transaction.  The locks are released.
 */
static void
after_commit(void)
{
	FfuLeftover left = {0};
	FfuLeftover unmoved = {0};

	ffu_finish_commit(&left, &unmoved);
	ffu_sweep_note(ffu_dooms_count());
	warn(&left, "clean up after file");
	warn_unmoved(&unmoved);
	forget();
}

/*
 * XactCallback
 */
static void
at_xact_event(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			before_commit(false);
			break;
		case XACT_EVENT_PRE_PREPARE:
			before_commit(true);
			break;
		case XACT_EVENT_COMMIT:
			FFU_FAULT_SAFE("commit-after-record");
			ffu_finish_horizon();
			committed = true;
			break;
		case XACT_EVENT_ABORT:
			after_abort();
			break;
		case XACT_EVENT_PREPARE:
			FFU_FAULT_SAFE("prepare-after-record");
			forget();
			break;
		default:
			break;
	}
}

/*
 * SubXactCallback
 */
static void
at_subxact_event(SubXactEvent event, SubTransactionId mine,
				 SubTransactionId parent, void *arg)
{
	int			level = GetCurrentTransactionNestLevel();
	FfuLeftover left = {0};

	switch (event)
	{
		case SUBXACT_EVENT_COMMIT_SUB:
			ffu_pending_subcommit(level);
			ffu_resumed_subcommit(level);
			ffu_dooms_subcommit(level);
			ffu_usage_subcommit(level);
			break;
		case SUBXACT_EVENT_ABORT_SUB:
			ffu_finish_subabort(level, &left);
			ffu_usage_subabort(level);
			warn(&left, "remove staging file");
			break;
		default:
			break;
	}
}

/*
 * ResourceReleaseCallback.  The server calls at_release for every resource
 * owner of the transaction; the first call after the release of the locks does
 * the work.
 */
static void
at_release(ResourceReleasePhase phase, bool is_commit, bool is_top,
		   void *arg)
{
	if (phase == RESOURCE_RELEASE_AFTER_LOCKS && is_commit && is_top &&
		committed)
		after_commit();
}

/*
 * Register the callbacks.  Called once in a backend.
 */
void
ffu_end_init(void)
{
	RegisterXactCallback(at_xact_event, NULL);
	RegisterSubXactCallback(at_subxact_event, NULL);
	RegisterResourceReleaseCallback(at_release, NULL);
}
