--
-- 45_models.sql: rows with the URLs of their files, for flask-file-upload's
-- add_file_urls_to_models
--
-- One query serves any number of rows.  Each table is a step of the query (WITH).
-- A join along the foreign key finds the children, which are gathered in lists
-- from the bottom up.  The query runs with the rights of the caller.
--

-- A table of the query.
CREATE TYPE ffu._model AS (
	step text,
	relation regclass,
	filenames text[],
	backrefs jsonb,
	needed name[],
	source text,
	place text,
	extra text
);
COMMENT ON TYPE ffu._model IS
'Internal: a table in the query of ffu.add_file_urls_to_models.';
COMMENT ON COLUMN ffu._model.step IS 'The name of the step.';
COMMENT ON COLUMN ffu._model.relation IS 'The table.';
COMMENT ON COLUMN ffu._model.filenames IS 'The file columns with URLs.';
COMMENT ON COLUMN ffu._model.backrefs IS 'The children: an object, or a list of objects.';
COMMENT ON COLUMN ffu._model.needed IS 'Columns for joins.';
COMMENT ON COLUMN ffu._model.source IS 'The text after the table in FROM, which selects rows.';
COMMENT ON COLUMN ffu._model.place IS 'An expression for the place of row "t" in the list.';
COMMENT ON COLUMN ffu._model.extra IS 'More columns of the step, each after a comma.';

CREATE FUNCTION ffu._model_table(relation regclass, needed name[])
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	-- A needed column stays if the caller may not read the column: the server refuses.
	SELECT format('(SELECT %s FROM %s) t',
				  string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum), relation)
	  FROM pg_attribute a
	 WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
	   AND (has_column_privilege(relation, a.attnum, 'SELECT') OR a.attname = ANY (needed)
			OR a.attnum IN (SELECT unnest(i.indkey::int2[]) FROM pg_index i
							 WHERE i.indrelid = relation AND i.indisprimary))
$$;
COMMENT ON FUNCTION ffu._model_table(regclass, name[]) IS
'Internal: a table as "t", with the columns for the caller.';

CREATE FUNCTION ffu._model_order(relation regclass)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('row_number() OVER (%s)',
				  'ORDER BY ' || string_agg(format('t.%I', a.attname), ', ' ORDER BY k.place))
	  FROM pg_index i
	 CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
	  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
	 WHERE i.indrelid = relation AND i.indisprimary AND k.place <= i.indnkeyatts
$$;
COMMENT ON FUNCTION ffu._model_order(regclass) IS
'Internal: an expression that numbers the rows "t" by their primary key; '
'without a primary key in any order.';

CREATE FUNCTION ffu._model_step(model ffu._model)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('%s AS MATERIALIZED (SELECT %s AS place, to_jsonb(t)%s AS model%s FROM %s %s)',
		model.step, model.place,
		(SELECT string_agg(format(' || jsonb_build_object(%L, ffu.url(t.%I))', n || '_url', n), '')
		   FROM unnest(model.filenames) n),
		model.extra,
		ffu._model_table(model.relation, model.needed || model.filenames::name[]),
		model.source)
$$;
COMMENT ON FUNCTION ffu._model_step(ffu._model) IS
'Internal: the step of a query for the rows of a table.';

CREATE FUNCTION ffu._model_child(step text, child_step text, link ffu._model_link, backref jsonb)
RETURNS ffu._model
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ROW(child_step, (link).child, ffu._json_names(backref -> 'filenames'),
			   coalesce(backref -> 'backref', '[]'), (link).child_columns,
			   format('WHERE EXISTS (SELECT FROM %s p WHERE %s)', step,
					  string_agg(format('p.p_%s_%s %s t.%I', child_step, i, o, c), ' AND ')),
			   ffu._model_order((link).child),
			   string_agg(format(', t.%I AS c_%s', c, i), ''))::ffu._model
	  FROM unnest((link).child_columns, (link).operators) WITH ORDINALITY AS u(c, o, i)
$$;
COMMENT ON FUNCTION ffu._model_child(text, text, ffu._model_link, jsonb) IS
'Internal: the child table of a backref, for the query.';

