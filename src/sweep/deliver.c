/*-------------------------------------------------------------------------
 *
 * deliver.c
 *	  Delivers the files of the inbox to the folder.
 *
 * On a standby that keeps files redo puts the records of files into the inbox
 * (store/dir/inbox.c).  Every session that uses the folder delivers the records
 * before the session looks at the folder; a worker delivers the records soon
 * after redo (standby_worker.c).  So a session that sees a row finds the file.
 *
 *	FILE, transaction aborted		nothing
 *	FILE							the path gets the file, unless the file is
 *									there; the staging name stays until the
 *									transaction is over
 *	FILE, a piece					the piece goes into the staging file; the
 *									last one gives the path the file
 *	REMOVE, keep					the file is kept
 *	REMOVE							the file is removed
 *
 * A removal waits until no snapshot of this server can see a row that had the
 * file, as on the primary (I4a): until then the removal is in a file of the
 * inbox.  Nobody's query is cancelled for that.
 *
 * A segment of the inbox is removed after everything in the folder is durable.
 * A crash before that does no harm: the same is done again (I7).  A file that
 * comes back goes again, since the removal comes later in the inbox.
 *
 * On a standby an error is only noted: a file that is in the folder can be read
 * even if the folder is full.  ffu_deliver_check() raises the error.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/table.h"
#include "access/transam.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/lock.h"
#include "storage/procarray.h"
#include "utils/memutils.h"

#include "base/advisory.h"
#include "base/catalog.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/settings.h"
#include "base/xid.h"
#include "store/dir/inbox.h"
#include "store/dir/later.h"
#include "store/dir/root.h"
#include "store/dir/spool.h"
#include "sweep/deliver.h"
#include "sweep/fetched.h"
#include "sweep/settle.h"
#include "text/path.h"
#include "wal/arrived.h"
#include "wal/record.h"

/* A delivery */
typedef struct Delivery
{
	FfuStore   *store;
	MemoryContext context;		/* of the data of an entry */
	uint64		horizon;		/* full id; all snapshots are newer */
	FfuSalvage	waiting;		/* removals that wait */
	bool		has_waiting;	/* and the file is open */
	bool		was_removed;	/* a file was */
	bool		syncing;		/* the folder is made durable */
	char		path[FFU_PATH_MAX + 1]; /* being worked on, "" for the inbox */
} Delivery;

/* A staging name, and the fate of the transaction */
typedef struct StagedName
{
	FfuStaged	staged;
	FfuFate		fate;
} StagedName;

/* The last delivery of this session failed with this error number, or 0 */
static int	failure = 0;
static char failed_path[FFU_PATH_MAX + 1];
static bool failed_sync = false;

/*
 * Take the lock under which files are delivered.
 */
static void
lock_inbox(LOCKTAG *tag)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, 0, 0, FFU_LOCK_DELIVER);
	ffu_arrived_lock(tag);
}

/*
 * Return the horizon of this database as a full transaction id: a row that was
 * deleted by an older transaction is invisible to all snapshots.
 */
static uint64
full_horizon(void)
{
	FullTransactionId next;
	Relation	rel = table_open(ffu_catalog_relation("deletion"),
								 AccessShareLock);
	TransactionId horizon = GetOldestNonRemovableTransactionId(rel);

	table_close(rel, AccessShareLock);
	/* Redo goes on: only an id read later is not older than the horizon. */
	next = ReadNextFullTransactionId();
	return U64FromFullTransactionId(next) -
		(uint32) (XidFromFullTransactionId(next) - horizon);
}

/*
 * Begin a delivery.
 */
static void
begin_delivery(Delivery *delivery, FfuStore *store)
{
	memset(delivery, 0, sizeof(*delivery));
	delivery->store = store;
	delivery->horizon = full_horizon();
	delivery->context = AllocSetContextCreate(CurrentMemoryContext,
											  "ffu delivery",
											  ALLOCSET_DEFAULT_SIZES);
}

/*
 * Deliver a file, or a piece of a file, if its transaction can still commit.
 */
