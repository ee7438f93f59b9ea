--
-- 54_column.sql: declaring, changing and dropping file columns
--


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
							   if_not_exists boolean DEFAULT false,
							   content_check text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	policy jsonb;
BEGIN
	PERFORM ffu._check_table(relation, column_name, 'ACCESS EXCLUSIVE');
	PERFORM ffu._check_trusted(relation);
	IF if_not_exists AND (SELECT f.key FROM ffu._find_column(relation, column_name) f) IS NOT NULL THEN
		RAISE NOTICE 'file column "%" of relation "%" already exists, skipping', column_name, ffu._name(relation);
		RETURN;
	END IF;
	PERFORM ffu._check_new_names(relation, column_name);
	policy := ffu._make_policy(allowed_extensions, allowed_mime_types, max_size::text,
							   path_template, content_check);
	PERFORM ffu._add_columns(relation, column_name, coalesce(required, false));
	PERFORM ffu._manage(relation, column_name, ffu._companions(), policy);
	IF urls THEN
		PERFORM ffu._add_url_functions(relation, column_name);
	END IF;
END
$$;
COMMENT ON FUNCTION ffu.add_column(regclass, name, text[], text[], anycompatible, text, boolean, boolean, boolean, text) IS
'Adds a file column to a table. '
'Makes the column (type ffu.file), its companions __file_name, __mime_type, __ext (text), __size (bigint) and __sha256 (text), '
'the triggers that store and remove files, and, with urls, the computed fields of ffu.add_url_functions. '
'The table is not rewritten; its owner may do this, if ffu.grant_columns named the owner, and a superuser; expressions of the table are evaluated with the rights of its owner only. '
'allowed_extensions: which extensions, ''{}'' for none and ''{*}'' for any; NULL: those of the setting ffu.allowed_extensions. '
'allowed_mime_types: for example ''{application/pdf,image/*}''; NULL: any. '
'content_check: what happens to a file whose extension contradicts its content, ''error'', ''warning'' or ''off''; '
'NULL: the setting ffu.content_check. '
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
								  if_not_exists boolean DEFAULT false,
								  keep_values boolean DEFAULT false,
								  copy_values boolean DEFAULT false,
								  content_check text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	policy jsonb;
BEGIN
	PERFORM ffu._check_table(relation, column_name,
							 CASE WHEN required THEN 'ACCESS EXCLUSIVE' ELSE 'SHARE ROW EXCLUSIVE' END);
	PERFORM ffu._check_trusted(relation);
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
	IF keep_values AND copy_values THEN
		PERFORM ffu._refuse(relation, column_name, '22023',
			'values cannot be both kept and copied',
			'With keep_values the rows own the files their values name; with copy_values, copies of them.',
			'Give one of keep_values and copy_values.');
	ELSIF NOT (keep_values OR copy_values) THEN
		PERFORM ffu._check_no_values(relation, column_name);
	END IF;
	policy := ffu._make_policy(allowed_extensions, allowed_mime_types, max_size::text,
							   path_template, content_check);
	IF required THEN
		PERFORM ffu._set_required(relation, column_name, true);
	END IF;
	PERFORM ffu._manage(relation, column_name, ffu._existing_companions(relation, column_name), policy);
	IF copy_values THEN
		PERFORM ffu._copy_values(relation, column_name);
	END IF;
	IF urls THEN
		PERFORM ffu._add_url_functions(relation, column_name);
	END IF;
END
$$;
COMMENT ON FUNCTION ffu.manage_column(regclass, name, text[], text[], anycompatible, text, boolean, boolean, boolean, boolean, boolean, text) IS
'Makes a file column of a column that exists, for tables made by an ORM or a migration. '
'The column must be of type ffu.file, text or character varying and keeps its type. '
'Columns that exist are used as its companions if they have the right name (the column''s with __file_name, __mime_type, __ext, __size or __sha256 added) '
'and type (bigint for __size, text or character varying for the others); without one, that fact is not recorded. '
'A column that has values already is refused with 55000, since deleting its rows would delete those files, unless keep_values says that no other table has them, or copy_values asks for a file of its own for each row: '
'a hard link under a new path, which an UPDATE with the rights of the table''s owner assigns. '
'The other arguments are those of ffu.add_column; required sets NOT NULL. Values are read with the rights of the table''s owner. '
'Raises what ffu.add_column does, and 42703 (no such column), 42804 (its type), 42710 (a file column already; use ffu.alter_column), '
'23503 (copy_values: a value names no file).';

