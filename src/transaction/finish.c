/*-------------------------------------------------------------------------
 *
 * finish.c
 *	  What happens to files once the fate of a transaction is known.
 *
 * The COMMIT, ABORT and resource release callbacks reach this file.  After the
 * commit record an error would be a PANIC, and during an abort an error would
 * be a second abort.  So no function here raises an error, takes an elevel or
 * allocates memory (I6); test/t/003_no_raise.pl looks at the object file.  A
 * failure is counted, and the sweep repeats the step later (I7).
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "storage/procarray.h"
#include "utils/rel.h"
#include "utils/resowner.h"

#include "base/fault.h"
#include "base/settings.h"
#include "base/shared.h"
#include "store/dir/root.h"
#include "store/dir/spool.h"
#include "text/path.h"
#include "transaction/dooms.h"
#include "transaction/finish.h"
#include "transaction/pending.h"
#include "transaction/resumed.h"

/* Between PRE_COMMIT and the COMMIT callback: ffu.deletion, open */
static Relation deletion_rel = NULL;

/* From the COMMIT callback on: the horizon of ffu.deletion */
static TransactionId horizon = InvalidTransactionId;

/* The session has synchronous_commit = off, which this commit ignores. */
static bool flush_forced = false;

/*
 * Make the server flush the commit record before the commit is done, whatever
 * synchronous_commit says.  ForceSyncCommit() would also mark the record, and
 * a standby flushes its control file for every marked record that it replays.
 * The setting counts only in a transaction that has written WAL, as every
 * transaction has that stores or deletes a file.
 */
void
ffu_finish_force_flush(void)
{
	Assert(XactLastRecEnd != InvalidXLogRecPtr);
	if (synchronous_commit != SYNCHRONOUS_COMMIT_OFF)
		return;
	synchronous_commit = SYNCHRONOUS_COMMIT_LOCAL_FLUSH;
	flush_forced = true;
}

/*
 * Give the session its own synchronous_commit back.
 */
static void
stop_forcing_flush(void)
{
	if (flush_forced)
		synchronous_commit = SYNCHRONOUS_COMMIT_OFF;
	flush_forced = false;
}

/*
 * Count a failure, and keep error number and path of the first.
 */
static void
note(FfuLeftover *left, int error, const char *path)
{
	if (left->count++ > 0)
		return;
	left->error = error;
	strlcpy(left->path, path, sizeof(left->path));
}

/*
 * Count a failure on a staged file.
 */
static void
note_staged(FfuLeftover *left, int error, const FfuStaged *staged)
{
	char		name[FFU_STAGING_MAX + 1];

	ffu_staging_name(name, staged->fxid, staged->n, staged->run, NULL);
	note(left, error, name);
}

/*
 * Remove all names of a file from the disk, and count a failure.
 */
static void
undo(FfuStore *store, FfuFile *file, FfuLeftover *left)
{
	FfuStaged  *staged = ffu_file_staged(file);
	int			result = store->methods->undo(store, staged);

	ffu_shared_count(result == 0 ? FFU_COUNT_UNDONE_FILES : FFU_COUNT_FAILED, 1);
	if (result != 0)
		note_staged(left, result, staged);
}

/*
 * Cut off the bytes that an aborted subtransaction appended.  On failure the
 * pieces stay torn, and the cut is repeated before any other use of the bytes.
 */
static void
cut(FfuStore *store, FfuFile *file, FfuLeftover *left)
{
	FfuStaged  *staged = ffu_file_staged(file);
	int			result = ffu_spool_cut(store, staged,
									   ffu_file_facts(file)->size);

	ffu_file_set_torn(file, result != 0);
	if (result != 0)
		note_staged(left, result, staged);
}

/*
 * Remove the name of a resumable upload.  The file goes too, unless a finished
 * upload has a second name in staging.
 */
static void
remove_resumed(FfuStore *store, FfuResumableFile *resumed, FfuLeftover *left)
{
	char		name[FFU_RESUMED_MAX + 1];
	int			result;

	ffu_spool_close(ffu_resumed_file(resumed));
	ffu_resumed_name(resumed, name);
	result = ffu_spool_remove_upload(store, name);
	if (result == 0)
		return;
	ffu_shared_count(FFU_COUNT_FAILED, 1);
	note(left, result, name);
}

/*
 * A subtransaction of this level aborts: remove the files that the
 * subtransaction staged, and take back its changes to older files of this
 * transaction.
 */
void
ffu_finish_subabort(int level, FfuLeftover *left)
{
	FfuStore   *store = ffu_root_in_use();
	FfuFile    *file;
	FfuFile    *next;
	FfuResumableFile *resumed;
	FfuResumableFile *next_resumed;

	for (file = ffu_pending_first_nested(); file; file = next)
	{
		next = ffu_pending_next_nested(file);
		if (!ffu_pending_subabort(file, level))
		{
			const FfuPieces *pieces = ffu_file_pieces(file);

			if (store && pieces && pieces->torn)
				cut(store, file, left);
			continue;
		}
		if (store)
			undo(store, file, left);
		ffu_pending_remove(file);
	}
	for (resumed = ffu_resumed_first(); resumed; resumed = next_resumed)
	{
		next_resumed = ffu_resumed_next(resumed);
		if (ffu_resumed_subabort(resumed, level) && store)
			remove_resumed(store, resumed, left);
	}
	ffu_dooms_subabort(level);
}

