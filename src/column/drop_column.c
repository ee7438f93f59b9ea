/*-------------------------------------------------------------------------
 *
 * drop_column.c
 *	  ALTER TABLE ... DROP COLUMN of file columns.
 *
 * Migration tools drop a column by a plain DROP COLUMN.  PostgreSQL refuses
 * the command if a trigger or a function depends on the column.  So before the
 * command, ddl_start makes the dependencies of ffu's own triggers and computed
 * fields on the column automatic: triggers and fields then go with the column.
 * ddl_start also adds the companions to the command.  If the command fails,
 * the dependencies are rolled back with the command.
 *
 * Objects of users that depend on the column or a companion still make
 * PostgreSQL refuse the command, unless the command says CASCADE.
 *
 * A tool that knows the companions drops each of them by a further command.
 * So the session remembers the companions that went with a file column: a
 * later DROP COLUMN of such a companion is a NOTICE, as with IF EXISTS.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "column/computed.h"
#include "column/declaration.h"
#include "column/drop_column.h"

/* A companion that a command of this session dropped with the file column */
typedef struct GoneCompanion
{
	Oid			relid;
	NameData	name;
} GoneCompanion;

/*
 * List of GoneCompanion, in TopMemoryContext.  An element is harmless if the
 * command was rolled back: then the column exists.
 */
static List *gone_list = NIL;

/* ffu.drop_column is dropping a column whose companions stay. */
static bool keep_companions = false;

/*
 * Let the companions of a dropped file column stay, or go again.
 */
void
ffu_drop_column_keep_companions(bool keep)
{
	keep_companions = keep;
}

/*
 * Tell whether a companion is in the list.
 */
static bool
is_gone(Oid relid, const char *name)
{
	ListCell   *lc;

	foreach(lc, gone_list)
	{
		const GoneCompanion *gone = lfirst(lc);

		if (gone->relid == relid && strcmp(NameStr(gone->name), name) == 0)
			return true;
	}
	return false;
}

/*
 * Add a companion to the list.
 */
static void
remember_gone(Oid relid, const char *name)
{
	MemoryContext old;
	GoneCompanion *gone;

	if (is_gone(relid, name))
		return;
	old = MemoryContextSwitchTo(TopMemoryContext);
	gone = palloc(sizeof(GoneCompanion));
	gone->relid = relid;
	namestrcpy(&gone->name, name);
	gone_list = lappend(gone_list, gone);
	MemoryContextSwitchTo(old);
}

/*
 * Tell whether a computed field belongs to the table's owner: anybody can make
 * a function with the same body.
 */
static bool
is_field_of_owner(Oid func, Oid relid)
{
	HeapTuple	proc = SearchSysCache1(PROCOID, ObjectIdGetDatum(func));
	HeapTuple	table = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		same = false;

	if (HeapTupleIsValid(proc) && HeapTupleIsValid(table))
		same = has_privs_of_role(((Form_pg_proc) GETSTRUCT(proc))->proowner,
								 ((Form_pg_class) GETSTRUCT(table))->relowner);
	if (HeapTupleIsValid(proc))
		ReleaseSysCache(proc);
	if (HeapTupleIsValid(table))
		ReleaseSysCache(table);
	return same;
}

/*
 * Tell whether an object that depends on a column of a table is ffu's own.
 */
static bool
is_own_object(Oid class, Oid object, Oid relid)
{
	Oid			field_relid;
	AttrNumber	field_attnum;

	if (class == ProcedureRelationId)
		return is_field_of_owner(object, relid) &&
			ffu_computed_is(object, &field_relid, &field_attnum) &&
			field_relid == relid;
	return class == TriggerRelationId &&
		ffu_catalog_is_trigger(ffu_trigger_function(object));
}

/*
 * Make the dependencies of ffu's own objects on a column automatic.
 */
static void
loosen(Oid relid, AttrNumber attnum)
{
	Relation	pg_depend = table_open(DependRelationId, RowExclusiveLock);
	ScanKeyData key[3];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	ScanKeyInit(&key[2], Anum_pg_depend_refobjsubid, BTEqualStrategyNumber,
				F_INT4EQ, Int32GetDatum(attnum));
	scan = systable_beginscan(pg_depend, DependReferenceIndexId, true, NULL, 3,
							  key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		HeapTuple	copy;

		if (form->deptype != DEPENDENCY_NORMAL ||
			!is_own_object(form->classid, form->objid, relid))
			continue;
		copy = heap_copytuple(tuple);
		((Form_pg_depend) GETSTRUCT(copy))->deptype = DEPENDENCY_AUTO;
		CatalogTupleUpdate(pg_depend, &copy->t_self, copy);
		heap_freetuple(copy);
	}
	systable_endscan(scan);
	table_close(pg_depend, RowExclusiveLock);
}

