--
-- 70_events.sql: event triggers
--
-- ddl_start makes sure that the library is loaded before a DROP; ddl_end looks
-- at the triggers that a command dropped; ddl_complete puts back what a
-- command could not know: triggers of new partitions, the ties of computed
-- fields that were restored from a dump.
--

CREATE FUNCTION ffu.ddl_start() RETURNS event_trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_ddl_start';

CREATE FUNCTION ffu.ddl_end() RETURNS event_trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_ddl_end';

REVOKE ALL ON FUNCTION ffu.ddl_start() FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.ddl_end() FROM PUBLIC;

COMMENT ON FUNCTION ffu.ddl_start() IS
'Internal: event trigger that loads the library before a command that may drop a file column.';
COMMENT ON FUNCTION ffu.ddl_end() IS
'Internal: event trigger that refuses the loss of a file column''s trigger; raises 2BP01.';

CREATE EVENT TRIGGER ffu_ddl_start ON ddl_command_start
	EXECUTE FUNCTION ffu.ddl_start();
CREATE EVENT TRIGGER ffu_ddl_end ON ddl_command_end
	EXECUTE FUNCTION ffu.ddl_end();

COMMENT ON EVENT TRIGGER ffu_ddl_start IS
'Loads ffu before a command that may drop a file column.';
COMMENT ON EVENT TRIGGER ffu_ddl_end IS
'Refuses the loss of a file column''s trigger.';
