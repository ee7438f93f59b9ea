/*-------------------------------------------------------------------------
 *
 * copies.c
 *	  Copies of paths in columns that own no files.
 *
 * The usual way to rebuild a table is CREATE TABLE n (LIKE o), INSERT INTO n
 * SELECT * FROM o, DROP TABLE o, ALTER TABLE n RENAME TO o.  LIKE does not
 * copy triggers, so the column of n has the type ffu.file and owns no file;
 * the DROP would let go all files that n still names.  So a command that lets
 * go of a whole column (DROP, TRUNCATE) is refused if a lost path is also in a
 * column of type ffu.file in a permanent table, and this column is no file
 * column.
 *
 * If the lost column has another type, mostly text, LIKE makes a column of
 * that type.  Then columns of a string type with the name of the lost column
 * are searched as well.
 *
 * A copy counts only if the owner of the copy has the rights of the owner of
 * the table that loses files.  Otherwise any role that may read a path could
 * block the DROP of other roles' tables.
 *
 * In a database without such columns the check costs an index scan of
 * pg_depend and, where names count, a scan of pg_attribute.  Otherwise each
 * path in the column is looked up in the deletions of the command; a filter of
 * at most work_mem saves most of these lookups.
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
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_type.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "column/copies.h"
#include "column/declaration.h"
#include "column/scan.h"
#include "transaction/deletion.h"
#include "transaction/pending.h"

/* A column that may have copies of paths */
typedef struct Candidate
{
	Oid			relid;
	AttrNumber	attnum;
} Candidate;

/* A search for doomed paths in a copy */
typedef struct Search
{
	CommandId	since;
	bloom_filter *filter;		/* lacks most paths that are not doomed */
	bool		found;
} Search;

static void refuse_copy(Relation rel, AttrNumber attnum, const FfuLost *lost) pg_attribute_noreturn();

/*
 * Append a column to a list of Candidate.
 */
static List *
add_candidate(List *columns, Oid relid, AttrNumber attnum)
{
	Candidate  *column = palloc(sizeof(Candidate));

	column->relid = relid;
	column->attnum = attnum;
	return lappend(columns, column);
}

/*
 * List the columns of type ffu.file, as Candidate, by their dependency on the
 * type.
 */
static List *
typed_columns(void)
{
	Relation	pg_depend = table_open(DependRelationId, AccessShareLock);
	List	   *columns = NIL;
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(TypeRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(ffu_catalog_type()));
	scan = systable_beginscan(pg_depend, DependReferenceIndexId, true, NULL, 2,
							  key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->classid == RelationRelationId && form->objsubid > 0)
			columns = add_candidate(columns, form->objid,
									(AttrNumber) form->objsubid);
	}
	systable_endscan(scan);
	table_close(pg_depend, AccessShareLock);
	return columns;
}

/*
 * Append the columns of this name and of a string type to the list.
 */
static List *
add_named_columns(List *columns, const char *name)
{
	Relation	pg_attribute = table_open(AttributeRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_attribute_attname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum(name));
	scan = systable_beginscan(pg_attribute, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_attribute form = (Form_pg_attribute) GETSTRUCT(tuple);
		Oid			type = getBaseType(form->atttypid);

		if (type == TEXTOID || type == VARCHAROID)
			columns = add_candidate(columns, form->attrelid, form->attnum);
	}
	systable_endscan(scan);
	table_close(pg_attribute, AccessShareLock);
	return columns;
}

/*
 * List the columns that may hold copies of the lost paths, as Candidate.
 */
static List *
candidates(List *lost)
{
	List	   *columns = typed_columns();
	ListCell   *lc;

	foreach(lc, lost)
	{
		const FfuLost *column = lfirst(lc);

		if (column->name != NULL && column->type != ffu_catalog_type())
			columns = add_named_columns(columns, column->name);
	}
	return columns;
}

/*
 * Return the owner of an ordinary table, or InvalidOid for other relations.
 */
