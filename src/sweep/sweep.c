/*-------------------------------------------------------------------------
 *
 * sweep.c
 *	  Finishes the work that a crash, an old snapshot or a failed unlink left.
 *
 * A staging name tells the work:
 *
 *	transaction in progress or prepared			nothing yet
 *	no path										unlink: nothing was published
 *	path, transaction committed					unlink: the file is published
 *	path, transaction aborted or lost			unlink the path, then the name
 *	path, too old or not begun yet				leave: not this cluster's
 *	path, not aborted, of an earlier run		leave to verify.c
 * For resumable uploads see expire.c.
 *
 * If the transaction of a row of ffu.deletion is older than every snapshot,
 * unlink the path, make the removal durable, then strike the row off (I4a,
 * I8).  The xmin of the row is the time stamp.
 *
 * The cost is proportional to the files in flight, never to the number of
 * files.  Any number of sessions may sweep at a time.  Staging names are swept
 * under a lock, since a new transaction with the same id may take a name that
 * is free again.  A deletion that another session has locked is skipped.
 *
 * A sweep runs at the first use of ffu in a session; before the commit of a
 * transaction that dooms, once this session has left BACKLOG deletions; in the
 * background worker; and in ffu.sweep().  With a bucket only the last two sweep
 * deletions, so that no statement of a user waits for the object store.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/parallel.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/advisory.h"
#include "base/catalog.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/settings.h"
#include "base/shared.h"
#include "base/xid.h"
#include "store/bucket/both.h"
#include "store/dir/root.h"
#include "store/dir/spool.h"
#include "sweep/expire.h"
#include "sweep/fetched.h"
#include "sweep/settle.h"
#include "sweep/sweep.h"
#include "sweep/verify.h"
#include "text/path.h"
#include "transaction/deletion.h"
#include "transaction/usage.h"
#include "wal/log.h"
#include "wal/queue.h"

/* Maximum number of deletions that are done, and struck off, together */
#define BATCH				10000

/* Maximum number of deletions in the sweep at first use in a session */
#define FIRST_USE_LIMIT		1000

/*
 * At first use, doubtful deletions are verified only if the tables have at
 * most this number of blocks: 8 MB.
 */
#define FIRST_USE_BLOCKS	1000

/*
 * Maximum number of expired uploads that one transaction ends, and a
 * transaction of a user at first use.  Each upload takes a lock until the end
 * of the transaction, and the lock table has room for some thousands.
 */
#define EXPIRED_LIMIT		500
#define FIRST_USE_EXPIRED	50

/*
 * A sweep stops after this number of waiting deletions.  A snapshot or
 * ffu.deletion_delay that holds up these deletions also holds up almost all
 * later deletions.  Without a limit every new session, and every commit that
 * dooms, would pay for one old snapshot.  ffu.sweep() has no limit, and
 * neither has the worker at each naptime.
 */
#define PASSED_MAX			1000

/* Maximum number of warnings of a sweep, for each kind of work */
#define WARNINGS_MAX		10

/* Number of deletions from which a session strikes its deletions off */
#define BACKLOG				32

/* Deletions whose rows are locked, to be done together */
typedef struct Batch
{
	TransactionId horizon;		/* of ffu.deletion, when the sweep began */
	bool		has_marks;		/* ffu.deletion has marks */
	MemoryContext context;		/* of the paths; reset with n */
	TupleTableSlot *slot;
	int			max;
	int			n;
	ItemPointerData *tids;		/* of the rows */
	int		   *attempts;		/* failures so far */
	Oid		   *relids;			/* for which the files count as doomed */
	int64	   *sizes;			/* of the files, or -1 */
	FfuRemoval *removals;
} Batch;

/* A row of ffu.deletion */
typedef struct Deletion
{
	int64		id;
	TransactionId xmin;			/* time stamp of the deletion */
	ItemPointerData tid;
	char	   *root_id;
	char	   *path;
	bool		kept;			/* already moved out of reach of URLs */
	bool		is_mark;		/* detached or dangling: no work to do */
	TimestampTz doomed_at;
	int			attempts;
	TimestampTz next_try;
	Oid			relid;			/* for which the file counts as doomed */
	int64		size;			/* of the file, or -1 if it does not count */
} Deletion;

