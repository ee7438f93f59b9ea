--
-- 52_column_trigger.sql: the triggers that declare a file column
--
-- There is no catalog of ffu's own.  A file column is a column with ffu's
-- triggers: the column list of the first says which columns are its companions
-- (by attribute number, so it survives renames), the arguments of that trigger
-- are the policy, and the key, first argument of every trigger, ties those of
-- one column together.
--


--
-- The policy
--

CREATE FUNCTION ffu._normal_extension(extension text)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ffu_normal_extension';
COMMENT ON FUNCTION ffu._normal_extension(text) IS
'Internal: an extension in lower case, without leading dots, as in the setting ffu.allowed_extensions; NULL for any other text.';

CREATE FUNCTION ffu._normal_extensions(extensions text[])
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ext text;
	given text;
	normal text[] := CASE WHEN extensions IS NOT NULL THEN '{}'::text[] END;
BEGIN
	FOREACH given IN ARRAY coalesce(extensions, '{}') LOOP
		ext := CASE WHEN given = '*' THEN given ELSE ffu._normal_extension(given) END;
		IF ext IS NULL THEN
			RAISE EXCEPTION 'invalid extension "%" in allowed_extensions', left(coalesce(given, ''), 60)
				USING ERRCODE = '22023',
				DETAIL = 'An extension is 1 to 16 of the characters a-z and 0-9; of "a.tar.gz" it is "gz".',
				HINT = 'Write for example ''{jpg,png}'', ''{*}'' for any extension, or ''{}'' for none.';
		ELSIF ext <> ALL (normal) THEN
			normal := normal || ext;
		END IF;
	END LOOP;
	RETURN normal;
END
$$;
COMMENT ON FUNCTION ffu._normal_extensions(text[]) IS
'Internal: a list of extensions in lower case, without leading dots and doubles; raises 22023.';

CREATE FUNCTION ffu._normal_mime_types(mime_types text[])
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	mime text;
	normal text[] := CASE WHEN mime_types IS NOT NULL THEN '{}'::text[] END;
BEGIN
	FOREACH mime IN ARRAY coalesce(mime_types, '{}') LOOP
		mime := lower(coalesce(mime, '') COLLATE "C");
		mime := CASE WHEN mime = '*' THEN '*/*' ELSE mime END;
		IF mime <> '*/*' AND mime !~ '^[a-z0-9][a-z0-9!#$&^_.+-]*/([a-z0-9][a-z0-9!#$&^_.+-]*|[*])$'
			OR octet_length(mime) > 127
		THEN
			RAISE EXCEPTION 'invalid mime type "%" in allowed_mime_types', left(mime, 60)
				USING ERRCODE = '22023',
				DETAIL = 'A mime type is "type/subtype" or "type/*", without parameters, of at most 127 bytes.',
				HINT = 'Write for example ''{image/png,video/*}'', or ''{*}'' for any type.';
		ELSIF mime <> ALL (normal) THEN
			normal := normal || mime;
		END IF;
	END LOOP;
	RETURN normal;
END
$$;
COMMENT ON FUNCTION ffu._normal_mime_types(text[]) IS
'Internal: a list of mime types in lower case, without doubles, "*" as "*/*"; raises 22023.';

CREATE FUNCTION ffu._normal_size(max_size text)
RETURNS bigint
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bytes bigint;
BEGIN
	BEGIN
		bytes := pg_size_bytes(max_size);
	EXCEPTION WHEN invalid_parameter_value OR numeric_value_out_of_range THEN
		RAISE EXCEPTION 'max_size is not a size'
			USING ERRCODE = '22023',
			DETAIL = format('The value is %s.', quote_literal(left(max_size, 60))),
			HINT = 'Write a number of bytes or a text such as ''10 MB''.';
	END;
	IF bytes <= 0 THEN
		RAISE EXCEPTION 'max_size must be greater than zero'
			USING ERRCODE = '22023',
			DETAIL = format('%s is %s bytes.', quote_literal(left(max_size, 60)), bytes),
			HINT = 'Write a number of bytes or a text such as ''10 MB''.';
	END IF;
	RETURN bytes;
END
$$;
COMMENT ON FUNCTION ffu._normal_size(text) IS
'Internal: a size as bytes; raises 22023.';

