--
-- 91_models.sql: rows with the URLs of their files, for flask-file-upload's
-- add_file_urls_to_models
--
-- One query, whatever the number of rows: each table is a step of it (WITH),
-- the children are found by a join along their foreign key, and they are
-- gathered in lists from the bottom up.  With the rights of the caller.
--

CREATE FUNCTION ffu._json_names(value jsonb)
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE pg_catalog.jsonb_typeof(value)
	WHEN 'string' THEN ARRAY[value #>> '{}']
	WHEN 'array' THEN ARRAY(SELECT e FROM pg_catalog.jsonb_array_elements_text(value) WITH ORDINALITY AS u(e, i) ORDER BY i)
	END;
COMMENT ON FUNCTION ffu._json_names(jsonb) IS
'Internal: a JSON string or list of strings as an array; NULL for anything else.';

CREATE FUNCTION ffu._check_backref(relation regclass, backref jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known text[] := '{name,filenames,foreign_key,as,backref}';
	complaint text;
BEGIN
	complaint := CASE
		WHEN jsonb_typeof(backref) <> 'object' THEN format('It is of JSON type %s.', jsonb_typeof(backref))
		WHEN coalesce(jsonb_typeof(backref -> 'name'), 'none') <> 'string' THEN 'It has no "name", which is the child table.'
		WHEN ffu._json_names(backref -> 'filenames') IS NULL THEN 'It has no "filenames", which are the child''s file columns.'
		WHEN NOT backref <@ (SELECT jsonb_object_agg(k, backref -> k) FROM unnest(known) k)
			THEN format('It has %s, which is not known.', (SELECT string_agg(quote_ident(k), ', ' ORDER BY k) FROM jsonb_object_keys(backref) k
															WHERE k <> ALL (known)))
		WHEN coalesce(jsonb_typeof(backref -> 'foreign_key'), 'string') <> 'string' THEN '"foreign_key" is not the name of a constraint.'
		WHEN coalesce(jsonb_typeof(backref -> 'as'), 'string') <> 'string' THEN '"as" is not a name.' END;
	IF complaint IS NOT NULL THEN
		PERFORM ffu._refuse(relation, NULL, '22023', 'invalid backref', complaint,
			'Write for example {"name": "news", "filenames": ["news_image"]}; "foreign_key", "as" and "backref" may be added.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_backref(regclass, jsonb) IS
'Internal: refuses a backref that does not have the parts it needs, or others.';

CREATE FUNCTION ffu._check_same_owner(parent regclass, child regclass)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- A superuser reads with the rights of one owner.
	IF (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user)
		AND EXISTS (SELECT FROM pg_class p, pg_class c JOIN pg_roles r ON r.oid = c.relowner
					 WHERE p.oid = parent AND c.oid = child AND p.relowner <> c.relowner AND NOT r.rolsuper)
	THEN
		PERFORM ffu._refuse(child, NULL, '42501',
			format('a superuser cannot read tables "%s" and "%s" together', ffu._name(parent), ffu._name(child)),
			'The tables have different owners, and the code of one would run with the rights of the other.',
			'Run SET ROLE with a role that may read both tables.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_same_owner(regclass, regclass) IS
'Internal: raises 42501 for a superuser if a child table is owned by another role than the table above.';

CREATE FUNCTION ffu._find_backref(parent regclass, backref jsonb,
								  OUT child regclass, OUT child_columns name[], OUT parent_columns name[], OUT operators text[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $$
DECLARE
	keys oid[];
	all_keys text;
BEGIN
	PERFORM ffu._check_backref(parent, backref);
	-- The name may be qualified; that of a partition is its table's.
	SELECT array_agg(c.oid) FILTER (WHERE (r.relname = backref ->> 'name'
										   OR format('%I.%I', (SELECT n.nspname FROM pg_catalog.pg_namespace n WHERE n.oid = r.relnamespace), r.relname) = backref ->> 'name')
									  AND c.conname = coalesce(backref ->> 'foreign_key', c.conname)),
		   string_agg(format('%s (%s)', r.relname, c.conname), ', ' ORDER BY r.relname, c.conname)
	  INTO keys, all_keys
	  FROM pg_constraint c
	  JOIN pg_class r ON r.oid = c.conrelid
	 WHERE c.confrelid = coalesce(pg_partition_root(parent), parent) AND c.contype = 'f' AND c.conparentid = 0;
	IF cardinality(keys) IS DISTINCT FROM 1 THEN
		PERFORM ffu._refuse(parent, NULL, CASE WHEN keys IS NULL THEN '42704' ELSE '42725' END,
			format('%s foreign key leads from "%s" to relation "%s"', CASE WHEN keys IS NULL THEN 'no' ELSE 'more than one' END,
				   left(backref ->> 'name', 60), ffu._name(parent)),
			format('The tables that refer to it are %s.', coalesce(all_keys, 'none')),
			CASE WHEN keys IS NULL THEN 'Give the name of a child table as "name", and its constraint, if any, as "foreign_key".'
				 ELSE 'Qualify "name" with the schema, or give the name of the constraint as "foreign_key".' END);
	END IF;
	SELECT c.conrelid,
		   ARRAY(SELECT a.attname FROM unnest(c.conkey) WITH ORDINALITY AS u(n, i)
				   JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = n ORDER BY i),
		   ARRAY(SELECT a.attname FROM unnest(c.confkey) WITH ORDINALITY AS u(n, i)
				   JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = n ORDER BY i),
		   ARRAY(SELECT format('OPERATOR(%I.%s)', (SELECT n.nspname FROM pg_catalog.pg_namespace n WHERE n.oid = o.oprnamespace), o.oprname)
				   FROM unnest(c.conpfeqop) WITH ORDINALITY AS u(n, i)
				   JOIN pg_operator o ON o.oid = n ORDER BY i)
	  INTO child, child_columns, parent_columns, operators
	  FROM pg_constraint c WHERE c.oid = keys[1];
	PERFORM ffu._check_same_owner(parent, child);
	PERFORM ffu._check_caller(child);
END
$$;
COMMENT ON FUNCTION ffu._find_backref(regclass, jsonb) IS
'Internal: the child table that a backref means, and how its rows are found; refuses none and several.';

CREATE FUNCTION ffu._model_table(relation regclass, needed name[])
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	-- What is needed and may not be read is left in, to be refused by the server.
	SELECT format('(SELECT %s FROM %s) t', string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum), relation)
	  FROM pg_attribute a
	 WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
	   AND (has_column_privilege(relation, a.attnum, 'SELECT') OR a.attname = ANY (needed)
			OR a.attnum IN (SELECT unnest(i.indkey::int2[]) FROM pg_index i WHERE i.indrelid = relation AND i.indisprimary))
$$;
COMMENT ON FUNCTION ffu._model_table(regclass, name[]) IS
'Internal: a table as "t", with the columns that the caller may read.';

CREATE FUNCTION ffu._model_steps(step text, relation regclass, filenames text[], backrefs jsonb, needed name[],
								 source text, place text, extra text,
								 OUT steps text[], OUT list text, OUT joins text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	backref jsonb;
	child record;
	below record;
	name text;
	child_steps text[] := '{}';
BEGIN
	PERFORM ffu._check_names(relation, filenames);
	list := step || '.model';
	joins := '';
	FOR backref IN SELECT b FROM jsonb_array_elements(CASE jsonb_typeof(backrefs) WHEN 'array' THEN backrefs WHEN 'null' THEN '[]'
														   ELSE jsonb_build_array(backrefs) END) b
	LOOP
		name := format('%s_%s', step, coalesce(cardinality(child_steps), 0) + 1);
		SELECT * INTO child FROM ffu._find_backref(relation, backref);
		-- Both ends of the foreign key become columns of their steps.
		extra := extra || (SELECT string_agg(format(', t.%I AS p_%s_%s', c, name, i), '') FROM unnest(child.parent_columns) WITH ORDINALITY AS u(c, i));
		needed := needed || child.parent_columns;
		SELECT * INTO below FROM ffu._model_steps(
			name, child.child, ffu._json_names(backref -> 'filenames'), coalesce(backref -> 'backref', '[]'), child.child_columns,
			(SELECT format('WHERE EXISTS (SELECT FROM %s p WHERE %s)', step, string_agg(format('p.p_%s_%s %s t.%I', name, i, o, c), ' AND '))
			   FROM unnest(child.child_columns, child.operators) WITH ORDINALITY AS u(c, o, i)),
			ffu._model_order(child.child),
			(SELECT string_agg(format(', t.%I AS c_%s', c, i), '') FROM unnest(child.child_columns) WITH ORDINALITY AS u(c, i)));
		child_steps := child_steps || below.steps
			|| (SELECT format('%s_list AS (SELECT %s, jsonb_agg(%s ORDER BY %s.place) AS list FROM %4$s%s GROUP BY %2$s)', name,
							  string_agg(format('%s.c_%s', name, i), ', '), below.list, name, below.joins)
				  FROM generate_series(1, cardinality(child.child_columns)) i);
		joins := joins
			|| (SELECT format(' LEFT JOIN %s_list ON %s', name, string_agg(format('%s.p_%s_%s %s %2$s_list.c_%3$s', step, name, i, o), ' AND '))
				  FROM unnest(child.operators) WITH ORDINALITY AS u(o, i));
		list := list || format(' || jsonb_build_object(%L, coalesce(%s_list.list, ''[]''))', coalesce(backref ->> 'as', ffu._name(child.child)), name);
	END LOOP;
	steps := format('%s AS MATERIALIZED (SELECT %s AS place, to_jsonb(t)%s AS model%s FROM %s %s)', step, place,
					(SELECT string_agg(format(' || jsonb_build_object(%L, ffu.url(t.%I))', n || '_url', n), '')
					   FROM unnest(filenames) n),
					extra, ffu._model_table(relation, needed || filenames::name[]), source)
		|| child_steps;
END
$$;
COMMENT ON FUNCTION ffu._model_steps(text, regclass, text[], jsonb, name[], text, text, text) IS
'Internal: the steps of a query for the rows of one table and its children: the steps, the expression for the finished row, and the joins that it needs.';

CREATE FUNCTION ffu._model_order(relation regclass)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('row_number() OVER (%s)', 'ORDER BY ' || string_agg(format('t.%I', a.attname), ', ' ORDER BY k.place))
	  FROM pg_index i
	 CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
	  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
	 WHERE i.indrelid = relation AND i.indisprimary AND k.place <= i.indnkeyatts
$$;
COMMENT ON FUNCTION ffu._model_order(regclass) IS
'Internal: an expression that numbers the rows "t" by their primary key; in any order without one.';

CREATE FUNCTION ffu._model_keys(relation regclass, keys text[], type regtype)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	columns name[] := ARRAY(SELECT k.column_name FROM ffu._key_columns(relation) k);
BEGIN
	IF array_position(keys, NULL) IS NOT NULL THEN
		PERFORM ffu._check_key(relation, NULL, columns);
	ELSIF cardinality(columns) > 1 THEN
		PERFORM ffu._check_key(relation, k, columns) FROM unnest(keys) k;
	ELSIF type IN ('json[]'::regtype, 'jsonb[]'::regtype) THEN
		RETURN ARRAY(SELECT ffu._key_text(relation, k, 'jsonb') FROM unnest(keys) WITH ORDINALITY AS u(k, i) ORDER BY i);
	END IF;
	RETURN keys;
END
$$;
COMMENT ON FUNCTION ffu._model_keys(regclass, text[], regtype) IS
'Internal: keys, given as text and once of this type, as texts that the condition of ffu._key_condition takes; refuses what is none.';

CREATE FUNCTION ffu._models_query(relation regclass, has_keys boolean, filenames text[], backref jsonb)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	top record;
BEGIN
	SELECT * INTO top FROM ffu._model_steps(
		'm', relation, coalesce(filenames, '{}'), coalesce(backref, '[]'), '{}',
		CASE WHEN has_keys THEN format('JOIN unnest($1) WITH ORDINALITY AS k(key, place) ON %s', ffu._key_condition(relation, 'k.key')) END,
		CASE WHEN has_keys THEN 'k.place' ELSE ffu._model_order(relation) END, '');
	RETURN format('WITH %s SELECT %s FROM m%s ORDER BY m.place', array_to_string(top.steps, ', '), top.list, top.joins);
END
$$;
COMMENT ON FUNCTION ffu._models_query(regclass, boolean, text[], jsonb) IS
'Internal: the query of ffu.add_file_urls_to_models; $1 are the keys.';

CREATE FUNCTION ffu.add_file_urls_to_models(relation regclass, keys anycompatiblearray, filenames text[],
											backref jsonb DEFAULT NULL)
RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	row_keys text[] := ffu._model_keys(relation, keys::text[], pg_typeof(keys));
	found_rows bigint;
	missing text;
BEGIN
	IF coalesce(cardinality(filenames), 0) = 0 AND backref IS NULL THEN
		PERFORM ffu._refuse(relation, NULL, '22023', 'no filenames are given',
			CASE WHEN filenames IS NULL THEN 'filenames is null.' ELSE 'filenames is an empty array.' END,
			format('Its file columns are %s.', coalesce((SELECT string_agg(n, ', ') FROM ffu._file_columns(relation) n), 'none')));
	END IF;
	PERFORM ffu._check_caller(relation);
	RETURN QUERY
	SELECT q.model
	  FROM ffu._query_as_caller(relation, false,
		ffu._models_query(relation, row_keys IS NOT NULL, filenames, backref), row_keys) AS q(model jsonb);
	GET DIAGNOSTICS found_rows = ROW_COUNT;
	IF found_rows < cardinality(row_keys) THEN
		SELECT q.k INTO missing
		  FROM ffu._query_as_caller(relation, false,
			format('SELECT k FROM unnest($1) WITH ORDINALITY AS u(k, i) WHERE NOT EXISTS (SELECT FROM %s t WHERE %s) ORDER BY i LIMIT 1',
				   relation, ffu._key_condition(relation, 'k')), row_keys) AS q(k text);
		PERFORM ffu._refuse_key(relation, missing);
	END IF;
END
$$;
COMMENT ON FUNCTION ffu.add_file_urls_to_models(regclass, anycompatiblearray, text[], jsonb) IS
'Rows as jsonb, each with <name>_url for the files in it, and, with backref, with its child rows and theirs; in one query. '
'Takes the table, the keys of the rows (an array of what ffu.add_files takes; NULL for all rows), the names of file columns, and backref: '
'{"name": the child table, "filenames": its file columns}, and, where they are needed, "foreign_key": the name of the constraint, '
'"as": what to call the list, and "backref" of the children themselves; or an array of these. '
'Returns one row for each key, in their order (all rows: in that of the primary key), with the columns that the caller may read (a superuser reads with the rights of the table''s owner); children are a list in the order of their primary key, [] for none. '
'Raises P0002 for a key that finds no row, 22023 for no filenames or a wrong backref, 42703 for an unknown name, 42704 or 42725 where no or more than one foreign key leads here, 55000, 22004, 22P02.';

REVOKE ALL ON FUNCTION
	ffu._json_names, ffu._check_backref, ffu._check_same_owner, ffu._find_backref, ffu._model_table, ffu._model_steps,
	ffu._model_order, ffu._model_keys, ffu._models_query, ffu.add_file_urls_to_models
	FROM PUBLIC;

-- With the rights of the caller: what is read is what the caller may read.
GRANT EXECUTE ON FUNCTION ffu.add_file_urls_to_models TO PUBLIC;
GRANT EXECUTE ON FUNCTION
	ffu._json_names, ffu._check_backref, ffu._check_same_owner, ffu._find_backref, ffu._model_table, ffu._model_steps,
	ffu._model_order, ffu._model_keys, ffu._models_query
	TO PUBLIC;
