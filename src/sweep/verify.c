/*-------------------------------------------------------------------------
 *
 * verify.c
 *	  Verifies doubtful deletions and staging names: looks for rows that have
 *	  the file.
 *
 * A deletion is doubtful if the path does not prove that ffu made the path for
 * the row that let the file go (proof.c).  Such a path may have come from a
 * row of another table, which still has the file.  ffu.sweep() and the
 * background worker verify many doubtful deletions at a time:
 *
 *	1	Collect the paths of doubtful deletions whose row no snapshot can see.
 *	2	Read every column that can have paths, once.
 *	3	If no row has the path, make the deletion an ordinary deletion for the
 *		next sweep.  If a row has the path, strike the deletion off: the file
 *		stays.
 *
 * A file in use must not be missed.  So (2) reads all rows not certainly dead,
 * committed or not (SnapshotNonVacuumable), and holds a snapshot taken before:
 * a row that is moved meanwhile is seen in the old store.  If only a row in
 * doubt has the path (in progress, or dead to some snapshots), the deletion
 * stays doubtful until the next time.  A row inserted after (2) cannot have
 * the path unless the row bypasses the triggers: BEFORE refuses a path that
 * has a deletion.
 *
 * A staging name is doubtful if an earlier run of the server made it and the
 * commit log does not say that the transaction aborted: the transaction's id
 * may have been lost in a crash and given out again (xid.c).  If a row or
 * ffu.deletion has the path, the transaction committed.  If neither has, and
 * (2) was complete, the transaction did not commit, and the file is removed.
 *
 * A column of type ffu.file without triggers counts, too.  The column owns no
 * file, but may hold the last path of the file.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/heapam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/advisory.h"
#include "base/catalog.h"
#include "base/error.h"
#include "base/query.h"
#include "base/xid.h"
#include "store/dir/root.h"
#include "store/dir/spool.h"
#include "sweep/settle.h"
#include "sweep/verify.h"
#include "transaction/deletion.h"
#include "transaction/usage.h"

/* Memory of a path in the table of doubts, in bytes */
#define DOUBT_SIZE			(sizeof(Doubt) + 32)

/* Maximum number of log messages for refused deletions */
#define MESSAGES_MAX		10

/* A path whose deletion or staging name is doubtful */
typedef struct Doubt
{
	char		path[FFU_PATH_MAX + 1]; /* key */
	int			rows;			/* number of rows with the path */
	Oid			relid;			/* a table with such a row */
	bool		unclear;		/* a row with the path is not visible */
} Doubt;

/* A column that can have paths */
typedef struct PathColumn
{
	Oid			relid;
	AttrNumber	attnum;
} PathColumn;

typedef struct Verification
{
	Relation	rel;			/* ffu.deletion */
	Relation	index;			/* by state and id */
	TransactionId horizon;		/* horizon of ffu.deletion */
	Snapshot	snapshot;		/* held from before the columns are read */
	HTAB	   *doubts;
	long		max;			/* maximum number of doubts at a time */
	int64		rows;			/* maximum number of deletions to read */
	int64		read;			/* number of deletions that collect() read */
	BlockNumber blocks;			/* number that may still be read */
	bool		complete;		/* every column was read */
	List	   *names;			/* doubtful staging names, as FfuStaged */
	FfuVerified *result;
} Verification;

/*
 * Begin to read the doubtful deletions, oldest first.
 */
static SysScanDesc
begin_scan(Verification *v)
{
	ScanKeyData key;

	ScanKeyInit(&key, Anum_deletion_state, BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(FFU_STATE_DOUBTFUL));
	return systable_beginscan_ordered(v->rel, v->index, SnapshotSelf, 1, &key);
}

/*
 * Return the path of a deletion that can be verified, palloc'd: the folder
 * must be the current folder, and no snapshot may see the row that let the
 * path go.  Otherwise return NULL.
 */
static char *
path_to_verify(Verification *v, HeapTuple tuple)
{
	TupleDesc	desc = RelationGetDescr(v->rel);
	TransactionId xmin = HeapTupleHeaderGetXmin(tuple->t_data);
	bool		isnull;
	char	   *root = TextDatumGetCString(heap_getattr(tuple, Anum_deletion_root,
														desc, &isnull));
	char	   *path = TextDatumGetCString(heap_getattr(tuple, Anum_deletion_path,
														desc, &isnull));

	if (!TransactionIdPrecedes(xmin, v->horizon) ||
		(TransactionIdIsNormal(xmin) &&
		 XidInMVCCSnapshot(xmin, v->snapshot)) ||
		strcmp(root, ffu_root_id()) != 0 || strlen(path) > FFU_PATH_MAX)
		return NULL;
	return path;
}

/*
 * Enter a path in the table of doubts.
 */
