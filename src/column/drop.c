/*-------------------------------------------------------------------------
 *
 * drop.c
 *	  DROP of objects with file columns: the files go with the object.
 *
 * No trigger fires for DROP TABLE, DROP COLUMN, DROP SCHEMA CASCADE or DROP
 * OWNED; the object access hook sees all these commands.  The hook must not go
 * by the type of a column: a copy made by CREATE TABLE AS, a temporary table,
 * a materialized view or the transient heap of VACUUM FULL has the type, and
 * the paths of files that live on.  The hook goes by ffu's triggers: a trigger
 * is dropped before its column and table, while pg_trigger can still be read.
 *
 *	OAT_DROP of an ffu trigger			note the table and the column
 *	OAT_DROP of a noted table or column	doom every path in the column
 *	end of the command					raise 2BP01 for a trigger that was
 *										dropped without column or table
 *
 * An owner may drop a trigger whose declaration is not valid.  This DROP dooms
 * nothing.
 *
 * A session with check_function_bodies = off restores a dump: every script of
 * pg_dump begins so.  In such a session DROP TRIGGER is allowed, which pg_dump
 * --clean sends before DROP TABLE, and nothing is doomed: the rows that are
 * restored next have the same paths.
 *
 * An event trigger makes sure that this library is loaded when a command
 * begins, also in a session that has never used ffu.  The event trigger also
 * drops the triggers of a table to which ATTACH PARTITION is about to give the
 * triggers of the parent.
 *
 * DROP EXTENSION ... CASCADE drops ffu.deletion, too, and with the table the
 * doomed paths: the files stay.
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
#include "catalog/objectaccess.h"
#include "catalog/objectaddress.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/query.h"
#include "column/complete.h"
#include "column/copies.h"
#include "column/declaration.h"
#include "column/drop.h"
#include "column/drop_column.h"
#include "column/former.h"
#include "column/retype.h"
#include "column/scan.h"
#include "text/path.h"
#include "transaction/dooms.h"
#include "transaction/usage.h"

FFU_FUNCTION(ffu_sql_ddl_start);
FFU_FUNCTION(ffu_sql_ddl_end);
FFU_FUNCTION(ffu_sql_drop_columns);

/* A file column that lost a trigger in this command */
typedef struct DropNote
{
	Oid			relid;
	char		key[NAMEDATALEN];
	bool		valid;			/* the declaration was valid */
	AttrNumber	attnum;			/* InvalidAttrNumber: unknown */
	bool		gone;			/* column or table is dropped, too */
	/* Set once the paths have been doomed */
	FfuLost		lost;
	FfuColumn  *names;			/* of the column, without attnum */
	/* Properties of a partition's copy of the BEFORE trigger */
	char	   *clone_name;		/* NULL: not a partition's trigger */
	char	   *clone_policy;
	ArrayType  *clone_attnums;	/* of int2 */
} DropNote;

/* The names of a table whose primary key was dropped in this command */
typedef struct KeyNote
{
	Oid			relid;
	FfuColumn  *names;
} KeyNote;

static void refuse_drop(const DropNote *note) pg_attribute_noreturn();

/* This library itself is dropping triggers, which are not noted. */
static bool dropping = false;

/* A dropped column whose files stay; InvalidOid: none */
static Oid	keep_relid = InvalidOid;
static const char *keep_key = NULL;

static object_access_hook_type next_hook = NULL;

/* Lists of DropNote and KeyNote for the current command, in note_context */
static MemoryContext note_context = NULL;
static List *notes = NIL;
static List *key_notes = NIL;

/*
 * Forget the notes of an earlier command.
 */
static void
clear_notes(void)
{
	notes = key_notes = NIL;
	if (note_context)
		MemoryContextDelete(note_context);
	note_context = NULL;
}

/*
 * Switch to the context of the notes; make a missing context.
 */
static MemoryContext
enter_notes(void)
{
	if (note_context == NULL)
		note_context = AllocSetContextCreate(TopMemoryContext, "ffu drops",
											 ALLOCSET_SMALL_SIZES);
	return MemoryContextSwitchTo(note_context);
}

/*
 * Return the note for a column.  Make a missing note.
 */
static DropNote *
get_note(Oid relid, const char *key)
{
	MemoryContext old;
	DropNote   *note;
	ListCell   *lc;

	foreach(lc, notes)
	{
		note = lfirst(lc);
		if (note->relid == relid && strcmp(note->key, key) == 0)
			return note;
	}
	old = enter_notes();
	note = palloc0(sizeof(DropNote));
	note->relid = relid;
	strlcpy(note->key, key, sizeof(note->key));
	notes = lappend(notes, note);
	MemoryContextSwitchTo(old);
	return note;
}

