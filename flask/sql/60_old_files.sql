--
-- 60_old_files.sql: the files that flask-file-upload stored
--
-- The names of files come from rows, so a stranger may have chosen them.  The C
-- functions follow no link below the directory, and never go up.
--

CREATE FUNCTION ffu._adopt_file(directory text, below text, file_name text, move boolean)
RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 100000
AS 'MODULE_PATHNAME', 'ffu_sql_adopt_file';
COMMENT ON FUNCTION ffu._adopt_file(text, text, text, boolean) IS
'Internal: an upload of a file below a directory of the server; '
'raises 42501, 42809, 58P01, 22023, 55000, and what ffu.file raises.';

CREATE FUNCTION ffu._adopt_list(directory text, below text)
RETURNS TABLE (name text, kind text, size bigint, readable boolean)
LANGUAGE c VOLATILE STRICT ROWS 10
AS 'MODULE_PATHNAME', 'ffu_sql_adopt_list';
COMMENT ON FUNCTION ffu._adopt_list(text, text) IS
'Internal: the entries of a directory below another directory; a missing directory has no '
'entries. Raises 42501, 42809.';

CREATE FUNCTION ffu._adopt_look(relation regclass, column_number int2, policy jsonb,
								directory text, below text, file_name text, move boolean,
								OUT mime_type text, OUT ext text)
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'ffu_sql_adopt_look';
COMMENT ON FUNCTION ffu._adopt_look(regclass, int2, jsonb, text, text, text, boolean) IS
'Internal: the type and extension that a file below a directory would get in a column with this '
'policy. Raises the errors of ffu._adopt_file and of the assignment of the upload, '
'and stores nothing.';

