/*-------------------------------------------------------------------------
 *
 * copies.c
 *	  Copies of paths in columns that own no files.
 *
 * The usual way to rebuild a table is CREATE TABLE n (LIKE o), INSERT INTO n
 * SELECT * FROM o, DROP TABLE o, ALTER TABLE n RENAME TO o.  LIKE does not copy
 * triggers, so the column of n has the type ffu.file and owns no file; the
 * DROP would let all files go that n still names.  So a command that lets go
 * of a whole column (DROP, TRUNCATE) is refused if a column of that type that
 * is no file column, in a permanent table, has one of the paths.  A column of
 * type text cannot be known for one that has paths.
 *
 * Only copies count whose owner has the rights of the owner of the table that
 * loses its files.  Otherwise whoever may read a path could keep others from
 * dropping their tables.
 *
 * A database without such columns pays one index scan of pg_depend.  Otherwise
 * each path of such a column is looked for among the deletions that the
 * command has made; a filter of at most work_mem saves most of these searches.
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

/* A column of type ffu.file */
typedef struct TypedColumn
{
	Oid			relid;
	AttrNumber	attnum;
} TypedColumn;

/* What is looked for in a copy */
typedef struct Search
{
	CommandId	since;
	bloom_filter *filter;		/* lacks most paths that are not doomed */
	bool		found;
} Search;

static void refuse_copy(Relation rel, AttrNumber attnum, const FfuLost *lost) pg_attribute_noreturn();

/*
 * The columns of type ffu.file: a list of TypedColumn, known by their
 * dependency on the type.
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
				F_OIDEQ, ObjectIdGetDatum(ffu_own_type()));
	scan = systable_beginscan(pg_depend, DependReferenceIndexId, true, NULL, 2,
							  key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		TypedColumn *column;

		if (form->classid != RelationRelationId || form->objsubid <= 0)
			continue;
		column = palloc(sizeof(TypedColumn));
		column->relid = form->objid;
		column->attnum = (AttrNumber) form->objsubid;
		columns = lappend(columns, column);
	}
	systable_endscan(scan);
	table_close(pg_depend, AccessShareLock);
	return columns;
}

/*
 * Is this column a file column?
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
 * FfuPathVisitor: has the command doomed this path?  Stops at the first.
 */
static bool
search(const char *path, void *arg)
{
	Search	   *s = arg;
	FfuFile    *file = ffu_pending_by_path(path);

	s->found = (file != NULL && file->doomed_level > 0) ||
		(!bloom_lacks_element(s->filter, (unsigned char *) path,
							  strlen(path)) &&
		 ffu_deletion_is_since(path, s->since));
	return !s->found;
}

/*
 * Return a lost column whose owner's rights the owner of this table has, or
 * NULL; preferably a column of the same name, which the copy is of.  Take no
 * lock on the table: whoever owns a table can lock it and keep everybody
 * waiting.
 */
static const FfuLost *
lost_by_owner(const TypedColumn *column, List *lost)
{
	HeapTuple	tuple = SearchSysCache1(RELOID,
										ObjectIdGetDatum(column->relid));
	char	   *name = get_attname(column->relid, column->attnum, true);
	const FfuLost *found = NULL;
	Oid			owner;
	ListCell   *lc;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	foreach(lc, name ? lost : NIL)
	{
		const FfuLost *candidate = lfirst(lc);

		if (has_privs_of_role(owner, candidate->owner) &&
			(found == NULL || strcmp(candidate->column, name) == 0))
			found = candidate;
	}
	return found;
}

/*
 * Refuse the command, since this column has paths that were doomed.
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
			 errhint("Run SELECT ffu.manage_column(%s, %s, copy_values => true) first, which gives its rows files of their own; or drop or empty that column.",
					 quote_literal_cstr(table), quote_literal_cstr(column)),
			 errtablecol(rel, attnum)));
}

/*
 * Look for paths that were doomed in one column, unless it is a file column,
 * or not in an ordinary, permanent table.
 */
static void
check_column(const TypedColumn *column, List *lost, Search *s)
{
	const FfuLost *of = lost_by_owner(column, lost);
	Relation	rel;

	if (of == NULL)
		return;
	rel = try_relation_open(column->relid, AccessShareLock);
	if (rel == NULL)
		return;
	if (rel->rd_rel->relkind == RELKIND_RELATION &&
		!is_managed(column->relid, column->attnum))
	{
		if (s->filter == NULL)
			s->filter = ffu_deletion_filter(s->since);
		ffu_scan_paths(rel, column->attnum, search, s);
		if (s->found)
			refuse_copy(rel, column->attnum, of);
	}
	relation_close(rel, AccessShareLock);
}

/*
 * Refuse a command that has let go of these columns (a list of FfuLost) if a
 * column that is no file column has one of their paths.  Raises 2BP01.
 */
void
ffu_copies_refuse(List *lost)
{
	Search		s = {0};
	ListCell   *lc;

	if (lost == NIL || !OidIsValid(ffu_own_relation_if_any("deletion")))
		return;
	s.since = ((FfuLost *) linitial(lost))->since;
	foreach(lc, lost)
		s.since = Min(s.since, ((FfuLost *) lfirst(lc))->since);
	foreach(lc, typed_columns())
		check_column(lfirst(lc), lost, &s);
	if (s.filter != NULL)
		bloom_free(s.filter);
}
