/*-------------------------------------------------------------------------
 *
 * catalog.c
 *	  Where ffu's own tables and functions are in the catalog.
 *
 * Looked up by schema and name each time, in the system caches: no search
 * path gets in between, and the extension may be dropped and created again.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "base/catalog.h"

/*
 * The oid of a table, index or sequence of ffu, or InvalidOid.
 */
Oid
ffu_own_relation_if_any(const char *name)
{
	Oid			schema = get_namespace_oid(FFU_SCHEMA, true);

	return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

/*
 * The same, but raises 42P01 if it is missing.
 */
Oid
ffu_own_relation(const char *name)
{
	Oid			relid = ffu_own_relation_if_any(name);

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"ffu.%s\" does not exist", name),
				 errdetail("The extension ffu is not in this database, or not complete."),
				 errhint("Run CREATE EXTENSION ffu.")));
	return relid;
}

/*
 * Lock a table against exclusive use until the end of the transaction, whatever
 * becomes of the subtransaction.
 */
void
ffu_own_hold(Oid relid)
{
	ResourceOwner old = CurrentResourceOwner;

	CurrentResourceOwner = TopTransactionResourceOwner;
	LockRelationOid(relid, AccessShareLock);
	CurrentResourceOwner = old;
}

/*
 * The oid of a function of ffu without arguments, or InvalidOid.  Not looked up
 * by the parser's functions, which ask for the caller's USAGE on the schema.
 */
Oid
ffu_own_function(const char *name)
{
	Oid			schema = get_namespace_oid(FFU_SCHEMA, true);

	if (!OidIsValid(schema))
		return InvalidOid;
	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum(name),
						   PointerGetDatum(buildoidvector(NULL, 0)),
						   ObjectIdGetDatum(schema));
}

/*
 * Is this function one of ffu's trigger functions?
 */
bool
ffu_own_is_trigger(Oid function)
{
	return OidIsValid(function) &&
		(function == ffu_own_function("before_row") ||
		 function == ffu_own_function("after_row") ||
		 function == ffu_own_function("before_truncate"));
}

/*
 * The oid of the type ffu.file, or InvalidOid.
 */
Oid
ffu_own_type(void)
{
	Oid			schema = get_namespace_oid(FFU_SCHEMA, true);

	if (!OidIsValid(schema))
		return InvalidOid;
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
						   CStringGetDatum("file"), ObjectIdGetDatum(schema));
}
