--
-- 30_triggers.sql: the functions behind triggers, and what drop_column needs
--
-- Whoever may create these triggers can make the database delete a file that
-- no row has.  So the trigger functions are for superusers, and
-- for the roles that ffu.grant_columns names; a role that can only read a path
-- cannot let the file go.  The triggers themselves fire for everyone.
--

CREATE FUNCTION ffu.before_row() RETURNS trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_before_row';

CREATE FUNCTION ffu.after_row() RETURNS trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_after_row';

CREATE FUNCTION ffu.before_truncate() RETURNS trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_before_truncate';

CREATE FUNCTION ffu.check_path_template(path_template text) RETURNS void
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ffu_check_path_template';

CREATE FUNCTION ffu.trigger_arguments(trigger oid) RETURNS text[]
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ffu_trigger_arguments';

CREATE FUNCTION ffu._drop_columns(relation regclass, key text, keep_files boolean) RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_drop_columns';

CREATE FUNCTION ffu._copy_values(relation regclass, column_name name) RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_copy_values';

CREATE FUNCTION ffu.tie_function(func regprocedure, relation regclass) RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_tie_function';

CREATE FUNCTION ffu.grant_columns(role regrole) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('GRANT EXECUTE ON FUNCTION ffu.before_row(), ffu.after_row(), ffu.before_truncate() TO %s', role);
END
$$;

CREATE FUNCTION ffu.revoke_columns(role regrole) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('REVOKE EXECUTE ON FUNCTION ffu.before_row(), ffu.after_row(), ffu.before_truncate() FROM %s', role);
END
$$;

REVOKE ALL ON FUNCTION ffu.grant_columns(regrole) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.revoke_columns(regrole) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.before_row() FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.after_row() FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.before_truncate() FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.check_path_template(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.trigger_arguments(oid) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu._drop_columns(regclass, text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu._copy_values(regclass, name) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.tie_function(regprocedure, regclass) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION ffu.check_path_template(text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION ffu.trigger_arguments(oid) TO PUBLIC;
GRANT EXECUTE ON FUNCTION ffu._drop_columns(regclass, text, boolean) TO PUBLIC;
GRANT EXECUTE ON FUNCTION ffu._copy_values(regclass, name) TO PUBLIC;
GRANT EXECUTE ON FUNCTION ffu.tie_function(regprocedure, regclass) TO PUBLIC;

COMMENT ON FUNCTION ffu.grant_columns(regrole) IS
'Lets a role declare file columns on tables it owns (and restore them from a dump). Takes the role; returns nothing. '
'A role that may do this can make the database delete a file that no row has, and hold up the deletion of others. '
'Storing, reading and deleting rows needs no such grant. Raises 42501 unless called by a superuser.';
COMMENT ON FUNCTION ffu.revoke_columns(regrole) IS
'Takes back what ffu.grant_columns gave; columns that exist go on working. Takes the role; returns nothing. '
'Raises 42501 unless called by a superuser.';
COMMENT ON FUNCTION ffu.before_row() IS
'Trigger function of file columns: checks the value and the column''s policy, chooses the path, fills the companions. Made by ffu.add_column.';
COMMENT ON FUNCTION ffu.after_row() IS
'Trigger function of file columns: ties the file to the row that was written, and lets the old one go at commit. Made by ffu.add_column.';
COMMENT ON FUNCTION ffu.before_truncate() IS
'Trigger function of file columns: lets every file of the table go at commit. Made by ffu.add_column.';
COMMENT ON FUNCTION ffu.check_path_template(text) IS
'Internal: checks a path template; raises 22023 with what is wrong.';
COMMENT ON FUNCTION ffu.trigger_arguments(oid) IS
'Internal: the arguments of a trigger, by its oid in pg_trigger; NULL if there is none.';
COMMENT ON FUNCTION ffu._drop_columns(regclass, text, boolean) IS
'Internal: drops a file column, by its key, with its companions and triggers; with keep_files its files stay. Raises 42501 for anyone but the owner of the table.';
COMMENT ON FUNCTION ffu._copy_values(regclass, name) IS
'Internal: gives each row of a table a copy of the file that its value names; the UPDATE runs with the rights of the table''s owner. Raises 42501 for anyone but him, 23503.';
COMMENT ON FUNCTION ffu.tie_function(regprocedure, regclass) IS
'Internal: makes a computed field go with its table. Raises 42501 unless the caller owns both.';
