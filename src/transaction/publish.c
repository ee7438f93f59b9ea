/*-------------------------------------------------------------------------
 *
 * publish.c
 *	  Steps 4 to 6 of the protocol: before the commit record.
 *
 * PRE_COMMIT and PRE_PREPARE call this file after deferred triggers.  Every
 * function may raise an error; the ABORT callback then takes each file back
 * from the step reached.
 *
 *	4	unlink the files that no row owns; flush the WAL.  After a crash the
 *		server could give an unflushed transaction id to another transaction,
 *		which would then decide the fate of the staging names (I9)
 *	5	rename each staging name to include the path, then link the path (I2,
 *		I3)
 *	6	make files and names durable (I1), in this order: a fsync before the
 *		link, or a rename after the fsync, would not survive a power cut.  If
 *		the file system keeps changes in order (ext4 with a journal, xfs), many
 *		files need only one fsync.  From now on the transaction is closed.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "miscadmin.h"
#include "replication/message.h"
#include "utils/hsearch.h"
#include "utils/resowner.h"

#include "base/error.h"
#include "base/fault.h"
#include "base/settings.h"
#include "store/dir/root.h"
#include "store/dir/syscall.h"
#include "text/resumable_id.h"
#include "transaction/dooms.h"
#include "transaction/finish.h"
#include "transaction/pending.h"
#include "transaction/publish.h"
#include "transaction/resumed.h"

/*
 * Number of files from which one sync of the whole file system is cheaper than
 * a sync of each file, where allowed.
 */
#define SYNC_ALL_FROM	8

/*
 * Raise an error or warn, as ffu.unused_upload says, if an upload was never
 * assigned to a file column: the bytes would be lost silently.
 */
static void
check_unused_uploads(void)
{
	const char *name = NULL;
	int			count = 0;
	FfuFile    *file;

	if (ffu_setting_unused_upload == FFU_UNUSED_IGNORE)
		return;
	for (file = ffu_pending_first(); file; file = ffu_pending_next(file))
	{
		if (ffu_file_outcome(file) == FFU_OUTCOME_UNUSED && count++ == 0)
			name = ffu_file_birth(file)->file_name;
	}
	if (count == 0)
		return;
	ereport(ffu_setting_unused_upload == FFU_UNUSED_ERROR ? ERROR : WARNING,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg_plural("%d upload was not assigned to a file column",
						   "%d uploads were not assigned to a file column",
						   count, count),
			 name ?
			 errdetail("The first has the file name \"%s\"; its bytes would be lost.",
					   name) :
			 errdetail("The first has no file name; its bytes would be lost."),
			 errhint("Assign the result of ffu.file() to a file column in the same transaction, or have a superuser set ffu.unused_upload.")));
}

/*
 * I9: no staging name may include a path before the transaction id is in
 * flushed WAL.  If the transaction has written no WAL, write a message for
 * this purpose.
 */
static void
flush_transaction_id(void)
{
	if (XactLastRecEnd == InvalidXLogRecPtr)
		XLogFlush(FFU_LOG_MESSAGE("ffu"));
	else
		XLogFlush(XactLastRecEnd);
}

/*
 * Must the commit sync directories too, to make names durable?
 */
static bool
must_sync_directories(const FfuStore *store)
{
	return !store->in_order && ffu_setting_fsync != FFU_FSYNC_OFF;
}

/*
 * Step 5, first half: add the path to every staging name.
 */
static void
announce_files(FfuStore *store)
{
	FfuFile    *file;
	int			result;

	for (file = ffu_pending_first(); file; file = ffu_pending_next(file))
	{
		CHECK_FOR_INTERRUPTS();
		if (ffu_file_outcome(file) == FFU_OUTCOME_LOST)
			ffu_raise_io(EIO, "sync file", ffu_file_path(file));
		result = store->methods->announce(store, ffu_file_staged(file));
		if (result != 0)
			ffu_raise_io(result, "announce file", ffu_file_path(file));
	}
	if (must_sync_directories(store))
	{
		uint64		fxid =
		U64FromFullTransactionId(GetTopFullTransactionIdIfAny());

		result = store->methods->sync_staging(store, fxid);
		if (result != 0)
			ffu_raise_io(result, "sync staging directory of folder",
						 ffu_root_path());
	}
	FFU_FAULT("publish-after-announce");
}

