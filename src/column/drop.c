/*-------------------------------------------------------------------------
 *
 * drop.c
 *	  DROP of what has file columns: the files go with it.
 *
 * No trigger fires for DROP TABLE, DROP COLUMN, DROP SCHEMA CASCADE or DROP
 * OWNED; the object access hook sees all of them.  It must not go by the type
 * of a column: a copy made by CREATE TABLE AS, a temporary table, a
 * materialized view or the transient heap of VACUUM FULL has the type, and
 * the paths of files that live on.  It goes by ffu's triggers: a trigger is
 * dropped before its column and table, while pg_trigger can still be read.
 *
 *	OAT_DROP of an ffu trigger			note its table and column
 *	OAT_DROP of that table or column	doom every path in it
 *	end of the command					a trigger that went without either was
 *										dropped alone: 2BP01
 *
 * An event trigger makes sure that this library is loaded when a command
 * begins, in a session that has never used ffu.  It also takes the triggers
 * from a table that ATTACH PARTITION is about to give its parent's.
 *
 * DROP EXTENSION ... CASCADE drops ffu.deletion as well, and with it what was
 * doomed: the files stay.
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
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "column/column.h"
#include "column/drop.h"
#include "column/scan.h"
#include "text/path.h"
#include "transaction/deletion.h"
#include "transaction/pending.h"

FFU_FUNCTION(ffu_ddl_start);
FFU_FUNCTION(ffu_ddl_end);
FFU_FUNCTION(ffu_has_attached);
FFU_FUNCTION(ffu_begin_trigger_drop);
FFU_FUNCTION(ffu_tie_function);
FFU_FUNCTION(ffu_trigger_arguments);
FFU_FUNCTION(ffu_check_path_template);

/* A file column that lost a trigger in this command */
typedef struct DropNote
{
	Oid			relid;
	char		key[NAMEDATALEN];
	AttrNumber	attnum;			/* InvalidAttrNumber: not known */
	bool		gone;			/* its column or table is dropped too */
	FfuColumn  *names;			/* of the column, with attnum yet to come */
	/* A partition's own copy of its BEFORE trigger: what it is made of */
	char	   *clone_name;		/* NULL: it was not a partition's */
	char	   *clone_policy;
	ArrayType  *clone_attnums;	/* of int2 */
} DropNote;

/* What ffu.drop_column is about to drop */
typedef struct DropPermit
{
	LocalTransactionId lxid;	/* good in this transaction, as long as */
	SubTransactionId subid;		/* this subtransaction is active */
	Oid			relid;
	AttrNumber	attnum;
	char		key[NAMEDATALEN];
	bool		keep_files;
} DropPermit;

/* The last transaction that attached a partition */
static LocalTransactionId attach_lxid = InvalidLocalTransactionId;

/* The names of a table whose primary key was dropped in this command */
typedef struct KeyNote
{
	Oid			relid;
	FfuColumn  *names;
} KeyNote;

static void refuse_drop(const DropNote *note) pg_attribute_noreturn();

static object_access_hook_type next_hook = NULL;

/* Of DropNote and KeyNote, for the current command; in their own context */
static MemoryContext note_context = NULL;
static List *notes = NIL;
static List *key_notes = NIL;

static DropPermit permit =
{
	InvalidSubTransactionId
};

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
 * Make the context of the notes, if there is none, and switch to it.
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
 * The note for a column, made if there is none.
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
 * Is this function one of ffu's trigger functions?
 */
static bool
is_own_function(Oid function)
{
	return function == ffu_own_function("before_row") ||
		function == ffu_own_function("after_row") ||
		function == ffu_own_function("before_truncate");
}

/*
 * The first argument of a trigger: the key of its column.  It points into the
 * tuple; NULL if the trigger has no arguments.
 */
static const char *
trigger_key(Relation pg_trigger, HeapTuple tuple)
{
	bool		isnull;
	Datum		args = heap_getattr(tuple, Anum_pg_trigger_tgargs,
									RelationGetDescr(pg_trigger), &isnull);

	if (isnull || ((Form_pg_trigger) GETSTRUCT(tuple))->tgnargs == 0)
		return NULL;
	return VARDATA_ANY(DatumGetByteaPP(args));
}