/* The states whose deletions are swept, in this order */
static const char *const swept_states[FFU_SWEPT_STATES] = {
	FFU_STATE_DOOMED, FFU_STATE_KEPT
};

/* This session has swept; number of deletions that the session left since */
static bool swept = false;
static int	backlog = 0;

/*
 * Return the level at which to report a failure, or 0 if the sweep has reported
 * WARNINGS_MAX failures of this kind of work.  ffu.sweep() reports to the
 * caller.  Any other sweep reports to the server's log only: to know a path is
 * a right, which the client of the session may lack.  Further failures are
 * counted, and those of deletions are recorded in ffu.deletion.
 */
int
ffu_sweep_warning_level(FfuSweep *sweep, FfuSwept kind)
{
	if (sweep->warnings[kind] == WARNINGS_MAX)
	{
		sweep->unsaid++;
		return 0;
	}
	sweep->warnings[kind]++;
	return sweep->asked_for ? WARNING : LOG_SERVER_ONLY;
}

/*
 * Report a failure on staging names or resumable uploads.
 */
static void
warn_staging(FfuSweep *sweep, int error, const char *action, const char *path)
{
	int			level = ffu_sweep_warning_level(sweep, FFU_SWEPT_STAGING);

	if (level != 0)
		ffu_warn_io(level, error, action, path);
}

/*
 * Report that a file was not removed.
 */
static void
warn_removal(FfuSweep *sweep, const FfuRemoval *removal)
{
	int			level = ffu_sweep_warning_level(sweep, FFU_SWEPT_DELETION);

	if (level == 0)
		return;
	if (removal->why == NULL)
		ffu_warn_io(level, removal->error, "delete file", removal->path);
	else
		ffu_warn_store(level, removal->why, "delete file", removal->path);
}

/*
 * Called between two files.  May end the statement or the process.
 */
static void
pause_sweep(const FfuSweep *sweep)
{
	CHECK_FOR_INTERRUPTS();
	if (sweep->pause)
		sweep->pause();
}

/*
 * Take the lock under which staging names of this database are swept.
 */
static bool
lock_staging(LOCKTAG *tag, bool wait)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, 0, 0, FFU_LOCK_STAGING);
	return LockAcquire(tag, ExclusiveLock, false, !wait) !=
		LOCKACQUIRE_NOT_AVAIL;
}

/*
 * Finish or undo the file of a staging name.  Return 0 or an error number.
 */
static int
sweep_name(FfuStore *store, const char *name, FfuSweep *sweep)
{
	FfuStaged	staged;
	FfuFate		fate;
	bool		committed;
	int			result;

	if (!ffu_settle_read(name, &staged, &fate))
	{
		sweep->unclear++;
		return 0;
	}
	if (fate == FFU_FATE_OPEN)
	{
		sweep->open++;
		return 0;
	}
	if (staged.path[0] != '\0' && fate != FFU_FATE_COMMITTED &&
		fate != FFU_FATE_ABORTED)
	{
		sweep->unclear++;
		return 0;
	}
	committed = staged.path[0] != '\0' && fate == FFU_FATE_COMMITTED;
	result = ffu_settle(store, &staged, committed);
	if (result == 0 && committed)
		sweep->finished++;
	else if (result == 0)
		sweep->undone++;
	return result;
}

/*
 * Sweep the resumable uploads.
 */
static void
sweep_resumable(FfuSweep *sweep)
{
	FfuExpired	expired = {.pause = sweep->pause};

	ffu_expire(&expired, sweep->first_use ? FIRST_USE_EXPIRED : EXPIRED_LIMIT);
	sweep->more = expired.more;
	sweep->undone += expired.removed;
	sweep->open += expired.open;
	sweep->unclear += expired.unclear;
	sweep->failed += expired.failed;
	if (expired.failed > 0)
		warn_staging(sweep, expired.error, "sweep resumable uploads of folder",
					 ffu_root_path());
}

/*
 * Sweep the staging names, then, if this transaction may delete rows, the
 * resumable uploads.  If another session sweeps staging names, wait, or
 * without wait do nothing.  Read the names before asking for the fate of their
 * transactions: then no name belongs to a transaction that begins later.
 */
