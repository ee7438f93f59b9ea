--
-- 77_column_event.sql: event triggers
--
-- ddl_start loads the library before a DROP.  ddl_end looks at the triggers that
-- a command dropped.  ddl_complete adds objects that a command left out: TRUNCATE
-- triggers of new partitions, and ties of computed fields that a dump restored.
--
-- Event triggers do not fire in a session with session_replication_role =
-- replica.  Event triggers run with the rights of the role that runs the command,
-- which may have no right on ffu.  So the functions are in C, and look at the
-- catalog below the level of SQL.
--

CREATE FUNCTION ffu.ddl_start() RETURNS event_trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_sql_ddl_start';
COMMENT ON FUNCTION ffu.ddl_start() IS
'Internal: event trigger that loads the library before a command that may drop a file column.';

CREATE FUNCTION ffu.ddl_end() RETURNS event_trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_sql_ddl_end';
COMMENT ON FUNCTION ffu.ddl_end() IS
'Internal: event trigger that refuses the loss of a file column''s trigger (raises 2BP01), and '
'gives a detached partition its own triggers.';

CREATE FUNCTION ffu._restore_triggers(relation regclass, trigger_name name, attnums int2[],
									  key text, policy text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ffu._create_triggers(
		relation, regexp_replace(trigger_name, '_1_set$', ''),
		ARRAY(SELECT a.attname
				FROM unnest(attnums) WITH ORDINALITY AS n(attnum, i)
				JOIN pg_catalog.pg_attribute a ON a.attrelid = relation AND a.attnum = n.attnum
			   ORDER BY n.i),
		key, policy::jsonb);
END
$$;
COMMENT ON FUNCTION ffu._restore_triggers(regclass, name, int2[], text, text) IS
'Internal: gives a detached partition row triggers like the triggers of a partition.';

CREATE FUNCTION ffu.ddl_complete() RETURNS event_trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_sql_ddl_complete';
COMMENT ON FUNCTION ffu.ddl_complete() IS
'Internal: event trigger that gives new partitions their TRUNCATE triggers, ties restored '
'computed fields, tells of unmanaged columns, and refuses unlogged and inheriting tables with '
'file columns (raises 0A000).';

CREATE EVENT TRIGGER ffu_ddl_start ON ddl_command_start
	EXECUTE FUNCTION ffu.ddl_start();

COMMENT ON EVENT TRIGGER ffu_ddl_start IS
'Loads ffu before a command that may drop a file column.';

CREATE EVENT TRIGGER ffu_ddl_end ON ddl_command_end
	EXECUTE FUNCTION ffu.ddl_end();

COMMENT ON EVENT TRIGGER ffu_ddl_end IS
'Refuses the loss of a file column''s trigger.';

CREATE EVENT TRIGGER ffu_ddl_end_complete ON ddl_command_end
	WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE FUNCTION')
	EXECUTE FUNCTION ffu.ddl_complete();

COMMENT ON EVENT TRIGGER ffu_ddl_end_complete IS
'Gives new partitions their TRUNCATE triggers, and restored computed fields their ties.';
