/*-------------------------------------------------------------------------
 *
 * complete.c
 *	  Completes DDL commands, which do not know of file columns.
 *
 * After CREATE TABLE, ALTER TABLE and CREATE FUNCTION an event trigger makes
 * the TRUNCATE triggers of new partitions, ties computed fields that a dump
 * has restored, refuses tables that cannot have file columns, and reports
 * columns that only have the type ffu.file.
 *
 * Event triggers run with the rights of the role that runs the command, and
 * this role may have no right on ffu.  So complete.c works below the level of
 * SQL; the only query names a function of pg_catalog and uses no operator.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/catalog.h"
#include "base/query.h"
#include "column/complete.h"
#include "column/unmanaged.h"
#include "column/computed.h"
#include "column/declaration.h"

FFU_FUNCTION(ffu_sql_ddl_complete);

/* Suffixes of the first and the last trigger of a file column */
#define FIRST_SUFFIX		"_1_set"
#define TRUNCATE_SUFFIX		"_6_truncate"

/* A table or function that the command has made or changed */
typedef struct Changed
{
	Oid			class;
	Oid			object;
	bool		created;
} Changed;

/* The last transaction that attached a partition */
static LocalTransactionId attach_lxid = InvalidLocalTransactionId;

/*
 * Note that this transaction attaches a partition.  The partition then needs a
 * TRUNCATE trigger.
 */
void
ffu_attached(void)
{
	attach_lxid = FFU_LXID;
}

/*
 * Raise 39P03 if the caller is not an event trigger.
 */
void
ffu_require_event_trigger(FunctionCallInfo fcinfo, const char *function)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"ffu.%s\" was not called by an event trigger",
						function),
				 errdetail("It can only be called by the event triggers of ffu."),
				 errhint("There is no need to call it.")));
}

/*
 * Refuse an unlogged table with file columns.
 */
static void
refuse_unlogged(Relation rel, List *columns)
{
	if (columns == NIL ||
		rel->rd_rel->relpersistence != RELPERSISTENCE_UNLOGGED)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("table \"%s\" cannot be unlogged",
					RelationGetRelationName(rel)),
			 errdetail("It has file columns, and a crash would empty it without letting the files go."),
			 errhint("Drop its file columns with ffu.drop_column first.")));
}

/*
 * Refuse to merge or split partitions with files.  PostgreSQL moves the rows
 * without triggers and then drops the old partitions.  The DROP would doom the
 * files that the moved rows still name.  parent may be InvalidOid.
 */
void
ffu_refuse_rewrite(Oid parent)
{
	ListCell   *lc;

	if (!OidIsValid(parent))
		return;
	foreach(lc, find_all_inheritors(parent, NoLock, NULL))
	{
		if (ffu_declarations(lfirst_oid(lc)) == NIL)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("partitions of table \"%s\" cannot be merged or split",
						get_rel_name(parent)),
				 errdetail("The table has file columns, and the server would move its rows without triggers."),
				 errhint("Detach the old partitions, create the new ones, and insert the rows into the table: each gets a copy of its file.")));
	}
}

/*
 * List the oids of the tables that a table inherits from.  A partition has no
 * such tables.
 */
static List *
parents_of(Relation rel)
{
	List	   *parents = NIL;
	Relation	pg_inherits;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (rel->rd_rel->relispartition)
		return NIL;
	pg_inherits = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(RelationGetRelid(rel)));
	scan = systable_beginscan(pg_inherits, InheritsRelidSeqnoIndexId, true,
							  NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		parents = lappend_oid(parents,
							  ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	table_close(pg_inherits, AccessShareLock);
	return parents;
}

/*
 * Refuse INHERITS if parent or child has file columns.
 */
static void
refuse_inheritance(Relation rel, List *columns)
{
	ListCell   *lc;

	foreach(lc, parents_of(rel))
	{
		Oid			parent = lfirst_oid(lc);

		if (columns == NIL && ffu_declarations(parent) == NIL)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" cannot inherit from \"%s\"",
						RelationGetRelationName(rel), get_rel_name(parent)),
				 errdetail("One of them has file columns, and INHERITS does not pass triggers on: files would not follow the rows."),
				 errhint("Use declarative partitioning, or CREATE TABLE ... (LIKE ...)."),
				 errtable(rel)));
	}
}

/*
 * Tell whether a table has a TRUNCATE trigger of ffu with this key.
 */
static bool
has_truncate_trigger(Oid relid, const char *key)
{
	Relation	pg_trigger = table_open(TriggerRelationId, AccessShareLock);
	Oid			function = ffu_catalog_function("before_truncate");
	bool		found = false;
	ScanKeyData scan_key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&scan_key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(pg_trigger, TriggerRelidNameIndexId, true, NULL,
							  1, &scan_key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		List	   *words = ffu_trigger_words(pg_trigger, tuple);

		found = ((Form_pg_trigger) GETSTRUCT(tuple))->tgfoid == function &&
			words != NIL && strcmp(linitial(words), key) == 0;
	}
	systable_endscan(scan);
	table_close(pg_trigger, AccessShareLock);
	return found;
}

