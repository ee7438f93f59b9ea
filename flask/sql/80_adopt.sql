--
-- 80_adopt.sql: a table and upload folder of flask-file-upload, adopted
--


--
-- The column
--

CREATE FUNCTION ffu._adopt_lock(relation regclass, name name, dry_run boolean)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN dry_run THEN 'ACCESS SHARE'
			WHEN ffu._has_file_column(relation, name) THEN 'SHARE ROW EXCLUSIVE'
			ELSE 'ACCESS EXCLUSIVE' END;
COMMENT ON FUNCTION ffu._adopt_lock(regclass, name, boolean) IS
'Internal: the lock that adopting takes on a table. Readers wait only while the file column is '
'made.';

CREATE FUNCTION ffu._adopt_check(job ffu._adoption)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ffu._check_table(job.relation, job.column_name,
							 ffu._adopt_lock(job.relation, job.column_name, job.dry_run));
	PERFORM ffu._check_trusted(job.relation);
	PERFORM ffu._key_columns(job.relation);
	IF job.directory IS NULL THEN
		PERFORM ffu._refuse(job.relation, job.column_name, '22004', 'root must not be null',
			'It is the upload folder of flask-file-upload, on the server.',
			'Give its absolute path.');
	END IF;
	IF NOT job.keep_old AND NOT pg_has_role('pg_write_server_files', 'USAGE') THEN
		PERFORM ffu._refuse(job.relation, job.column_name, '42501',
			'permission denied to move files of the server',
			'Only roles with privileges of role "pg_write_server_files" may.',
			'Leave the old files where they are: keep_old => true.');
	END IF;
	-- Raises an error if the directory cannot be read.
	PERFORM FROM ffu._adopt_list(job.directory, '');
END
$$;
COMMENT ON FUNCTION ffu._adopt_check(ffu._adoption) IS
'Internal: locks the table, and checks arguments and rights. Raises 22004, 42501, 55000, '
'and the errors of ffu._check_table and ffu._adopt_list.';

CREATE FUNCTION ffu._adopt_begin(relation regclass, name name, root text, attribute text,
								 policy jsonb, keep_old boolean, dry_run boolean)
RETURNS ffu._adoption
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	job ffu._adoption;
	old record;
BEGIN
	job.relation := relation;
	job.column_name := name;
	job.directory := root;
	job.keep_old := coalesce(keep_old, true);
	job.dry_run := coalesce(dry_run, true);
	PERFORM ffu._adopt_check(job);
	job.has_column := ffu._has_column(relation, name);
	job.is_managed := ffu._has_file_column(relation, name);
	job.attribute := CASE WHEN job.is_managed THEN name ELSE coalesce(attribute, name) END;
	job.policy := CASE WHEN job.is_managed
					   THEN (SELECT f.policy FROM ffu._find_column(relation, name) f)
					   ELSE policy END;
	SELECT o.* INTO old FROM ffu._old_columns(relation, job.attribute) o;
	job.is_old := old.file_type IS NOT NULL AND old.ext IS NULL;
	job.columns := CASE WHEN job.is_old THEN ARRAY[old.file_name, old.file_type, old.mime_type]
						ELSE ARRAY[old.file_name, old.mime_type, old.ext] END;
	IF array_position(job.columns, NULL) IS NOT NULL THEN
		PERFORM ffu._refuse(relation, name, '42703',
			format('relation "%s" has no columns of flask-file-upload for "%s"',
				   ffu._name(relation), job.attribute),
			format('It has them for: %s.',
				   coalesce((SELECT string_agg(a, ', ')
							   FROM ffu._old_attributes(relation, '__file_name') a), 'nothing')),
			'Of "name" they are name__file_name, name__mime_type and name__ext, or '
			'name__file_type instead of the last; give the name of the model''s attribute.');
	END IF;
	RETURN job;
END
$$;
COMMENT ON FUNCTION ffu._adopt_begin(regclass, name, text, text, jsonb, boolean, boolean) IS
'Internal: checks the arguments of ffu.adopt, locks the table, and finds FFU''s columns. '
'Raises 42703 if the table has no such columns for the attribute, '
'and the errors of ffu._adopt_check.';

