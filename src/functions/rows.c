/*-------------------------------------------------------------------------
 *
 * rows.c
 *	  SQL functions that read and repair rows of users' tables below the level
 *	  of SQL.
 *
 * A SELECT runs code of the table's owner with the rights of the caller: the
 * planner evaluates expressions of indexes, statistics and constraints, and a
 * value of another type goes through the owner's casts and operators.  A scan
 * runs no such code.  A scan reads a column only if the column has a string
 * type (the size: bigint), as ffu.before_row() does.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "base/rights.h"
#include "column/column.h"
#include "transaction/deletion.h"

FFU_FUNCTION(ffu_sql_paths_of);
FFU_FUNCTION(ffu_sql_texts_of);
FFU_FUNCTION(ffu_sql_has_checksum);
FFU_FUNCTION(ffu_sql_set_companions);

/* Maximum number of columns of a reader */
#define COLUMNS_MAX	3

/* Number of companions that a repair sets: size and checksum */
#define COMPANIONS_SET	2

/* A scan of some columns of a table and its partitions */
typedef struct Reading
{
	Oid			target;			/* the table that the caller named */
	int			n;
	const char *columns[COLUMNS_MAX];	/* NULL: no such column */
	AttrNumber	attnums[COLUMNS_MAX];	/* in the current table */
	Relation	rel;			/* the current table */
	ReturnSetInfo *result;
} Reading;

typedef void (*RowReader) (Reading *reading, TupleTableSlot *slot);

/*
 * Raise 42501 if the caller may not SELECT these columns in all rows, 42P01 if
 * there is no such relation.
 */
static void
require_select(const Reading *reading)
{
	Oid			relid = reading->target;
	int			i;

	(void) ffu_rights_owner(relid);
	for (i = 0; i < reading->n; i++)
	{
		AttrNumber	attnum;

		if (reading->columns[i] == NULL)
			continue;
		attnum = get_attnum(relid, reading->columns[i]);
		if (attnum < InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
					 errmsg("column \"%s\" is a system column",
							reading->columns[i]),
					 errdetail("It has no entry in the description of a row."),
					 errhint("Give the name of a column of the table.")));
		if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
			(attnum == InvalidAttrNumber ||
			 pg_attribute_aclcheck(relid, attnum, GetUserId(),
								   ACL_SELECT) != ACLCHECK_OK))
			aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE,
						   get_rel_name(relid));
	}
	if (check_enable_rls(relid, InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot read all rows of table \"%s\"",
						get_rel_name(relid)),
				 errdetail("Row-level security hides rows from role \"%s\".",
						   GetUserNameFromId(GetUserId(), false)),
				 errhint("Call this as the owner, or as a role with BYPASSRLS.")));
}

/*
 * Tell whether a column has a string type.
 */
static bool
is_text(Relation rel, AttrNumber attnum)
{
	return ffu_column_is_text(RelationGetDescr(rel), attnum);
}

/*
 * Tell whether a column can be the companion with the size.
 */
static bool
is_size(Relation rel, AttrNumber attnum)
{
	TupleDesc	desc = RelationGetDescr(rel);

	return attnum >= 1 && attnum <= desc->natts &&
		TupleDescAttr(desc, attnum - 1)->atttypid == INT8OID;
}

/*
 * Call reader with every row of one table, if the first column has a string
 * type.
 */
static void
read_table(Reading *reading, Relation rel, RowReader reader)
{
	MemoryContext context;
	TupleTableSlot *slot;
	TableScanDesc scan;
	int			i;

	for (i = 0; i < reading->n; i++)
		reading->attnums[i] = reading->columns[i] == NULL ? InvalidAttrNumber :
			get_attnum(RelationGetRelid(rel), reading->columns[i]);
	if (rel->rd_rel->relkind != RELKIND_RELATION ||
		!is_text(rel, reading->attnums[0]))
		return;
	reading->rel = rel;
	context = AllocSetContextCreate(CurrentMemoryContext, "ffu rows",
									ALLOCSET_DEFAULT_SIZES);
	slot = table_slot_create(rel, NULL);
	scan = FFU_BEGINSCAN(rel, GetActiveSnapshot());
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		CHECK_FOR_INTERRUPTS();
		if (!slot_attisnull(slot, reading->attnums[0]))
			reader(reading, slot);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(context);
}

/*
 * Call reader with every row of the table and its partitions.
 */
static void
read_tree(Reading *reading, RowReader reader)
{
	List	   *oids = list_make1_oid(reading->target);
	ListCell   *lc;

	require_select(reading);
	if (get_rel_relkind(reading->target) == RELKIND_PARTITIONED_TABLE)
		oids = find_all_inheritors(reading->target, AccessShareLock, NULL);
	foreach(lc, oids)
	{
		Relation	rel = relation_open(lfirst_oid(lc), AccessShareLock);

		read_table(reading, rel, reader);
		relation_close(rel, NoLock);
	}
}

/*
 * RowReader: add a path, with size and checksum, to the result.
 */