/*
 * Step 5, second half: make the path of one file.
 */
static void
publish_file(FfuStore *store, FfuFile *file)
{
	int			result;

	CHECK_FOR_INTERRUPTS();
	result = store->methods->publish(store, ffu_file_staged(file));
	if (result != 0)
		ffu_raise_io(result, "publish file", ffu_file_path(file));
	/* Not earlier: a rollback must leave a linked file unchanged. */
	result = ffu_file_birth(file)->kind == FFU_ORIGIN_OUTSIDE ?
		store->methods->set_mode(store, ffu_file_path(file)) : 0;
	if (result != 0)
		ffu_raise_io(result, "set mode of file", ffu_file_path(file));
	FFU_FAULT("publish-after-file");
}

/*
 * Make the paths of the first count files.
 */
static void
publish_files(FfuStore *store, uint32 count)
{
	FfuFile    *file;

	for (file = ffu_pending_first(); file && count > 0; count--)
	{
		publish_file(store, file);
		file = ffu_pending_next(file);
	}
}

/*
 * Sync the directories of a path from the bottom up, and stop at a directory
 * that is in done.  done is a hash table of synced directories.
 */
static void
sync_path(FfuStore *store, HTAB *done, const char *path)
{
	char		inner[FFU_PATH_MAX + 1];
	char		directory[FFU_PATH_MAX + 1];
	bool		found = false;

	strlcpy(inner, path, sizeof(inner));
	while (!found)
	{
		char	   *slash = strrchr(inner, '/');
		int			result;

		memset(directory, 0, sizeof(directory));
		if (slash)
			memcpy(directory, inner, slash - inner);
		hash_search(done, directory, HASH_ENTER, &found);
		if (found)
			break;
		result = store->methods->sync_directory(store, inner);
		if (result != 0)
			ffu_raise_io(result, "sync directory of file", path);
		if (slash == NULL)
			break;
		*slash = '\0';
	}
}

/*
 * Sync the directories of all files, each directory once.
 */
