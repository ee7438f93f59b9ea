/*-------------------------------------------------------------------------
 *
 * former.c
 *	  The former names of file columns.
 *
 * The proof in a path (proof.c) says for which schema, table and column the
 * path was made.  A name can pass from one table to another: the table blogs is
 * renamed, and a new table blogs is made or restored.  Then the paths in the
 * renamed table prove themselves for the rows of the new table.  So the table
 * ffu.former_name records the names that a file column gives up, and which
 * column had them.  If another living column had the names of a column before,
 * the proof of a path is not enough: the deletion of the path is doubtful.
 *
 * A record is written before the names change.  The object access hook sees
 * every change of the name or schema of a table, and of the name of a column or
 * schema, also where event triggers do not fire.  The event trigger ddl_start
 * sees ATTACH PARTITION, and DETACH PARTITION ... CONCURRENTLY; the hook sees
 * other forms of DETACH.  ATTACH and DETACH count because a proof has the name
 * of the topmost table.
 *
 * A record of a table or column that is gone counts for nothing: no row is left
 * that has the paths.  DROP removes the record where the hook sees the command.
 * A record of the column that has the names again counts for nothing, either.
 *
 * Each change of ffu.former_name sends a relcache invalidation for the table.
 * So a backend can cache an answer together with the state at the time of the
 * answer.  The cache is safe because the lock on a table makes the backend
 * accept all invalidations of the transactions that gave the table its name.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "column/declaration.h"
#include "column/former.h"

/* A row of ffu.former_name; no column is null */
typedef struct FormerName
{
	NameData	schema;
	NameData	table;
	NameData	column;
	Oid			relid;
	AttrNumber	attnum;
} FormerName;

#define Natts_former	5

/* Counts the changes of ffu.former_name that this backend has seen */
static uint64 state = 1;

/* OID of ffu.former_name at the last use, or InvalidOid */
static Oid	former_relid = InvalidOid;

/*
 * Relcache callback: count a change of ffu.former_name.  Raise no error.
 */
static void
invalidate(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == former_relid)
		state++;
}

/*
 * Register the callback.  Called once in a backend.
 */
void
ffu_former_init(void)
{
	CacheRegisterRelcacheCallback(invalidate, (Datum) 0);
}

/*
 * Return a number that differs after each change of ffu.former_name.
 */
uint64
ffu_former_state(void)
{
	return state;
}

/*
 * Return the topmost partitioned table above a table, or the table itself.  A
 * partition in the middle of a DETACH may have no parent any more.
 */
Oid
ffu_top_of(Oid relid)
{
	List	   *ancestors = NIL;

	if (get_rel_relispartition(relid))
		ancestors = get_partition_ancestors(relid);
	return ancestors != NIL ? llast_oid(ancestors) : relid;
}

/*
 * Open ffu.former_name.  Return NULL if the extension is missing or going.
 */
static Relation
open_former(LOCKMODE mode)
{
	Oid			relid = ffu_catalog_relation_if_any("former_name");

	if (!OidIsValid(relid))
		return NULL;
	former_relid = relid;
	return table_open(relid, mode);
}

/*
 * Copy a row of ffu.former_name into a struct.
 */
static void
read_former(Relation rel, HeapTuple tuple, FormerName *former)
{
	Datum		values[Natts_former];
	bool		isnull[Natts_former];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, isnull);
	former->schema = *DatumGetName(values[0]);
	former->table = *DatumGetName(values[1]);
	former->column = *DatumGetName(values[2]);
	former->relid = DatumGetObjectId(values[3]);
	former->attnum = DatumGetInt16(values[4]);
}

/*
 * Begin to read the rows with these names: rows of this transaction, and rows
 * committed by now.
 */
static SysScanDesc
begin_scan_names(Relation rel, const FormerName *names)
{
	ScanKeyData keys[3];

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_NAMEEQ,
				NameGetDatum(&names->schema));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_NAMEEQ,
				NameGetDatum(&names->table));
	ScanKeyInit(&keys[2], 3, BTEqualStrategyNumber, F_NAMEEQ,
				NameGetDatum(&names->column));
	return systable_beginscan(rel, ffu_catalog_relation("former_name_names_idx"),
							  true, NULL, 3, keys);
}

/*
 * Begin to read the rows of one table.
 */
