/*-------------------------------------------------------------------------
 *
 * retype.c
 *	  ALTER TABLE ... ALTER COLUMN ... TYPE of file columns and companions.
 *
 * PostgreSQL refuses to change the type of a column if a trigger or a function
 * with a body in SQL depends on the column.  Migration tools send this command
 * all the same, mostly with the type that the column has.  So before the
 * command, ddl_start removes the dependencies of ffu's own triggers and
 * computed fields on the column, and nothing else.  After the command, ddl_end
 * records the dependencies again, and updates the conditions and bodies, which
 * contain the type of the column.  Names, arguments, states and oids stay.  If
 * the command fails, the removal is rolled back with the command.
 *
 * A user's object that depends on the column still makes PostgreSQL refuse the
 * command.
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
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

/* Before 16 this header declares walkers without arguments. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include "nodes/nodeFuncs.h"
#pragma GCC diagnostic pop

#include "base/catalog.h"
#include "column/computed.h"
#include "column/declaration.h"
#include "column/retype.h"

/* A trigger or function that was made independent of a column */
typedef struct Loose
{
	const AlterTableStmt *command;	/* the command that changes the type */
	SubTransactionId subid;
	Oid			class;			/* pg_trigger or pg_proc */
	Oid			object;
	Oid			relid;
	AttrNumber	attnum;
	char		deptype;		/* '\0': there was no dependency */
} Loose;

/* A column in a condition or body, and the new type of the column */
typedef struct Mending
{
	AttrNumber	attnum;
	Oid			row_type;
	Oid			type;
	int32		typmod;
	Oid			collation;
} Mending;

/* List of Loose, in TopTransactionContext of the transaction loose_lxid */
static List *loose_list = NIL;
static LocalTransactionId loose_lxid = InvalidLocalTransactionId;

/*
 * Return the role of a column in a file column: -1 for the column itself, an
 * FfuCompanion, or FFU_COMPANIONS for no role.
 */
static int
role_of(List *columns, AttrNumber attnum)
{
	ListCell   *lc;
	int			i;

	foreach(lc, attnum > 0 ? columns : NIL)
	{
		const FfuColumn *column = lfirst(lc);

		if (column->complaint != NULL)
			continue;
		if (column->attnum == attnum)
			return -1;
		for (i = 0; i < FFU_COMPANIONS; i++)
		{
			if (column->companions[i] == attnum)
				return i;
		}
	}
	return FFU_COMPANIONS;
}

/*
 * Refuse a type that the column cannot have.  PostgreSQL refuses a type that
 * does not exist.
 */
static void
check_type(const char *name, int role, const TypeName *type_name)
{
	Type		type = LookupTypeName(NULL, type_name, NULL, true);
	Oid			oid;
	bool		fits;

	if (type == NULL)
		return;
	oid = typeTypeId(type);
	ReleaseSysCache(type);
	fits = role == FFU_COMPANION_SIZE ? oid == INT8OID :
		getBaseType(oid) == TEXTOID || getBaseType(oid) == VARCHAROID;
	if (fits)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("cannot change the type of column \"%s\" to %s",
					name, format_type_be(oid)),
			 role == -1 ?
			 errdetail("A file column is of type ffu.file, text or character varying.") :
			 role == FFU_COMPANION_SIZE ?
			 errdetail("It is the companion of a file column with the size, of type bigint.") :
			 errdetail("It is a companion of a file column, of type text or character varying."),
			 errhint("Keep the type, or drop the file column with ffu.drop_column.")));
}

/*
 * Tell whether an expression is the column itself, or a cast of the column.
 */
static bool
is_cast_of(const Node *expr, const char *name)
{
	const ColumnRef *ref;

	while (IsA(expr, TypeCast))
		expr = ((const TypeCast *) expr)->arg;
	ref = (const ColumnRef *) expr;
	return IsA(expr, ColumnRef) && list_length(ref->fields) == 1 &&
		IsA(linitial(ref->fields), String) &&
		strcmp(strVal(linitial(ref->fields)), name) == 0;
}

/*
 * Refuse USING that changes values: only UPDATE changes the values of a file
 * column.  Remove a cast of the column from the command: without USING,
 * PostgreSQL refuses a value that is too long instead of truncating the value.
 */
static void
check_using(const char *name, ColumnDef *def)
{
	if (def->raw_default == NULL)
		return;
	if (!is_cast_of(def->raw_default, name))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot change the values of column \"%s\" by USING",
						name),
				 errdetail("It belongs to a file column, whose files follow INSERT, UPDATE and DELETE."),
				 errhint("Leave USING out, or write a cast of the column itself.")));
	def->raw_default = NULL;
}