static void
put_path(Reading *reading, TupleTableSlot *slot)
{
	Datum		values[5];
	bool		isnull[5] = {false, false, false, true, true};
	char	   *path;

	values[2] = slot_getattr(slot, reading->attnums[0], &isnull[2]);
	path = TextDatumGetCString(values[2]);
	if (*path != '\0' &&
		(ffu_deletion_rows(path) & FFU_DELETION_DANGLING) == 0)
	{
		values[0] = ObjectIdGetDatum(reading->target);
		values[1] = CStringGetDatum(reading->columns[0]);
		values[1] = DirectFunctionCall1(namein, values[1]);
		if (is_size(reading->rel, reading->attnums[1]))
			values[3] = slot_getattr(slot, reading->attnums[1], &isnull[3]);
		if (is_text(reading->rel, reading->attnums[2]))
			values[4] = slot_getattr(slot, reading->attnums[2], &isnull[4]);
		tuplestore_putvalues(reading->result->setResult,
							 reading->result->setDesc, values, isnull);
	}
}

/*
 * ffu._paths_of(relation regclass, columns name[]) RETURNS TABLE (relation
 * regclass, column_name name, path text, size bigint, sha256 text).  columns
 * are the file column and the companions with size and checksum; NULL stands
 * for a companion that the column lacks.
 */
Datum
ffu_sql_paths_of(PG_FUNCTION_ARGS)
{
	Reading		reading = {.target = PG_GETARG_OID(0),.n = COLUMNS_MAX};
	Datum	   *names;
	bool	   *isnull;
	int			n;
	int			i;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), NAMEOID, NAMEDATALEN, false,
					  TYPALIGN_CHAR, &names, &isnull, &n);
	for (i = 0; i < Min(n, COLUMNS_MAX); i++)
		reading.columns[i] = isnull[i] ? NULL : NameStr(*DatumGetName(names[i]));
	InitMaterializedSRF(fcinfo, 0);
	reading.result = (ReturnSetInfo *) fcinfo->resultinfo;
	read_tree(&reading, put_path);
	return (Datum) 0;
}

/*
 * RowReader: add a text to the result, with a key and a slash before the text
 * if there is a key.  The output function of the key's type gives the key; an
 * output function is never the owner's code.
 */
static void
put_text(Reading *reading, TupleTableSlot *slot)
{
	TupleDesc	desc = slot->tts_tupleDescriptor;
	bool		isnull;
	Datum		value = slot_getattr(slot, reading->attnums[0], &isnull);
	char	   *line = TextDatumGetCString(value);

	if (*line == '\0')
		return;
	if (reading->attnums[1] != InvalidAttrNumber)
	{
		Oid			output;
		bool		is_varlena;
		Datum		key = slot_getattr(slot, reading->attnums[1], &isnull);

		if (isnull)
			return;
		getTypeOutputInfo(TupleDescAttr(desc, reading->attnums[1] - 1)->atttypid,
						  &output, &is_varlena);
		line = psprintf("%s/%s", OidOutputFunctionCall(output, key), line);
	}
	value = CStringGetTextDatum(line);
	isnull = false;
	tuplestore_putvalues(reading->result->setResult, reading->result->setDesc,
						 &value, &isnull);
}

/*
 * ffu._texts_of(relation regclass, column_name name, key name) RETURNS SETOF
 * text: return the values of a string column that are not empty.  If key is
 * not NULL, the value of the column key and a slash precede each value.
 */
Datum
ffu_sql_texts_of(PG_FUNCTION_ARGS)
{
	Reading		reading = {.n = 2};

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	reading.target = PG_GETARG_OID(0);
	reading.columns[0] = NameStr(*PG_GETARG_NAME(1));
	reading.columns[1] = PG_ARGISNULL(2) ? NULL : NameStr(*PG_GETARG_NAME(2));
	reading.result = (ReturnSetInfo *) fcinfo->resultinfo;
	read_tree(&reading, put_text);
	return (Datum) 0;
}

/*
 * Tell whether a column of this row has the text wanted.  For a NULL, return
 * null.
 */
static bool
may_have(Relation rel, TupleTableSlot *slot, AttrNumber attnum,
		 const char *wanted, bool null)
{
	bool		isnull;
	Datum		value;

	if (!is_text(rel, attnum))
		return false;
	value = slot_getattr(slot, attnum, &isnull);
	return isnull ? null : strcmp(TextDatumGetCString(value), wanted) == 0;
}

/*
 * ffu._has_checksum(relation regclass, row_id tid, column_name name, sha256
 * text) RETURNS boolean: return false if the checksum companion of a row has
 * another value.
 */