static SysScanDesc
begin_scan_table(Relation rel, Oid relid)
{
	ScanKeyData key;

	ScanKeyInit(&key, 4, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	return systable_beginscan(rel, InvalidOid, false, NULL, 1, &key);
}

/*
 * Tell whether the column of a record is alive, and is not the column with this
 * name in the tree of the topmost table "top".
 */
static bool
is_other(const FormerName *former, const char *column, Oid top)
{
	HeapTuple	tuple = SearchSysCacheAttNum(former->relid, former->attnum);
	bool		same_name;

	if (!HeapTupleIsValid(tuple))
		return false;
	same_name = strcmp(NameStr(((Form_pg_attribute) GETSTRUCT(tuple))->attname),
					   column) == 0;
	ReleaseSysCache(tuple);
	return !same_name || ffu_top_of(former->relid) != top;
}

/*
 * Tell whether another living column had these names before.  top is the
 * topmost table of the column with the names now.
 */
bool
ffu_former_is_contested(const char *schema, const char *table,
						const char *column, Oid top)
{
	Relation	rel = open_former(AccessShareLock);
	FormerName	names;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		contested = false;

	if (rel == NULL)
		return true;			/* nothing is known */
	namestrcpy(&names.schema, schema);
	namestrcpy(&names.table, table);
	namestrcpy(&names.column, column);
	scan = begin_scan_names(rel, &names);
	while (!contested && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		FormerName	former;

		read_former(rel, tuple, &former);
		contested = is_other(&former, column, top);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return contested;
}

/*
 * Tell whether ffu.former_name has this row.
 */
static bool
is_recorded(Relation rel, const FormerName *row)
{
	SysScanDesc scan = begin_scan_names(rel, row);
	HeapTuple	tuple;
	bool		found = false;

	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		FormerName	former;

		read_former(rel, tuple, &former);
		found = former.relid == row->relid && former.attnum == row->attnum;
	}
	systable_endscan(scan);
	return found;
}

/*
 * Write a row unless ffu.former_name has the row.  Send the invalidation in
 * either case: the meaning of the row may change.
 */
static void
record(Relation rel, const FormerName *row)
{
	bool		isnull[Natts_former] = {false};
	Datum		values[Natts_former];

	CacheInvalidateRelcache(rel);
	if (is_recorded(rel, row))
		return;
	values[0] = NameGetDatum(&row->schema);
	values[1] = NameGetDatum(&row->table);
	values[2] = NameGetDatum(&row->column);
	values[3] = ObjectIdGetDatum(row->relid);
	values[4] = Int16GetDatum(row->attnum);
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values,
											isnull));
}

/*
 * Return the name of a column that can have paths (type ffu.file, or declared),
 * palloc'd, or NULL for other columns.
 */
static char *
name_if_paths(Oid relid, AttrNumber attnum, List *columns)
{
	HeapTuple	tuple = SearchSysCacheAttNum(relid, attnum);
	Form_pg_attribute att;
	bool		paths;
	char	   *name;
	ListCell   *lc;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	att = (Form_pg_attribute) GETSTRUCT(tuple);
	paths = att->atttypid == ffu_catalog_type();
	foreach(lc, columns)
		paths |= ((const FfuColumn *) lfirst(lc))->attnum == attnum;
	name = paths ? pstrdup(NameStr(att->attname)) : NULL;
	ReleaseSysCache(tuple);
	return name;
}

/*
 * Return the number of the last column of a table, 0 if the table is gone.
 */
static AttrNumber
last_column(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	AttrNumber	last;

	if (!HeapTupleIsValid(tuple))
		return 0;
	last = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);
	return last;
}

/*
 * Record the present names of a column of a table, or of all columns if attnum
 * is InvalidAttrNumber.  Skip columns that cannot have paths.  The caller need
 * not lock the table.
 */
static void
note(Oid relid, AttrNumber attnum)
{
	Relation	former = open_former(RowExclusiveLock);
	Oid			top = ffu_top_of(relid);
	const char *table = get_rel_name(top);
	const char *schema = get_namespace_name(get_rel_namespace(top));
	List	   *columns = ffu_declarations(relid);
	FormerName	row = {.relid = relid};
	AttrNumber	last = attnum ? attnum : last_column(relid);

	if (former == NULL)
		return;
	for (row.attnum = attnum ? attnum : 1; row.attnum <= last; row.attnum++)
	{
		const char *column = name_if_paths(relid, row.attnum, columns);

		if (column == NULL || table == NULL || schema == NULL)
			continue;
		namestrcpy(&row.schema, schema);
		namestrcpy(&row.table, table);
		namestrcpy(&row.column, column);
		record(former, &row);
	}
	table_close(former, RowExclusiveLock);
}

/*
 * Tell whether a relation is a permanent table, partitioned or not.
 */
static bool
is_table(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_class) GETSTRUCT(tuple);
	result = (form->relkind == RELKIND_RELATION ||
			  form->relkind == RELKIND_PARTITIONED_TABLE) &&
		form->relpersistence == RELPERSISTENCE_PERMANENT;
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Tell whether the proofs of a relation's rows have its own name.
 */
static bool
is_top_table(Oid relid)
{
	return is_table(relid) && !get_rel_relispartition(relid);
}

/*
 * Fetch the row of a table in pg_class as changed by the running command.  The
 * system cache does not have this row yet.  The result is palloc'd, or NULL.
 */
