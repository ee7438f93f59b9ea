/*-------------------------------------------------------------------------
 *
 * usage.c
 *	  Counts stored files and bytes, for quotas (quota.c).
 *
 * ffu counts while the database has a quota (ffu.root.counted).  A transaction
 * notes the files that rows own and let go, for each table, with the nesting levels
 * of its subtransactions.  Before commit the transaction inserts the sums into
 * ffu.counted, one row for each table.  So rollback, two-phase commit and
 * crashes need no code here, and no two transactions change the same row.  A
 * sweep, or a commit that finds many rows, folds the rows of each table into
 * one.  The sum of the rows is exact.
 *
 * Files count for the table that has the row, hence for the owner of the table
 * at the time of a look: DELETE knows the table, but not who stored.  Sizes
 * come from the files, not from companions, which a table's owner can change.
 * A table that is dropped may leave files: detached, or let go round the
 * triggers.  They count for the last owner, whom the rows of the table then
 * name.
 *
 * A deleted file that is still on the disk, for an old snapshot or for
 * ffu.deletion_delay, counts as doomed, until its row of ffu.deletion is struck
 * off.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <sys/stat.h>
#include <unistd.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/advisory.h"
#include "base/catalog.h"
#include "store/dir/root.h"
#include "store/dir/spool.h"
#include "text/path.h"
#include "transaction/pending.h"
#include "transaction/usage.h"

/* Field 3 of the advisory lock of the session that folds; see quota.c */
#define LOCK_FOLD			1

/* A commit that reads this number of rows of ffu.counted folds them. */
#define MANY_ROWS			200

/* Columns of ffu.counted */
#define Anum_counted_relation	1
#define Anum_counted_role		2
#define Anum_counted_files		3
#define Anum_counted_bytes		4
#define Anum_counted_doomed		5
#define Natts_counted			5

/* What counts */
typedef struct Amount
{
	int64		files;
	int64		bytes;			/* of these files */
	int64		doomed;			/* bytes of deleted files on the disk */
} Amount;

/* Sums of a table at a nesting level of subtransactions */
typedef struct Sum
{
	Oid			relid;
	Oid			role;			/* owner of a table that this level dropped,
								 * or InvalidOid */
	int			level;
	Amount		amount;
	int64		stored;			/* bytes of new files */
} Sum;

/* What committed rows of ffu.counted say of a table */
typedef struct Total
{
	Oid			relid;
	Oid			role;			/* last owner of a table that is gone */
	Amount		amount;
} Total;

static Sum *sums = NULL;		/* in TopTransactionContext */
static int	nsums = 0;
static int	max_sums = 0;

/* Number of rows of ffu.counted at the last look of this transaction */
static int64 nread = 0;

/* Does ffu count?  -1 until the first look of this transaction. */
static int	counting = -1;

/*
 * Does ffu count in this database?  The caller holds the lock of ffu.root or
 * of ffu.deletion until the end of the transaction; ffu.set_quota() takes both
 * locks to change the answer.
 */
bool
ffu_usage_counting(void)
{
	if (counting < 0)
		counting = ffu_root_counted();
	return counting > 0;
}

/*
 * Add to the sums of a table at the current level, and return the sum.
 */
static Sum *
add(Oid relid, int64 files, int64 bytes)
{
	int			level = GetCurrentTransactionNestLevel();
	int			i;

	ffu_pending_require_open();
	for (i = nsums - 1; i >= 0; i--)
	{
		if (sums[i].relid == relid && sums[i].level == level)
			break;
	}
	if (i < 0)
	{
		if (nsums == max_sums)
		{
			max_sums = Max(16, 2 * max_sums);
			sums = sums ? repalloc(sums, max_sums * sizeof(Sum)) :
				MemoryContextAlloc(TopTransactionContext, max_sums * sizeof(Sum));
		}
		i = nsums++;
		memset(&sums[i], 0, sizeof(Sum));
		sums[i].relid = relid;
		sums[i].level = level;
	}
	sums[i].amount.files += files;
	sums[i].amount.bytes += bytes;
	return &sums[i];
}

/*
 * Return the owner of a table, or InvalidOid if there is no such table.
 */
static Oid
owner_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

/*
 * Return the owner of a table of this transaction's sums, also if the
 * transaction has dropped the table.
 */
