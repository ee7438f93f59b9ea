/*-------------------------------------------------------------------------
 *
 * computed.c
 *	  The computed fields of file columns.
 *
 * <column>_url(<table>) is a function with a body in SQL.  ffu recognizes the
 * function by the body, which follows renames of the column, and not by the
 * name, which does not.  PostgreSQL makes the function depend on the table's
 * row type.  ffu ties the function to the table instead, by an automatic
 * dependency: then DROP TABLE drops the function, and a rewriting ALTER TABLE
 * is possible.
 *
 * A computed field of attachments calls ffu._attachment_urls(), which nothing
 * else calls.  ffu ties this function to the table of the attachments.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/rights.h"
#include "column/computed.h"

FFU_FUNCTION(ffu_sql_tie_function);

/*
 * Return the row type that a function with a body in SQL takes as only
 * argument, or InvalidOid.
 */
static Oid
argument_type(Oid func)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(func));
	Oid			type = InvalidOid;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	if (((Form_pg_proc) GETSTRUCT(tuple))->pronargs == 1 &&
		!heap_attisnull(tuple, Anum_pg_proc_prosqlbody, NULL))
		type = ((Form_pg_proc) GETSTRUCT(tuple))->proargtypes.values[0];
	ReleaseSysCache(tuple);
	return type;
}

/*
 * Tell whether this is the body of a computed field of the column.
 */
static bool
is_body(const char *body, const char *column)
{
	const char *name = quote_identifier(column);

	return strcmp(body, psprintf("RETURN ffu.url((($1).%s)::text, NULL::text)",
								 name)) == 0 ||
		strcmp(body, psprintf("RETURN ffu.url(($1).%s, NULL::text)",
							  name)) == 0;
}

/*
 * Return the oid of ffu.url(), or InvalidOid.
 */
static Oid
url_function(void)
{
	const Oid	types[] = {TEXTOID, TEXTOID, TEXTOID};

	return ffu_catalog_function_of("url", lengthof(types), types);
}

/*
 * Return the object of a catalog on which a function depends, or InvalidOid.
 * Look for one object, or for any.
 */
static Oid
find_reference(Oid func, Oid class, Oid object)
{
	Relation	pg_depend = table_open(DependRelationId, AccessShareLock);
	Oid			found = InvalidOid;
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], Anum_pg_depend_classid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(ProcedureRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_objid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(func));
	scan = systable_beginscan(pg_depend, DependDependerIndexId, true, NULL, 2,
							  key);
	while (!OidIsValid(found) &&
		   HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->refclassid == class &&
			(!OidIsValid(object) || form->refobjid == object))
			found = form->refobjid;
	}
	systable_endscan(scan);
	table_close(pg_depend, AccessShareLock);
	return found;
}

/*
 * Tell whether a function depends on ffu.url().  Most other functions fail
 * this test, so their bodies need not be read.
 */
static bool
calls_url(Oid func)
{
	Oid			url = url_function();

	return OidIsValid(url) &&
		OidIsValid(find_reference(func, ProcedureRelationId, url));
}

/*
 * Return the oid of ffu._attachment_urls(), or InvalidOid.
 */
static Oid
attachments_function(void)
{
	const Oid	types[] = {REGCLASSOID, ANYCOMPATIBLEOID};

	return ffu_catalog_function_of("_attachment_urls", lengthof(types), types);
}

/*
 * Return the column of a table whose computed field has this body, or
 * InvalidAttrNumber.
 */
static AttrNumber
column_of_body(Oid relid, const char *body)
{
	int			i;

	for (i = 1; SearchSysCacheExists2(ATTNUM, ObjectIdGetDatum(relid),
									  Int16GetDatum(i)); i++)
	{
		char	   *name = get_attname(relid, i, true);

		if (name && is_body(body, name))
			return i;
	}
	return InvalidAttrNumber;
}

/*
 * Tell whether a function is a computed field.  If so, set the table and the
 * column.  The column need not be a file column yet: a dump makes the triggers
 * last.  The caller needs no right on function or table.
 */
bool
ffu_computed_is(Oid func, Oid *relid, AttrNumber *attnum)
{
	Oid			type = argument_type(func);
	int			level;

	*attnum = InvalidAttrNumber;
	*relid = OidIsValid(type) ? get_typ_typrelid(type) : InvalidOid;
	if (!OidIsValid(*relid) ||
		(get_rel_relkind(*relid) != RELKIND_RELATION &&
		 get_rel_relkind(*relid) != RELKIND_PARTITIONED_TABLE) ||
		!calls_url(func))
		return false;
	/* The text of the body depends on these settings. */
	level = ffu_rights_settings();
	ffu_rights_set("quote_all_identifiers", "off");
	*attnum = column_of_body(*relid,
							 TextDatumGetCString(OidFunctionCall1(F_PG_GET_FUNCTION_SQLBODY,
																  ObjectIdGetDatum(func))));
	AtEOXact_GUC(false, level);
	return *attnum != InvalidAttrNumber;
}

/*
 * Return the table of attachments whose files a computed field lists, or
 * InvalidOid if the function is no such field.
 */
Oid
ffu_computed_attachments(Oid func)
{
	Oid			list = attachments_function();

	if (!OidIsValid(argument_type(func)) || !OidIsValid(list) ||
		!OidIsValid(find_reference(func, ProcedureRelationId, list)))
		return InvalidOid;
	return find_reference(func, RelationRelationId, InvalidOid);
}

/*
 * Make a function depend on a table automatically.
 */
static void
tie_to(Oid func, Oid relid)
{
	ObjectAddress function;
	ObjectAddress table;

	deleteDependencyRecordsForSpecific(ProcedureRelationId, func,
									   DEPENDENCY_AUTO,
									   RelationRelationId, relid);
	ObjectAddressSet(function, ProcedureRelationId, func);
	ObjectAddressSet(table, RelationRelationId, relid);
	recordDependencyOn(&function, &table, DEPENDENCY_AUTO);
}

/*
 * Make a function depend automatically on a table and on the table whose row
 * is the argument, and no longer on the row type.
 */
void
ffu_computed_tie(Oid func, Oid relid)
{
	Oid			type = argument_type(func);
	Oid			argument = OidIsValid(type) ? get_typ_typrelid(type) : InvalidOid;

	tie_to(func, relid);
	if (!OidIsValid(argument))
		return;
	if (argument != relid)
		tie_to(func, argument);
	deleteDependencyRecordsForSpecific(ProcedureRelationId, func,
									   DEPENDENCY_NORMAL,
									   TypeRelationId, type);
}

/*
 * ffu.tie_function(func regprocedure, relation regclass): tie a computed field
 * to a table.  The caller must own both.
 */
Datum
ffu_sql_tie_function(PG_FUNCTION_ARGS)
{
	Oid			func = PG_GETARG_OID(0);
	Oid			relid = PG_GETARG_OID(1);

	if (!pg_class_ownercheck(relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relid));
	if (!pg_proc_ownercheck(func, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_FUNCTION,
					   get_func_name(func));
	ffu_computed_tie(func, relid);
	PG_RETURN_VOID();
}