/*
 * Store the properties of a partition's BEFORE trigger.  If the command
 * detaches the partition, restore_triggers makes new triggers from the
 * properties.
 */
static void
note_clone(DropNote *note, Form_pg_trigger form, const char *policy)
{
	MemoryContext old = MemoryContextSwitchTo(note_context);
	Datum	   *attnums = palloc(form->tgattr.dim1 * sizeof(Datum));
	int			i;

	for (i = 0; i < form->tgattr.dim1; i++)
		attnums[i] = Int16GetDatum(form->tgattr.values[i]);
	note->clone_attnums = construct_array(attnums, form->tgattr.dim1, INT2OID,
										  sizeof(int16), true, TYPALIGN_SHORT);
	note->clone_name = pstrdup(NameStr(form->tgname));
	note->clone_policy = pstrdup(policy);
	MemoryContextSwitchTo(old);
}

/*
 * Store the names and the key of the table of a primary key about to be
 * dropped.  The key may go before the triggers, and the rows are read last.
 * The server takes the same lock right after this; until then the table of a
 * partition below the one that a command names is not locked.
 */
static void
note_key(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_index) GETSTRUCT(tuple);
	if (form->indisprimary && get_rel_relkind(index) == RELKIND_INDEX)
	{
		Relation	rel = table_open(form->indrelid, AccessExclusiveLock);
		MemoryContext old = enter_notes();
		KeyNote    *note = palloc(sizeof(KeyNote));

		note->relid = form->indrelid;
		note->names = ffu_column_names(rel);
		key_notes = lappend(key_notes, note);
		MemoryContextSwitchTo(old);
		table_close(rel, NoLock);
	}
	ReleaseSysCache(tuple);
}

/*
 * Store the names and the key of the column's table while both exist.  The
 * lock is as in note_key().
 */
static void
note_names(DropNote *note)
{
	MemoryContext old = enter_notes();
	Relation	rel = table_open(note->relid, AccessExclusiveLock);
	ListCell   *lc;

	note->names = ffu_column_names(rel);
	foreach(lc, key_notes)
	{
		KeyNote    *key_note = lfirst(lc);

		if (key_note->relid == note->relid)
			*note->names = *key_note->names;
	}
	table_close(rel, NoLock);
	MemoryContextSwitchTo(old);
}

/*
 * Note the column of an ffu trigger.  The first trigger of a column that a
 * command drops still finds the complete declaration.
 */
static void
note_column(Form_pg_trigger form, List *words)
{
	const char *key = linitial(words);
	List	   *columns = ffu_declarations(form->tgrelid);
	DropNote   *note;
	ListCell   *lc;

	foreach(lc, columns)
	{
		const FfuColumn *column = lfirst(lc);

		if (column->trigger == form->oid && column->complaint != NULL)
			return;
	}
	note = get_note(form->tgrelid, key);
	if (note->names == NULL)
		note_names(note);
	if (note->lost.column == NULL)
	{
		const FfuColumn *column = ffu_declaration_of_key(columns, key);

		note->valid = column != NULL && column->complaint == NULL;
		note->attnum = note->valid ? column->attnum : InvalidAttrNumber;
		note->lost.column = note->key;
	}
	if (note->valid && OidIsValid(form->tgparentid) && form->tgattr.dim1 > 0 &&
		form->tgnargs == 2)
		note_clone(note, form, lsecond(words));
}

/*
 * Note the column of a trigger about to be dropped, if the trigger is ffu's.
 */
static void
note_trigger(Oid oid)
{
	Relation	pg_trigger = table_open(TriggerRelationId, AccessShareLock);
	HeapTuple	tuple = get_catalog_object_by_oid(pg_trigger,
												  Anum_pg_trigger_oid, oid);

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
		List	   *words = ffu_trigger_words(pg_trigger, tuple);

		if (words != NIL && ffu_catalog_is_trigger(form->tgfoid))
			note_column(form, words);
	}
	table_close(pg_trigger, AccessShareLock);
}

/*
 * Tell whether the files of this column, or of a table above, are kept.
 */
static bool
is_kept(const DropNote *note)
{
	if (!OidIsValid(keep_relid) || strcmp(keep_key, note->key) != 0)
		return false;
	return keep_relid == note->relid ||
		(get_rel_relispartition(note->relid) &&
		 list_member_oid(get_partition_ancestors(note->relid), keep_relid));
}

