--
-- 90_verbs.sql: the verbs of flask-file-upload, for one row by its key
--
-- With the rights of the caller: each is an UPDATE or a SELECT that the caller
-- could have written, and row-level security applies.  For a superuser it runs
-- with the rights of the table's owner, so that the owner's triggers and casts
-- gain nothing.  Names are quoted, and a
-- key is compared as a value of the primary key's own type, so it cannot be
-- anything else.
--


--
-- The row
--

CREATE FUNCTION ffu._key_columns(relation regclass)
RETURNS TABLE (column_name name, operator text, type text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF relation IS NULL THEN
		RAISE EXCEPTION 'relation must not be null'
			USING ERRCODE = '22004', DETAIL = 'It says which table has the row.', HINT = 'Name a table.';
	END IF;
	-- The operator is the one that the index goes by.
	RETURN QUERY
	SELECT a.attname, format('OPERATOR(%I.%s)', n.nspname, o.oprname), format_type(a.atttypid, -1)
	  FROM pg_index i
	 CROSS JOIN LATERAL unnest(i.indkey::int2[], i.indclass::oid[]) WITH ORDINALITY AS k(attnum, opclass, place)
	  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
	  JOIN pg_opclass c ON c.oid = k.opclass
	  JOIN pg_amop p ON p.amopfamily = c.opcfamily AND p.amopstrategy = 3
	   AND p.amoplefttype = c.opcintype AND p.amoprighttype = c.opcintype
	  JOIN pg_operator o ON o.oid = p.amopopr
	  JOIN pg_namespace n ON n.oid = o.oprnamespace
	 WHERE i.indrelid = relation AND i.indisprimary AND k.place <= i.indnkeyatts
	 ORDER BY k.place;
	IF NOT FOUND THEN
		IF ffu._name(relation) IS NULL THEN
			PERFORM ffu._check_owner(relation);		-- says that there is none
		END IF;
		PERFORM ffu._refuse(relation, NULL, '55000',
			format('relation "%s" has no primary key', ffu._name(relation)),
			'A row is found by its primary key.',
			'Add one: ALTER TABLE ... ADD PRIMARY KEY.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._key_columns(regclass) IS
'Internal: the columns of the primary key, each with the operator that compares it and its type; raises 55000 without one, 22004.';

CREATE FUNCTION ffu._key_as_text(key anycompatible)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	-- By the output function of the type: a cast may be code of another role.
	SELECT CASE WHEN key IS NOT NULL THEN format('%s', key) END
$$;
COMMENT ON FUNCTION ffu._key_as_text(anycompatible) IS
'Internal: a key as text; no cast is called.';

CREATE FUNCTION ffu._check_key(relation regclass, key text, columns name[])
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	given text[];
BEGIN
	IF key IS NULL THEN
		PERFORM ffu._refuse(relation, NULL, '22004', 'key must not be null',
			'It is the value of the row''s primary key.', 'Pass the primary key of a row.');
	ELSIF cardinality(columns) = 1 THEN
		RETURN;
	END IF;
	BEGIN
		given := ARRAY(SELECT k FROM json_object_keys(key::json) k ORDER BY k COLLATE "C");
	EXCEPTION WHEN data_exception THEN
		given := NULL;		-- no JSON, or no object
	END;
	IF given IS DISTINCT FROM ARRAY(SELECT c::text FROM unnest(columns) c ORDER BY c::text COLLATE "C") THEN
		PERFORM ffu._refuse(relation, NULL, '22023',
			format('key of relation "%s" must be a JSON object', ffu._name(relation)),
			format('The primary key has the columns %s; the key given is %s.', array_to_string(columns, ', '),
				   quote_literal(left(key, 60))),
			format('Pass for example jsonb_build_object(%s).',
				   (SELECT string_agg(format('%L, ...', c), ', ' ORDER BY i)
					  FROM unnest(columns) WITH ORDINALITY AS u(c, i))));
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_key(regclass, text, name[]) IS
'Internal: refuses a key that is null, or, for a primary key of several columns, no JSON object with exactly these.';

CREATE FUNCTION ffu._key_condition(relation regclass, expression text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(
		CASE WHEN count = 1 THEN format('t.%I %s (%s)::%s', column_name, operator, expression, type)
			 ELSE format('t.%I %s ((%s)::json ->> %L)::%s', column_name, operator, expression, column_name, type) END,
		' AND ' ORDER BY place)
	  FROM (SELECT *, count(*) OVER () FROM ffu._key_columns(relation) WITH ORDINALITY AS k(column_name, operator, type, place)) k
$$;
COMMENT ON FUNCTION ffu._key_condition(regclass, text) IS
'Internal: the condition that the row "t" has the key that an expression gives as text.';

CREATE FUNCTION ffu._key_text(relation regclass, key text, type regtype)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	columns name[] := ARRAY(SELECT k.column_name FROM ffu._key_columns(relation) k);
BEGIN
	-- A JSON value stands for the one it says; only an object for several.
	IF type IN ('json'::regtype, 'jsonb'::regtype) AND cardinality(columns) = 1
		AND (SELECT k.type FROM ffu._key_columns(relation) k) <> 'jsonb'
	THEN
		key := key::jsonb #>> '{}';
	END IF;
	PERFORM ffu._check_key(relation, key, columns);
	RETURN key;
END
$$;
COMMENT ON FUNCTION ffu._key_text(regclass, text, regtype) IS
'Internal: a key, given as text and of this type, as text that the condition of ffu._key_condition takes; refuses what is none.';

CREATE FUNCTION ffu._refuse_key(relation regclass, key text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ffu._refuse(relation, NULL, 'P0002',
		format('no row of relation "%s" has the key %s', ffu._name(relation), quote_literal(left(key, 60))),
		format('The primary key is (%s). The row does not exist, or is one that you may not see or change.',
			   (SELECT string_agg(k.column_name, ', ') FROM ffu._key_columns(relation) k)),
		'Pass the primary key of a row that exists; a new row is stored before its files.');
END
$$;
COMMENT ON FUNCTION ffu._refuse_key(regclass, text) IS
'Internal: raises P0002 for a key that finds no row.';


CREATE FUNCTION ffu._check_caller(relation regclass)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- Other callers use their own rights, as in any statement.
	IF (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN
		PERFORM ffu._check_partition_owners(relation);
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_caller(regclass) IS
'Internal: raises 42501 if a superuser''s statement on the table would run code of another role with the rights of a superuser.';


--
-- Its file columns
--

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
'Internal: the names of the file columns of a table or partition, in their order by name.';

CREATE FUNCTION ffu._check_names(relation regclass, names text[])
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known name[] := ARRAY(SELECT ffu._file_columns(relation));
	wrong text;
	exists boolean;
BEGIN
	SELECT coalesce(n, 'NULL'), a.attname IS NOT NULL INTO wrong, exists
	  FROM unnest(names) WITH ORDINALITY AS u(n, i)
	  LEFT JOIN pg_attribute a ON a.attrelid = relation AND a.attname::text = n AND NOT a.attisdropped
	 WHERE n IS NULL OR n <> ALL (known::text[])
	 ORDER BY i LIMIT 1;
	IF wrong IS NULL THEN
		RETURN;
	END IF;
	PERFORM ffu._refuse(relation, left(wrong, 60), CASE WHEN exists THEN '55000' ELSE '42703' END,
		format('relation "%s" has no file column "%s"', ffu._name(relation), left(wrong, 60)),
		CASE WHEN known = '{}' THEN 'It has no file columns.'
			 ELSE format('Its file columns are %s.', array_to_string(known, ', ')) END,
		CASE WHEN exists THEN 'Use ffu.manage_column to make a file column of one that exists.'
			 ELSE 'Use one of these names; case counts.' END);
END
$$;
COMMENT ON FUNCTION ffu._check_names(regclass, text[]) IS
'Internal: refuses names that are no file columns of this table, and lists those that are.';

CREATE FUNCTION ffu._returned(relation regclass, names text[])
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	-- A jsonb_build_object for each: it takes at most 100 arguments.
	SELECT coalesce(string_agg(part, ' || ' ORDER BY i), '''{}''::jsonb')
	  FROM unnest(names) WITH ORDINALITY AS u(n, i)
	 CROSS JOIN LATERAL (
		SELECT format('jsonb_build_object(%s%s)', string_agg(format('%L, t.%1$I', c), ', ' ORDER BY place),
					  CASE WHEN has_column_privilege(relation, n, 'SELECT')
						   THEN format(', %L, ffu.url(t.%I)', n || '_url', n) END) AS part
		  FROM unnest((SELECT f.columns FROM ffu._find_column(relation, n::name) f)) WITH ORDINALITY AS v(c, place)
		 WHERE has_column_privilege(relation, c::text, 'SELECT')) x
$$;
COMMENT ON FUNCTION ffu._returned(regclass, text[]) IS
'Internal: an expression that makes jsonb of file columns of the row "t", with companions and URL, as far as the caller may read them.';

CREATE FUNCTION ffu._set_files(relation regclass, key text, names text[], expressions text[], files jsonb)
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
'Internal: updates file columns of one row; the expressions may use t, the row, and $2, files.';

CREATE FUNCTION ffu._assign_files(relation regclass, key text, key_type regtype, files jsonb)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	row_key text := ffu._key_text(relation, key, key_type);
	names text[];
	wrong text;
BEGIN
	IF files IS NULL OR jsonb_typeof(files) <> 'object' OR files = '{}' THEN
		PERFORM ffu._refuse(relation, NULL, '22023', 'no files are given',
			format('files is %s.', CASE WHEN files IS NULL THEN 'null' WHEN files = '{}' THEN 'an empty object'
										ELSE 'of JSON type ' || jsonb_typeof(files) END),
			'Pass an object such as jsonb_build_object(''my_video'', ffu.file(name, bytes)).');
	END IF;
	names := ARRAY(SELECT n FROM jsonb_object_keys(files) n ORDER BY n COLLATE "C");
	PERFORM ffu._check_names(relation, names);
	wrong := (SELECT n FROM jsonb_each(files) AS e(n, v)
			   WHERE jsonb_typeof(v) <> 'string' OR v = '""' ORDER BY n COLLATE "C" LIMIT 1);
	IF wrong IS NOT NULL THEN
		PERFORM ffu._refuse(relation, wrong, '22023', format('no file is given for "%s"', wrong),
			format('Its value is %s.', CASE jsonb_typeof(files -> wrong) WHEN 'null' THEN 'null' WHEN 'string' THEN 'empty'
											ELSE 'of JSON type ' || jsonb_typeof(files -> wrong) END),
			'Pass what ffu.file(name, bytes) returns, or a data: URI; to take a file away, use ffu.delete_files.');
	END IF;
	RETURN ffu._set_files(relation, row_key, names,
						  ARRAY(SELECT format('$2 ->> %L', n) FROM unnest(names) WITH ORDINALITY AS u(n, i) ORDER BY i), files);
END
$$;
COMMENT ON FUNCTION ffu._assign_files(regclass, text, regtype, jsonb) IS
'Internal: what ffu.add_files, ffu.update_files and ffu.save_files do.';


--
-- Storing and deleting
--

CREATE FUNCTION ffu.add_files(relation regclass, key anycompatible, files jsonb)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ffu._assign_files(relation, ffu._key_as_text(key), pg_typeof(key), files);
END
$$;

CREATE FUNCTION ffu.save_files(relation regclass, key anycompatible, files jsonb)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ffu._assign_files(relation, ffu._key_as_text(key), pg_typeof(key), files);
END
$$;

CREATE FUNCTION ffu.update_files(relation regclass, key anycompatible, files jsonb)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ffu._assign_files(relation, ffu._key_as_text(key), pg_typeof(key), files);
END
$$;

COMMENT ON FUNCTION ffu.add_files(regclass, anycompatible, jsonb) IS
'Gives files to a row: flask-file-upload''s add_files, as an UPDATE of the caller''s (of a superuser: with the rights of the table''s owner); a file that the row has in these columns is replaced, and goes at commit. '
'Takes the table, the row''s key (the value of the primary key, in its own type or as text; for several columns a JSON object of them), '
'and an object of file columns with what is to be assigned to them, for example jsonb_build_object(''my_video'', ffu.file(name, bytes)). '
'Returns these columns, their companions and URLs (<name>_url) as jsonb. '
'Raises P0002 for a key that finds no row, 22023 for no files, 42703 for an unknown name, 55000 for one that is no file column, or without a primary key, 22004, 22P02, and what an UPDATE of a file column raises.';
COMMENT ON FUNCTION ffu.save_files(regclass, anycompatible, jsonb) IS
'Gives files to a row that exists, as ffu.add_files does; to keep them is for the caller''s COMMIT. Takes, returns and raises what ffu.add_files does.';
COMMENT ON FUNCTION ffu.update_files(regclass, anycompatible, jsonb) IS
'Replaces files of a row, or gives it its first ones; the old files go at commit, the new ones are at new paths. Takes, returns and raises what ffu.add_files does.';

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
				   coalesce((SELECT string_agg(n, ', ') FROM ffu._file_columns(relation) n), 'none')));
	END IF;
	RETURN ARRAY(SELECT DISTINCT n FROM unnest(files) n ORDER BY n);
END
$$;
COMMENT ON FUNCTION ffu._delete_names(regclass, text[], boolean) IS
'Internal: which file columns ffu.delete_files is for.';

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
		HINT = 'NULL: the file goes and the row lets go of it; ''files'': the file goes, the row keeps its text; ''model'': the row lets go, the file stays.';
END
$$;
COMMENT ON FUNCTION ffu._delete_expression(text, text) IS
'Internal: what ffu.delete_files assigns to a file column of the row "t"; refuses another clean_up.';

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
'Takes files from a row: flask-file-upload''s delete_files, as an UPDATE of the caller''s (of a superuser: with the rights of the table''s owner). A column without a file is left as it is. '
'Takes table and key as ffu.add_files does, the names of file columns, clean_up and parent. '
'clean_up NULL: the row lets go of the files and they go at commit. ''files'': they go, and the row keeps path and companions; ffu.check knows that they dangle by wish. '
'''model'': the row lets go and the files stay under their paths; ffu.pending_deletions lists them as detached, their path can be assigned again, and ffu.delete_detached deletes them. '
'parent: all file columns of the row, whatever files says. Returns what ffu.add_files does. '
'Raises 22023 for another clean_up or no files, 23502 where a file is required, and what ffu.add_files raises.';


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
		format('SELECT t.%I::text FROM %s t WHERE %s', name, relation, ffu._key_condition(relation, '$1')),
		row_key) AS q(p text);
	IF NOT FOUND THEN
		PERFORM ffu._refuse_key(relation, row_key);
	END IF;
	RETURN nullif(path, '');
END
$$;
COMMENT ON FUNCTION ffu._file_path(regclass, text, regtype, text) IS
'Internal: the path in a file column of one row; NULL for no file.';

-- In SQL, which gives piece after piece where it is called in a SELECT list.
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
'Takes table and key as ffu.add_files does, and the name of a file column. Raises P0002 for a key that finds no row, 42703, 55000, 22004, 22P02, and 23503 if the file is not there.';

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
'Takes table and key as ffu.add_files does, and the name of a file column. Raises P0002 for a key that finds no row, 42703, 55000, 22004, 22P02.';


--
-- Rights
--

REVOKE ALL ON FUNCTION
	ffu._key_columns, ffu._key_as_text, ffu._check_key, ffu._key_condition, ffu._key_text, ffu._refuse_key, ffu._check_caller,
	ffu._file_columns, ffu._check_names, ffu._returned, ffu._set_files, ffu._assign_files,
	ffu._delete_names, ffu._delete_expression, ffu._file_path,
	ffu.add_files, ffu.save_files, ffu.update_files, ffu.delete_files, ffu.stream_file, ffu.get_file_url
	FROM PUBLIC;

-- On purpose: they do what the caller may do by UPDATE and SELECT.
GRANT EXECUTE ON FUNCTION
	ffu.add_files, ffu.save_files, ffu.update_files, ffu.delete_files, ffu.stream_file, ffu.get_file_url
	TO PUBLIC;

-- Needed by those above, which run with the rights of the caller.
GRANT EXECUTE ON FUNCTION
	ffu._key_columns, ffu._key_as_text, ffu._check_key, ffu._key_condition, ffu._key_text, ffu._refuse_key, ffu._check_caller,
	ffu._file_columns, ffu._check_names, ffu._returned, ffu._set_files, ffu._assign_files,
	ffu._delete_names, ffu._delete_expression, ffu._file_path
	TO PUBLIC;
