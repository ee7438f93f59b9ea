/*-------------------------------------------------------------------------
 *
 * check.c
 *	  SQL functions behind ffu.check(): compare rows and files.
 *
 * The result is exact while writers run.  A check has five steps:
 *
 *	1	List every name in the folder.
 *	2	List every name in the staging directory.
 *	3	Find the columns that can have paths, by a catalog snapshot of now.
 *		Lock their tables: no table is rewritten or truncated from here on.
 *	4	Take a snapshot and hold the snapshot until the end.  Read every path
 *		of these columns.
 *	5	Sort both lists by path and merge them.  Where only one list has a
 *		path, look again: for a row, at the file by name; for a file, at
 *		ffu.deletion as of now, and then at the file.
 *
 * Missing.  A row that the snapshot of (4) sees has committed, so the file had
 * the final name before (I1).  A file is removed only if the deletion is older
 * than every snapshot (I4a), and the check holds a snapshot.  If that snapshot
 * sees a deletion as done, the snapshot does not see the deleted row, and a
 * path is not used again (I3).  So if a row of (4) has no file in (5), the
 * file is missing.  pending.c knows the files of this transaction that are not
 * published yet.  A row that keeps a path on purpose, without a file, has a
 * dangling mark in ffu.deletion.  The mark stays until a later deletion of the
 * path is struck off, and this deletion waits for the snapshot of the check.
 *
 * Orphan.  Let (1) see a file, and let no row in (4) have the path.
 *	- A staging name with the path existed (I2), or the transaction had
 *	  committed.  If (2) has the staging name, the transaction may be in
 *	  progress or prepared: the file is not reported.
 *	- If (2) has no staging name, the transaction was over by then.  Not
 *	  committed: the final name was removed before the staging name, and (5)
 *	  finds no file.
 *	- Committed: (3) has the table and column, and (4) sees the row, unless a
 *	  transaction that committed before (4) let the file go.  Then (5) finds
 *	  the deletion in ffu.deletion.  Or the deletion was struck off since,
 *	  after the file was removed (I8): (5), which looks at the file after the
 *	  deletion, finds no file.
 * Every other file has no row, no transaction and no deletion: an orphan.  (A
 * snapshot sees no rows of a table that is rewritten or truncated after the
 * snapshot was taken.  Hence the locks of (3), which are released when (4) has
 * read the table.)
 *
 * Size, mode and content are never in flight: a file with a final name does
 * not change, and the row that names the file has committed with the file.
 *
 * A standby that keeps files (sweep/deliver.c) is checked as well.  Where a row
 * has no file, deliver and look again: the file's records came before the
 * commit.  Where a file has no row, its removal may have been struck off on the
 * primary and still wait here: deliver, and look among the waiting removals.
 *
 * For the staging names see check_staging.c.
 *
 * The memory of a check is work_mem plus the transactions in flight; larger
 * lists are sorted on disk.  Deletions wait for the end of a check, as for the
 * end of any long statement.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <unistd.h>

#include "access/relation.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/ps_status.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "base/error.h"
#include "base/query.h"
#include "base/settings.h"
#include "base/sorted.h"
#include "column/column.h"
#include "functions/outsider.h"
#include "store/bucket/intent.h"
#include "store/dir/root.h"
#include "store/dir/spool.h"
#include "store/dir/walk.h"
#include "sweep/deliver.h"
#include "text/path.h"
#include "transaction/deletion.h"
#include "transaction/pending.h"

FFU_FUNCTION(ffu_sql_check_files);

/* Number of files or rows between two progress messages */
#define PROGRESS_EVERY		10000

/* Columns of the sorted list of files */
#define Anum_file_path		1
#define Anum_file_size		2
#define Anum_file_mode		3
#define Anum_file_uid		4
#define Natts_file			4

/* Columns of the sorted list of rows */
#define Anum_row_path		1
#define Anum_row_column		2	/* index in Check.columns */
#define Anum_row_tid		3
#define Anum_row_size		4
#define Anum_row_sha256		5
#define Natts_row			5

/* Columns of the result of ffu._check_files() */
#define Anum_out_problem	1
#define Anum_out_relation	2
#define Anum_out_column		3
#define Anum_out_path		4
#define Anum_out_detail		5
#define Anum_out_tid		6
#define Natts_out			6