void
ffu_sweep_staging(FfuSweep *sweep, bool wait)
{
	FfuStore   *store = ffu_root_use();
	LOCKTAG		tag;
	List	   *names;
	ListCell   *lc;

	if (!lock_staging(&tag, wait))
		return;
	names = ffu_spool_staged_names(store);
	foreach(lc, names)
	{
		int			result;

		pause_sweep(sweep);
		result = sweep_name(store, lfirst(lc), sweep);
		if (result != 0)
		{
			sweep->failed++;
			warn_staging(sweep, result, "sweep staging file", lfirst(lc));
		}
	}
	list_free_deep(names);
	LockRelease(&tag, ExclusiveLock, false);
	ffu_sweep_fetched(store);
	if (ffu_sweep_may_delete())
		sweep_resumable(sweep);
}

/*
 * Tell whether this transaction may strike deletions off.  Above READ
 * COMMITTED the sweep would give users serialization failures.  Raise no
 * error.
 */
bool
ffu_sweep_may_delete(void)
{
	return !IsolationUsesXactSnapshot() && !XactReadOnly &&
		!RecoveryInProgress() && !IsInParallelMode();
}

/*
 * Read a row of ffu.deletion.  The texts are palloc'd.
 */
static void
read_row(Relation rel, HeapTuple tuple, Deletion *deletion)
{
	Datum		values[Natts_deletion];
	bool		isnull[Natts_deletion];
	char	   *state;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, isnull);
	deletion->id = DatumGetInt64(values[Anum_deletion_id - 1]);
	deletion->xmin = HeapTupleHeaderGetXmin(tuple->t_data);
	deletion->tid = tuple->t_self;
	deletion->root_id = TextDatumGetCString(values[Anum_deletion_root - 1]);
	deletion->path = TextDatumGetCString(values[Anum_deletion_path - 1]);
	state = TextDatumGetCString(values[Anum_deletion_state - 1]);
	deletion->kept = strcmp(state, FFU_STATE_KEPT) == 0;
	deletion->is_mark = strcmp(state, FFU_STATE_DETACHED) == 0 ||
		strcmp(state, FFU_STATE_DANGLING) == 0;
	deletion->doomed_at =
		DatumGetTimestampTz(values[Anum_deletion_doomed_at - 1]);
	deletion->attempts = DatumGetInt32(values[Anum_deletion_attempts - 1]);
	deletion->next_try = isnull[Anum_deletion_next_try - 1] ? DT_NOBEGIN :
		DatumGetTimestampTz(values[Anum_deletion_next_try - 1]);
	deletion->relid = isnull[Anum_deletion_relation - 1] ? InvalidOid :
		DatumGetObjectId(values[Anum_deletion_relation - 1]);
	deletion->size = isnull[Anum_deletion_size - 1] ? -1 :
		DatumGetInt64(values[Anum_deletion_size - 1]);
}

/*
 * Tell whether ffu.deletion_delay still holds a deletion up.
 */
static bool
is_delayed(const Deletion *deletion)
{
	return ffu_setting_deletion_delay > 0 &&
		GetCurrentTimestamp() < deletion->doomed_at +
		ffu_setting_deletion_delay * USECS_PER_SEC;
}

/*
 * Tell whether a deletion is due (I4a).  With retry_all, a recent failure does
 * not hold the deletion up.
 */
static bool
is_due(const Deletion *deletion, TransactionId horizon, bool retry_all)
{
	if (!TransactionIdPrecedes(deletion->xmin, horizon) ||
		(TransactionIdIsNormal(deletion->xmin) && ActiveSnapshotSet() &&
		 XidInMVCCSnapshot(deletion->xmin, GetActiveSnapshot())))
		return false;
	if (deletion->kept && is_delayed(deletion))
		return false;
	return retry_all || deletion->next_try <= GetCurrentTimestamp();
}

/*
 * Set columns of a locked row of ffu.deletion.  xmin becomes the id of this
 * transaction, so the deletion can only become due later.
 */
static void
update_row(Relation rel, HeapTuple tuple, Datum *values, bool *isnull,
		   bool *replace)
{
	HeapTuple	new = heap_modify_tuple(tuple, RelationGetDescr(rel), values,
										isnull, replace);

	CatalogTupleUpdate(rel, &tuple->t_self, new);
}

