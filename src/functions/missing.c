/*-------------------------------------------------------------------------
 *
 * missing.c
 *	  Rows whose files are missing in the folder.
 *
 * ffu._check_files() finds them.  The list outlives transactions, so that no
 * snapshot is held while files are fetched; so a row of the list is looked up
 * again by its place in the table, with a snapshot of now.  If the row is at
 * another place by then, the caller makes another list.
 *
 * A value is read as the table stores it, for every table, and no code of a
 * table's owner runs.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/relation.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "column/column.h"
#include "functions/missing.h"
#include "text/path.h"

/* Columns of the list */
#define Anum_list_relid		1
#define Anum_list_attnum	2
#define Anum_list_size		3
#define Anum_list_sha256	4
#define Anum_list_tid		5
#define Anum_list_path		6

#define LIST_QUERY \
	"SELECT c.relid, c.attnum, c.size, c.sha256, f.row_id, f.path" \
	" FROM ffu._check_files(NULL, false) f" \
	" JOIN pg_catalog.pg_attribute a" \
	" ON a.attrelid OPERATOR(pg_catalog.=) f.relation::pg_catalog.oid" \
	" AND a.attname OPERATOR(pg_catalog.=) f.column_name" \
	" JOIN ffu._path_columns(NULL) c" \
	" ON c.relid OPERATOR(pg_catalog.=) a.attrelid" \
	" AND c.attnum OPERATOR(pg_catalog.=) a.attnum" \
	" WHERE f.problem OPERATOR(pg_catalog.=)" \
	" ANY ('{missing,size,not_a_file}'::pg_catalog.text[])" \
	" AND c.managed"

/*
 * List the rows whose files are missing, or are other things or of other sizes
 * than the rows say.  The list outlives transactions; SPI must be connected.
 * An active snapshot is needed.
 */
Portal
ffu_missing_open(void)
{
	Portal		portal = SPI_cursor_open_with_args(NULL, LIST_QUERY, 0, NULL,
												   NULL, NULL, true, 0);

	PinPortal(portal);
	return portal;
}

/*
 * Return column n of a row of the list, or 0 if it is null.
 */
static Datum
value_of(HeapTuple row, int n)
{
	bool		isnull;

	return SPI_getbinval(row, SPI_tuptable->tupdesc, n, &isnull);
}

/*
 * Return the next n rows of a list, in the current memory context.
 */
List *
ffu_missing_next(Portal portal, int n)
{
	List	   *files = NIL;
	uint64		i;

	SPI_cursor_fetch(portal, true, n);
	for (i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		char	   *path = TextDatumGetCString(value_of(row, Anum_list_path));
		FfuMissing *file = palloc0(sizeof(FfuMissing));

		if (!ffu_path_valid(path, strlen(path)))
			continue;
		file->relid = DatumGetObjectId(value_of(row, Anum_list_relid));
		file->attnum = DatumGetInt16(value_of(row, Anum_list_attnum));
		file->size_attnum = DatumGetInt16(value_of(row, Anum_list_size));
		file->sha256_attnum = DatumGetInt16(value_of(row, Anum_list_sha256));
		file->tid = *(ItemPointer) DatumGetPointer(value_of(row,
															Anum_list_tid));
		strlcpy(file->path, path, sizeof(file->path));
		files = lappend(files, file);
	}
	SPI_freetuptable(SPI_tuptable);
	return files;
}

/*
 * Forget a list.
 */
void
ffu_missing_close(Portal portal)
{
	UnpinPortal(portal);
	SPI_cursor_close(portal);
}

/*
 * Fetch the row of a file into a slot, by the active snapshot.  Return false if
 * the row is not there, or has another path now.
 */
static bool
fetch_row(Relation rel, const FfuMissing *file, TupleTableSlot *slot)
{
	ItemPointerData tid = file->tid;
	bool		isnull;
	Datum		value;

	/* A vacuum may have cut the table off. */
	if (ItemPointerGetBlockNumber(&tid) >= RelationGetNumberOfBlocks(rel) ||
		!table_tuple_fetch_row_version(rel, &tid, GetActiveSnapshot(), slot))
		return false;
	value = slot_getattr(slot, file->attnum, &isnull);
	return !isnull && strcmp(TextDatumGetCString(value), file->path) == 0;
}

/*
 * Read the companions of a row from a slot.
 */
static void
read_companions(FfuMissing *file, TupleDesc desc, TupleTableSlot *slot)
{
	bool		isnull;
	Datum		value;

	file->size = -1;
	file->sha256[0] = '\0';
	if (file->size_attnum != InvalidAttrNumber &&
		file->size_attnum <= desc->natts &&
		TupleDescAttr(desc, file->size_attnum - 1)->atttypid == INT8OID)
	{
		value = slot_getattr(slot, file->size_attnum, &isnull);
		if (!isnull)
			file->size = DatumGetInt64(value);
	}
	if (ffu_column_is_text(desc, file->sha256_attnum))
	{
		value = slot_getattr(slot, file->sha256_attnum, &isnull);
		if (!isnull)
			strlcpy(file->sha256, TextDatumGetCString(value),
					sizeof(file->sha256));
	}
}

/*
 * Look the row of a file up by the active snapshot.  If facts is not NULL, set
 * the size and the digest that the row says.
 */
static bool
look_up(const FfuMissing *file, FfuMissing *facts)
{
	Relation	rel = try_relation_open(file->relid, AccessShareLock);
	TupleTableSlot *slot;
	bool		found = false;

	if (rel == NULL)
		return false;
	if (rel->rd_rel->relkind == RELKIND_RELATION &&
		ffu_column_is_text(RelationGetDescr(rel), file->attnum))
	{
		slot = table_slot_create(rel, NULL);
		found = fetch_row(rel, file, slot);
		if (found && facts)
			read_companions(facts, RelationGetDescr(rel), slot);
		ExecDropSingleTupleTableSlot(slot);
	}
	relation_close(rel, AccessShareLock);
	return found;
}

/*
 * Read what the row of a file says of the file.  Return false if the row is not
 * where it was.
 */
bool
ffu_missing_read(FfuMissing *file)
{
	return look_up(file, file);
}

/*
 * Lock the table of a file until the end of the transaction, so that
 * ffu_missing_is_current() does not wait.
 */
void
ffu_missing_lock(const FfuMissing *file)
{
	Relation	rel = try_relation_open(file->relid, AccessShareLock);

	if (rel != NULL)
		relation_close(rel, NoLock);
}

/*
 * Tell whether the active snapshot sees the row of a file, with its path, where
 * the row was.
 */
bool
ffu_missing_is_current(const FfuMissing *file)
{
	return look_up(file, NULL);
}