static Oid
owner_of_sum(const Sum *sum)
{
	Oid			owner = owner_of(sum->relid);
	int			i;

	for (i = 0; i < nsums && !OidIsValid(owner); i++)
	{
		if (sums[i].relid == sum->relid)
			owner = sums[i].role;
	}
	return owner;
}

/*
 * Call visit with every row of a table of ffu in a new snapshot.
 */
void
ffu_usage_scan(const char *name, FfuUsageRowVisitor visit, void *arg)
{
	Relation	rel = table_open(ffu_catalog_relation(name), AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc rows = FFU_BEGINSCAN(rel, snapshot);

	while (table_scan_getnextslot(rows, ForwardScanDirection, slot))
	{
		slot_getallattrs(slot);
		visit(slot, arg);
	}
	table_endscan(rows);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	table_close(rel, AccessShareLock);
}

/*
 * Return what a row of ffu.counted says.
 */
static Amount
amount_of(TupleTableSlot *slot)
{
	Amount		amount;

	amount.files = DatumGetInt64(slot->tts_values[Anum_counted_files - 1]);
	amount.bytes = DatumGetInt64(slot->tts_values[Anum_counted_bytes - 1]);
	amount.doomed = DatumGetInt64(slot->tts_values[Anum_counted_doomed - 1]);
	return amount;
}

/*
 * Add an amount to a sum.
 */
static void
add_amount(Amount *sum, Amount amount)
{
	sum->files += amount.files;
	sum->bytes += amount.bytes;
	sum->doomed += amount.doomed;
}

/*
 * Does an amount say nothing?
 */
static bool
is_nothing(const Amount *amount)
{
	return amount->files == 0 && amount->bytes == 0 && amount->doomed == 0;
}

/*
 * FfuUsageRowVisitor: add a row of ffu.counted to a total, if the row is of its
 * table.
 */
static void
visit_total(TupleTableSlot *slot, void *arg)
{
	Total	   *total = arg;
	Oid			role = DatumGetObjectId(slot->tts_values[Anum_counted_role - 1]);

	if (DatumGetObjectId(slot->tts_values[Anum_counted_relation - 1]) != total->relid)
		return;
	if (OidIsValid(role))
		total->role = role;
	add_amount(&total->amount, amount_of(slot));
}

/*
 * Read what is committed of a table.
 */
static Total
read_total(Oid relid)
{
	Total		total = {.relid = relid};

	ffu_usage_scan("counted", visit_total, &total);
	return total;
}

/*
 * Return the owner of a table, or its last owner if the table was dropped and
 * anything counts for the table.  Otherwise return InvalidOid.
 */
Oid
ffu_usage_owner(Oid relid)
{
	Oid			owner = owner_of(relid);

	return OidIsValid(owner) ? owner : read_total(relid).role;
}

/*
 * FfuUsageRowVisitor: pass a row of ffu.counted on to *arg, an FfuUsageVisitor.
 */
static void
visit_committed(TupleTableSlot *slot, void *arg)
{
	FfuUsageVisitor *visit = arg;
	Amount		amount = amount_of(slot);
	Oid			owner;

	nread++;
	owner = owner_of(DatumGetObjectId(slot->tts_values[Anum_counted_relation - 1]));
	if (!OidIsValid(owner))
		owner = DatumGetObjectId(slot->tts_values[Anum_counted_role - 1]);
	(*visit) (owner, amount.bytes, amount.doomed);
}

/*
 * Call visit with what is committed.
 */
void
ffu_usage_visit_committed(FfuUsageVisitor visit)
{
	nread = 0;
	ffu_usage_scan("counted", visit_committed, &visit);
}

/*
 * Call visit with what this transaction adds.
 */
void
ffu_usage_visit_added(FfuUsageVisitor visit)
{
	int			i;

	for (i = 0; i < nsums; i++)
		visit(owner_of_sum(&sums[i]), sums[i].amount.bytes, sums[i].stored);
}

/*
 * Has this transaction anything to write into ffu.counted?  Not after DROP
 * EXTENSION, which ends the counting.
 */
bool
ffu_usage_has_sums(void)
{
	return nsums > 0 && OidIsValid(ffu_catalog_relation_if_any("counted"));
}

/*
 * Return the size of a published file in bytes, or -1 if there is no such file
 * or no folder.  The path may be any text: the text may have come into the row
 * round the triggers.
 */
int64
ffu_usage_size(const char *path)
{
	FfuStore   *store = ffu_root_try();
	FfuLook		look;

	if (!ffu_path_valid(path, strlen(path)) || store == NULL ||
		store->methods->look(store, path, &look) != 0 || !S_ISREG(look.mode))
		return -1;
	return look.size;
}

/*
 * Return the size of a file of this transaction in bytes.  The file may have
 * been linked without being read.
 */
int64
ffu_usage_file_size(FfuFile *file)
{
	int64		size = 0;

	if (ffu_file_facts(file)->mime != NULL)
		return ffu_file_facts(file)->size;
	if (ffu_spool_size(ffu_root_use(), ffu_file_staged(file), &size) != 0)
		return 0;
	return size;
}

/*
 * Count a file of this transaction that a row of the table has now.
 */
void
ffu_usage_stored(Oid relid, FfuFile *file)
{
	int64		size = ffu_usage_counting() ? ffu_usage_file_size(file) : -1;

	if (size >= 0)
		add(relid, 1, size)->stored += size;
}

/*
 * Count the file of a row that was restored with its path, if the file is
 * there.
 */
void
ffu_usage_restored(Oid relid, const char *path)
{
	int64		size = ffu_usage_counting() ? ffu_usage_size(path) : -1;

	if (size >= 0)
		add(relid, 1, size)->stored += size;
}

/*
 * Take a file of this transaction back that a row of the table had.
 */
void
ffu_usage_unowned(Oid relid, FfuFile *file)
{
	int64		size = ffu_usage_counting() ? ffu_usage_file_size(file) : -1;

	if (size >= 0)
		add(relid, -1, -size)->stored -= size;
}

/*
 * Take a published file of a table back; -1 stands for no file.
 */
void
ffu_usage_removed(Oid relid, int64 size)
{
	if (size >= 0)
		(void) add(relid, -1, -size);
}

/*
 * Count a deleted file of a table as doomed; -1 stands for no file.
 */
void
ffu_usage_doomed(Oid relid, int64 size)
{
	if (size >= 0 && ffu_usage_counting())
		add(relid, 0, 0)->amount.doomed += size;
}

/*
 * A deletion that counts as doomed is struck off.
 */
void
ffu_usage_struck(Oid relid, int64 size)
{
	if (size >= 0 && ffu_usage_counting())
		add(relid, 0, 0)->amount.doomed -= size;
}

/*
 * Take the file of a doubtful deletion back, which may never have counted for
 * this table: its owner can delete a row with any path.  So a table's sum does
 * not fall below zero; the rest is taken from the database.
 */
void
ffu_usage_cleared(Oid relid, int64 size)
{
	int64		left = read_total(relid).amount.bytes;
	int			i;

	for (i = 0; i < nsums; i++)
		left += sums[i].relid == relid ? sums[i].amount.bytes : 0;
	ffu_usage_removed(left >= size ? relid : InvalidOid, size);
}

/*
 * A table is being dropped, after its files were taken back: note its owner if
 * anything counts for the table.  Such a table has a row of ffu.counted, or a
 * sum.
 */
void
ffu_usage_dropped(Oid relid)
{
	Total		before = read_total(relid);
	int			i;

	for (i = 0; i < nsums && sums[i].relid != relid; i++)
		;
	if (i < nsums || !is_nothing(&before.amount))
		add(relid, 0, 0)->role = owner_of(relid);
}

/*
 * Insert a row into ffu.counted, unless it says nothing.
 */
static void
insert_row(Relation rel, Oid relid, Oid role, Amount amount)
{
	Datum		values[Natts_counted];
	bool		isnull[Natts_counted] = {false};

	if (is_nothing(&amount))
		return;
	values[Anum_counted_relation - 1] = ObjectIdGetDatum(relid);
	values[Anum_counted_role - 1] = ObjectIdGetDatum(role);
	values[Anum_counted_files - 1] = Int64GetDatum(amount.files);
	values[Anum_counted_bytes - 1] = Int64GetDatum(amount.bytes);
	values[Anum_counted_doomed - 1] = Int64GetDatum(amount.doomed);
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values,
											isnull));
}

