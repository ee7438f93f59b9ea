--
-- 50_column.sql: declaring, changing and dropping file columns
--
-- There is no catalog of ffu's own.  A file column is a column with ffu's
-- triggers: the column list of the first says which columns are its companions
-- (by attribute number, so it survives renames), the arguments of that trigger
-- are the policy, and the key, first argument of every trigger, ties those of
-- one column together.
--
-- All functions run with the rights of the caller, and so does every command
-- they build: nobody can do more here than by ALTER TABLE and CREATE TRIGGER.
-- Functions whose name begins with "_" are internal; PUBLIC may execute them
-- only because the others call them on behalf of the caller.
--


--
-- Checks of the relation
--

CREATE FUNCTION ffu._refuse(relation regclass, column_name name, code text,
							message text, detail text, hint text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tab record;
BEGIN
	SELECT n.nspname, c.relname INTO tab
	  FROM pg_catalog.pg_class c
	  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	 WHERE c.oid = relation;
	IF NOT FOUND THEN
		RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message, DETAIL = detail, HINT = hint;
	ELSIF column_name IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message, DETAIL = detail, HINT = hint,
			SCHEMA = tab.nspname, TABLE = tab.relname;
	ELSE
		RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message, DETAIL = detail, HINT = hint,
			SCHEMA = tab.nspname, TABLE = tab.relname, COLUMN = column_name;
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._refuse(regclass, name, text, text, text, text) IS
'Internal: raises an error with the table and column in the fields that drivers read.';

CREATE FUNCTION ffu._tree(relation regclass)
RETURNS SETOF regclass
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT relation
	UNION
	SELECT p.relid FROM pg_catalog.pg_partition_tree(relation) p;
END;
COMMENT ON FUNCTION ffu._tree(regclass) IS
'Internal: the relation and, if it is partitioned, its partitions of every level.';

CREATE FUNCTION ffu._kind(relkind "char")
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE relkind
	WHEN 'r' THEN 'a table' WHEN 'p' THEN 'a partitioned table'
	WHEN 'v' THEN 'a view' WHEN 'm' THEN 'a materialized view'
	WHEN 'f' THEN 'a foreign table' WHEN 'S' THEN 'a sequence'
	WHEN 'i' THEN 'an index' WHEN 'I' THEN 'a partitioned index'
	WHEN 'c' THEN 'a composite type' WHEN 't' THEN 'a TOAST table'
	ELSE 'of another kind' END;
COMMENT ON FUNCTION ffu._kind("char") IS
'Internal: a kind of relation (pg_class.relkind) in words.';

CREATE FUNCTION ffu._name(relation regclass)
RETURNS name
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT c.relname FROM pg_catalog.pg_class c WHERE c.oid = relation;
END;
COMMENT ON FUNCTION ffu._name(regclass) IS
'Internal: the name of a relation as messages show it, without schema and quotes.';

CREATE FUNCTION ffu._check_owner(relation regclass)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tab record;
BEGIN
	SELECT n.nspname, c.relname, c.relowner INTO tab
	  FROM pg_catalog.pg_class c
	  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	 WHERE c.oid = relation;
	IF NOT FOUND THEN
		PERFORM ffu._refuse(relation, NULL, '42P01',
			format('relation with OID %s does not exist', relation::oid),
			'No relation has this OID.', 'Give the name of a table.');
	ELSIF tab.nspname IN ('pg_catalog', 'pg_toast', 'information_schema') THEN
		PERFORM ffu._refuse(relation, NULL, '42501',
			format('permission denied: "%s" is a system catalog', tab.relname),
			format('It is in schema "%s".', tab.nspname),
			'Use a table of your own.');
	ELSIF tab.nspname = 'ffu' THEN
		PERFORM ffu._refuse(relation, NULL, '0A000',
			format('relation "%s" cannot have file columns', tab.relname),
			'It belongs to ffu itself.', 'Use a table of your own.');
	ELSIF NOT pg_has_role(tab.relowner, 'USAGE') THEN
		PERFORM ffu._refuse(relation, NULL, '42501',
			format('must be owner of table %s', tab.relname),
			format('The owner is role "%s".', pg_get_userbyid(tab.relowner)),
			'Ask the owner, or a superuser, to run this.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_owner(regclass) IS
'Internal: refuses relations of the system, of ffu and of other roles.';

CREATE FUNCTION ffu._check_storage(relation regclass)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tab record;
	what text;
BEGIN
	-- A partition that rows or triggers cannot work for is as bad as the table.
	SELECT c.relname, c.relkind, c.relpersistence, c.oid = relation::oid AS itself
	  INTO tab
	  FROM ffu._tree(relation) m
	  JOIN pg_catalog.pg_class c ON c.oid = m
	 WHERE c.relkind NOT IN ('r', 'p') OR c.relpersistence <> 'p'
	 ORDER BY c.oid <> relation::oid, c.relname
	 LIMIT 1;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	what := CASE WHEN tab.itself THEN 'It' ELSE format('Its partition "%s"', tab.relname) END;
	IF tab.relkind NOT IN ('r', 'p') THEN
		PERFORM ffu._refuse(relation, NULL, '42809',
			format('"%s" is not a table', tab.relname),
			format('%s is %s.', what, ffu._kind(tab.relkind)),
			'File columns can be in ordinary and in partitioned tables.');
	ELSIF tab.relpersistence = 't' THEN
		PERFORM ffu._refuse(relation, NULL, '0A000',
			format('temporary table "%s" cannot have file columns', tab.relname),
			'Its rows go at the end of the session without any trigger, and their files would stay.',
			'Use an ordinary table.');
	ELSE
		PERFORM ffu._refuse(relation, NULL, '0A000',
			format('unlogged table "%s" cannot have file columns', tab.relname),
			'A crash empties it without any trigger, and the files of its rows would stay.',
			format('Make it permanent first: ALTER TABLE %I SET LOGGED.', tab.relname));
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_storage(regclass) IS
'Internal: refuses what is no table, or a table whose rows can vanish without a trigger.';

CREATE FUNCTION ffu._check_family(relation regclass)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tab pg_catalog.pg_class;
	relative regclass;
BEGIN
	SELECT * INTO tab FROM pg_catalog.pg_class c WHERE c.oid = relation;
	IF tab.relispartition THEN
		PERFORM ffu._refuse(relation, NULL, '0A000',
			format('cannot declare file columns on partition "%s"', tab.relname),
			format('It belongs to partitioned table %s, whose columns it shares.',
				   pg_partition_root(relation)),
			format('Name the topmost partitioned table: %L.', pg_partition_root(relation)::text));
	END IF;
	SELECT CASE WHEN i.inhrelid = relation THEN i.inhparent ELSE i.inhrelid END
	  INTO relative
	  FROM pg_catalog.pg_inherits i
	 WHERE i.inhrelid = relation OR i.inhparent = relation AND tab.relkind = 'r'
	 LIMIT 1;
	IF relative IS NOT NULL THEN
		PERFORM ffu._refuse(relation, NULL, '0A000',
			format('table "%s" cannot have file columns, because it inherits or is inherited from',
				   tab.relname),
			format('It is tied to %s by INHERITS, which does not pass triggers on.', relative),
			'Use declarative partitioning, or ALTER TABLE ... NO INHERIT.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_family(regclass) IS
'Internal: refuses partitions and tables with INHERITS parents or children.';

CREATE FUNCTION ffu._check_table(relation regclass, column_name name, lock_mode text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF relation IS NULL OR column_name IS NULL THEN
		PERFORM ffu._refuse(relation, column_name, '22004',
			'relation and column_name must not be null',
			format('%s is null.', CASE WHEN relation IS NULL THEN 'relation' ELSE 'column_name' END),
			'Name a table and a column, for example ffu.add_column(''blogs'', ''my_video'').');
	END IF;
	PERFORM ffu._check_owner(relation);
	PERFORM ffu._check_storage(relation);
	-- From here on nobody else changes the table or its partitions.
	EXECUTE format('LOCK TABLE %s IN %s MODE', relation, lock_mode);
	PERFORM ffu._check_storage(relation);
	PERFORM ffu._check_family(relation);
END
$$;
COMMENT ON FUNCTION ffu._check_table(regclass, name, text) IS
'Internal: refuses a relation that cannot have file columns or that the caller does not own, and locks it.';


--
-- Columns
--

CREATE FUNCTION ffu._companions()
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{file_name,mime_type,ext,size,sha256}'::text[];
COMMENT ON FUNCTION ffu._companions() IS
'Internal: what the companions of a file column are called after its name and "__", in their order.';

CREATE FUNCTION ffu._check_new_names(relation regclass, column_name name)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	taken text;
	tab name := ffu._name(relation);
BEGIN
	IF column_name = '' THEN
		PERFORM ffu._refuse(relation, NULL, '42602', 'column_name must not be empty',
			'A column has a name of at least one character.', 'Give the new column a name.');
	ELSIF octet_length(column_name) > 52 THEN
		PERFORM ffu._refuse(relation, column_name, '42622',
			format('name "%s" is too long for a file column', column_name),
			format('It has %s bytes; at most 52 are possible, because companions add "__file_name".',
				   octet_length(column_name)),
			'Choose a shorter name.');
	END IF;
	SELECT n INTO taken
	  FROM unnest(column_name::text || (SELECT array_agg(column_name || '__' || c)
										  FROM unnest(ffu._companions()) c)) WITH ORDINALITY AS u(n, i)
	  JOIN pg_catalog.pg_attribute a ON a.attrelid = relation AND a.attname = n::name
	 ORDER BY i LIMIT 1;
	IF taken IS NOT NULL THEN
		PERFORM ffu._refuse(relation, taken, '42701',
			format('column "%s" of relation "%s" already exists', taken, tab),
			format('File column "%s" needs this name%s.', column_name,
				   CASE WHEN taken = column_name THEN '' ELSE ' for a companion' END),
			'Use ffu.manage_column for columns that exist, or choose another name.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_new_names(regclass, name) IS
'Internal: refuses a column name that is too long, or taken, or whose companions'' names are taken.';

CREATE FUNCTION ffu._check_existing(relation regclass, column_name name)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	col pg_catalog.pg_attribute;
	tab name := ffu._name(relation);
BEGIN
	SELECT * INTO col FROM pg_catalog.pg_attribute a
	 WHERE a.attrelid = relation AND a.attname = column_name AND NOT a.attisdropped;
	IF NOT FOUND THEN
		PERFORM ffu._refuse(relation, column_name, '42703',
			format('column "%s" of relation "%s" does not exist', column_name, tab),
			'The table has no column of this name; case counts.',
			'Use ffu.add_column to make a new file column.');
	ELSIF col.atttypid NOT IN ('ffu.file'::regtype, 'text'::regtype, 'varchar'::regtype) THEN
		PERFORM ffu._refuse(relation, column_name, '42804',
			format('column "%s" cannot be a file column', column_name),
			format('It is of type %s; a file column is of type ffu.file, text or character varying.',
				   format_type(col.atttypid, col.atttypmod)),
			'Use ffu.add_column to make a new file column, or change the type by ALTER TABLE.');
	ELSIF col.attgenerated <> '' THEN
		PERFORM ffu._refuse(relation, column_name, '0A000',
			format('generated column "%s" cannot be a file column', column_name),
			'Its value comes from an expression.',
			'Use ffu.add_column to make a new file column.');
	END IF;
	IF col.atttypmod >= 0 THEN
		RAISE NOTICE 'column "%" holds at most % characters', column_name, col.atttypmod - 4
			USING DETAIL = 'A path has up to 200 bytes.',
			HINT = format('Consider ALTER TABLE %s ALTER COLUMN %I TYPE ffu.file.', relation, column_name);
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_existing(regclass, name) IS
'Internal: refuses a column that does not exist or cannot hold paths.';

CREATE FUNCTION ffu._existing_companions(relation regclass, column_name name)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	present text[] := '{}';
	what text;
	col pg_catalog.pg_attribute;
	fits boolean;
BEGIN
	FOREACH what IN ARRAY ffu._companions() LOOP
		SELECT * INTO col FROM pg_catalog.pg_attribute a
		 WHERE a.attrelid = relation AND NOT a.attisdropped
		   AND a.attname::text = column_name || '__' || what;
		CONTINUE WHEN NOT FOUND;
		fits := CASE WHEN what = 'size' THEN col.atttypid = 'int8'::regtype
					 ELSE col.atttypid IN ('text'::regtype, 'varchar'::regtype) END;
		IF fits AND col.attgenerated = '' THEN
			present := present || what;
		ELSE
			RAISE NOTICE 'column "%" is not used as a companion of "%"', col.attname, column_name
				USING DETAIL = format('It is %s%s.',
					CASE WHEN fits THEN 'generated, and ' ELSE '' END || 'of type ',
					format_type(col.atttypid, col.atttypmod)),
				HINT = format('A companion of this name is a plain column of type %s.',
					CASE WHEN what = 'size' THEN 'bigint' ELSE 'text' END);
		END IF;
	END LOOP;
	RETURN present;
END
$$;
COMMENT ON FUNCTION ffu._existing_companions(regclass, name) IS
'Internal: which companions of a column exist with a fitting type.';

CREATE FUNCTION ffu._add_columns(relation regclass, column_name name, required boolean)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning	-- the triggers follow at once
AS $$
DECLARE
	tab name := ffu._name(relation);
BEGIN
	EXECUTE format('ALTER TABLE %s ADD COLUMN %I ffu.file %s', relation, column_name,
				   CASE WHEN required THEN 'NOT NULL' ELSE '' END)
		|| (SELECT string_agg(format(', ADD COLUMN %I %s', column_name || '__' || c,
							CASE WHEN c = 'size' THEN 'bigint' ELSE 'text' END), '' ORDER BY i)
			  FROM unnest(ffu._companions()) WITH ORDINALITY AS u(c, i));
	EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', relation, column_name,
				   'File column (ffu): assign ffu.file(name, bytes) or a data: URI; reads as the path of the file.');
EXCEPTION WHEN not_null_violation THEN
	PERFORM ffu._refuse(relation, column_name, '23502',
		format('column "%s" of relation "%s" cannot be required yet', column_name, tab),
		'The table has rows, and they have no file.',
		'Add it without "required", give every row a file, then run ffu.alter_column(..., required => true).');
END
$$;
COMMENT ON FUNCTION ffu._add_columns(regclass, name, boolean) IS
'Internal: adds a file column and its companions by one ALTER TABLE, which does not rewrite the table.';

CREATE FUNCTION ffu._set_required(relation regclass, column_name name, required boolean)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tab name := ffu._name(relation);
BEGIN
	EXECUTE format('ALTER TABLE %s ALTER COLUMN %I %s NOT NULL', relation, column_name,
				   CASE WHEN required THEN 'SET' ELSE 'DROP' END);
EXCEPTION WHEN not_null_violation THEN
	PERFORM ffu._refuse(relation, column_name, '23502',
		format('column "%s" of relation "%s" cannot be required yet', column_name, tab),
		'The table has rows without a file in it.',
		'Give every row a file first.');
END
$$;
COMMENT ON FUNCTION ffu._set_required(regclass, name, boolean) IS
'Internal: makes a column NOT NULL, or takes that away.';


--
-- The policy
--

CREATE FUNCTION ffu._normal_extensions(extensions text[])
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ext text;
	normal text[] := CASE WHEN extensions IS NOT NULL THEN '{}'::text[] END;
BEGIN
	FOREACH ext IN ARRAY coalesce(extensions, '{}') LOOP
		ext := lower(ltrim(coalesce(ext, ''), '.') COLLATE "C");
		IF ext <> '*' AND ext !~ '^[a-z0-9]{1,16}$' THEN
			RAISE EXCEPTION 'invalid extension "%" in allowed_extensions', left(ext, 60)
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
		IF mime <> '*/*' AND mime !~ '^[a-z0-9][a-z0-9!#$&^_.+-]*/([a-z0-9][a-z0-9!#$&^_.+-]*|\*)$'
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
	bytes bigint := pg_size_bytes(max_size);
BEGIN
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
								 max_size text, path_template text)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF path_template IS NOT NULL THEN
		PERFORM ffu.check_path_template(path_template);
	END IF;
	RETURN jsonb_strip_nulls(jsonb_build_object(
		'allowed_extensions', ffu._normal_extensions(allowed_extensions),
		'allowed_mime_types', ffu._normal_mime_types(allowed_mime_types),
		'max_size', ffu._normal_size(max_size),
		'path_template', path_template));
END
$$;
COMMENT ON FUNCTION ffu._make_policy(text[], text[], text, text) IS
'Internal: the policy of a file column, checked, with the given items only; raises 22023.';

CREATE FUNCTION ffu._parse_policy(policy text)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	parsed jsonb;
BEGIN
	parsed := policy;
	IF jsonb_typeof(parsed) = 'object'
		AND jsonb_typeof(parsed -> 'companions') = 'array'
		AND coalesce(jsonb_typeof(parsed -> 'allowed_extensions'), 'array') = 'array'
		AND coalesce(jsonb_typeof(parsed -> 'allowed_mime_types'), 'array') = 'array'
		AND coalesce((parsed ->> 'max_size')::bigint, 1) > 0
	THEN
		RETURN parsed;
	END IF;
	RETURN NULL;
EXCEPTION WHEN data_exception THEN
	RETURN NULL;		-- a trigger that somebody made by hand
END
$$;
COMMENT ON FUNCTION ffu._parse_policy(text) IS
'Internal: the second argument of a file column''s first trigger, or NULL if ffu did not write it.';

CREATE FUNCTION ffu._policy_array(policy jsonb, item text)
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN policy ? item
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
	SELECT t.tgname, g.args[1], ffu._parse_policy(g.args[2]),
		   ARRAY(SELECT x.attname
				   FROM pg_catalog.unnest(t.tgattr::int2[]) WITH ORDINALITY AS u(n, i)
				   JOIN pg_catalog.pg_attribute x ON x.attrelid = t.tgrelid AND x.attnum = u.n
				  ORDER BY u.i)
	  FROM pg_catalog.pg_trigger t
	  JOIN pg_catalog.pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = t.tgattr[0]
	 CROSS JOIN LATERAL (SELECT ffu.trigger_arguments(t.oid) AS args) g
	 WHERE t.tgrelid = relation AND a.attname = column_name AND t.tgnargs = 2
	   AND t.tgfoid = 'ffu.before_row()'::pg_catalog.regprocedure
	   AND ffu._parse_policy(g.args[2]) IS NOT NULL
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

CREATE FUNCTION ffu._create_triggers(relation regclass, base text, columns name[],
									 key text, policy jsonb)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed text := format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', columns[1]);
BEGIN
	PERFORM ffu._create_set_trigger(relation, base || '_1_set', columns, key, policy, false);
	EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE ON %s FOR EACH ROW WHEN (%s) '
				   'EXECUTE FUNCTION ffu.before_row(%L)', base || '_2_change', relation, changed, key);
	EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %s FOR EACH ROW WHEN (NEW.%I IS NOT NULL) '
				   'EXECUTE FUNCTION ffu.after_row(%L)', base || '_3_insert', relation, columns[1], key);
	EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %s FOR EACH ROW WHEN (%s) '
				   'EXECUTE FUNCTION ffu.after_row(%L)', base || '_4_update', relation, changed, key);
	EXECUTE format('CREATE TRIGGER %I AFTER DELETE ON %s FOR EACH ROW WHEN (OLD.%I IS NOT NULL) '
				   'EXECUTE FUNCTION ffu.after_row(%L)', base || '_5_delete', relation, columns[1], key);
	PERFORM ffu._create_truncate_trigger(m, base || '_6_truncate', key) FROM ffu._tree(relation) m;
