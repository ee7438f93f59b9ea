--
-- 70_adopt_rows.sql: the files of rows, adopted one by one
--

-- A call of ffu.adopt for one attribute.
CREATE TYPE ffu._adoption AS (
	relation regclass,
	column_name name,
	attribute text,
	columns name[],
	has_column boolean,
	is_managed boolean,
	is_old boolean,
	policy jsonb,
	directory text,
	shared text[],
	stray jsonb,
	keep_old boolean,
	dry_run boolean
);
COMMENT ON TYPE ffu._adoption IS
'Internal: the task of a call of ffu.adopt, and the findings of the call.';
COMMENT ON COLUMN ffu._adoption.relation IS 'The table.';
COMMENT ON COLUMN ffu._adoption.column_name IS 'The file column.';
COMMENT ON COLUMN ffu._adoption.attribute IS 'The name of the attribute in the model.';
COMMENT ON COLUMN ffu._adoption.columns IS 'FFU''s columns: file name, mime type, extension.';
COMMENT ON COLUMN ffu._adoption.has_column IS 'The table has a column of the name already.';
COMMENT ON COLUMN ffu._adoption.is_managed IS 'The column was a file column before the call.';
COMMENT ON COLUMN ffu._adoption.is_old IS 'FFU''s columns have the names of version 0.1.';
COMMENT ON COLUMN ffu._adoption.policy IS 'The policy of the file column.';
COMMENT ON COLUMN ffu._adoption.directory IS 'FFU''s upload folder.';
COMMENT ON COLUMN ffu._adoption.shared IS 'The result of ffu._adopt_shared.';
COMMENT ON COLUMN ffu._adoption.stray IS 'The result of ffu._adopt_stray.';
COMMENT ON COLUMN ffu._adoption.keep_old IS 'The old files stay.';
COMMENT ON COLUMN ffu._adoption.dry_run IS 'The call changes nothing.';

-- A row and its file.
CREATE TYPE ffu._old_file AS (
	part regclass,
	id tid,
	key text,
	below text,
	mime_type text,
	ext text
);
COMMENT ON TYPE ffu._old_file IS
'Internal: a row of a table of flask-file-upload, and the file of the row.';
COMMENT ON COLUMN ffu._old_file.part IS 'The table or partition of the row.';
COMMENT ON COLUMN ffu._old_file.id IS 'The place of the row in the table.';
COMMENT ON COLUMN ffu._old_file.key IS 'The key of the row, in the form for the verbs.';
COMMENT ON COLUMN ffu._old_file.below IS 'The path of the file below FFU''s upload folder.';
COMMENT ON COLUMN ffu._old_file.mime_type IS 'The type by FFU.';
COMMENT ON COLUMN ffu._old_file.ext IS 'The extension by FFU.';

-- The file column may not exist in a dry run.  Then messages name FFU's column for
-- the file name.
CREATE FUNCTION ffu._adopt_look_at(job ffu._adoption, old ffu._old_file, below text,
								   file_name text, OUT mime_type text, OUT ext text)
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT l.mime_type, l.ext
	  FROM pg_attribute a
	 CROSS JOIN LATERAL ffu._adopt_look(
			(old).part, a.attnum, (job).policy, (job).directory, below, file_name,
			NOT (job).keep_old AND (old).below <> ALL ((job).shared)) l
	 WHERE a.attrelid = (old).part
	   AND a.attname = CASE WHEN (job).has_column THEN (job).column_name ELSE (job).columns[1] END
$$;
COMMENT ON FUNCTION ffu._adopt_look_at(ffu._adoption, ffu._old_file, text, text) IS
'Internal: the type and extension that the file of one row would get. '
'Raises the errors of ffu._adopt_look.';

CREATE FUNCTION ffu._adopt_give(job ffu._adoption, old ffu._old_file, below text,
								file_name text, OUT mime_type text, OUT ext text)
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
	-- The file is read with the rights of the caller.
	SELECT q.mime_type, q.ext
	  FROM ffu._query_as_owner((old).part, true,
		format('UPDATE ONLY %s SET %I = $1 WHERE ctid = $2 RETURNING %I::text, %I::text',
			   (old).part, (job).column_name, (job).column_name || '__mime_type',
			   (job).column_name || '__ext'),
		ffu._adopt_file((job).directory, below, file_name,
						NOT (job).keep_old AND (old).below <> ALL ((job).shared)),
		(old).id) AS q(mime_type text, ext text)
$$;
COMMENT ON FUNCTION ffu._adopt_give(ffu._adoption, ffu._old_file, text, text) IS
'Internal: gives one row its file. Raises the errors of ffu._adopt_file and of the UPDATE.';

