\echo Use "CREATE EXTENSION ffu_flask" to load this file. \quit

--
-- ffu_flask: flask-file-upload's words, over ffu
--
-- All functions are in schema ffu, so the names of calls do not depend on the
-- extension that a function belongs to.
--
-- The comment of the extension goes: pg_dump would emit COMMENT ON EXTENSION, which
-- fails for everybody but the owner of the extension.
--
COMMENT ON EXTENSION ffu_flask IS NULL;


--
-- 10_key.sql: a row by its primary key
--
-- A key is compared as a value of the primary key's own type, by the operator
-- of the index.  So the text of a key is never part of a query.
--

CREATE FUNCTION ffu._key_columns(relation regclass)
RETURNS TABLE (column_name name, operator text, type text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF relation IS NULL THEN
		RAISE EXCEPTION 'relation must not be null' USING ERRCODE = '22004',
			DETAIL = 'It says which table has the row.', HINT = 'Name a table.';
	END IF;
	RETURN QUERY
	SELECT a.attname, format('OPERATOR(%I.%s)', n.nspname, o.oprname),
		   format_type(a.atttypid, -1)
	  FROM pg_index i
	 CROSS JOIN LATERAL unnest(i.indkey::int2[], i.indclass::oid[])
		WITH ORDINALITY AS k(attnum, opclass, place)
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
			PERFORM ffu._check_owner(relation);		-- raises: no such relation
		END IF;
		PERFORM ffu._refuse(relation, NULL, '55000',
			format('relation "%s" has no primary key', ffu._name(relation)),
			'A row is found by its primary key.',
			'Add one: ALTER TABLE ... ADD PRIMARY KEY.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._key_columns(regclass) IS
'Internal: the columns of the primary key, each with the operator of the index and the type. '
'Raises 55000 for a table without a primary key, 22004.';

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
	wanted text[] := ARRAY(SELECT c::text FROM unnest(columns) c ORDER BY c::text COLLATE "C");
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
	IF given IS DISTINCT FROM wanted THEN
		PERFORM ffu._refuse(relation, NULL, '22023',
			format('key of relation "%s" must be a JSON object', ffu._name(relation)),
			format('The primary key has the columns %s; the key given is %s.',
				   array_to_string(columns, ', '), quote_literal(left(key, 60))),
			format('Pass for example jsonb_build_object(%s).',
				   (SELECT string_agg(format('%L, ...', c), ', ' ORDER BY i)
					  FROM unnest(columns) WITH ORDINALITY AS u(c, i))));
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_key(regclass, text, name[]) IS
'Internal: raises 22004 for a null key, and 22023 for a key of several columns '
'that is not a JSON object with exactly these columns.';

CREATE FUNCTION ffu._key_condition(relation regclass, expression text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(
		CASE WHEN count = 1 THEN format('t.%I %s (%s)::%s', column_name, operator, expression, type)
			 ELSE format('t.%I %s ((%s)::json ->> %L)::%s',
						 column_name, operator, expression, column_name, type) END,
		' AND ' ORDER BY place)
	  FROM (SELECT *, count(*) OVER ()
			  FROM ffu._key_columns(relation)
			  WITH ORDINALITY AS k(column_name, operator, type, place)) k
$$;
COMMENT ON FUNCTION ffu._key_condition(regclass, text) IS
'Internal: the condition that row "t" has the key that an expression gives as text.';

CREATE FUNCTION ffu._key_text(relation regclass, key text, type regtype)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	columns name[] := ARRAY(SELECT k.column_name FROM ffu._key_columns(relation) k);
BEGIN
	-- A JSON value stands for a key of one column; several columns need an object.
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
'Internal: a key, given as text of this type, as the text that the condition of '
'ffu._key_condition takes; raises what ffu._check_key raises.';

CREATE FUNCTION ffu._refuse_key(relation regclass, key text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ffu._refuse(relation, NULL, 'P0002',
		format('no row of relation "%s" has the key %s', ffu._name(relation),
			   quote_literal(left(key, 60))),
		format('The primary key is (%s). The row does not exist, or is one that you may not see '
			   'or change.',
			   (SELECT string_agg(k.column_name, ', ') FROM ffu._key_columns(relation) k)),
		'Pass the primary key of a row that exists; a new row is stored before its files.');
END
$$;
COMMENT ON FUNCTION ffu._refuse_key(regclass, text) IS
'Internal: raises P0002 for a key that no row has.';

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
'Internal: raises 42501 if a superuser''s statement on the table would run code of another role '
'with the rights of a superuser.';
