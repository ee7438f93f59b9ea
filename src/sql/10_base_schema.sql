\echo Use "CREATE EXTENSION ffu" to load this file. \quit

--
-- 10_base_schema.sql: the schema, the type of file columns, a trigger of all tables
--
-- No table is registered with pg_extension_config_dump: a restored or copied
-- database must neither use the folder of the original nor do the deletions of
-- the original, and OIDs of tables differ there.
--

-- The schema is a member of the extension, so that it is neither dumped nor
-- left behind; the control file names another schema.  The owner of an existing
-- schema of this name could put functions beside the functions of ffu.
DO $$
DECLARE
	owner name;
BEGIN
	SELECT pg_catalog.pg_get_userbyid(n.nspowner) INTO owner
	  FROM pg_catalog.pg_namespace n WHERE n.nspname = 'ffu';
	IF FOUND THEN
		RAISE EXCEPTION 'schema "ffu" already exists'
			USING ERRCODE = '42P06',
			DETAIL = pg_catalog.format('It is owned by role "%s". ffu makes a new schema, '
									   'in which nobody else has functions.', owner),
			HINT = 'Drop or rename that schema, then run CREATE EXTENSION again.',
			SCHEMA = 'ffu';
	END IF;
END
$$;

CREATE SCHEMA ffu;

-- pg_dump would emit a comment, and COMMENT ON EXTENSION fails for everybody but
-- the owner: another role could not restore into a database that has ffu.
COMMENT ON EXTENSION ffu IS NULL;
COMMENT ON SCHEMA ffu IS
'File columns: functions, views and tables of the extension ffu.';

-- The server loads the library here for the first time.  An administrator who has
-- not installed the library, or has installed another version, reads what to do.
DO $$
DECLARE
	detail text;
	hint text;
BEGIN
	CREATE FUNCTION ffu._check_version() RETURNS text
	LANGUAGE c STABLE
	AS 'MODULE_PATHNAME', 'ffu_sql_check_version';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = SQLERRM,
		DETAIL = coalesce(nullif(detail, ''), 'The server cannot use the library of ffu.'),
		HINT = coalesce(nullif(hint, ''),
			pg_catalog.format('Install the library of ffu %s, and libmagic, for PostgreSQL %s: '
								 'the package postgresql-%2$s-ffu of Debian, ffu_%2$s of RPM '
								 'systems, or make install with the pg_config of this server.',
			(SELECT e.extversion FROM pg_catalog.pg_extension e WHERE e.extname = 'ffu'),
			pg_catalog.current_setting('server_version_num')::int / 10000));
END
$$;

COMMENT ON FUNCTION ffu._check_version() IS
'Internal: returns the version of the library. Raises 55000 if the library does not work with this '
'version of the extension. Every script of the extension calls the function first.';

SELECT ffu._check_version();

-- No constraint, ever: ADD COLUMN would rewrite the table.  The BEFORE trigger
-- of a file column checks values.
CREATE DOMAIN ffu.file AS text;

-- The first line is for PostGraphile, which would name the type File otherwise,
-- as the type of a table "files".
COMMENT ON DOMAIN ffu.file IS
E'@name ffu_file\n'
'Path of a stored file: relative to the folder, and the tail of the file''s URL. The type alone '
'stores nothing: ffu.add_column and ffu.manage_column give a column the triggers of a file '
'column.';

-- CREATE PUBLICATION ... FOR ALL TABLES has the tables of ffu too.  The rows are
-- about the folder of the publishing database: a subscriber leaves the rows out.
CREATE FUNCTION ffu.skip_replicated() RETURNS trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_sql_skip_replicated';
COMMENT ON FUNCTION ffu.skip_replicated() IS
'Internal: trigger function that leaves out the rows of ffu''s own tables that a logical '
'replication brings.';