CREATE FUNCTION ffu.alter_column(relation regclass, column_name name,
								 allowed_extensions text[] DEFAULT NULL,
								 allowed_mime_types text[] DEFAULT NULL,
								 max_size anycompatible DEFAULT NULL::text,
								 path_template text DEFAULT NULL,
								 required boolean DEFAULT NULL,
								 reset text[] DEFAULT '{}',
								 content_check text DEFAULT NULL)
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
	PERFORM ffu._check_trusted(relation);
	SELECT f.* INTO col FROM ffu._require_column(relation, column_name) f;
	given := ffu._make_policy(allowed_extensions, allowed_mime_types, max_size::text,
							   path_template, content_check);
	PERFORM ffu._check_reset(reset, given);
	PERFORM ffu._replace_policy(relation, col.trigger_name, col.columns, col.key,
								(col.policy - coalesce(reset, '{}')) || given);
	IF required IS NOT NULL THEN
		PERFORM ffu._set_required(relation, column_name, required);
	END IF;
END
$$;
COMMENT ON FUNCTION ffu.alter_column(regclass, name, text[], text[], anycompatible, text, boolean, text[], text) IS
'Changes the policy of a file column: what is given and not NULL, as in ffu.add_column; the rest stays. '
'required: true sets NOT NULL, false takes it away. '
'reset: items that go back to their default, of allowed_extensions, allowed_mime_types, max_size, path_template and content_check, '
'for example reset => ''{max_size}''. '
'Files that are stored already are not checked again. NOT NULL is set with the rights of the table''s owner. '
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
	func regprocedure;
BEGIN
	PERFORM ffu._check_table(relation, column_name, 'ACCESS EXCLUSIVE');
	PERFORM FROM pg_catalog.pg_attribute a WHERE a.attrelid = relation AND a.attname = column_name;
	IF if_exists AND NOT FOUND THEN
		RAISE NOTICE 'column "%" of relation "%" does not exist, skipping', column_name, ffu._name(relation);
		RETURN;
	END IF;
	SELECT f.* INTO col FROM ffu._require_column(relation, column_name) f;
	PERFORM ffu._check_dependents(relation, col.columns, col.key);
	FOR func IN SELECT ffu._url_functions(relation, column_name) LOOP
		EXECUTE format('DROP FUNCTION %s', func);
	END LOOP;
	PERFORM ffu._drop_columns(relation, col.key, coalesce(keep_files, false));
END
$$;
COMMENT ON FUNCTION ffu.drop_column(regclass, name, boolean, boolean) IS
'Drops a file column with its companions, triggers and computed fields. '
'Its files are removed after commit, as by DELETE; with keep_files they stay in the folder and belong to nobody. The columns are dropped with the rights of the table''s owner. '
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
	ffu._check_no_values, ffu._check_trusted,
	ffu._check_family, ffu._check_partition_key, ffu._check_partition_owners, ffu._check_table, ffu._companions, ffu._check_new_names,
	ffu._check_existing, ffu._existing_companions, ffu._add_columns,
	ffu._set_required, ffu._normal_extension, ffu._normal_extensions, ffu._normal_mime_types,
	ffu._normal_size, ffu._make_policy, ffu._policy, ffu._complaint, ffu._policy_array,
	ffu._find_column, ffu._require_column, ffu._triggers, ffu._cut,
	ffu._trigger_suffixes, ffu._choose_names, ffu._create_set_trigger,
	ffu._create_truncate_trigger, ffu._create_row_trigger, ffu._create_triggers, ffu._manage,
	ffu._url_functions, ffu._url_obstacle, ffu._create_url_function,
	ffu._add_url_functions, ffu._check_reset, ffu._replace_policy,
	ffu._check_dependents,
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
	ffu._check_no_values, ffu._check_trusted,
	ffu._check_family, ffu._check_partition_key, ffu._check_partition_owners, ffu._check_table, ffu._companions, ffu._check_new_names,
	ffu._check_existing, ffu._existing_companions, ffu._add_columns,
	ffu._set_required, ffu._normal_extension, ffu._normal_extensions, ffu._normal_mime_types,
	ffu._normal_size, ffu._make_policy, ffu._policy, ffu._complaint, ffu._policy_array,
	ffu._find_column, ffu._require_column, ffu._triggers, ffu._cut,
	ffu._trigger_suffixes, ffu._choose_names, ffu._create_set_trigger,
	ffu._create_truncate_trigger, ffu._create_row_trigger, ffu._create_triggers, ffu._manage,
	ffu._url_functions, ffu._url_obstacle, ffu._create_url_function,
	ffu._add_url_functions, ffu._check_reset, ffu._replace_policy,
	ffu._check_dependents
	TO PUBLIC;