/*
 * Keep what a partition's BEFORE trigger is made of: if the partition is being
 * detached, it gets such triggers of its own.
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
 * The index of a primary key is about to be dropped: keep its table's names
 * and key.  The index may go before the triggers, and the rows are read last.
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
		Relation	rel = table_open(form->indrelid, NoLock);
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
 * Keep the names of the column's table, and its key, while they are there.
 */
static void
note_names(DropNote *note)
{
	MemoryContext old = enter_notes();
	Relation	rel = table_open(note->relid, NoLock);
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
 * A trigger is about to be dropped: note its column, if it is one of ours.
 */
static void
note_trigger(Oid oid)
{
	Relation	pg_trigger = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(oid));
	scan = systable_beginscan(pg_trigger, TriggerOidIndexId, true, NULL, 1,
							  &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
		const char *column_key = trigger_key(pg_trigger, tuple);

		if (column_key && is_own_function(form->tgfoid))
		{
			DropNote   *note = get_note(form->tgrelid, column_key);

			if (note->names == NULL)
				note_names(note);
			if (form->tgattr.dim1 > 0)
				note->attnum = form->tgattr.values[0];
			if (OidIsValid(form->tgparentid) && form->tgattr.dim1 > 0 &&
				form->tgnargs == 2)
				note_clone(note, form, column_key + strlen(column_key) + 1);
		}
	}
	systable_endscan(scan);
	table_close(pg_trigger, AccessShareLock);
}

/*
 * Is the permit for this column, or for that of a partitioned table above it?
 */
static bool
is_permitted(const DropNote *note)
{
	if (permit.lxid != FFU_LXID || !SubTransactionIsActive(permit.subid) ||
		strcmp(permit.key, note->key) != 0)
		return false;
	if (permit.relid == note->relid)
		return note->attnum == InvalidAttrNumber ||
			note->attnum == permit.attnum;
	return get_rel_relispartition(note->relid) &&
		list_member_oid(get_partition_ancestors(note->relid), permit.relid);
}

/*
 * Is the extension being dropped?  Its tables go in no particular order; with
 * the first of them there is no dooming any more.
 */
static bool
is_extension_going(void)
{
	return !OidIsValid(ffu_own_relation_if_any("root")) ||
		!OidIsValid(ffu_own_relation_if_any("deletion")) ||
		!OidIsValid(ffu_own_relation_if_any("deletion_id_seq"));
}

/*
 * A table, or one of its columns (attnum), is about to be dropped: doom the
 * files in it, if it is one that was noted.
 */
static void
drop_columns(Oid relid, AttrNumber attnum)
{
	ListCell   *lc;

	foreach(lc, notes)
	{
		DropNote   *note = lfirst(lc);
		Relation	rel;

		if (note->relid != relid || note->gone ||
			note->attnum == InvalidAttrNumber ||
			(attnum != InvalidAttrNumber && attnum != note->attnum))
			continue;
		note->gone = true;
		if ((permit.keep_files && is_permitted(note)) || is_extension_going())
			continue;
		rel = table_open(relid, NoLock);
		note->names->attnum = note->attnum;
		ffu_scan_doom(rel, note->names);
		table_close(rel, NoLock);
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
	if (access != OAT_DROP)
		return;
	if (class == TriggerRelationId)
		note_trigger(object);
	else if (class == RelationRelationId)
	{
		if (sub == 0)
			note_key(object);
		if (notes != NIL)
			drop_columns(object, sub);
		if (object == ffu_pending.deletion_relid && sub == 0)
			ffu_pending_forget_dooms();
	}
}

/*
 * Refuse to be called by anything but an event trigger.
 */
static void
require_event_trigger(FunctionCallInfo fcinfo, const char *function)
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
 * Give a detached partition triggers of its own, in SQL.
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
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("SELECT ffu._restore_triggers($1, $2, $3, $4, $5)",
							  5, types, values, NULL, false, 0) < 0)
		elog(ERROR, "could not call ffu._restore_triggers");
	SPI_finish();
}

/*
 * A column was dropped by hand; its TRUNCATE trigger does not depend on it and
 * is still there.
 */
