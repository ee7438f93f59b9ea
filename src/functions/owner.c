/*-------------------------------------------------------------------------
 *
 * owner.c
 *	  SQL functions that run commands on users' tables with the rights of the
 *	  table's owner.
 *
 * A caller may run a command of any text only with the rights of the owner.
 * The other functions (import, repair) build their own command, so that a role
 * with EXECUTE on these functions alone gains no other right of the owner.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <sys/stat.h>

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/params.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#include "base/error.h"
#include "base/query.h"
#include "base/rights.h"
#include "column/column.h"
#include "functions/outsider.h"
#include "store/dir/root.h"
#include "text/path.h"

FFU_FUNCTION(ffu_sql_lock_table);
FFU_FUNCTION(ffu_sql_command_as_owner);
FFU_FUNCTION(ffu_sql_query_as_owner);
FFU_FUNCTION(ffu_sql_query_as_caller);
FFU_FUNCTION(ffu_sql_import_row);
FFU_FUNCTION(ffu_sql_clear_path);

/* Arguments of the query functions before the parameters of the query */
#define QUERY_ARGUMENTS 3

/*
 * Raise 42501 if the caller lacks the rights of a table's owner.
 */
static void
require_owner(Oid relid)
{
	if (!has_privs_of_role(GetUserId(), ffu_rights_owner(relid)))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relid));
}

/*
 * Return the quoted, qualified name of a relation, palloc'd.
 */
static char *
name_in_command(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  get_rel_name(relid));
}

/*
 * Read the name of a lock mode, as LOCK TABLE has it.
 */
static LOCKMODE
read_lock_mode(const char *name)
{
	if (strcmp(name, "ACCESS SHARE") == 0)
		return AccessShareLock;
	if (strcmp(name, "SHARE ROW EXCLUSIVE") == 0)
		return ShareRowExclusiveLock;
	if (strcmp(name, "ACCESS EXCLUSIVE") == 0)
		return AccessExclusiveLock;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown lock mode \"%s\"",
					ffu_shown(name, strlen(name)))));
}

/*
 * ffu._lock_table(relation regclass, mode text): lock a table and its
 * partitions.  LOCK TABLE would look the name up again when it has waited, and
 * lock another table that was given the name meanwhile; then the table that
 * was checked could be renamed before each command that names it.  The owner
 * is asked for before and after the wait.
 *
 * A superuser's checks of a table of another role must see what others have
 * committed, so an old snapshot is refused.
 */
Datum
ffu_sql_lock_table(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	LOCKMODE	mode = read_lock_mode(text_to_cstring(PG_GETARG_TEXT_PP(1)));

	require_owner(relid);
	if (IsolationUsesXactSnapshot() && superuser() &&
		!superuser_arg(ffu_rights_owner(relid)))
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("a superuser must do this to table \"%s\" at READ COMMITTED",
						get_rel_name(relid)),
				 errdetail("An older snapshot could hide code of role \"%s\", which owns the table.",
						   GetUserNameFromId(ffu_rights_owner(relid), false)),
				 errhint("Use READ COMMITTED, or run SET ROLE with the owner.")));
	LockRelationOid(relid, mode);
	require_owner(relid);
	(void) find_all_inheritors(relid, mode, NULL);
	PG_RETURN_VOID();
}

/*
 * ffu._command_as_owner(relation regclass, command text): run a command
 * without parameters and without a result.
 */
Datum
ffu_sql_command_as_owner(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	char	   *command = text_to_cstring(PG_GETARG_TEXT_PP(1));
	FfuRights	saved;

	require_owner(relid);
	ffu_rights_become(relid, &saved);
	(void) ffu_query_run(command, 0, NULL, NULL);
	ffu_rights_back(&saved);
	PG_RETURN_VOID();
}

/*
 * Raise 22004 if one of the arguments before the parameters is null.  A
 * parameter may be null, so the functions are not STRICT.
 */
static void
require_arguments(FunctionCallInfo fcinfo)
{
	int			i;

	for (i = 0; i < QUERY_ARGUMENTS; i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("relation, changes and query must not be null"),
					 errdetail("An argument is null."),
					 errhint("Only the parameters of the query may be null.")));
	}
}

/*
 * Build the parameters of a query from the arguments after QUERY_ARGUMENTS.
 */
static ParamListInfo
query_parameters(FunctionCallInfo fcinfo)
{
	int			n = PG_NARGS() - QUERY_ARGUMENTS;
	ParamListInfo params = makeParamList(n);
	int			i;

	for (i = 0; i < n; i++)
	{
		params->params[i].value = PG_ARGISNULL(i + QUERY_ARGUMENTS) ?
			(Datum) 0 : PG_GETARG_DATUM(i + QUERY_ARGUMENTS);
		params->params[i].isnull = PG_ARGISNULL(i + QUERY_ARGUMENTS);
		params->params[i].pflags = PARAM_FLAG_CONST;
		params->params[i].ptype = get_fn_expr_argtype(fcinfo->flinfo,
													  i + QUERY_ARGUMENTS);
	}
	return params;
}

/*
 * Run the query of a function (relation, changes, command, parameters ...)
 * and return the rows.  No cast is made: raise an error if a type differs from
 * the type that the calling query expects.
 */
