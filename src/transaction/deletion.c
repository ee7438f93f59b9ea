/*-------------------------------------------------------------------------
 *
 * deletion.c
 *	  The table of deletions: which files go because a row let them go.
 *
 * A file must go when the transaction that deleted its row commits.  So the
 * intent to delete lives in the database, as a row of ffu.deletion that the
 * same transaction inserts.  Rollback, savepoints, two-phase commit,
 * replication and backup then need no code here.  This file writes the rows by
 * OID and below the level of SQL: no caller needs rights on the table, and no
 * search path, rule or policy can interfere.
 *
 * A path made by the same transaction needs no row: the staging name records
 * the path until commit.
 *
 * A deletion is doubtful if the path was not made for the row that let the
 * path go (proof.c).  The sweep keeps the file of a doubtful deletion until
 * verify.c has found that no other row has the path.
 *
 * Two states are marks and not work to do; ffu.check reads them:
 *
 *	detached	a row let go of the path, and the file stays
 *	dangling	a row keeps the path, and the file goes: the doomed row just
 *				before the mark removes the file
 *
 * The sweep reads rows by state and skips marks.  A mark ends when its path is
 * doomed again: the first deletion of the path with a higher number than the
 * mark is struck off together with the mark.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "commands/sequence.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/catalog.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/version.h"
#include "store/dir/root.h"
#include "text/path.h"
#include "transaction/deletion.h"
#include "transaction/dooms.h"
#include "transaction/pending.h"
#include "transaction/usage.h"

/* Number of paths for which a filter is made */
#define FILTER_PATHS		1000000

struct FfuDoomer
{
	Relation	rel;
	EState	   *estate;
	ResultRelInfo *result_rel;
	TupleTableSlot *slot;
	Oid			sequence;
	char		root_id[FFU_ROOT_ID_LEN + 1];
};

/*
 * Set root_id to the id of this database's root, or to "" if the database has
 * not claimed a root (a restored dump).  Claiming a root fills the id in.
 */
static void
find_root_id(char *root_id)
{
	FfuClaim	claim;

	if (ffu_root_in_use() != NULL)
		strlcpy(root_id, ffu_root_id(), FFU_ROOT_ID_LEN + 1);
	else if (ffu_root_read_claim(&claim, false))
		strlcpy(root_id, claim.root_id, FFU_ROOT_ID_LEN + 1);
	else
		root_id[0] = '\0';
}

/*
 * Prepare to doom paths.  The caller ends the doomer with ffu_deletion_end, in
 * the same subtransaction.
 */
FfuDoomer *
ffu_deletion_begin(void)
{
	FfuDoomer  *doomer = palloc0(sizeof(FfuDoomer));

	ffu_version_check();
	ffu_pending_require_open();
	find_root_id(doomer->root_id);
	doomer->rel = table_open(ffu_catalog_relation("deletion"), RowExclusiveLock);
	doomer->sequence = ffu_catalog_relation("deletion_id_seq");
	doomer->estate = CreateExecutorState();
	doomer->result_rel = makeNode(ResultRelInfo);
	InitResultRelInfo(doomer->result_rel, doomer->rel, 0, NULL, 0);
	ExecOpenIndices(doomer->result_rel, false);
	doomer->slot = table_slot_create(doomer->rel, NULL);
	return doomer;
}

/*
 * Insert a row: a deletion of a path of an earlier transaction, or a mark.  If
 * size is not negative, the file counts for relid, as doomed if the deletion is
 * certain.
 * Leave the position of the row in doomer->slot.
 */
static void
insert_row(FfuDoomer *doomer, const char *path, const char *state, Oid relid,
		   int64 size)
{
	TupleTableSlot *slot = doomer->slot;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, Natts_deletion * sizeof(bool));
#define SET(attnum, value) \
	(slot->tts_values[(attnum) - 1] = (value), \
	 slot->tts_isnull[(attnum) - 1] = false)
	SET(Anum_deletion_id,
		Int64GetDatum(nextval_internal(doomer->sequence, false)));
	SET(Anum_deletion_root, CStringGetTextDatum(doomer->root_id));
	SET(Anum_deletion_path, CStringGetTextDatum(path));
	SET(Anum_deletion_state, CStringGetTextDatum(state));
	SET(Anum_deletion_doomed_at,
		TimestampTzGetDatum(GetCurrentStatementStartTimestamp()));
	SET(Anum_deletion_attempts, Int32GetDatum(0));
	if (size >= 0)
	{
		SET(Anum_deletion_relation, ObjectIdGetDatum(relid));
		SET(Anum_deletion_size, Int64GetDatum(size));
	}
#undef SET
	ExecStoreVirtualTuple(slot);
	table_tuple_insert(doomer->rel, slot, GetCurrentCommandId(true), 0, NULL);
	if (doomer->result_rel->ri_NumIndices > 0)
		FFU_INSERT_INDEX_TUPLES(doomer->result_rel, slot, doomer->estate);
}