/*
 * Insert the sum of a table that is gone, for its last owner.  If this
 * transaction has dropped the table, what was committed before moves to the
 * owner as well.
 */
static void
insert_gone(Relation rel, const Sum *sum)
{
	Total		before = read_total(sum->relid);
	Amount		less;

	if (!OidIsValid(sum->role))
	{
		insert_row(rel, sum->relid, before.role, sum->amount);
		return;
	}
	less.files = -before.amount.files;
	less.bytes = -before.amount.bytes;
	less.doomed = -before.amount.doomed;
	insert_row(rel, sum->relid, InvalidOid, less);
	add_amount(&before.amount, sum->amount);
	insert_row(rel, sum->relid, sum->role, before.amount);
}

/*
 * Insert the sums into ffu.counted.
 */
static void
insert_sums(Oid counted)
{
	Relation	rel = table_open(counted, RowExclusiveLock);
	int			i;

	for (i = 0; i < nsums; i++)
	{
		const Sum  *sum = &sums[i];

		if (!OidIsValid(sum->relid) || OidIsValid(owner_of(sum->relid)))
			insert_row(rel, sum->relid, InvalidOid, sum->amount);
		else
			insert_gone(rel, sum);
	}
	table_close(rel, NoLock);
}

/*
 * Fold the rows of ffu.counted, one for each table, if there are many.  Files
 * that a table left count for its last owner, or, if the role is gone too, for
 * the database alone.  If another session folds, do nothing: waiting for its
 * rows could end in a deadlock on the locks of quotas.  The transaction must be
 * READ COMMITTED.
 */
