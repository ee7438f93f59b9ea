--
-- 87_functions_check.sql: finding where rows and files do not agree
--
-- For superusers, and for roles of ffu.grant_operations.
--

CREATE FUNCTION ffu._path_columns(relation regclass)
RETURNS TABLE (relid oid, attnum int2, managed boolean, size int2, sha256 int2)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT c.oid, a.attnum, d.policy IS NOT NULL, d.size, d.sha256
	  FROM pg_catalog.pg_class c
	  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	  LEFT JOIN LATERAL (
		SELECT p.policy,
			   p.attnums[pg_catalog.array_position(p.companions, 'size')] AS size,
			   p.attnums[pg_catalog.array_position(p.companions, 'sha256')] AS sha256
		  FROM (SELECT x.policy, x.attnums, ffu._policy_array(x.policy, 'companions') AS companions
				  FROM ffu._declarations() x
				 WHERE x.relid = c.oid AND x.attnums[0] = a.attnum
				 LIMIT 1) p) d ON true
	 WHERE c.relkind = 'r' AND c.relpersistence = 'p'
	   AND (relation IS NULL OR c.oid IN (SELECT m FROM ffu._tree(relation) m))
	   AND (a.atttypid = 'ffu.file'::pg_catalog.regtype
			OR (c.oid, a.attnum) IN (
				SELECT t.relid, t.attnums[0] FROM ffu._own_triggers() t
				 WHERE t.func = 'ffu.before_row()'::pg_catalog.regprocedure
				   AND t.attnums[0] IS NOT NULL));
END;
COMMENT ON FUNCTION ffu._path_columns(regclass) IS
'Internal: the columns of tables that can have paths, of one table and its partitions or of all; '
'managed: the column is a file column; size and sha256: numbers of the companions.';

CREATE FUNCTION ffu._check_files(relation regclass, content boolean)
RETURNS TABLE (problem text, relation regclass, column_name name, path text, detail text,
			   row_id tid)
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ffu_sql_check_files';
COMMENT ON FUNCTION ffu._check_files(regclass, boolean) IS
'Internal: disagreements of rows and files, for ffu.check.';

CREATE FUNCTION ffu._check_staging()
RETURNS TABLE (path text, detail text)
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ffu_sql_check_staging';
COMMENT ON FUNCTION ffu._check_staging() IS
'Internal: staging names without a transaction at work, for ffu.check.';

CREATE FUNCTION ffu._has_value(relation oid, attnum int2) RETURNS boolean
LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_has_value';
COMMENT ON FUNCTION ffu._has_value(oid, int2) IS
'Internal: whether a column of a table or of its partitions has a value that is not empty. Reads '
'the column for every caller, and runs no code of the table''s owner.';