/*
 * Return the size of a file that counts when a row lets the path go, or -1.
 * file is the file if this transaction made the path.
 */
static int64
counted_size(const char *path, FfuFile *file)
{
	if (!ffu_usage_counting())
		return -1;
	if (file == NULL)
		return ffu_usage_size(path);
	return ffu_file_life(file) == FFU_LIFE_OWNED ?
		ffu_usage_file_size(file) : -1;
}

/*
 * Does a row say that the removal of the file is certain?
 */
static bool
is_certain(Relation rel, HeapTuple tuple)
{
	bool		isnull;
	Datum		state = heap_getattr(tuple, Anum_deletion_state,
									 RelationGetDescr(rel), &isnull);
	char	   *name = TextDatumGetCString(state);

	return strcmp(name, FFU_STATE_DOOMED) == 0 ||
		strcmp(name, FFU_STATE_KEPT) == 0;
}

/*
 * Is there a certain deletion of the path besides the row at tid, even of a
 * transaction in progress?
 */
static bool
is_doomed_twice(Relation rel, const char *path, ItemPointer tid)
{
	SnapshotData dirty;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	InitDirtySnapshot(dirty);
	ScanKeyInit(&key, Anum_deletion_path, BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(path));
	scan = systable_beginscan(rel, ffu_catalog_relation("deletion_path_idx"),
							  true, &dirty, 1, &key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
		found = !ItemPointerEquals(&tuple->t_self, tid) && is_certain(rel, tuple);
	systable_endscan(scan);
	return found;
}

/*
 * Take the file of a certain deletion back, just after the row of the deletion
 * was inserted.  Two rows can have one path if someone disabled triggers, and
 * two transactions can delete the rows at once.  Each has inserted before it
 * looks, so one at least sees the other, and they never take the file back
 * twice.  If both see each other, or if the other aborts later, the file counts
 * until ffu.recount(): a quota may refuse too much, not too little.  Look at
 * the file last: a deletion is struck off only after the file.
 */
static void
uncount(FfuDoomer *doomer, const char *path, Oid relid)
{
	if (ffu_usage_counting() &&
		!is_doomed_twice(doomer->rel, path, &doomer->slot->tts_tid))
		ffu_usage_removed(relid, ffu_usage_size(path));
}

/*
 * DOOM of a path made by this transaction, for a row of the table relid.
 */
static void
doom_own(FfuFile *file, Oid relid)
{
	if (ffu_file_life(file) == FFU_LIFE_OWNED)
		ffu_usage_unowned(relid, file);
	ffu_pending_doom_own(file);
}

/*
 * Insert the deletion of a path, and count.  file is the file if this
 * transaction made the path; then doom_own() has counted a proven deletion.  A
 * doubtful deletion counts when verify.c has cleared the deletion.
 */
static void
insert_doom(FfuDoomer *doomer, const char *path, bool proven, Oid relid,
			FfuFile *file)
{
	if (!proven)
		insert_row(doomer, path, FFU_STATE_DOUBTFUL, relid,
				   counted_size(path, file));
	else
	{
		int64		size = file == NULL ? counted_size(path, NULL) : -1;

		insert_row(doomer, path, FFU_STATE_DOOMED, relid, size);
		ffu_usage_doomed(relid, size);
		if (file == NULL)
			uncount(doomer, path, relid);
	}
}

/*
 * DOOM: remove the file with this path if this subtransaction commits.  Warn
 * of a text that is not a path ffu could have made, and delete nothing: such a
 * text came round the triggers.
 *
 * proven says that the path was made for the row.  Without a proof another row
 * may have the file, even a row of this transaction, and the file stays until
 * verify.c has looked.
 */
void
ffu_deletion_add(FfuDoomer *doomer, const char *path, bool proven, Oid relid)
{
	FfuFile    *file;
	MemoryContext old;

	if (!ffu_path_valid(path, strlen(path)))
	{
		ereport(WARNING,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("file column had a value that is not a path: \"%s\"",
						ffu_shown(path, strlen(path))),
				 errdetail("No file was deleted for it.")));
		return;
	}
	file = ffu_pending_by_path(path);
	if (file != NULL && proven)
	{
		doom_own(file, relid);
		/* Only an inserted row ends a mark of this transaction. */
		if (!ffu_dooms_marked())
			return;
	}
	old = MemoryContextSwitchTo(GetPerTupleMemoryContext(doomer->estate));
	insert_doom(doomer, path, proven, relid, file);
	MemoryContextSwitchTo(old);
	ResetPerTupleExprContext(doomer->estate);
	if (proven)
		ffu_dooms_add(path, RelationGetRelid(doomer->rel));
	else
		ffu_dooms_doubt(RelationGetRelid(doomer->rel));
	FFU_FAULT("doom-after-insert");
}

