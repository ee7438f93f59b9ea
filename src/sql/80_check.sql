--
-- 80_check.sql: what went round ffu: finding it, and mending it
--
-- For superusers, and for those they grant it to.
--


--
-- Check
--

CREATE FUNCTION ffu._path_columns(relation regclass)
RETURNS TABLE (relid oid, attnum int2, managed boolean, size int2, sha256 int2)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT c.oid, a.attnum, d.policy IS NOT NULL, d.size, d.sha256
	  FROM pg_catalog.pg_class c
	  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	  LEFT JOIN LATERAL (
		SELECT p.policy,
			   (SELECT t.tgattr[u.i::int]
				  FROM pg_catalog.jsonb_array_elements_text(p.policy -> 'companions') WITH ORDINALITY u(what, i)
				 WHERE u.what = 'size') AS size,
			   (SELECT t.tgattr[u.i::int]
				  FROM pg_catalog.jsonb_array_elements_text(p.policy -> 'companions') WITH ORDINALITY u(what, i)
				 WHERE u.what = 'sha256') AS sha256
		  FROM pg_catalog.pg_trigger t
		 CROSS JOIN LATERAL (SELECT ffu._policy(t.oid) AS policy) p
		 WHERE t.tgrelid = c.oid AND t.tgattr[0] = a.attnum AND t.tgnargs = 2
		   AND t.tgfoid = 'ffu.before_row()'::pg_catalog.regprocedure
		   AND p.policy IS NOT NULL
		 LIMIT 1) d ON true
	 WHERE c.relkind = 'r' AND c.relpersistence = 'p'
	   AND (relation IS NULL OR c.oid IN (SELECT m FROM ffu._tree(relation) m))
	   AND (a.atttypid = 'ffu.file'::pg_catalog.regtype
			OR (c.oid, a.attnum) IN (
				SELECT t.tgrelid, t.tgattr[0] FROM pg_catalog.pg_trigger t
				 WHERE t.tgfoid = 'ffu.before_row()'::pg_catalog.regprocedure AND t.tgattr[0] IS NOT NULL));
END;
COMMENT ON FUNCTION ffu._path_columns(regclass) IS
'Internal: the columns of tables that can have paths, of one table and its partitions or of all, whether they are file columns, and their companions with size and checksum.';

CREATE FUNCTION ffu._check_files(relation regclass, content boolean)
RETURNS TABLE (problem text, relation regclass, column_name name, path text, detail text, row_id tid)
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ffu_check_files';
COMMENT ON FUNCTION ffu._check_files(regclass, boolean) IS
'Internal: what of rows and files does not agree, for ffu.check.';

CREATE FUNCTION ffu._check_staging()
RETURNS TABLE (path text, detail text)
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ffu_check_staging';
COMMENT ON FUNCTION ffu._check_staging() IS
'Internal: staging names that no transaction at work has, for ffu.check.';

CREATE FUNCTION ffu._has_value(relation oid, attnum int2) RETURNS boolean
LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'ffu_has_value';
COMMENT ON FUNCTION ffu._has_value(oid, int2) IS
'Internal: whether a column of a table or of its partitions has a value that is not empty. Reads it, whoever calls, and runs no code of its owner''s.';

CREATE FUNCTION ffu._check_unmanaged(relation regclass)
RETURNS TABLE (relation regclass, column_name name, detail text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT c.oid::pg_catalog.regclass, a.attname,
		   'It has the type ffu.file but not the triggers: it owns no file.'
	  FROM pg_catalog.pg_attribute a
	  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
	 WHERE a.atttypid = 'ffu.file'::pg_catalog.regtype AND a.attnum > 0 AND NOT a.attisdropped
	   AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition
	   AND ($1 IS NULL OR c.oid IN (SELECT m FROM ffu._tree($1) m))
	   AND (a.attname IN (SELECT t.key FROM ffu._triggers(c.oid) t) OR ffu._has_value(c.oid, a.attnum))
	   -- What has a declaration that is not valid is another problem.
	   AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t
						WHERE t.tgrelid = c.oid AND t.tgattr[0] = a.attnum AND t.tgnargs = 2
						  AND t.tgfoid = 'ffu.before_row()'::pg_catalog.regprocedure)
	   AND a.attname NOT IN (SELECT t.key FROM ffu._triggers(c.oid) t WHERE t.key IS NOT NULL);
