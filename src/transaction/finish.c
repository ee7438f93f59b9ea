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
#include "storage/procarray.h"
#include "utils/rel.h"
#include "utils/resowner.h"

#include "base/fault.h"
#include "base/settings.h"
#include "base/shared.h"
#include "store/dir/root.h"
#include "store/dir/syscall.h"
#include "text/path.h"
#include "text/resumable_id.h"
#include "transaction/finish.h"
#include "transaction/pending.h"

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
 * Remove all names of a file from the disk, and count a failure.
 */
static void
undo(FfuStore *store, FfuFile *file, FfuLeftover *left)
{
	char		name[FFU_STAGING_MAX + 1];
	int			result = store->methods->undo(store, &file->staged);

	ffu_shared_count(result == 0 ? FFU_COUNT_UNDONE_FILES : FFU_COUNT_FAILED, 1);
	if (result == 0)
		return;
	ffu_staging_name(name, file->staged.fxid, file->staged.n, NULL);
	note(left, result, name);
}

/*
 * Cut off the bytes that an aborted subtransaction appended.  On failure the
 * pieces stay torn, and the cut is repeated before any other use of the bytes.
 */
static void
cut(FfuStore *store, FfuFile *file, FfuLeftover *left)
{
	char		name[FFU_STAGING_MAX + 1];
	int			result = store->methods->cut(store, &file->staged, file->size);

	file->pieces->torn = result != 0;
	if (result == 0)
		return;
	ffu_staging_name(name, file->staged.fxid, file->staged.n, NULL);
	note(left, result, name);
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

	ffu_sys_close(&resumed->fd);
	ffu_resumable_id_name(name, resumed->fxid, resumed->key);
	result = store->methods->remove_resumed(store, name);
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
	dlist_mutable_iter iter;

	if (!ffu_pending.active)
		return;
	dlist_foreach_modify(iter, &ffu_pending.nested)
	{
		FfuFile    *file = dlist_container(FfuFile, nested_node, iter.cur);

		if (!ffu_pending_subabort(file, level))
		{
			if (store && file->pieces && file->pieces->torn)
				cut(store, file, left);
			continue;
		}
		if (store)
			undo(store, file, left);
		ffu_pending_remove(file);
	}
	dlist_foreach_modify(iter, &ffu_pending.resumed)
	{
		FfuResumableFile *resumed = dlist_container(FfuResumableFile, node, iter.cur);

		if (ffu_pending_subabort_resumed(resumed, level) && store)
			remove_resumed(store, resumed, left);
	}
	ffu_pending_subabort_dooms(level);
}

/*
 * The transaction aborts: remove every file, at whatever step.
 */
void
ffu_finish_abort(FfuLeftover *left)
{
	FfuStore   *store = ffu_root_in_use();
	dlist_iter	iter;

	if (!ffu_pending.active || store == NULL)
		return;
	dlist_foreach(iter, &ffu_pending.files)
		undo(store, dlist_container(FfuFile, node, iter.cur), left);
	dlist_foreach(iter, &ffu_pending.resumed)
	{
		FfuResumableFile *resumed = dlist_container(FfuResumableFile, node, iter.cur);

		if (resumed->made_level > 0)
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
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &ffu_pending.files)
	{
		FfuFile    *file = dlist_container(FfuFile, node, iter.cur);

		if (ffu_pending_lives(file))
			continue;
		undo(store, file, left);
		ffu_pending_remove(file);
	}
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

	if (ffu_pending.deletion_rel == NULL)
		return;
	ffu_pending.horizon =
		GetOldestNonRemovableTransactionId(ffu_pending.deletion_rel);
	CurrentResourceOwner = TopTransactionResourceOwner;
	RelationClose(ffu_pending.deletion_rel);
	CurrentResourceOwner = old;
	ffu_pending.deletion_rel = NULL;
}

/*
 * Close the files that were left open for the sync.
 */
void
ffu_finish_close(void)
{
	dlist_iter	iter;

	if (!ffu_pending.active)
		return;
	dlist_foreach(iter, &ffu_pending.files)
	{
		FfuFile    *file = dlist_container(FfuFile, node, iter.cur);

		ffu_sys_close(&file->staged.fd);
	}
	dlist_foreach(iter, &ffu_pending.resumed)
		ffu_sys_close(&dlist_container(FfuResumableFile, node, iter.cur)->fd);
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
	int			removed = 0;
	dlist_iter	iter;
	int			i;

	if (!ffu_pending.active || store == NULL)
		return 0;
	dlist_foreach(iter, &ffu_pending.files)
	{
		FfuFile    *file = dlist_container(FfuFile, node, iter.cur);
		int			result = store->methods->finish(store, &file->staged);

		ffu_shared_count(FFU_COUNT_PUBLISHED_FILES, 1);
		ffu_shared_count(FFU_COUNT_PUBLISHED_BYTES, file->size);
		if (result != 0)
			note(left, result, file->staged.path);
		FFU_FAULT_SAFE("commit-after-staging");
		if (file->source == NULL)
			continue;
		result = ffu_sys_remove_source(file->source);
		if (result != 0)
			note(unmoved, result, file->source->name);
	}
	dlist_foreach(iter, &ffu_pending.resumed)
	{
		FfuResumableFile *resumed = dlist_container(FfuResumableFile, node, iter.cur);

		if (resumed->gone_level > 0)
			remove_resumed(store, resumed, left);
		FFU_FAULT_SAFE("commit-after-resumed");
	}
	if (!TransactionIdIsValid(ffu_pending.horizon) ||
		!TransactionIdPrecedes(ffu_pending.doom_xid, ffu_pending.horizon))
		return 0;
	for (i = 0; i < ffu_pending.ndooms; i++)
	{
		const char *path = ffu_pending.dooms[i].path;
		int			result;

		if (ffu_setting_deletion_delay > 0)
			result = store->methods->keep(store, path);
		else
		{
			result = store->methods->remove(store, path);
			removed += result == 0;
		}
		if (result != 0)
			note(left, result, path);
		FFU_FAULT_SAFE("commit-after-remove");
	}
	return removed;
}
