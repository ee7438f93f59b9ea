--
-- 73_column_trigger.sql: the triggers that declare a file column
--
-- ffu has no catalog.  A file column is a column with the triggers of ffu.  The
-- column list of the first trigger is the mapping of column and companions (by
-- attribute number, so the list survives renames).  The arguments of the first
-- trigger are the key and the policy.  The key, first argument of every trigger,
-- ties the triggers of a column together.
--

-- Planned as part of the calling query, so that a condition on relid uses an
-- index, and ffu.trigger_arguments is called for a key that the query reads.
CREATE FUNCTION ffu._own_triggers()
RETURNS TABLE (oid oid, relid regclass, parent oid, name name, type int, enabled "char",
			   attnums int2[], nargs int2, key text, func regprocedure)
LANGUAGE sql STABLE
BEGIN ATOMIC
	-- type: row 1, before 2, insert 4, delete 8, update 16, truncate 32
	SELECT t.oid, t.tgrelid, t.tgparentid, t.tgname, t.tgtype & 127, t.tgenabled,
		   t.tgattr::int2[], t.tgnargs, (ffu.trigger_arguments(t.oid))[1], t.tgfoid
	  FROM pg_catalog.pg_trigger t
	 WHERE t.tgfoid IN ('ffu.before_row()'::pg_catalog.regprocedure,
						'ffu.after_row()'::pg_catalog.regprocedure,
						'ffu.before_truncate()'::pg_catalog.regprocedure);
END;
COMMENT ON FUNCTION ffu._own_triggers() IS
'Internal: all triggers with a trigger function of ffu. attnums begins with element 0.';

CREATE FUNCTION ffu._declarations()
RETURNS TABLE (relid regclass, parent oid, name name, key text, column_name name,
			   required boolean, attnums int2[], policy jsonb)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT t.relid, t.parent, t.name, t.key, a.attname, a.attnotnull, t.attnums, p.policy
	  FROM ffu._own_triggers() t
	  JOIN pg_catalog.pg_attribute a ON a.attrelid = t.relid AND a.attnum = t.attnums[0]
	 CROSS JOIN LATERAL (SELECT ffu._policy(t.oid) AS policy) p
	 WHERE t.func = 'ffu.before_row()'::pg_catalog.regprocedure AND t.nargs = 2
	   AND p.policy IS NOT NULL;
END;
COMMENT ON FUNCTION ffu._declarations() IS
'Internal: all valid declarations of file columns; attnums: the file column (element 0) and its '
'companions in the order of the policy.';

