--
-- 84_functions_paths.sql: the files of rows
--
-- For everyone, with the rights of the caller: a path is the right to read a file,
-- and a role that sees a path here sees the path in the table.
--

CREATE FUNCTION ffu._dangles(path text) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ffu_sql_dangles';
COMMENT ON FUNCTION ffu._dangles(text) IS
'Internal: whether a row keeps this path although the file goes or is gone (dangling).';

CREATE FUNCTION ffu._paths_of(target regclass, columns name[])
RETURNS TABLE (relation regclass, column_name name, path text, size bigint, sha256 text)
LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_paths_of';
COMMENT ON FUNCTION ffu._paths_of(regclass, name[]) IS
'Internal: the paths of one file column, with size and checksum from the row. columns: the file '
'column, its __size and its __sha256; NULL for none. Reads for the caller without running code of '
'the owner; raises 42501.';

CREATE FUNCTION ffu._texts_of(target regclass, column_name name, key name)
RETURNS SETOF text
LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'ffu_sql_texts_of';
COMMENT ON FUNCTION ffu._texts_of(regclass, name, name) IS
'Internal: the values of a string column that are not empty, each after the value of column key '
'and a slash (key NULL: alone). Reads for the caller without running code of the owner; raises '
'42501.';

-- Policies are code of the owner and need to know who reads.  So policies run with
-- the rights of the caller, as for any SELECT, but only where the caller named the
-- table.
CREATE FUNCTION ffu._visible_paths_of(target regclass, columns name[])
RETURNS TABLE (relation regclass, column_name name, path text, size bigint, sha256 text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE format(
		'SELECT %L::regclass, %L::name, %I::text, %s, %s FROM %s '
		'WHERE %3$I <> '''' AND NOT ffu._dangles(%3$I)',
		target, columns[1], columns[1],
		coalesce(quote_ident(columns[2]), 'NULL::bigint'),
		coalesce(quote_ident(columns[3]) || '::text', 'NULL::text'), target);
END
$$;
COMMENT ON FUNCTION ffu._visible_paths_of(regclass, name[]) IS
'Internal: the rows of ffu._paths_of that row-level security lets the caller see.';

CREATE FUNCTION ffu._paths(target regclass)
RETURNS TABLE (relation regclass, column_name name, path text, size bigint, sha256 text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	col record;
	-- Partitions share the columns of the topmost table.
	declared regclass := coalesce(pg_partition_root(target), target);
BEGIN
	FOR col IN
		SELECT c.* FROM ffu.columns c
		 WHERE declared IS NULL OR c.relation = declared
		 ORDER BY c.relation::text, c.column_name
	LOOP
		IF target IS NOT NULL AND row_security_active(target) THEN
			RETURN QUERY SELECT p.* FROM ffu._visible_paths_of(
				target, ARRAY[col.column_name, col.size_column, col.sha256_column]) p;
		ELSE
			RETURN QUERY SELECT p.* FROM ffu._paths_of(
				coalesce(target, col.relation),
				ARRAY[col.column_name, col.size_column, col.sha256_column]) p;
		END IF;
	END LOOP;
	IF NOT FOUND AND declared IS NOT NULL THEN
		PERFORM ffu._refuse(target, NULL, '55000',
			format('relation "%s" has no file columns', coalesce(ffu._name(target), target::text)),
			'It does not have ffu''s triggers.', 'The view ffu.columns lists the file columns.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._paths(regclass) IS
'Internal: the rows of ffu.paths.';

CREATE FUNCTION ffu.paths(relation regclass DEFAULT NULL)
RETURNS TABLE (relation regclass, column_name name, path text, size bigint, sha256 text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT p.relation, p.column_name, p.path, p.size, p.sha256 FROM ffu._paths($1) p;
END;
COMMENT ON FUNCTION ffu.paths(regclass) IS
'Every file that the rows of a table have, or of a partition, or, for NULL, of all tables: the '
'files to copy with the rows, and the manifest of a backup. Returns table, file column, path, and '
'size and SHA-256 from the row (NULL without the companion); does not look at the disk. A '
'dangling path is left out. Reads the rows that the caller may read, without running code of the '
'tables'' owners. Rows that row-level security hides from the caller are left out where the table '
'is named (policies run with the rights of the caller, as in a SELECT); without a name 42501 is '
'raised. Raises 42501 also for a table that the caller may not read, 55000 for a table without '
'file columns.';
