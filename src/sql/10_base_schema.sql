\echo Use "CREATE EXTENSION ffu" to load this file. \quit

--
-- 10_base_schema.sql: the schema, the type of file columns, and what all tables of ffu have
--
-- No table is registered with pg_extension_config_dump: a restored or copied
-- database must neither take the folder of the original for its own nor do the
-- deletions of the original, and OIDs of tables differ there.
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
COMMENT ON SCHEMA ffu IS
'File columns: functions, views and tables of the extension ffu.';

-- No constraint, ever: with one, ADD COLUMN would rewrite the table.  The
-- BEFORE trigger of a file column is its check.
CREATE DOMAIN ffu.file AS text;

COMMENT ON DOMAIN ffu.file IS
'Path of a stored file, relative to the folder and also the tail of its URL. The type alone '
'stores nothing: ffu.add_column and ffu.manage_column give a column the triggers that do.';

-- CREATE PUBLICATION ... FOR ALL TABLES has these tables too.  What is in them
-- is about the folder of their own database: a subscriber leaves it out.
CREATE FUNCTION ffu.skip_replicated() RETURNS trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_skip_replicated';
COMMENT ON FUNCTION ffu.skip_replicated() IS
'Internal: trigger function that leaves out the rows of ffu''s own tables that a logical '
'replication brings.';
