--
-- 92_adopt.sql: taking over a database and upload folder of flask-file-upload
--
-- What FFU left is three string columns for each file, and the file at
-- <directory>/<table>/<first column of the primary key>/<file name>.  The names
-- come from rows, so a stranger may have had a say in them: below the directory
-- the C functions follow no link and never go up.
--

CREATE FUNCTION ffu._adopt_file(directory text, below text, file_name text, move boolean) RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 100000
AS 'MODULE_PATHNAME', 'ffu_sql_adopt_file';
COMMENT ON FUNCTION ffu._adopt_file(text, text, text, boolean) IS
'Internal: an upload of a file below a directory of the server; raises 42501, 42809, 58P01, 22023, 55000, and what ffu.file raises.';

CREATE FUNCTION ffu._adopt_list(directory text, below text)
RETURNS TABLE (name text, kind text, size bigint, readable boolean)
LANGUAGE c VOLATILE STRICT ROWS 10
AS 'MODULE_PATHNAME', 'ffu_sql_adopt_list';
COMMENT ON FUNCTION ffu._adopt_list(text, text) IS
'Internal: what is in a directory below another; nothing if it is not there; raises 42501, 42809.';

CREATE FUNCTION ffu._adopt_look(relation regclass, column_number int2, allowed_extensions text[],
								allowed_mime_types text[], max_size bigint, directory text,
								below text, file_name text, move boolean,
								OUT mime_type text, OUT ext text)
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'ffu_sql_adopt_look';
COMMENT ON FUNCTION ffu._adopt_look(regclass, int2, text[], text[], bigint, text, text, text, boolean) IS
'Internal: the type and extension that a file below a directory would get in a column with this policy; '
'raises what ffu._adopt_file and the assignment of its upload would raise, and stores nothing.';

CREATE FUNCTION ffu.refuse_companions() RETURNS trigger
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'ffu_sql_refuse_companions';
COMMENT ON FUNCTION ffu.refuse_companions() IS
'The trigger ffu_adopted_<column> that ffu.adopt makes on a table: a statement that changes __file_name, __mime_type or __ext '
'and gives the row no new file is an error (55000), since it comes from an application that still uses flask-file-upload. '
'Drop the trigger when no such application is left; then ffu ignores what is sent for companions, as in any table, '
'and a new __file_name renames the download.';