/* A column that can have paths */
typedef struct PathColumn
{
	Oid			relid;
	AttrNumber	attnum;
	bool		managed;		/* false: paths here own no files, but a file
								 * with such a path is no orphan */
	AttrNumber	size;			/* companions, or InvalidAttrNumber */
	AttrNumber	sha256;
	NameData	name;
	Relation	rel;			/* open and locked until the rows are read */
} PathColumn;

/* A check */
typedef struct Check
{
	ReturnSetInfo *result;
	FfuStore   *store;
	bool		all;			/* the whole folder, not one table */
	bool		content;		/* read every file */
	PathColumn *columns;
	int			ncolumns;
	HTAB	   *staged;			/* paths in staging names */
	FfuSorted	files;
	FfuSorted	rows;
	char		last[FFU_PATH_MAX + 1]; /* path of the previous row */
	const PathColumn *last_column;
	MemoryContext context;		/* reset after each name and row */
} Check;

/* A row of the sorted list */
typedef struct PathRow
{
	char	   *path;
	const PathColumn *column;
	ItemPointer tid;
	int64		size;			/* companions; -1 and NULL for null */
	char	   *sha256;
} PathRow;

/*
 * Add a problem to the result.  row is NULL for a file without a row.
 */
static void
add_problem(Check *check, const char *problem, const PathRow *row,
			const char *path, const char *detail)
{
	Datum		values[Natts_out] = {0};
	bool		isnull[Natts_out] = {false};

	values[Anum_out_problem - 1] = CStringGetTextDatum(problem);
	values[Anum_out_path - 1] = CStringGetTextDatum(ffu_shown_name(path));
	values[Anum_out_detail - 1] = CStringGetTextDatum(detail);
	if (row != NULL)
	{
		values[Anum_out_relation - 1] = ObjectIdGetDatum(row->column->relid);
		values[Anum_out_column - 1] = NameGetDatum(&row->column->name);
		values[Anum_out_tid - 1] = PointerGetDatum(row->tid);
	}
	else
		isnull[Anum_out_relation - 1] = isnull[Anum_out_column - 1] =
			isnull[Anum_out_tid - 1] = true;
	tuplestore_putvalues(check->result->setResult, check->result->setDesc,
						 values, isnull);
}

/*
 * Count an item.  After every PROGRESS_EVERY items, show the count in the
 * title of the process and as a DEBUG1 message.
 */
static void
count_one(int64 *count, const char *what)
{
	char		title[64];

	if (++*count % PROGRESS_EVERY != 0)
		return;
	snprintf(title, sizeof(title), "ffu.check: " INT64_FORMAT " %s",
			 *count, what);
	set_ps_display(title);
	elog(DEBUG1, "%s", title);
}

/*
 * FfuNameVisitor of step 1: add a file to the sorted list.
 */
static void
put_file(const char *path, const FfuLook *look, int error, void *arg)
{
	Check	   *check = arg;
	Datum		values[Natts_file];
	bool		isnull[Natts_file] = {false};
	MemoryContext old;

	old = MemoryContextSwitchTo(check->context);
	if (error != 0)
		add_problem(check, "permissions", NULL, path,
					psprintf("It cannot be looked into: %s.",
							 strerror(error)));
	else
	{
		values[Anum_file_path - 1] = CStringGetTextDatum(path);
		values[Anum_file_size - 1] = Int64GetDatum(look->size);
		values[Anum_file_mode - 1] = Int32GetDatum((int32) look->mode);
		values[Anum_file_uid - 1] = Int64GetDatum((int64) look->uid);
		ffu_sorted_put(&check->files, values, isnull);
		count_one(&check->files.count, "files listed");
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(check->context);
}

/*
 * Step 2: collect the paths in staging names.
 */
static void
read_staged(Check *check)
{
	List	   *names = ffu_spool_staged_names(check->store);
	ListCell   *lc;

	check->staged = ffu_walk_staged_paths(names);
	list_free_deep(names);
	names = ffu_intent_keys();
	foreach(lc, names)
	{
		FfuStagedPath *entry = hash_search(check->staged, lfirst(lc),
										   HASH_ENTER, NULL);

		entry->owned = false;
	}
	list_free_deep(names);
}

/*
 * Read a row of ffu._path_columns().
 */
static void
take_column(SPITupleTable *table, uint64 i, PathColumn *column)
{
	HeapTuple	tuple = table->vals[i];
	TupleDesc	desc = table->tupdesc;
	bool		isnull;
	Datum		value;

	memset(column, 0, sizeof(*column));
	column->relid = DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isnull));
	column->attnum = DatumGetInt16(SPI_getbinval(tuple, desc, 2, &isnull));
	column->managed = DatumGetBool(SPI_getbinval(tuple, desc, 3, &isnull));
	value = SPI_getbinval(tuple, desc, 4, &isnull);
	column->size = isnull ? InvalidAttrNumber : DatumGetInt16(value);
	value = SPI_getbinval(tuple, desc, 5, &isnull);
	column->sha256 = isnull ? InvalidAttrNumber : DatumGetInt16(value);
}

