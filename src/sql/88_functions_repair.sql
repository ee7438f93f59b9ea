--
-- 88_functions_repair.sql: mending problems that ffu.check reports
--
-- For superusers, and for roles of ffu.grant_operations.
--

CREATE FUNCTION ffu._digest(path text, OUT size bigint, OUT sha256 text)
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_digest';
COMMENT ON FUNCTION ffu._digest(text) IS
'Internal: size and SHA-256 of a file''s content; raises 58030 if the file cannot be read.';

CREATE FUNCTION ffu._quarantine(path text) RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_quarantine';
COMMENT ON FUNCTION ffu._quarantine(text) IS
'Internal: moves a file that no row has to .ffu/quarantine; raises 55000 if a deletion of the '
'file is pending, 58030.';

CREATE FUNCTION ffu._reset_mode(path text) RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_reset_mode';
COMMENT ON FUNCTION ffu._reset_mode(text) IS
'Internal: gives a file the mode of ffu.file_mode; raises 58030.';

CREATE FUNCTION ffu._set_companions(relation regclass, row_id tid, column_name name, path text,
									size bigint, sha256 text)
RETURNS boolean
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_set_companions';
COMMENT ON FUNCTION ffu._set_companions(regclass, tid, name, text, bigint, text) IS
'Internal: sets size and checksum of one row, if the row still has the path. No trigger and no '
'rule runs; CHECK constraints, generated columns and indexes do, with the rights of the owner of '
'the table.';

CREATE FUNCTION ffu._has_checksum(relation regclass, row_id tid, column_name name, sha256 text)
RETURNS boolean
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_has_checksum';
COMMENT ON FUNCTION ffu._has_checksum(regclass, tid, name, text) IS
'Internal: whether a row has this checksum, or none.';

CREATE FUNCTION ffu._clear_path(relation regclass, row_id tid, column_name name, path text)
RETURNS boolean
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_clear_path';
COMMENT ON FUNCTION ffu._clear_path(regclass, tid, name, text) IS
'Internal: sets the file column of a row to NULL, if the row still has the path and there is no '
'such file, with the rights of the owner of the table.';

CREATE FUNCTION ffu._repair_problems()
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{checksum,disabled,missing,orphan,permissions,size,staging}'::text[];
COMMENT ON FUNCTION ffu._repair_problems() IS
'Internal: the problems of ffu.check that ffu.repair mends.';

-- Each of the following functions does one repair, or raises an error.

CREATE FUNCTION ffu._repair_trigger(trig record)
RETURNS text
LANGUAGE plpgsql STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ffu._lock_table(trig.relation, 'SHARE ROW EXCLUSIVE');
	IF NOT EXISTS (SELECT FROM ffu._check_triggers(trig.relation) t
					WHERE t.relation = trig.relation AND t.key = trig.key
					  AND t.suffix = trig.suffix AND t.missing = trig.missing)
	THEN
		-- The repair of the partitioned table repaired its partitions.
		RETURN CASE WHEN trig.missing THEN 'created' ELSE 'enabled' END;
	ELSIF NOT trig.missing THEN
		EXECUTE format('ALTER TABLE ONLY %s ENABLE TRIGGER %I', trig.relation, trig.trigger_name);
		RETURN 'enabled';
	END IF;
	PERFORM ffu._check_partition_key(trig.relation);
	IF trig.suffix <> '_6_truncate' AND trig.relation <> trig.declared THEN
		RAISE EXCEPTION 'trigger "%" of partition "%" cannot be created by itself',
			trig.trigger_name, ffu._name(trig.relation)
			USING ERRCODE = '55000',
			DETAIL = 'It belongs to the trigger of the partitioned table.',
			HINT = 'Detach the partition and attach it again.';
	END IF;
	PERFORM ffu._create_trigger(trig.relation, trig.base || trig.suffix, trig.suffix,
								ARRAY[trig.column_name], ARRAY[trig.key]);
	RETURN 'created';
END
$$;
COMMENT ON FUNCTION ffu._repair_trigger(record) IS
'Internal: enables or makes a trigger of a file column. Takes a row of ffu._check_triggers.';

CREATE FUNCTION ffu._repair_companions(broken record, dry_run boolean,
									   OUT action text, OUT detail text)
LANGUAGE plpgsql STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	damaged boolean := broken.problem = 'checksum';
	content record;