/*
 * Loosen a column of a table in all partitions.
 */
static void
loosen_all(Oid relid, const char *name)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, AccessExclusiveLock, NULL))
	{
		Oid			member = lfirst_oid(lc);
		AttrNumber	attnum = get_attnum(member, name);

		if (attnum > 0)
			loosen(member, attnum);
	}
}

/*
 * Tell whether a command drops a column.
 */
static bool
drops(const AlterTableStmt *command, const char *name)
{
	ListCell   *lc;

	foreach(lc, command->cmds)
	{
		const AlterTableCmd *subcommand = lfirst(lc);

		if (subcommand->subtype == AT_DropColumn &&
			strcmp(subcommand->name, name) == 0)
			return true;
	}
	return false;
}

/*
 * Add DROP COLUMN of a companion to a command, unless the command drops the
 * companion already.  The parse tree lives longer than the event trigger.
 */
static void
add_drop(AlterTableStmt *command, const char *name, DropBehavior behavior)
{
	MemoryContext old;
	AlterTableCmd *subcommand;

	if (drops(command, name))
		return;
	old = MemoryContextSwitchTo(GetMemoryChunkContext(command));
	subcommand = makeNode(AlterTableCmd);
	subcommand->subtype = AT_DropColumn;
	subcommand->name = pstrdup(name);
	subcommand->behavior = behavior;
	command->cmds = lappend(command->cmds, subcommand);
	MemoryContextSwitchTo(old);
}

/*
 * Prepare DROP COLUMN of a file column: loosen the column and the companions,
 * and let the command drop the companions, too.
 */
static void
prepare_column(AlterTableStmt *command, const AlterTableCmd *subcommand,
			   Oid relid, const FfuColumn *column)
{
	int			i;

	loosen_all(relid, subcommand->name);
	for (i = 0; i < FFU_COMPANIONS; i++)
	{
		char	   *name;

		if (keep_companions || column->companions[i] == InvalidAttrNumber)
			continue;
		name = get_attname(relid, column->companions[i], false);
		loosen_all(relid, name);
		add_drop(command, name, subcommand->behavior);
		remember_gone(relid, name);
	}
	/* The next column may have the same partitions and companions. */
	CommandCounterIncrement();
}

/*
 * Prepare the subcommands of a command that drops columns of a table.
 */
static void
prepare_table(AlterTableStmt *command, Oid relid)
{
	List	   *given = list_copy(command->cmds);
	ListCell   *lc;

	foreach(lc, given)
	{
		AlterTableCmd *subcommand = lfirst(lc);
		const FfuColumn *column;

		if (subcommand->subtype != AT_DropColumn)
			continue;
		column = ffu_declaration_of_name(relid, subcommand->name);
		if (column != NULL && column->complaint == NULL)
			prepare_column(command, subcommand, relid, column);
		else if (is_gone(relid, subcommand->name) &&
				 get_attnum(relid, subcommand->name) == InvalidAttrNumber)
			subcommand->missing_ok = true;
	}
}

/*
 * Prepare an ALTER TABLE that is about to run.  If the table does not exist,
 * or belongs to another role, do nothing: PostgreSQL raises the error.
 */
void
ffu_drop_column_prepare(AlterTableStmt *command)
{
	Oid			relid;
	ListCell   *lc;
	bool		found = false;

	foreach(lc, command->objtype == OBJECT_TABLE ? command->cmds : NIL)
		found |= ((const AlterTableCmd *) lfirst(lc))->subtype == AT_DropColumn;
	if (!found)
		return;
	relid = RangeVarGetRelid(command->relation, NoLock, true);
	if (!OidIsValid(relid) || !pg_class_ownercheck(relid, GetUserId()) ||
		(ffu_declarations(relid) == NIL && gone_list == NIL))
		return;
	LockRelationOid(relid, AccessExclusiveLock);
	prepare_table(command, relid);
}
