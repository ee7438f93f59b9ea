/*-------------------------------------------------------------------------
 *
 * sweep.c
 *	  Finish what a crash, an old snapshot or a failed unlink left over.
 *
 * A staging name says what has to be done with it:
 *
 *	transaction in progress or prepared			nothing yet
 *	no path										unlink it: nothing was published
 *	path, transaction committed					unlink it: the file is published
 *	path, transaction aborted or lost			unlink the path, then it
 *	path, too old or not begun yet				leave it: not this cluster's
 *
 * A row of ffu.deletion whose transaction is older than every snapshot: unlink
 * the path, make that durable, then strike the row off (I4a, I8).  The row's
 * own xmin is its time stamp.
 *
 * The cost is what was in flight, never the number of files.  Any number of
 * sessions may sweep at a time: staging names are swept under a lock, since a
 * name that is free again may be taken by a new transaction with the same id,
 * and a deletion that another session is at is skipped.
 *
 * When: at the first use of ffu in a session; before the commit of a
 * transaction that dooms, once this session has left some deletions behind;
 * by the background worker; and as ffu.sweep().
 *
 * Layer 8.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "ffu.h"

#include <dirent.h>
#include <unistd.h>

#include "access/genam.h"
#include "access/heapam.h"
#include "access/parallel.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "deletion.h"
#include "durable.h"
#include "guc.h"
#include "path.h"
#include "point.h"
#include "report.h"
#include "root.h"
#include "sweep.h"
#include "xid.h"

/* Field 4 of our advisory lock; users' own have 1 and 2. */
#define LOCK_CLASS			0x6675

/* A batch of deletions is made durable, and struck off, together. */
#define BATCH				1000

/* At first use in a session so many deletions are looked at. */
#define FIRST_USE_LIMIT		1000

/* A session strikes its deletions off once there are so many of them. */
#define BACKLOG				32

/* Deletions done in a batch, to be struck off. */
typedef struct Batch
{
	int			n;
	ItemPointerData tids[BATCH];
	char		directory[FFU_PATH_MAX + 1];	/* the one synced last */
} Batch;

/* Has this session swept already, and how much did it leave since? */
static bool swept = false;
static int	backlog = 0;

/*
 * Take the lock under which staging names of this database are swept.
 */
static bool
lock_staging(LOCKTAG *tag, bool wait)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, 0, 0, LOCK_CLASS);
	return LockAcquire(tag, ExclusiveLock, false, !wait) !=
		LOCKACQUIRE_NOT_AVAIL;
}

/*
 * The names in the staging directory, as a list of palloc'd strings.
 */
static List *
list_staging(FfuPlace *place)
{
	List	   *volatile names = NIL;
	int			fd;
	int			result = ffu_durable_open_dir(place->staging_fd, ".", &fd);
	DIR		   *dir = result == 0 ? fdopendir(fd) : NULL;

	if (dir == NULL)
		ffu_raise_io(result ? result : errno, "read staging directory of",
					 ffu_root_path());
	PG_TRY();
	{
		struct dirent *de;

		while ((de = readdir(dir)) != NULL)
		{
			if (de->d_name[0] != '.')
				names = lappend(names, pstrdup(de->d_name));
		}
	}
	PG_FINALLY();
	{
		closedir(dir);
	}
	PG_END_TRY();
	return names;
}

/*
 * Do what a staging name asks for.  Returns 0 or an error number.
 */
static int
sweep_name(FfuPlace *place, const char *name, FfuSweep *sweep)
{
	FfuStaged	staged = {.fd = -1};
	FfuFate		fate;
	int			result;

	if (!ffu_staging_parse(name, &staged.fxid, &staged.n, staged.path))
	{
		sweep->unclear++;
		return 0;
	}
	fate = ffu_xid_fate(staged.fxid);
	if (fate == FFU_FATE_OPEN)
	{
		sweep->open++;
		return 0;
	}
	if (staged.path[0] == '\0')
		staged.step = FFU_STEP_STAGED;
	else if (fate == FFU_FATE_COMMITTED || fate == FFU_FATE_ABORTED)
		staged.step = FFU_STEP_PUBLISHED;
	else
	{
		sweep->unclear++;
		return 0;
	}
	if (staged.path[0] != '\0' && fate == FFU_FATE_COMMITTED)
	{
		result = place->store->finish(place, &staged);
		sweep->finished += result == 0;
	}
	else
	{
		result = place->store->undo(place, &staged);
		sweep->undone += result == 0;
	}
	FFU_POINT("sweep-after-name");
	return result;
}

/*
 * Sweep the staging names.  If another session is at it: wait for it, or
 * leave it to it.  The names are read before their transactions are looked
 * at, so that none of them can belong to one that begins later.
 */
void
ffu_sweep_staging(FfuSweep *sweep, bool wait)
{
	FfuPlace   *place = ffu_root_use();
	LOCKTAG		tag;
	List	   *names;
	ListCell   *lc;

	if (!lock_staging(&tag, wait))
		return;
	names = list_staging(place);
	foreach(lc, names)
	{
		int			result;

		CHECK_FOR_INTERRUPTS();
		result = sweep_name(place, lfirst(lc), sweep);
		if (result != 0)
		{
			sweep->failed++;
			ffu_warn_io(result, "sweep staged", lfirst(lc));
		}
	}
	list_free_deep(names);
	LockRelease(&tag, ExclusiveLock, false);
}

/*
 * May this transaction strike deletions off?  Above READ COMMITTED it would
 * hand its users serialization failures.  Raises no error.
 */
bool
ffu_sweep_may_delete(void)
{
	return !IsolationUsesXactSnapshot() && !XactReadOnly &&
		!RecoveryInProgress() && !IsInParallelMode();
}