BEGIN
	SELECT * INTO content FROM ffu._digest(broken.path);
	IF NOT damaged
		AND NOT ffu._has_checksum(broken.relation, broken.row_id, broken.column_name,
								  content.sha256)
	THEN
		action := 'none';
		detail := 'The content differs from the row''s checksum too: the file is damaged. '
				  'Bring it back from a backup, or repair ''checksum''.';
		RETURN;
	END IF;
	detail := format('size %s, sha256 %s%s', content.size, content.sha256,
					 CASE WHEN damaged THEN '; look at the file: its content may be damaged'
						  ELSE '' END);
	IF dry_run THEN
		action := 'would recompute';
	ELSIF ffu._set_companions(broken.relation, broken.row_id, broken.column_name, broken.path,
							  content.size, content.sha256)
	THEN
		action := 'recomputed';
	ELSE
		action := 'none';
		detail := 'The row has changed meanwhile.';
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._repair_companions(record, boolean) IS
'Internal: sets size and checksum of a row from the content of the file; for the problem "size" '
'only where the content still has the row''s checksum. Takes a row of ffu._check_files.';

CREATE FUNCTION ffu._repair_one(broken record, dry_run boolean, OUT action text, OUT detail text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	detail := broken.detail;
	IF broken.problem IN ('size', 'checksum') THEN
		SELECT r.action, r.detail INTO action, detail
		  FROM ffu._repair_companions(broken, dry_run) r;
	ELSIF dry_run THEN
		action := 'would ' || CASE broken.problem WHEN 'missing' THEN 'set to NULL'
							  WHEN 'orphan' THEN 'quarantine' ELSE 'set mode' END;
	ELSIF broken.problem = 'missing' THEN
		IF ffu._clear_path(broken.relation, broken.row_id, broken.column_name, broken.path) THEN
			action := 'set to NULL';
		ELSE
			action := 'none';
			detail := 'The row has changed meanwhile.';
		END IF;
	ELSIF broken.problem = 'orphan' THEN
		PERFORM ffu._quarantine(broken.path);
		action := 'quarantined';
		detail := 'It is .ffu/quarantine/' || translate(broken.path, '/', ':') || ' now.';
	ELSE
		PERFORM ffu._reset_mode(broken.path);
		action := 'mode set';
	END IF;
EXCEPTION WHEN OTHERS THEN
	-- OTHERS leaves out a cancellation and a lost connection.
	action := 'failed';
	detail := SQLERRM;
END
$$;
COMMENT ON FUNCTION ffu._repair_one(record, boolean) IS
'Internal: does one repair to a row or a file, or tells what there is to do; an error leaves the '
'other repairs alone. Takes a row of ffu._check_files.';

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
				action := ffu._repair_trigger(trig);
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
		action := CASE WHEN dry_run THEN 'would sweep'
					   WHEN found[i] = ANY (left_over) THEN 'none' ELSE 'swept' END;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._repair_staging(boolean) IS
'Internal: runs a sweep, and returns one row for each leftover.';

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
			DETAIL = 'ffu.check() does not report this problem, or only a human can mend it.',
			HINT = format('ffu.repair() mends %s.', array_to_string(ffu._repair_problems(), ', '));
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
		SELECT r.action, r.detail INTO action, detail FROM ffu._repair_one(found, dry_run) r;
		relation := found.relation;
		column_name := found.column_name;
		path := found.path;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._repair(text, regclass, boolean) IS
'Internal: the same as ffu.repair.';

CREATE FUNCTION ffu.repair(problem text, relation regclass DEFAULT NULL,
						   dry_run boolean DEFAULT true)
RETURNS TABLE (action text, relation regclass, column_name name, path text, detail text)
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT r.action, r.relation, r.column_name, r.path, r.detail
	  FROM ffu._repair($1, $2, coalesce($3, true)) r
$$;
COMMENT ON FUNCTION ffu.repair(text, regclass, boolean) IS
'Mends one kind of problem that ffu.check reports, and returns one row for each repair; by '
'default (dry_run) only tells which repairs there are to do. Takes the problem, a table (with its '
'partitions) or NULL for all, and dry_run. orphan: the file is moved to .ffu/quarantine, never '
'deleted. disabled: the triggers are enabled, or made again. size: size and checksum are '
'recomputed where the content still has the row''s checksum; checksum: both are recomputed from '
'any content. missing: the column is set to NULL, by an UPDATE with the rights of the table''s '
'owner, whose triggers fire. size and checksum are set without any trigger; CHECK constraints and '
'expressions of indexes and generated columns run with the rights of the owner. permissions: the '
'file gets the mode of ffu.file_mode. staging: a sweep is run. Raises 22023 for any other '
'problem, and the errors of ffu.check; a failed repair is a row with the action "failed".';