CREATE FUNCTION ffu._adopt_store(job ffu._adoption, old ffu._old_file, below text, file_name text,
								 OUT problem text, OUT detail text,
								 OUT mime_type text, OUT ext text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF job.dry_run THEN
		SELECT l.mime_type, l.ext INTO mime_type, ext
		  FROM ffu._adopt_look_at(job, old, below, file_name) l;
	ELSE
		SELECT g.mime_type, g.ext INTO mime_type, ext
		  FROM ffu._adopt_give(job, old, below, file_name) g;
	END IF;
EXCEPTION
	WHEN check_violation OR string_data_right_truncation OR not_null_violation
		OR invalid_parameter_value THEN
		problem := 'refused';
		detail := SQLERRM || '.';
		IF NOT job.has_column THEN
			detail := replace(detail, format('"%s"', job.columns[1]),
							  format('"%s"', job.column_name));
		END IF;
	WHEN insufficient_privilege THEN
		problem := 'unreadable';
		detail := SQLERRM || '.';
	WHEN undefined_file OR wrong_object_type OR object_not_in_prerequisite_state THEN
		problem := 'changed';
		detail := SQLERRM || '.';
END
$$;
COMMENT ON FUNCTION ffu._adopt_store(ffu._adoption, ffu._old_file, text, text) IS
'Internal: gives one row its file, or finds out whether the row could have the file. '
'An error of this file alone is a problem, and does not stop other files.';

CREATE FUNCTION ffu._adopt_remarks(job ffu._adoption, old ffu._old_file, file_name text,
								   size bigint, new_mime_type text, new_ext text)
RETURNS TABLE (problem text, detail text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT p.problem, p.detail
	  FROM (SELECT (job).stray ->> (old).below AS stray) s
	 CROSS JOIN LATERAL (VALUES
			('raw_name', file_name <> regexp_replace((old).below, '^.*/', ''),
			 format('On the disk its name is %s.', quote_literal(file_name))),
			('misplaced', s.stray IS NOT NULL,
			 format('It is %s: the row had no key yet. No other row lacks a file of this name.',
					quote_literal(s.stray))),
			('empty', size = 0, 'It has no bytes.'),
			('shared', (old).below = ANY ((job).shared),
			 'Another row or column names this file too; each gets a file of its own, '
			 'and the old one stays.'),
			('ext', (old).ext IS DISTINCT FROM new_ext,
			 format('FFU said %s, it is %s.', quote_nullable((old).ext), quote_nullable(new_ext))),
			('mime_type', (old).mime_type IS DISTINCT FROM new_mime_type,
			 format('FFU said %s, it is %s.', quote_nullable((old).mime_type),
					quote_nullable(new_mime_type)))) AS p(problem, there, detail)
	 WHERE p.there
$$;
COMMENT ON FUNCTION ffu._adopt_remarks(ffu._adoption, ffu._old_file, text, bigint, text, text) IS
'Internal: the problems of an adopted file.';

CREATE FUNCTION ffu._adopt_row(job ffu._adoption, old ffu._old_file)
RETURNS TABLE (action text, problem text, detail text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	file record;
	stored record;
	place text := coalesce(job.stray ->> old.below, old.below);
	wanted text := regexp_replace(old.below, '^.*/', '');
BEGIN
	SELECT f.* INTO file FROM ffu._adopt_find(job.directory, place) f;
	problem := file.problem;
	detail := file.detail;
	IF problem IS NULL THEN
		-- Nothing but the extension was left of a name without ASCII.
		SELECT s.* INTO stored
		  FROM ffu._adopt_store(job, old, regexp_replace(place, '[^/]*$', '') || file.name,
								CASE WHEN wanted LIKE '%.%' THEN wanted ELSE file.name END) s;
		problem := stored.problem;
		detail := stored.detail;
	END IF;
	action := CASE WHEN problem IS NOT NULL THEN 'left'
				   WHEN job.dry_run THEN 'would adopt' ELSE 'adopted' END;
	RETURN NEXT;
	IF problem IS NULL THEN
		RETURN QUERY
		SELECT action, r.problem, r.detail
		  FROM ffu._adopt_remarks(job, old, file.name, file.size, stored.mime_type, stored.ext) r;
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._adopt_row(ffu._adoption, ffu._old_file) IS
'Internal: adopts the file of one row, or looks at the file in a dry run. Returns a row with the '
'action, and a row for each problem of an adopted file.';

CREATE FUNCTION ffu._old_rows(job ffu._adoption, part regclass)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('SELECT t.ctid, %1$s, %2$L || %3$s || ''/'' || t.%4$I, t.%5$I::text, t.%6$I::text'
				  '  FROM ONLY %7$s t'
				  ' WHERE t.%4$I <> '''' AND t.ctid >= $1 AND t.ctid < $2 %8$s ORDER BY 1',
				  k.key, ffu._name((job).relation) || '/', k.first,
				  (job).columns[1], (job).columns[2], (job).columns[3], part,
				  CASE WHEN (job).has_column
					   THEN format('AND t.%I IS NULL', (job).column_name) END)
	  FROM ffu._adopt_key((job).relation) k
$$;
COMMENT ON FUNCTION ffu._old_rows(ffu._adoption, regclass) IS
'Internal: the query for rows with a file of FFU''s and no file in the file column, '
'between two places in the table, $1 and $2.';

CREATE FUNCTION ffu._adopt_part(job ffu._adoption, part regclass, first_block bigint,
								next_block bigint)
RETURNS TABLE (action text, problem text, key text, path text, detail text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET row_security = off
SET datestyle = 'ISO, YMD'
AS $$
DECLARE
	old ffu._old_file;
BEGIN
	FOR old IN
		SELECT part, q.*
		  FROM ffu._query_as_owner(part, false, ffu._old_rows(job, part),
								   format('(%s,0)', first_block)::tid,
								   format('(%s,0)', next_block)::tid)
			AS q(id tid, key text, below text, mime_type text, ext text)
	LOOP
		key := old.key;
		path := old.below;
		FOR action, problem, detail IN
			SELECT r.action, r.problem, r.detail FROM ffu._adopt_row(job, old) r
		LOOP
			RETURN NEXT;
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._adopt_part(ffu._adoption, regclass, bigint, bigint) IS
'Internal: adopts the files of some blocks of a table, of rows without a file in the file column. '
'Returns the rows of ffu._adopt_row, with key and path.';