/*
 * Tell whether the extension is being dropped.  The tables go in any order;
 * once the first table is gone, nothing can be doomed.
 */
static bool
is_extension_going(void)
{
	return !OidIsValid(ffu_catalog_relation_if_any("root")) ||
		!OidIsValid(ffu_catalog_relation_if_any("deletion")) ||
		!OidIsValid(ffu_catalog_relation_if_any("deletion_id_seq"));
}

/*
 * Doom the files of a dropped column.
 */
static void
doom_column(DropNote *note)
{
	Relation	rel;
	Form_pg_attribute attr;

	if (is_kept(note) || is_extension_going())
		return;
	if (!check_function_bodies)
	{
		ereport(NOTICE,
				(errmsg("the files of column \"%s\" of table \"%s\" stay in the folder",
						note->key, get_rel_name(note->relid)),
				 errdetail("check_function_bodies is off, as in a session that restores a dump."),
				 errhint("ffu.check() lists the files that no row has after the restore.")));
		return;
	}
	rel = table_open(note->relid, NoLock);
	note->lost.owner = rel->rd_rel->relowner;
	note->lost.table = MemoryContextStrdup(note_context,
										   RelationGetRelationName(rel));
	note->lost.since = GetCurrentCommandId(false);
	attr = TupleDescAttr(RelationGetDescr(rel), note->attnum - 1);
	note->lost.name = MemoryContextStrdup(note_context, NameStr(attr->attname));
	note->lost.type = attr->atttypid;
	note->names->attnum = note->attnum;
	ffu_scan_doom(rel, note->names);
	table_close(rel, NoLock);
}

/*
 * Doom the files of a noted table or column (attnum) about to be dropped.
 */
static void
drop_columns(Oid relid, AttrNumber attnum)
{
	ListCell   *lc;

	foreach(lc, notes)
	{
		DropNote   *note = lfirst(lc);

		if (note->relid != relid || note->gone ||
			note->attnum == InvalidAttrNumber ||
			(attnum != InvalidAttrNumber && attnum != note->attnum))
			continue;
		note->gone = true;
		doom_column(note);
	}
}

/*
 * object_access_hook
 */
static void
at_object_access(ObjectAccessType access, Oid class, Oid object, int sub,
				 void *arg)
{
	if (next_hook)
		next_hook(access, class, object, sub, arg);
	if (access == OAT_POST_ALTER)
		ffu_former_altered(class, object, sub);
	if (access != OAT_DROP)
		return;
	if (class == TriggerRelationId)
	{
		if (!dropping)
			note_trigger(object);
	}
	else if (class == RelationRelationId)
	{
		if (sub == 0)
			note_key(object);
		if (notes != NIL)
			drop_columns(object, sub);
		if (sub == 0 && get_rel_relkind(object) == RELKIND_RELATION &&
			OidIsValid(ffu_catalog_relation_if_any("counted")))
			ffu_usage_dropped(object);
		ffu_former_dropped(object, sub);
		if (object == ffu_dooms_deletion() && sub == 0)
			ffu_dooms_forget();
	}
}

/*
 * Make new triggers for a detached partition, in SQL.
 */
static void
restore_triggers(const DropNote *note)
{
	Oid			types[5] = {REGCLASSOID, NAMEOID, INT2ARRAYOID, TEXTOID, TEXTOID};
	Datum		values[5];

	values[0] = ObjectIdGetDatum(note->relid);
	values[1] = DirectFunctionCall1(namein,
									CStringGetDatum(note->clone_name));
	values[2] = PointerGetDatum(note->clone_attnums);
	values[3] = CStringGetTextDatum(note->key);
	values[4] = CStringGetTextDatum(note->clone_policy);
	(void) ffu_query_run("SELECT ffu._restore_triggers($1, $2, $3, $4, $5)",
						 5, types, values);
}

/*
 * Add the triggers of a file column on a table to a list of objects.  Leave
 * out triggers that belong to a trigger of a partitioned table.
 */
static void
add_triggers(Oid relid, const char *key, ObjectAddresses *objects)
{
	Relation	pg_trigger = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData scan_key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&scan_key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(pg_trigger, TriggerRelidNameIndexId, true, NULL,
							  1, &scan_key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
		List	   *words = ffu_trigger_words(pg_trigger, tuple);
		ObjectAddress trigger;

		if (words == NIL || strcmp(linitial(words), key) != 0 ||
			OidIsValid(form->tgparentid) || !ffu_catalog_is_trigger(form->tgfoid))
			continue;
		ObjectAddressSet(trigger, TriggerRelationId, form->oid);
		add_exact_object_address(&trigger, objects);
	}
	systable_endscan(scan);
	table_close(pg_trigger, AccessShareLock);
}