/*
 * First half of step 3: find the columns that can have paths.  Use a new
 * snapshot, whatever the isolation level of the transaction is.
 */
static void
read_columns(Check *check, Oid relid, bool all)
{
	MemoryContext old = CurrentMemoryContext;
	Oid			type = REGCLASSOID;
	Datum		value = ObjectIdGetDatum(relid);
	uint64		i;

	PushActiveSnapshot(GetLatestSnapshot());
	ffu_query_open("SELECT relid, attnum, managed, size, sha256"
				   " FROM ffu._path_columns($1)"
				   " ORDER BY relid, attnum",
				   1, &type, &value, all ? "n" : " ", true);
	check->ncolumns = (int) SPI_processed;
	check->columns = MemoryContextAllocZero(old, Max(SPI_processed, 1) *
											sizeof(PathColumn));
	for (i = 0; i < SPI_processed; i++)
		take_column(SPI_tuptable, i, &check->columns[i]);
	SPI_finish();
	PopActiveSnapshot();
}

/*
 * Second half of step 3: open and lock the tables.  Leave out a table that was
 * dropped meanwhile: the files of the table have deletions.
 */
static void
lock_tables(Check *check)
{
	int			i;

	for (i = 0; i < check->ncolumns; i++)
	{
		PathColumn *column = &check->columns[i];
		TupleDesc	desc;

		column->rel = try_relation_open(column->relid, AccessShareLock);
		if (column->rel == NULL)
			continue;
		desc = RelationGetDescr(column->rel);
		if (column->rel->rd_rel->relkind != RELKIND_RELATION ||
			!ffu_column_is_text(desc, column->attnum))
		{
			relation_close(column->rel, AccessShareLock);
			column->rel = NULL;
			continue;
		}
		column->name = TupleDescAttr(desc, column->attnum - 1)->attname;
		if (column->size > desc->natts ||
			(column->size > 0 &&
			 TupleDescAttr(desc, column->size - 1)->atttypid != INT8OID))
			column->size = InvalidAttrNumber;
		if (!ffu_column_is_text(desc, column->sha256))
			column->sha256 = InvalidAttrNumber;
	}
}

/*
 * Add a row to the sorted list.  If the value is not a path, report a problem
 * instead.
 */
static void
put_row(Check *check, int i, TupleTableSlot *slot)
{
	const PathColumn *column = &check->columns[i];
	Datum		values[Natts_row] = {0};
	bool		isnull[Natts_row] = {false};
	char	   *path;

	path = TextDatumGetCString(slot_getattr(slot, column->attnum,
											&isnull[Anum_row_path - 1]));
	if (*path == '\0')
		return;
	if (!ffu_path_valid(path, strlen(path)))
	{
		PathRow		row = {.column = column,.tid = &slot->tts_tid};

		if (column->managed)
			add_problem(check, "foreign_path", &row,
						ffu_shown(path, strlen(path)),
						"The value is not a path that ffu could have given out.");
		return;
	}
	values[Anum_row_path - 1] = CStringGetTextDatum(path);
	values[Anum_row_column - 1] = Int32GetDatum(i);
	values[Anum_row_tid - 1] = PointerGetDatum(&slot->tts_tid);
	isnull[Anum_row_size - 1] = isnull[Anum_row_sha256 - 1] = true;
	if (column->size != InvalidAttrNumber)
		values[Anum_row_size - 1] = slot_getattr(slot, column->size,
												 &isnull[Anum_row_size - 1]);
	if (check->content && column->sha256 != InvalidAttrNumber)
		values[Anum_row_sha256 - 1] = slot_getattr(slot, column->sha256,
												   &isnull[Anum_row_sha256 - 1]);
	ffu_sorted_put(&check->rows, values, isnull);
	count_one(&check->rows.count, "rows read");
}