/*
 * Add a loose object to the list.
 */
static void
add_loose(const Loose *loose)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	Loose	   *copy = palloc(sizeof(Loose));

	if (loose_lxid != FFU_LXID)
		loose_list = NIL;
	loose_lxid = FFU_LXID;
	*copy = *loose;
	loose_list = lappend(loose_list, copy);
	MemoryContextSwitchTo(old);
}

/*
 * Tell whether an object is ffu's own and mentions the column.
 */
static bool
is_own_object(Oid class, Oid object, Oid relid, AttrNumber attnum)
{
	Oid			field_relid;
	AttrNumber	field_attnum;

	if (class == ProcedureRelationId)
		return ffu_computed_is(object, &field_relid, &field_attnum) &&
			field_relid == relid && field_attnum == attnum;
	return class == TriggerRelationId &&
		ffu_catalog_is_trigger(ffu_trigger_function(object));
}

/*
 * Remove the dependencies of ffu's own objects on a column.
 */
static void
loosen(const AlterTableStmt *command, Oid relid, AttrNumber attnum)
{
	Relation	pg_depend = table_open(DependRelationId, RowExclusiveLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(pg_depend, DependReferenceIndexId, true, NULL, 2,
							  key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		bool		on_column = form->refobjsubid == attnum;
		Loose		loose = {.command = command,.relid = relid,.attnum = attnum};

		/*
		 * A computed field, or a partition's copy of a trigger, may depend on
		 * the table alone.
		 */
		if (!(on_column || form->refobjsubid == 0) ||
			!is_own_object(form->classid, form->objid, relid, attnum))
			continue;
		loose.subid = GetCurrentSubTransactionId();
		loose.class = form->classid;
		loose.object = form->objid;
		loose.deptype = on_column ? form->deptype : '\0';
		add_loose(&loose);
		if (on_column)
			CatalogTupleDelete(pg_depend, &tuple->t_self);
	}
	systable_endscan(scan);
	table_close(pg_depend, RowExclusiveLock);
}

/*
 * Prepare a subcommand: check type and USING, and loosen the objects of the
 * column in all partitions.
 */
static void
prepare_column(const AlterTableStmt *command, const AlterTableCmd *subcommand,
			   Oid relid)
{
	int			role = role_of(ffu_declarations(relid),
							   get_attnum(relid, subcommand->name));
	ListCell   *lc;

	if (role == FFU_COMPANIONS)
		return;
	check_type(subcommand->name, role, ((ColumnDef *) subcommand->def)->typeName);
	check_using(subcommand->name, (ColumnDef *) subcommand->def);
	foreach(lc, find_all_inheritors(relid, AccessExclusiveLock, NULL))
	{
		Oid			member = lfirst_oid(lc);

		loosen(command, member, get_attnum(member, subcommand->name));
	}
}

/*
 * Prepare an ALTER TABLE that is about to run.  If the table does not exist,
 * or belongs to another role, do nothing: PostgreSQL raises the error.
 */
void
ffu_retype_prepare(AlterTableStmt *command)
{
	Oid			relid = InvalidOid;
	ListCell   *lc;

	foreach(lc, command->objtype == OBJECT_TABLE ? command->cmds : NIL)
	{
		const AlterTableCmd *subcommand = lfirst(lc);

		if (subcommand->subtype != AT_AlterColumnType)
			continue;
		if (!OidIsValid(relid))
		{
			relid = RangeVarGetRelid(command->relation, NoLock, true);
			if (!OidIsValid(relid) ||
				!pg_class_ownercheck(relid, GetUserId()) ||
				ffu_declarations(relid) == NIL)
				return;
			LockRelationOid(relid, AccessExclusiveLock);
		}
		prepare_column(command, subcommand, relid);
	}
	CommandCounterIncrement();
}

/*
 * Is this a string type, or a domain over one?  The size of a file is bigint
 * before and after.  References to that column must stay as they are: taken
 * for a text, a number would be a pointer.
 */
static bool
is_string(Oid type)
{
	Oid			base = getBaseType(type);

	return base == TEXTOID || base == VARCHAROID;
}

/*
 * Tell whether a node refers to the column.
 */
static bool
is_reference(const Node *node, const Mending *mending)
{
	if (node && IsA(node, Var))
		return ((const Var *) node)->varattno == mending->attnum;
	return node && IsA(node, FieldSelect) &&
		((const FieldSelect *) node)->fieldnum == mending->attnum &&
		exprType((Node *) ((const FieldSelect *) node)->arg) == mending->row_type;
}

/*
 * Copy a reference, with the new type of the column, cast to text.
 */
static Node *
new_reference(const Node *node, const Mending *mending)
{
	Node	   *copy = copyObjectImpl(node);

	if (IsA(copy, Var))
	{
		((Var *) copy)->vartype = mending->type;
		((Var *) copy)->vartypmod = mending->typmod;
		((Var *) copy)->varcollid = mending->collation;
	}
	else
	{
		((FieldSelect *) copy)->resulttype = mending->type;
		((FieldSelect *) copy)->resulttypmod = mending->typmod;
		((FieldSelect *) copy)->resultcollid = mending->collation;
	}
	if (mending->type == TEXTOID)
		return copy;
	return (Node *) makeRelabelType((Expr *) copy, TEXTOID, -1,
									mending->collation,
									COERCE_IMPLICIT_CAST);
}

/*
 * Replace the references to the column in a tree.
 */
static Node *
mend(Node *node, void *context)
{
	Mending    *mending = context;

	if (node == NULL)
		return NULL;
	if (IsA(node, RelabelType) &&
		is_reference((Node *) ((RelabelType *) node)->arg, mending))
		return new_reference((Node *) ((RelabelType *) node)->arg, mending);
	if (is_reference(node, mending))
		return new_reference(node, mending);
	if (IsA(node, Query))
		return (Node *) query_tree_mutator((Query *) node, mend, context, 0);
	return expression_tree_mutator(node, mend, context);
}

/*
 * Mend the tree in a column of a catalog row.  Do nothing if the column is
 * null.
 */
static void
mend_tuple(Relation catalog, HeapTuple tuple, AttrNumber column,
		   Mending *mending)
{
	TupleDesc	desc = RelationGetDescr(catalog);
	Datum	   *values = palloc0(desc->natts * sizeof(Datum));
	bool	   *isnull = palloc0(desc->natts * sizeof(bool));
	bool	   *replace = palloc0(desc->natts * sizeof(bool));
	bool		absent;
	Datum		value = heap_getattr(tuple, column, desc, &absent);
	Node	   *tree;

	if (absent)
		return;
	tree = mend(stringToNode(TextDatumGetCString(value)), mending);
	values[column - 1] = CStringGetTextDatum(nodeToString(tree));
	replace[column - 1] = true;
	CatalogTupleUpdate(catalog, &tuple->t_self,
					   heap_modify_tuple(tuple, desc, values, isnull, replace));
}

/*
 * Mend a trigger or a function.  False if it is not there any more: code that
 * the command has run may have dropped a function.
 */
static bool
mend_object(const Loose *loose, Mending *mending)
{
	bool		is_trigger = loose->class == TriggerRelationId;
	Relation	catalog = table_open(loose->class, RowExclusiveLock);
	HeapTuple	tuple = get_catalog_object_by_oid(catalog, Anum_pg_trigger_oid,
												  loose->object);
	bool		found = HeapTupleIsValid(tuple);

	/* The oid is the first column of both catalogs. */
	StaticAssertStmt(Anum_pg_trigger_oid == Anum_pg_proc_oid, "different columns");
	if (found && is_string(mending->type))
		mend_tuple(catalog, tuple, is_trigger ? Anum_pg_trigger_tgqual :
				   Anum_pg_proc_prosqlbody, mending);
	table_close(catalog, RowExclusiveLock);
	return found;
}

/*
 * Tie a loose object to the column again, and mend the object.
 */
static void
tighten(const Loose *loose)
{
	Mending		mending = {.attnum = loose->attnum};
	ObjectAddress object;
	ObjectAddress column;

	mending.row_type = get_rel_type_id(loose->relid);
	get_atttypetypmodcoll(loose->relid, loose->attnum, &mending.type,
						  &mending.typmod, &mending.collation);
	if (mend_object(loose, &mending) && loose->deptype != '\0')
	{
		ObjectAddressSet(object, loose->class, loose->object);
		ObjectAddressSubSet(column, RelationRelationId, loose->relid,
							loose->attnum);
		recordDependencyOn(&object, &column, loose->deptype);
	}
	CacheInvalidateRelcacheByRelid(loose->relid);
	/* Two columns of the command may be in the same condition. */
	CommandCounterIncrement();
}

/*
 * Tighten the objects of an ALTER TABLE that has run.
 */
void
ffu_retype_finish(const AlterTableStmt *command)
{
	ListCell   *lc;

	foreach(lc, loose_lxid == FFU_LXID ? loose_list : NIL)
	{
		Loose	   *loose = lfirst(lc);

		if (loose->command != command ||
			!SubTransactionIsActive(loose->subid))
			continue;
		loose->command = NULL;
		tighten(loose);
	}
}