/*
 * Make the TRUNCATE trigger of a file column on a partition.
 */
static void
create_truncate_trigger(Oid relid, const FfuColumn *column)
{
	CreateTrigStmt *command = makeNode(CreateTrigStmt);
	const char *base = column->trigger_name;
	size_t		len = strlen(base);

	if (len > strlen(FIRST_SUFFIX) &&
		strcmp(base + len - strlen(FIRST_SUFFIX), FIRST_SUFFIX) == 0)
		len -= strlen(FIRST_SUFFIX);
	command->trigname = psprintf("%.*s" TRUNCATE_SUFFIX, (int) len, base);
	command->args = list_make1(makeString(column->key));
	command->timing = TRIGGER_TYPE_BEFORE;
	command->events = TRIGGER_TYPE_TRUNCATE;
	(void) CreateTrigger(command, NULL, relid, InvalidOid, InvalidOid,
						 InvalidOid, ffu_catalog_function("before_truncate"),
						 InvalidOid, NULL, false, false);
}

/*
 * Make the missing TRUNCATE triggers of the partitions of a table; partitions
 * do not inherit TRUNCATE triggers.
 */
static void
complete_partitions(Oid relid)
{
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		Oid			member = lfirst_oid(lc);

		if (!get_rel_relispartition(member))
			continue;
		foreach(lc2, ffu_declarations(member))
		{
			const FfuColumn *column = lfirst(lc2);

			if (column->complaint == NULL &&
				!has_truncate_trigger(member, column->key))
				create_truncate_trigger(member, column);
		}
	}
}

/*
 * Check and complete a table that was made or changed.
 */
static void
complete_table(Oid relid, bool created)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);

	if (rel == NULL)
		return;
	if (rel->rd_rel->relkind == RELKIND_RELATION ||
		rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
	{
		List	   *columns = ffu_declarations(relid);

		refuse_unlogged(rel, columns);
		refuse_inheritance(rel, columns);

		/*
		 * Not after every ALTER TABLE: a parallel restore makes the triggers
		 * itself.
		 */
		if (created || attach_lxid == FFU_LXID)
			complete_partitions(relid);
		ffu_unmanaged_note(relid);
	}
	relation_close(rel, NoLock);
}

/*
 * Tie a function to the table if the function is a computed field; a dump does
 * not contain the tie.
 */
static void
complete_function(Oid func)
{
	Oid			relid;
	AttrNumber	attnum;

	if (!ffu_computed_is(func, &relid, &attnum))
		relid = ffu_computed_attachments(func);
	if (OidIsValid(relid) &&
		pg_class_ownercheck(relid, GetUserId()) &&
		pg_proc_ownercheck(func, GetUserId()))
		ffu_computed_tie(func, relid);
}

/*
 * Add a row of pg_event_trigger_ddl_commands() to a list in this memory
 * context.  Return the list.
 */
static List *
add_changed(List *list, HeapTuple tuple, TupleDesc desc, MemoryContext context)
{
	MemoryContext old;
	Changed    *changed;
	Oid			object;
	bool		isnull;
	char	   *tag = SPI_getvalue(tuple, desc, 4);
	ListCell   *lc;

	object = DatumGetObjectId(SPI_getbinval(tuple, desc, 2, &isnull));

	/*
	 * Skip parts of a table, such as a column: the table itself is in the
	 * list.
	 */
	if (isnull || DatumGetInt32(SPI_getbinval(tuple, desc, 3, &isnull)) != 0)
		return list;
	foreach(lc, list)
	{
		changed = lfirst(lc);
		if (changed->object != object)
			continue;
		changed->created |= tag && strcmp(tag, "CREATE TABLE") == 0;
		return list;
	}
	old = MemoryContextSwitchTo(context);
	changed = palloc(sizeof(Changed));
	changed->class = DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isnull));
	changed->object = object;
	changed->created = tag && strcmp(tag, "CREATE TABLE") == 0;
	list = lappend(list, changed);
	MemoryContextSwitchTo(old);
	return list;
}

/*
 * List the tables and functions that the command has made or changed, as
 * Changed.
 */
static List *
read_changed(void)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *list = NIL;
	uint64		i;

	ffu_query_open("SELECT c.classid, c.objid, c.objsubid, c.command_tag"
				   " FROM pg_catalog.pg_event_trigger_ddl_commands() AS c",
				   0, NULL, NULL, NULL, false);
	for (i = 0; i < SPI_processed; i++)
		list = add_changed(list, SPI_tuptable->vals[i],
						   SPI_tuptable->tupdesc, context);
	SPI_finish();
	return list;
}

/*
 * ffu.ddl_complete(): event trigger.
 */
Datum
ffu_sql_ddl_complete(PG_FUNCTION_ARGS)
{
	ListCell   *lc;

	ffu_require_event_trigger(fcinfo, "ddl_complete");
	foreach(lc, read_changed())
	{
		const Changed *changed = lfirst(lc);

		if (changed->class == RelationRelationId)
			complete_table(changed->object, changed->created);
		else if (changed->class == ProcedureRelationId)
			complete_function(changed->object);
	}
	return PointerGetDatum(NULL);
}
