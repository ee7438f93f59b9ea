\echo Use "CREATE EXTENSION ffu" to load this file. \quit

--
-- 10_types.sql: the type of file columns, and the tables of ffu's own
--
-- No table is registered with pg_extension_config_dump: a restored or
-- copied database must not believe that it owns the folder of the original,
-- nor finish the original's deletions, and numbers of tables are others there.
--

-- The schema is a member of the extension, so that it is neither dumped nor
-- left behind; the control file names another one.  A schema of this name that
-- is there already is somebody's, whose owner could put functions beside ours.
DO $$
DECLARE
	owner name;
BEGIN
	SELECT pg_catalog.pg_get_userbyid(n.nspowner) INTO owner
	  FROM pg_catalog.pg_namespace n WHERE n.nspname = 'ffu';
	IF FOUND THEN
		RAISE EXCEPTION 'schema "ffu" already exists'
			USING ERRCODE = '42P06',
			DETAIL = pg_catalog.format('It is owned by role "%s". ffu makes a schema of its own, in which nobody else has functions.', owner),
			HINT = 'Drop or rename that schema, then run CREATE EXTENSION again.',
			SCHEMA = 'ffu';
	END IF;
END
$$;

CREATE SCHEMA ffu;

-- pg_dump would emit it, and COMMENT ON EXTENSION fails for everybody but the
-- owner: whoever restores into a database that has ffu would get an error.
COMMENT ON EXTENSION ffu IS NULL;

GRANT USAGE ON SCHEMA ffu TO PUBLIC;

COMMENT ON SCHEMA ffu IS
'File columns: functions, views and tables of the extension ffu.';

-- No constraint, ever: with one, ADD COLUMN would rewrite the table.  The
-- BEFORE trigger of a file column is its check.
CREATE DOMAIN ffu.file AS text;

REVOKE ALL ON DOMAIN ffu.file FROM PUBLIC;
GRANT USAGE ON DOMAIN ffu.file TO PUBLIC;

COMMENT ON DOMAIN ffu.file IS
'Path of a stored file, relative to the folder and also the tail of its URL. '
'The type alone stores nothing: ffu.add_column and ffu.manage_column give a column the triggers that do.';

CREATE TABLE ffu.root (
	id text NOT NULL,
	path text NOT NULL,
	claimed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	key text,
	CONSTRAINT root_pkey PRIMARY KEY (id)
);

CREATE UNIQUE INDEX root_one_row_idx ON ffu.root ((true));

REVOKE ALL ON TABLE ffu.root FROM PUBLIC;

COMMENT ON TABLE ffu.root IS
'The folder this database has claimed: one row, or none before ffu.use_folder. '
'Read and written by ffu alone; not dumped, so that a restored copy cannot touch the files of the original.';
COMMENT ON COLUMN ffu.root.id IS
'Random id (a uuid) that also stands in the folder''s .ffu/owner; without a match nothing is written or removed.';
COMMENT ON COLUMN ffu.root.path IS
'Absolute path of the folder on the server.';
COMMENT ON COLUMN ffu.root.claimed_at IS
'When this database claimed the folder.';
COMMENT ON COLUMN ffu.root.key IS
'Secret that also stands in .ffu/owner. With it a path proves for which column and row it was made.';
COMMENT ON INDEX ffu.root_one_row_idx IS
'Lets ffu.root have one row only.';

CREATE SEQUENCE ffu.deletion_id_seq AS bigint;

CREATE TABLE ffu.deletion (
	id bigint NOT NULL DEFAULT pg_catalog.nextval('ffu.deletion_id_seq'),
	root text NOT NULL,
	-- Looked up below the level of SQL, by bytes.
	path text COLLATE "C" NOT NULL,
	state text COLLATE "C" NOT NULL DEFAULT 'doomed',
	doomed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	attempts int NOT NULL DEFAULT 0,
	last_error text,
	next_try timestamptz,
	CONSTRAINT deletion_pkey PRIMARY KEY (id)
);

ALTER SEQUENCE ffu.deletion_id_seq OWNED BY ffu.deletion.id;

CREATE INDEX deletion_path_idx ON ffu.deletion (path);
CREATE INDEX deletion_state_idx ON ffu.deletion (state, id);

REVOKE ALL ON TABLE ffu.deletion FROM PUBLIC;
REVOKE ALL ON SEQUENCE ffu.deletion_id_seq FROM PUBLIC;

