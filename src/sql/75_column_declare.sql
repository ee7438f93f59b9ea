--
-- 75_column_declare.sql: declaring, changing and dropping file columns
--

CREATE FUNCTION ffu._add_columns(relation regclass, column_name name, column_type regtype,
								 required boolean)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning	-- the triggers follow at once
AS $$
DECLARE
	tab name := ffu._name(relation);
BEGIN
	EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s %s', relation, column_name, column_type,
				   CASE WHEN required THEN 'NOT NULL' ELSE '' END)
		|| (SELECT string_agg(format(', ADD COLUMN %I %s', column_name || '__' || c,
							CASE WHEN c = 'size' THEN 'bigint' ELSE 'text' END), '' ORDER BY i)
			  FROM unnest(ffu._companions()) WITH ORDINALITY AS u(c, i));
EXCEPTION WHEN not_null_violation THEN
	PERFORM ffu._refuse(relation, column_name, '23502',
		format('column "%s" of relation "%s" cannot be required yet', column_name, tab),
		'The table has rows, which have no file.',
		'Add it without "required", give every row a file, then run '
		'ffu.alter_column(..., required => true).');
END
$$;
COMMENT ON FUNCTION ffu._add_columns(regclass, name, regtype, boolean) IS
'Internal: adds a file column and its companions by one ALTER TABLE, which does not rewrite the '
'table.';

CREATE FUNCTION ffu._set_required(relation regclass, column_name name, required boolean)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tab name := ffu._name(relation);
BEGIN
	-- The server evaluates CHECK constraints: do they imply NOT NULL?
	PERFORM ffu._command_as_owner(relation,
		format('ALTER TABLE %s ALTER COLUMN %I %s NOT NULL', relation, column_name,
			   CASE WHEN required THEN 'SET' ELSE 'DROP' END));
EXCEPTION WHEN not_null_violation THEN
	PERFORM ffu._refuse(relation, column_name, '23502',
		format('column "%s" of relation "%s" cannot be required yet', column_name, tab),
		'The table has rows without a file in it.',
		'Give every row a file first.');
END
$$;
COMMENT ON FUNCTION ffu._set_required(regclass, name, boolean) IS
'Internal: sets or drops NOT NULL of a column.';

CREATE FUNCTION ffu._copy_values(relation regclass, column_name name) RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_copy_values';
COMMENT ON FUNCTION ffu._copy_values(regclass, name) IS
'Internal: gives each row of a table a copy of the file that its value names; the UPDATE runs '
'with the rights of the table''s owner. Raises 42501 for anyone but the owner, 23503.';

CREATE FUNCTION ffu._warn_of_public(relation regclass, column_name name, private boolean)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF private AND (SELECT f.policy -> 'private' FROM ffu._find_column(relation, column_name) f)
				   IS DISTINCT FROM 'true'::jsonb
	THEN
		RAISE WARNING 'file column "%" of relation "%" stays public', column_name,
			ffu._name(relation)
			USING DETAIL = 'A column that exists keeps its policy.',
			HINT = 'Use ffu.alter_column with private => true, and then ffu.relocate.';
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._warn_of_public(regclass, name, boolean) IS
'Internal: warns that an existing file column is public although a private one is wanted.';