static int
deliver_file(Delivery *delivery, const FfuRecordFile *file, const char *path,
			 const char *bytes)
{
	FfuStore   *store = delivery->store;
	FfuStaged	staged = {.file = FFU_SPOOL_CLOSED};
	mode_t		mode = file->mode & 0777;
	int			result;

	memcpy(staged.path, path, file->path_len);
	strlcpy(delivery->path, staged.path, sizeof(delivery->path));
	staged.fxid = file->fxid;
	staged.n = file->n;
	if (ffu_xid_fate(file->fxid) == FFU_FATE_ABORTED)
		return 0;
	if (!ffu_record_is_whole(file))
	{
		result = ffu_later_put_piece(store, &staged, mode, bytes, file->len,
									 file->offset, file->size);
		/* The folder was copied when it had the whole file. */
		return result == ENOENT && file->offset > 0 ? 0 : result;
	}
	if (ffu_later_has_bytes(store, staged.path, bytes, file->len))
		return 0;
	return ffu_later_put_back(store, &staged, mode, bytes, file->len);
}

/*
 * Remove or keep the files of a removal, which is in the WAL at lsn.  On a
 * standby the minimum recovery point comes first: otherwise the standby could
 * be consistent after a crash, and show the rows of these files, before redo
 * has come to their deletion.
 */
static int
remove_files(Delivery *delivery, const FfuRecordRemove *removal,
			 const char *path, XLogRecPtr lsn)
{
	bool		keep = (removal->flags & FFU_REMOVE_KEEP) != 0;
	uint32		i;
	int			result = 0;

	if (RecoveryInProgress())
		XLogFlush(lsn + 1);
	for (i = 0; result == 0 && i < removal->count; i++)
	{
		size_t		len = strlen(path);

		if (ffu_path_valid(path, len))
		{
			strlcpy(delivery->path, path, sizeof(delivery->path));
			result = ffu_later_remove(delivery->store, path, keep);
			delivery->was_removed = true;
		}
		path += len + 1;
	}
	return result;
}

/*
 * Is a removal due?
 */
static bool
is_due(const Delivery *delivery, const FfuRecordRemove *removal)
{
	return removal->next_fxid <= delivery->horizon;
}

/*
 * Let a removal wait.
 */
static int
let_wait(Delivery *delivery, const FfuSalvageEntry *entry, const char *data)
{
	int			result = 0;

	delivery->path[0] = '\0';
	if (!delivery->has_waiting)
		result = ffu_inbox_begin_removals(MyDatabaseId, true,
										  &delivery->waiting);
	if (result != 0)
		return result;
	delivery->has_waiting = true;
	return ffu_salvage_write(&delivery->waiting, entry->lsn, entry->info, data,
							 entry->len);
}

/*
 * Deliver an entry.  Redo has checked the records; an entry that is malformed
 * nevertheless is left out.
 */
static int
deliver_entry(Delivery *delivery, const FfuSalvageEntry *entry,
			  const char *data)
{
	FfuRecordFile file;
	FfuRecordRemove removal;
	const char *text;
	const char *bytes;

	if (entry->info == FFU_RECORD_FILE &&
		ffu_record_file(data, entry->len, &file, &text, &bytes) &&
		ffu_path_valid(text, file.path_len))
		return deliver_file(delivery, &file, text, bytes);
	if (entry->info != FFU_RECORD_REMOVE ||
		!ffu_record_remove(data, entry->len, &removal, &text))
		return 0;
	return is_due(delivery, &removal) ?
		remove_files(delivery, &removal, text, entry->lsn) :
		let_wait(delivery, entry, data);
}

/*
 * Read the data of an entry, in delivery->context.
 */
static int
read_entry(Delivery *delivery, FfuSalvage *segment,
		   const FfuSalvageEntry *entry, char **data)
{
	CHECK_FOR_INTERRUPTS();
	delivery->path[0] = '\0';
	MemoryContextReset(delivery->context);
	*data = MemoryContextAllocHuge(delivery->context, entry->len + 1);
	return ffu_salvage_read(segment, entry, *data);
}

/*
 * Deliver the entries of an open segment, and set *offset to the end of the
 * last entry that was delivered.
 */