CREATE FUNCTION ffu._adopt_prepare(relation regclass, attribute text, name name)
RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	old record;
	col record;
BEGIN
	IF ffu._upgrade_names(relation, attribute) THEN
		RETURN NEXT 'The columns had the names of version 0.1.';
	END IF;
	IF attribute <> name THEN
		SELECT o.* INTO old FROM ffu._old_columns(relation, attribute) o;
		PERFORM ffu._rename_column(relation, old.file_name, name || '__file_name');
		PERFORM ffu._rename_column(relation, old.mime_type, name || '__mime_type');
		PERFORM ffu._rename_column(relation, old.ext, name || '__ext');
	END IF;
	-- The columns of 0.0.9 to 0.1.0-rc.2 have room for a few characters only.
	FOR col IN
		SELECT a.attname, a.atttypmod FROM pg_attribute a
		 WHERE a.attrelid = relation AND a.atttypmod BETWEEN 4 AND 4 + 254
		   AND a.attname IN (name || '__file_name', name || '__mime_type', name || '__ext')
	LOOP
		-- The type stays, without a limit: an application's migrations see no change.
		PERFORM ffu._command_as_owner(relation,
			format('ALTER TABLE %s ALTER COLUMN %I TYPE varchar', relation, col.attname));
		RETURN NEXT format('Column "%s" had room for %s characters and is of type '
						   'character varying now.', col.attname, col.atttypmod - 4);
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._adopt_prepare(regclass, text, name) IS
'Internal: makes FFU''s columns of an attribute into companions of a file column. '
'Returns the changes, in words.';

CREATE FUNCTION ffu._adopt_manage(job ffu._adoption)
RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning	-- the triggers follow at once
AS $$
DECLARE
	tab regclass := job.relation;
	name name := job.column_name;
BEGIN
	IF octet_length(name) > 52 THEN
		PERFORM ffu._check_new_names(tab, name);	-- raises 42622
	END IF;
	RETURN QUERY SELECT ffu._adopt_prepare(tab, job.attribute, name);
	IF job.has_column THEN
		PERFORM ffu._check_existing(tab, name);
		PERFORM ffu._check_no_values(tab, name);
	ELSE
		EXECUTE format('ALTER TABLE %s ADD COLUMN %I ffu.file', tab, name);
	END IF;
	EXECUTE format('ALTER TABLE %s ADD COLUMN IF NOT EXISTS %I bigint, '
				   'ADD COLUMN IF NOT EXISTS %I text', tab, name || '__size', name || '__sha256');
	PERFORM ffu._manage(tab, name, ffu._existing_companions(tab, name), job.policy);
	PERFORM ffu._add_url_functions(tab, name);
	PERFORM ffu._adopt_guard(tab, name);
END
$$;
COMMENT ON FUNCTION ffu._adopt_manage(ffu._adoption) IS
'Internal: makes a file column for an attribute of FFU''s. Returns the changes, in words.';