/*
 * Step 4 for one column.  Release the lock on the table.
 */
static void
read_rows(Check *check, int i, Snapshot snapshot)
{
	PathColumn *column = &check->columns[i];
	TupleTableSlot *slot;
	TableScanDesc scan;

	if (column->rel == NULL)
		return;
	slot = table_slot_create(column->rel, NULL);
	scan = FFU_BEGINSCAN(column->rel, snapshot);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		if (slot_attisnull(slot, column->attnum))
			continue;
		old = MemoryContextSwitchTo(check->context);
		put_row(check, i, slot);
		MemoryContextSwitchTo(old);
		MemoryContextReset(check->context);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	relation_close(column->rel, AccessShareLock);
	column->rel = NULL;
}

/*
 * Compare owner and mode of a file with the owner and mode of a new file.
 * Return whether there was a problem.
 */
static bool
judge_mode(Check *check, const PathRow *row, const FfuLook *known)
{
	mode_t		mode = known->mode & 07777;
	mode_t		wanted = ffu_setting_file_mode & 0777;

	if (check->store->methods->set_mode == NULL)
		return false;
	if (known->uid != geteuid())
		add_problem(check, "permissions", row, row->path,
					psprintf("It belongs to user id %u; the server runs as %u.",
							 (unsigned) known->uid, (unsigned) geteuid()));
	else if (mode != wanted)
		add_problem(check, "permissions", row, row->path,
					psprintf("Its mode is %04o; ffu.file_mode is %04o.",
							 (unsigned) mode, (unsigned) wanted));
	else
		return false;
	return true;
}

/*
 * Compare the content of a file with the checksum in the row.  explained tells
 * that a problem explains why the server may not read the file.
 */
static void
judge_content(Check *check, const PathRow *row, bool explained)
{
	FfuStore   *store = check->store;
	char		sha256[FFU_SHA256_HEX_LEN + 1];
	FfuReader	reader = {0};
	int64		size;
	int			result;

	if (row->sha256 == NULL)
		return;
	result = store->methods->open(store, FFU_ORIGIN_PATH, row->path, &reader);
	if (result == 0)
		result = ffu_reader_digest(&reader, sha256, &size);
	if (explained && (result == EACCES || result == EPERM))
		return;
	if (result != 0)
		add_problem(check, "checksum", row, row->path,
					psprintf("It cannot be read: %s.", strerror(result)));
	else if (strcmp(sha256, row->sha256) != 0)
		add_problem(check, "checksum", row, row->path,
					psprintf("The content's SHA-256 is %s; the row says %s.",
							 sha256,
							 strlen(row->sha256) == FFU_SHA256_HEX_LEN ?
							 row->sha256 :
							 ffu_shown(row->sha256, strlen(row->sha256))));
}

/*
 * Look up the file of a row by name and set *known.  If the file is missing or
 * cannot be looked at, report a problem and return false.
 */
static bool
look_up_file(Check *check, const PathRow *row, FfuLook *known)
{
	FfuStore   *store = check->store;
	int			result = store->methods->look(store, row->path, known);

	if (result == ENOENT && ffu_deliver_may_check())
	{
		ffu_deliver(store);
		ffu_deliver_check();
		result = store->methods->look(store, row->path, known);
	}
	switch (result)
	{
		case 0:
			return true;
		case ENOENT:
			if (ffu_pending_by_path(row->path) == NULL &&
				!ffu_deletion_has(row->path))
				add_problem(check, "missing", row, row->path,
							"There is no file with this path.");
			return false;
		case ENOTDIR:
		case ELOOP:
			add_problem(check, "not_a_file", row, row->path,
						"Something on its way is not a directory.");
			return false;
		default:
			add_problem(check, "permissions", row, row->path,
						psprintf("It cannot be looked at: %s.",
								 strerror(result)));
			return false;
	}
}