static int
deliver_entries(Delivery *delivery, FfuSalvage *segment, int64 *offset)
{
	FfuSalvageEntry entry;
	char	   *data;
	int			result;

	while ((result = ffu_salvage_next(segment, &entry)) == 0)
	{
		result = read_entry(delivery, segment, &entry, &data);
		if (result == 0)
			result = deliver_entry(delivery, &entry, data);
		if (result != 0)
			return result;
		*offset = segment->offset;
		FFU_FAULT("deliver-after-entry");
	}
	return result == ENOENT ? 0 : result;
}

/*
 * Deliver a segment from an offset on.
 */
static int
deliver_segment(Delivery *delivery, FfuInboxPlace *place)
{
	FfuSalvage	segment;
	volatile int result;

	delivery->path[0] = '\0';
	result = ffu_inbox_open(MyDatabaseId, place->segment, &segment);
	if (result != 0)
		return result == ENOENT ? 0 : result;
	segment.offset = place->offset;
	PG_TRY();
	{
		result = deliver_entries(delivery, &segment, &place->offset);
	}
	PG_FINALLY();
	{
		ffu_salvage_close(&segment);
	}
	PG_END_TRY();
	return result;
}

/*
 * End the list of removals that wait, durably.
 */
static int
end_waiting(Delivery *delivery)
{
	if (!delivery->has_waiting)
		return 0;
	delivery->has_waiting = false;
	delivery->path[0] = '\0';
	return ffu_inbox_end_removals(MyDatabaseId, true, &delivery->waiting);
}

/*
 * Make the folder durable, then remove the segments [first, last] of the inbox.
 */
static int
remove_segments(Delivery *delivery, uint64 first, uint64 last)
{
	int			result = 0;
	uint64		number;

	if (first == 0 || first > last)
		return 0;
	delivery->path[0] = '\0';
	FFU_FAULT("deliver-before-sync");
	delivery->syncing = true;
	result = ffu_later_sync_all(delivery->store);
	delivery->syncing = (result != 0);
	FFU_FAULT("deliver-before-remove");
	for (number = first; result == 0 && number <= last; number++)
		result = ffu_inbox_remove(MyDatabaseId, number);
	return result;
}

/*
 * Deliver all segments from a place on, and remove those that redo will not
 * append to.
 */
static int
deliver_segments(Delivery *delivery, FfuInboxPlace *place)
{
	bool		in_recovery = RecoveryInProgress();
	FfuInboxRange range;
	int			result = ffu_inbox_range(MyDatabaseId, &range);

	if (result != 0 || range.first == 0)
		return result;
	if (place->segment < range.first)
	{
		place->segment = range.first;
		place->offset = 0;
	}
	while ((result = deliver_segment(delivery, place)) == 0 &&
		   place->segment < range.last)
	{
		place->segment++;
		place->offset = 0;
	}
	if (result == 0)
		result = end_waiting(delivery);
	if (result == 0)
		result = remove_segments(delivery, range.first,
								 in_recovery ? range.last - 1 : range.last);
	return result;
}

/*
 * Deliver everything that has arrived.  Return 0, or an error number with the
 * path in failed_path.  The caller has the lock.
 */
static int
deliver_all(FfuStore *store)
{
	Delivery	delivery;
	FfuInboxPlace place;
	uint64		arrived = ffu_arrived_begin(MyDatabaseId, &place);
	volatile int result = 0;

	begin_delivery(&delivery, store);
	ffu_arrived_set_unsettled(MyDatabaseId, true);
	PG_TRY();
	{
		result = deliver_segments(&delivery, &place);
	}
	PG_FINALLY();
	{
		if (end_waiting(&delivery) == 0)
			ffu_arrived_keep(MyDatabaseId, &place);
	}
	PG_END_TRY();
	if (result == 0)
		ffu_arrived_end(MyDatabaseId, arrived, &place);
	strlcpy(failed_path, delivery.path, sizeof(failed_path));
	failed_sync = delivery.syncing;
	MemoryContextDelete(delivery.context);
	return result;
}

/*
 * On a standby, deliver what has arrived; only note an error.
 */