/*
 * The transaction aborts: remove every file, at whatever step.
 */
void
ffu_finish_abort(FfuLeftover *left)
{
	FfuStore   *store = ffu_root_in_use();
	FfuFile    *file;
	FfuResumableFile *resumed;

	if (store == NULL)
		return;
	for (file = ffu_pending_first(); file; file = ffu_pending_next(file))
		undo(store, file, left);
	for (resumed = ffu_resumed_first(); resumed; resumed = ffu_resumed_next(resumed))
	{
		if (ffu_resumed_is_begun(resumed))
			remove_resumed(store, resumed, left);
	}
}

/*
 * Step 4: before commit, remove the files that no row owns.
 */
void
ffu_finish_unowned(FfuLeftover *left)
{
	FfuStore   *store = ffu_root_in_use();
	FfuFile    *file;
	FfuFile    *next;

	for (file = ffu_pending_first(); file; file = next)
	{
		next = ffu_pending_next(file);
		if (ffu_file_life(file) == FFU_LIFE_OWNED)
			continue;
		undo(store, file, left);
		ffu_pending_remove(file);
	}
}

/*
 * Take over ffu.deletion, which the top transaction's resource owner owns, for
 * step 7.
 */
void
ffu_finish_watch(Relation deletion)
{
	deletion_rel = deletion;
}

/*
 * Step 7, in the COMMIT callback: take the horizon of ffu.deletion.  Other
 * databases and logical slots do not hold the horizon of this table back, as
 * they would hold back the horizon of the cluster.
 */
void
ffu_finish_horizon(void)
{
	ResourceOwner old = CurrentResourceOwner;

	if (deletion_rel == NULL)
		return;
	horizon = GetOldestNonRemovableTransactionId(deletion_rel);
	CurrentResourceOwner = TopTransactionResourceOwner;
	RelationClose(deletion_rel);
	CurrentResourceOwner = old;
	deletion_rel = NULL;
}

/*
 * The transaction is over: close the files that were left open for the sync,
 * forget the horizon, and end the hold on synchronous_commit.
 */
void
ffu_finish_close(void)
{
	FfuFile    *file;
	FfuResumableFile *resumed;

	for (file = ffu_pending_first(); file; file = ffu_pending_next(file))
		ffu_spool_close(&ffu_file_staged(file)->file);
	for (resumed = ffu_resumed_first(); resumed; resumed = ffu_resumed_next(resumed))
		ffu_spool_close(ffu_resumed_file(resumed));
	deletion_rel = NULL;
	horizon = InvalidTransactionId;
	stop_forcing_flush();
}

/*
 * Step 8 for one file: unlink the staging name, and the source if the file was
 * moved.
 */
static void
finish_file(FfuStore *store, FfuFile *file, FfuLeftover *left,
			FfuLeftover *unmoved)
{
	const FfuSource *source = ffu_file_birth(file)->source;
	int			result = store->methods->finish(store, ffu_file_staged(file));

	ffu_shared_count(FFU_COUNT_PUBLISHED_FILES, 1);
	ffu_shared_count(FFU_COUNT_PUBLISHED_BYTES, ffu_file_facts(file)->size);
	if (result != 0)
		note(left, result, ffu_file_path(file));
	FFU_FAULT_SAFE("commit-after-staging");
	if (source == NULL)
		return;
	result = ffu_outside_remove(source);
	if (result != 0)
		note(unmoved, result, source->name);
}

/*
 * Step 8 for the doomed paths.  Return the number of removed files.
 */
static int
remove_doomed(FfuStore *store, FfuLeftover *left)
{
	int			removed = 0;
	int			i;

	for (i = 0; i < ffu_dooms_count(); i++)
	{
		const char *path = ffu_dooms_path(i);
		bool		keep = ffu_setting_deletion_delay > 0;
		int			result = store->methods->remove_now(store, path, keep);

		removed += result == 0 && !keep;
		if (result != 0)
			note(left, result, path);
		FFU_FAULT_SAFE("commit-after-remove");
	}
	return removed;
}

/*
 * Step 8, after the locks are released: unlink the staging names, the sources
 * of moved files, and the doomed paths that no snapshot can see any more
 * (I4a), or keep those files out of URL reach.  Return the number of removed
 * files.
 */
int
ffu_finish_commit(FfuLeftover *left, FfuLeftover *unmoved)
{
	FfuStore   *store = ffu_root_in_use();
	FfuFile    *file;
	FfuResumableFile *resumed;

	if (store == NULL)
		return 0;
	for (file = ffu_pending_first(); file; file = ffu_pending_next(file))
		finish_file(store, file, left, unmoved);
	for (resumed = ffu_resumed_first(); resumed; resumed = ffu_resumed_next(resumed))
	{
		if (ffu_resumed_outcome(resumed) == FFU_RESUMED_REMOVED)
			remove_resumed(store, resumed, left);
		FFU_FAULT_SAFE("commit-after-resumed");
	}
	if (!TransactionIdIsValid(horizon) ||
		!TransactionIdPrecedes(ffu_dooms_xid(), horizon))
		return 0;
	return remove_doomed(store, left);
}