/*
 * Drop the triggers of a file column on a table and the partitions, without
 * SQL.  No other function drops these triggers while the column stays.
 */
static void
drop_triggers(Oid relid, const char *key)
{
	ObjectAddresses *objects = new_object_addresses();
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, AccessExclusiveLock, NULL))
		add_triggers(lfirst_oid(lc), key, objects);
	dropping = true;
	PG_TRY();
	{
		performMultipleDeletions(objects, DROP_RESTRICT,
								 PERFORM_DELETION_INTERNAL);
	}
	PG_FINALLY();
	{
		dropping = false;
	}
	PG_END_TRY();
	free_object_addresses(objects);
	CommandCounterIncrement();
}

/*
 * Return the oid of the table that a command names, or InvalidOid if there is
 * no such table; then the command itself raises the error.
 */
static Oid
named_table(const RangeVar *name)
{
	Oid			relid = RangeVarGetRelid(name, NoLock, true);
	char		kind = OidIsValid(relid) ? get_rel_relkind(relid) : '\0';

	return kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE ?
		relid : InvalidOid;
}

/*
 * Drop the triggers of a table that is about to become a partition of a table
 * with the same file columns, for example after a DETACH.  The partition gets
 * the parent's triggers and cannot keep both.  The files stay.  If the command
 * fails, the DROP is rolled back.
 */
static void
prepare_attach(Oid parent, Oid child)
{
	ListCell   *lc;

	if (!OidIsValid(parent) || !OidIsValid(child) ||
		!pg_class_ownercheck(parent, GetUserId()) ||
		!pg_class_ownercheck(child, GetUserId()))
		return;
	ffu_attached();
	ffu_former_note_attach(child);
	foreach(lc, ffu_declarations(child))
	{
		const FfuColumn *column = lfirst(lc);

		if (column->complaint == NULL &&
			ffu_declaration_of_name(parent, get_attname(child, column->attnum,
														false)) != NULL)
			drop_triggers(child, column->key);
	}
}

/*
 * Prepare a DETACH PARTITION CONCURRENTLY, which runs in two transactions.  The
 * first transaction already takes the partition out of the tree.
 */
static void
prepare_detach(Oid parent, Oid child)
{
	if (OidIsValid(parent) && OidIsValid(child) &&
		pg_class_ownercheck(parent, GetUserId()))
		ffu_former_note_detach(child);
}

/*
 * Prepare an ALTER TABLE that is about to run.
 */
static void
prepare_alter_table(const AlterTableStmt *command)
{
	ListCell   *lc;

	foreach(lc, command->cmds)
	{
		const AlterTableCmd *subcommand = lfirst(lc);
		const PartitionCmd *def = (PartitionCmd *) subcommand->def;

		if (FFU_REWRITES_PARTITIONS(subcommand->subtype))
			ffu_refuse_rewrite(named_table(command->relation));
		if (subcommand->subtype == AT_AttachPartition)
			prepare_attach(named_table(command->relation),
						   named_table(def->name));
		else if (subcommand->subtype == AT_DetachPartition && def->concurrent)
			prepare_detach(named_table(command->relation),
						   named_table(def->name));
	}
}

/*
 * ffu.ddl_start(): event trigger.  The call also loads the library.
 */
Datum
ffu_sql_ddl_start(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = (EventTriggerData *) fcinfo->context;

	ffu_require_event_trigger(fcinfo, "ddl_start");
	clear_notes();
	if (IsA(data->parsetree, AlterTableStmt))
	{
		prepare_alter_table((AlterTableStmt *) data->parsetree);
		ffu_retype_prepare((AlterTableStmt *) data->parsetree);
		ffu_drop_column_prepare((AlterTableStmt *) data->parsetree);
	}
	return PointerGetDatum(NULL);
}

/*
 * Refuse a command that dropped a trigger without column or table.
 */
static void
refuse_drop(const DropNote *note)
{
	Oid			relid = ffu_top_of(note->relid);
	char	   *name = get_rel_name(relid);

	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("cannot drop a trigger of file column \"%s\" of table \"%s\"",
					note->key, name),
			 errdetail("Without it the column's files would no longer follow its rows."),
			 errhint("Use ffu.drop_column to drop the column with its companions."),
			 err_generic_string(PG_DIAG_SCHEMA_NAME,
								get_namespace_name(get_rel_namespace(relid))),
			 err_generic_string(PG_DIAG_TABLE_NAME, name),
			 err_generic_string(PG_DIAG_COLUMN_NAME, note->key)));
}