CREATE FUNCTION ffu._adopt_columns(job ffu._adoption)
RETURNS TABLE (action text, detail text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT job.dry_run AND NOT job.is_managed THEN
		RETURN QUERY SELECT 'changed', m FROM ffu._adopt_manage(job) m;
	ELSIF job.is_old THEN
		RETURN QUERY VALUES ('would change', 'The columns have the names of version 0.1.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._adopt_columns(ffu._adoption) IS
'Internal: makes the file column, unless the table has the file column or the run is dry. '
'Returns the changes, or in a dry run the changes of a real run, in words.';

CREATE FUNCTION ffu._adopt_survey(job ffu._adoption)
RETURNS ffu._adoption
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT job.dry_run AND NOT job.is_managed THEN
		job.has_column := true;
		job.columns := ARRAY[job.column_name || '__file_name', job.column_name || '__mime_type',
							 job.column_name || '__ext'];
	END IF;
	job.shared := ffu._adopt_shared(job.relation);
	job.stray := ffu._adopt_stray(job.relation, job.directory);
	RETURN job;
END
$$;
COMMENT ON FUNCTION ffu._adopt_survey(ffu._adoption) IS
'Internal: completes the findings of a call of ffu.adopt, after the file column has been made: '
'columns, shared files, stray files.';


--
-- The calls
--

CREATE FUNCTION ffu._adopt_is_first(relation regclass, file_name_column name)
RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	-- A file column without a guard was never a column of FFU.
	SELECT file_name_column = (
		SELECT a || '__file_name'
		  FROM ffu._old_attributes(relation, '__file_name') WITH ORDINALITY AS o(a, place)
		 WHERE a || '__file_name' = file_name_column OR NOT ffu._has_file_column(relation, a::name)
			OR EXISTS (SELECT FROM pg_trigger t
						WHERE t.tgrelid = relation AND t.tgname = ffu._guard_name(a))
		 ORDER BY place LIMIT 1)
$$;
COMMENT ON FUNCTION ffu._adopt_is_first(regclass, name) IS
'Internal: tells whether this is the first attribute of FFU''s in the table. '
'The call of ffu.adopt for that attribute lists the files that no row names.';

CREATE FUNCTION ffu._tell_adopted(dry_run boolean, adopted bigint, left_alone bigint)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE NOTICE 'files %: %; rows left without one: %',
		CASE WHEN dry_run THEN 'to adopt' ELSE 'adopted' END, adopted, left_alone;
END
$$;
COMMENT ON FUNCTION ffu._tell_adopted(boolean, bigint, bigint) IS
'Internal: a NOTICE with the numbers of ffu.adopt.';

CREATE FUNCTION ffu.adopt(relation regclass, name name, root text,
						  dry_run boolean DEFAULT true, keep_old boolean DEFAULT true,
						  allowed_extensions text[] DEFAULT NULL,
						  allowed_mime_types text[] DEFAULT NULL,
						  max_size anycompatible DEFAULT NULL::text,
						  path_template text DEFAULT NULL, attribute text DEFAULT NULL)
RETURNS TABLE (action text, problem text, key text, column_name name, path text, detail text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	job ffu._adoption;
	item record;
	adopted bigint := 0;
	left_alone bigint := 0;
BEGIN
	job := ffu._adopt_begin(relation, name, root, attribute,
							ffu._make_policy(allowed_extensions, allowed_mime_types,
											 max_size::text, path_template),
							keep_old, dry_run);
	RETURN QUERY
	SELECT c.action, 'columns', NULL::text, name, NULL::text, c.detail
	  FROM ffu._adopt_columns(job) c;
	job := ffu._adopt_survey(job);
	FOR item IN
		SELECT p.* FROM ffu._tree(relation) m
		  JOIN pg_class c ON c.oid = m AND c.relkind = 'r'
		 CROSS JOIN LATERAL ffu._adopt_part(job, m, 0, 4294967295) p
	LOOP
		adopted := adopted + (item.problem IS NULL)::int;
		left_alone := left_alone + (item.action = 'left')::int;
		CONTINUE WHEN item.problem IS NULL;
		RETURN QUERY
		VALUES (item.action, item.problem, item.key, name, item.path, item.detail);
	END LOOP;
	IF ffu._adopt_is_first(relation, job.columns[1]) THEN
		RETURN QUERY
		SELECT 'left', u.problem, NULL::text, name, u.path, u.detail
		  FROM ffu._adopt_unnamed(relation, root, job.stray) u;
	END IF;
	PERFORM ffu._tell_adopted(job.dry_run, adopted, left_alone);
END
$$;
COMMENT ON FUNCTION ffu.adopt(regclass, name, text, boolean, boolean, text[], text[],
							  anycompatible, text, text) IS
'Takes over the files of flask-file-upload for an attribute of a model: makes the file column, '
'with FFU''s columns as companions, and gives each row its file, in a single transaction. '
'Takes the table, the name of the attribute, root, which is FFU''s upload folder on the server, '
'and dry_run: true changes nothing, and reports the same. '
'keep_old: the old files stay; a file of the server''s user alone, on the file system of the '
'folder, becomes the stored file as well (a hard link), any other is copied. '
'Without keep_old the old files go after commit. '
'The next four are the policy of the file column, as in ffu.add_column. '
'attribute: the name in the model, if the file column gets another name. '
'Returns one row for each problem: missing, empty, outside, ambiguous, unreadable, not_a_file, '
'refused (by the policy), changed, shared, raw_name, misplaced (in None/), ext, mime_type, '
'columns, and, with the first attribute of the table, unnamed (a file that no row names); '
'action says whether the file was adopted or left. '
'A row whose file was left keeps its text; a second call tries again. '
'Rows are read and updated with the rights of the table''s owner, whose triggers fire; '
'the old files are read with the rights of the caller. '
'For the owner of the table, with the privileges of pg_read_server_files, '
'and without keep_old of pg_write_server_files. '
'Raises 42703 if the table has no columns of FFU for this name, 42501 also if the server may not '
'read the folder, 55000, 22004, 22023, and the errors of ffu.manage_column.';

CREATE FUNCTION ffu._adopt_batch(job ffu._adoption, part regclass, first_block bigint,
								 next_block bigint, OUT adopted bigint, OUT left_alone bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	item record;
BEGIN
	adopted := 0;
	left_alone := 0;
	PERFORM ffu._lock_table(job.relation, 'SHARE ROW EXCLUSIVE');
	FOR item IN SELECT p.* FROM ffu._adopt_part(job, part, first_block, next_block) p LOOP
		adopted := adopted + (item.problem IS NULL)::int;
		IF item.action = 'left' THEN
			left_alone := left_alone + 1;
			RAISE WARNING 'file of row % was not adopted: %', quote_literal(item.key), item.problem
				USING DETAIL = format('The path is "%s". %s', item.path, item.detail);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._adopt_batch(ffu._adoption, regclass, bigint, bigint) IS
'Internal: adopts the files of some blocks. Returns the numbers of adopted files and of rows '
'whose file was left; each of these rows gets a WARNING.';

-- A procedure with COMMIT cannot set search_path, so all names in the body are
-- qualified.
CREATE PROCEDURE ffu.adopt_in_batches(relation regclass, name name, root text,
									  batch int DEFAULT 1000, keep_old boolean DEFAULT true,
									  allowed_extensions text[] DEFAULT NULL,
									  allowed_mime_types text[] DEFAULT NULL,
									  max_size anycompatible DEFAULT NULL::text,
									  path_template text DEFAULT NULL, attribute text DEFAULT NULL)
LANGUAGE plpgsql
AS $$
DECLARE
	job ffu._adoption;
	piece record;
	done record;
	adopted bigint := 0;
	left_alone bigint := 0;
	since timestamptz := pg_catalog.clock_timestamp();
BEGIN
	job := ffu._adopt_begin(relation, name, root, attribute,
							ffu._make_policy(allowed_extensions, allowed_mime_types,
											 max_size::text, path_template),
							keep_old, false);
	PERFORM FROM ffu._adopt_columns(job);
	COMMIT;
	job := ffu._adopt_survey(job);
	FOR piece IN
		SELECT p.part, p.first_block, p.next_block
		  FROM ffu._relocation_parts(relation, name, batch) p
	LOOP
		SELECT b.adopted, b.left_alone INTO done
		  FROM ffu._adopt_batch(job, piece.part, piece.first_block, piece.next_block) b;
		adopted := adopted OPERATOR(pg_catalog.+) done.adopted;
		left_alone := left_alone OPERATOR(pg_catalog.+) done.left_alone;
		COMMIT;
		IF done.adopted OPERATOR(pg_catalog.>) 0 THEN
			PERFORM ffu._tell_progress('adopted', adopted, left_alone, since);
		END IF;
	END LOOP;
	COMMIT;
	PERFORM ffu._tell_progress('adoption finished', adopted, left_alone, since);
END
$$;
COMMENT ON PROCEDURE ffu.adopt_in_batches(regclass, name, text, int, boolean, text[], text[],
										  anycompatible, text, text) IS
'Does what ffu.adopt does, in transactions of about batch rows, with a NOTICE after each and a '
'WARNING for each row whose file was left. '
'An interrupted call can be repeated: rows with a file are left out. '
'Nobody should write FFU''s columns meanwhile. '
'To be called outside a transaction block. Takes and raises what ffu.adopt does.';
