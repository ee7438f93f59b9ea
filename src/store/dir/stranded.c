/*-------------------------------------------------------------------------
 *
 * stranded.c
 *	  Finds rows whose files would be missing in another folder.
 *
 * A database can have rows with paths and no folder: after the restore of a
 * dump, or after replication of rows.  A new, empty folder would strand their
 * files.  Such rows decide the wording of a hint, and whether ffu.use_folder
 * accepts a new folder.
 *
 * No code of the tables' owners runs here: values are examined, not compared.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/catalog.h"
#include "base/settings.h"
#include "store/dir/stranded.h"

/*
 * List the file columns of this database, as palloc'd FfuPathColumns.  Read
 * the catalog below SQL: in a query, the search path of the caller could bring
 * an operator of somebody else.
 */
List *
ffu_stranded_columns(void)
{
	List	   *columns = NIL;
	Relation	rel = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_tgfoid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(ffu_catalog_function("before_row")));
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
		FfuPathColumn *column;

		if (form->tgattr.dim1 < 1)
			continue;
		column = palloc(sizeof(FfuPathColumn));
		column->relid = form->tgrelid;
		column->attnum = form->tgattr.values[0];
		columns = lappend(columns, column);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return columns;
}

/*
 * Tell whether any of the first limit rows of a table (0: any row) has a value
 * of variable length other than NULL and the empty string.  A parallel plan
 * takes no new snapshot; the statement's own snapshot is good enough for a
 * hint.
 */
static bool
has_value(Relation rel, AttrNumber attnum, int limit)
{
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	Snapshot	snapshot = RegisterSnapshot(IsInParallelMode() ?
											GetActiveSnapshot() : GetLatestSnapshot());
	TableScanDesc scan = FFU_BEGINSCAN(rel, snapshot);
	bool		found = false;
	int			rows = 0;

	while (!found && (limit == 0 || rows++ < limit) &&
		   table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		Datum		value = slot_getattr(slot, attnum, &isnull);

		CHECK_FOR_INTERRUPTS();
		found = !isnull && VARSIZE_ANY_EXHDR(DatumGetPointer(value)) > 0;
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
	return found;
}

/*
 * Tell whether any of the first limit rows of a table (0: any row) has a path.
 * With a limit, skip a table locked by another session.
 */
bool
ffu_stranded_has_path(Oid relid, AttrNumber attnum, int limit)
{
	Relation	rel;
	bool		found = false;

	if (limit == 0)
		LockRelationOid(relid, AccessShareLock);
	else if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return false;
	rel = try_table_open(relid, NoLock);
	if (rel == NULL)
		return false;
	if (rel->rd_rel->relkind == RELKIND_RELATION &&
		attnum <= RelationGetNumberOfAttributes(rel) &&
		TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attlen == -1)
		found = has_value(rel, attnum, limit);
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * Find a file column with a path in any of the first limit rows of the
 * column's table, or in any row if limit is 0.  Return false if no column has
 * a path.
 */
bool
ffu_stranded_find(int limit, Oid *relid, AttrNumber *attnum)
{
	List	   *columns = ffu_stranded_columns();
	ListCell   *lc;

	foreach(lc, columns)
	{
		const FfuPathColumn *column = lfirst(lc);

		if (!ffu_stranded_has_path(column->relid, column->attnum, limit))
			continue;
		*relid = column->relid;
		*attnum = column->attnum;
		return true;
	}
	list_free_deep(columns);
	return false;
}

/*
 * Return the hint for a database without a folder; limit is as in
 * ffu_stranded_find.
 */
const char *
ffu_stranded_hint(int limit)
{
	Oid			relid;
	AttrNumber	attnum;

	if (ffu_stranded_find(limit, &relid, &attnum))
		return "Rows have files already, as after a restore: have a superuser call ffu.claim_folder with the path of the folder, or of a copy, that has these files and that no other database uses.";
	if (*ffu_setting_folder_parent != '\0')
		return psprintf("The first file that is stored makes a folder in \"%s\".",
						ffu_setting_folder_parent);
	return "Have a superuser call ffu.use_folder('/path/of/a/folder').";
}