/*
 * Step 5 for a row.  known is the entry in the list of files, or NULL.
 */
static void
judge_row(Check *check, const PathRow *row, const FfuLook *known)
{
	FfuLook		found;
	bool		explained;

	if (check->last_column != NULL && strcmp(check->last, row->path) == 0)
		add_problem(check, "duplicate", row, row->path,
					psprintf("Another row has the same path, in column \"%s\" of table %s.",
							 NameStr(check->last_column->name),
							 DatumGetCString(DirectFunctionCall1(regclassout,
																 ObjectIdGetDatum(check->last_column->relid)))));
	strlcpy(check->last, row->path, sizeof(check->last));
	check->last_column = row->column;
	if (known == NULL)
	{
		if (!look_up_file(check, row, &found))
			return;
		known = &found;
	}
	if (!S_ISREG(known->mode))
	{
		add_problem(check, "not_a_file", row, row->path,
					psprintf("It is %s.", ffu_outsider_kind(known->mode)));
		return;
	}
	explained = judge_mode(check, row, known);
	if (row->size >= 0 && row->size != known->size)
		add_problem(check, "size", row, row->path,
					psprintf("The file has " INT64_FORMAT " bytes; the row says " INT64_FORMAT ".",
							 known->size, row->size));
	if (check->content)
		judge_content(check, row, explained);
}

/*
 * Step 5 for a file without a row.
 */
static void
judge_unowned(Check *check, const char *path, const FfuLook *known)
{
	FfuStore   *store = check->store;
	FfuLook		look;

	if (!S_ISREG(known->mode))
	{
		add_problem(check, "not_a_file", NULL, path,
					psprintf("It is %s.", ffu_outsider_kind(known->mode)));
		return;
	}
	/* Only a valid path can be in flight: ffu makes no other. */
	if (ffu_path_valid(path, strlen(path)) &&
		(hash_search(check->staged, path, HASH_FIND, NULL) != NULL ||
		 ffu_deletion_has(path) ||
		 store->methods->look(store, path, &look) == ENOENT ||
		 (ffu_deliver_may_check() && ffu_deliver_will_remove(store, path))))
		return;
	add_problem(check, "orphan", NULL, path,
				psprintf("No row has this path. The file has " INT64_FORMAT " bytes.",
						 known->size));
}

/*
 * Read the current tuple of a list.
 */
static void
get_file(FfuSorted *files, char **path, FfuLook *known)
{
	slot_getallattrs(files->out);
#define VALUE(attnum) (files->out->tts_values[(attnum) - 1])
	*path = TextDatumGetCString(VALUE(Anum_file_path));
	known->size = DatumGetInt64(VALUE(Anum_file_size));
	known->mode = (mode_t) DatumGetInt32(VALUE(Anum_file_mode));
	known->uid = (uid_t) DatumGetInt64(VALUE(Anum_file_uid));
#undef VALUE
}

static void
get_row(const Check *check, PathRow *row)
{
	TupleTableSlot *slot = check->rows.out;

	slot_getallattrs(slot);
#define VALUE(attnum) (slot->tts_values[(attnum) - 1])
#define ISNULL(attnum) (slot->tts_isnull[(attnum) - 1])
	row->path = TextDatumGetCString(VALUE(Anum_row_path));
	row->column = &check->columns[DatumGetInt32(VALUE(Anum_row_column))];
	row->tid = (ItemPointer) DatumGetPointer(VALUE(Anum_row_tid));
	row->size = ISNULL(Anum_row_size) ? -1 :
		DatumGetInt64(VALUE(Anum_row_size));
	row->sha256 = ISNULL(Anum_row_sha256) ? NULL :
		TextDatumGetCString(VALUE(Anum_row_sha256));
#undef VALUE
#undef ISNULL
}

/*
 * Step 5: merge the two sorted lists.
 */