static void
run_query(FunctionCallInfo fcinfo, bool as_owner)
{
	SPIExecuteOptions options = {0};
	FfuRights	saved = {0};
	ReturnSetInfo *result;
	MemoryContext context;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	result = (ReturnSetInfo *) fcinfo->resultinfo;
	context = result->econtext->ecxt_per_query_memory;
	options.params = query_parameters(fcinfo);
	options.read_only = !PG_GETARG_BOOL(1);
	options.must_return_tuples = true;
	options.dest = CreateTuplestoreDestReceiver();
	SetTuplestoreDestReceiverParams(options.dest, result->setResult, context,
									false, result->setDesc,
									"query does not return what is expected");
	if (as_owner)
		ffu_rights_become(PG_GETARG_OID(0), &saved);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_extended(text_to_cstring(PG_GETARG_TEXT_PP(2)),
							 &options) < 0)
		elog(ERROR, "could not run a query");
	SPI_finish();
	ffu_rights_back(&saved);
}

/*
 * ffu._query_as_owner(relation regclass, changes boolean, query text, VARIADIC
 * "any") RETURNS SETOF record: run a query with the rights of the table's
 * owner.
 */
Datum
ffu_sql_query_as_owner(PG_FUNCTION_ARGS)
{
	require_arguments(fcinfo);
	require_owner(PG_GETARG_OID(0));
	run_query(fcinfo, true);
	return (Datum) 0;
}

/*
 * ffu._query_as_caller(relation regclass, changes boolean, query text,
 * VARIADIC "any") RETURNS SETOF record: run a query with the rights of the
 * caller, or if the caller is a superuser, with the rights of the table's
 * owner.
 */
Datum
ffu_sql_query_as_caller(PG_FUNCTION_ARGS)
{
	require_arguments(fcinfo);
	run_query(fcinfo, superuser());
	return (Datum) 0;
}

/*
 * Raise 42501 if the caller may not insert into the two columns, or if
 * row-level security restricts the caller: the insertion runs as the owner, and
 * a policy would not see the caller.  Neither would triggers, and a view with
 * security_invoker would take the owner for the caller.  So the caller must
 * also be a role that may import, and the second column must be a file column,
 * which only tables have.
 */
static void
require_insert(Oid relid, const char *const *columns)
{
	Relation	rel = table_open(relid, AccessShareLock);
	int			i;

	ffu_outsider_check_read();
	(void) ffu_column_named(rel, columns[1]);
	table_close(rel, NoLock);
	for (i = 0; i < 2; i++)
	{
		AttrNumber	attnum = get_attnum(relid, columns[i]);

		if (pg_class_aclcheck(relid, GetUserId(), ACL_INSERT) != ACLCHECK_OK &&
			(attnum == InvalidAttrNumber ||
			 pg_attribute_aclcheck(relid, attnum, GetUserId(),
								   ACL_INSERT) != ACLCHECK_OK))
			aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE,
						   get_rel_name(relid));
	}
	if (ffu_rights_owner(relid) != GetUserId() &&
		check_enable_rls(relid, InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot import into table \"%s\" with row-level security",
						get_rel_name(relid)),
				 errdetail("Rows are inserted with the rights of the table's owner."),
				 errhint("Import as the owner, or as a role with BYPASSRLS.")));
}

/*
 * ffu._import_row(relation regclass, name_column name, column_name name, file
 * text, upload text): insert a row.
 */
Datum
ffu_sql_import_row(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	const char *const columns[2] = {
		NameStr(*PG_GETARG_NAME(1)), NameStr(*PG_GETARG_NAME(2))
	};
	Oid			types[2] = {TEXTOID, TEXTOID};
	Datum		values[2] = {PG_GETARG_DATUM(3), PG_GETARG_DATUM(4)};
	FfuRights	saved;

	require_insert(relid, columns);
	ffu_rights_become(relid, &saved);
	(void) ffu_query_run(psprintf("INSERT INTO %s (%s, %s) VALUES ($1, $2)",
								  name_in_command(relid),
								  quote_identifier(columns[0]),
								  quote_identifier(columns[1])),
						 2, types, values);
	ffu_rights_back(&saved);
	PG_RETURN_VOID();
}

/*
 * Raise 55000 if there is a file with this path: who may repair rows may not
 * take files away by that.
 */
static void
require_missing(const char *path)
{
	FfuStore   *store = ffu_root_use();
	FfuLook		look;

	if (ffu_path_valid(path, strlen(path)) &&
		store->methods->look(store, path, &look) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("file \"%s\" is not missing", path),
				 errdetail("The folder has a file with this path."),
				 errhint("Run ffu.check() again.")));
}

/*
 * ffu._clear_path(relation regclass, row_id tid, column_name name, path text)
 * RETURNS boolean: set the file column of a row to NULL, if the row still has
 * the path and there is no such file.
 */
Datum
ffu_sql_clear_path(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	Relation	rel = table_open(relid, AccessShareLock);
	const char *column = quote_identifier(NameStr(*PG_GETARG_NAME(2)));
	Oid			types[2] = {TIDOID, TEXTOID};
	Datum		values[2] = {PG_GETARG_DATUM(1), PG_GETARG_DATUM(3)};
	FfuRights	saved;
	bool		done;

	(void) ffu_column_named(rel, NameStr(*PG_GETARG_NAME(2)));
	table_close(rel, NoLock);
	require_missing(text_to_cstring(PG_GETARG_TEXT_PP(3)));
	ffu_rights_become(relid, &saved);
	done = ffu_query_run(psprintf("UPDATE ONLY %s SET %s = NULL"
								  " WHERE ctid = $1 AND %s::text = $2",
								  name_in_command(relid), column, column),
						 2, types, values) > 0;
	ffu_rights_back(&saved);
	PG_RETURN_BOOL(done);
}
