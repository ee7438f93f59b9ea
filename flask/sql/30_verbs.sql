--
-- 30_verbs.sql: the verbs of flask-file-upload, for one row by its key
--
-- Each verb is an UPDATE or a SELECT that the caller could have written: with the
-- rights of the caller, under row-level security.  The statement of a superuser
-- runs with the rights of the table's owner, so that the owner's triggers and
-- casts gain nothing.  Names are quoted.
--

CREATE FUNCTION ffu._returned(relation regclass, names text[])
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	-- A jsonb_build_object for each name: the function takes at most 100 arguments.
	SELECT coalesce(string_agg(part, ' || ' ORDER BY i), '''{}''::jsonb')
	  FROM unnest(names) WITH ORDINALITY AS u(n, i)
	 CROSS JOIN LATERAL (
		SELECT format('jsonb_build_object(%s%s)',
					  string_agg(format('%L, t.%1$I', c), ', ' ORDER BY place),
					  CASE WHEN has_column_privilege(relation, n, 'SELECT')
						   THEN format(', %L, ffu.url(t.%I)', n || '_url', n) END) AS part
		  FROM unnest((SELECT f.columns FROM ffu._find_column(relation, n::name) f))
			   WITH ORDINALITY AS v(c, place)
		 WHERE has_column_privilege(relation, c::text, 'SELECT')) x
$$;
COMMENT ON FUNCTION ffu._returned(regclass, text[]) IS
'Internal: an expression for the jsonb of file columns of row "t", with companions and URLs, '
'as far as the caller may read them.';

CREATE FUNCTION ffu._set_files(relation regclass, key text, names text[], expressions text[],
							   files jsonb)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	result jsonb;
BEGIN
	PERFORM ffu._check_caller(relation);
	SELECT q.r INTO result
	  FROM ffu._query_as_caller(relation, true,
		format('UPDATE %s AS t SET %s WHERE %s RETURNING %s', relation,
			   (SELECT string_agg(format('%I = %s', n, e), ', ')
				  FROM unnest(names, expressions) AS u(n, e)),
			   ffu._key_condition(relation, '$1'), ffu._returned(relation, names)),
		key, files) AS q(r jsonb);
	IF NOT FOUND THEN
		PERFORM ffu._refuse_key(relation, key);
	END IF;
	RETURN result;
END
$$;
COMMENT ON FUNCTION ffu._set_files(regclass, text, text[], text[], jsonb) IS
'Internal: updates file columns of a row. Returns the same as ffu.add_files. '
'The expressions may use t, the row, and $2, files.';


--
-- Storing
--

CREATE FUNCTION ffu._check_given_files(relation regclass, files jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	kind text := jsonb_typeof(files);
	wrong text;
BEGIN
	IF files IS NULL OR kind <> 'object' OR files = '{}' THEN
		PERFORM ffu._refuse(relation, NULL, '22023', 'no files are given',
			format('files is %s.', CASE WHEN files IS NULL THEN 'null'
										WHEN files = '{}' THEN 'an empty object'
										ELSE 'of JSON type ' || kind END),
			'Pass an object such as jsonb_build_object(''my_video'', ffu.file(name, bytes)).');
	END IF;
	PERFORM ffu._check_names(relation, ARRAY(SELECT n FROM jsonb_object_keys(files) n
											 ORDER BY n COLLATE "C"));
	wrong := (SELECT n FROM jsonb_each(files) AS e(n, v)
			   WHERE jsonb_typeof(v) <> 'string' OR v = '""' ORDER BY n COLLATE "C" LIMIT 1);
	IF wrong IS NOT NULL THEN
		kind := jsonb_typeof(files -> wrong);
		PERFORM ffu._refuse(relation, wrong, '22023', format('no file is given for "%s"', wrong),
			format('Its value is %s.', CASE kind WHEN 'null' THEN 'null' WHEN 'string' THEN 'empty'
											ELSE 'of JSON type ' || kind END),
			'Pass what ffu.file(name, bytes) returns, or a data: URI; to take a file away, '
			'use ffu.delete_files.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_given_files(regclass, jsonb) IS
'Internal: raises 22023 if files is not an object of file columns with a text for each, '
'and the errors of ffu._check_names.';

CREATE FUNCTION ffu.add_files(relation regclass, key anycompatible, files jsonb)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	row_key text := ffu._key_text(relation, ffu._key_as_text(key), pg_typeof(key));
	names text[];
BEGIN
	PERFORM ffu._check_given_files(relation, files);
	names := ARRAY(SELECT n FROM jsonb_object_keys(files) n ORDER BY n COLLATE "C");
	RETURN ffu._set_files(relation, row_key, names,
						  ARRAY(SELECT format('$2 ->> %L', n)
								  FROM unnest(names) WITH ORDINALITY AS u(n, i) ORDER BY i),
						  files);
END
$$;
COMMENT ON FUNCTION ffu.add_files(regclass, anycompatible, jsonb) IS
'Gives files to a row: flask-file-upload''s add_files, as an UPDATE with the rights of the caller '
'(of a superuser: of the table''s owner). The row''s old files in these columns are replaced, '
'and go at commit. '
'Takes the table, the row''s key (the value of the primary key, in its own type or as text; '
'for several columns a JSON object of them), and an object of file columns, each with a value '
'for assignment: jsonb_build_object(''my_video'', ffu.file(name, bytes)). '
'Returns these columns, their companions and URLs (<name>_url) as jsonb. '
'Raises P0002 for a key without a row, 22023 for no files, 42703 for an unknown name, '
'55000 for another column than a file column, or a table without a primary key, 22004, 22P02, '
'and the errors of an UPDATE of a file column.';

-- In flask-file-upload the three differ in who commits.  Here the caller commits.
CREATE FUNCTION ffu.save_files(relation regclass, key anycompatible, files jsonb)
RETURNS jsonb
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS 'SELECT ffu.add_files($1, $2, $3)';
COMMENT ON FUNCTION ffu.save_files(regclass, anycompatible, jsonb) IS
'Gives files to a row that exists; to keep them is for the caller''s COMMIT. '
'Takes, returns and raises what ffu.add_files does.';

CREATE FUNCTION ffu.update_files(relation regclass, key anycompatible, files jsonb)
RETURNS jsonb
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS 'SELECT ffu.add_files($1, $2, $3)';
COMMENT ON FUNCTION ffu.update_files(regclass, anycompatible, jsonb) IS
'Replaces files of a row, or gives a row its first files. The old files go at commit; '
'the new files have new paths. Takes, returns and raises what ffu.add_files does.';


--
-- Deleting
--

CREATE FUNCTION ffu._delete_names(relation regclass, files text[], parent boolean)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ffu._check_names(relation, files);
	IF parent THEN
		RETURN ARRAY(SELECT ffu._file_columns(relation));
	ELSIF coalesce(cardinality(files), 0) = 0 THEN
		PERFORM ffu._refuse(relation, NULL, '22023', 'no files are given',
			CASE WHEN files IS NULL THEN 'files is null.' ELSE 'files is an empty array.' END,
			format('Its file columns are %s; parent => true means all of them.',
				   ffu._names_in_words(relation)));
	END IF;
	RETURN ARRAY(SELECT DISTINCT n FROM unnest(files) n ORDER BY n);
END
$$;
COMMENT ON FUNCTION ffu._delete_names(regclass, text[], boolean) IS
'Internal: the file columns from which ffu.delete_files takes the files.';

CREATE FUNCTION ffu._delete_expression(column_name text, clean_up text)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	CASE
		WHEN clean_up IS NULL THEN RETURN 'NULL';
		WHEN clean_up = 'files' THEN RETURN format('''dangle:'' || t.%I', column_name);
		WHEN clean_up = 'model' THEN RETURN format('''detach:'' || t.%I', column_name);
		ELSE NULL;
	END CASE;
	RAISE EXCEPTION 'clean_up must be NULL, ''files'' or ''model'''
		USING ERRCODE = '22023',
		DETAIL = format('It is %s.', quote_literal(left(clean_up, 60))),
		HINT = 'NULL: the file goes and the row lets go of it; ''files'': the file goes, '
			'the row keeps its text; ''model'': the row lets go, the file stays.';
END
$$;
COMMENT ON FUNCTION ffu._delete_expression(text, text) IS
'Internal: what ffu.delete_files assigns to a file column of row "t"; '
'raises 22023 for an unknown clean_up.';

CREATE FUNCTION ffu.delete_files(relation regclass, key anycompatible, files text[],
								 clean_up text DEFAULT NULL, parent boolean DEFAULT false)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	row_key text := ffu._key_text(relation, ffu._key_as_text(key), pg_typeof(key));
	names text[];
BEGIN
	PERFORM ffu._delete_expression('', clean_up);
	names := ffu._delete_names(relation, files, parent);
	RETURN ffu._set_files(relation, row_key, names,
						  ARRAY(SELECT ffu._delete_expression(n, clean_up)
								  FROM unnest(names) WITH ORDINALITY AS u(n, i) ORDER BY i), NULL);
END
$$;
COMMENT ON FUNCTION ffu.delete_files(regclass, anycompatible, text[], text, boolean) IS
'Takes files from a row: flask-file-upload''s delete_files, as an UPDATE with the rights of the '
'caller (of a superuser: of the table''s owner). A column without a file stays as it is. '
'Takes table and key as ffu.add_files does, the names of file columns, clean_up and parent. '
'clean_up NULL: the row lets go of the files, which go at commit. '
'''files'': the files go, and the row keeps path and companions; ffu.check does not report the '
'path. ''model'': the row lets go and the files stay under their paths; ffu.pending_deletions '
'lists the files as detached, a path can be assigned again, and ffu.delete_detached deletes a '
'file. parent: all file columns of the row, whatever files says. '
'Returns what ffu.add_files does. Raises 22023 for another clean_up or no files, '
'23502 where a file is required, and what ffu.add_files raises.';


--
-- Reading
--

CREATE FUNCTION ffu._file_path(relation regclass, key text, key_type regtype, name text)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	row_key text := ffu._key_text(relation, key, key_type);
	path text;
BEGIN
	PERFORM ffu._check_names(relation, ARRAY[name]);
	PERFORM ffu._check_caller(relation);
	SELECT q.p INTO path
	  FROM ffu._query_as_caller(relation, false,
		format('SELECT t.%I::text FROM %s t WHERE %s', name, relation,
			   ffu._key_condition(relation, '$1')),
		row_key) AS q(p text);
	IF NOT FOUND THEN
		PERFORM ffu._refuse_key(relation, row_key);
	END IF;
	RETURN nullif(path, '');
END
$$;
COMMENT ON FUNCTION ffu._file_path(regclass, text, regtype, text) IS
'Internal: the path in a file column of one row; NULL for no file.';

-- In SQL, which gives piece after piece where the call is in a SELECT list.
-- Both are PARALLEL UNSAFE: ffu._check_key begins a subtransaction.
CREATE FUNCTION ffu.stream_file(relation regclass, key anycompatible, name text)
RETURNS SETOF bytea
LANGUAGE sql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ffu.stream(ffu._file_path($1, ffu._key_as_text($2), pg_typeof($2), $3))
$$;
COMMENT ON FUNCTION ffu.stream_file(regclass, anycompatible, text) IS
'The bytes of a file of one row, in pieces, as ffu.stream gives them; no rows for no file. '
'Reads the row with the rights of the caller (a superuser: of the table''s owner). '
'Takes table and key as ffu.add_files does, and the name of a file column. '
'Raises P0002 for a key that finds no row, 42703, 55000, 22004, 22P02, '
'and 23503 if the file is missing.';

CREATE FUNCTION ffu.get_file_url(relation regclass, key anycompatible, name text)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ffu.url(ffu._file_path(relation, ffu._key_as_text(key), pg_typeof(key), name));
END
$$;
COMMENT ON FUNCTION ffu.get_file_url(regclass, anycompatible, text) IS
'The URL of a file of one row, by ffu.base_url; NULL for no file. '
'Reads the row with the rights of the caller (a superuser: of the table''s owner). '
'Takes table and key as ffu.add_files does, and the name of a file column. '
'Raises P0002 for a key that finds no row, 42703, 55000, 22004, 22P02.';
