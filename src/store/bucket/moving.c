/*-------------------------------------------------------------------------
 *
 * moving.c
 *	  The table of files that wait for their move to the bucket.
 *
 * With ffu.move_after a COMMIT stores the files of a column for the bucket in
 * the folder, and in the same transaction a row of ffu.moving for each.  So an
 * outage of the store fails no COMMIT.  The worker moves the files later, in two
 * transactions like every move (move.c):
 *
 *	row, not copied		the file is copied to the bucket; the commit that the
 *						store has answered also sets copied
 *	row, copied			the file of the folder is removed, and the row
 *	no file in the folder	the row is removed: the file has moved already, or
 *						was deleted
 *
 * A file that may not move yet is passed over, and one that cannot be read goes
 * to the end of the queue, so that neither holds up the files behind it.
 *
 * Movers lock each other out, so only one changes a row.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/catalog.h"
#include "base/settings.h"
#include "store/bucket/moving.h"

/* Columns of ffu.moving */
#define Anum_moving_path		1
#define Anum_moving_sha256		2
#define Anum_moving_stored_at	3
#define Anum_moving_copied		4
#define Natts_moving			4

/*
 * Make a row.
 */
static HeapTuple
make_row(Relation rel, const char *path, const char *sha256, bool copied)
{
	Datum		values[Natts_moving];
	bool		isnull[Natts_moving] = {false};

	values[Anum_moving_path - 1] = CStringGetTextDatum(path);
	values[Anum_moving_sha256 - 1] = CStringGetTextDatum(sha256 ? sha256 : "");
	isnull[Anum_moving_sha256 - 1] = sha256 == NULL || *sha256 == '\0';
	values[Anum_moving_stored_at - 1] =
		TimestampTzGetDatum(GetCurrentTimestamp());
	values[Anum_moving_copied - 1] = BoolGetDatum(copied);
	return heap_form_tuple(RelationGetDescr(rel), values, isnull);
}

/*
 * Add the files of this transaction that are to move later.
 */
void
ffu_moving_add(const FfuOutgoing *files, uint32 n)
{
	Relation	rel = NULL;
	uint32		i;

	for (i = 0; i < n; i++)
	{
		HeapTuple	tuple;

		if (!files[i].move_later)
			continue;
		if (rel == NULL)
			rel = table_open(ffu_catalog_relation("moving"), RowExclusiveLock);
		tuple = make_row(rel, files[i].staged->path, files[i].sha256, false);
		CatalogTupleInsert(rel, tuple);
		heap_freetuple(tuple);
	}
	if (rel != NULL)
		table_close(rel, NoLock);
}

/*
 * Read a row.
 */
static FfuMoving *
read_row(Relation rel, HeapTuple tuple)
{
	FfuMoving  *moving = palloc(sizeof(FfuMoving));
	Datum		values[Natts_moving];
	bool		isnull[Natts_moving];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, isnull);
	moving->tid = tuple->t_self;
	moving->copied = DatumGetBool(values[Anum_moving_copied - 1]);
	moving->path = TextDatumGetCString(values[Anum_moving_path - 1]);
	moving->sha256 = isnull[Anum_moving_sha256 - 1] ? NULL :
		TextDatumGetCString(values[Anum_moving_sha256 - 1]);
	return moving;
}

/*
 * Begin to read the rows that are due, the oldest first: files that are copied
 * at once, others after ffu.move_after.
 */
static SysScanDesc
begin_scan(Relation rel, Relation index, bool copied)
{
	int64		wait = Max(ffu_setting_move_after, 0) * USECS_PER_SEC;
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], Anum_moving_copied, BTEqualStrategyNumber, F_BOOLEQ,
				BoolGetDatum(copied));
	ScanKeyInit(&keys[1], Anum_moving_stored_at, BTLessEqualStrategyNumber,
				F_TIMESTAMPTZ_LE,
				TimestampTzGetDatum(GetCurrentTimestamp() - wait));
	return systable_beginscan_ordered(rel, index, SnapshotSelf,
									  copied ? 1 : 2, keys);
}

/*
 * Add the files that are due, and that may move, to a list of at most limit.
 * Files that may not move do not count, so that they hold up no others.
 */
static List *
add_due(List *due, bool copied, int limit, FfuMovingFilter may,
		const void *arg)
{
	Relation	rel = table_open(ffu_catalog_relation("moving"), AccessShareLock);
	Relation	index = index_open(ffu_catalog_relation("moving_due_idx"),
								   AccessShareLock);
	SysScanDesc scan = begin_scan(rel, index, copied);
	HeapTuple	tuple;

	while (list_length(due) < limit &&
		   HeapTupleIsValid(tuple = systable_getnext_ordered(scan,
															 ForwardScanDirection)))
	{
		FfuMoving  *moving = read_row(rel, tuple);

		if (may == NULL || may(moving->path, arg))
			due = lappend(due, moving);
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	return due;
}

/*
 * List at most limit files that are due, as palloc'd FfuMoving.  may tells
 * which of them may move now; NULL: all.
 */
List *
ffu_moving_due(int limit, FfuMovingFilter may, const void *arg)
{
	return add_due(add_due(NIL, true, limit, may, arg), false, limit, may, arg);
}

/*
 * Note whether the bucket has a file.
 */
void
ffu_moving_set(const FfuMoving *moving, bool copied)
{
	Relation	rel = table_open(ffu_catalog_relation("moving"), RowExclusiveLock);
	HeapTuple	tuple = make_row(rel, moving->path, moving->sha256, copied);
	ItemPointerData tid = moving->tid;

	CatalogTupleUpdate(rel, &tid, tuple);
	heap_freetuple(tuple);
	table_close(rel, NoLock);
}

/*
 * Strike a file off.
 */
void
ffu_moving_remove(const FfuMoving *moving)
{
	Relation	rel = table_open(ffu_catalog_relation("moving"), RowExclusiveLock);
	ItemPointerData tid = moving->tid;

	CatalogTupleDelete(rel, &tid);
	table_close(rel, NoLock);
}
