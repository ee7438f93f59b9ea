--
-- 20_columns.sql: the columns of a table, and which of them are file columns
--

CREATE FUNCTION ffu._has_column(relation regclass, column_name text)
RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute a
					WHERE a.attrelid = relation AND a.attname::text = column_name
					  AND NOT a.attisdropped);
END;
COMMENT ON FUNCTION ffu._has_column(regclass, text) IS
'Internal: tells whether a relation has a column of this name.';

CREATE FUNCTION ffu._has_file_column(relation regclass, column_name name)
RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT f.key IS NOT NULL FROM ffu._find_column(relation, column_name) f;
END;
COMMENT ON FUNCTION ffu._has_file_column(regclass, name) IS
'Internal: tells whether a table has a file column of this name.';

CREATE FUNCTION ffu._file_columns(relation regclass)
RETURNS SETOF name
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT DISTINCT a.attname
	  FROM pg_catalog.pg_trigger t
	  JOIN pg_catalog.pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = t.tgattr[0]
	 WHERE t.tgrelid = relation AND t.tgnargs = 2
	   AND t.tgfoid = 'ffu.before_row()'::pg_catalog.regprocedure
	   AND ffu._policy(t.oid) IS NOT NULL
	 ORDER BY a.attname;
END;
COMMENT ON FUNCTION ffu._file_columns(regclass) IS
'Internal: the names of the file columns of a table or partition, in the order of names.';

CREATE FUNCTION ffu._check_names(relation regclass, names text[])
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known name[] := ARRAY(SELECT ffu._file_columns(relation));
	wrong text;
	there boolean;
BEGIN
	SELECT coalesce(n, 'NULL'), ffu._has_column(relation, n) INTO wrong, there
	  FROM unnest(names) WITH ORDINALITY AS u(n, i)
	 WHERE n IS NULL OR n <> ALL (known::text[])
	 ORDER BY i LIMIT 1;
	IF wrong IS NULL THEN
		RETURN;
	END IF;
	PERFORM ffu._refuse(relation, left(wrong, 60), CASE WHEN there THEN '55000' ELSE '42703' END,
		format('relation "%s" has no file column "%s"', ffu._name(relation), left(wrong, 60)),
		CASE WHEN known = '{}' THEN 'It has no file columns.'
			 ELSE format('Its file columns are %s.', array_to_string(known, ', ')) END,
		CASE WHEN there THEN 'Use ffu.manage_column to make a file column of one that exists.'
			 ELSE 'Use one of these names; case counts.' END);
END
$$;
COMMENT ON FUNCTION ffu._check_names(regclass, text[]) IS
'Internal: raises 55000 or 42703 for the first name that is not a file column of the table.';

CREATE FUNCTION ffu._names_in_words(relation regclass)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(string_agg(n, ', '), 'none') FROM ffu._file_columns(relation) n
$$;
COMMENT ON FUNCTION ffu._names_in_words(regclass) IS
'Internal: the file columns of a table, for a message.';