END
$$;
COMMENT ON FUNCTION ffu._create_triggers(regclass, text, name[], text, jsonb) IS
'Internal: makes the six triggers of a file column; columns are the file column and its companions in the order of the policy''s "companions".';

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
AS $$
BEGIN
	-- Known by their body, which follows renames; their names do not.
	RETURN QUERY
	SELECT p.oid::regprocedure
	  FROM pg_catalog.pg_class c
	  JOIN pg_catalog.pg_proc p ON p.pronargs = 1 AND p.proargtypes[0] = c.reltype
	 WHERE c.oid = relation AND p.prosqlbody IS NOT NULL
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
	IF tab.relowner <> current_user::regrole
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
	items text[] := '{allowed_extensions,allowed_mime_types,max_size,path_template}';
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

CREATE FUNCTION ffu._drop_columns(relation regclass, columns name[], key text, keep_files boolean)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning	-- "drop cascades to trigger ..."
AS $$
DECLARE
	func regprocedure;
	trig record;
BEGIN
	PERFORM ffu.begin_trigger_drop(relation, key, keep_files);
	FOR func IN SELECT ffu._url_functions(relation, columns[1]) LOOP
		EXECUTE format('DROP FUNCTION %s', func);
	END LOOP;
	-- CASCADE takes the row triggers; nothing else depends on the column.
	EXECUTE format('ALTER TABLE %s DROP COLUMN %I CASCADE', relation, columns[1])
		|| coalesce((SELECT string_agg(format(', DROP COLUMN %I', c), '')
					   FROM unnest(columns[2:]) c), '');
	FOR trig IN SELECT t.relid, t.name FROM ffu._triggers(relation, key) t LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', trig.name, trig.relid);
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._drop_columns(regclass, name[], text, boolean) IS
'Internal: drops a file column with its computed fields, triggers and companions.';


