/*-------------------------------------------------------------------------
 *
 * usage.c
 *	  Counts stored files and bytes, and holds transactions to quotas.
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
 * A quota is checked twice.  The first check, when a row gets the file, gives
 * an early error and takes no lock.  The second check is the last step before
 * commit, under a lock for each quota that the transaction adds to, so that no
 * two transactions pass a quota together.  The lock is held from there to the
 * commit record, and in a prepared transaction to COMMIT PREPARED.
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

#include "base/catalog.h"
#include "store/dir/root.h"
#include "store/dir/spool.h"
#include "text/path.h"
#include "transaction/pending.h"
#include "transaction/usage.h"

/* Field 4 of the advisory locks of quotas; see LOCK_CLASS in resumable.c */
#define LOCK_CLASS			0x6677

/* Field 3 of the lock of the session that folds; the other locks have 0 */
#define LOCK_FOLD			1

/* A commit that reads this number of rows of ffu.counted folds them. */
#define MANY_ROWS			200

/* Columns of ffu.counted and ffu.quota */
#define Anum_counted_relation	1
#define Anum_counted_role		2
#define Anum_counted_files		3
#define Anum_counted_bytes		4
#define Natts_counted			4
#define Anum_quota_role			1
#define Anum_quota_bytes		2

/* The role of the quota of the database */
#define WHOLE_DATABASE		InvalidOid

/* Sums of a table at a nesting level of subtransactions */
typedef struct Sum
{
	Oid			relid;
	Oid			role;			/* owner of a table that this level dropped,
								 * or InvalidOid */
	int			level;
	int64		files;
	int64		bytes;
} Sum;

/* What committed rows of ffu.counted say of a table */
typedef struct Total
{
	Oid			relid;
	Oid			role;			/* last owner of a table that is gone */
	int64		files;
	int64		bytes;
} Total;

/* A quota, and what counts for the quota */
typedef struct Quota
{
	Oid			role;			/* or WHOLE_DATABASE */
	int64		allowed;		/* in bytes */
	int64		used;			/* in bytes, committed */
	int64		added;			/* in bytes, by this transaction */
} Quota;

static Sum *sums = NULL;		/* in TopTransactionContext, as quotas */
static int	nsums = 0;
static int	max_sums = 0;

/* The quotas of the early check; NULL until the first check */
static Quota *quotas = NULL;
static int	nquotas = 0;

/* The table that visit_total() sums up */
static Total total;

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
	sums[i].files += files;
	sums[i].bytes += bytes;
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
 * Call visit with every row of a table of ffu in a new snapshot.  All columns
 * must be of fixed length and not null.
 */