CREATE FUNCTION ffu._check_unmanaged(relation regclass)
RETURNS TABLE (relation regclass, column_name name, detail text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT c.oid::pg_catalog.regclass, a.attname,
		   'It has the type ffu.file but not the triggers: it owns no file.'
	  FROM pg_catalog.pg_attribute a
	  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
	 WHERE a.atttypid = 'ffu.file'::pg_catalog.regtype AND a.attnum > 0 AND NOT a.attisdropped
	   AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition
	   AND ($1 IS NULL OR c.oid IN (SELECT m FROM ffu._tree($1) m))
	   -- An invalid declaration is another problem.  CASE: a column with triggers is
	   -- not read here, since reading waits for locks.
	   AND CASE WHEN EXISTS (SELECT FROM ffu._own_triggers() t
							  WHERE t.relid = c.oid AND t.attnums[0] = a.attnum AND t.nargs = 2
								AND t.func = 'ffu.before_row()'::pg_catalog.regprocedure)
				  OR a.attname IN (SELECT t.key FROM ffu._triggers(c.oid) t)
				THEN false ELSE ffu._has_value(c.oid, a.attnum) END;
END;
COMMENT ON FUNCTION ffu._check_unmanaged(regclass) IS
'Internal: columns of type ffu.file that are not file columns and have values, for ffu.check.';

-- One row for each key without a valid declaration, and for each further
-- declaration of the same key.
CREATE FUNCTION ffu._check_declarations(relation regclass)
RETURNS TABLE (relation regclass, column_name name, detail text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH own AS (
		SELECT t.relid, t.name, t.key,
			   ffu._policy(t.oid) IS NOT NULL AS valid, ffu._complaint(t.oid) AS complaint,
			   (SELECT a.attname FROM pg_catalog.pg_attribute a
				 WHERE a.attrelid = t.relid AND a.attnum = t.attnums[0]) AS attname
		  FROM ffu._own_triggers() t
		  JOIN pg_catalog.pg_class c ON c.oid = t.relid AND NOT c.relispartition
		 WHERE $1 IS NULL OR c.oid IN (SELECT m FROM ffu._tree($1) m)
	), judged AS (
		SELECT w.*, pg_catalog.bool_or(w.valid) OVER (PARTITION BY w.relid, w.key) AS declared
		  FROM own w
	)
	SELECT o.relid,
		   coalesce(pg_catalog.min(o.attname) FILTER (WHERE o.complaint IS NOT NULL),
					pg_catalog.left(o.key, 63))::name,
		   pg_catalog.format('%s %s',
			   coalesce(pg_catalog.min(o.complaint),
						'No trigger declares a file column of this key.'),
			   pg_catalog.format('Its triggers: %s.', pg_catalog.string_agg(
				   pg_catalog.quote_ident(o.name), ', ' ORDER BY o.name)))
	  FROM judged o
	 WHERE o.complaint IS NOT NULL OR NOT o.declared
	 GROUP BY o.relid, o.key
	 ORDER BY o.relid, o.key;
END;
COMMENT ON FUNCTION ffu._check_declarations(regclass) IS
'Internal: triggers of file columns whose declaration is missing or not valid, for ffu.check.';

-- One row for each missing or disabled trigger of a file column; the partitioned
-- table before partitions.
CREATE FUNCTION ffu._check_triggers(relation regclass)
RETURNS TABLE (relation regclass, column_name name, trigger_name name, missing boolean,
			   declared regclass, base text, suffix text, key text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH declared AS (
		SELECT d.relid, d.column_name, d.key,
			   pg_catalog.regexp_replace(d.name, '_1_set$', '') AS base
		  FROM ffu._declarations() d
		 WHERE d.parent = 0
	)
	-- type: row 1, before 2, insert 4, delete 8, update 16, truncate 32
	SELECT m, d.column_name, coalesce(x.name, (d.base || k.suffix)::name), x.name IS NULL,
		   d.relid, d.base, k.suffix, d.key
	  FROM declared d
	 CROSS JOIN LATERAL ffu._tree(d.relid) m
	 CROSS JOIN ROWS FROM (pg_catalog.unnest('{23,19,5,17,9,34}'::int[]),
						   pg_catalog.unnest(ffu._trigger_suffixes())) AS k(type, suffix)
	  LEFT JOIN LATERAL (
		SELECT t.name, t.enabled
		  FROM ffu._own_triggers() t
		 WHERE t.relid = m AND t.type = k.type AND t.key = d.key
		 ORDER BY t.enabled NOT IN ('O', 'A'), t.name
		 LIMIT 1) x ON true
	 WHERE (x.name IS NULL OR x.enabled NOT IN ('O', 'A'))
	   AND ($1 IS NULL OR m IN (SELECT n FROM ffu._tree($1) n))
	 ORDER BY d.relid, d.column_name, m <> d.relid, m::oid, k.suffix;
END;
COMMENT ON FUNCTION ffu._check_triggers(regclass) IS
'Internal: triggers of file columns that are missing or disabled, for ffu.check and ffu.repair.';

CREATE FUNCTION ffu.check(relation regclass DEFAULT NULL, content boolean DEFAULT false)
RETURNS TABLE (problem text, relation regclass, column_name name, path text, detail text)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'unmanaged', u.relation, u.column_name, NULL::text, u.detail
	  FROM ffu._check_unmanaged($1) u
	UNION ALL
	SELECT 'declaration', d.relation, d.column_name, NULL::text, d.detail
	  FROM ffu._check_declarations($1) d
	UNION ALL
	SELECT 'disabled', t.relation, t.column_name, NULL::text,
		   format('Trigger "%s" is %s.', t.trigger_name,
				  CASE WHEN t.missing THEN 'missing' ELSE 'disabled' END)
	  FROM ffu._check_triggers($1) t
	UNION ALL
	SELECT f.problem, f.relation, f.column_name, f.path, f.detail
	  FROM ffu._check_files($1, $2) f
	UNION ALL
	SELECT 'staging', NULL, NULL, '.ffu/' || s.path, s.detail
	  FROM ffu._check_staging() s WHERE $1 IS NULL
$$;
COMMENT ON FUNCTION ffu.check(regclass, boolean) IS
'Returns one row for each disagreement of rows and files; none if all is well. May be run at any '
'time: files of a transaction at work, and deletions still to be done, are not reported. Takes a '
'table (with its partitions), or NULL for the whole folder; content: also read every file and '
'compare its SHA-256. The problems: missing (a row whose file is not there), orphan (a file that '
'no row has; only with NULL), size, checksum, permissions (of a file, or of a directory that '
'cannot be read), not_a_file (a link, directory or device instead), foreign_path (a value that is '
'not a path of ffu), duplicate (one path in two rows), unmanaged (a column of type ffu.file that '
'is not a file column, and has values), declaration (triggers of ffu that do not declare a file '
'column as ffu does, made by hand or damaged: drop the triggers, then use ffu.manage_column), '
'disabled (a trigger of a file column is disabled or missing), staging (a leftover that a sweep '
'would finish, or whose fate is not known; a resumable upload whose bytes are not all there). '
'ffu.repair mends most problems. Reads all rows for every caller, and runs no code of the '
'tables'' owners. Raises 55000 without a usable folder, 25006 on a standby without '
'ffu.standby_files. Reports progress after each 10,000 files, in the title of its process and at '
'DEBUG1.';