static void
merge(Check *check)
{
	FfuSorted  *files = &check->files;
	FfuSorted  *rows = &check->rows;
	bool		owned = false;	/* some row has the path of the file */
	char		done[FFU_PATH_MAX + 1] = "";	/* path of the previous file */
	int64		count = 0;

	ffu_sorted_rewind(files);
	ffu_sorted_rewind(rows);
	while (files->more || rows->more)
	{
		MemoryContext old = MemoryContextSwitchTo(check->context);
		PathRow		row;
		FfuLook		known = {0};
		char	   *path = NULL;
		bool		has_row = rows->more;
		int			order = -1;

		CHECK_FOR_INTERRUPTS();
		if (files->more)
			get_file(files, &path, &known);
		if (has_row)
		{
			get_row(check, &row);
			order = path ? strcmp(path, row.path) : 1;
		}
		if (path != NULL && order < 0)
		{
			/* A file that is in both places is judged once. */
			if (!owned && strcmp(done, path) != 0)
				judge_unowned(check, path, &known);
			strlcpy(done, path, sizeof(done));
			owned = false;
			ffu_sorted_next(files);
		}
		else if (has_row)
		{
			owned = owned || order == 0;
			if (row.column->managed)
				judge_row(check, &row, order == 0 ? &known : NULL);
			count_one(&count, "rows checked");
			ffu_sorted_next(rows);
		}
		MemoryContextSwitchTo(old);
		MemoryContextReset(check->context);
	}
}

/*
 * Make two empty sorted lists.
 */
static void
begin_lists(Check *check)
{
	TupleDesc	desc = CreateTemplateTupleDesc(Natts_file);

	TupleDescInitEntry(desc, Anum_file_path, "path", TEXTOID, -1, 0);
	TupleDescInitEntry(desc, Anum_file_size, "size", INT8OID, -1, 0);
	TupleDescInitEntry(desc, Anum_file_mode, "mode", INT4OID, -1, 0);
	TupleDescInitEntry(desc, Anum_file_uid, "uid", INT8OID, -1, 0);
	TupleDescFinalize(desc);
	ffu_sorted_begin(&check->files, desc);
	desc = CreateTemplateTupleDesc(Natts_row);
	TupleDescInitEntry(desc, Anum_row_path, "path", TEXTOID, -1, 0);
	TupleDescInitEntry(desc, Anum_row_column, "column", INT4OID, -1, 0);
	TupleDescInitEntry(desc, Anum_row_tid, "tid", TIDOID, -1, 0);
	TupleDescInitEntry(desc, Anum_row_size, "size", INT8OID, -1, 0);
	TupleDescInitEntry(desc, Anum_row_sha256, "sha256", TEXTOID, -1, 0);
	TupleDescFinalize(desc);
	ffu_sorted_begin(&check->rows, desc);
}

/*
 * ffu._check_files(relation regclass, content boolean) RETURNS SETOF record:
 * list the problems of one table and its partitions, or with NULL the problems
 * of the whole folder.
 */
Datum
ffu_sql_check_files(PG_FUNCTION_ARGS)
{
	Check		check = {.all = PG_ARGISNULL(0)};
	const char *title;
	Snapshot	snapshot;
	int			len;
	int			i;

	if (!ffu_deliver_may_check())
		ffu_walk_prevent("ffu.check()");
	InitMaterializedSRF(fcinfo, 0);
	check.result = (ReturnSetInfo *) fcinfo->resultinfo;
	check.content = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
	check.store = ffu_root_use();
	check.context = AllocSetContextCreate(CurrentMemoryContext, "ffu check",
										  ALLOCSET_DEFAULT_SIZES);
	title = get_ps_display(&len);
	title = pnstrdup(title, len);
	begin_lists(&check);
	if (check.all)
		check.store->methods->walk(check.store, put_file, &check);
	read_staged(&check);
	read_columns(&check, check.all ? InvalidOid : PG_GETARG_OID(0), check.all);
	lock_tables(&check);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	for (i = 0; i < check.ncolumns; i++)
		read_rows(&check, i, snapshot);
	merge(&check);
	UnregisterSnapshot(snapshot);
	ffu_sorted_end(&check.files);
	ffu_sorted_end(&check.rows);
	hash_destroy(check.staged);
	MemoryContextDelete(check.context);
	set_ps_display(title);
	return (Datum) 0;
}