void
ffu_deliver(FfuStore *store)
{
	LOCKTAG		tag;

	if (!ffu_arrived_is_pending(MyDatabaseId))
	{
		failure = 0;
		return;
	}
	lock_inbox(&tag);
	if (ffu_arrived_is_pending(MyDatabaseId))
		failure = deliver_all(store);
	ffu_arrived_unlock(&tag);
}

/*
 * Raise the error of the last delivery of this session, if any.
 */
void
ffu_deliver_check(void)
{
	if (failure != 0 && failed_sync)
		ffu_raise_io(failure, "sync folder", ffu_root_path());
	if (failure != 0 && failed_path[0] != '\0')
		ffu_raise_io(failure, "put back file", failed_path);
	if (failure != 0)
		ffu_raise_io(failure, "read directory", FFU_INBOX_DIR);
}

/*
 * After the recovery, deliver the rest of the inbox.
 */
void
ffu_deliver_rest(FfuStore *store)
{
	FfuInboxRange range;
	LOCKTAG		tag;
	int			result = ffu_inbox_range(MyDatabaseId, &range);

	if (result != 0)
		ffu_raise_io(result, "read directory", FFU_INBOX_DIR);
	if (range.first == 0)
		return;
	lock_inbox(&tag);
	failure = deliver_all(store);
	ffu_deliver_check();
	ffu_arrived_unlock(&tag);
}

/*
 * Do the removals that wait and are due, and write the others to a new list.
 */
static int
sweep_removals(Delivery *delivery, FfuSalvage *old, FfuSalvage *new)
{
	FfuSalvageEntry entry;
	FfuRecordRemove removal;
	const char *paths;
	char	   *data;
	int			result;

	while ((result = ffu_salvage_next(old, &entry)) == 0)
	{
		result = read_entry(delivery, old, &entry, &data);
		if (result == 0 &&
			ffu_record_remove(data, entry.len, &removal, &paths))
			result = is_due(delivery, &removal) ?
				remove_files(delivery, &removal, paths, entry.lsn) :
				ffu_salvage_write(new, entry.lsn, entry.info, data, entry.len);
		if (result != 0)
			return result;
	}
	return result == ENOENT ? 0 : result;
}

/*
 * Do the removals that wait and are due.
 */
static int
replace_removals(Delivery *delivery)
{
	FfuSalvage	old;
	FfuSalvage	new = FFU_SALVAGE_CLOSED;
	volatile int result = ffu_inbox_open_removals(MyDatabaseId, &old);

	if (result != 0)
		return result == ENOENT ? 0 : result;
	PG_TRY();
	{
		result = ffu_inbox_begin_removals(MyDatabaseId, false, &new);
		if (result == 0)
			result = sweep_removals(delivery, &old, &new);
		if (result == 0 && delivery->was_removed)
		{
			delivery->path[0] = '\0';
			result = ffu_later_sync_all(delivery->store);
			FFU_FAULT("deliver-before-strike");
			if (result == 0)
				result = ffu_inbox_end_removals(MyDatabaseId, false, &new);
		}
	}
	PG_FINALLY();
	{
		ffu_salvage_close(&old);
		ffu_salvage_close(&new);
	}
	PG_END_TRY();
	return result;
}

/*
 * Do the removals of the inbox for which no snapshot is too old any more.  For
 * the workers.
 */
void
ffu_deliver_removals(FfuStore *store)
{
	Delivery	delivery;
	LOCKTAG		tag;

	if (!ffu_inbox_has_removals(MyDatabaseId))
		return;
	lock_inbox(&tag);
	begin_delivery(&delivery, store);
	failure = replace_removals(&delivery);
	strlcpy(failed_path, delivery.path, sizeof(failed_path));
	failed_sync = delivery.syncing;
	MemoryContextDelete(delivery.context);
	ffu_arrived_unlock(&tag);
}

/*
 * Is this a standby that keeps files, so that its folder can be checked?
 */
bool
ffu_deliver_may_check(void)
{
	return RecoveryInProgress() && ffu_setting_standby_files;
}

/*
 * Does an open list of waiting removals have a path?
 */
