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
#include "nodes/pg_list.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"

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
 * The oid of a function of ffu without arguments, or InvalidOid.
 */
Oid
ffu_own_function(const char *name)
{
	return LookupFuncName(list_make2(makeString(pstrdup(FFU_SCHEMA)),
									 makeString(pstrdup(name))),
						  0, NULL, true);
}