void
ffu_usage_fold(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, InvalidOid, LOCK_FOLD,
						 FFU_LOCK_QUOTA);
	if (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return;
	(void) ffu_catalog_execute(
							   "WITH gone AS (DELETE FROM ffu.counted"
							   " WHERE (SELECT count(*) > 100 FROM ffu.counted)"
							   " RETURNING relation, role, files, bytes, doomed), tables AS"
							   " (SELECT g.relation, max(g.role) AS role,"
							   " sum(g.files) AS files, sum(g.bytes) AS bytes,"
							   " sum(g.doomed) AS doomed"
							   " FROM gone g GROUP BY g.relation)"
							   " INSERT INTO ffu.counted"
							   " SELECT coalesce(c.oid, CASE WHEN r.oid IS NULL THEN 0 ELSE t.relation END) AS id,"
							   " CASE WHEN c.oid IS NULL THEN coalesce(r.oid, 0) ELSE 0 END AS last,"
							   " sum(t.files), sum(t.bytes), sum(t.doomed)"
							   " FROM tables t LEFT JOIN pg_class c ON c.oid = t.relation"
							   " LEFT JOIN pg_roles r ON r.oid = t.role"
							   " GROUP BY id, last HAVING sum(t.files) <> 0 OR sum(t.bytes) <> 0"
							   " OR sum(t.doomed) <> 0",
							   NULL, NULL);
}

/*
 * Write the sums of this transaction, after the last check of the quotas.
 * Without a worker nobody else folds, so fold what the check has found many of.
 * A prepared transaction would keep the others from folding.
 */
void
ffu_usage_before_commit(bool prepare)
{
	if (!ffu_usage_has_sums())
		return;
	insert_sums(ffu_catalog_relation("counted"));
	if (prepare || nread < MANY_ROWS || IsolationUsesXactSnapshot())
		return;
	/* Before a commit no statement runs, so there is no active snapshot. */
	PushActiveSnapshot(GetTransactionSnapshot());
	ffu_usage_fold();
	PopActiveSnapshot();
}

/*
 * A subtransaction of this level commits: give its sums to the parent.  Raise
 * no error.
 */
void
ffu_usage_subcommit(int level)
{
	int			i;
	int			j;

	for (i = nsums - 1; i >= 0 && sums[i].level >= level; i--)
	{
		sums[i].level = level - 1;
		for (j = 0; j < i; j++)
		{
			if (sums[j].relid != sums[i].relid || sums[j].level != level - 1)
				continue;
			add_amount(&sums[j].amount, sums[i].amount);
			sums[j].stored += sums[i].stored;
			if (OidIsValid(sums[i].role))
				sums[j].role = sums[i].role;
			sums[i] = sums[--nsums];
			break;
		}
	}
}

/*
 * A subtransaction of this level aborts: forget its sums.  Raise no error.
 */
void
ffu_usage_subabort(int level)
{
	while (nsums > 0 && sums[nsums - 1].level >= level)
		nsums--;
}

/*
 * The transaction is over: forget everything.  The server frees the
 * memory.  Raise no error.
 */
void
ffu_usage_reset(void)
{
	sums = NULL;
	nsums = max_sums = 0;
	nread = 0;
	counting = -1;
}