static void
scan(const char *name, void (*visit) (TupleTableSlot *slot))
{
	Relation	rel = table_open(ffu_catalog_relation(name), AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc rows = FFU_BEGINSCAN(rel, snapshot);

	while (table_scan_getnextslot(rows, ForwardScanDirection, slot))
	{
		slot_getallattrs(slot);
		visit(slot);
	}
	table_endscan(rows);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	table_close(rel, AccessShareLock);
}

static void
visit_quota(TupleTableSlot *slot)
{
	Quota	   *quota;

	quotas = repalloc(quotas, (nquotas + 1) * sizeof(Quota));
	quota = &quotas[nquotas++];
	quota->role = DatumGetObjectId(slot->tts_values[Anum_quota_role - 1]);
	quota->allowed = DatumGetInt64(slot->tts_values[Anum_quota_bytes - 1]);
	quota->used = quota->added = 0;
}

static void
visit_counted(TupleTableSlot *slot)
{
	Oid			owner;
	int			i;

	nread++;
	owner = owner_of(DatumGetObjectId(slot->tts_values[Anum_counted_relation - 1]));
	if (!OidIsValid(owner))
		owner = DatumGetObjectId(slot->tts_values[Anum_counted_role - 1]);
	for (i = 0; i < nquotas; i++)
	{
		if (quotas[i].role == owner || quotas[i].role == WHOLE_DATABASE)
			quotas[i].used +=
				DatumGetInt64(slot->tts_values[Anum_counted_bytes - 1]);
	}
}

static void
visit_total(TupleTableSlot *slot)
{
	Oid			role = DatumGetObjectId(slot->tts_values[Anum_counted_role - 1]);

	if (DatumGetObjectId(slot->tts_values[Anum_counted_relation - 1]) != total.relid)
		return;
	if (OidIsValid(role))
		total.role = role;
	total.files += DatumGetInt64(slot->tts_values[Anum_counted_files - 1]);
	total.bytes += DatumGetInt64(slot->tts_values[Anum_counted_bytes - 1]);
}

/*
 * Read what is committed of a table.  The result is good until the next call.
 */
static const Total *
read_total(Oid relid)
{
	memset(&total, 0, sizeof(total));
	total.relid = relid;
	scan("counted", visit_total);
	return &total;
}

/*
 * Read all quotas, unless read before.
 */
static void
read_quotas(void)
{
	if (quotas)
		return;
	quotas = MemoryContextAlloc(TopTransactionContext, sizeof(Quota));
	nquotas = 0;
	scan("quota", visit_quota);
}

/*
 * Read the committed bytes under each quota.
 */
static void
read_used(void)
{
	int			i;

	for (i = 0; i < nquotas; i++)
		quotas[i].used = 0;
	nread = 0;
	if (nquotas > 0)
		scan("counted", visit_counted);
}

/*
 * Sum up the bytes that this transaction adds to each quota.
 */
static void
sum_added(void)
{
	int			i;
	int			j;

	for (i = 0; i < nquotas; i++)
		quotas[i].added = 0;
	for (j = 0; j < nsums; j++)
	{
		Oid			owner = owner_of_sum(&sums[j]);

		for (i = 0; i < nquotas; i++)
		{
			if (quotas[i].role == owner || quotas[i].role == WHOLE_DATABASE)
				quotas[i].added += sums[j].bytes;
		}
	}
}

/*
 * Raise 53400 if the transaction adds to a quota and passes the quota.
 */
static void
check_quota(const Quota *quota)
{
	bool		role = quota->role != WHOLE_DATABASE;

	if (quota->added <= 0 || quota->used + quota->added <= quota->allowed)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 role ? errmsg("quota of role \"%s\" exceeded",
						   GetUserNameFromId(quota->role, true)) :
			 errmsg("quota of the database exceeded"),
			 role ?
			 errdetail("The files of its tables have " INT64_FORMAT " bytes, this transaction adds " INT64_FORMAT ", and " INT64_FORMAT " are allowed.",
					   quota->used, quota->added, quota->allowed) :
			 errdetail("Its files have " INT64_FORMAT " bytes, this transaction adds " INT64_FORMAT ", and " INT64_FORMAT " are allowed.",
					   quota->used, quota->added, quota->allowed),
			 errhint("Delete files first, or let a superuser raise the quota with ffu.set_quota().")));
}

/*
 * Check every quota without a lock, after the new file of a row was counted and
 * the old file was taken back.  What other transactions commit after the first check of
 * this transaction counts at the last check only.  Raise 53400.
 */
void
ffu_usage_check(void)
{
	bool		first = quotas == NULL;
	int			i;

	if (!ffu_usage_counting())
		return;
	read_quotas();
	if (first)
		read_used();
	sum_added();
	for (i = 0; i < nquotas; i++)
		check_quota(&quotas[i]);
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
	if (ffu_usage_counting())
		(void) add(relid, 1, ffu_usage_file_size(file));
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
		(void) add(relid, 1, size);
}

/*
 * Take a file of this transaction back that a row of the table had.
 */