static void
drop_truncate_trigger(const DropNote *note)
{
	Oid			types[2] = {REGCLASSOID, TEXTOID};
	Datum		values[2];

	permit.lxid = FFU_LXID;
	permit.subid = GetCurrentSubTransactionId();
	permit.relid = note->relid;
	permit.attnum = note->attnum;
	permit.keep_files = false;
	strlcpy(permit.key, note->key, sizeof(permit.key));
	values[0] = ObjectIdGetDatum(note->relid);
	values[1] = CStringGetTextDatum(note->key);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("SELECT ffu._drop_truncate_trigger($1, $2)",
							  2, types, values, NULL, false, 0) < 0)
		elog(ERROR, "could not call ffu._drop_truncate_trigger");
	SPI_finish();
	permit.lxid = InvalidLocalTransactionId;
}

/*
 * Where is the table that a command names?  InvalidOid if there is none, or
 * it is not a table; the command itself will say so.
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
 * A table is about to become a partition of one with the same file columns,
 * as when it was detached before.  It gets its triggers from there and cannot
 * have its own as well: they go, in SQL.  The files stay.  If the command
 * fails, so has this.
 */
static void
prepare_attach(Oid parent, Oid child)
{
	Oid			types[2] = {REGCLASSOID, REGCLASSOID};
	Datum		values[2];

	if (!OidIsValid(parent) || !OidIsValid(child) ||
		!pg_class_ownercheck(parent, GetUserId()) ||
		!pg_class_ownercheck(child, GetUserId()))
		return;
	values[0] = ObjectIdGetDatum(parent);
	values[1] = ObjectIdGetDatum(child);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("SELECT ffu._prepare_attach($1, $2)",
							  2, types, values, NULL, false, 0) < 0)
		elog(ERROR, "could not call ffu._prepare_attach");
	SPI_finish();
	permit.lxid = InvalidLocalTransactionId;
}

/*
 * Look at an ALTER TABLE that is about to run.
 */
static void
prepare_alter_table(const AlterTableStmt *command)
{
	ListCell   *lc;

	foreach(lc, command->cmds)
	{
		const AlterTableCmd *part = lfirst(lc);

		if (part->subtype != AT_AttachPartition)
			continue;
		prepare_attach(named_table(command->relation),
					   named_table(((PartitionCmd *) part->def)->name));
		attach_lxid = FFU_LXID;
	}
}

/*
 * ffu.ddl_start(): event trigger; being called, the library is loaded.
 */
Datum
ffu_ddl_start(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = (EventTriggerData *) fcinfo->context;

	require_event_trigger(fcinfo, "ddl_start");
	clear_notes();
	if (IsA(data->parsetree, AlterTableStmt))
		prepare_alter_table((AlterTableStmt *) data->parsetree);
	return PointerGetDatum(NULL);
}

/*
 * The topmost partitioned table above a table, or the table itself.
 */
static Oid
top_of(Oid relid)
{
	return get_rel_relispartition(relid) ?
		llast_oid(get_partition_ancestors(relid)) : relid;
}

/*
 * Refuse a command that dropped a trigger but not its column or table.
 */
static void
refuse_drop(const DropNote *note)
{
	Oid			relid = top_of(note->relid);
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
 * ffu.ddl_end(): event trigger; looks at the triggers that were dropped.  A
 * partition that was detached gets its own, and its partitions with it.
 */
Datum
ffu_ddl_end(PG_FUNCTION_ARGS)
{
	List	   *done = notes;
	MemoryContext done_context = note_context;
	List	   *detached = NIL;
	ListCell   *lc;

	require_event_trigger(fcinfo, "ddl_end");
	/* What is done below are commands of their own, with their own notes. */
	notes = key_notes = NIL;
	note_context = NULL;
	if (done_context)
		MemoryContextSetParent(done_context, CurrentMemoryContext);
	foreach(lc, done)
	{
		DropNote   *note = lfirst(lc);

		if (note->clone_name == NULL || note->gone || is_permitted(note) ||
			!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(note->relid)) ||
			get_rel_relispartition(note->relid))
			continue;
		restore_triggers(note);
		detached = list_append_unique_oid(detached, note->relid);
	}
	foreach(lc, done)
	{
		DropNote   *note = lfirst(lc);

		if (is_permitted(note) ||
			!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(note->relid)) ||
			list_member_oid(detached, top_of(note->relid)))
			continue;
		if (note->gone)
			drop_truncate_trigger(note);
		else
			refuse_drop(note);
	}
	return PointerGetDatum(NULL);
}