/*
 * Record in ffu.deletion why a file was not removed, and when to try again.
 * The pause doubles with each failure, up to an hour.
 */
static void
note_failure(Relation rel, HeapTuple tuple, int attempts,
			 const FfuRemoval *removal, FfuSweep *sweep)
{
	Datum		values[Natts_deletion];
	bool		isnull[Natts_deletion] = {false};
	bool		replace[Natts_deletion] = {false};
	int64		pause = Min((int64) 1 << Min(attempts, 12), 3600);

	values[Anum_deletion_attempts - 1] = Int32GetDatum(attempts + 1);
	values[Anum_deletion_last_error - 1] =
		CStringGetTextDatum(removal->why ? removal->why :
							strerror(removal->error));
	values[Anum_deletion_next_try - 1] =
		TimestampTzGetDatum(GetCurrentTimestamp() + pause * USECS_PER_SEC);
	replace[Anum_deletion_attempts - 1] = true;
	replace[Anum_deletion_last_error - 1] = true;
	replace[Anum_deletion_next_try - 1] = true;
	update_row(rel, tuple, values, isnull, replace);
	sweep->failed++;
	ffu_shared_count(FFU_COUNT_FAILED, 1);
	warn_removal(sweep, removal);
}

/*
 * Note in ffu.deletion that the file is out of reach of URLs for the time of
 * ffu.deletion_delay.
 */
static void
note_kept(Relation rel, HeapTuple tuple, FfuSweep *sweep)
{
	Datum		values[Natts_deletion];
	bool		isnull[Natts_deletion] = {false};
	bool		replace[Natts_deletion] = {false};

	values[Anum_deletion_state - 1] = CStringGetTextDatum(FFU_STATE_KEPT);
	replace[Anum_deletion_state - 1] = true;
	update_row(rel, tuple, values, isnull, replace);
	sweep->kept++;
}

/*
 * Strike off the deletion whose file is gone, or note what became of the file.
 */
static void
settle_row(Relation rel, Batch *batch, int i, FfuSweep *sweep)
{
	const FfuRemoval *removal = &batch->removals[i];
	HeapTuple	tuple;

	if (removal->error == 0 && !removal->keep)
	{
		simple_heap_delete(rel, &batch->tids[i]);
		ffu_usage_struck(batch->relids[i], batch->sizes[i]);
		sweep->deleted++;
		ffu_shared_count(FFU_COUNT_DELETED_FILES, 1);
		return;
	}
	if (!table_tuple_fetch_row_version(rel, &batch->tids[i], SnapshotAny,
									   batch->slot))
		elog(ERROR, "deletion of \"%s\" is gone", removal->path);
	tuple = ExecCopySlotHeapTuple(batch->slot);
	if (removal->error == 0)
		note_kept(rel, tuple, sweep);
	else
		note_failure(rel, tuple, batch->attempts[i], removal, sweep);
	ExecClearTuple(batch->slot);
	heap_freetuple(tuple);
}

/*
 * Remove or keep the files of a batch, durably, then strike off their deletions
 * (I8).
 */
static void
do_batch(FfuStore *store, Relation rel, Batch *batch, FfuSweep *sweep)
{
	int			i;

	if (batch->n == 0)
		return;
	store->methods->remove(store, batch->removals, batch->n, sweep->pause);
	FFU_FAULT("sweep-before-log");
	if (ffu_queue_was_used() || ffu_setting_wal == FFU_WAL_ALL)
		ffu_log_removals(batch->removals, batch->n);
	FFU_FAULT("sweep-before-strike");
	for (i = 0; i < batch->n; i++)
		settle_row(rel, batch, i, sweep);
	batch->n = 0;
	MemoryContextReset(batch->context);
	FFU_FAULT("sweep-after-strike");
}

/*
 * Begin to read the rows of a state in the order of ids, starting after the id
 * after.
 */
static SysScanDesc
begin_scan(Relation rel, Relation index, const char *state, int64 after)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], Anum_deletion_state, BTEqualStrategyNumber,
				F_TEXTEQ, CStringGetTextDatum(state));
	ScanKeyInit(&keys[1], Anum_deletion_id, BTGreaterStrategyNumber,
				F_INT8GT, Int64GetDatum(after));
	return systable_beginscan_ordered(rel, index, SnapshotSelf, 2, keys);
}