void
ffu_usage_unowned(Oid relid, FfuFile *file)
{
	if (ffu_usage_counting())
		(void) add(relid, -1, -ffu_usage_file_size(file));
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
 * Take the file of a doubtful deletion back, which may never have counted for
 * this table: its owner can delete a row with any path.  So a table's sum does
 * not fall below zero; the rest is taken from the database.
 */
void
ffu_usage_cleared(Oid relid, int64 size)
{
	int64		left = read_total(relid)->bytes;
	int			i;

	for (i = 0; i < nsums; i++)
		left += sums[i].relid == relid ? sums[i].bytes : 0;
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
	const Total *before = read_total(relid);
	int			i;

	for (i = 0; i < nsums && sums[i].relid != relid; i++)
		;
	if (i < nsums || before->files != 0 || before->bytes != 0)
		add(relid, 0, 0)->role = owner_of(relid);
}

/*
 * Order quotas by role, so that all transactions take locks in one order.
 */
static int
compare_quotas(const void *a, const void *b)
{
	Oid			x = ((const Quota *) a)->role;
	Oid			y = ((const Quota *) b)->role;

	return x < y ? -1 : x > y;
}

/*
 * Do the last check, under the locks, with the bytes committed by now.
 */
static void
check_last(void)
{
	LOCKTAG		tag;
	int			locked = 0;
	int			i;

	quotas = NULL;
	read_quotas();
	sum_added();
	qsort(quotas, nquotas, sizeof(Quota), compare_quotas);
	for (i = 0; i < nquotas; i++)
	{
		if (quotas[i].added <= 0)
			continue;
		SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, quotas[i].role, 0, LOCK_CLASS);
		(void) LockAcquire(&tag, ExclusiveLock, false, false);
		locked++;
	}
	if (locked == 0)
		return;
	read_used();
	for (i = 0; i < nquotas; i++)
		check_quota(&quotas[i]);
}

/*
 * Insert a row into ffu.counted, unless it says nothing.
 */
static void
insert_row(Relation rel, Oid relid, Oid role, int64 files, int64 bytes)
{
	Datum		values[Natts_counted];
	bool		isnull[Natts_counted] = {false};

	if (files == 0 && bytes == 0)
		return;
	values[Anum_counted_relation - 1] = ObjectIdGetDatum(relid);
	values[Anum_counted_role - 1] = ObjectIdGetDatum(role);
	values[Anum_counted_files - 1] = Int64GetDatum(files);
	values[Anum_counted_bytes - 1] = Int64GetDatum(bytes);
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
	Total		before = *read_total(sum->relid);

	if (!OidIsValid(sum->role))
	{
		insert_row(rel, sum->relid, before.role, sum->files, sum->bytes);
		return;
	}
	insert_row(rel, sum->relid, InvalidOid, -before.files, -before.bytes);
	insert_row(rel, sum->relid, sum->role, before.files + sum->files,
			   before.bytes + sum->bytes);
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
			insert_row(rel, sum->relid, InvalidOid, sum->files, sum->bytes);
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

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, InvalidOid, LOCK_FOLD, LOCK_CLASS);
	if (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return;
	(void) ffu_catalog_execute(
							   "WITH gone AS (DELETE FROM ffu.counted"
							   " WHERE (SELECT count(*) > 100 FROM ffu.counted)"
							   " RETURNING relation, role, files, bytes), tables AS"
							   " (SELECT g.relation, max(g.role) AS role,"
							   " sum(g.files) AS files, sum(g.bytes) AS bytes"
							   " FROM gone g GROUP BY g.relation)"
							   " INSERT INTO ffu.counted"
							   " SELECT coalesce(c.oid, CASE WHEN r.oid IS NULL THEN 0 ELSE t.relation END) AS id,"
							   " CASE WHEN c.oid IS NULL THEN coalesce(r.oid, 0) ELSE 0 END AS last,"
							   " sum(t.files), sum(t.bytes)"
							   " FROM tables t LEFT JOIN pg_class c ON c.oid = t.relation"
							   " LEFT JOIN pg_roles r ON r.oid = t.role"
							   " GROUP BY id, last HAVING sum(t.files) <> 0 OR sum(t.bytes) <> 0",
							   NULL, NULL);
}

/*
 * Check the quotas for the last time, and write the sums of this transaction.
 * Before the record of COMMIT or PREPARE, after everything that can take long.
 * Without a worker nobody else folds, so fold what the check has found many of.
 * A prepared transaction would keep the others from folding.
 */
void
ffu_usage_before_commit(bool prepare)
{
	Oid			counted;

	if (nsums == 0)
		return;
	/* DROP EXTENSION ends the counting. */
	counted = ffu_catalog_relation_if_any("counted");
	if (!OidIsValid(counted))
		return;
	check_last();
	insert_sums(counted);
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
			sums[j].files += sums[i].files;
			sums[j].bytes += sums[i].bytes;
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
	quotas = NULL;
	nquotas = 0;
	nread = 0;
	counting = -1;
}