/*
 * ffu._has_attached() RETURNS boolean: has this transaction attached a
 * partition, which then needs a TRUNCATE trigger?  Any other ALTER TABLE must
 * not make one: in a parallel restore the dump's own is still to come.
 */
Datum
ffu_has_attached(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(attach_lxid == FFU_LXID);
}

/*
 * ffu.begin_trigger_drop(relation regclass, key text, keep_files boolean):
 * the rest of this function call may drop the column's triggers.  For
 * ffu.drop_column only, which must be called by the table's owner.
 */
Datum
ffu_begin_trigger_drop(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	char	   *key = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Relation	rel;

	if (!pg_class_ownercheck(relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relid));
	rel = table_open(relid, AccessShareLock);
	permit.attnum = ffu_column_find(rel, key)->attnum;
	table_close(rel, AccessShareLock);
	permit.lxid = FFU_LXID;
	permit.subid = GetCurrentSubTransactionId();
	permit.relid = relid;
	strlcpy(permit.key, key, sizeof(permit.key));
	permit.keep_files = PG_GETARG_BOOL(2);
	PG_RETURN_VOID();
}

/*
 * ffu.tie_function(func regprocedure, relation regclass): make a computed
 * field depend on its table automatically, so that a plain DROP TABLE takes
 * it along, and no longer on the table's row type, which would keep the table
 * from being rewritten.  The caller must own both.
 */
Datum
ffu_tie_function(PG_FUNCTION_ARGS)
{
	Oid			func = PG_GETARG_OID(0);
	Oid			relid = PG_GETARG_OID(1);
	Oid			type = get_rel_type_id(relid);
	ObjectAddress function;
	ObjectAddress table;

	if (!pg_class_ownercheck(relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relid));
	if (!pg_proc_ownercheck(func, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_FUNCTION,
					   get_func_name(func));
	deleteDependencyRecordsForSpecific(ProcedureRelationId, func,
									   DEPENDENCY_NORMAL,
									   TypeRelationId, type);
	deleteDependencyRecordsForSpecific(ProcedureRelationId, func,
									   DEPENDENCY_AUTO,
									   RelationRelationId, relid);
	ObjectAddressSet(function, ProcedureRelationId, func);
	ObjectAddressSet(table, RelationRelationId, relid);
	recordDependencyOn(&function, &table, DEPENDENCY_AUTO);
	PG_RETURN_VOID();
}

/*
 * ffu.trigger_arguments(trigger oid) RETURNS text[]: the arguments of a
 * trigger, which pg_trigger keeps as bytes.  NULL if there is no such
 * trigger.
 */
Datum
ffu_trigger_arguments(PG_FUNCTION_ARGS)
{
	Relation	pg_trigger = table_open(TriggerRelationId, AccessShareLock);
	ArrayType  *result = NULL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
				PG_GETARG_DATUM(0));
	scan = systable_beginscan(pg_trigger, TriggerOidIndexId, true, NULL, 1,
							  &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		int			n = ((Form_pg_trigger) GETSTRUCT(tuple))->tgnargs;
		const char *arg = trigger_key(pg_trigger, tuple);
		Datum	   *words = palloc(Max(n, 1) * sizeof(Datum));
		int			i;

		for (i = 0; arg && i < n; i++)
		{
			words[i] = CStringGetTextDatum(arg);
			arg += strlen(arg) + 1;
		}
		result = construct_array(words, n, TEXTOID, -1, false, TYPALIGN_INT);
	}
	systable_endscan(scan);
	table_close(pg_trigger, AccessShareLock);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(result);
}

/*
 * ffu.check_path_template(path_template text): raises 22023 if it is not a
 * good one.
 */
Datum
ffu_check_path_template(PG_FUNCTION_ARGS)
{
	char	   *path_template = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const char *complaint = ffu_template_complaint(path_template);

	if (complaint)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid path template"),
				 errdetail_internal("%s", complaint),
				 errhint("A path template looks like \"{table}/{pk}/{column}-{token}{ext}\".")));
	PG_RETURN_VOID();
}

/*
 * Hang ourselves into the object access hook; called once in a backend.
 */
void
ffu_drop_init(void)
{
	next_hook = object_access_hook;
	object_access_hook = at_object_access;
}