static bool
has_removal(Delivery *delivery, FfuSalvage *removals, const char *path)
{
	FfuSalvageEntry entry;
	FfuRecordRemove removal;
	const char *other;
	char	   *data;

	while (ffu_salvage_next(removals, &entry) == 0 &&
		   read_entry(delivery, removals, &entry, &data) == 0)
	{
		uint32		i;

		if (!ffu_record_remove(data, entry.len, &removal, &other))
			continue;
		for (i = 0; i < removal.count; i++)
		{
			if (strcmp(other, path) == 0)
				return true;
			other += strlen(other) + 1;
		}
	}
	return false;
}

/*
 * Tell whether a file without a row, and without a row of ffu.deletion, has a
 * removal that waits for old snapshots, or is gone by now.
 */
bool
ffu_deliver_will_remove(FfuStore *store, const char *path)
{
	Delivery	delivery;
	FfuSalvage	removals;
	FfuLook		look;
	volatile bool found = false;

	ffu_deliver(store);
	ffu_deliver_check();
	if (store->methods->look(store, path, &look) == ENOENT)
		return true;
	if (ffu_inbox_open_removals(MyDatabaseId, &removals) != 0)
		return store->methods->look(store, path, &look) == ENOENT;
	begin_delivery(&delivery, store);
	PG_TRY();
	{
		found = has_removal(&delivery, &removals, path);
	}
	PG_FINALLY();
	{
		ffu_salvage_close(&removals);
	}
	PG_END_TRY();
	MemoryContextDelete(delivery.context);
	return found || store->methods->look(store, path, &look) == ENOENT;
}

/*
 * Return the fate of a transaction on a standby: redo may still come to an id
 * of a copied name.
 */
static FfuFate
fate_on_standby(const FfuStaged *staged, FfuFate fate)
{
	return fate == FFU_FATE_DOUBTFUL &&
		ffu_xid_fate(staged->fxid) == FFU_FATE_FUTURE ?
		FFU_FATE_FUTURE : fate;
}

/*
 * List the staging names whose fate the commit log decides, with the fates of
 * their transactions.  A doubtful name came with a copy of the primary's folder;
 * the first sweep after the promotion judges it.
 */
static List *
list_staged(FfuStore *store)
{
	List	   *result = NIL;
	List	   *names = ffu_spool_staged_names(store);
	ListCell   *lc;

	foreach(lc, names)
	{
		StagedName *name = palloc(sizeof(StagedName));

		if (!ffu_settle_read(lfirst(lc), &name->staged, &name->fate))
			continue;
		name->fate = fate_on_standby(&name->staged, name->fate);
		if (name->fate != FFU_FATE_DOUBTFUL)
			result = lappend(result, name);
	}
	list_free_deep(names);
	return result;
}

/*
 * Settle the staging names whose transactions are over, on a standby.  The
 * fates come first: all records of a transaction that was over then have
 * arrived.  So once these are delivered, a plain staging file of the
 * transaction waits for no further piece.
 */
void
ffu_deliver_settle(FfuStore *store)
{
	List	   *names;
	ListCell   *lc;
	LOCKTAG		tag;

	ffu_sweep_fetched(store);
	/* Not later: another session may deliver meanwhile. */
	ffu_arrived_set_unsettled(MyDatabaseId, false);
	names = list_staged(store);
	if (names == NIL)
		return;
	ffu_deliver(store);
	if (failure != 0)
		return;
	lock_inbox(&tag);
	foreach(lc, names)
	{
		StagedName *name = lfirst(lc);
		int			result = 0;

		CHECK_FOR_INTERRUPTS();
		if (name->fate == FFU_FATE_OPEN || name->fate == FFU_FATE_FUTURE)
			ffu_arrived_set_unsettled(MyDatabaseId, true);
		if (name->fate == FFU_FATE_COMMITTED || name->fate == FFU_FATE_ABORTED)
			result = ffu_settle(store, &name->staged,
								name->fate == FFU_FATE_COMMITTED &&
								name->staged.path[0] != '\0');
		if (result != 0)
			ffu_warn_io(LOG, result, "sweep staging file", name->staged.path);
	}
	ffu_arrived_unlock(&tag);
}
