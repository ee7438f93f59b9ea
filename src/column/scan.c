/*-------------------------------------------------------------------------
 *
 * scan.c
 *	  Reads every path of a file column.
 *
 * The scan works below the level of SQL and with the latest snapshot.  An
 * older snapshot, as in a REPEATABLE READ transaction, would miss rows that a
 * DROP or TRUNCATE removes all the same, and row-level security and rights
 * would hide rows.  Where writers matter, the caller holds a lock against
 * writers.
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
 * Tell whether a column can have paths.  A relation without storage or a
 * relation that is not permanent has no paths.  A column that is not a text
 * has no paths: then the triggers were made by hand.
 */
static bool
has_paths(Relation rel, AttrNumber attnum)
{
	return rel->rd_rel->relkind == RELKIND_RELATION &&
		rel->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT &&
		ffu_column_is_text(RelationGetDescr(rel), attnum);
}

/*
 * Call visit with every value of a string column that is neither null nor
 * empty.  A relation without storage (a partitioned table) has no values.
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

/* Arguments of doom() */
typedef struct Doom
{
	Relation	rel;
	const FfuColumn *column;
	FfuDoomer  *doomer;
} Doom;

/*
 * FfuPathVisitor: doom the path.  Without a valid proof for the row the
 * deletion is doubtful.
 */
static bool
doom(const char *path, TupleTableSlot *slot, void *arg)
{
	Doom	   *doom = arg;
	bool		copied;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(slot, false, &copied);

	ffu_deletion_add(doom->doomer, path,
					 ffu_column_proves(doom->rel, doom->column, tuple, path),
					 RelationGetRelid(doom->rel));
	if (copied)
		heap_freetuple(tuple);
	return true;
}

/*
 * Doom every path of a file column in this relation, without partitions.
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