END;
COMMENT ON FUNCTION ffu._check_unmanaged(regclass) IS
'Internal: columns that have the type of a file column and are none, for ffu.check.';

-- One row for each key without a valid declaration, and for each further
-- declaration of a key that has one.
CREATE FUNCTION ffu._check_declarations(relation regclass)
RETURNS TABLE (relation regclass, column_name name, detail text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH own AS (
		SELECT t.oid, t.tgrelid, t.tgname, (ffu.trigger_arguments(t.oid))[1] AS key,
			   ffu._policy(t.oid) IS NOT NULL AS valid, ffu._complaint(t.oid) AS complaint,
			   (SELECT a.attname FROM pg_catalog.pg_attribute a
				 WHERE a.attrelid = t.tgrelid AND a.attnum = t.tgattr[0]) AS attname
		  FROM pg_catalog.pg_trigger t
		  JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid AND NOT c.relispartition
		 WHERE t.tgfoid IN ('ffu.before_row()'::pg_catalog.regprocedure,
							'ffu.after_row()'::pg_catalog.regprocedure,
							'ffu.before_truncate()'::pg_catalog.regprocedure)
		   AND ($1 IS NULL OR c.oid IN (SELECT m FROM ffu._tree($1) m))
	), judged AS (
		SELECT w.*, pg_catalog.bool_or(w.valid) OVER (PARTITION BY w.tgrelid, w.key) AS declared
		  FROM own w
	)
	SELECT o.tgrelid::pg_catalog.regclass,
		   coalesce(pg_catalog.min(o.attname) FILTER (WHERE o.complaint IS NOT NULL),
					pg_catalog.left(o.key, 63))::name,
		   pg_catalog.format('%s %s',
			   coalesce(pg_catalog.min(o.complaint),
						'No trigger declares a file column of this key.'),
			   pg_catalog.format('Its triggers: %s.', pg_catalog.string_agg(
				   pg_catalog.quote_ident(o.tgname), ', ' ORDER BY o.tgname)))
	  FROM judged o
	 WHERE o.complaint IS NOT NULL OR NOT o.declared
	 GROUP BY o.tgrelid, o.key
	 ORDER BY o.tgrelid, o.key;
END;
COMMENT ON FUNCTION ffu._check_declarations(regclass) IS
'Internal: triggers of file columns whose declaration is missing or not valid, for ffu.check.';

-- One row for each trigger that a file column should have and has not, or has
-- disabled; on the partitioned table before its partitions.
CREATE FUNCTION ffu._check_triggers(relation regclass)
RETURNS TABLE (relation regclass, column_name name, trigger_name name, missing boolean,
			   declared regclass, base text, suffix text, key text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH declared AS (
		SELECT t.tgrelid, a.attname, (ffu.trigger_arguments(t.oid))[1] AS key,
			   pg_catalog.regexp_replace(t.tgname, '_1_set$', '') AS base
		  FROM pg_catalog.pg_trigger t
		  JOIN pg_catalog.pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = t.tgattr[0]
		 WHERE t.tgfoid = 'ffu.before_row()'::pg_catalog.regprocedure
		   AND t.tgnargs = 2 AND t.tgparentid = 0 AND ffu._policy(t.oid) IS NOT NULL
	)
	-- tgtype & 127: row 1, before 2, insert 4, delete 8, update 16, truncate 32
	SELECT m, d.attname, coalesce(x.tgname, (d.base || k.suffix)::name), x.tgname IS NULL,
		   d.tgrelid::pg_catalog.regclass, d.base, k.suffix, d.key
	  FROM declared d
	 CROSS JOIN LATERAL ffu._tree(d.tgrelid) m
	 CROSS JOIN ROWS FROM (pg_catalog.unnest('{23,19,5,17,9,34}'::int[]),
						   pg_catalog.unnest(ffu._trigger_suffixes())) AS k(type, suffix)
	  LEFT JOIN LATERAL (
		SELECT t.tgname, t.tgenabled
		  FROM pg_catalog.pg_trigger t
		 WHERE t.tgrelid = m AND t.tgtype & 127 = k.type
		   AND t.tgfoid IN ('ffu.before_row()'::pg_catalog.regprocedure,
							'ffu.after_row()'::pg_catalog.regprocedure,
							'ffu.before_truncate()'::pg_catalog.regprocedure)
		   AND (ffu.trigger_arguments(t.oid))[1] = d.key
		 ORDER BY t.tgenabled NOT IN ('O', 'A'), t.tgname
		 LIMIT 1) x ON true
	 WHERE (x.tgname IS NULL OR x.tgenabled NOT IN ('O', 'A'))
	   AND ($1 IS NULL OR m IN (SELECT n FROM ffu._tree($1) n))
	 ORDER BY d.tgrelid, d.attname, m <> d.tgrelid::pg_catalog.regclass, m::oid, k.suffix;
END;
COMMENT ON FUNCTION ffu._check_triggers(regclass) IS
'Internal: triggers of file columns that are missing or disabled, for ffu.check and ffu.repair.';

CREATE FUNCTION ffu.check(relation regclass DEFAULT NULL, content boolean DEFAULT false)
RETURNS TABLE (problem text, relation regclass, column_name name, path text, detail text)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'unmanaged', u.relation, u.column_name, NULL::text, u.detail
	  FROM ffu._check_unmanaged($1) u
	UNION ALL
	SELECT 'declaration', d.relation, d.column_name, NULL::text, d.detail
	  FROM ffu._check_declarations($1) d
	UNION ALL
	SELECT 'disabled', t.relation, t.column_name, NULL::text,
		   format('Trigger "%s" is %s.', t.trigger_name, CASE WHEN t.missing THEN 'missing' ELSE 'disabled' END)
	  FROM ffu._check_triggers($1) t
	UNION ALL
	SELECT f.problem, f.relation, f.column_name, f.path, f.detail
	  FROM ffu._check_files($1, $2) f
	UNION ALL
	SELECT 'staging', NULL, NULL, '.ffu/' || s.path, s.detail
	  FROM ffu._check_staging() s WHERE $1 IS NULL
$$;
COMMENT ON FUNCTION ffu.check(regclass, boolean) IS
'Says where rows and files do not agree, one row for each problem; none if all is well. '
'May be run at any time: nothing that a transaction is at work on, and no deletion that is still to be done, is reported. '
'Takes a table (with its partitions), or NULL for the whole folder; content: also read every file and compare its SHA-256. '
'The problems: missing (a row whose file is not there), orphan (a file that no row has; only with NULL), size, checksum, permissions (of a file, or a directory that cannot be read), '
'not_a_file (a link, directory or device instead), foreign_path (a value that is no path of ffu), duplicate (one path in two rows), '
'unmanaged (a column of type ffu.file that is no file column, and has values), declaration (triggers of ffu that do not declare a file column as ffu does, made by hand or damaged: drop them, then use ffu.manage_column), disabled (a trigger of a file column is disabled or missing), '
'staging (a leftover that a sweep would finish, or whose fate is not known; a resumable upload whose bytes are not all there). ffu.repair mends most of them. '
'Reads all rows, whoever calls, and runs no code of the tables'' owners. '
'Raises 55000 without a usable folder, 25006 on a standby. Each 10,000 files it says how far it is, in the title of its process and at DEBUG1.';


--
-- Repair
--

CREATE FUNCTION ffu._digest(path text, OUT size bigint, OUT sha256 text)
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_digest';
COMMENT ON FUNCTION ffu._digest(text) IS
'Internal: size and SHA-256 of a file''s content; raises 58030 if it cannot be read.';

CREATE FUNCTION ffu._quarantine(path text) RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_quarantine';
COMMENT ON FUNCTION ffu._quarantine(text) IS
'Internal: moves a file that no row has to .ffu/quarantine; raises 55000 if it is to be deleted, 58030.';

CREATE FUNCTION ffu._reset_mode(path text) RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_reset_mode';
COMMENT ON FUNCTION ffu._reset_mode(text) IS
'Internal: gives a file the mode of ffu.file_mode; raises 58030.';

CREATE FUNCTION ffu._set_companions(relation regclass, row_id tid, column_name name, path text,
									size bigint, sha256 text)
RETURNS boolean
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_set_companions';
COMMENT ON FUNCTION ffu._set_companions(regclass, tid, name, text, bigint, text) IS
'Internal: sets size and checksum of one row, if the row still has the path. No trigger and no rule runs; '
'CHECK constraints, generated columns and indexes do, with the rights of the owner of the table.';

CREATE FUNCTION ffu._has_checksum(relation regclass, row_id tid, column_name name, sha256 text)
RETURNS boolean
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_has_checksum';
COMMENT ON FUNCTION ffu._has_checksum(regclass, tid, name, text) IS
'Internal: whether a row has this checksum, or none.';

CREATE FUNCTION ffu._clear_path(relation regclass, row_id tid, column_name name, path text)
RETURNS boolean
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_clear_path';
COMMENT ON FUNCTION ffu._clear_path(regclass, tid, name, text) IS
'Internal: sets the file column of a row to NULL, if the row still has the path and there is no such file, with the rights of the owner of the table.';

CREATE FUNCTION ffu._repair_problems()
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{checksum,disabled,missing,orphan,permissions,size,staging}'::text[];
COMMENT ON FUNCTION ffu._repair_problems() IS
'Internal: the problems of ffu.check that ffu.repair mends.';

-- Each of these does one repair and returns what was done; it raises an error
-- if it cannot, or returns NULL if the problem is gone.

CREATE FUNCTION ffu._repair_trigger(relation regclass, column_name name, trigger_name name, missing boolean,
									declared regclass, base text, suffix text, key text)
RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ffu._lock_table(relation, 'SHARE ROW EXCLUSIVE');
	IF NOT EXISTS (SELECT FROM ffu._check_triggers(relation) t
					WHERE t.relation = $1 AND t.key = $8 AND t.suffix = $7 AND t.missing = $4)
	THEN
		-- That of the partitioned table brought it back.
		RETURN CASE WHEN missing THEN 'created' ELSE 'enabled' END;
	ELSIF NOT missing THEN
		EXECUTE format('ALTER TABLE ONLY %s ENABLE TRIGGER %I', relation, trigger_name);
		RETURN 'enabled';
	END IF;
	PERFORM ffu._check_partition_key(relation);
	IF suffix = '_6_truncate' THEN
		PERFORM ffu._create_truncate_trigger(relation, trigger_name, key);
	ELSIF relation = declared THEN
		PERFORM ffu._create_row_trigger(relation, base, suffix, column_name, key);
	ELSE
		RAISE EXCEPTION 'trigger "%" of partition "%" cannot be created by itself', trigger_name, ffu._name(relation)
			USING ERRCODE = '55000',
			DETAIL = 'It belongs to the trigger of the partitioned table.',
			HINT = 'Detach the partition and attach it again.';
	END IF;
	RETURN 'created';
END
$$;
COMMENT ON FUNCTION ffu._repair_trigger(regclass, name, name, boolean, regclass, text, text, text) IS
'Internal: enables a trigger of a file column, or makes it again.';

CREATE FUNCTION ffu._repair_companions(relation regclass, column_name name, path text, row_id tid,
									   damaged boolean, dry_run boolean, OUT action text, OUT detail text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	content record;
BEGIN
	SELECT * INTO content FROM ffu._digest(path);
	IF NOT damaged AND NOT ffu._has_checksum(relation, row_id, column_name, content.sha256) THEN
		action := 'none';
		detail := 'The content differs from the row''s checksum too: the file is damaged. Bring it back from a backup, or repair ''checksum''.';
		RETURN;
	END IF;
	detail := format('size %s, sha256 %s%s', content.size, content.sha256,
					 CASE WHEN damaged THEN '; look at the file: its content may be damaged' ELSE '' END);
	IF dry_run THEN
		action := 'would recompute';
	ELSIF ffu._set_companions(relation, row_id, column_name, path, content.size, content.sha256) THEN
		action := 'recomputed';
	ELSE
		action := 'none';
		detail := 'The row has changed meanwhile.';
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._repair_companions(regclass, name, text, tid, boolean, boolean) IS
'Internal: sets size and checksum of a row to those of the content; unless damaged, only where the content still has the row''s checksum.';

CREATE FUNCTION ffu._repair_one(problem text, relation regclass, column_name name, path text, row_id tid,
								dry_run boolean, INOUT detail text, OUT action text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF problem IN ('size', 'checksum') THEN
		SELECT r.action, r.detail INTO action, detail
		  FROM ffu._repair_companions(relation, column_name, path, row_id, problem = 'checksum', dry_run) r;
	ELSIF dry_run THEN
		action := 'would ' || CASE problem WHEN 'missing' THEN 'set to NULL'
										   WHEN 'orphan' THEN 'quarantine' ELSE 'set mode' END;
	ELSIF problem = 'missing' THEN
		IF ffu._clear_path(relation, row_id, column_name, path) THEN
			action := 'set to NULL';
		ELSE
			action := 'none';
			detail := 'The row has changed meanwhile.';
		END IF;
	ELSIF problem = 'orphan' THEN
		PERFORM ffu._quarantine(path);
		action := 'quarantined';
		detail := 'It is .ffu/quarantine/' || translate(path, '/', ':') || ' now.';
	ELSE
		PERFORM ffu._reset_mode(path);
		action := 'mode set';
	END IF;
EXCEPTION WHEN OTHERS THEN
	-- Not a cancellation or a lost connection: OTHERS leaves those alone.
	action := 'failed';
	detail := SQLERRM;
END
$$;
COMMENT ON FUNCTION ffu._repair_one(text, regclass, name, text, tid, boolean, text) IS
'Internal: does one repair to a row or a file, or says what it would do; an error of one leaves the others alone.';

CREATE FUNCTION ffu._repair_triggers(for_relation regclass, dry_run boolean)
RETURNS TABLE (action text, relation regclass, column_name name, detail text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	trig record;
BEGIN
	FOR trig IN SELECT t.* FROM ffu._check_triggers(for_relation) t LOOP
		relation := trig.relation;
		column_name := trig.column_name;
		detail := format('trigger "%s"', trig.trigger_name);
		IF dry_run THEN
			action := CASE WHEN trig.missing THEN 'would create' ELSE 'would enable' END;
		ELSE
			BEGIN
				action := ffu._repair_trigger(trig.relation, trig.column_name, trig.trigger_name, trig.missing,
											  trig.declared, trig.base, trig.suffix, trig.key);
			EXCEPTION WHEN OTHERS THEN
				action := 'failed';
				detail := SQLERRM;
			END;
		END IF;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._repair_triggers(regclass, boolean) IS
'Internal: enables the triggers of file columns, and makes those again that are missing.';

CREATE FUNCTION ffu._repair_staging(dry_run boolean)
RETURNS TABLE (action text, path text, detail text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found text[];
	details text[];
	left_over text[] := '{}';
BEGIN
	SELECT coalesce(array_agg(s.path ORDER BY s.path), '{}'), array_agg(s.detail ORDER BY s.path)
	  INTO found, details
	  FROM ffu._check_staging() s;
	IF NOT dry_run THEN
		PERFORM FROM ffu.sweep();
		left_over := ARRAY(SELECT s.path FROM ffu._check_staging() s);
	END IF;
	FOR i IN 1 .. cardinality(found) LOOP
		path := '.ffu/' || found[i];
		detail := details[i];
		action := CASE WHEN dry_run THEN 'would sweep' WHEN found[i] = ANY (left_over) THEN 'none' ELSE 'swept' END;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._repair_staging(boolean) IS
'Internal: runs a sweep, and says which leftovers it finished.';

CREATE FUNCTION ffu._repair(problem text, for_relation regclass, dry_run boolean)
RETURNS TABLE (action text, relation regclass, column_name name, path text, detail text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found record;
BEGIN
	IF problem IS NULL OR problem <> ALL (ffu._repair_problems()) THEN
		RAISE EXCEPTION 'ffu.repair() cannot mend problem "%"', left(coalesce(problem, 'NULL'), 60)
			USING ERRCODE = '22023',
			DETAIL = 'It is no problem that ffu.check() reports, or one that only a human can mend.',
			HINT = format('Those that can be mended are %s.', array_to_string(ffu._repair_problems(), ', '));
	ELSIF problem = 'disabled' THEN
		RETURN QUERY SELECT t.action, t.relation, t.column_name, NULL::text, t.detail
					   FROM ffu._repair_triggers(for_relation, dry_run) t;
		RETURN;
	ELSIF problem = 'staging' THEN
		RETURN QUERY SELECT s.action, NULL::regclass, NULL::name, s.path, s.detail
					   FROM ffu._repair_staging(dry_run) s;
		RETURN;
	END IF;
	-- All problems are found before the first is mended.
	FOR found IN SELECT f.* FROM ffu._check_files(for_relation, problem = 'checksum') f
				  WHERE f.problem = _repair.problem
	LOOP
		SELECT r.action, r.detail INTO action, detail
		  FROM ffu._repair_one(problem, found.relation, found.column_name, found.path, found.row_id,
							   dry_run, found.detail) r;
		relation := found.relation;
		column_name := found.column_name;
		path := found.path;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._repair(text, regclass, boolean) IS
'Internal: what ffu.repair does.';

CREATE FUNCTION ffu.repair(problem text, relation regclass DEFAULT NULL, dry_run boolean DEFAULT true)
RETURNS TABLE (action text, relation regclass, column_name name, path text, detail text)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT r.action, r.relation, r.column_name, r.path, r.detail
	  FROM ffu._repair($1, $2, coalesce($3, true)) r
$$;
COMMENT ON FUNCTION ffu.repair(text, regclass, boolean) IS
'Mends one kind of problem that ffu.check reports, and says what it did, one row each; by default it only says what it would do. '
'Takes the problem, a table (with its partitions) or NULL for all, and dry_run. '
'orphan: the file is moved to .ffu/quarantine, never deleted. disabled: the triggers are enabled, or made again. '
'size: size and checksum are recomputed where the content still has the row''s checksum; checksum: they are recomputed whatever the content is. '
'missing: the column is set to NULL, by an UPDATE with the rights of the table''s owner, whose triggers fire. '
'size and checksum are set without any trigger; CHECK constraints and expressions of indexes and generated columns run with the rights of the owner. permissions: the file gets the mode of ffu.file_mode. staging: a sweep is run. '
'Raises 22023 for any other problem, and what ffu.check raises; what goes wrong with one file is a row with the action "failed".';


--
-- Rights
--

REVOKE ALL ON FUNCTION
	ffu._path_columns, ffu._has_value, ffu._check_files, ffu._check_staging, ffu._check_unmanaged, ffu._check_declarations,
	ffu._check_triggers, ffu.check, ffu._digest, ffu._quarantine, ffu._reset_mode,
	ffu._set_companions, ffu._repair_problems, ffu._repair_trigger,
	ffu._has_checksum, ffu._clear_path, ffu._repair_companions, ffu._repair_one,
	ffu._repair_triggers, ffu._repair_staging, ffu._repair, ffu.repair
	FROM PUBLIC;
