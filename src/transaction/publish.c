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
#include "transaction/finish.h"
#include "transaction/pending.h"
#include "transaction/publish.h"

/*
 * Number of files from which one sync of the whole file system is cheaper than
 * a sync of each file, where allowed.
 */
#define SYNC_ALL_FROM	8

/*
 * May the commit drop the bytes of an unused upload?  The client still has the
 * bytes if a file column has seen the upload, or if the upload was made for a
 * row of a statement (statement.c).  Nobody else has the bytes of a finished
 * resumable upload: COMMIT fails unless a row has them, and the failed COMMIT
 * leaves the resumable upload unchanged.
 */
static bool
is_expendable(const FfuFile *file)
{
	return file->resumed_key != 0 ? file->owned_level > 0 :
		file->seen || file->excused;
}

/*
 * Raise an error or warn, as ffu.unused_upload says, if an upload was never
 * assigned to a file column: the bytes would be lost silently.
 */
static void
check_unused_uploads(void)
{
	FfuFile    *unused = NULL;
	int			count = 0;
	dlist_iter	iter;

	if (ffu_setting_unused_upload == FFU_UNUSED_IGNORE)
		return;
	dlist_foreach(iter, &ffu_pending.files)
	{
		FfuFile    *file = dlist_container(FfuFile, node, iter.cur);

		if (is_expendable(file))
			continue;
		if (count++ == 0)
			unused = file;
	}
	if (count == 0)
		return;
	ereport(ffu_setting_unused_upload == FFU_UNUSED_ERROR ? ERROR : WARNING,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg_plural("%d upload was not assigned to a file column",
						   "%d uploads were not assigned to a file column",
						   count, count),
			 unused->file_name ?
			 errdetail("The first has the file name \"%s\"; its bytes would be lost.",
					   unused->file_name) :
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
	dlist_iter	iter;
	int			result;

	dlist_foreach(iter, &ffu_pending.files)
	{
		FfuFile    *file = dlist_container(FfuFile, node, iter.cur);

		CHECK_FOR_INTERRUPTS();
		if (file->lost)
			ffu_raise_io(EIO, "sync file", file->staged.path);
		result = store->methods->announce(store, &file->staged);
		if (result != 0)
			ffu_raise_io(result, "announce file", file->staged.path);
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
	result = store->methods->publish(store, &file->staged);
	if (result != 0)
		ffu_raise_io(result, "publish file", file->staged.path);
	/* Not earlier: a rollback must leave a linked file unchanged. */
	result = file->linked ?
		store->methods->set_mode(store, file->staged.path) : 0;
	if (result != 0)
		ffu_raise_io(result, "set mode of file", file->staged.path);
	FFU_FAULT("publish-after-file");
}

/*
 * Make the paths of the first count files.
 */
static void
publish_files(FfuStore *store, uint32 count)
{
	dlist_iter	iter;

	dlist_foreach(iter, &ffu_pending.files)
	{
		if (count-- == 0)
			break;
		publish_file(store, dlist_container(FfuFile, node, iter.cur));
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
	dlist_iter	iter;

	memset(&ctl, 0, sizeof(ctl));
	ctl.keysize = FFU_PATH_MAX + 1;
	ctl.entrysize = FFU_PATH_MAX + 1;
	ctl.hcxt = CurrentMemoryContext;
	done = hash_create("ffu synced directories", 64, &ctl,
					   HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	dlist_foreach(iter, &ffu_pending.files)
	{
		FfuFile    *file = dlist_container(FfuFile, node, iter.cur);

		CHECK_FOR_INTERRUPTS();
		sync_path(store, done, file->staged.path);
	}
	hash_destroy(done);
}

/*
 * Write a large file to the disk slice by slice, so that the following sync is
 * short: nothing can cancel a sync.
 */
static void
flush_file(FfuStore *store, FfuFile *file)
{
	int64		offset;

	for (offset = 0; offset + FFU_SLICE < file->size; offset += FFU_SLICE)
	{
		int			result;

		CHECK_FOR_INTERRUPTS();
		result = store->methods->flush(store, &file->staged, offset);
		if (result != 0)
			ffu_raise_io(result, "sync file", file->staged.path);
	}
}

/*
 * Should the commit sync the whole file system once?
 */
static bool
must_sync_all(const FfuStore *store)
{
	return store->can_sync_all && ffu_pending.nfiles >= SYNC_ALL_FROM &&
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
	result = store->methods->sync(store, &file->staged);
	if (result != 0)
		ffu_raise_io(result, "sync file", file->staged.path);
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
	FfuFile    *last = dlist_tail_element(FfuFile, node, &ffu_pending.files);
	dlist_iter	iter;

	publish_files(store, ffu_pending.nfiles - 1);
	dlist_foreach(iter, &ffu_pending.files)
	{
		FfuFile    *file = dlist_container(FfuFile, node, iter.cur);
		int			result;

		CHECK_FOR_INTERRUPTS();
		flush_file(store, file);
		result = store->methods->write_out(store, &file->staged);
		if (result != 0)
			ffu_raise_io(result, "write out file", file->staged.path);
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
	dlist_iter	iter;
	int			result;

	if (ffu_setting_fsync == FFU_FSYNC_OFF)
		return;
	if (must_sync_all(store))
	{
		dlist_foreach(iter, &ffu_pending.files)
		{
			FfuFile    *file = dlist_container(FfuFile, node, iter.cur);

			flush_file(store, file);
			ffu_sys_close(&file->staged.fd);
		}
		result = store->methods->sync_all(store);
		if (result != 0)
			ffu_raise_io(result, "sync folder", ffu_root_path());
		return;
	}
	dlist_foreach(iter, &ffu_pending.files)
		sync_file(store, dlist_container(FfuFile, node, iter.cur));
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
	if (store->in_order && ffu_pending.nfiles > 1 &&
		ffu_setting_fsync == FFU_FSYNC_ON && !must_sync_all(store))
	{
		publish_in_order(store);
		return;
	}
	publish_files(store, ffu_pending.nfiles);
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
	dlist_iter	iter;

	dlist_foreach(iter, &ffu_pending.files)
	{
		FfuFile    *file = dlist_container(FfuFile, node, iter.cur);

		if (file->source)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot prepare a transaction that has moved files into the folder"),
					 errdetail("The file \"%s\" in \"%s\" could not be removed by COMMIT PREPARED.",
							   file->source->name, file->source->dir),
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
	ffu_pending.deletion_rel = table_open(ffu_pending.deletion_relid,
										  AccessShareLock);
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
	int64		offset = resumed->from / FFU_SLICE * FFU_SLICE;
	int			result = resumed->lost ? EIO : 0;

	ffu_resumable_id_name(name, resumed->fxid, resumed->key);
	if (result == 0 && resumed->fd < 0)
		result = store->methods->open_resumed(store, name, false, &resumed->fd);
	for (; result == 0 && offset + FFU_SLICE < resumed->to; offset += FFU_SLICE)
	{
		CHECK_FOR_INTERRUPTS();
		result = ffu_sys_write_behind(resumed->fd,
									  offset + FFU_SLICES * FFU_SLICE,
									  offset);
	}
	if (result == 0)
		result = ffu_sys_sync(resumed->fd);
	if (result == 0 && resumed->made_level > 0 &&
		must_sync_directories(store))
		result = store->methods->sync_resumed(store);
	if (result != 0)
		ffu_raise_io(result, "sync file of resumable upload", name);
	ffu_sys_close(&resumed->fd);
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
	dlist_iter	iter;

	dlist_foreach(iter, &ffu_pending.resumed)
	{
		FfuResumableFile *resumed = dlist_container(FfuResumableFile, node, iter.cur);

		if (resumed->gone_level > 0)
			gone = true;
		else if (resumed->dirty_level > 0 && ffu_setting_fsync != FFU_FSYNC_OFF)
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

	if (!ffu_pending.active)
	{
		ffu_pending.closed = true;
		return;
	}
	if (ffu_pending.nfiles > 0 || !dlist_is_empty(&ffu_pending.resumed))
	{
		(void) ffu_root_use();
		ffu_root_check_claim();
	}
	if (ffu_pending.nfiles > 0)
	{
		FfuStore   *store = ffu_root_use();

		check_unused_uploads();
		remove_unowned();
		if (prepare)
			refuse_moves();
		FFU_FAULT("publish-begin");
		if (ffu_pending.nfiles > 0)
		{
			flush_transaction_id();
			FFU_FAULT("publish-after-flush");
			publish_and_sync(store);
		}
	}
	gone = publish_resumed();
	/* Rows may go while the folder is unusable; the sweep does the rest. */
	if (OidIsValid(ffu_pending.deletion_relid) && !prepare &&
		ffu_root_try() != NULL)
		open_deletion();
	if (ffu_pending.nfiles > 0 || gone ||
		OidIsValid(ffu_pending.deletion_relid))
		ForceSyncCommit();
	ffu_pending.closed = true;
	FFU_FAULT("publish-end");
}
