--
-- 73_column_trigger.sql: the triggers that declare a file column
--
-- ffu has no catalog.  A file column is a column with the triggers of ffu: the
-- column list of the first trigger says which columns are its companions (by
-- attribute number, so the list survives renames), the arguments of the first
-- trigger are the policy, and the key, first argument of every trigger, ties the
-- triggers of one column together.
--

CREATE FUNCTION ffu._find_column(relation regclass, column_name name,
								 OUT trigger_name name, OUT key text,
								 OUT policy jsonb, OUT columns name[])
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT t.tgname, (ffu.trigger_arguments(t.oid))[1], p.policy,
		   ARRAY(SELECT x.attname
				   FROM pg_catalog.unnest(t.tgattr::int2[]) WITH ORDINALITY AS u(n, i)
				   JOIN pg_catalog.pg_attribute x ON x.attrelid = t.tgrelid AND x.attnum = u.n
				  ORDER BY u.i)
	  FROM pg_catalog.pg_trigger t
	  JOIN pg_catalog.pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = t.tgattr[0]
	 CROSS JOIN LATERAL (SELECT ffu._policy(t.oid) AS policy) p
	 WHERE t.tgrelid = relation AND a.attname = column_name AND t.tgnargs = 2
	   AND t.tgfoid = 'ffu.before_row()'::pg_catalog.regprocedure
	   AND p.policy IS NOT NULL
	 LIMIT 1;
END;
COMMENT ON FUNCTION ffu._find_column(regclass, name) IS
'Internal: the first trigger of a file column, its key and policy, and the column with its '
'companions in their order; NULLs if the column has none.';

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
'Internal: what ffu._find_column gives; raises 42703 for no column, 55000 for one without '
'triggers.';

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
'Internal: the key of a new file column, and what the names of its triggers begin with; both new '
'in this table and its partitions.';

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
'Internal: makes or replaces the trigger whose column list is the mapping of a file column and '
'its companions, and whose arguments are its key and policy.';

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
'Internal: makes the TRUNCATE trigger of a file column on one table or partition; partitions do '
'not inherit it.';

CREATE FUNCTION ffu._create_row_trigger(relation regclass, base text, suffix text,
										column_name name, key text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed text := format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', column_name);
	event text;
	condition text;
	func text;
BEGIN
	SELECT s.event, s.condition, s.func INTO STRICT event, condition, func
	  FROM (VALUES ('_2_change', 'BEFORE UPDATE', changed, 'before_row'),
				   ('_3_insert', 'AFTER INSERT', format('NEW.%I IS NOT NULL', column_name), 'after_row'),
				   ('_4_update', 'AFTER UPDATE', changed, 'after_row'),
				   ('_5_delete', 'AFTER DELETE', format('OLD.%I IS NOT NULL', column_name), 'after_row'))
		   AS s(name, event, condition, func)
	 WHERE s.name = suffix;
	EXECUTE format('CREATE TRIGGER %I %s ON %s FOR EACH ROW WHEN (%s) EXECUTE FUNCTION ffu.%s(%L)',
				   base || suffix, event, relation, condition, func, key);
END
$$;
COMMENT ON FUNCTION ffu._create_row_trigger(regclass, text, text, name, text) IS
'Internal: makes one of the four row triggers of a file column that need no policy, by how its '
'name ends.';

CREATE FUNCTION ffu._create_triggers(relation regclass, base text, columns name[],
									 key text, policy jsonb)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ffu._create_set_trigger(relation, base || '_1_set', columns, key, policy, false);
	PERFORM ffu._create_row_trigger(relation, base, s, columns[1], key)
	   FROM unnest((ffu._trigger_suffixes())[2:5]) s;
END
$$;
COMMENT ON FUNCTION ffu._create_triggers(regclass, text, name[], text, jsonb) IS
'Internal: makes the row triggers of a file column; columns are the file column and its '
'companions in the order of the policy''s "companions".';

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
	PERFORM ffu._create_truncate_trigger(m, names.base || '_6_truncate', names.key)
	   FROM ffu._tree(relation) m;
END
$$;
COMMENT ON FUNCTION ffu._manage(regclass, name, text[], jsonb) IS
'Internal: makes a file column of a column that exists, with those of its companions that exist.';

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
'Internal: gives a file column another policy by replacing its first trigger in place, enabled or '
'disabled as it was.';