static void
doubt_path(Verification *v, const char *path)
{
	Doubt	   *doubt = hash_search(v->doubts, path, HASH_ENTER, NULL);

	doubt->rows = 0;
	doubt->unclear = false;
}

/*
 * Step 1 for staging names, as many as fit.
 */
static void
collect_names(Verification *v, FfuStore *store)
{
	List	   *names = ffu_spool_staged_names(store);
	ListCell   *lc;

	foreach(lc, names)
	{
		FfuStaged	staged;
		FfuFate		fate;

		CHECK_FOR_INTERRUPTS();
		if (hash_get_num_entries(v->doubts) >= v->max)
			break;
		if (!ffu_settle_read(lfirst(lc), &staged, &fate) ||
			staged.path[0] == '\0' || fate != FFU_FATE_DOUBTFUL)
			continue;
		doubt_path(v, staged.path);
		v->names = lappend(v->names, memcpy(palloc(sizeof(staged)), &staged,
											sizeof(staged)));
	}
	list_free_deep(names);
}

/*
 * Step 1: collect the doubts.  Return false if there are no doubts.
 */
static bool
collect(Verification *v, FfuStore *store)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "ffu verification",
												  ALLOCSET_DEFAULT_SIZES);
	SysScanDesc scan = begin_scan(v);
	HeapTuple	tuple;
	HASHCTL		ctl;

	memset(&ctl, 0, sizeof(ctl));
	ctl.keysize = FFU_PATH_MAX + 1;
	ctl.entrysize = sizeof(Doubt);
	v->doubts = hash_create("ffu doubtful paths", 64, &ctl,
							HASH_ELEM | HASH_STRINGS);
	collect_names(v, store);
	while (hash_get_num_entries(v->doubts) < v->max && v->read < v->rows &&
		   (tuple = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		char	   *path = path_to_verify(v, tuple);

		CHECK_FOR_INTERRUPTS();
		v->read++;
		if (path != NULL)
			doubt_path(v, path);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	systable_endscan_ordered(scan);
	MemoryContextDelete(context);
	return hash_get_num_entries(v->doubts) > 0;
}

/*
 * Find the columns that can have paths: of type ffu.file, or with ffu's
 * triggers.  Set *columns, palloc'd, and return the number of columns.
 */
static uint64
find_columns(PathColumn **columns)
{
	MemoryContext old = CurrentMemoryContext;
	uint64		n;
	uint64		i;

	ffu_query_open("SELECT c.oid, a.attnum"
				   "  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a"
				   "    ON a.attrelid OPERATOR(pg_catalog.=) c.oid"
				   " WHERE c.relkind OPERATOR(pg_catalog.=) 'r'"
				   "   AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped"
				   "   AND (a.atttypid OPERATOR(pg_catalog.=) 'ffu.file'::pg_catalog.regtype"
				   "        OR EXISTS (SELECT FROM pg_catalog.pg_trigger t"
				   "                    WHERE t.tgrelid OPERATOR(pg_catalog.=) c.oid"
				   "                      AND t.tgattr[0] OPERATOR(pg_catalog.=) a.attnum"
				   "                      AND t.tgfoid OPERATOR(pg_catalog.=)"
				   "                          'ffu.before_row()'::pg_catalog.regprocedure))",
				   0, NULL, NULL, NULL, true);
	n = SPI_processed;
	*columns = MemoryContextAlloc(old, Max(n, 1) * sizeof(PathColumn));
	for (i = 0; i < n; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;

		(*columns)[i].relid =
			DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isnull));
		(*columns)[i].attnum =
			DatumGetInt16(SPI_getbinval(tuple, desc, 2, &isnull));
	}
	SPI_finish();
	return n;
}

/*
 * Count a row with this value, if the value is a path in doubt.
 */
static void
look_up(Verification *v, Relation rel, TupleTableSlot *slot, Datum value)
{
	char		path[FFU_PATH_MAX + 2];
	Doubt	   *doubt;

	text_to_cstring_buffer(DatumGetTextPP(value), path, sizeof(path));
	if (strlen(path) > FFU_PATH_MAX)
		return;
	doubt = hash_search(v->doubts, path, HASH_FIND, NULL);
	if (doubt == NULL)
		return;
	if (table_tuple_satisfies_snapshot(rel, slot, v->snapshot))
	{
		doubt->rows++;
		doubt->relid = RelationGetRelid(rel);
	}
	else
		doubt->unclear = true;
}

/*
 * Step 2 for one open relation.
 */
