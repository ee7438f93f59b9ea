--
-- 70_column.sql: the functions behind the triggers of file columns, and former names
--
-- A role with the right to create these triggers can make the database delete a
-- file that no row has.  So the trigger functions are for superusers, and for
-- roles of ffu.grant_columns: a role that can only read a path cannot let the file
-- go.
-- The triggers themselves fire for everyone.
--

CREATE FUNCTION ffu.before_row() RETURNS trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_sql_before_row';
COMMENT ON FUNCTION ffu.before_row() IS
'Trigger function of file columns: checks the value and the column''s policy, chooses the path, '
'fills the companions. Made by ffu.add_column.';

CREATE FUNCTION ffu.after_row() RETURNS trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_sql_after_row';
COMMENT ON FUNCTION ffu.after_row() IS
'Trigger function of file columns: ties the file to the row that was written, and lets the old '
'file go at commit. Made by ffu.add_column.';

CREATE FUNCTION ffu.before_truncate() RETURNS trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_sql_before_truncate';
COMMENT ON FUNCTION ffu.before_truncate() IS
'Trigger function of file columns: lets every file of the table go at commit. Made by '
'ffu.add_column.';

CREATE TABLE ffu.former_name (
	schema_name name NOT NULL,
	table_name name NOT NULL,
	column_name name NOT NULL,
	relid oid NOT NULL,
	attnum int2 NOT NULL
);

CREATE INDEX former_name_names_idx ON ffu.former_name (schema_name, table_name, column_name);

COMMENT ON TABLE ffu.former_name IS
'Names that a file column had before a rename, ALTER TABLE ... SET SCHEMA, or ATTACH or DETACH '
'PARTITION. As long as the column exists, the names prove nothing for another column with these '
'names. Written by ffu alone; not dumped, since the OIDs of tables are not the same after a '
'restore.';
COMMENT ON COLUMN ffu.former_name.schema_name IS
'Former name of the schema.';
COMMENT ON COLUMN ffu.former_name.table_name IS
'Former name of the table; of a partition, the name of the topmost table.';
COMMENT ON COLUMN ffu.former_name.column_name IS
'Former name of the column.';
COMMENT ON COLUMN ffu.former_name.relid IS
'The table that has the column now (pg_class.oid).';
COMMENT ON COLUMN ffu.former_name.attnum IS
'The column (pg_attribute.attnum).';
COMMENT ON INDEX ffu.former_name_names_idx IS
'Finds out whether another column had the names of a column.';

CREATE TRIGGER skip_replicated BEFORE INSERT OR UPDATE OR DELETE ON ffu.former_name
	FOR EACH ROW EXECUTE FUNCTION ffu.skip_replicated();
ALTER TABLE ffu.former_name ENABLE REPLICA TRIGGER skip_replicated;

COMMENT ON TRIGGER skip_replicated ON ffu.former_name IS
'Leaves out what a logical replication brings.';

CREATE FUNCTION ffu.trigger_arguments(trigger oid) RETURNS text[]
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ffu_sql_trigger_arguments';
COMMENT ON FUNCTION ffu.trigger_arguments(oid) IS
'Internal: the arguments of a trigger, by its OID in pg_trigger; NULL for no trigger.';

CREATE FUNCTION ffu._policy(trigger oid) RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ffu_sql_policy';
COMMENT ON FUNCTION ffu._policy(oid) IS
'Internal: the policy of the file column that a trigger declares, by its OID in pg_trigger; NULL '
'for a trigger without a valid declaration.';

CREATE FUNCTION ffu._complaint(trigger oid) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ffu_sql_complaint';
COMMENT ON FUNCTION ffu._complaint(oid) IS
'Internal: the fault of a declaration that is not valid, by the OID of the trigger, as a '
'sentence; NULL for a valid declaration.';

CREATE FUNCTION ffu._companions()
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{file_name,mime_type,ext,size,sha256}'::text[];
COMMENT ON FUNCTION ffu._companions() IS
'Internal: the tails of the names of companions, after the name of the file column and "__", in '
'order.';