/*
 * Tell whether a row has this state.
 */
static bool
has_state(Relation rel, Relation index, const char *state)
{
	SysScanDesc scan = begin_scan(rel, index, state, 0);
	bool		found = HeapTupleIsValid(systable_getnext_ordered(scan,
																  ForwardScanDirection));

	systable_endscan_ordered(scan);
	return found;
}

/*
 * Make an empty batch for at most limit deletions; 0 is no limit.
 */
static Batch *
make_batch(Relation rel, Relation index, int limit)
{
	Batch	   *batch = palloc0(sizeof(Batch));

	batch->horizon = ffu_xid_horizon(rel);
	batch->has_marks = has_state(rel, index, FFU_STATE_DETACHED) ||
		has_state(rel, index, FFU_STATE_DANGLING);
	batch->context = AllocSetContextCreate(CurrentMemoryContext,
										   "ffu sweep batch",
										   ALLOCSET_DEFAULT_SIZES);
	batch->slot = table_slot_create(rel, NULL);
	batch->max = limit > 0 ? Min(limit, BATCH) : BATCH;
	batch->tids = palloc(batch->max * sizeof(ItemPointerData));
	batch->attempts = palloc(batch->max * sizeof(int));
	batch->relids = palloc(batch->max * sizeof(Oid));
	batch->sizes = palloc(batch->max * sizeof(int64));
	batch->removals = palloc(batch->max * sizeof(FfuRemoval));
	return batch;
}

/*
 * Free an empty batch.
 */
static void
free_batch(Batch *batch)
{
	ExecDropSingleTupleTableSlot(batch->slot);
	MemoryContextDelete(batch->context);
	pfree(batch->tids);
	pfree(batch->attempts);
	pfree(batch->relids);
	pfree(batch->sizes);
	pfree(batch->removals);
	pfree(batch);
}

/*
 * Strike off the marks of a path that are older than this deletion.  A mark
 * that another session has locked stays, and does no harm.
 */
static void
strike_marks(Relation rel, const Deletion *deletion, TupleTableSlot *slot)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_deletion_path, BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(deletion->path));
	scan = systable_beginscan(rel, ffu_catalog_relation("deletion_path_idx"),
							  true, SnapshotSelf, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Deletion	mark;

		read_row(rel, tuple, &mark);
		if (mark.is_mark && mark.id < deletion->id &&
			ffu_catalog_lock_row(rel, tuple, slot))
			simple_heap_delete(rel, &tuple->t_self);
	}
	systable_endscan(scan);
}

/*
 * Add a deletion whose row is locked to a batch.  A deletion of what is no path
 * fails at once.
 */
static void
add_to_batch(Relation rel, HeapTuple tuple, const Deletion *deletion,
			 Batch *batch, FfuSweep *sweep)
{
	FfuRemoval *removal = &batch->removals[batch->n];

	removal->keep = is_delayed(deletion);
	removal->error = EINVAL;
	removal->why = NULL;
	removal->path = deletion->path;
	if (!ffu_path_valid(deletion->path, strlen(deletion->path)))
	{
		note_failure(rel, tuple, deletion->attempts, removal, sweep);
		return;
	}
	removal->path = MemoryContextStrdup(batch->context, deletion->path);
	batch->tids[batch->n] = deletion->tid;
	batch->relids[batch->n] = deletion->relid;
	batch->sizes[batch->n] = deletion->size;
	batch->attempts[batch->n++] = deletion->attempts;
}

/*
 * Read a row of ffu.deletion, and if the deletion is due, add it to the batch.
 * Return true if the deletion was due and not locked.
 */
static bool
visit_row(Relation rel, TupleTableSlot *slot, HeapTuple tuple, Batch *batch,
		  FfuSweep *sweep, int state, bool retry_all)
{
	Deletion	deletion;
	bool		cleared = false;

	read_row(rel, tuple, &deletion);
	sweep->after[state] = deletion.id;
	if (sweep->cleared)
		hash_search(sweep->cleared, &deletion.id, HASH_REMOVE, &cleared);
	if (!cleared && TransactionIdIsCurrentTransactionId(deletion.xmin))
		return false;			/* this sweep has just updated the row */
	if (strcmp(deletion.root_id, ffu_root_id()) != 0)
		sweep->unclear++;
	else if (!cleared && !is_due(&deletion, batch->horizon, retry_all))
		sweep->waiting++;
	else if (ffu_catalog_lock_row(rel, tuple, slot))
	{
		add_to_batch(rel, tuple, &deletion, batch, sweep);
		if (batch->has_marks)
			strike_marks(rel, &deletion, slot);
		return true;
	}
	return false;
}