-- As Werkzeug's secure_filename.
CREATE FUNCTION ffu._secure_file_name(file_name text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF current_setting('server_encoding') = 'UTF8' THEN
		file_name := normalize(file_name, NFKD);
	END IF;
	file_name := regexp_replace(file_name, E'[^\\u0001-\\u007f]', '', 'g');
	file_name := btrim(regexp_replace(replace(file_name, '/', ' '), E'[\\u0009-\\u000d\\u001c-\\u0020]+', ' ', 'g'), ' ');
	RETURN btrim(regexp_replace(replace(file_name, ' ', '_'), '[^A-Za-z0-9_.-]', '', 'g'), '._');
END
$$;
COMMENT ON FUNCTION ffu._secure_file_name(text) IS
'Internal: the name that flask-file-upload gave to a file with this name.';


--
-- FFU's columns
--

CREATE FUNCTION ffu._old_columns(relation regclass, attribute text,
								 OUT file_name name, OUT mime_type name, OUT ext name, OUT file_type name)
LANGUAGE sql STABLE
BEGIN ATOMIC
	-- The server cut names that were too long, and so does the cast.
	SELECT pg_catalog.max(a.attname::text) FILTER (WHERE a.attname = (attribute || '__file_name')::name)::name,
		   pg_catalog.max(a.attname::text) FILTER (WHERE a.attname = (attribute || '__mime_type')::name)::name,
		   pg_catalog.max(a.attname::text) FILTER (WHERE a.attname = (attribute || '__ext')::name)::name,
		   pg_catalog.max(a.attname::text) FILTER (WHERE a.attname = (attribute || '__file_type')::name)::name
	  FROM pg_catalog.pg_attribute a
	 WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
	   AND a.atttypid IN ('text'::pg_catalog.regtype, 'varchar'::pg_catalog.regtype);
END;
COMMENT ON FUNCTION ffu._old_columns(regclass, text) IS
'Internal: the columns that flask-file-upload made for an attribute of a model; NULL for one that is not there.';

CREATE FUNCTION ffu._old_attributes(relation regclass, suffix text)
RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT pg_catalog.left(a.attname::text, - pg_catalog.length(suffix))
	  FROM pg_catalog.pg_attribute a
	 WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
	   AND a.attname::text OPERATOR(pg_catalog.~~) ('_%' || pg_catalog.replace(suffix, '_', E'\\_'))
	 ORDER BY a.attnum;
END;
COMMENT ON FUNCTION ffu._old_attributes(regclass, text) IS
'Internal: the attributes that have a column with this ending.';

CREATE FUNCTION ffu._upgrade_names(relation regclass, attribute text)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	old record;
BEGIN
	SELECT o.* INTO old FROM ffu._old_columns(relation, attribute) o;
	IF old.file_type IS NULL OR old.mime_type IS NULL OR old.file_name IS NULL OR old.ext IS NOT NULL THEN
		RETURN false;
	END IF;
	-- In this order: what was __mime_type is the extension.
	EXECUTE format('ALTER TABLE %s RENAME COLUMN %I TO %I', relation, old.mime_type, attribute || '__ext');
	EXECUTE format('ALTER TABLE %s RENAME COLUMN %I TO %I', relation, old.file_type, attribute || '__mime_type');
	RETURN true;
END
$$;
COMMENT ON FUNCTION ffu._upgrade_names(regclass, text) IS
'Internal: gives the columns of one attribute their names of version 0.2; false if they are not of an earlier one.';

CREATE FUNCTION ffu.upgrade_column_names(relation regclass)
RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	attribute text;
BEGIN
	IF relation IS NULL THEN
		PERFORM ffu._check_table(relation, NULL, 'ACCESS EXCLUSIVE');	-- says so
	END IF;
	PERFORM ffu._check_owner(relation);
	PERFORM ffu._lock_table(relation, 'ACCESS EXCLUSIVE');
	FOR attribute IN SELECT ffu._old_attributes(relation, '__file_type') LOOP
		IF ffu._upgrade_names(relation, attribute) THEN
			RETURN NEXT attribute;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu.upgrade_column_names(regclass) IS
'Renames the columns that flask-file-upload 0.0 and 0.1 made to those of 0.2, all of a table, in the order that works: first <name>__mime_type, which held the extension, to <name>__ext, then <name>__file_type to <name>__mime_type. '
'Returns the names of the attributes; none if there is nothing to rename, so it can be called again. Raises 42501 for anyone but the owner of the table, 22004.';

CREATE FUNCTION ffu._adopt_prepare(relation regclass, attribute text, name name)
RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	old record;
	col record;
BEGIN
	IF ffu._upgrade_names(relation, attribute) THEN
		RETURN NEXT 'The columns had the names of version 0.1.';
	END IF;
	SELECT o.* INTO old FROM ffu._old_columns(relation, attribute) o;
	IF attribute <> name THEN
		EXECUTE format('ALTER TABLE %s RENAME COLUMN %I TO %I', relation, old.file_name, name || '__file_name');
		EXECUTE format('ALTER TABLE %s RENAME COLUMN %I TO %I', relation, old.mime_type, name || '__mime_type');
		EXECUTE format('ALTER TABLE %s RENAME COLUMN %I TO %I', relation, old.ext, name || '__ext');
	END IF;
	-- Those of 0.0.9 to 0.1.0-rc.2 have room for a few characters only.
	FOR col IN
		SELECT a.attname, a.atttypmod FROM pg_attribute a
		 WHERE a.attrelid = relation AND a.attname IN (name || '__file_name', name || '__mime_type', name || '__ext')
		   AND a.atttypmod BETWEEN 4 AND 4 + 254
	LOOP
		-- Of the same type, without a limit: an application's migrations see no change.
		PERFORM ffu._command_as_owner(relation, format('ALTER TABLE %s ALTER COLUMN %I TYPE varchar', relation, col.attname));
		RETURN NEXT format('Column "%s" had room for %s characters and is of type character varying now.',
						   col.attname, col.atttypmod - 4);
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._adopt_prepare(regclass, text, name) IS
'Internal: makes FFU''s columns of an attribute into companions of a file column, and says what had to be changed.';


--
-- What rows say, and what there is
--

CREATE FUNCTION ffu._adopt_key(relation regclass, OUT key text, OUT first text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN count(*) = 1 THEN format('t.%I::text', min(column_name))
				ELSE format('jsonb_build_object(%s)::text', string_agg(format('%L, t.%1$I', column_name), ', ' ORDER BY place)) END,
		   format('t.%I::text', (array_agg(column_name ORDER BY place))[1])
	  FROM ffu._key_columns(relation) WITH ORDINALITY AS k(column_name, operator, type, place)
$$;
COMMENT ON FUNCTION ffu._adopt_key(regclass) IS
'Internal: expressions for the key of row "t" as the verbs take it, and for the first column of its primary key, which FFU made a directory of.';

-- Of every attribute of every table of this name, in whatever schema: FFU put
-- them all into the same directory.
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
		   -- also one that was cut by the server
		   AND (a.attname LIKE E'%\\_\\_file\\_name' OR octet_length(a.attname) = 63 AND a.attname ~ '__f[a-z_]*$')
	LOOP
		RETURN QUERY
		SELECT table_name || '/' || n
		  FROM ffu._texts_of(tab.relation, tab.column_name,
							 (SELECT k.column_name FROM ffu._key_columns(tab.relation) k LIMIT 1)) n;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._adopt_names(name) IS
'Internal: the paths, below FFU''s folder, of all files that rows of tables of this name name; one that is named twice twice.';

CREATE FUNCTION ffu._adopt_find(directory text, below text,
								OUT name text, OUT problem text, OUT detail text, OUT size bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	folder text := regexp_replace(below, '/[^/]*$', '');
	wanted text := regexp_replace(below, '^.*/', '');
	found record;
	candidates text[];
BEGIN
	IF below ~ '(^|/)([.]{0,2})(/|$)' THEN
		problem := 'outside';
		detail := 'The path does not lead to a file below the directory; import the file by hand, if it is what it should be.';
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
	SELECT l.* INTO found FROM ffu._adopt_list(directory, folder) l WHERE l.name = _adopt_find.name;
	size := found.size;
	IF found.kind <> 'file' THEN
		problem := 'not_a_file';
		detail := format('It is %s.', found.kind);
	ELSIF NOT found.readable THEN
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
'Internal: the name on the disk of a file that a row names, its size, or why it cannot be adopted.';


-- add_files wrote the file of a row that had no key yet to <table>/None/.  Such
-- a file belongs to a row if that row's own file is missing, and no other row
-- or attribute, of any table of this name, lacks a file of the same name.
CREATE FUNCTION ffu._adopt_stray(relation regclass, directory text)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET row_security = off
SET datestyle = 'ISO, YMD'
AS $$
DECLARE
	tab name := ffu._name(relation);
	stray text[] := ARRAY(SELECT l.name FROM ffu._adopt_list(directory, tab || '/None') l WHERE l.kind = 'file');
BEGIN
	IF stray = '{}' THEN
		RETURN '{}';
	END IF;
	RETURN (
		SELECT coalesce(jsonb_object_agg(o.path, tab || '/None/' || o.file), '{}')
		  FROM (SELECT min(n.path) AS path, n.file
				  FROM (SELECT p AS path, regexp_replace(p, '^.*/', '') AS file FROM ffu._adopt_names(tab) p) n
				 CROSS JOIN LATERAL ffu._adopt_find(directory, n.path) f
				 WHERE n.file = ANY (stray) AND f.problem = 'missing'
				 GROUP BY n.file HAVING count(*) = 1) o
		 WHERE tab || '/None/' || o.file NOT IN (SELECT p FROM ffu._adopt_names(tab) p));
EXCEPTION WHEN insufficient_privilege THEN
	RETURN '{}';		-- reported as unreadable
END
$$;
COMMENT ON FUNCTION ffu._adopt_stray(regclass, text) IS
'Internal: where the file of a row lies whose key was not known when it was stored: an object of paths, as the row names them, and paths on the disk.';


--
-- Adopting
--

CREATE FUNCTION ffu._adopt_store(part regclass, row_id tid, column_name name, shown name, policy jsonb,
								 directory text, below text, file_name text, move boolean, dry_run boolean,
								 OUT problem text, OUT detail text, OUT mime_type text, OUT ext text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF dry_run THEN
		SELECT l.mime_type, l.ext INTO mime_type, ext
		  FROM pg_attribute a
		 CROSS JOIN LATERAL ffu._adopt_look(
				part, a.attnum, ffu._policy_array(policy, 'allowed_extensions'),
				ffu._policy_array(policy, 'allowed_mime_types'), (policy ->> 'max_size')::bigint,
				directory, below, file_name, move) l
		 WHERE a.attrelid = part AND a.attname = shown;
	ELSE
		-- The file is read with the rights of the caller.
		SELECT q.mime_type, q.ext INTO mime_type, ext
		  FROM ffu._query_as_owner(part, true,
			format('UPDATE ONLY %s SET %I = $1 WHERE ctid = $2 RETURNING %I::text, %I::text',
				   part, column_name, column_name || '__mime_type', column_name || '__ext'),
			ffu._adopt_file(directory, below, file_name, move), row_id) AS q(mime_type text, ext text);
	END IF;
EXCEPTION
	WHEN check_violation OR string_data_right_truncation OR not_null_violation OR invalid_parameter_value THEN
		problem := 'refused';
		detail := replace(SQLERRM, format('"%s"', shown), format('"%s"', column_name)) || '.';
	WHEN insufficient_privilege THEN
		problem := 'unreadable';
		detail := SQLERRM || '.';
	WHEN undefined_file OR wrong_object_type OR object_not_in_prerequisite_state THEN
		problem := 'changed';
		detail := SQLERRM || '.';
END
$$;
COMMENT ON FUNCTION ffu._adopt_store(regclass, tid, name, name, jsonb, text, text, text, boolean, boolean) IS
'Internal: gives one row its file, or finds out whether it could have it; what is wrong with it alone is a problem and leaves the others alone. '
'shown: the file column, or, where it is not there yet, one that messages of a dry run name instead.';

CREATE FUNCTION ffu._adopt_row(part regclass, row_id tid, column_name name, shown name, policy jsonb,
							   directory text, below text, stray text, old_mime_type text, old_ext text,
							   shared boolean, keep_old boolean, dry_run boolean)
RETURNS TABLE (action text, problem text, detail text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	file record;
	wanted text := regexp_replace(below, '^.*/', '');
	new_mime_type text;
	new_ext text;
BEGIN
	SELECT f.* INTO file FROM ffu._adopt_find(directory, coalesce(stray, below)) f;
	problem := file.problem;
	detail := file.detail;
	IF problem IS NULL THEN
		-- Nothing but the extension was left of a name without ASCII.
		SELECT s.problem, s.detail, s.mime_type, s.ext INTO problem, detail, new_mime_type, new_ext
		  FROM ffu._adopt_store(part, row_id, column_name, shown, policy, directory,
								regexp_replace(coalesce(stray, below), '[^/]*$', '') || file.name,
								CASE WHEN wanted LIKE '%.%' THEN wanted ELSE file.name END,
								NOT (keep_old OR shared), dry_run) s;
	END IF;
	action := CASE WHEN problem IS NOT NULL THEN 'left' WHEN dry_run THEN 'would adopt' ELSE 'adopted' END;
	RETURN NEXT;
	-- What is wrong with a file that is adopted all the same
	IF action <> 'left' THEN
		RETURN QUERY
		SELECT action, p.problem, p.detail
		  FROM (VALUES
				('raw_name', file.name <> wanted, format('On the disk its name is %s.', quote_literal(file.name))),
				('misplaced', stray IS NOT NULL, format('It is %s: the row had no key yet. No other row lacks a file of this name.', quote_literal(stray))),
				('empty', file.size = 0, 'It has no bytes.'),
				('shared', shared, 'Another row or column names this file too; each gets a file of its own, and the old one stays.'),
				('ext', old_ext IS DISTINCT FROM new_ext,
				 format('FFU said %s, it is %s.', quote_nullable(old_ext), quote_nullable(new_ext))),
				('mime_type', old_mime_type IS DISTINCT FROM new_mime_type,
				 format('FFU said %s, it is %s.', quote_nullable(old_mime_type), quote_nullable(new_mime_type))))
			   AS p(problem, there, detail)
		 WHERE p.there;
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._adopt_row(regclass, tid, name, name, jsonb, text, text, text, text, text, boolean, boolean, boolean) IS
'Internal: adopts the file of one row, or says what it would do: a row with the action, and one for each problem of a file that is adopted.';

CREATE FUNCTION ffu._adopt_part(target regclass, column_name name, columns name[], policy jsonb, directory text,
								shared text[], stray jsonb, keep_old boolean, dry_run boolean,
								part regclass, first_block bigint, next_block bigint)
RETURNS TABLE (action text, problem text, key text, path text, detail text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET row_security = off
SET datestyle = 'ISO, YMD'
AS $$
DECLARE
	exprs record;
	old record;
	has_column boolean := EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = part AND a.attname = column_name AND NOT a.attisdropped);
BEGIN
	SELECT k.* INTO exprs FROM ffu._adopt_key(target) k;
	-- columns: file name, mime type, extension
	FOR old IN
		SELECT q.* FROM ffu._query_as_owner(part, false, format(
			'SELECT t.ctid, %1$s, %2$L || %3$s || ''/'' || t.%4$I, t.%5$I::text, t.%6$I::text'
			'  FROM ONLY %7$s t WHERE t.%4$I <> '''' AND t.ctid >= $1 AND t.ctid < $2 %8$s ORDER BY 1',
			exprs.key, ffu._name(target) || '/', exprs.first, columns[1], columns[2], columns[3], part,
			CASE WHEN has_column THEN format('AND t.%I IS NULL', column_name) END),
			format('(%s,0)', first_block)::tid, format('(%s,0)', next_block)::tid)
			AS q(id tid, key text, below text, mime_type text, ext text)
	LOOP
		key := old.key;
		path := old.below;
		FOR action, problem, detail IN
			SELECT r.action, r.problem, r.detail
			  FROM ffu._adopt_row(part, old.id, column_name, CASE WHEN has_column THEN column_name ELSE columns[1] END,
								  policy, directory, old.below, stray ->> old.below, old.mime_type, old.ext,
								  old.below = ANY (shared), keep_old, dry_run) r
		LOOP
			RETURN NEXT;
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._adopt_part(regclass, name, name[], jsonb, text, text[], jsonb, boolean, boolean, regclass, bigint, bigint) IS
'Internal: adopts the files of some blocks of a table, of rows that have none in the file column yet.';

CREATE FUNCTION ffu._adopt_shared(relation regclass)
RETURNS text[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET row_security = off
SET datestyle = 'ISO, YMD'
AS $$
	SELECT coalesce(array_agg(n), '{}')
	  FROM (SELECT n FROM ffu._adopt_names(ffu._name(relation)) n GROUP BY n HAVING count(*) > 1) s
$$;
COMMENT ON FUNCTION ffu._adopt_shared(regclass) IS
'Internal: the files that more than one row or column name.';

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
'Internal: what is in a directory below another, by its path; the directory itself as "unreadable" if the server may not read it.';

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
	IF NOT EXISTS (SELECT FROM ffu._adopt_list(directory, '') l WHERE l.name = tab::text AND l.kind = 'a directory') THEN
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
		SELECT e.*, regexp_replace(e.path, '[^/]*$', '') AS folder, regexp_replace(e.path, '^.*/', '') AS name
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
'Internal: the files in FFU''s directory of a table that no row names, and directories there that the server may not read and no row has a file in.';

CREATE FUNCTION ffu._adopt_is_first(relation regclass, file_name_column name)
RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	-- Columns that ffu made, and FFU never had, do not count.
	SELECT file_name_column = (
		SELECT a || '__file_name' FROM ffu._old_attributes(relation, '__file_name') WITH ORDINALITY AS o(a, place)
		 WHERE a || '__file_name' = file_name_column
			OR (SELECT f.key FROM ffu._find_column(relation, a::name) f) IS NULL
			OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = relation AND t.tgname = ffu._guard_name(a))
		 ORDER BY place LIMIT 1)
$$;
COMMENT ON FUNCTION ffu._adopt_is_first(regclass, name) IS
'Internal: is this the first attribute of FFU''s in the table? The call of ffu.adopt for that one lists the files that no row names.';

CREATE FUNCTION ffu._adopt_check(relation regclass, name name, directory text, keep_old boolean, attribute text,
								 lock_mode text, OUT columns name[], OUT is_managed boolean, OUT is_old boolean)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	old record;
BEGIN
	PERFORM ffu._check_table(relation, name, lock_mode);
	PERFORM ffu._check_trusted(relation);
	PERFORM ffu._key_columns(relation);
	IF directory IS NULL THEN
		PERFORM ffu._refuse(relation, name, '22004', 'root must not be null',
			'It is the upload folder of flask-file-upload, on the server.', 'Give its absolute path.');
	END IF;
	IF NOT keep_old AND NOT pg_has_role('pg_write_server_files', 'USAGE') THEN
		PERFORM ffu._refuse(relation, name, '42501', 'permission denied to move files of the server',
			'Only roles with privileges of role "pg_write_server_files" may.', 'Leave the old files where they are: keep_old => true.');
	END IF;
	-- Says what is wrong with the directory, if it cannot be read.
	PERFORM FROM ffu._adopt_list(directory, '');
	is_managed := (SELECT f.key FROM ffu._find_column(relation, name) f) IS NOT NULL;
	attribute := CASE WHEN is_managed THEN name ELSE attribute END;
	SELECT o.* INTO old FROM ffu._old_columns(relation, attribute) o;
	is_old := old.file_type IS NOT NULL AND old.ext IS NULL;
	columns := ARRAY[old.file_name, CASE WHEN is_old THEN old.file_type ELSE old.mime_type END,
					 CASE WHEN is_old THEN old.mime_type ELSE old.ext END];
	IF array_position(columns, NULL) IS NOT NULL THEN
		PERFORM ffu._refuse(relation, name, '42703',
			format('relation "%s" has no columns of flask-file-upload for "%s"', ffu._name(relation), attribute),
			format('It has them for: %s.', coalesce((SELECT string_agg(a, ', ') FROM ffu._old_attributes(relation, '__file_name') a), 'nothing')),
			'Of "name" they are name__file_name, name__mime_type and name__ext, or name__file_type instead of the last; give the name of the model''s attribute.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._adopt_check(regclass, name, text, boolean, text, text) IS
'Internal: checks what ffu.adopt is given, and finds FFU''s columns: file name, mime type, extension.';

CREATE FUNCTION ffu._guard_name(column_name text)
RETURNS name
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
RETURN 'ffu_adopted_' || ffu._cut(column_name, 51);
COMMENT ON FUNCTION ffu._guard_name(text) IS
'Internal: the name of the trigger that refuses writes of flask-file-upload to an adopted column.';

CREATE FUNCTION ffu._adopt_guard(relation regclass, name name)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- Without a column list and a condition: both would stand in the way of
	-- ALTER COLUMN ... TYPE.
	EXECUTE format('CREATE OR REPLACE TRIGGER %I BEFORE INSERT OR UPDATE ON %s FOR EACH ROW '
				   'EXECUTE FUNCTION ffu.refuse_companions(%L)', ffu._guard_name(name), relation,
				   (SELECT f.key FROM ffu._find_column(relation, name) f));
	EXECUTE format('COMMENT ON TRIGGER %I ON %s IS %L', ffu._guard_name(name), relation,
				   'Refuses what flask-file-upload itself would write (ffu.adopt). Drop it when no application uses that any more.');
END
$$;
COMMENT ON FUNCTION ffu._adopt_guard(regclass, name) IS
'Internal: makes the trigger that refuses writes of flask-file-upload to an adopted column.';

CREATE FUNCTION ffu._adopt_manage(relation regclass, name name, attribute text, policy jsonb)
RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning	-- the triggers follow at once
AS $$
BEGIN
	IF octet_length(name) > 52 THEN
		PERFORM ffu._check_new_names(relation, name);	-- says so
	END IF;
	RETURN QUERY SELECT ffu._adopt_prepare(relation, attribute, name);
	IF NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = name AND NOT a.attisdropped) THEN
		EXECUTE format('ALTER TABLE %s ADD COLUMN %I ffu.file', relation, name);
	ELSE
		PERFORM ffu._check_existing(relation, name);
		PERFORM ffu._check_no_values(relation, name);
	END IF;
	EXECUTE format('ALTER TABLE %s ADD COLUMN IF NOT EXISTS %I bigint, ADD COLUMN IF NOT EXISTS %I text',
				   relation, name || '__size', name || '__sha256');
	EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', relation, name,
				   'File column (ffu): assign ffu.file(name, bytes) or a data: URI; reads as the path of the file.');
	PERFORM ffu._manage(relation, name, ffu._existing_companions(relation, name), policy);
	PERFORM ffu._add_url_functions(relation, name);
	PERFORM ffu._adopt_guard(relation, name);
END
$$;
COMMENT ON FUNCTION ffu._adopt_manage(regclass, name, text, jsonb) IS
'Internal: makes a file column of what FFU made for an attribute, and says what had to be changed.';

CREATE FUNCTION ffu._tell_adopted(dry_run boolean, adopted bigint, left_alone bigint)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE NOTICE 'files %: %; rows left without one: %',
		CASE WHEN dry_run THEN 'to adopt' ELSE 'adopted' END, adopted, left_alone;
END
$$;
COMMENT ON FUNCTION ffu._tell_adopted(boolean, bigint, bigint) IS
'Internal: a NOTICE with what ffu.adopt has done.';

CREATE FUNCTION ffu._adopt_lock(relation regclass, name name, dry_run boolean)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
RETURN CASE
	WHEN dry_run THEN 'ACCESS SHARE'
	WHEN (SELECT f.key FROM ffu._find_column(relation, name) f) IS NULL THEN 'ACCESS EXCLUSIVE'
	ELSE 'SHARE ROW EXCLUSIVE' END;
COMMENT ON FUNCTION ffu._adopt_lock(regclass, name, boolean) IS
'Internal: the lock that adopting takes on a table. Readers wait only while the file column is made.';

CREATE FUNCTION ffu.adopt(relation regclass, name name, root text,
						  dry_run boolean DEFAULT true, keep_old boolean DEFAULT true,
						  allowed_extensions text[] DEFAULT NULL, allowed_mime_types text[] DEFAULT NULL,
						  max_size anycompatible DEFAULT NULL::text, path_template text DEFAULT NULL,
						  attribute text DEFAULT NULL)
RETURNS TABLE (action text, problem text, key text, column_name name, path text, detail text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	old record;
	shared text[];
	stray jsonb;
	item record;
	policy jsonb := ffu._make_policy(allowed_extensions, allowed_mime_types, max_size::text, path_template);
	adopted bigint := 0;
	left_alone bigint := 0;
BEGIN
	dry_run := coalesce(dry_run, true);
	keep_old := coalesce(keep_old, true);
	column_name := name;
	SELECT c.* INTO old
	  FROM ffu._adopt_check(relation, name, root, keep_old, coalesce(attribute, name),
							ffu._adopt_lock(relation, name, dry_run)) c;
	IF old.is_managed THEN
		policy := (SELECT f.policy FROM ffu._find_column(relation, name) f);
	END IF;
	IF NOT dry_run AND NOT old.is_managed THEN
		action := 'changed';
		problem := 'columns';
		FOR detail IN SELECT m FROM ffu._adopt_manage(relation, name, coalesce(attribute, name), policy) m LOOP
			RETURN NEXT;
		END LOOP;
		old.columns := ARRAY[name || '__file_name', name || '__mime_type', name || '__ext'];
	ELSIF old.is_old THEN
		action := 'would change';
		problem := 'columns';
		detail := 'The columns have the names of version 0.1.';
		RETURN NEXT;
	END IF;
	shared := ffu._adopt_shared(relation);
	stray := ffu._adopt_stray(relation, root);
	FOR item IN
		SELECT p.* FROM ffu._tree(relation) m
		  JOIN pg_class c ON c.oid = m AND c.relkind = 'r'
		 CROSS JOIN LATERAL ffu._adopt_part(relation, name, old.columns, policy, root, shared, stray,
											keep_old, dry_run, m, 0, 4294967295) p
	LOOP
		adopted := adopted + (item.problem IS NULL)::int;
		left_alone := left_alone + (item.action = 'left')::int;
		CONTINUE WHEN item.problem IS NULL;
		action := item.action;
		problem := item.problem;
		key := item.key;
		path := item.path;
		detail := item.detail;
		RETURN NEXT;
	END LOOP;
	IF ffu._adopt_is_first(relation, old.columns[1]) THEN
		RETURN QUERY
		SELECT 'left', u.problem, NULL::text, name, u.path, u.detail FROM ffu._adopt_unnamed(relation, root, stray) u;
	END IF;
	PERFORM ffu._tell_adopted(dry_run, adopted, left_alone);
END
$$;
COMMENT ON FUNCTION ffu.adopt(regclass, name, text, boolean, boolean, text[], text[], anycompatible, text, text) IS
'Takes over the files that flask-file-upload stored for one attribute of a model: makes the file column, with FFU''s columns as companions, and gives each row its file, in one transaction. '
'Takes the table, the name of the attribute, root, which is FFU''s upload folder on the server, and dry_run: true only says what would be done. '
'keep_old: the old files stay; where one belongs to the server''s user alone and lies on the file system of the folder it becomes the stored file as well (a hard link), else it is copied. Without it they go after commit. '
'The next four are the policy of the file column, as in ffu.add_column. attribute: the name in the model, if name, which the file column gets, is to be another. '
'Returns one row for each problem: missing, empty, outside, ambiguous, unreadable, not_a_file, refused (by the policy), changed, shared, raw_name, misplaced (it was in None/), ext, mime_type, columns, '
'and, with the first attribute of the table, unnamed (a file that no row names); '
'action says whether the file was adopted or left. A row whose file was left keeps its text; a second call tries it again. '
'Rows are read and updated with the rights of the table''s owner, whose triggers fire; the old files are read with the rights of the caller. '
'For the owner of the table, with the privileges of pg_read_server_files, and without keep_old of pg_write_server_files. '
'Raises 42703 if the table has no columns of FFU for this name, 42501 also if the server may not read the folder, 55000, 22004, 22023, and what ffu.manage_column raises.';

CREATE FUNCTION ffu._adopt_batch(relation regclass, name name, directory text, shared text[], stray jsonb, keep_old boolean,
								 part regclass, first_block bigint, next_block bigint,
								 OUT adopted bigint, OUT left_alone bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	item record;
BEGIN
	adopted := 0;
	left_alone := 0;
	PERFORM ffu._lock_table(relation, 'SHARE ROW EXCLUSIVE');
	FOR item IN
		SELECT p.* FROM ffu._adopt_part(relation, name, ARRAY[name || '__file_name', name || '__mime_type', name || '__ext']::name[],
										NULL, directory, shared, stray, keep_old, false, part, first_block, next_block) p
	LOOP
		adopted := adopted + (item.problem IS NULL)::int;
		IF item.action = 'left' THEN
			left_alone := left_alone + 1;
			RAISE WARNING 'file of row % was not adopted: %', quote_literal(item.key), item.problem
				USING DETAIL = format('The path is "%s". %s', item.path, item.detail);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._adopt_batch(regclass, name, text, text[], jsonb, boolean, regclass, bigint, bigint) IS
'Internal: adopts the files of some blocks; how many, and how many not, each of them with a WARNING.';

-- A procedure that commits cannot have a search_path of its own: everything
-- in it is qualified.
CREATE PROCEDURE ffu.adopt_in_batches(relation regclass, name name, root text,
									  batch int DEFAULT 1000, keep_old boolean DEFAULT true,
									  allowed_extensions text[] DEFAULT NULL, allowed_mime_types text[] DEFAULT NULL,
									  max_size anycompatible DEFAULT NULL::text, path_template text DEFAULT NULL,
									  attribute text DEFAULT NULL)
LANGUAGE plpgsql
AS $$
DECLARE
	piece record;
	done record;
	shared text[];
	stray jsonb;
	adopted bigint := 0;
	left_alone bigint := 0;
	since timestamptz := pg_catalog.clock_timestamp();
BEGIN
	IF NOT (SELECT c.is_managed FROM ffu._adopt_check(relation, name, root, coalesce(keep_old, true), coalesce(attribute, name),
														   ffu._adopt_lock(relation, name, false)) c) THEN
		PERFORM FROM ffu._adopt_manage(relation, name, coalesce(attribute, name),
									   ffu._make_policy(allowed_extensions, allowed_mime_types, max_size::text, path_template));
	END IF;
	COMMIT;
	shared := ffu._adopt_shared(relation);
	stray := ffu._adopt_stray(relation, root);
	FOR piece IN
		SELECT p.part, p.first_block, p.next_block FROM ffu._relocation_parts(relation, name, batch) p
	LOOP
		SELECT b.adopted, b.left_alone INTO done
		  FROM ffu._adopt_batch(relation, name, root, shared, stray, coalesce(keep_old, true),
								piece.part, piece.first_block, piece.next_block) b;
		adopted := adopted OPERATOR(pg_catalog.+) done.adopted;
		left_alone := left_alone OPERATOR(pg_catalog.+) done.left_alone;
		COMMIT;
		IF done.adopted OPERATOR(pg_catalog.>) 0 THEN
			PERFORM ffu._tell_progress('adopted', adopted, left_alone, since);
		END IF;
	END LOOP;
	COMMIT;
	PERFORM ffu._tell_progress('adoption finished', adopted, left_alone, since);
END
$$;
COMMENT ON PROCEDURE ffu.adopt_in_batches(regclass, name, text, int, boolean, text[], text[], anycompatible, text, text) IS
'Does what ffu.adopt does, in transactions of about batch rows, with a NOTICE after each and a WARNING for each row whose file was left. '
'A call that was interrupted is just repeated: rows that have their file are left out. Nobody should write FFU''s columns meanwhile. '
'To be called outside a transaction block. Takes and raises what ffu.adopt does.';


--
-- Rights
--

REVOKE ALL ON FUNCTION
	ffu._adopt_file, ffu._adopt_list, ffu._adopt_look, ffu.refuse_companions, ffu._secure_file_name,
	ffu._old_columns, ffu._old_attributes, ffu._adopt_stray, ffu._adopt_entries, ffu._adopt_is_first,
	ffu._guard_name, ffu._adopt_guard, ffu._adopt_lock,
	ffu._upgrade_names, ffu.upgrade_column_names, ffu._adopt_prepare, ffu._adopt_key, ffu._adopt_names,
	ffu._adopt_find, ffu._adopt_store, ffu._adopt_row, ffu._adopt_part, ffu._adopt_shared, ffu._adopt_unnamed,
	ffu._adopt_check, ffu._adopt_manage, ffu._tell_adopted, ffu.adopt, ffu._adopt_batch
	FROM PUBLIC;
REVOKE ALL ON PROCEDURE ffu.adopt_in_batches FROM PUBLIC;

-- It only raises errors, and a table's owner restores a dump with the trigger.
GRANT EXECUTE ON FUNCTION ffu.refuse_companions TO PUBLIC;

-- Renaming is for the owner of the table, who is asked for.
GRANT EXECUTE ON FUNCTION ffu.upgrade_column_names, ffu._upgrade_names, ffu._old_columns, ffu._old_attributes TO PUBLIC;

GRANT EXECUTE ON FUNCTION
	ffu._adopt_file, ffu._adopt_list, ffu._adopt_look, ffu._adopt_stray, ffu._adopt_entries,
	ffu._adopt_is_first, ffu._guard_name, ffu._adopt_guard, ffu._adopt_lock,
	ffu._secure_file_name, ffu._adopt_prepare, ffu._adopt_key, ffu._adopt_names,
	ffu._adopt_find, ffu._adopt_store, ffu._adopt_row, ffu._adopt_part, ffu._adopt_shared, ffu._adopt_unnamed,
	ffu._adopt_check, ffu._adopt_manage, ffu._tell_adopted, ffu.adopt, ffu._adopt_batch
	TO pg_read_server_files;
GRANT EXECUTE ON PROCEDURE ffu.adopt_in_batches TO pg_read_server_files;