CREATE FUNCTION ffu._triggers(relation regclass, key text DEFAULT NULL)
RETURNS TABLE (oid oid, relid regclass, name name, type int, enabled "char", nargs int2, key text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	-- OFFSET 0: find the triggers of a table by an index before reading any key.
	SELECT t.oid, t.relid, t.name, t.type, t.enabled, t.nargs, t.key
	  FROM ffu._tree(relation) m
	 CROSS JOIN LATERAL (SELECT o.* FROM ffu._own_triggers() o WHERE o.relid = m OFFSET 0) t
	 WHERE _triggers.key IS NULL OR t.key = _triggers.key;
END;
COMMENT ON FUNCTION ffu._triggers(regclass, text) IS
'Internal: ffu''s triggers on a table and its partitions, of one file column or of all.';

CREATE FUNCTION ffu._find_column(relation regclass, column_name name,
								 OUT trigger_name name, OUT key text,
								 OUT policy jsonb, OUT columns name[])
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT d.name, d.key, d.policy,
		   ARRAY(SELECT x.attname
				   FROM pg_catalog.unnest(d.attnums) WITH ORDINALITY AS u(n, i)
				   JOIN pg_catalog.pg_attribute x ON x.attrelid = d.relid AND x.attnum = u.n
				  ORDER BY u.i)
	  FROM ffu._declarations() d
	 WHERE d.relid = relation AND d.column_name = _find_column.column_name
	 LIMIT 1;
END;
COMMENT ON FUNCTION ffu._find_column(regclass, name) IS
'Internal: the first trigger of a file column, its key and policy, and the column with its '
'companions in order; NULLs if the column has no such trigger.';

CREATE FUNCTION ffu._require_column(relation regclass, column_name name,
									OUT trigger_name name, OUT key text,
									OUT policy jsonb, OUT columns name[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	SELECT f.* INTO trigger_name, key, policy, columns
	  FROM ffu._find_column(relation, column_name) f;
	IF key IS NULL THEN
		PERFORM ffu._require_attribute(relation, column_name,
			'The view ffu.columns lists the file columns.');
		PERFORM ffu._refuse(relation, column_name, '55000',
			format('column "%s" of relation "%s" is not a file column', column_name,
				   ffu._name(relation)),
			'It does not have ffu''s triggers.',
			'Use ffu.manage_column to make a file column of it; '
			'the view ffu.columns lists the file columns.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._require_column(regclass, name) IS
'Internal: the result of ffu._find_column; raises 42703 for no column, 55000 for a column without '
'triggers.';

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
	-- Key and names are taken if the table once had a file column of this name
	-- that has another name now.
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
'Internal: the key of a new file column, and the beginning of the names of its triggers; both new '
'in this table and its partitions.';

CREATE FUNCTION ffu._create_trigger(relation regclass, trigger_name text, suffix text,
									columns name[], arguments text[],
									replace boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	column_list text := (SELECT string_agg(quote_ident(c), ', ' ORDER BY i)
						   FROM unnest(columns) WITH ORDINALITY AS u(c, i));
	given text := (SELECT string_agg(quote_literal(a), ', ' ORDER BY i)
					 FROM unnest(arguments) WITH ORDINALITY AS u(a, i));
	changed text := format('ROW WHEN (OLD.%1$I IS DISTINCT FROM NEW.%1$I)', columns[1]);
	had text := format('ROW WHEN (OLD.%I IS NOT NULL)', columns[1]);
	has text := format('ROW WHEN (NEW.%I IS NOT NULL)', columns[1]);
	event text;
	level text;
	func text;
BEGIN
	SELECT s.event, s.level, s.func INTO STRICT event, level, func
	  FROM (VALUES ('_1_set', 'BEFORE INSERT OR UPDATE OF ' || column_list, 'ROW', 'before_row'),
				   ('_2_change', 'BEFORE UPDATE', changed, 'before_row'),
				   ('_3_insert', 'AFTER INSERT', has, 'after_row'),
				   ('_4_update', 'AFTER UPDATE', changed, 'after_row'),
				   ('_5_delete', 'AFTER DELETE', had, 'after_row'),
				   ('_6_truncate', 'BEFORE TRUNCATE', 'STATEMENT', 'before_truncate'))
		   AS s(name, event, level, func)
	 WHERE s.name = suffix;
	EXECUTE format('CREATE %s TRIGGER %I %s ON %s FOR EACH %s EXECUTE FUNCTION ffu.%s(%s)',
				   CASE WHEN replace THEN 'OR REPLACE' ELSE '' END,
				   trigger_name, event, relation, level, func, given);
END
$$;
COMMENT ON FUNCTION ffu._create_trigger(regclass, text, text, name[], text[], boolean) IS
'Internal: makes or replaces one of the six triggers of a file column, by the end of its standard '
'name. columns: the file column; for the first trigger also its companions in the order of the '
'policy. arguments: the key; for the first trigger also the policy.';

CREATE FUNCTION ffu._create_triggers(relation regclass, base text, columns name[],
									 key text, policy jsonb)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ffu._create_trigger(relation, base || s, s,
				CASE WHEN i = 1 THEN columns ELSE columns[1:1] END,
				CASE WHEN i = 1 THEN ARRAY[key, policy::text] ELSE ARRAY[key] END)
	   FROM unnest((ffu._trigger_suffixes())[1:5]) WITH ORDINALITY AS u(s, i);
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
	columns name[] := column_name || ARRAY(
		SELECT (column_name || '__' || c)::name
		  FROM unnest(companions) WITH ORDINALITY AS u(c, i) ORDER BY i);
BEGIN
	SELECT n.key, n.base INTO names FROM ffu._choose_names(relation, column_name) n;
	PERFORM ffu._create_triggers(relation, names.base, columns, names.key,
								 policy || jsonb_build_object('companions', companions));
	-- Partitions do not inherit a TRUNCATE trigger.
	PERFORM ffu._create_trigger(m, names.base || '_6_truncate', '_6_truncate',
								columns[1:1], ARRAY[names.key])
	   FROM ffu._tree(relation) m;
END
$$;
COMMENT ON FUNCTION ffu._manage(regclass, name, text[], jsonb) IS
'Internal: makes an existing column a file column, with the companions that exist.';

CREATE FUNCTION ffu._replace_policy(relation regclass, declared record, policy jsonb)
RETURNS void
LANGUAGE plpgsql STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	command text;
	-- CREATE OR REPLACE TRIGGER enables the trigger, also on partitions.
	undo text[] := ARRAY(
		SELECT format('ALTER TABLE ONLY %s %s TRIGGER %I', t.relid,
					  CASE t.enabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS'
									 ELSE 'ENABLE REPLICA' END, t.name)
		  FROM ffu._triggers(relation, declared.key) t
		 WHERE t.nargs = 2 AND t.enabled <> 'O');
BEGIN
	PERFORM ffu._create_trigger(relation, declared.trigger_name, '_1_set', declared.columns,
								ARRAY[declared.key, policy::text], replace => true);
	FOREACH command IN ARRAY undo LOOP
		EXECUTE command;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._replace_policy(regclass, record, jsonb) IS
'Internal: gives a file column (declared: a row of ffu._find_column) another policy by replacing '
'its first trigger in place, enabled or disabled as before.';
