--
-- 75_guard.sql: the trigger against writes of flask-file-upload itself
--

CREATE FUNCTION ffu.refuse_companions() RETURNS trigger
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'ffu_sql_refuse_companions';
COMMENT ON FUNCTION ffu.refuse_companions() IS
'The trigger ffu_adopted_<column>, which ffu.adopt makes on a table. A statement is an error '
'(55000) if the statement changes __file_name, __mime_type or __ext and gives the row no new file: '
'only an application on flask-file-upload does so. '
'Drop the trigger when no application on flask-file-upload is left. Then ffu ignores values for '
'companions, as in any table, and a new __file_name renames the download.';

CREATE FUNCTION ffu._guard_name(column_name text)
RETURNS name
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
RETURN 'ffu_adopted_' || ffu._cut(column_name, 51);
COMMENT ON FUNCTION ffu._guard_name(text) IS
'Internal: the name of the trigger against writes of flask-file-upload to an adopted column.';

CREATE FUNCTION ffu._adopt_guard(relation regclass, name name)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- A column list or a condition would stand in the way of ALTER COLUMN ... TYPE.
	EXECUTE format('CREATE OR REPLACE TRIGGER %I BEFORE INSERT OR UPDATE ON %s FOR EACH ROW '
				   'EXECUTE FUNCTION ffu.refuse_companions(%L)', ffu._guard_name(name), relation,
				   (SELECT f.key FROM ffu._find_column(relation, name) f));
	EXECUTE format('COMMENT ON TRIGGER %I ON %s IS %L', ffu._guard_name(name), relation,
				   'Refuses what flask-file-upload itself would write (ffu.adopt). '
				   'Drop it when no application uses that any more.');
END
$$;
COMMENT ON FUNCTION ffu._adopt_guard(regclass, name) IS
'Internal: makes the trigger against writes of flask-file-upload to an adopted column.';