CREATE FUNCTION ffu._model_list(child_step text, link ffu._model_link, list text, joins text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('%s_list AS (SELECT %s, jsonb_agg(%s ORDER BY %1$s.place) AS list '
				  'FROM %1$s%4$s GROUP BY %2$s)', child_step,
				  string_agg(format('%s.c_%s', child_step, i), ', '), list, joins)
	  FROM generate_series(1, cardinality((link).child_columns)) i
$$;
COMMENT ON FUNCTION ffu._model_list(text, ffu._model_link, text, text) IS
'Internal: the step of a query for the lists of children.';

CREATE FUNCTION ffu._model_steps(model ffu._model,
								 OUT steps text[], OUT list text, OUT joins text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	item record;
	link ffu._model_link;
	below record;
	children text[] := '{}';
BEGIN
	PERFORM ffu._check_names(model.relation, model.filenames);
	list := model.step || '.model';
	joins := '';
	FOR item IN
		SELECT b.value AS backref, format('%s_%s', model.step, b.ordinality) AS step
		  FROM jsonb_array_elements(CASE jsonb_typeof(model.backrefs)
				WHEN 'array' THEN model.backrefs WHEN 'null' THEN '[]'
				ELSE jsonb_build_array(model.backrefs) END) WITH ORDINALITY b
	LOOP
		link := ffu._find_link(model.relation, item.backref);
		-- Both ends of the foreign key become columns of their steps.
		model.needed := model.needed || link.parent_columns;
		model.extra := model.extra
			|| (SELECT string_agg(format(', t.%I AS p_%s_%s', c, item.step, i), '')
				  FROM unnest(link.parent_columns) WITH ORDINALITY AS u(c, i));
		SELECT s.* INTO below
		  FROM ffu._model_steps(ffu._model_child(model.step, item.step, link, item.backref)) s;
		children := children || below.steps
			|| ffu._model_list(item.step, link, below.list, below.joins);
		joins := joins
			|| (SELECT format(' LEFT JOIN %s_list ON %s', item.step,
							  string_agg(format('%s.p_%s_%s %s %2$s_list.c_%3$s',
												model.step, item.step, i, o), ' AND '))
				  FROM unnest(link.operators) WITH ORDINALITY AS u(o, i));
		list := list || format(' || jsonb_build_object(%L, coalesce(%s_list.list, ''[]''))',
							   coalesce(item.backref ->> 'as', ffu._name(link.child)), item.step);
	END LOOP;
	steps := ffu._model_step(model) || children;
END
$$;
COMMENT ON FUNCTION ffu._model_steps(ffu._model) IS
'Internal: the steps of a query for the rows of a table and the children, '
'the expression for the finished row, and the joins for the expression.';

CREATE FUNCTION ffu._models_query(relation regclass, has_keys boolean, filenames text[],
								  backref jsonb)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	model ffu._model;
	top record;
BEGIN
	model.step := 'm';
	model.relation := relation;
	model.filenames := coalesce(filenames, '{}');
	model.backrefs := coalesce(backref, '[]');
	model.needed := '{}';
	model.extra := '';
	IF has_keys THEN
		model.source := format('JOIN unnest($1) WITH ORDINALITY AS k(key, place) ON %s',
							   ffu._key_condition(relation, 'k.key'));
		model.place := 'k.place';
	ELSE
		model.place := ffu._model_order(relation);
	END IF;
	SELECT s.* INTO top FROM ffu._model_steps(model) s;
	RETURN format('WITH %s SELECT %s FROM m%s ORDER BY m.place',
				  array_to_string(top.steps, ', '), top.list, top.joins);
END
$$;
COMMENT ON FUNCTION ffu._models_query(regclass, boolean, text[], jsonb) IS
'Internal: the query of ffu.add_file_urls_to_models; $1 are the keys.';

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
		RETURN ARRAY(SELECT ffu._key_text(relation, k, 'jsonb')
					   FROM unnest(keys) WITH ORDINALITY AS u(k, i) ORDER BY i);
	END IF;
	RETURN keys;
END
$$;
COMMENT ON FUNCTION ffu._model_keys(regclass, text[], regtype) IS
'Internal: keys, given as texts of an array of this type, as texts for the condition of '
'ffu._key_condition. Raises the errors of ffu._check_key.';

CREATE FUNCTION ffu.add_file_urls_to_models(relation regclass, keys anycompatiblearray,
											filenames text[], backref jsonb DEFAULT NULL)
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
			CASE WHEN filenames IS NULL THEN 'filenames is null.'
				 ELSE 'filenames is an empty array.' END,
			format('Its file columns are %s.', ffu._names_in_words(relation)));
	END IF;
	PERFORM ffu._check_caller(relation);
	RETURN QUERY
	SELECT q.model
	  FROM ffu._query_as_caller(relation, false,
		ffu._models_query(relation, row_keys IS NOT NULL, filenames, backref), row_keys)
		AS q(model jsonb);
	GET DIAGNOSTICS found_rows = ROW_COUNT;
	IF found_rows < cardinality(row_keys) THEN
		SELECT q.k INTO missing
		  FROM ffu._query_as_caller(relation, false,
			format('SELECT k FROM unnest($1) WITH ORDINALITY AS u(k, i) WHERE NOT EXISTS '
				   '(SELECT FROM %s t WHERE %s) ORDER BY i LIMIT 1',
				   relation, ffu._key_condition(relation, 'k')), row_keys) AS q(k text);
		PERFORM ffu._refuse_key(relation, missing);
	END IF;
END
$$;
COMMENT ON FUNCTION ffu.add_file_urls_to_models(regclass, anycompatiblearray, text[], jsonb) IS
'Rows as jsonb, each with <name>_url for its files, and, with backref, with child rows at any '
'depth; in a single query. '
'Takes the table, the keys of the rows (an array of keys as of ffu.add_files; NULL for all rows), '
'the names of file columns, and backref: {"name": the child table, "filenames": its file columns}, '
'and, where needed, "foreign_key": the name of the constraint, "as": the name of the list, '
'and "backref" of the children; or an array of such objects. '
'Returns a row for each key, in the order of the keys (all rows: of the primary key), with the '
'columns that the caller may read (a superuser reads with the rights of the table''s owner); '
'children are a list in the order of their primary key, [] for none. '
'Raises P0002 for a key that finds no row, 22023 for no filenames or a wrong backref, '
'42703 for an unknown name, 42704 or 42725 where no or more than one foreign key leads here, '
'55000, 22004, 22P02.';
