/*-------------------------------------------------------------------------
 *
 * put_back.c
 *	  Puts the files that redo found in the WAL back into the folder.
 *
 * After a recovery nobody uses the folder of a database before its salvage is
 * empty: the first transaction that opens the folder puts the files back.  That
 * is nearly always a sweeper, which the launcher starts after recovery.  By then
 * the folder is known to be this database's, and the commit log knows all
 * transactions.
 *
 *	transaction aborted				nothing; the sweep undoes the file
 *	REMOVE for the path				nothing; the removal is durable
 *	the file has its bytes			nothing
 *	else							the path gets a new file with the bytes
 *
 * A file with a deletion comes back as well, so that the sweep, or undelete, has
 * its usual work; if deleted files are kept, the file is kept.
 *
 * Then all files are made durable, a SYNC record tells standbys to drop their
 * entries, and the salvage is removed.  A crash before that does no harm: the
 * same is done again (I7).
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "base/advisory.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/settings.h"
#include "base/shared.h"
#include "base/xid.h"
#include "store/dir/later.h"
#include "store/dir/root.h"
#include "store/dir/salvage.h"
#include "sweep/deliver.h"
#include "sweep/put_back.h"
#include "text/path.h"
#include "transaction/deletion.h"
#include "wal/log.h"
#include "wal/record.h"

/* A path whose removal is durable */
typedef struct RemovedPath
{
	char		path[FFU_PATH_MAX + 1]; /* key */
	XLogRecPtr	lsn;			/* of the last record of a removal */
} RemovedPath;

/* A salvage that is being put back */
typedef struct PutBack
{
	FfuStore   *store;
	FfuSalvage	salvage;
	HTAB	   *removed;		/* of RemovedPath */
	MemoryContext context;		/* of the data of an entry */
	int			found;			/* files of committed transactions */
	int			written;		/* of these, files that had to be written */
} PutBack;

/*
 * Raise an error unless result is 0.
 */
static void
check_salvage(int result, const char *action)
{
	if (result != 0)
		ffu_raise_io(result, action, FFU_SALVAGE_DIR);
}

/*
 * Read the next entry.  Return its data, in put->context, or NULL at the end.
 */
static char *
next_entry(PutBack *put, FfuSalvageEntry *entry)
{
	char	   *data;
	int			result;

	CHECK_FOR_INTERRUPTS();
	MemoryContextReset(put->context);
	result = ffu_salvage_next(&put->salvage, entry);
	if (result == ENOENT)
		return NULL;
	check_salvage(result, "read directory");
	data = MemoryContextAllocHuge(put->context, entry->len + 1);
	check_salvage(ffu_salvage_read(&put->salvage, entry, data),
				  "read directory");
	return data;
}

/*
 * Collect the paths of all REMOVE records.  A file that has moved to the bucket
 * may have come back later, under the same path.
 */
static void
collect_removals(PutBack *put)
{
	FfuSalvageEntry entry;
	FfuRecordRemove removal;
	const char *path;
	char	   *data;

	while ((data = next_entry(put, &entry)) != NULL)
	{
		uint32		i;

		if (entry.info != FFU_RECORD_REMOVE ||
			!ffu_record_remove(data, entry.len, &removal, &path))
			continue;
		for (i = 0; i < removal.count; i++)
		{
			size_t		len = strlen(path);
			RemovedPath *removed;

			if (ffu_path_valid(path, len))
			{
				removed = hash_search(put->removed, path, HASH_ENTER, NULL);
				removed->lsn = entry.lsn;
			}
			path += len + 1;
		}
	}
	put->salvage.offset = 0;
}

/*
 * Put the file of a committed or prepared transaction back.
 */
static void
put_back(PutBack *put, FfuStaged *staged, const FfuRecordFile *file,
		 const char *bytes)
{
	FfuStore   *store = put->store;
	int			result = 0;

	put->found++;
	if (!ffu_later_has_bytes(store, staged->path, bytes, file->len))
	{
		result = ffu_later_put_back(store, staged, file->mode & 0777, bytes,
									file->len);
		put->written++;
	}
	if (result == 0 && ffu_setting_deletion_delay > 0 &&
		ffu_deletion_is_removed(staged->path))
		result = store->methods->remove_now(store, staged->path, true);
	if (result != 0)
		ffu_raise_io(result, "put back file", staged->path);
	FFU_FAULT("put-back-after-entry");
}

