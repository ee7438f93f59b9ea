/*-------------------------------------------------------------------------
 *
 * rights.c
 *	  Work with the rights of a table's owner.
 *
 * Triggers, rules, casts, CHECK constraints, generated columns and expressions
 * of indexes and statistics are code of the table's owner.  The server runs
 * such code with the rights of the role that runs the command, in part while
 * planning.  So ffu does for a superuser what VACUUM and REINDEX do: become
 * the owner, in a security-restricted operation, with a search path and
 * settings that the owner's code cannot change beyond the operation.
 *
 * An error needs no clean-up here: the end of the (sub)transaction restores
 * user and settings.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/rights.h"
#include "base/settings.h"

/*
 * Return the owner of a relation.  Raise 42P01 if the relation does not exist.
 */
Oid
ffu_rights_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid),
				 errdetail("Another session may have dropped it."),
				 errhint("Give the name of a table.")));
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * Change a setting until the end of the current level of settings.
 */
void
ffu_rights_set(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Begin a level of settings for a statement of ffu: only pg_catalog is in the
 * search path, and all triggers fire as in the replication role "origin".
 * Return the level for AtEOXact_GUC().
 */
int
ffu_rights_settings(void)
{
	int			level = NewGUCNestLevel();

	ffu_rights_set("search_path", "pg_catalog, pg_temp");
	if (SessionReplicationRole != SESSION_REPLICATION_ROLE_ORIGIN)
		ffu_rights_set("session_replication_role", "origin");
	return level;
}

/*
 * Become the owner of a table until ffu_rights_back(), and save the current
 * user in *saved.  If the current user is the owner, change nothing.  The
 * caller must have checked the current user's rights.
 */
void
ffu_rights_switch(Oid relid, FfuRights *saved)
{
	Oid			owner = ffu_rights_owner(relid);

	GetUserIdAndSecContext(&saved->user, &saved->context);
	saved->switched = owner != saved->user;
	if (!saved->switched)
		return;
	SetUserIdAndSecContext(owner, saved->context |
						   SECURITY_RESTRICTED_OPERATION |
						   SECURITY_NOFORCE_RLS);
	/* Other values would let the owner's code bypass triggers. */
	saved->nest = ffu_rights_settings();
	if (ffu_setting_restore)
		ffu_rights_set("ffu.restore", "off");
}

/*
 * Become the owner of a table, to run a command in SQL until
 * ffu_rights_back().  Raise 42501 if the owner may not use the table's schema,
 * since no command of the owner could name the table.
 */
void
ffu_rights_become(Oid relid, FfuRights *saved)
{
	Oid			owner = ffu_rights_owner(relid);
	Oid			schema = get_rel_namespace(relid);

	if (owner != GetUserId() &&
		!DatumGetBool(DirectFunctionCall3(has_schema_privilege_id_id,
										  ObjectIdGetDatum(owner),
										  ObjectIdGetDatum(schema),
										  CStringGetTextDatum("USAGE"))))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("owner of table \"%s\" may not use schema \"%s\"",
						get_rel_name(relid), get_namespace_name(schema)),
				 errdetail("This works with the rights of the table's owner, role \"%s\".",
						   GetUserNameFromId(owner, false)),
				 errhint("Grant USAGE on the schema to the owner.")));
	ffu_rights_switch(relid, saved);
}

/*
 * Restore the user and the settings from before ffu_rights_switch().
 */
void
ffu_rights_back(const FfuRights *saved)
{
	if (!saved->switched)
		return;
	AtEOXact_GUC(false, saved->nest);
	SetUserIdAndSecContext(saved->user, saved->context);
}
