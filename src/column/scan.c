/*-------------------------------------------------------------------------
 *
 * scan.c
 *	  Every path of a file column.
 *
 * Below the level of SQL and with the latest snapshot: an older one, such as
 * that of a REPEATABLE READ transaction, would miss rows that a DROP or
 * TRUNCATE removes all the same, and row-level security and rights would hide
 * some.  The caller holds a lock that keeps writers out where that matters.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/htup_details.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "column/scan.h"
#include "transaction/deletion.h"

/*
 * Can this column have paths?  Not in a relation without storage of its own,
 * nor in one that is not permanent, nor where the column is no text: then its
 * triggers were made by hand.
 */
static bool
has_paths(Relation rel, AttrNumber attnum)
{
	return rel->rd_rel->relkind == RELKIND_RELATION &&
		rel->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT &&
		ffu_column_is_text(RelationGetDescr(rel), attnum);
}

/*
 * Call visit with every value of a string column that is not null or empty.
 * A relation without storage of its own (a partitioned table) has none.
 */
void
ffu_scan_paths(Relation rel, AttrNumber attnum, FfuPathVisitor visit,
			   void *arg)
{
	Snapshot	snapshot;
	TupleTableSlot *slot;
	TableScanDesc scan;
	MemoryContext context;
	MemoryContext old;
	bool		more = true;

	if (!has_paths(rel, attnum))
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "ffu scan",
									ALLOCSET_DEFAULT_SIZES);
	slot = table_slot_create(rel, NULL);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	scan = FFU_BEGINSCAN(rel, snapshot);
	while (more && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		Datum		value = slot_getattr(slot, attnum, &isnull);

		CHECK_FOR_INTERRUPTS();
		if (isnull)
			continue;
		old = MemoryContextSwitchTo(context);
		if (VARSIZE_ANY_EXHDR(DatumGetPointer(value)) > 0)
			more = visit(TextDatumGetCString(value), slot, arg);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(context);
}

/* What dooms the paths of a column */
typedef struct Doom
{
	Relation	rel;
	const FfuColumn *column;
	FfuDoomer  *doomer;
} Doom;

/*
 * FfuPathVisitor: doom the path.
 */
static bool
doom(const char *path, TupleTableSlot *slot, void *arg)
{
	Doom	   *doom = arg;
	bool		copied;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(slot, false, &copied);

	ffu_deletion_add(doom->doomer, path,
					 ffu_column_proves(doom->rel, doom->column, tuple, path));
	if (copied)
		heap_freetuple(tuple);
	return true;
}

/*
 * Doom every path of a file column, in this relation alone.
 */
void
ffu_scan_doom(Relation rel, const FfuColumn *column)
{
	Doom		arg = {.rel = rel,.column = column};

	if (!has_paths(rel, column->attnum))
		return;
	arg.doomer = ffu_deletion_begin();
	ffu_scan_paths(rel, column->attnum, doom, &arg);
	ffu_deletion_end(arg.doomer);
}
