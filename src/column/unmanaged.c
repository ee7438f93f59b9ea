/*-------------------------------------------------------------------------
 *
 * unmanaged.c
 *	  Reports columns of type ffu.file without a declaration.
 *
 * A table made like another table has the columns but not the triggers.  The
 * report comes at the end of the transaction: if by then the table is attached
 * as a partition, or the column is declared, there is nothing to report.
 * ffu.check() reports such a column once the column has a value.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "catalog/namespace.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "store/dir/stranded.h"
#include "column/unmanaged.h"

FFU_FUNCTION(ffu_sql_has_value);

/* Tables that this transaction made or changed, in TopTransactionContext */
static List *noted = NIL;

/*
 * Tell whether a trigger makes the column a file column.
 */
static bool
is_declared(Relation rel, AttrNumber attnum, Oid function)
{
	int			i;

	for (i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
	{
		Trigger    *trigger = &rel->trigdesc->triggers[i];

		if (trigger->tgfoid == function && trigger->tgnattr > 0 &&
			trigger->tgattr[0] == attnum)
			return true;
	}
	return false;
}

/*
 * Report the unmanaged columns of a table.
 */
static void
tell(Relation rel, Oid type, Oid function)
{
	TupleDesc	desc = RelationGetDescr(rel);
	const char *table = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												   RelationGetRelationName(rel));
	int			i;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped || att->atttypid != type ||
			is_declared(rel, att->attnum, function))
			continue;
		ereport(NOTICE,
				(errmsg("column \"%s\" of table %s has the type ffu.file but is not a file column",
						NameStr(att->attname), RelationGetRelationName(rel)),
				 errdetail("The type alone stores nothing, and owns no file."),
				 errhint("Run SELECT ffu.manage_column(%s, %s) if it is to have files.",
						 quote_literal_cstr(table),
						 quote_literal_cstr(NameStr(att->attname)))));
	}
}

/*
 * Report the unmanaged columns of all noted tables.  Skip dropped tables, and
 * tables that are partitions by now.
 */
static void
tell_all(void)
{
	Oid			type = ffu_catalog_type();
	Oid			function = ffu_catalog_function("before_row");
	ListCell   *lc;

	foreach(lc, noted)
	{
		Relation	rel = try_relation_open(lfirst_oid(lc), AccessShareLock);

		if (rel == NULL)
			continue;
		if (OidIsValid(type) && OidIsValid(function) &&
			(rel->rd_rel->relkind == RELKIND_RELATION ||
			 rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE) &&
			rel->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT &&
			!rel->rd_rel->relispartition)
			tell(rel, type, function);
		relation_close(rel, AccessShareLock);
	}
}

/*
 * XactCallback.  Raise no error after the commit or the abort (I6).
 */
static void
at_transaction_end(XactEvent event, void *arg)
{
	if (noted == NIL)
		return;
	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE)
		tell_all();
	noted = NIL;
}

/*
 * Note a table, to report the unmanaged columns at the end of the transaction.
 */
void
ffu_unmanaged_note(Oid relid)
{
	static bool registered = false;
	MemoryContext old;

	if (!registered)
		RegisterXactCallback(at_transaction_end, NULL);
	registered = true;
	old = MemoryContextSwitchTo(TopTransactionContext);
	noted = list_append_unique_oid(noted, relid);
	MemoryContextSwitchTo(old);
}

/*
 * ffu._has_value(relation oid, attnum int2): tell whether a column has a value
 * that is neither null nor empty, in the table or in a partition.
 */
Datum
ffu_sql_has_value(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	char	   *name = get_attname(relid, PG_GETARG_INT16(1), true);
	ListCell   *lc;

	if (name == NULL)
		PG_RETURN_BOOL(false);
	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		AttrNumber	attnum = get_attnum(lfirst_oid(lc), name);

		if (attnum != InvalidAttrNumber &&
			ffu_stranded_has_path(lfirst_oid(lc), attnum, 0))
			PG_RETURN_BOOL(true);
	}
	PG_RETURN_BOOL(false);
}