--
-- What users call
--

CREATE FUNCTION ffu.add_column(relation regclass, column_name name,
							   allowed_extensions text[] DEFAULT NULL,
							   allowed_mime_types text[] DEFAULT NULL,
							   max_size anycompatible DEFAULT NULL::text,
							   path_template text DEFAULT NULL,
							   required boolean DEFAULT false,
							   urls boolean DEFAULT true,
							   if_not_exists boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	policy jsonb;
BEGIN
	PERFORM ffu._check_table(relation, column_name, 'ACCESS EXCLUSIVE');
	IF if_not_exists AND (SELECT f.key FROM ffu._find_column(relation, column_name) f) IS NOT NULL THEN
		RAISE NOTICE 'file column "%" of relation "%" already exists, skipping', column_name, ffu._name(relation);
		RETURN;
	END IF;
	PERFORM ffu._check_new_names(relation, column_name);
	policy := ffu._make_policy(allowed_extensions, allowed_mime_types, max_size::text, path_template);
	PERFORM ffu._add_columns(relation, column_name, coalesce(required, false));
	PERFORM ffu._manage(relation, column_name, ffu._companions(), policy);
	IF urls THEN
		PERFORM ffu._add_url_functions(relation, column_name);
	END IF;
END
$$;
COMMENT ON FUNCTION ffu.add_column(regclass, name, text[], text[], anycompatible, text, boolean, boolean, boolean) IS
'Adds a file column to a table. '
'Makes the column (type ffu.file), its companions __file_name, __mime_type, __ext (text), __size (bigint) and __sha256 (text), '
'the triggers that store and remove files, and, with urls, the computed fields of ffu.add_url_functions. '
'The table is not rewritten; its owner may do this. '
'allowed_extensions: which extensions, ''{}'' for none and ''{*}'' for any; NULL: those of the setting ffu.allowed_extensions. '
'allowed_mime_types: for example ''{application/pdf,image/*}''; NULL: any. '
'max_size: bytes as a number or a text such as ''1 GB''; NULL: the setting ffu.max_content_length. '
'path_template: where files are put in the folder; must contain {token}. '
'required: NOT NULL. '
'if_not_exists: a NOTICE instead of an error if the table has this file column already, whatever its policy. '
'Raises 42P01, 42703, 42701 (a name is taken), 42622 (name over 52 bytes), 42809 (not a table), 42501 (not its owner), '
'0A000 (temporary, unlogged, inheriting, a partition), 22004, 22023 (policy), 23502 (required, but there are rows).';

CREATE FUNCTION ffu.manage_column(relation regclass, column_name name,
								  allowed_extensions text[] DEFAULT NULL,
								  allowed_mime_types text[] DEFAULT NULL,
								  max_size anycompatible DEFAULT NULL::text,
								  path_template text DEFAULT NULL,
								  required boolean DEFAULT false,
								  urls boolean DEFAULT true,
								  if_not_exists boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	policy jsonb;
BEGIN
	PERFORM ffu._check_table(relation, column_name,
							 CASE WHEN required THEN 'ACCESS EXCLUSIVE' ELSE 'SHARE ROW EXCLUSIVE' END);
	PERFORM ffu._check_existing(relation, column_name);
	IF (SELECT f.key FROM ffu._find_column(relation, column_name) f) IS NOT NULL THEN
		IF if_not_exists THEN
			RAISE NOTICE 'column "%" of relation "%" is a file column already, skipping',
				column_name, ffu._name(relation);
			RETURN;
		END IF;
		PERFORM ffu._refuse(relation, column_name, '42710',
			format('column "%s" of relation "%s" is a file column already', column_name, ffu._name(relation)),
			'It has ffu''s triggers.', 'Use ffu.alter_column to change its policy.');
	END IF;
	policy := ffu._make_policy(allowed_extensions, allowed_mime_types, max_size::text, path_template);
	IF required THEN
		PERFORM ffu._set_required(relation, column_name, true);
	END IF;
	PERFORM ffu._manage(relation, column_name, ffu._existing_companions(relation, column_name), policy);
	IF urls THEN
		PERFORM ffu._add_url_functions(relation, column_name);
	END IF;
END
$$;
COMMENT ON FUNCTION ffu.manage_column(regclass, name, text[], text[], anycompatible, text, boolean, boolean, boolean) IS
'Makes a file column of a column that exists, for tables made by an ORM or a migration. '
'The column must be of type ffu.file, text or character varying and keeps its type. '
'Columns that exist are used as its companions if they have the right name (the column''s with __file_name, __mime_type, __ext, __size or __sha256 added) '
'and type (bigint for __size, text or character varying for the others); without one, that fact is not recorded. '
'Values that the column has already are left alone; ffu did not store them, so ffu.check() lists them. '
'The other arguments are those of ffu.add_column; required sets NOT NULL. '
'Raises what ffu.add_column does, and 42703 (no such column), 42804 (its type), 42710 (a file column already; use ffu.alter_column).';

CREATE FUNCTION ffu.alter_column(relation regclass, column_name name,
								 allowed_extensions text[] DEFAULT NULL,
								 allowed_mime_types text[] DEFAULT NULL,
								 max_size anycompatible DEFAULT NULL::text,
								 path_template text DEFAULT NULL,
								 required boolean DEFAULT NULL,
								 reset text[] DEFAULT '{}')
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	col record;
	given jsonb;
BEGIN
	PERFORM ffu._check_table(relation, column_name,
							 CASE WHEN required IS NULL THEN 'SHARE ROW EXCLUSIVE' ELSE 'ACCESS EXCLUSIVE' END);
	SELECT f.* INTO col FROM ffu._require_column(relation, column_name) f;
	given := ffu._make_policy(allowed_extensions, allowed_mime_types, max_size::text, path_template);
	PERFORM ffu._check_reset(reset, given);
	PERFORM ffu._replace_policy(relation, col.trigger_name, col.columns, col.key,
								(col.policy - coalesce(reset, '{}')) || given);
	IF required IS NOT NULL THEN
		PERFORM ffu._set_required(relation, column_name, required);
	END IF;
END
$$;
COMMENT ON FUNCTION ffu.alter_column(regclass, name, text[], text[], anycompatible, text, boolean, text[]) IS
'Changes the policy of a file column: what is given and not NULL, as in ffu.add_column; the rest stays. '
'required: true sets NOT NULL, false takes it away. '
'reset: items that go back to their default, of allowed_extensions, allowed_mime_types, max_size and path_template, '
'for example reset => ''{max_size}''. '
'Files that are stored already are not checked again. '
'Raises 42703 (no such column), 55000 (not a file column), 42501 (not the table''s owner), 0A000 (a partition: name the topmost table), '
'22004, 22023 (policy), 23502 (required, but there are rows without a file).';

CREATE FUNCTION ffu.drop_column(relation regclass, column_name name,
								keep_files boolean DEFAULT false,
								if_exists boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	col record;
BEGIN
	PERFORM ffu._check_table(relation, column_name, 'ACCESS EXCLUSIVE');
	PERFORM FROM pg_catalog.pg_attribute a WHERE a.attrelid = relation AND a.attname = column_name;
	IF if_exists AND NOT FOUND THEN
		RAISE NOTICE 'column "%" of relation "%" does not exist, skipping', column_name, ffu._name(relation);
		RETURN;
	END IF;
	SELECT f.* INTO col FROM ffu._require_column(relation, column_name) f;
	PERFORM ffu._check_dependents(relation, col.columns, col.key);
	PERFORM ffu._drop_columns(relation, col.columns, col.key, coalesce(keep_files, false));
END
$$;
COMMENT ON FUNCTION ffu.drop_column(regclass, name, boolean, boolean) IS
'Drops a file column with its companions, triggers and computed fields. '
'Its files are removed after commit, as by DELETE; with keep_files they stay in the folder and belong to nobody. '
'if_exists: a NOTICE instead of an error if the table has no such column. '
'Raises 42703 (no such column), 55000 (not a file column: use ALTER TABLE), 2BP01 (a view or another object depends on it), '
'42501 (not the table''s owner), 0A000 (a partition: name the topmost table), 22004.';

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
'Makes the computed fields <column>_url(<table>) and <table>_<column>_url(<table>) in the table''s schema, '
'so that "SELECT b.my_video_url FROM blogs b" (with that schema on the search path) and API layers that know computed fields give the URL. '
'They return ffu.url of the column, as text; they follow renames of the column, belong to the table''s owner and are dropped with the table. '
'One whose name is over 63 bytes, or taken by a column or function, is left out with a NOTICE. '
'ffu.add_column does this by itself. Raises 42703 (no such column), 55000 (not a file column), 42501 (not the table''s owner), 0A000, 22004.';


--
-- Rights
--

REVOKE ALL ON FUNCTION
	ffu._refuse, ffu._tree, ffu._kind, ffu._name, ffu._check_owner, ffu._check_storage,
	ffu._check_family, ffu._check_table, ffu._companions, ffu._check_new_names,
	ffu._check_existing, ffu._existing_companions, ffu._add_columns,
	ffu._set_required, ffu._normal_extensions, ffu._normal_mime_types,
	ffu._normal_size, ffu._make_policy, ffu._parse_policy, ffu._policy_array,
	ffu._find_column, ffu._require_column, ffu._triggers, ffu._cut,
	ffu._trigger_suffixes, ffu._choose_names, ffu._create_set_trigger,
	ffu._create_truncate_trigger, ffu._create_triggers, ffu._manage,
	ffu._url_functions, ffu._url_obstacle, ffu._create_url_function,
	ffu._add_url_functions, ffu._check_reset, ffu._replace_policy,
	ffu._check_dependents, ffu._drop_columns,
	ffu.add_column, ffu.manage_column, ffu.alter_column, ffu.drop_column,
	ffu.add_url_functions
	FROM PUBLIC;

-- On purpose: the owner of the table is asked for by each, and again by the
-- commands they run.
GRANT EXECUTE ON FUNCTION
	ffu.add_column, ffu.manage_column, ffu.alter_column, ffu.drop_column,
	ffu.add_url_functions
	TO PUBLIC;

-- Needed by those above, which run with the rights of the caller.
GRANT EXECUTE ON FUNCTION
	ffu._refuse, ffu._tree, ffu._kind, ffu._name, ffu._check_owner, ffu._check_storage,
	ffu._check_family, ffu._check_table, ffu._companions, ffu._check_new_names,
	ffu._check_existing, ffu._existing_companions, ffu._add_columns,
	ffu._set_required, ffu._normal_extensions, ffu._normal_mime_types,
	ffu._normal_size, ffu._make_policy, ffu._parse_policy, ffu._policy_array,
	ffu._find_column, ffu._require_column, ffu._triggers, ffu._cut,
	ffu._trigger_suffixes, ffu._choose_names, ffu._create_set_trigger,
	ffu._create_truncate_trigger, ffu._create_triggers, ffu._manage,
	ffu._url_functions, ffu._url_obstacle, ffu._create_url_function,
	ffu._add_url_functions, ffu._check_reset, ffu._replace_policy,
	ffu._check_dependents, ffu._drop_columns
	TO PUBLIC;
