/*-------------------------------------------------------------------------
 *
 * catalog.c
 *	  Finds ffu's own tables and functions in the catalog.
 *
 * Every call looks the object up by schema and name in the system caches.  So
 * the search path has no influence, and the extension may be dropped and
 * created again at any time.
 * The schema must be a member of the extension.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/query.h"
#include "base/rights.h"

/* The schema of the extension once it was found; InvalidOid: look again */
static Oid	found_schema = InvalidOid;

/*
 * Syscache callback: schemas have changed.
 */
static void
forget_schema(Datum arg, int cacheid, uint32 hashvalue)
{
	found_schema = InvalidOid;
}

/*
 * Return the oid of ffu's schema, or InvalidOid if there is none.  In a
 * database without the extension anybody with CREATE on the database can make
 * a schema of that name, with tables and functions of these names.  So only
 * the schema that is a member of the extension counts; in that schema nobody
 * but the owner of the extension has objects.
 */
Oid
ffu_catalog_schema(void)
{
	static bool registered = false;
	Oid			schema;
	Oid			extension;

	if (OidIsValid(found_schema))
		return found_schema;
	if (!registered)
		CacheRegisterSyscacheCallback(NAMESPACEOID, forget_schema, (Datum) 0);
	registered = true;
	schema = get_namespace_oid(FFU_SCHEMA, true);
	if (!OidIsValid(schema))
		return InvalidOid;
	extension = get_extension_oid(FFU_EXTENSION, true);
	if (!OidIsValid(extension) ||
		getExtensionOfObject(NamespaceRelationId, schema) != extension)
		return InvalidOid;
	found_schema = schema;
	return schema;
}

/*
 * Return the oid of a table, index or sequence of ffu, or InvalidOid.
 */
Oid
ffu_catalog_relation_if_any(const char *name)
{
	Oid			schema = ffu_catalog_schema();

	return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

/*
 * Return the oid of a table, index or sequence of ffu.  Raise 42P01 if the
 * relation is missing.
 */
Oid
ffu_catalog_relation(const char *name)
{
	Oid			relid = ffu_catalog_relation_if_any(name);

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"ffu.%s\" does not exist", name),
				 errdetail("The extension ffu is not in this database, or not complete."),
				 errhint("Run CREATE EXTENSION ffu.")));
	return relid;
}

/*
 * Lock a table against exclusive use until the end of the transaction, even if
 * the current subtransaction rolls back.
 */
void
ffu_catalog_hold(Oid relid)
{
	ResourceOwner old = CurrentResourceOwner;

	CurrentResourceOwner = TopTransactionResourceOwner;
	LockRelationOid(relid, AccessShareLock);
	CurrentResourceOwner = old;
}

/*
 * Return the oid of a function of ffu with arguments of these types, or
 * InvalidOid.  The parser's functions would ask for the caller's USAGE on the
 * schema; the system cache does not.
 */
Oid
ffu_catalog_function_of(const char *name, int nargs, const Oid *types)
{
	Oid			schema = ffu_catalog_schema();

	if (!OidIsValid(schema))
		return InvalidOid;
	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum(name),
						   PointerGetDatum(buildoidvector(types, nargs)),
						   ObjectIdGetDatum(schema));
}

/*
 * Return the oid of a function of ffu without arguments, or InvalidOid.
 */
Oid
ffu_catalog_function(const char *name)
{
	return ffu_catalog_function_of(name, 0, NULL);
}

/*
 * Tell whether a function is a trigger function of ffu.
 */
bool
ffu_catalog_is_trigger(Oid function)
{
	return OidIsValid(function) &&
		(function == ffu_catalog_function("before_row") ||
		 function == ffu_catalog_function("after_row") ||
		 function == ffu_catalog_function("before_truncate"));
}

/*
 * Return the oid of the type ffu.file, or InvalidOid.
 */
Oid
ffu_catalog_type(void)
{
	Oid			schema = ffu_catalog_schema();

	if (!OidIsValid(schema))
		return InvalidOid;
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
						   CStringGetDatum("file"), ObjectIdGetDatum(schema));
}

/*
 * Lock a row of a table of ffu until the end of the transaction.  Return false
 * if another transaction has locked the row, or changed it.  Set slot, of this
 * table, to the row.
 */
bool
ffu_catalog_lock_row(Relation rel, HeapTuple tuple, TupleTableSlot *slot)
{
	TM_FailureData failure;
	ItemPointerData tid = tuple->t_self;

	return table_tuple_lock(rel, &tid, SnapshotSelf, slot,
							GetCurrentCommandId(false), LockTupleExclusive,
							LockWaitSkip, 0, &failure) == TM_Ok;
}

/*
 * Run a statement of ffu on a table of ffu, with up to two text parameters
 * (NULL for none), and return the number of changed rows.  The caller of a
 * function of ffu needs no right on the table: the statement runs as the owner
 * of the extension's tables, with only pg_catalog in the search path.  The
 * statement runs in the replication role "origin", since the table's triggers
 * skip the changes of a replication.  The statement must be constant and must
 * not call code of a user.
 */
uint64
ffu_catalog_execute(const char *command, const char *first, const char *second)
{
	Oid			types[2] = {TEXTOID, TEXTOID};
	Datum		values[2] = {0};
	int			nvalues = second ? 2 : first ? 1 : 0;
	int			level = ffu_rights_settings();
	Oid			user;
	int			context;
	uint64		processed;

	if (first)
		values[0] = CStringGetTextDatum(first);
	if (second)
		values[1] = CStringGetTextDatum(second);
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(ffu_rights_owner(ffu_catalog_relation("root")),
						   context | SECURITY_LOCAL_USERID_CHANGE);
	processed = ffu_query_run(command, nvalues, types, values);
	SetUserIdAndSecContext(user, context);
	AtEOXact_GUC(true, level);
	return processed;
}