/*
 * Put back the file of a FILE record, which is in the WAL at lsn, if the file
 * belongs to the database.
 */
static void
visit_file(PutBack *put, XLogRecPtr lsn, const char *data, uint32 len)
{
	const RemovedPath *removed;
	FfuStaged	staged = {.file = FFU_SPOOL_CLOSED};
	FfuRecordFile file;
	const char *path;
	const char *bytes;
	FfuFate		fate;

	if (!ffu_record_file(data, len, &file, &path, &bytes) ||
		!ffu_record_is_whole(&file) || !ffu_path_valid(path, file.path_len))
		return;
	memcpy(staged.path, path, file.path_len);
	staged.fxid = file.fxid;
	staged.n = file.n;
	fate = ffu_xid_fate(file.fxid);
	removed = hash_search(put->removed, staged.path, HASH_FIND, NULL);
	if ((fate == FFU_FATE_COMMITTED || fate == FFU_FATE_OPEN) &&
		(removed == NULL || removed->lsn < lsn))
		put_back(put, &staged, &file, bytes);
}

/*
 * Put back all files of an open salvage, durably.
 */
static void
put_back_all(PutBack *put)
{
	FfuSalvageEntry entry;
	char	   *data;
	int			result;

	collect_removals(put);
	while ((data = next_entry(put, &entry)) != NULL)
	{
		if (entry.info == FFU_RECORD_FILE)
			visit_file(put, entry.lsn, data, entry.len);
	}
	FFU_FAULT("put-back-before-sync");
	result = ffu_later_sync_store(put->store);
	if (result != 0)
		ffu_raise_io(result, "sync folder", ffu_root_path());
}

/*
 * Put back the files of the salvage of this database, and remove the salvage.
 * The caller has the lock.
 */
static void
empty_salvage(FfuStore *store)
{
	XLogRecPtr	upto = GetXLogInsertRecPtr();
	PutBack		put = {.store = store};
	HASHCTL		ctl = {
		.keysize = FFU_PATH_MAX + 1,
		.entrysize = sizeof(RemovedPath)
	};
	int			result = ffu_salvage_open(MyDatabaseId, &put.salvage);

	if (result == ENOENT)
		return;
	check_salvage(result, "open directory");
	put.removed = hash_create("ffu removed paths", 64, &ctl,
							  HASH_ELEM | HASH_STRINGS);
	put.context = AllocSetContextCreate(CurrentMemoryContext, "ffu put back",
										ALLOCSET_DEFAULT_SIZES);
	PG_TRY();
	{
		put_back_all(&put);
	}
	PG_FINALLY();
	{
		ffu_salvage_close(&put.salvage);
		hash_destroy(put.removed);
	}
	PG_END_TRY();
	MemoryContextDelete(put.context);
	if (ffu_setting_preloaded)
		ffu_log_sync(MyDatabaseId, upto);
	FFU_FAULT("put-back-before-remove");
	check_salvage(ffu_salvage_remove(MyDatabaseId), "remove file of directory");
	ereport(LOG,
			(errmsg("ffu found %d files of database %u in the WAL, and wrote %d of them to the folder",
					put.found, MyDatabaseId, put.written)));
}

/*
 * ffu_root_opened_hook: deliver the files of the inbox, then empty the salvage
 * of this database.  A standby does only the first: its salvage is for the time
 * after its promotion, and redo goes on.
 */
static bool
at_root_opened(FfuStore *store)
{
	LOCKTAG		tag;

	if (RecoveryInProgress())
	{
		if (ffu_setting_standby_files)
			ffu_deliver(store);
		return false;
	}
	ffu_deliver_rest(store);
	if (ffu_salvage_has(MyDatabaseId))
	{
		SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0, 0, FFU_LOCK_PUT_BACK);
		(void) LockAcquire(&tag, ExclusiveLock, false, false);
		empty_salvage(store);
		LockRelease(&tag, ExclusiveLock, false);
	}
	return true;
}

/*
 * Register the hook.  Called once in a backend.
 */
void
ffu_put_back_init(void)
{
	ffu_root_opened_hook = at_root_opened;
}