/*
 * Make the removal of a path durable, together with what follows in the same
 * directory: the directory is synced when the next one differs.
 */
static void
sync_removal(FfuPlace *place, Batch *batch, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t		len = slash ? slash - path : 0;
	int			result;

	if (ffu_guc_fsync == FFU_FSYNC_OFF || place->can_sync_all)
		return;
	if (batch->directory[0] != '\0' &&
		strncmp(batch->directory, path, len) == 0 &&
		batch->directory[len] == '\0')
		return;
	result = place->store->sync_directories(place, path);
	if (result != 0)
		ffu_raise_io(result, "sync the directory of", path);
}

/*
 * Strike off the deletions of a batch, after making them durable (I8).
 */
static void
strike_off(FfuPlace *place, Relation rel, Batch *batch, FfuSweep *sweep)
{
	int			i;

	if (batch->n == 0)
		return;
	if (place->can_sync_all && ffu_guc_fsync != FFU_FSYNC_OFF)
	{
		int			result = place->store->sync_all(place);

		if (result != 0)
			ffu_raise_io(result, "sync the folder of",
						 ffu_root_path());
	}
	FFU_POINT("sweep-before-strike");
	for (i = 0; i < batch->n; i++)
		simple_heap_delete(rel, &batch->tids[i]);
	sweep->deleted += batch->n;
	batch->n = 0;
	FFU_POINT("sweep-after-strike");
}

/*
 * Lock a row of ffu.deletion, if nobody else is at it.
 */
static bool
lock_row(Relation rel, HeapTuple tuple, TupleTableSlot *slot)
{
	TM_FailureData failure;
	ItemPointerData tid = tuple->t_self;

	return table_tuple_lock(rel, &tid, SnapshotSelf, slot,
							GetCurrentCommandId(false), LockTupleExclusive,
							LockWaitSkip, 0, &failure) == TM_Ok;
}

/*
 * Is this row a deletion that may be done (I4a)?  Waiting ones are counted.
 */
static bool
is_due(Relation rel, HeapTuple tuple, TransactionId horizon, FfuSweep *sweep)
{
	TransactionId xmin = HeapTupleHeaderGetXmin(tuple->t_data);
	bool		isnull;
	Datum		root;

	if (!TransactionIdPrecedes(xmin, horizon))
	{
		sweep->waiting++;
		return false;
	}
	root = heap_getattr(tuple, Anum_deletion_root, RelationGetDescr(rel),
						&isnull);
	return strcmp(TextDatumGetCString(root), ffu_root_id()) == 0;
}

/*
 * Remove the file of a deletion.
 */
static void
remove_file(FfuPlace *place, Relation rel, HeapTuple tuple, Batch *batch,
			FfuSweep *sweep)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, Anum_deletion_path,
									 RelationGetDescr(rel), &isnull);
	char	   *path = TextDatumGetCString(value);
	int			result = EINVAL;

	if (ffu_path_valid(path, strlen(path)))
		result = place->store->remove(place, path);
	if (result != 0)
	{
		sweep->failed++;
		ffu_warn_io(result, "delete", path);
		return;
	}
	sync_removal(place, batch, path);
	strlcpy(batch->directory, path, sizeof(batch->directory));
	if (strrchr(batch->directory, '/'))
		*strrchr(batch->directory, '/') = '\0';
	batch->tids[batch->n++] = tuple->t_self;
	FFU_POINT("sweep-after-remove");
}

/*
 * Do the deletions that no snapshot holds up, looking at most at limit of
 * them, the oldest first; 0 for no limit.
 */
void
ffu_sweep_deletions(FfuSweep *sweep, int limit)
{
	FfuPlace   *place = ffu_root_use();
	Relation	rel = table_open(ffu_deletion_relid(), RowExclusiveLock);
	Relation	index = index_open(ffu_deletion_index("deletion_pkey"),
								   AccessShareLock);
	TransactionId horizon = GetOldestNonRemovableTransactionId(rel);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	Batch	   *batch = palloc0(sizeof(Batch));
	SysScanDesc scan;
	HeapTuple	tuple;
	int			seen = 0;

	scan = systable_beginscan_ordered(rel, index, SnapshotSelf, 0, NULL);
	while ((limit == 0 || seen++ < limit) &&
		   (tuple = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (!is_due(rel, tuple, horizon, sweep) ||
			!lock_row(rel, tuple, slot))
			continue;
		remove_file(place, rel, tuple, batch, sweep);
		if (batch->n == BATCH)
			strike_off(place, rel, batch, sweep);
	}
	systable_endscan_ordered(scan);
	strike_off(place, rel, batch, sweep);
	ExecDropSingleTupleTableSlot(slot);
	pfree(batch);
	index_close(index, AccessShareLock);
	table_close(rel, NoLock);
}

/*
 * Called wherever a session stores or deletes files: sweep if this session
 * has not done so yet.
 */
void
ffu_sweep_first_use(void)
{
	FfuSweep	sweep = {0};

	if (swept)
		return;
	swept = true;
	ffu_sweep_staging(&sweep, false);
	if (ffu_sweep_may_delete())
		ffu_sweep_deletions(&sweep, FIRST_USE_LIMIT);
}

/*
 * Called before the commit of a transaction that dooms: strike off what this
 * session has left behind, once it is worth the sync.
 */
void
ffu_sweep_before_commit(void)
{
	FfuSweep	sweep = {0};

	if (backlog < BACKLOG || !ffu_sweep_may_delete())
		return;
	ffu_sweep_deletions(&sweep, backlog + BACKLOG);
	backlog = 0;
}

/*
 * Note that a transaction of this session committed with so many deletions.
 * Raises no error.
 */
void
ffu_sweep_note(int dooms)
{
	backlog += dooms;
}