/*
 * Make new triggers for detached partitions.  Return the partitions' oids.
 */
static List *
restore_detached(List *done)
{
	List	   *detached = NIL;
	ListCell   *lc;

	foreach(lc, done)
	{
		DropNote   *note = lfirst(lc);

		if (note->clone_name == NULL || note->gone ||
			!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(note->relid)) ||
			get_rel_relispartition(note->relid))
			continue;
		restore_triggers(note);
		detached = list_append_unique_oid(detached, note->relid);
	}
	return detached;
}

/*
 * Refuse the command if a copy of a doomed path would be left.
 */
static void
refuse_copied(List *done)
{
	List	   *lost = NIL;
	ListCell   *lc;

	foreach(lc, done)
	{
		DropNote   *note = lfirst(lc);

		if (note->lost.table != NULL)
			lost = lappend(lost, &note->lost);
	}
	ffu_copies_refuse(lost);
}

/*
 * Tell whether the command is DROP TRIGGER in a session that restores a dump.
 */
static bool
is_restoring(const Node *parsetree)
{
	return !check_function_bodies && IsA(parsetree, DropStmt) &&
		((const DropStmt *) parsetree)->removeType == OBJECT_TRIGGER;
}

/*
 * ffu.ddl_end(): event trigger.  Check the dropped triggers.  A detached
 * partition gets new triggers, and so do the partitions below.
 */
Datum
ffu_sql_ddl_end(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = (EventTriggerData *) fcinfo->context;
	List	   *done = notes;
	MemoryContext done_context = note_context;
	List	   *detached;
	ListCell   *lc;

	ffu_require_event_trigger(fcinfo, "ddl_end");
	/* The commands below have their own notes. */
	notes = key_notes = NIL;
	note_context = NULL;
	if (done_context)
		MemoryContextSetParent(done_context, CurrentMemoryContext);
	if (IsA(data->parsetree, AlterTableStmt))
		ffu_retype_finish((AlterTableStmt *) data->parsetree);
	detached = restore_detached(done);
	foreach(lc, done)
	{
		DropNote   *note = lfirst(lc);

		if (!note->valid ||
			!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(note->relid)) ||
			list_member_oid(detached, ffu_top_of(note->relid)))
			continue;
		/* The TRUNCATE trigger does not depend on the column. */
		if (note->gone)
			drop_triggers(note->relid, note->key);
		else if (!is_restoring(data->parsetree))
			refuse_drop(note);
	}
	refuse_copied(done);
	return PointerGetDatum(NULL);
}

/*
 * ffu._drop_columns(relation regclass, key text, keep_files boolean,
 * keep_companions boolean): drop a file column with companions and triggers;
 * with keep_files the files stay, with keep_companions the companions.
 * No state outlives the call.  Made for ffu.drop_column, but the table's owner
 * may call the function, too: the function does no more than ffu.drop_column.
 */
Datum
ffu_sql_drop_columns(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	char	   *key = text_to_cstring(PG_GETARG_TEXT_PP(1));
	bool		keep_companions = PG_GETARG_BOOL(3);
	const FfuColumn *column;

	if (!pg_class_ownercheck(relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relid));
	column = ffu_declaration_of_key(ffu_declarations(relid), key);
	if (column == NULL || column->complaint != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no file column with this key",
						get_rel_name(relid)),
				 errhint("Use ffu.drop_column.")));
	keep_relid = PG_GETARG_BOOL(2) ? relid : InvalidOid;
	keep_key = key;
	ffu_drop_column_keep_companions(keep_companions);
	PG_TRY();
	{
		/* No NOTICE "drop cascades to trigger ..." */
		ffu_query_run_as_owner(relid, "client_min_messages", "warning",
							   ffu_declaration_drop_command(relid, column,
															!keep_companions));
	}
	PG_FINALLY();
	{
		keep_relid = InvalidOid;
		keep_key = NULL;
		ffu_drop_column_keep_companions(false);
	}
	PG_END_TRY();
	/* With event triggers off, triggers independent of the column are left. */
	drop_triggers(relid, key);
	PG_RETURN_VOID();
}

/*
 * Install the object access hook.  Called once in a backend.
 */
void
ffu_drop_init(void)
{
	next_hook = object_access_hook;
	object_access_hook = at_object_access;
}