CREATE FUNCTION ffu.add_column(relation regclass, column_name name,
							   allowed_extensions text[] DEFAULT NULL,
							   allowed_mime_types text[] DEFAULT NULL,
							   max_size anycompatible DEFAULT NULL::text,
							   path_template text DEFAULT NULL,
							   required boolean DEFAULT false,
							   urls boolean DEFAULT true,
							   if_not_exists boolean DEFAULT false,
							   content_check text DEFAULT NULL,
							   column_type regtype DEFAULT 'ffu.file',
							   private boolean DEFAULT false,
							   store text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	policy jsonb;
BEGIN
	PERFORM ffu._check_table(relation, column_name, 'ACCESS EXCLUSIVE');
	PERFORM ffu._check_trusted(relation);
	IF if_not_exists
		AND (SELECT f.key FROM ffu._find_column(relation, column_name) f) IS NOT NULL
	THEN
		RAISE NOTICE 'file column "%" of relation "%" already exists, skipping',
			column_name, ffu._name(relation);
		PERFORM ffu._warn_of_public(relation, column_name, private);
		RETURN;
	END IF;
	PERFORM ffu._check_new_names(relation, column_name);
	PERFORM ffu._check_type(relation, column_name, column_type);
	policy := ffu._make_policy(allowed_extensions, allowed_mime_types, max_size::text,
							   path_template, content_check, nullif(private, false), store);
	PERFORM ffu._add_columns(relation, column_name, coalesce(column_type, 'ffu.file'),
							 coalesce(required, false));
	PERFORM ffu._manage(relation, column_name, ffu._companions(), policy);
	IF urls THEN
		PERFORM ffu._add_url_functions(relation, column_name);
	END IF;
END
$$;
COMMENT ON FUNCTION ffu.add_column(regclass, name, text[], text[], anycompatible, text, boolean,
	boolean, boolean, text, regtype, boolean, text) IS
'Adds a file column to a table. Makes the column, its companions __file_name, '
'__mime_type, __ext (text), __size (bigint) and __sha256 (text), the triggers that store and '
'remove files, and, with urls, the computed fields of ffu.add_url_functions. The table is not '
'rewritten. Allowed are a superuser and the owner of the table, if ffu.grant_columns named the '
'owner; expressions of the table are evaluated with the rights of the owner only. '
'allowed_extensions: which extensions, ''{}'' for none and ''{*}'' for any; NULL: the setting '
'ffu.allowed_extensions. allowed_mime_types: for example ''{application/pdf,image/*}''; NULL: '
'any. content_check: how to treat a file whose extension contradicts its content, ''error'', '
'''warning'' or ''off''; NULL: the setting ffu.content_check. max_size: bytes as a number or a '
'text such as ''1 GB''; NULL: the setting ffu.max_content_length. path_template: where files are '
'put in the folder; must contain {token}. private: paths begin with private/, where a web server '
'wants a signature, and ffu.url gives signed URLs. store: where new files go, ''folder'' or '
'''bucket''; NULL: the folder. required: NOT NULL. if_not_exists: a NOTICE '
'instead of an error if the table has this file column already, whatever its policy, and a WARNING '
'if the column stays public although private is true. column_type: ffu.file, or text for a table '
'whose owner is a migration tool that does not know the type. Raises '
'42P01, 42703, 42701 (a name is taken), 42622 (name over 52 bytes), 42809 (not a table), 42501 '
'(not its owner), '
'0A000 (temporary, unlogged, inheriting, a partition), 22004, 22023 (policy), 23502 (required, '
'but there are rows), 42804 (column_type).';

CREATE FUNCTION ffu.manage_column(relation regclass, column_name name,
								  allowed_extensions text[] DEFAULT NULL,
								  allowed_mime_types text[] DEFAULT NULL,
								  max_size anycompatible DEFAULT NULL::text,
								  path_template text DEFAULT NULL,
								  required boolean DEFAULT false,
								  urls boolean DEFAULT true,
								  if_not_exists boolean DEFAULT false,
								  keep_values boolean DEFAULT false,
								  copy_values boolean DEFAULT false,
								  content_check text DEFAULT NULL,
								  private boolean DEFAULT false,
								  store text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	policy jsonb;
BEGIN
	PERFORM ffu._check_table(relation, column_name, CASE WHEN required THEN 'ACCESS EXCLUSIVE'
														 ELSE 'SHARE ROW EXCLUSIVE' END);
	PERFORM ffu._check_trusted(relation);
	PERFORM ffu._check_existing(relation, column_name);
	IF (SELECT f.key FROM ffu._find_column(relation, column_name) f) IS NOT NULL THEN
		IF if_not_exists THEN
			RAISE NOTICE 'column "%" of relation "%" is a file column already, skipping',
				column_name, ffu._name(relation);
			PERFORM ffu._warn_of_public(relation, column_name, private);
			RETURN;
		END IF;
		PERFORM ffu._refuse(relation, column_name, '42710',
			format('column "%s" of relation "%s" is a file column already', column_name,
				   ffu._name(relation)),
			'It has ffu''s triggers.', 'Use ffu.alter_column to change its policy.');
	END IF;
	IF keep_values AND copy_values THEN
		PERFORM ffu._refuse(relation, column_name, '22023',
			'values cannot be both kept and copied',
			'With keep_values the rows own the files their values name; '
			'with copy_values, copies of them.',
			'Give one of keep_values and copy_values.');
	ELSIF NOT (keep_values OR copy_values) THEN
		PERFORM ffu._check_no_values(relation, column_name);
	END IF;
	policy := ffu._make_policy(allowed_extensions, allowed_mime_types, max_size::text,
							   path_template, content_check, nullif(private, false), store);
	IF required THEN
		PERFORM ffu._set_required(relation, column_name, true);
	END IF;
	PERFORM ffu._manage(relation, column_name, ffu._existing_companions(relation, column_name),
						policy);
	IF copy_values THEN
		PERFORM ffu._copy_values(relation, column_name);
	END IF;
	IF urls THEN
		PERFORM ffu._add_url_functions(relation, column_name);
	END IF;
END
$$;
COMMENT ON FUNCTION ffu.manage_column(regclass, name, text[], text[], anycompatible, text,
	boolean, boolean, boolean, boolean, boolean, text, boolean, text) IS
'Makes an existing column a file column, for tables made by an ORM or a migration. The column '
'must be of type ffu.file, text or character varying and keeps its type. Existing columns become '
'its companions if they have the right name (the column''s with __file_name, __mime_type, __ext, '
'__size or __sha256 added) and type (bigint for __size, text or character varying for the '
'others); a fact without a companion is not recorded. A column with values is refused with 55000, '
'since deleting its rows would delete the files. keep_values: no other table has these values, '
'and the rows own the files. copy_values: each row gets its own file, a hard link under a new '
'path, which an UPDATE with the rights of the table''s owner assigns. The other arguments are as '
'in ffu.add_column; required sets NOT NULL. Values are read with the rights of the table''s '
'owner. Raises the errors of ffu.add_column, and 42703 (no such column), 42804 (its type), 42710 '
'(a file column already; use ffu.alter_column), 23503 (copy_values: a value names no file).';

CREATE FUNCTION ffu.alter_column(relation regclass, column_name name,
								 allowed_extensions text[] DEFAULT NULL,
								 allowed_mime_types text[] DEFAULT NULL,
								 max_size anycompatible DEFAULT NULL::text,
								 path_template text DEFAULT NULL,
								 required boolean DEFAULT NULL,
								 reset text[] DEFAULT '{}',
								 content_check text DEFAULT NULL,
								 private boolean DEFAULT NULL,
								 store text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	col record;
	given jsonb;
	policy jsonb;
BEGIN
	PERFORM ffu._check_table(relation, column_name,
							 CASE WHEN required IS NULL THEN 'SHARE ROW EXCLUSIVE'
								  ELSE 'ACCESS EXCLUSIVE' END);
	PERFORM ffu._check_trusted(relation);
	SELECT f.* INTO col FROM ffu._require_column(relation, column_name) f;
	given := ffu._make_policy(allowed_extensions, allowed_mime_types, max_size::text,
							   path_template, content_check, private, store);
	PERFORM ffu._check_reset(reset, given);
	policy := (col.policy - coalesce(reset, '{}')) || given;
	IF NOT private THEN
		policy := policy - 'private';
	END IF;
	-- A template that fitted may be too long for a private column.
	PERFORM ffu.check_path_template(policy ->> 'path_template',
									coalesce((policy ->> 'private')::boolean, false));
	PERFORM ffu._replace_policy(relation, col, policy);
	IF required IS NOT NULL THEN
		PERFORM ffu._set_required(relation, column_name, required);
	END IF;
END
$$;
COMMENT ON FUNCTION ffu.alter_column(regclass, name, text[], text[], anycompatible, text,
	boolean, text[], text, boolean, text) IS
'Changes the policy of a file column: arguments that are given and not NULL, as in '
'ffu.add_column; the rest stays. required: true sets NOT NULL, false drops NOT NULL. reset: items '
'that go back to their default, of allowed_extensions, allowed_mime_types, max_size, '
'path_template, content_check, private and store, for example reset => ''{max_size}''. Files that '
'are stored already are not checked again, and keep their paths; ffu.relocate gives these files '
'new paths, for example after a change of private. NOT NULL is set with the rights of the table''s '
'owner. Raises '
'42703 (no such column), 55000 (not a file column), 42501 (not the table''s owner), 0A000 (a '
'partition: name the topmost table), 22004, 22023 (policy), 23502 (required, but there are rows '
'without a file).';

CREATE FUNCTION ffu._check_dependents(relation regclass, columns name[], key text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	others text;
BEGIN
	-- "gone": the objects that a DROP without CASCADE drops.
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
	-- Name the view of a rule and the column of an expression.
	SELECT string_agg(DISTINCT coalesce(
						pg_describe_object('pg_class'::regclass, r.ev_class, 0),
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
			format('Objects that depend on the column or a companion: %s.', others),
			'Drop or change them first.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_dependents(regclass, name[], text) IS
'Internal: refuses to drop columns that other objects depend on, such as views.';

CREATE FUNCTION ffu._drop_columns(relation regclass, key text, keep_files boolean,
								  keep_companions boolean) RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_drop_columns';
COMMENT ON FUNCTION ffu._drop_columns(regclass, text, boolean, boolean) IS
'Internal: drops a file column, by its key, with its companions and triggers; with keep_files its '
'files stay, with keep_companions its companions. Raises 42501 for anyone but the owner of the '
'table.';

CREATE FUNCTION ffu.drop_column(relation regclass, column_name name,
								keep_files boolean DEFAULT false,
								if_exists boolean DEFAULT false,
								keep_companions boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	col record;
	func regprocedure;
BEGIN
	PERFORM ffu._check_table(relation, column_name, 'ACCESS EXCLUSIVE');
	PERFORM FROM pg_catalog.pg_attribute a WHERE a.attrelid = relation AND a.attname = column_name;
	IF if_exists AND NOT FOUND THEN
		RAISE NOTICE 'column "%" of relation "%" does not exist, skipping',
			column_name, ffu._name(relation);
		RETURN;
	END IF;
	SELECT f.* INTO col FROM ffu._require_column(relation, column_name) f;
	PERFORM ffu._check_dependents(relation, CASE WHEN keep_companions THEN col.columns[1:1]
												 ELSE col.columns END, col.key);
	FOR func IN SELECT ffu._url_functions(relation, column_name) LOOP
		EXECUTE format('DROP FUNCTION %s', func);
	END LOOP;
	PERFORM ffu._drop_columns(relation, col.key, coalesce(keep_files, false),
							  coalesce(keep_companions, false));
END
$$;
COMMENT ON FUNCTION ffu.drop_column(regclass, name, boolean, boolean, boolean) IS
'Drops a file column with its companions, triggers and computed fields, as ALTER TABLE ... DROP '
'COLUMN does. Its files are removed after commit, as by DELETE; with keep_files the files stay in '
'the folder and belong to nobody. keep_companions: the companions stay, as ordinary columns. '
'The columns are dropped with the rights of the table''s owner. if_exists: a NOTICE instead of an '
'error if the table has no such column. Raises 42703 (no such column), 55000 (not a file column: '
'use ALTER TABLE), 2BP01 (a view or another object depends on the column), 42501 (not the '
'table''s owner), 0A000 (a partition: name the topmost table), 22004.';