static void
read_rows(Verification *v, Relation rel, AttrNumber attnum)
{
	SnapshotData undead;
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "ffu verification",
												  ALLOCSET_DEFAULT_SIZES);
	TableScanDesc scan;

	InitNonVacuumableSnapshot(undead, GlobalVisTestFor(rel));
	scan = FFU_BEGINSCAN(rel, &undead);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		Datum		value = slot_getattr(slot, attnum, &isnull);
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		if (isnull || toast_raw_datum_size(value) > VARHDRSZ + FFU_PATH_MAX)
			continue;
		old = MemoryContextSwitchTo(context);
		look_up(v, rel, slot, value);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(context);
}

/*
 * Tell whether a column holds strings.  A trigger made by hand can be on a
 * column of any type.
 */
static bool
is_text(TupleDesc desc, AttrNumber attnum)
{
	Oid			type = attnum > desc->natts ||
	TupleDescAttr(desc, attnum - 1)->attisdropped ? InvalidOid :
	getBaseType(TupleDescAttr(desc, attnum - 1)->atttypid);

	return type == TEXTOID || type == VARCHAROID;
}

/*
 * Step 2 for one column.  Return false if the table cannot be read now: the
 * table is locked, was dropped since the columns were listed, or is too large.
 */
static bool
read_column(Verification *v, const PathColumn *column)
{
	Relation	rel;
	bool		few = true;

	if (!ConditionalLockRelationOid(column->relid, AccessShareLock))
		return false;
	rel = try_relation_open(column->relid, NoLock);
	if (rel == NULL)
	{
		UnlockRelationOid(column->relid, AccessShareLock);
		return false;
	}
	if (rel->rd_rel->relkind == RELKIND_RELATION &&
		!RELATION_IS_OTHER_TEMP(rel) &&
		is_text(RelationGetDescr(rel), column->attnum))
	{
		BlockNumber blocks = RelationGetNumberOfBlocks(rel);

		few = blocks <= v->blocks;
		v->blocks -= few ? blocks : 0;
		if (few)
			read_rows(v, rel, column->attnum);
	}
	relation_close(rel, AccessShareLock);
	return few;
}

/*
 * Step 2: read every column, or stop at the first column that cannot be read.
 */
static void
read_columns(Verification *v)
{
	PathColumn *columns;
	uint64		n = find_columns(&columns);
	uint64		i;

	v->complete = true;
	for (i = 0; i < n && v->complete; i++)
		v->complete = read_column(v, &columns[i]);
	pfree(columns);
}

/*
 * Report a deletion that is struck off.  The path goes only to the server's
 * log: the client of the session may not know the path.
 */
static void
tell(Verification *v, const Doubt *doubt)
{
	char	   *table = DatumGetCString(DirectFunctionCall1(regclassout,
															ObjectIdGetDatum(doubt->relid)));

	if (++v->result->refused > MESSAGES_MAX)
		return;
	ereport(LOG_SERVER_ONLY,
			(errmsg("file \"%s\" is not deleted: a row of table %s has it",
					doubt->path, table),
			 errdetail("The row that let the file go had a path made for another row."),
			 errhint("Find out how the path got into the deleted row: by a restore, replication, or disabled triggers.")));
}

/*
 * Count the file of a cleared deletion as doomed, and take it back, unless the
 * removal of the file was certain before: then there is a deletion, or the file
 * is gone.
 */
static void
count_removal(Verification *v, HeapTuple tuple, const char *path)
{
	TupleDesc	desc = RelationGetDescr(v->rel);
	bool		no_relation;
	bool		no_size;
	Datum		relation = heap_getattr(tuple, Anum_deletion_relation, desc,
										&no_relation);
	Datum		size = heap_getattr(tuple, Anum_deletion_size, desc, &no_size);

	if (no_relation || no_size || !ffu_usage_counting())
		return;
	ffu_usage_doomed(DatumGetObjectId(relation), DatumGetInt64(size));
	if (!ffu_deletion_is_removed(path) && ffu_usage_size(path) >= 0)
		ffu_usage_cleared(DatumGetObjectId(relation), DatumGetInt64(size));
}

/*
 * Step 3 for one deletion.  If another transaction, which has not ended, has
 * verified the deletion, leave it alone.
 */
static void
settle(Verification *v, TupleTableSlot *slot, HeapTuple tuple, const char *path)
{
	Doubt	   *doubt = path == NULL ? NULL :
	hash_search(v->doubts, path, HASH_FIND, NULL);
	Datum		values[Natts_deletion];
	bool		isnull[Natts_deletion] = {false};
	bool		replace[Natts_deletion] = {false};
	bool		no;
	int64		id;

	if (doubt == NULL ||
		(doubt->rows == 0 && (!v->complete || doubt->unclear)) ||
		!ffu_catalog_lock_row(v->rel, tuple, slot))
		v->result->waiting++;
	else if (doubt->rows > 0)
	{
		simple_heap_delete(v->rel, &tuple->t_self);
		tell(v, doubt);
	}
	else
	{
		count_removal(v, tuple, path);
		values[Anum_deletion_state - 1] = CStringGetTextDatum(FFU_STATE_DOOMED);
		replace[Anum_deletion_state - 1] = true;
		CatalogTupleUpdate(v->rel, &tuple->t_self,
						   heap_modify_tuple(tuple, RelationGetDescr(v->rel),
											 values, isnull, replace));
		id = DatumGetInt64(heap_getattr(tuple, Anum_deletion_id,
										RelationGetDescr(v->rel), &no));
		hash_search(v->result->ids, &id, HASH_ENTER, NULL);
		v->result->cleared++;
	}
}

