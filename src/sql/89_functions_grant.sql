--
-- 89_functions_grant.sql: roles that declare file columns, and roles that look after the folder
--

CREATE FUNCTION ffu.grant_columns(role regrole) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('GRANT EXECUTE ON FUNCTION ffu.before_row(), ffu.after_row(), ffu.before_truncate() TO %s', role);
END
$$;
COMMENT ON FUNCTION ffu.grant_columns(regrole) IS
'Lets a role declare file columns on tables it owns (and restore them from a dump). Takes the '
'role; returns nothing. A role that may do this can make the database delete a file that no row '
'has, and hold up the deletion of others. Storing, reading and deleting rows needs no such grant. '
'Raises 42501 unless called by a superuser.';

CREATE FUNCTION ffu.revoke_columns(role regrole) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('REVOKE EXECUTE ON FUNCTION ffu.before_row(), ffu.after_row(), ffu.before_truncate() FROM %s', role);
END
$$;
COMMENT ON FUNCTION ffu.revoke_columns(regrole) IS
'Takes back what ffu.grant_columns gave; columns that exist go on working. Takes the role; '
'returns nothing. Raises 42501 unless called by a superuser.';

CREATE FUNCTION ffu._operations()
RETURNS regprocedure[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	-- Those with an underscore are called by the others, as the caller.
	SELECT array_agg(p.oid::regprocedure ORDER BY p.oid)
	  FROM pg_proc p
	 WHERE p.pronamespace = 'ffu'::regnamespace
	   AND p.proname = ANY ('{use_folder,claim_folder,sweep,undelete,delete_detached,check,repair,
			_folder_status,_counters,_holders,_folder_list,_doom_detached,
			_path_columns,_has_value,_check_files,_check_staging,_check_unmanaged,_check_declarations,_check_triggers,
			_digest,_quarantine,_reset_mode,_set_companions,_has_checksum,_clear_path,
			_repair_problems,_repair_trigger,_repair_companions,_repair_one,
			_repair_triggers,_repair_staging,_repair}')
$$;
COMMENT ON FUNCTION ffu._operations() IS
'Internal: the functions that ffu.grant_operations gives.';

CREATE FUNCTION ffu._operation_views()
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'ffu.status, ffu.stat, ffu.pending_deletions, ffu.abandoned_folders';
COMMENT ON FUNCTION ffu._operation_views() IS
'Internal: the views that ffu.grant_operations gives.';

CREATE FUNCTION ffu.grant_operations(role regrole) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('GRANT USAGE ON SCHEMA ffu TO %s', role);
	EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', array_to_string(ffu._operations(), ', '), role);
	EXECUTE format('GRANT SELECT ON %s TO %s', ffu._operation_views(), role);
END
$$;
COMMENT ON FUNCTION ffu.grant_operations(regrole) IS
'Lets a role look after the folder: choose and claim it, sweep, check, repair, undelete, delete '
'detached files, and read ffu.status, ffu.stat, ffu.pending_deletions and ffu.abandoned_folders. '
'Takes the role; returns nothing. The role sees the paths of all files, and so may read them, and '
'repairs rows of tables that are not its own; it needs the rights of a table''s owner only to '
'repair ''disabled''. Raises 42501 unless called by a superuser.';

CREATE FUNCTION ffu.revoke_operations(role regrole) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('REVOKE USAGE ON SCHEMA ffu FROM %s', role);
	EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM %s', array_to_string(ffu._operations(), ', '), role);
	EXECUTE format('REVOKE SELECT ON %s FROM %s', ffu._operation_views(), role);
END
$$;
COMMENT ON FUNCTION ffu.revoke_operations(regrole) IS
'Takes back what ffu.grant_operations gave. Takes the role; returns nothing. Raises 42501 unless '
'called by a superuser.';