/*
 * Close the table and indexes, and free the doomer.
 */
void
ffu_deletion_end(FfuDoomer *doomer)
{
	ExecDropSingleTupleTableSlot(doomer->slot);
	ExecCloseIndices(doomer->result_rel);
	FreeExecutorState(doomer->estate);
	table_close(doomer->rel, NoLock);
	pfree(doomer);
}

/*
 * Doom one path, for a row of the table relid.
 */
void
ffu_deletion_doom(const char *path, bool proven, Oid relid)
{
	FfuFile    *file = ffu_pending_by_path(path);
	FfuDoomer  *doomer;

	if (file != NULL && proven && !ffu_dooms_marked())
	{
		doom_own(file, relid);
		return;
	}
	doomer = ffu_deletion_begin();
	ffu_deletion_add(doomer, path, proven, relid);
	ffu_deletion_end(doomer);
}

/*
 * Mark a path as detached or dangling, for a row of the table relid.  A
 * detached file goes on counting for the table.
 */
void
ffu_deletion_mark(const char *path, const char *state, Oid relid)
{
	FfuDoomer  *doomer = ffu_deletion_begin();
	bool		detached = strcmp(state, FFU_STATE_DETACHED) == 0;

	insert_row(doomer, path, state, relid,
			   detached ? counted_size(path, ffu_pending_by_path(path)) : -1);
	ffu_deletion_end(doomer);
	ffu_dooms_mark();
}

/*
 * Return what a row of ffu.deletion says about the path: a set of
 * FFU_DELETION_...
 */
static int
row_kind(Relation rel, HeapTuple tuple)
{
	bool		isnull;
	char	   *state = TextDatumGetCString(heap_getattr(tuple,
														 Anum_deletion_state,
														 RelationGetDescr(rel),
														 &isnull));
	int			kind;

	if (strcmp(state, FFU_STATE_DETACHED) == 0)
		return FFU_DELETION_DETACHED;
	kind = strcmp(state, FFU_STATE_DANGLING) == 0 ?
		FFU_DELETION_DANGLING : FFU_DELETION_GOES;
	if (kind == FFU_DELETION_GOES && strcmp(state, FFU_STATE_DOUBTFUL) != 0)
		kind |= FFU_DELETION_CERTAIN;
	if (!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)))
		kind |= FFU_DELETION_COMMITTED;
	return kind;
}

/*
 * Return what all rows of a path say that are committed or made by this
 * transaction: a set of FFU_DELETION_...  Read the table as of now, not as of
 * the transaction's snapshot.  Take no predicate lock, so that reading never
 * causes a serialization failure.
 */
int
ffu_deletion_rows(const char *path)
{
	Relation	rel = table_open(ffu_catalog_relation("deletion"), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	int			rows = 0;

	ScanKeyInit(&key, Anum_deletion_path, BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(path));
	scan = systable_beginscan(rel, ffu_catalog_relation("deletion_path_idx"),
							  true, SnapshotSelf, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		rows |= row_kind(rel, tuple);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return rows;
}

/*
 * Is there any row of this path?  If not, ffu.deletion knows nothing of the
 * file.
 */
bool
ffu_deletion_has(const char *path)
{
	return ffu_deletion_rows(path) != 0;
}

/*
 * Is the file of this path gone, or will the file go if this transaction
 * commits?
 */
bool
ffu_deletion_goes(const char *path)
{
	return (ffu_deletion_rows(path) & ~FFU_DELETION_DETACHED) != 0;
}

/*
 * Is the removal of the file certain: is there a deletion that is not
 * doubtful?
 */
bool
ffu_deletion_is_removed(const char *path)
{
	return (ffu_deletion_rows(path) & FFU_DELETION_CERTAIN) != 0;
}

/*
 * Is it forbidden to assign the path to a row?  A committed deletion forbids
 * the path: the file may go at any moment, and the new value may come from a
 * stale row.  A deletion by this transaction allows the path: the bytes stay
 * until commit, and a copy gets another path.
 */
bool
ffu_deletion_forbids(const char *path)
{
	return (ffu_deletion_rows(path) & FFU_DELETION_COMMITTED) != 0;
}

/*
 * Do only deletions by this transaction remove the file?
 */
bool
ffu_deletion_is_ours(const char *path)
{
	int			rows = ffu_deletion_rows(path);

	return (rows & FFU_DELETION_GOES) != 0 &&
		(rows & FFU_DELETION_COMMITTED) == 0;
}

/*
 * Does only this transaction remove the file, because a row let the path go for
 * which the path was made?
 */
bool
ffu_deletion_is_proven(const char *path)
{
	int			rows = ffu_deletion_rows(path);

	return (rows & FFU_DELETION_CERTAIN) != 0 &&
		(rows & FFU_DELETION_COMMITTED) == 0;
}

/*
 * Did this transaction insert this row of ffu.deletion, in the command with
 * this id or a later command?
 */
static bool
is_since(HeapTuple tuple, CommandId since)
{
	return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)) &&
		HeapTupleHeaderGetCmin(tuple->t_data) >= since;
}