/*
 * Sweep at most limit deletions of one state; 0 is no limit.  Return the
 * number of deletions done.
 */
static int
sweep_state(FfuStore *store, Relation rel, Relation index, Batch *batch,
			FfuSweep *sweep, int state, int limit, bool retry_all)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "ffu sweep",
												  ALLOCSET_DEFAULT_SIZES);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	SysScanDesc scan = begin_scan(rel, index, swept_states[state],
								  sweep->after[state]);
	HeapTuple	tuple;
	int			passed = 0;
	int			done = 0;

	while ((limit == 0 || done < limit) &&
		   (sweep->thorough || passed < PASSED_MAX) &&
		   (tuple = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		pause_sweep(sweep);
		if (visit_row(rel, slot, tuple, batch, sweep, state, retry_all))
			done++;
		else
			passed++;
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
		if (batch->n == batch->max)
			do_batch(store, rel, batch, sweep);
	}
	systable_endscan_ordered(scan);
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(context);
	return done;
}

/*
 * Sweep at most limit due deletions, the oldest first; 0 is no limit, and
 * tries failed deletions again at once.  All work is in the caller's
 * transaction.
 */
void
ffu_sweep_deletions(FfuSweep *sweep, int limit)
{
	FfuStore   *store = ffu_root_use();
	Relation	rel = table_open(ffu_catalog_relation("deletion"), RowExclusiveLock);
	Relation	index = index_open(ffu_catalog_relation("deletion_state_idx"),
								   AccessShareLock);
	Batch	   *batch = make_batch(rel, index, limit);
	int			done = 0;
	int			state;

	for (state = 0; state < FFU_SWEPT_STATES; state++)
	{
		if (limit > 0 && done >= limit)
			break;
		done += sweep_state(store, rel, index, batch, sweep, state,
							limit > 0 ? limit - done : 0, limit == 0);
	}
	do_batch(store, rel, batch, sweep);
	free_batch(batch);
	index_close(index, AccessShareLock);
	table_close(rel, NoLock);
}

/*
 * Sweep unless this session has swept before.  Called wherever a session
 * stores or deletes files.  If the folder cannot be used, do nothing: the
 * caller raises the error.
 */
void
ffu_sweep_first_use(void)
{
	FfuSweep	sweep = {.first_use = true};

	if (swept || ffu_root_try() == NULL)
		return;
	ffu_sweep_staging(&sweep, false);
	if (ffu_sweep_may_delete() && !ffu_both_has_bucket(ffu_root_use()))
	{
		FfuVerified verified;

		ffu_verify(&verified, FIRST_USE_BLOCKS, FIRST_USE_LIMIT, false);
		hash_destroy(verified.ids);
		ffu_sweep_deletions(&sweep, FIRST_USE_LIMIT);
	}
	swept = true;
}

/*
 * Strike off the deletions that this session left, once there are BACKLOG of
 * them, so that the sync is worth the time.  Called before the commit of a
 * transaction that dooms.
 */
void
ffu_sweep_before_commit(void)
{
	FfuSweep	sweep = {0};

	if (backlog < BACKLOG || !ffu_sweep_may_delete() ||
		ffu_root_try() == NULL || ffu_both_has_bucket(ffu_root_use()))
		return;
	/* Before a commit no statement runs, so there is no active snapshot. */
	PushActiveSnapshot(GetTransactionSnapshot());
	ffu_sweep_deletions(&sweep, 2 * BACKLOG);
	PopActiveSnapshot();
	backlog -= Min(backlog, 2 * BACKLOG);
}

/*
 * Note that a transaction of this session committed with this number of
 * deletions, and wake the background worker, if any.  Raise no error.
 */
void
ffu_sweep_note(int dooms)
{
	backlog += dooms;
	if (dooms > 0)
		ffu_shared_want_sweep();
}