CREATE FUNCTION ffu._make_policy(allowed_extensions text[], allowed_mime_types text[],
								 max_size text, path_template text,
								 content_check text DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF path_template IS NOT NULL THEN
		PERFORM ffu.check_path_template(path_template);
	END IF;
	IF content_check NOT IN ('error', 'warning', 'off') THEN
		RAISE EXCEPTION 'invalid content_check "%"', left(content_check, 60)
			USING ERRCODE = '22023',
			DETAIL = 'It says what happens to a file whose extension contradicts its content.',
			HINT = 'Write ''error'', ''warning'' or ''off''.';
	END IF;
	RETURN jsonb_strip_nulls(jsonb_build_object(
		'allowed_extensions', ffu._normal_extensions(allowed_extensions),
		'allowed_mime_types', ffu._normal_mime_types(allowed_mime_types),
		'max_size', ffu._normal_size(max_size),
		'path_template', path_template,
		'content_check', content_check));
END
$$;
COMMENT ON FUNCTION ffu._make_policy(text[], text[], text, text, text) IS
'Internal: the policy of a file column, checked, with the given items only; raises 22023.';

CREATE FUNCTION ffu._policy(trigger oid) RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ffu_policy';
COMMENT ON FUNCTION ffu._policy(oid) IS
'Internal: the policy of the file column that a trigger declares, by its oid in pg_trigger; NULL if it declares none, or is not valid.';

CREATE FUNCTION ffu._complaint(trigger oid) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ffu_complaint';
COMMENT ON FUNCTION ffu._complaint(oid) IS
'Internal: why the declaration of a file column is not valid, by the oid of the trigger, as a sentence; NULL if it is.';

CREATE FUNCTION ffu._policy_array(policy jsonb, item text)
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN pg_catalog.jsonb_typeof(policy -> item) = 'array'
	THEN ARRAY(SELECT e FROM pg_catalog.jsonb_array_elements_text(policy -> item)
			   WITH ORDINALITY AS u(e, i) ORDER BY i) END;
COMMENT ON FUNCTION ffu._policy_array(jsonb, text) IS
'Internal: a list of a policy, or NULL if the policy does not have it.';


--
-- The triggers
--

CREATE FUNCTION ffu._find_column(relation regclass, column_name name,
								 OUT trigger_name name, OUT key text,
								 OUT policy jsonb, OUT columns name[])
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT t.tgname, (ffu.trigger_arguments(t.oid))[1], p.policy,
		   ARRAY(SELECT x.attname
				   FROM pg_catalog.unnest(t.tgattr::int2[]) WITH ORDINALITY AS u(n, i)
				   JOIN pg_catalog.pg_attribute x ON x.attrelid = t.tgrelid AND x.attnum = u.n
				  ORDER BY u.i)
	  FROM pg_catalog.pg_trigger t
	  JOIN pg_catalog.pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = t.tgattr[0]
	 CROSS JOIN LATERAL (SELECT ffu._policy(t.oid) AS policy) p
	 WHERE t.tgrelid = relation AND a.attname = column_name AND t.tgnargs = 2
	   AND t.tgfoid = 'ffu.before_row()'::pg_catalog.regprocedure
	   AND p.policy IS NOT NULL
	 LIMIT 1;
END;
COMMENT ON FUNCTION ffu._find_column(regclass, name) IS
'Internal: the first trigger of a file column, its key and policy, and the column with its companions in their order; NULLs if the column has none.';

CREATE FUNCTION ffu._require_column(relation regclass, column_name name,
									OUT trigger_name name, OUT key text,
									OUT policy jsonb, OUT columns name[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tab name := ffu._name(relation);
BEGIN
	SELECT f.* INTO trigger_name, key, policy, columns
	  FROM ffu._find_column(relation, column_name) f;
	IF key IS NOT NULL THEN
		RETURN;
	END IF;
	PERFORM FROM pg_catalog.pg_attribute a
	  WHERE a.attrelid = relation AND a.attname = column_name AND NOT a.attisdropped;
	IF NOT FOUND THEN
		PERFORM ffu._refuse(relation, column_name, '42703',
			format('column "%s" of relation "%s" does not exist', column_name, tab),
			'The table has no column of this name; case counts.',
			'The view ffu.columns lists the file columns.');
	END IF;
	PERFORM ffu._refuse(relation, column_name, '55000',
		format('column "%s" of relation "%s" is not a file column', column_name, tab),
		'It does not have ffu''s triggers.',
		'Use ffu.manage_column to make it one; the view ffu.columns lists the file columns.');
END
$$;
COMMENT ON FUNCTION ffu._require_column(regclass, name) IS
'Internal: what ffu._find_column gives; raises 42703 for no column, 55000 for one without triggers.';

CREATE FUNCTION ffu._triggers(relation regclass, key text DEFAULT NULL)
RETURNS TABLE (oid oid, relid regclass, name name, key text, func regproc)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT t.oid, t.tgrelid, t.tgname, (ffu.trigger_arguments(t.oid))[1], t.tgfoid
	  FROM ffu._tree(relation) m
	  JOIN pg_catalog.pg_trigger t ON t.tgrelid = m
	 WHERE t.tgfoid IN ('ffu.before_row()'::pg_catalog.regprocedure,
						'ffu.after_row()'::pg_catalog.regprocedure,
						'ffu.before_truncate()'::pg_catalog.regprocedure)
	   AND (_triggers.key IS NULL
			OR (ffu.trigger_arguments(t.oid))[1] = _triggers.key);
END;
COMMENT ON FUNCTION ffu._triggers(regclass, text) IS
'Internal: ffu''s triggers on a table and its partitions, of one file column or of all.';

CREATE FUNCTION ffu._cut(value text, bytes int)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.left(value, pg_catalog.max(n))
	  FROM pg_catalog.generate_series(0, pg_catalog.length(value)) n
	 WHERE pg_catalog.octet_length(pg_catalog.left(value, n)) <= bytes;
END;
COMMENT ON FUNCTION ffu._cut(text, int) IS
'Internal: the longest beginning of a text that has at most so many bytes.';

CREATE FUNCTION ffu._trigger_suffixes()
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{_1_set,_2_change,_3_insert,_4_update,_5_delete,_6_truncate}'::text[];
COMMENT ON FUNCTION ffu._trigger_suffixes() IS
'Internal: how the names of the six triggers of a file column end.';

CREATE FUNCTION ffu._choose_names(relation regclass, column_name name,
								  OUT key text, OUT base text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	number smallint := (SELECT a.attnum FROM pg_catalog.pg_attribute a
						 WHERE a.attrelid = relation AND a.attname = column_name);
	-- Both were taken if this table once had a file column of this name that
	-- has another name now.
	more text[] := (SELECT array_agg('_' || number || coalesce('_' || nullif(n, 0), '') ORDER BY n)
					  FROM generate_series(0, 1600) n);
BEGIN
	SELECT column_name || s INTO key
	  FROM unnest(''::text || more) WITH ORDINALITY AS u(s, i)
	 WHERE column_name || s NOT IN (SELECT t.key FROM ffu._triggers(relation) t)
	 ORDER BY i LIMIT 1;
	-- 45 = 63, a name's length, less "zz_ffu_" and "_6_truncate"
	SELECT b INTO base
	  FROM unnest(''::text || more) WITH ORDINALITY AS u(s, i),
		   LATERAL (SELECT 'zz_ffu_' || ffu._cut(column_name, 45 - octet_length(s)) || s AS b) c
	 WHERE (s <> '' OR octet_length(column_name) <= 45)
	   AND NOT EXISTS (SELECT FROM ffu._tree(relation) m
						 JOIN pg_catalog.pg_trigger t ON t.tgrelid = m
						WHERE t.tgname IN (SELECT b || x FROM unnest(ffu._trigger_suffixes()) x))
	 ORDER BY i LIMIT 1;
END
$$;
COMMENT ON FUNCTION ffu._choose_names(regclass, name) IS
'Internal: the key of a new file column, and what the names of its triggers begin with; both new in this table and its partitions.';

CREATE FUNCTION ffu._create_set_trigger(relation regclass, trigger_name text, columns name[],
										key text, policy jsonb, replace boolean)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('CREATE %s TRIGGER %I BEFORE INSERT OR UPDATE OF %s ON %s FOR EACH ROW '
				   'EXECUTE FUNCTION ffu.before_row(%L, %L)',
				   CASE WHEN replace THEN 'OR REPLACE' ELSE '' END, trigger_name,
				   (SELECT string_agg(quote_ident(c), ', ' ORDER BY i)
					  FROM unnest(columns) WITH ORDINALITY AS u(c, i)),
				   relation, key, policy);
END
$$;
COMMENT ON FUNCTION ffu._create_set_trigger(regclass, text, name[], text, jsonb, boolean) IS
'Internal: makes or replaces the trigger whose column list is the mapping of a file column and its companions, and whose arguments are its key and policy.';

CREATE FUNCTION ffu._create_truncate_trigger(relation regclass, trigger_name text, key text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %s FOR EACH STATEMENT '
				   'EXECUTE FUNCTION ffu.before_truncate(%L)', trigger_name, relation, key);
END
$$;
COMMENT ON FUNCTION ffu._create_truncate_trigger(regclass, text, text) IS
'Internal: makes the TRUNCATE trigger of a file column on one table or partition; partitions do not inherit it.';

CREATE FUNCTION ffu._create_row_trigger(relation regclass, base text, suffix text,
										column_name name, key text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed text := format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', column_name);
	event text;
	condition text;
	func text;
BEGIN
	SELECT s.event, s.condition, s.func INTO STRICT event, condition, func
	  FROM (VALUES ('_2_change', 'BEFORE UPDATE', changed, 'before_row'),
				   ('_3_insert', 'AFTER INSERT', format('NEW.%I IS NOT NULL', column_name), 'after_row'),
				   ('_4_update', 'AFTER UPDATE', changed, 'after_row'),
				   ('_5_delete', 'AFTER DELETE', format('OLD.%I IS NOT NULL', column_name), 'after_row'))
		   AS s(name, event, condition, func)
	 WHERE s.name = suffix;
	EXECUTE format('CREATE TRIGGER %I %s ON %s FOR EACH ROW WHEN (%s) EXECUTE FUNCTION ffu.%s(%L)',
				   base || suffix, event, relation, condition, func, key);
END
$$;
COMMENT ON FUNCTION ffu._create_row_trigger(regclass, text, text, name, text) IS
'Internal: makes one of the four row triggers of a file column that need no policy, by how its name ends.';

CREATE FUNCTION ffu._create_triggers(relation regclass, base text, columns name[],
									 key text, policy jsonb)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ffu._create_set_trigger(relation, base || '_1_set', columns, key, policy, false);
	PERFORM ffu._create_row_trigger(relation, base, s, columns[1], key)
	   FROM unnest((ffu._trigger_suffixes())[2:5]) s;
END
$$;
COMMENT ON FUNCTION ffu._create_triggers(regclass, text, name[], text, jsonb) IS
'Internal: makes the row triggers of a file column; columns are the file column and its companions in the order of the policy''s "companions".';

CREATE FUNCTION ffu._manage(relation regclass, column_name name, companions text[], policy jsonb)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	names record;
	columns name[] := column_name || ARRAY(SELECT (column_name || '__' || c)::name
											 FROM unnest(companions) WITH ORDINALITY AS u(c, i) ORDER BY i);
BEGIN
	SELECT n.key, n.base INTO names FROM ffu._choose_names(relation, column_name) n;
	PERFORM ffu._create_triggers(relation, names.base, columns, names.key,
								 policy || jsonb_build_object('companions', companions));
	PERFORM ffu._create_truncate_trigger(m, names.base || '_6_truncate', names.key)
	   FROM ffu._tree(relation) m;
END
$$;
COMMENT ON FUNCTION ffu._manage(regclass, name, text[], jsonb) IS
'Internal: makes a file column of a column that exists, with those of its companions that exist.';


--
-- Computed fields
--

CREATE FUNCTION ffu._url_functions(relation regclass, column_name name)
RETURNS SETOF regprocedure
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $$
BEGIN
	-- Known by their body, which follows renames; their names do not.  Anybody
	-- can make such a function: only those of roles with the rights of the
	-- table's owner count.
	RETURN QUERY
	SELECT p.oid::regprocedure
	  FROM pg_catalog.pg_class c
	  JOIN pg_catalog.pg_proc p ON p.pronargs = 1 AND p.proargtypes[0] = c.reltype
	 WHERE c.oid = relation AND p.prosqlbody IS NOT NULL
	   AND pg_has_role(p.proowner, c.relowner, 'USAGE')
	   AND pg_get_function_sqlbody(p.oid)
		   IN (format('RETURN ffu.url((($1).%I)::text, NULL::text)', column_name),
			   format('RETURN ffu.url(($1).%I, NULL::text)', column_name));
END
$$;
COMMENT ON FUNCTION ffu._url_functions(regclass, name) IS
'Internal: the computed fields that ffu.add_url_functions made for a file column.';

CREATE FUNCTION ffu._url_obstacle(relation regclass, function_name text)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tab pg_catalog.pg_class;
BEGIN
	SELECT * INTO tab FROM pg_catalog.pg_class c WHERE c.oid = relation;
	IF octet_length(function_name) > 63 THEN
		RETURN format('Its name would have %s bytes; 63 are possible.', octet_length(function_name));
	ELSIF NOT has_schema_privilege(tab.relnamespace, 'CREATE') THEN
		RETURN format('Role "%s" may not create functions in schema %s.',
					  current_user, tab.relnamespace::regnamespace);
	END IF;
	PERFORM FROM pg_catalog.pg_attribute a
	  WHERE a.attrelid = relation AND a.attname = function_name::name;
	IF FOUND THEN
		RETURN 'The table has a column of this name, which would hide it.';
	END IF;
	PERFORM FROM pg_catalog.pg_proc p
	  WHERE p.proname = function_name::name AND p.pronamespace = tab.relnamespace
		AND p.pronargs = 1 AND p.proargtypes[0] = tab.reltype;
	IF FOUND THEN
		RETURN 'A function of this name and argument exists already.';
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION ffu._url_obstacle(regclass, text) IS
'Internal: why a computed field of this name cannot be made, as a sentence, or NULL.';

CREATE FUNCTION ffu._create_url_function(relation regclass, column_name name, function_name text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tab pg_catalog.pg_class;
	func text;
BEGIN
	SELECT * INTO tab FROM pg_catalog.pg_class c WHERE c.oid = relation;
	func := format('%s.%I(%s)', tab.relnamespace::regnamespace, function_name, relation);
	EXECUTE format('CREATE FUNCTION %s RETURNS text LANGUAGE sql STABLE PARALLEL SAFE '
				   'RETURN ffu.url(($1).%I, NULL)', func, column_name);
	EXECUTE format('COMMENT ON FUNCTION %s IS %L', func,
				   format('URL of the file in column %I (made by ffu.add_url_functions).', column_name));
	IF tab.relowner <> quote_ident(current_user)::regrole
		AND (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
	THEN
		EXECUTE format('ALTER FUNCTION %s OWNER TO %I', func, pg_get_userbyid(tab.relowner));
	END IF;
	PERFORM ffu.tie_function(func::regprocedure, relation);
END
$$;
COMMENT ON FUNCTION ffu._create_url_function(regclass, name, text) IS
'Internal: makes one computed field, owned by the owner of the table and dropped with it.';

CREATE FUNCTION ffu._add_url_functions(relation regclass, column_name name)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	function_name text;
	obstacle text;
	tab name := ffu._name(relation);
BEGIN
	-- A dump does not keep the tie of those that are there already.
	PERFORM ffu.tie_function(f, relation) FROM ffu._url_functions(relation, column_name) f;
	FOREACH function_name IN ARRAY ARRAY[column_name || '_url', tab || '_' || column_name || '_url'] LOOP
		obstacle := ffu._url_obstacle(relation, function_name);
		IF obstacle IS NULL THEN
			PERFORM ffu._create_url_function(relation, column_name, function_name);
		ELSE
			RAISE NOTICE 'computed field "%" of table "%" is not made', function_name, tab
				USING DETAIL = obstacle, HINT = 'ffu.url(path) gives the URL of any file column.';
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._add_url_functions(regclass, name) IS
'Internal: makes the computed fields of a file column, save those for which there is an obstacle.';

CREATE FUNCTION ffu._check_reset(reset text[], given jsonb)
RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	items text[] := '{allowed_extensions,allowed_mime_types,max_size,path_template,content_check}';
	item text;
BEGIN
	FOREACH item IN ARRAY coalesce(reset, '{}') LOOP
		IF item IS NULL OR item <> ALL (items) THEN
			RAISE EXCEPTION 'cannot reset "%"', left(coalesce(item, 'NULL'), 60)
				USING ERRCODE = '22023',
				DETAIL = 'It is no item of a file column''s policy.',
				HINT = format('The items are %s.', array_to_string(items, ', '));
		ELSIF given ? item THEN
			RAISE EXCEPTION 'cannot both set and reset "%"', item
				USING ERRCODE = '22023',
				DETAIL = 'It is an argument and in the list "reset" as well.',
				HINT = 'Leave out one of the two.';
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._check_reset(text[], jsonb) IS
'Internal: checks the list of policy items to reset; raises 22023.';

CREATE FUNCTION ffu._replace_policy(relation regclass, trigger_name name, columns name[],
									key text, policy jsonb)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	command text;
	-- CREATE OR REPLACE TRIGGER enables the trigger, also on partitions.
	undo text[] := ARRAY(
		SELECT format('ALTER TABLE ONLY %s %s TRIGGER %I', f.relid,
					  CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS'
									   ELSE 'ENABLE REPLICA' END, t.tgname)
		  FROM ffu._triggers(relation, key) f
		  JOIN pg_catalog.pg_trigger t ON t.oid = f.oid
		 WHERE t.tgnargs = 2 AND t.tgenabled <> 'O');
BEGIN
	PERFORM ffu._create_set_trigger(relation, trigger_name, columns, key, policy, true);
	FOREACH command IN ARRAY undo LOOP
		EXECUTE command;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._replace_policy(regclass, name, name[], text, jsonb) IS
'Internal: gives a file column another policy by replacing its first trigger in place, enabled or disabled as it was.';


--
-- Dropping
--

CREATE FUNCTION ffu._check_dependents(relation regclass, columns name[], key text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	others text;
BEGIN
	-- "gone" is what goes without being asked, as in a DROP without CASCADE.
	WITH RECURSIVE gone(classid, objid, objsubid) AS (
		SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum::int
		  FROM ffu._tree(relation) m
		  JOIN pg_catalog.pg_attribute a ON a.attrelid = m AND a.attname = ANY (columns)
		UNION ALL
		SELECT 'pg_trigger'::regclass::oid, t.oid, 0 FROM ffu._triggers(relation, key) t
		UNION ALL
		SELECT 'pg_proc'::regclass::oid, f::oid, 0 FROM ffu._url_functions(relation, columns[1]) f
		UNION
		SELECT d.classid, d.objid, d.objsubid
		  FROM gone g
		  JOIN pg_catalog.pg_depend d ON d.refclassid = g.classid AND d.refobjid = g.objid
		   AND (g.objsubid = 0 OR d.refobjsubid = g.objsubid)
		 WHERE d.deptype IN ('a', 'i', 'P', 'S')
	)
	-- A view's rule is the view, an expression is its column.
	SELECT string_agg(DISTINCT coalesce(pg_describe_object('pg_class'::regclass, r.ev_class, 0),
										pg_describe_object('pg_class'::regclass, e.adrelid, e.adnum),
										pg_describe_object(d.classid, d.objid, d.objsubid)), ', ')
	  INTO others
	  FROM gone g
	  JOIN pg_catalog.pg_depend d ON d.refclassid = g.classid AND d.refobjid = g.objid
	   AND (g.objsubid = 0 OR d.refobjsubid = g.objsubid)
	  LEFT JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
	  LEFT JOIN pg_catalog.pg_attrdef e ON d.classid = 'pg_attrdef'::regclass AND e.oid = d.objid
	 WHERE d.deptype = 'n'
	   AND NOT EXISTS (SELECT FROM gone o WHERE o.classid = d.classid AND o.objid = d.objid
						  AND o.objsubid IN (0, d.objsubid));
	IF others IS NOT NULL THEN
		PERFORM ffu._refuse(relation, columns[1], '2BP01',
			format('cannot drop file column "%s" because other objects depend on it', columns[1]),
			format('These depend on it or on its companions: %s.', others),
			'Drop or change them first.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_dependents(regclass, name[], text) IS
'Internal: refuses to drop columns that objects other than ffu''s own depend on, such as views.';