/*
 * Make a Bloom filter of the paths that this transaction has doomed since the
 * command with this id.  The filter contains every such path and lets few
 * other paths pass.  work_mem bounds the size.  The caller frees the filter
 * with bloom_free.
 */
bloom_filter *
ffu_deletion_filter(CommandId since)
{
	Relation	rel = table_open(ffu_catalog_relation("deletion"), AccessShareLock);
	bloom_filter *filter = bloom_create(FILTER_PATHS, work_mem, 0);
	SysScanDesc scan;
	HeapTuple	tuple;

	scan = systable_beginscan(rel, InvalidOid, false, SnapshotSelf, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		text	   *path;

		CHECK_FOR_INTERRUPTS();
		if (!is_since(tuple, since))
			continue;
		path = DatumGetTextPP(heap_getattr(tuple, Anum_deletion_path,
										   RelationGetDescr(rel), &isnull));
		bloom_add_element(filter, (unsigned char *) VARDATA_ANY(path),
						  VARSIZE_ANY_EXHDR(path));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return filter;
}

/*
 * Has this transaction doomed the path since the command with this id?
 */
bool
ffu_deletion_is_since(const char *path, CommandId since)
{
	Relation	rel = table_open(ffu_catalog_relation("deletion"), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&key, Anum_deletion_path, BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(path));
	scan = systable_beginscan(rel, ffu_catalog_relation("deletion_path_idx"),
							  true, SnapshotSelf, 1, &key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
		found = is_since(tuple, since);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * Strike off the deletions of a path that were made while no folder was
 * claimed.  The caller has found that no folder is claimed now, so nothing can
 * have removed the file.
 */
static void
strike_without_root(const char *path)
{
	Relation	rel = table_open(ffu_catalog_relation("deletion"), RowExclusiveLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_deletion_path, BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(path));
	scan = systable_beginscan(rel, ffu_catalog_relation("deletion_path_idx"),
							  true, SnapshotSelf, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		root = heap_getattr(tuple, Anum_deletion_root,
										RelationGetDescr(rel), &isnull);

		if (!isnull && VARSIZE_ANY_EXHDR(DatumGetPointer(root)) == 0)
			simple_heap_delete(rel, &tuple->t_self);
	}
	systable_endscan(scan);
	table_close(rel, NoLock);
}

/*
 * May a restored row come back with this path?  Return false if the file may
 * be removed.  In a database without a folder nothing removes files, so strike
 * the deletion of the path off and return true.
 */
bool
ffu_deletion_admits_restore(const char *path)
{
	FfuClaim	claim;

	if (!ffu_deletion_has(path))
		return true;
	if (ffu_root_read_claim(&claim, true))
		return false;
	strike_without_root(path);
	return !ffu_deletion_has(path);
}

/*
 * Return the size of the file of a deletion that counts as doomed, or -1 if the
 * deletion does not count, or if the file is gone.  Set *relid.
 */
static int64
doomed_size(Relation rel, HeapTuple tuple, Oid *relid)
{
	Datum		values[Natts_deletion];
	bool		isnull[Natts_deletion];
	char	   *state;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, isnull);
	if (isnull[Anum_deletion_relation - 1] || isnull[Anum_deletion_size - 1])
		return -1;
	*relid = DatumGetObjectId(values[Anum_deletion_relation - 1]);
	state = TextDatumGetCString(values[Anum_deletion_state - 1]);
	if (strcmp(state, FFU_STATE_KEPT) == 0)
		return DatumGetInt64(values[Anum_deletion_size - 1]);
	if (strcmp(state, FFU_STATE_DOOMED) != 0)
		return -1;
	return ffu_usage_size(TextDatumGetCString(values[Anum_deletion_path - 1]));
}

/*
 * Call visit with every file on the disk that earlier transactions have
 * deleted, and that counts.
 */
void
ffu_deletion_visit_doomed(FfuDoomedVisitor visit, void *arg)
{
	Relation	rel = table_open(ffu_catalog_relation("deletion"), AccessShareLock);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "ffu doomed files",
												  ALLOCSET_DEFAULT_SIZES);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, SnapshotSelf,
										  0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		Oid			relid;
		int64		size = -1;

		CHECK_FOR_INTERRUPTS();
		if (!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)))
			size = doomed_size(rel, tuple, &relid);
		if (size >= 0)
			visit(relid, size, arg);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	systable_endscan(scan);
	MemoryContextDelete(context);
	table_close(rel, AccessShareLock);
}