static void
sync_directories(FfuStore *store)
{
	HASHCTL		ctl;
	HTAB	   *done;
	FfuFile    *file;

	memset(&ctl, 0, sizeof(ctl));
	ctl.keysize = FFU_PATH_MAX + 1;
	ctl.entrysize = FFU_PATH_MAX + 1;
	ctl.hcxt = CurrentMemoryContext;
	done = hash_create("ffu synced directories", 64, &ctl,
					   HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	for (file = ffu_pending_first(); file; file = ffu_pending_next(file))
	{
		CHECK_FOR_INTERRUPTS();
		sync_path(store, done, ffu_file_path(file));
	}
	hash_destroy(done);
}

/*
 * Write the bytes [from, to) to the disk slice by slice, so that the following
 * sync is short: nothing can cancel a sync.  fd is the open file of a
 * resumable upload; -1 for a staged file, which is opened.  Return 0 or an
 * error number.
 */
static int
flush_slices(FfuStore *store, FfuStaged *staged, int fd, int64 from, int64 to)
{
	int64		offset;
	int			result = 0;

	for (offset = from - from % FFU_SLICE;
		 result == 0 && offset + FFU_SLICE < to; offset += FFU_SLICE)
	{
		CHECK_FOR_INTERRUPTS();
		result = fd < 0 ? store->methods->flush(store, staged, offset) :
			ffu_sys_write_behind(fd, offset + FFU_SLICES * FFU_SLICE, offset);
	}
	return result;
}

/*
 * Write a large file to the disk.
 */
static void
flush_file(FfuStore *store, FfuFile *file)
{
	int			result = flush_slices(store, ffu_file_staged(file), -1, 0,
									  ffu_file_facts(file)->size);

	if (result != 0)
		ffu_raise_io(result, "sync file", ffu_file_path(file));
}

/*
 * Should the commit sync the whole file system once?
 */
static bool
must_sync_all(const FfuStore *store)
{
	return store->can_sync_all && ffu_pending_count() >= SYNC_ALL_FROM &&
		ffu_setting_fsync == FFU_FSYNC_ON;
}

/*
 * Make one file durable.
 */
static void
sync_file(FfuStore *store, FfuFile *file)
{
	int			result;

	CHECK_FOR_INTERRUPTS();
	flush_file(store, file);
	result = store->methods->sync(store, ffu_file_staged(file));
	if (result != 0)
		ffu_raise_io(result, "sync file", ffu_file_path(file));
	FFU_FAULT("publish-after-sync");
}

/*
 * Steps 5 and 6 together, in a store that keeps changes in order: write out
 * the bytes of all files, make the last path, and sync the file of that path.
 * This sync makes all earlier changes of names and inodes durable, so that a
 * thousand files take one flush of the disk instead of a thousand.  The last
 * path makes sure that the sync has a change to write.
 */
static void
publish_in_order(FfuStore *store)
{
	FfuFile    *last = ffu_pending_last();
	FfuFile    *file;

	publish_files(store, ffu_pending_count() - 1);
	for (file = ffu_pending_first(); file; file = ffu_pending_next(file))
	{
		int			result;

		CHECK_FOR_INTERRUPTS();
		flush_file(store, file);
		result = store->methods->write_out(store, ffu_file_staged(file));
		if (result != 0)
			ffu_raise_io(result, "write out file", ffu_file_path(file));
	}
	FFU_FAULT("publish-after-write-out");
	publish_file(store, last);
	FFU_FAULT("publish-before-sync");
	sync_file(store, last);
}

/*
 * Step 6: make files and names durable.
 */
static void
sync_files(FfuStore *store)
{
	FfuFile    *file;
	int			result;

	if (ffu_setting_fsync == FFU_FSYNC_OFF)
		return;
	if (must_sync_all(store))
	{
		for (file = ffu_pending_first(); file; file = ffu_pending_next(file))
		{
			flush_file(store, file);
			ffu_sys_close(&ffu_file_staged(file)->fd);
		}
		result = store->methods->sync_all(store);
		if (result != 0)
			ffu_raise_io(result, "sync folder", ffu_root_path());
		return;
	}
	for (file = ffu_pending_first(); file; file = ffu_pending_next(file))
		sync_file(store, file);
	if (must_sync_directories(store))
		sync_directories(store);
}

/*
 * Steps 5 and 6 for all files of the transaction.
 */
static void
publish_and_sync(FfuStore *store)
{
	announce_files(store);
	if (store->in_order && ffu_pending_count() > 1 &&
		ffu_setting_fsync == FFU_FSYNC_ON && !must_sync_all(store))
	{
		publish_in_order(store);
		return;
	}
	publish_files(store, ffu_pending_count());
	FFU_FAULT("publish-before-sync");
	sync_files(store);
}

/*
 * Step 4: remove unowned files.  Warn of a failure; the sweep removes the file
 * later.
 */
static void
remove_unowned(void)
{
	FfuLeftover left = {0};

	ffu_finish_unowned(&left);
	if (left.count > 0)
		ffu_warn_io(WARNING, left.error, "remove staging file", left.path);
}

/*
 * Refuse to prepare a transaction that has moved files into the folder: nobody
 * would remove the sources after COMMIT PREPARED, and a linked source would
 * stay the same file as the stored file.
 */
static void
refuse_moves(void)
{
	FfuFile    *file;

	for (file = ffu_pending_first(); file; file = ffu_pending_next(file))
	{
		const FfuSource *source = ffu_file_birth(file)->source;

		if (source)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot prepare a transaction that has moved files into the folder"),
					 errdetail("The file \"%s\" in \"%s\" could not be removed by COMMIT PREPARED.",
							   source->name, source->dir),
					 errhint("Call ffu.import_file without \"move\".")));
	}
}