CREATE FUNCTION ffu._adopt_key(relation regclass, OUT key text, OUT first text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN count(*) = 1 THEN format('t.%I::text', min(column_name))
				ELSE format('jsonb_build_object(%s)::text',
							string_agg(format('%L, t.%1$I', column_name), ', ' ORDER BY place)) END,
		   format('t.%I::text', (array_agg(column_name ORDER BY place))[1])
	  FROM ffu._key_columns(relation) WITH ORDINALITY AS k(column_name, operator, type, place)
$$;
COMMENT ON FUNCTION ffu._adopt_key(regclass) IS
'Internal: expressions for the key of row "t" in the form for the verbs, and for the first column '
'of the primary key, of which FFU made a directory.';

-- All attributes of all tables with this name, in any schema, shared a directory.
CREATE FUNCTION ffu._adopt_names(table_name name)
RETURNS SETOF text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tab record;
BEGIN
	FOR tab IN
		SELECT c.oid::regclass AS relation, a.attname AS column_name
		  FROM pg_class c
		  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		 WHERE c.relname = table_name AND c.relkind IN ('r', 'p')
		   AND c.relpersistence = 'p' AND has_table_privilege(c.oid, 'SELECT')
		   AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
		   -- also a name that the server cut
		   AND (a.attname LIKE E'%\\_\\_file\\_name'
				OR octet_length(a.attname) = 63 AND a.attname ~ '__f[a-z_]*$')
	LOOP
		RETURN QUERY
		SELECT table_name || '/' || n
		  FROM ffu._texts_of(tab.relation, tab.column_name,
							 (SELECT k.column_name
								FROM ffu._key_columns(tab.relation) k LIMIT 1)) n;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._adopt_names(name) IS
'Internal: the paths, below FFU''s folder, of the files in rows of all tables with this name; '
'a path twice if two rows name the file.';

CREATE FUNCTION ffu._adopt_shared(relation regclass)
RETURNS text[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET row_security = off
SET datestyle = 'ISO, YMD'
AS $$
	SELECT coalesce(array_agg(n), '{}')
	  FROM (SELECT n FROM ffu._adopt_names(ffu._name(relation)) n
			 GROUP BY n HAVING count(*) > 1) s
$$;
COMMENT ON FUNCTION ffu._adopt_shared(regclass) IS
'Internal: the files of more than a single row or column.';

CREATE FUNCTION ffu._adopt_find(directory text, below text,
								OUT name text, OUT problem text, OUT detail text, OUT size bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	folder text := regexp_replace(below, '/[^/]*$', '');
	wanted text := regexp_replace(below, '^.*/', '');
	entry record;
	candidates text[];
BEGIN
	IF below ~ '(^|/)([.]{0,2})(/|$)' THEN
		problem := 'outside';
		detail := 'The path does not lead to a file below the directory; '
			'import the file by hand, if it is what it should be.';
		RETURN;
	END IF;
	-- Before 0.1.3 the name on the disk was the client's.
	SELECT array_agg(l.name ORDER BY l.name) INTO candidates
	  FROM ffu._adopt_list(directory, folder) l
	 WHERE l.name = wanted OR ffu._secure_file_name(l.name) = wanted;
	name := CASE WHEN wanted = ANY (candidates) THEN wanted ELSE candidates[1] END;
	IF name IS NULL THEN
		problem := 'missing';
		detail := 'There is no such file.';
		RETURN;
	ELSIF name <> wanted AND cardinality(candidates) > 1 THEN
		problem := 'ambiguous';
		detail := format('These files may be meant: %s.', array_to_string(candidates, ', '));
		RETURN;
	END IF;
	SELECT l.* INTO entry
	  FROM ffu._adopt_list(directory, folder) l WHERE l.name = _adopt_find.name;
	size := entry.size;
	IF entry.kind <> 'file' THEN
		problem := 'not_a_file';
		detail := format('It is %s.', entry.kind);
	ELSIF NOT entry.readable THEN
		problem := 'unreadable';
		detail := 'The operating system user of the server may not read it.';
	END IF;
EXCEPTION
	WHEN insufficient_privilege THEN
		problem := 'unreadable';
		detail := SQLERRM || '.';
	WHEN wrong_object_type THEN
		problem := 'not_a_file';
		detail := 'Something on its way is not a directory.';
END
$$;
COMMENT ON FUNCTION ffu._adopt_find(text, text) IS
'Internal: the name on the disk of a file that a row names, and the size, '
'or why the file cannot be adopted.';

-- add_files wrote the file of a row without a key to <table>/None/.  Such a file
-- belongs to a row if the row's own file is missing, and no other row or attribute,
-- of any table of this name, lacks a file of the same name.
CREATE FUNCTION ffu._adopt_stray(relation regclass, directory text)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET row_security = off
SET datestyle = 'ISO, YMD'
AS $$
DECLARE
	tab name := ffu._name(relation);
	stray text[] := ARRAY(SELECT l.name FROM ffu._adopt_list(directory, tab || '/None') l
						   WHERE l.kind = 'file');
BEGIN
	IF stray = '{}' THEN
		RETURN '{}';
	END IF;
	RETURN (
		SELECT coalesce(jsonb_object_agg(o.path, tab || '/None/' || o.file), '{}')
		  FROM (SELECT min(n.path) AS path, n.file
				  FROM (SELECT p AS path, regexp_replace(p, '^.*/', '') AS file
						  FROM ffu._adopt_names(tab) p) n
				 CROSS JOIN LATERAL ffu._adopt_find(directory, n.path) f
				 WHERE n.file = ANY (stray) AND f.problem = 'missing'
				 GROUP BY n.file HAVING count(*) = 1) o
		 WHERE tab || '/None/' || o.file NOT IN (SELECT p FROM ffu._adopt_names(tab) p));
EXCEPTION WHEN insufficient_privilege THEN
	RETURN '{}';		-- reported as unreadable
END
$$;
COMMENT ON FUNCTION ffu._adopt_stray(regclass, text) IS
'Internal: the files of rows that had no key when the file was stored: an object of paths, '
'as the rows name the files, and paths on the disk.';

CREATE FUNCTION ffu._adopt_entries(directory text, below text)
RETURNS TABLE (path text, kind text, detail text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY
	SELECT below || '/' || l.name, l.kind, NULL::text FROM ffu._adopt_list(directory, below) l;
EXCEPTION WHEN insufficient_privilege THEN
	RETURN QUERY VALUES (below, 'unreadable', SQLERRM || '.');
END
$$;
COMMENT ON FUNCTION ffu._adopt_entries(text, text) IS
'Internal: the entries of a directory below another directory, by path; the directory itself as '
'"unreadable" if the server may not read it.';

CREATE FUNCTION ffu._adopt_unnamed(relation regclass, directory text, stray jsonb)
RETURNS TABLE (problem text, path text, detail text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET row_security = off
SET datestyle = 'ISO, YMD'
AS $$
DECLARE
	tab name := ffu._name(relation);
BEGIN
	IF NOT EXISTS (SELECT FROM ffu._adopt_list(directory, '') l
					WHERE l.name = tab::text AND l.kind = 'a directory') THEN
		RETURN;
	END IF;
	RETURN QUERY
	WITH RECURSIVE named AS MATERIALIZED (
		SELECT DISTINCT n FROM ffu._adopt_names(tab) n
	), entries AS (
		SELECT e.* FROM ffu._adopt_entries(directory, tab) e
		UNION ALL
		SELECT e.* FROM entries d CROSS JOIN LATERAL ffu._adopt_entries(directory, d.path) e
		 WHERE d.kind = 'a directory'
	), found AS (
		SELECT e.*, regexp_replace(e.path, '[^/]*$', '') AS folder,
			   regexp_replace(e.path, '^.*/', '') AS name
		  FROM entries e WHERE e.kind IN ('file', 'unreadable')
	)
	SELECT 'unnamed', f.path, 'No row names it.' FROM found f
	 WHERE f.kind = 'file' AND f.path NOT IN (SELECT n FROM named)
	   AND f.folder || ffu._secure_file_name(f.name) NOT IN (SELECT n FROM named)
	   AND f.path NOT IN (SELECT v FROM jsonb_each_text(stray) AS s(k, v))
	UNION ALL
	SELECT 'unreadable', f.path, f.detail FROM found f
	 WHERE f.kind = 'unreadable'
	   AND f.path || '/' NOT IN (SELECT regexp_replace(n, '[^/]*$', '') FROM named)
	 ORDER BY 2;
END
$$;
COMMENT ON FUNCTION ffu._adopt_unnamed(regclass, text, jsonb) IS
'Internal: the files in FFU''s directory of a table that no row names, and the directories there '
'that the server may not read and in which no row has a file.';