Datum
ffu_sql_has_checksum(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(PG_GETARG_OID(0), AccessShareLock);
	AttrNumber	attnum = ffu_column_named(rel, NameStr(*PG_GETARG_NAME(2)))->companions[FFU_COMPANION_SHA256];
	bool		has = true;

	if (rel->rd_rel->relkind == RELKIND_RELATION &&
		attnum != InvalidAttrNumber)
	{
		TupleTableSlot *slot = table_slot_create(rel, NULL);
		Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());

		if (table_tuple_fetch_row_version(rel, (ItemPointer) PG_GETARG_POINTER(1),
										  snapshot, slot))
			has = may_have(rel, slot, attnum,
						   text_to_cstring(PG_GETARG_TEXT_PP(3)), true);
		UnregisterSnapshot(snapshot);
		ExecDropSingleTupleTableSlot(slot);
	}
	table_close(rel, AccessShareLock);
	PG_RETURN_BOOL(has);
}

/*
 * Raise 0A000 if a deferrable constraint depends on a changed column: without
 * triggers the server would not check the constraint at commit.
 */
static void
refuse_deferrable(const ResultRelInfo *info, const AttrNumber *changed)
{
	int			i;
	int			j;

	for (i = 0; i < info->ri_NumIndices; i++)
	{
		const FormData_pg_index *index = info->ri_IndexRelationDescs[i]->rd_index;

		for (j = 0; !index->indimmediate && j < index->indnatts; j++)
		{
			AttrNumber	key = index->indkey.values[j];

			if (key == InvalidAttrNumber || key == changed[0] ||
				key == changed[1])
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("cannot repair companions under deferrable constraint \"%s\"",
								get_rel_name(index->indexrelid)),
						 errdetail("No trigger would check the constraint at commit."),
						 errhint("Drop the constraint for the time of the repair.")));
		}
	}
}

/*
 * Update a row without any trigger: ffu's own trigger would restore the
 * companions, and a repair runs no trigger of the owner.  Indexes, generated
 * columns and CHECK constraints work as always, with the rights of the owner.
 */
static void
write_row(Relation rel, TupleTableSlot *old, TupleTableSlot *new,
		  const AttrNumber *changed)
{
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *info = makeNode(ResultRelInfo);
	FfuRights	saved;

	ffu_rights_switch(RelationGetRelid(rel), &saved);
	InitResultRelInfo(info, rel, 0, NULL, 0);
	info->ri_TrigDesc = NULL;
	estate->es_snapshot = GetActiveSnapshot();
	ExecOpenIndices(info, false);
	refuse_deferrable(info, changed);
	ExecSimpleRelationUpdate(info, estate, NULL, old, new);
	ExecCloseIndices(info);
	FreeExecutorState(estate);
	CommandCounterIncrement();
	ffu_rights_back(&saved);
}

/*
 * Lock the row with this tid and read the row into slot.  Return false if the
 * row is gone, or no longer has the path in the column.
 */
static bool
lock_row(Relation rel, ItemPointer tid, AttrNumber attnum, const char *path,
		 TupleTableSlot *slot)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TM_FailureData failure;
	bool		locked;

	locked = table_tuple_fetch_row_version(rel, tid, snapshot, slot) &&
		table_tuple_lock(rel, tid, snapshot, slot, GetCurrentCommandId(false),
						 LockTupleNoKeyExclusive, LockWaitBlock, 0,
						 &failure) == TM_Ok &&
		may_have(rel, slot, attnum, path, false);
	UnregisterSnapshot(snapshot);
	return locked;
}

/*
 * Replace the value of a column in new, if the column exists.
 */
static void
replace_value(TupleTableSlot *new, AttrNumber attnum, Datum value)
{
	if (attnum == InvalidAttrNumber)
		return;
	new->tts_values[attnum - 1] = value;
	new->tts_isnull[attnum - 1] = false;
}

/*
 * ffu._set_companions(relation regclass, row_id tid, column_name name, path
 * text, size bigint, sha256 text) RETURNS boolean: set size and checksum of a
 * row with the path.  Return false if the row has changed.
 */
Datum
ffu_sql_set_companions(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(PG_GETARG_OID(0), RowExclusiveLock);
	const FfuColumn *column = ffu_column_named(rel, NameStr(*PG_GETARG_NAME(2)));
	const AttrNumber changed[COMPANIONS_SET] = {
		column->companions[FFU_COMPANION_SIZE],
		column->companions[FFU_COMPANION_SHA256]
	};
	TupleTableSlot *old = table_slot_create(rel, NULL);
	TupleTableSlot *new = MakeSingleTupleTableSlot(RelationGetDescr(rel),
												   &TTSOpsVirtual);
	bool		done;

	done = rel->rd_rel->relkind == RELKIND_RELATION &&
		lock_row(rel, (ItemPointer) PG_GETARG_POINTER(1), column->attnum,
				 text_to_cstring(PG_GETARG_TEXT_PP(3)), old);
	if (done)
	{
		ExecCopySlot(new, old);
		replace_value(new, changed[0], PG_GETARG_DATUM(4));
		replace_value(new, changed[1], PG_GETARG_DATUM(5));
		write_row(rel, old, new, changed);
	}
	ExecDropSingleTupleTableSlot(old);
	ExecDropSingleTupleTableSlot(new);
	table_close(rel, RowExclusiveLock);
	PG_RETURN_BOOL(done);
}
