--
-- 88_functions_repair.sql: mending what ffu.check reports
--
-- For superusers, and for roles of ffu.grant_operations.
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
'Internal: moves a file that no row has to .ffu/quarantine; raises 55000 if it is to be deleted, '
'58030.';

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
'Internal: sets size and checksum of one row, if the row still has the path. No trigger and no '
'rule runs; CHECK constraints, generated columns and indexes do, with the rights of the owner of '
'the table.';

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
'Internal: sets the file column of a row to NULL, if the row still has the path and there is no '
'such file, with the rights of the owner of the table.';

CREATE FUNCTION ffu._repair_problems()
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{checksum,disabled,missing,orphan,permissions,size,staging}'::text[];
COMMENT ON FUNCTION ffu._repair_problems() IS
'Internal: the problems of ffu.check that ffu.repair mends.';

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
COMMENT ON FUNCTION ffu._repair_trigger(regclass, name, name, boolean, regclass, text, text,
	text) IS
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
'Internal: sets size and checksum of a row to those of the content; unless damaged, only where '
'the content still has the row''s checksum.';

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
'Internal: does one repair to a row or a file, or says what it would do; an error of one leaves '
'the others alone.';

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
'Mends one kind of problem that ffu.check reports, and says what it did, one row each; by default '
'it only says what it would do. Takes the problem, a table (with its partitions) or NULL for all, '
'and dry_run. orphan: the file is moved to .ffu/quarantine, never deleted. disabled: the triggers '
'are enabled, or made again. size: size and checksum are recomputed where the content still has '
'the row''s checksum; checksum: they are recomputed whatever the content is. missing: the column '
'is set to NULL, by an UPDATE with the rights of the table''s owner, whose triggers fire. size '
'and checksum are set without any trigger; CHECK constraints and expressions of indexes and '
'generated columns run with the rights of the owner. permissions: the file gets the mode of '
'ffu.file_mode. staging: a sweep is run. Raises 22023 for any other problem, and what ffu.check '
'raises; what goes wrong with one file is a row with the action "failed".';
