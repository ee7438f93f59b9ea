--
-- 74_column_computed.sql: computed fields, functions for the URL of a row's file
--

CREATE FUNCTION ffu.tie_function(func regprocedure, relation regclass) RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_tie_function';
COMMENT ON FUNCTION ffu.tie_function(regprocedure, regclass) IS
'Internal: makes a computed field go with its table. Raises 42501 unless the caller owns both.';

CREATE FUNCTION ffu._url_functions(relation regclass, column_name name)
RETURNS SETOF regprocedure
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $$
BEGIN
	-- The body of a computed field follows renames, its name does not.  Anybody
	-- can make such a function: only functions of roles with the rights of the
	-- owner of the table count.
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
		RETURN format('Its name would have %s bytes; 63 are possible.',
					  octet_length(function_name));
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
				   format('URL of the file in column %I (made by ffu.add_url_functions).',
						  column_name));
	IF tab.relowner <> quote_ident(current_user)::regrole
		AND (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
	THEN
		EXECUTE format('ALTER FUNCTION %s OWNER TO %I', func, pg_get_userbyid(tab.relowner));
	END IF;
	PERFORM ffu.tie_function(func::regprocedure, relation);
END
$$;
COMMENT ON FUNCTION ffu._create_url_function(regclass, name, text) IS
'Internal: makes one computed field, owned by the owner of the table and dropped with the table.';

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
	-- A dump does not keep the ties of existing computed fields.
	PERFORM ffu.tie_function(f, relation) FROM ffu._url_functions(relation, column_name) f;
	FOREACH function_name IN ARRAY ARRAY[column_name || '_url',
										 tab || '_' || column_name || '_url']
	LOOP
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
'Internal: makes the computed fields of a file column, except where there is an obstacle.';

CREATE FUNCTION ffu.add_url_functions(relation regclass, column_name name)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ffu._check_table(relation, column_name, 'SHARE ROW EXCLUSIVE');
	PERFORM ffu._require_column(relation, column_name);
	PERFORM ffu._add_url_functions(relation, column_name);
END
$$;
COMMENT ON FUNCTION ffu.add_url_functions(regclass, name) IS
'Makes the computed fields <column>_url(<table>) and <table>_<column>_url(<table>) in the '
'table''s schema, so that "SELECT b.my_video_url FROM blogs b" (with the schema on the search '
'path) and API layers that know computed fields give the URL. The fields return ffu.url of the '
'column, as text, follow renames of the column, belong to the table''s owner and are dropped with '
'the table. A field whose name is over 63 bytes, or taken by a column or function, is left out '
'with a NOTICE. ffu.add_column calls this function. Raises 42703 (no such column), 55000 (not a '
'file column), 42501 (not the table''s owner), 0A000, 22004.';

CREATE FUNCTION ffu._tie_all()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ffu.tie_function(f, c.relation)
	   FROM ffu.columns c
	  CROSS JOIN LATERAL ffu._url_functions(c.relation, c.column_name) f;
	PERFORM ffu.tie_function(f.func, f.attachments) FROM ffu._attachment_functions() f;
END
$$;
COMMENT ON FUNCTION ffu._tie_all() IS
'Internal: ties all computed fields to their tables, for ffu.claim_folder: pg_upgrade brings the '
'functions before the event trigger that ties.';
