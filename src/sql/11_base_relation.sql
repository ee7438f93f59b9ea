--
-- 11_base_relation.sql: relations in messages, errors about them, and partitions
--
-- The functions of ffu, and the commands that the functions build, run with the
-- rights of the caller: a caller can do no more than by ALTER TABLE and CREATE
-- TRIGGER.  A name that begins with "_" is internal.  PUBLIC may execute some
-- internal functions because public functions call them for the caller.
--

CREATE FUNCTION ffu._refuse(relation regclass, column_name name, code text,
							message text, detail text, hint text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tab record;
BEGIN
	SELECT n.nspname, c.relname INTO tab
	  FROM pg_catalog.pg_class c
	  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	 WHERE c.oid = relation;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message, DETAIL = detail, HINT = hint;
	ELSIF column_name IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message, DETAIL = detail, HINT = hint,
			SCHEMA = tab.nspname, TABLE = tab.relname;
	ELSE
		RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message, DETAIL = detail, HINT = hint,
			SCHEMA = tab.nspname, TABLE = tab.relname, COLUMN = column_name;
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._refuse(regclass, name, text, text, text, text) IS
'Internal: raises an error with the table and column in the fields that drivers read.';

CREATE FUNCTION ffu._tree(relation regclass)
RETURNS SETOF regclass
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT relation
	UNION
	SELECT p.relid FROM pg_catalog.pg_partition_tree(relation) p;
END;
COMMENT ON FUNCTION ffu._tree(regclass) IS
'Internal: the relation and, if partitioned, its partitions of every level.';

CREATE FUNCTION ffu._kind(relkind "char")
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE relkind
	WHEN 'r' THEN 'a table' WHEN 'p' THEN 'a partitioned table'
	WHEN 'v' THEN 'a view' WHEN 'm' THEN 'a materialized view'
	WHEN 'f' THEN 'a foreign table' WHEN 'S' THEN 'a sequence'
	WHEN 'i' THEN 'an index' WHEN 'I' THEN 'a partitioned index'
	WHEN 'c' THEN 'a composite type' WHEN 't' THEN 'a TOAST table'
	ELSE 'of another kind' END;
COMMENT ON FUNCTION ffu._kind("char") IS
'Internal: a kind of relation (pg_class.relkind) in words.';

CREATE FUNCTION ffu._name(relation regclass)
RETURNS name
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT c.relname FROM pg_catalog.pg_class c WHERE c.oid = relation;
END;
COMMENT ON FUNCTION ffu._name(regclass) IS
'Internal: the name of a relation as messages show it, without schema and quotes.';