COMMENT ON TABLE ffu.deletion IS
'Files that committed transactions have replaced or deleted and that are still to be unlinked. '
'Work to do, not a register of files: a row goes once its file is gone. Written by ffu alone; not dumped. '
'Also marks for files that stay without a row, and paths that stay without a file, by wish.';
COMMENT ON COLUMN ffu.deletion.id IS
'Number of the deletion, from ffu.deletion_id_seq.';
COMMENT ON COLUMN ffu.deletion.root IS
'Id of the folder the path is in (ffu.root.id); rows of another folder are left alone.';
COMMENT ON COLUMN ffu.deletion.path IS
'Path of the file, relative to that folder.';
COMMENT ON COLUMN ffu.deletion.state IS
'How far the deletion is; ''doomed'': to be unlinked once no snapshot can see the row that had the file; ''kept'': moved out of URL reach until ffu.deletion_delay is over; '
'''doubtful'': the path was not made for the row, so a sweep looks for other rows with the path first. '
'Or a mark: ''detached'': the row let go of the file, which stays; ''dangling'': the row keeps the path although the file goes.';
COMMENT ON COLUMN ffu.deletion.doomed_at IS
'When the statement began that let the file go.';
COMMENT ON COLUMN ffu.deletion.attempts IS
'How often unlinking was tried and failed.';
COMMENT ON COLUMN ffu.deletion.last_error IS
'What the last failed attempt said.';
COMMENT ON COLUMN ffu.deletion.next_try IS
'Not to be tried again before this time.';
COMMENT ON SEQUENCE ffu.deletion_id_seq IS
'Numbers of deletions.';
COMMENT ON INDEX ffu.root_pkey IS
'Primary key.';
COMMENT ON INDEX ffu.deletion_pkey IS
'Primary key.';
COMMENT ON INDEX ffu.deletion_path_idx IS
'Finds out whether a path is doomed.';
COMMENT ON INDEX ffu.deletion_state_idx IS
'The order in which a sweep does deletions.';

CREATE TABLE ffu.former_name (
	schema_name name NOT NULL,
	table_name name NOT NULL,
	column_name name NOT NULL,
	relid oid NOT NULL,
	attnum int2 NOT NULL
);
CREATE INDEX former_name_names_idx ON ffu.former_name (schema_name, table_name, column_name);

REVOKE ALL ON TABLE ffu.former_name FROM PUBLIC;

COMMENT ON TABLE ffu.former_name IS
'Names that a file column had before a rename, ALTER TABLE ... SET SCHEMA, or ATTACH or DETACH PARTITION. '
'Another column with these names cannot prove by them that a path is its own, as long as the first column is there. '
'Written by ffu alone; not dumped, since the numbers of tables are not the same after a restore.';
COMMENT ON COLUMN ffu.former_name.schema_name IS
'Name of the schema then.';
COMMENT ON COLUMN ffu.former_name.table_name IS
'Name of the table then; of a partition, the name of the topmost table.';
COMMENT ON COLUMN ffu.former_name.column_name IS
'Name of the column then.';
COMMENT ON COLUMN ffu.former_name.relid IS
'The table that has the column now (pg_class.oid).';
COMMENT ON COLUMN ffu.former_name.attnum IS
'The column (pg_attribute.attnum).';
COMMENT ON INDEX ffu.former_name_names_idx IS
'Finds out whether another column had the names of a column.';

-- CREATE PUBLICATION ... FOR ALL TABLES has these tables too.  What is in them
-- is about the folder of their own database: a subscriber leaves it out.
CREATE FUNCTION ffu.skip_replicated() RETURNS trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_skip_replicated';
REVOKE ALL ON FUNCTION ffu.skip_replicated() FROM PUBLIC;
COMMENT ON FUNCTION ffu.skip_replicated() IS
'Internal: trigger function that leaves out the rows of ffu''s own tables that a logical replication brings.';

CREATE TRIGGER skip_replicated BEFORE INSERT OR UPDATE OR DELETE ON ffu.root
	FOR EACH ROW EXECUTE FUNCTION ffu.skip_replicated();
ALTER TABLE ffu.root ENABLE REPLICA TRIGGER skip_replicated;
CREATE TRIGGER skip_replicated BEFORE INSERT OR UPDATE OR DELETE ON ffu.deletion
	FOR EACH ROW EXECUTE FUNCTION ffu.skip_replicated();
ALTER TABLE ffu.deletion ENABLE REPLICA TRIGGER skip_replicated;

CREATE TRIGGER skip_replicated BEFORE INSERT OR UPDATE OR DELETE ON ffu.former_name
	FOR EACH ROW EXECUTE FUNCTION ffu.skip_replicated();
ALTER TABLE ffu.former_name ENABLE REPLICA TRIGGER skip_replicated;

COMMENT ON TRIGGER skip_replicated ON ffu.former_name IS
'Leaves out what a logical replication brings.';
COMMENT ON TRIGGER skip_replicated ON ffu.root IS
'Leaves out what a logical replication brings.';
COMMENT ON TRIGGER skip_replicated ON ffu.deletion IS
'Leaves out what a logical replication brings.';