/*
 * Step 3 for all deletions, or for those that collect() has read if their number
 * is limited.
 */
static void
settle_all(Verification *v)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "ffu verification",
												  ALLOCSET_DEFAULT_SIZES);
	TupleTableSlot *slot = table_slot_create(v->rel, NULL);
	SysScanDesc scan = begin_scan(v);
	HeapTuple	tuple;
	int64		read = 0;

	while (read++ < v->rows &&
		   (tuple = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		CHECK_FOR_INTERRUPTS();
		settle(v, slot, tuple, path_to_verify(v, tuple));
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	systable_endscan_ordered(scan);
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(context);
}

/*
 * Step 3 for a staging name.
 */
static void
settle_name(Verification *v, FfuStore *store, FfuStaged *staged)
{
	const Doubt *doubt = hash_search(v->doubts, staged->path, HASH_FIND, NULL);
	bool		committed = doubt->rows > 0 || ffu_deletion_has(staged->path);
	int			result;

	if (!committed && (!v->complete || doubt->unclear))
		return;
	result = ffu_settle(store, staged, committed);
	if (result != 0)
	{
		v->result->failed++;
		ffu_warn_io(LOG_SERVER_ONLY, result, "sweep staging file of file",
					staged->path);
	}
	else if (committed)
		v->result->finished++;
	else
		v->result->undone++;
}

/*
 * Step 3 for all staging names.
 */
static void
settle_names(Verification *v, FfuStore *store)
{
	ListCell   *lc;

	foreach(lc, v->names)
	{
		CHECK_FOR_INTERRUPTS();
		settle_name(v, store, lfirst(lc));
	}
	list_free_deep(v->names);
}

/*
 * Take the lock under which the doubts of this database are verified.  A lock
 * of ffu.deletion would not do: autovacuum takes the same.
 */
static bool
lock_verification(LOCKTAG *tag, bool wait)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, 0, 0, FFU_LOCK_VERIFY);
	return LockAcquire(tag, ExclusiveLock, false, !wait) !=
		LOCKACQUIRE_NOT_AVAIL;
}

/*
 * Verify the doubtful staging names, then the doubtful deletions, as many as
 * fit into maintenance_work_mem, in the caller's transaction, which must be
 * READ COMMITTED.  If the tables have more than max_blocks blocks, do not read
 * all of them, and neither clear a deletion nor remove a file.  Read at most
 * max_rows deletions, the oldest.  Two sessions never verify at the same time:
 * if another session does, wait, or without wait do nothing.
 */
void
ffu_verify(FfuVerified *result, BlockNumber max_blocks, int64 max_rows,
		   bool wait)
{
	Verification v = {.result = result,.blocks = max_blocks,.rows = max_rows};
	HASHCTL		ctl = {.keysize = sizeof(int64),.entrysize = sizeof(int64)};
	FfuStore   *store = ffu_root_use();
	LOCKTAG		tag;

	memset(result, 0, sizeof(*result));
	result->ids = hash_create("ffu cleared deletions", 64, &ctl,
							  HASH_ELEM | HASH_BLOBS);
	if (!lock_verification(&tag, wait))
		return;
	v.rel = table_open(ffu_catalog_relation("deletion"), RowExclusiveLock);
	v.index = index_open(ffu_catalog_relation("deletion_state_idx"),
						 AccessShareLock);
	v.max = Max(maintenance_work_mem * 1024L / DOUBT_SIZE, 1000);
	v.snapshot = RegisterSnapshot(GetLatestSnapshot());
	PushActiveSnapshot(v.snapshot);

	/*
	 * ffu_xid_horizon() also updates the state that GlobalVisTestFor() uses.
	 */
	v.horizon = ffu_xid_horizon(v.rel);
	if (collect(&v, store))
	{
		read_columns(&v);
		settle_names(&v, store);
		settle_all(&v);
		/* Show the cleared deletions to the caller's next command. */
		CommandCounterIncrement();
	}
	else
		result->waiting = v.read;
	hash_destroy(v.doubts);
	PopActiveSnapshot();
	UnregisterSnapshot(v.snapshot);
	index_close(v.index, AccessShareLock);
	table_close(v.rel, NoLock);
	LockRelease(&tag, ExclusiveLock, false);
}