/*
 * Open ffu.deletion for its horizon.  The COMMIT callback closes the relation,
 * so the resource owner must still exist then.
 */
static void
open_deletion(void)
{
	ResourceOwner old = CurrentResourceOwner;

	CurrentResourceOwner = TopTransactionResourceOwner;
	ffu_finish_watch(table_open(ffu_dooms_deletion(), AccessShareLock));
	CurrentResourceOwner = old;
}

/*
 * Make the bytes of a resumable upload durable.
 */
static void
sync_resumed(FfuResumableFile *resumed)
{
	char		name[FFU_RESUMED_MAX + 1];
	FfuStore   *store = ffu_root_use();
	int		   *fd = ffu_resumed_fd(resumed);
	int64		from;
	int64		to;
	int			result;

	result = ffu_resumed_outcome(resumed) == FFU_RESUMED_LOST ? EIO : 0;
	ffu_resumed_name(resumed, name);
	ffu_resumed_range(resumed, &from, &to);
	if (result == 0 && *fd < 0)
		result = store->methods->open_resumed(store, name, false, fd);
	if (result == 0)
		result = flush_slices(store, NULL, *fd, from, to);
	if (result == 0)
		result = ffu_sys_sync(*fd);
	if (result == 0 && ffu_resumed_is_begun(resumed) &&
		must_sync_directories(store))
		result = store->methods->sync_resumed(store);
	if (result != 0)
		ffu_raise_io(result, "sync file of resumable upload", name);
	ffu_sys_close(fd);
	FFU_FAULT("resume-after-sync");
}

/*
 * Make bytes appended to resumable uploads durable, before the commit of their
 * rows.  A finished upload is synced like every file.  Return true if the
 * commit must remove the name of a finished or cancelled upload.
 */
static bool
publish_resumed(void)
{
	bool		gone = false;
	FfuResumableFile *resumed;

	for (resumed = ffu_resumed_first(); resumed; resumed = ffu_resumed_next(resumed))
	{
		FfuResumedOutcome outcome = ffu_resumed_outcome(resumed);

		if (outcome == FFU_RESUMED_REMOVED)
			gone = true;
		else if (outcome != FFU_RESUMED_LEFT &&
				 ffu_setting_fsync != FFU_FSYNC_OFF)
			sync_resumed(resumed);
	}
	return gone;
}

/*
 * Do steps 4 to 6.  prepare says that the transaction is being prepared.
 */
void
ffu_publish(bool prepare)
{
	bool		gone;

	if (!ffu_pending_active())
	{
		ffu_pending_close();
		return;
	}
	if (ffu_pending_count() > 0 || ffu_resumed_first() != NULL)
	{
		(void) ffu_root_use();
		ffu_root_check_claim();
	}
	if (ffu_pending_count() > 0)
	{
		FfuStore   *store = ffu_root_use();

		check_unused_uploads();
		remove_unowned();
		if (prepare)
			refuse_moves();
		FFU_FAULT("publish-begin");
		if (ffu_pending_count() > 0)
		{
			flush_transaction_id();
			FFU_FAULT("publish-after-flush");
			publish_and_sync(store);
		}
	}
	gone = publish_resumed();
	/* Rows may go while the folder is unusable; the sweep does the rest. */
	if (OidIsValid(ffu_dooms_deletion()) && !prepare &&
		ffu_root_try() != NULL)
		open_deletion();
	if (ffu_pending_count() > 0 || gone ||
		OidIsValid(ffu_dooms_deletion()))
		ffu_finish_force_flush();
	ffu_pending_close();
	FFU_FAULT("publish-end");
}