static HeapTuple
new_class(Oid relid)
{
	Relation	pg_class = table_open(RelationRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_class_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(pg_class, ClassOidIndexId, true, SnapshotSelf, 1,
							  &key);
	tuple = systable_getnext(scan);
	tuple = HeapTupleIsValid(tuple) ? heap_copytuple(tuple) : NULL;
	systable_endscan(scan);
	table_close(pg_class, AccessShareLock);
	return tuple;
}

/*
 * Tell whether the running command gave a table another name or schema.
 */
static bool
is_renamed(Oid relid)
{
	HeapTuple	tuple = new_class(relid);
	Form_pg_class form;
	const char *name = get_rel_name(relid);
	bool		renamed;

	if (tuple == NULL || name == NULL)
		return false;
	form = (Form_pg_class) GETSTRUCT(tuple);
	renamed = strcmp(NameStr(form->relname), name) != 0 ||
		form->relnamespace != get_rel_namespace(relid);
	heap_freetuple(tuple);
	return renamed;
}

/*
 * Tell whether the running command gave a column another name.
 */
static bool
is_column_renamed(Oid relid, AttrNumber attnum)
{
	Relation	pg_attribute = table_open(AttributeRelationId, AccessShareLock);
	const char *name = get_attname(relid, attnum, true);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		renamed;

	ScanKeyInit(&keys[0], Anum_pg_attribute_attrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	ScanKeyInit(&keys[1], Anum_pg_attribute_attnum, BTEqualStrategyNumber,
				F_INT2EQ, Int16GetDatum(attnum));
	scan = systable_beginscan(pg_attribute, AttributeRelidNumIndexId, true,
							  SnapshotSelf, 2, keys);
	tuple = systable_getnext(scan);
	renamed = HeapTupleIsValid(tuple) && name != NULL &&
		strcmp(NameStr(((Form_pg_attribute) GETSTRUCT(tuple))->attname),
			   name) != 0;
	systable_endscan(scan);
	table_close(pg_attribute, AccessShareLock);
	return renamed;
}

/*
 * Record the names of all tables in a schema that gets another name.  Lock no
 * table, since ALTER SCHEMA locks none.
 */
static void
note_schema(Oid schema)
{
	Relation	pg_class = table_open(RelationRelationId, AccessShareLock);
	List	   *relids = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	ListCell   *lc;

	ScanKeyInit(&key, Anum_pg_class_relnamespace, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(schema));
	scan = systable_beginscan(pg_class, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		relids = lappend_oid(relids, ((Form_pg_class) GETSTRUCT(tuple))->oid);
	systable_endscan(scan);
	table_close(pg_class, AccessShareLock);
	foreach(lc, relids)
	{
		if (is_top_table(lfirst_oid(lc)))
			note(lfirst_oid(lc), InvalidAttrNumber);
	}
	list_free(relids);
}

/*
 * Record the names of a table that is about to become a partition.  From then
 * on, proofs of its rows have the name of the topmost table.
 */
void
ffu_former_note_attach(Oid relid)
{
	note(relid, InvalidAttrNumber);
}

/*
 * Copy the records of a table above a partition to the partition.
 */
static void
inherit(Relation former, Oid relid, Oid ancestor)
{
	SysScanDesc scan = begin_scan_table(former, ancestor);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		FormerName	row;
		const char *name;

		read_former(former, tuple, &row);
		name = get_attname(ancestor, row.attnum, true);
		row.relid = relid;
		row.attnum = name ? get_attnum(relid, name) : InvalidAttrNumber;
		if (row.attnum != InvalidAttrNumber)
			record(former, &row);
	}
	systable_endscan(scan);
}

/*
 * Record for a partition that is about to be detached the names of the topmost
 * table, present and former: proofs of its rows have these names.
 */
void
ffu_former_note_detach(Oid relid)
{
	Relation	former;
	ListCell   *lc;

	if (!get_rel_relispartition(relid))
		return;
	note(relid, InvalidAttrNumber);
	former = open_former(RowExclusiveLock);
	if (former == NULL)
		return;
	foreach(lc, get_partition_ancestors(relid))
		inherit(former, relid, lfirst_oid(lc));
	table_close(former, RowExclusiveLock);
}

/*
 * Object access hook for an altered object.  The system caches still have the
 * object as before the command.
 */
void
ffu_former_altered(Oid class, Oid object, AttrNumber attnum)
{
	if (class == NamespaceRelationId)
		note_schema(object);
	else if (class == InheritsRelationId)
		ffu_former_note_detach(object);
	else if (class == RelationRelationId && is_top_table(object) &&
			 (attnum != 0 ? is_column_renamed(object, attnum) :
			  is_renamed(object)))
		note(object, attnum);
}

/*
 * Object access hook for the DROP of a table, or of a column if attnum is not 0:
 * remove the records of the table or column.
 */
void
ffu_former_dropped(Oid relid, AttrNumber attnum)
{
	Relation	former;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (!is_table(relid) || relid == ffu_catalog_relation_if_any("former_name") ||
		(former = open_former(RowExclusiveLock)) == NULL)
		return;
	scan = begin_scan_table(former, relid);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		FormerName	row;

		read_former(former, tuple, &row);
		if (attnum != 0 && attnum != row.attnum)
			continue;
		CacheInvalidateRelcache(former);
		CatalogTupleDelete(former, &tuple->t_self);
	}
	systable_endscan(scan);
	table_close(former, RowExclusiveLock);
}