static Oid
table_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner = InvalidOid;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	if (((Form_pg_class) GETSTRUCT(tuple))->relkind == RELKIND_RELATION)
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * Tell whether a column is a file column.
 */
static bool
is_managed(Oid relid, AttrNumber attnum)
{
	ListCell   *lc;

	foreach(lc, ffu_declarations(relid))
	{
		const FfuColumn *column = lfirst(lc);

		if (column->complaint == NULL && column->attnum == attnum)
			return true;
	}
	return false;
}

/*
 * FfuPathVisitor: look for a path that the command has doomed.  Stop at the
 * first.
 */
static bool
search(const char *path, TupleTableSlot *slot, void *arg)
{
	Search	   *s = arg;
	FfuFile    *file = ffu_pending_by_path(path);

	s->found = (file && ffu_file_life(file) == FFU_LIFE_DOOMED) ||
		(!bloom_lacks_element(s->filter, (unsigned char *) path,
							  strlen(path)) &&
		 ffu_deletion_is_since(path, s->since));
	return !s->found;
}

/*
 * Find a lost column whose owner's rights the role "owner" has.  Prefer a
 * column of this name: the copy was probably made from that column.  Return
 * NULL if there is no such column.
 */
static const FfuLost *
lost_by_owner(Oid owner, const char *name, List *lost)
{
	const FfuLost *found = NULL;
	ListCell   *lc;

	foreach(lc, lost)
	{
		const FfuLost *column = lfirst(lc);

		if (has_privs_of_role(owner, column->owner) &&
			(found == NULL || strcmp(column->column, name) == 0))
			found = column;
	}
	return found;
}

/*
 * Refuse the command: this column has doomed paths.
 */
static void
refuse_copy(Relation rel, AttrNumber attnum, const FfuLost *lost)
{
	const char *column = get_attname(RelationGetRelid(rel), attnum, false);
	const char *table;

	table = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
									   RelationGetRelationName(rel));
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("cannot let the files of column \"%s\" of table \"%s\" go",
					lost->column, lost->table),
			 errdetail("Column \"%s\" of table %s has paths of these files but is not a file column, so it would be left without them.",
					   column, table),
			 errhint("Run SELECT ffu.manage_column(%s, %s, copy_values => true) first, which gives each row its own file; or drop or empty the column.",
					 quote_literal_cstr(table), quote_literal_cstr(column)),
			 errtablecol(rel, attnum)));
}

/*
 * Look for doomed paths in a column.  Skip file columns, and tables that are
 * not ordinary and permanent.
 */
static void
check_column(const Candidate *column, List *lost, Search *s)
{
	Oid			owner = table_owner(column->relid);
	const char *name = get_attname(column->relid, column->attnum, true);
	Relation	rel;
	const FfuLost *of;

	/* Lock later: an owner could hold the table and keep others waiting. */
	if (!OidIsValid(owner) || name == NULL)
		return;
	of = lost_by_owner(owner, name, lost);
	if (of == NULL || is_managed(column->relid, column->attnum))
		return;
	rel = try_relation_open(column->relid, AccessShareLock);
	if (rel == NULL)
		return;
	if (s->filter == NULL)
		s->filter = ffu_deletion_filter(s->since);
	ffu_scan_paths(rel, column->attnum, search, s);
	if (s->found)
		refuse_copy(rel, column->attnum, of);
	relation_close(rel, AccessShareLock);
}

/*
 * Raise 2BP01 if a column that is not a file column has a path of a lost
 * column.  lost is a list of FfuLost, the columns that the command has let go
 * of.
 */
void
ffu_copies_refuse(List *lost)
{
	Search		s = {0};
	ListCell   *lc;

	if (lost == NIL || !OidIsValid(ffu_catalog_relation_if_any("deletion")))
		return;
	s.since = ((FfuLost *) linitial(lost))->since;
	foreach(lc, lost)
		s.since = Min(s.since, ((FfuLost *) lfirst(lc))->since);
	foreach(lc, candidates(lost))
		check_column(lfirst(lc), lost, &s);
	if (s.filter != NULL)
		bloom_free(s.filter);
}
