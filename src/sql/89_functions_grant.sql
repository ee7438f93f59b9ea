--
-- 89_functions_grant.sql: roles that declare columns or look after the folder
--
-- Only a superuser names such roles.
--

CREATE FUNCTION ffu._privileges(task text)
RETURNS text[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	-- A function with an underscore is called by the others, as the caller.
	SELECT CASE task
		WHEN 'columns' THEN ARRAY[
			'EXECUTE ON FUNCTION ffu.before_row(), ffu.after_row(), ffu.before_truncate()']
		WHEN 'operations' THEN ARRAY[
			'USAGE ON SCHEMA ffu',
			'SELECT ON ffu.status, ffu.stat, ffu.usage, ffu.pending_deletions, '
				'ffu.abandoned_folders',
			'EXECUTE ON FUNCTION ' || (
				SELECT string_agg(p.oid::regprocedure::text, ', ' ORDER BY p.oid)
				  FROM pg_proc p
				 WHERE p.pronamespace = 'ffu'::regnamespace
				   AND p.proname = ANY ('{use_folder,claim_folder,adopt_folder,sweep,undelete,
						delete_detached,
						check,repair,_folder_status,_counters,_holders,_folder_list,_doom_detached,
						_verification_lock,_path_columns,_has_value,_check_files,_check_staging,
						_check_unmanaged,_check_declarations,_check_triggers,_digest,_quarantine,
						_reset_mode,_set_companions,_has_checksum,_clear_path,_repair_problems,
						_repair_trigger,_repair_companions,_repair_one,_repair_triggers,
						_repair_staging,_repair,rotate_url_secret}'))]
		END
$$;
COMMENT ON FUNCTION ffu._privileges(text) IS
'Internal: the privileges for a task, as in GRANT: columns (of ffu.grant_columns) or operations '
'(of ffu.grant_operations).';

CREATE FUNCTION ffu._change_privileges(role regrole, task text, granted boolean) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	privilege text;
BEGIN
	FOREACH privilege IN ARRAY ffu._privileges(task) LOOP
		EXECUTE format(CASE WHEN granted THEN 'GRANT %s TO %s' ELSE 'REVOKE %s FROM %s' END,
					   privilege, role);
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._change_privileges(regrole, text, boolean) IS
'Internal: gives a role the privileges for a task, or takes the privileges back.';

CREATE FUNCTION ffu.grant_columns(role regrole) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ffu._change_privileges(role, 'columns', true);
END
$$;
COMMENT ON FUNCTION ffu.grant_columns(regrole) IS
'Lets a role declare file columns on tables that the role owns (and restore such tables from a '
'dump). Takes the role; returns nothing. A role with this right can make the database delete a '
'file that no row has, and hold up the deletion of others. Storing, reading and deleting rows '
'needs no such grant. Raises 42501 unless called by a superuser.';

CREATE FUNCTION ffu.revoke_columns(role regrole) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ffu._change_privileges(role, 'columns', false);
END
$$;
COMMENT ON FUNCTION ffu.revoke_columns(regrole) IS
'Takes back the right that ffu.grant_columns gave; existing columns go on working. Takes the '
'role; returns nothing. Raises 42501 unless called by a superuser.';

CREATE FUNCTION ffu.grant_operations(role regrole) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ffu._change_privileges(role, 'operations', true);
END
$$;
COMMENT ON FUNCTION ffu.grant_operations(regrole) IS
'Lets a role look after the folder: choose and claim the folder, sweep, check, repair, undelete, '
'delete detached files, rotate the secrets of signed URLs, and read ffu.status, ffu.stat, '
'ffu.usage, ffu.pending_deletions and ffu.abandoned_folders. Takes the role; returns nothing. '
'The role sees the paths of all files, and so may read all files, and repairs rows of tables of '
'other roles; '
'only to repair ''disabled'' the role needs the rights of a table''s owner. Raises 42501 unless '
'called by a superuser.';

CREATE FUNCTION ffu.revoke_operations(role regrole) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ffu._change_privileges(role, 'operations', false);
END
$$;
COMMENT ON FUNCTION ffu.revoke_operations(regrole) IS
'Takes back the rights that ffu.grant_operations gave. Takes the role; returns nothing. Raises '
'42501 unless called by a superuser.';
