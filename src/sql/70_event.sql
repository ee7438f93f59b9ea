--
-- 70_event.sql: event triggers
--
-- ddl_start makes sure that the library is loaded before a DROP; ddl_end looks
-- at the triggers that a command dropped; ddl_complete puts back what a
-- command could not know: the TRUNCATE triggers of new partitions, and the
-- ties of computed fields that a dump has restored.
--
-- They do not fire in a session with session_replication_role = replica.
--

CREATE FUNCTION ffu.ddl_start() RETURNS event_trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_ddl_start';
COMMENT ON FUNCTION ffu.ddl_start() IS
'Internal: event trigger that loads the library before a command that may drop a file column.';

CREATE FUNCTION ffu.ddl_end() RETURNS event_trigger
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_ddl_end';
COMMENT ON FUNCTION ffu.ddl_end() IS
'Internal: event trigger that refuses the loss of a file column''s trigger (raises 2BP01), and gives a detached partition triggers of its own.';

CREATE FUNCTION ffu._prepare_attach(parent regclass, child regclass)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $$
DECLARE
	col record;
	trig record;
BEGIN
	FOR col IN
		SELECT own.key
		  FROM pg_catalog.pg_attribute a
		 CROSS JOIN LATERAL ffu._find_column(parent, a.attname) theirs
		 CROSS JOIN LATERAL ffu._find_column(child, a.attname) own
		 WHERE a.attrelid = child AND a.attnum > 0 AND NOT a.attisdropped
		   AND theirs.key IS NOT NULL AND own.key IS NOT NULL
	LOOP
		PERFORM ffu.begin_trigger_drop(child, col.key, true);
		-- Also the TRUNCATE triggers; ffu.ddl_complete makes them anew.
		FOR trig IN
			SELECT f.relid, f.name
			  FROM ffu._triggers(child, col.key) f
			  JOIN pg_catalog.pg_trigger t ON t.oid = f.oid
			 WHERE t.tgparentid = 0
		LOOP
			EXECUTE format('DROP TRIGGER %I ON %s', trig.name, trig.relid);
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._prepare_attach(regclass, regclass) IS
'Internal: drops the triggers of file columns of a table that is to be a partition of one with the same file columns, and gets them from there.';

CREATE FUNCTION ffu._restore_triggers(relation regclass, trigger_name name, attnums int2[],
									  key text, policy text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ffu._create_triggers(
		relation, regexp_replace(trigger_name, '_1_set$', ''),
		ARRAY(SELECT a.attname
				FROM unnest(attnums) WITH ORDINALITY AS n(attnum, i)
				JOIN pg_catalog.pg_attribute a ON a.attrelid = relation AND a.attnum = n.attnum
			   ORDER BY n.i),
		key, policy::jsonb);
END
$$;
COMMENT ON FUNCTION ffu._restore_triggers(regclass, name, int2[], text, text) IS
'Internal: gives a detached partition row triggers like those it had as a partition.';

CREATE FUNCTION ffu._drop_truncate_trigger(relation regclass, key text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	trig record;
BEGIN
	FOR trig IN
		SELECT t.tgname
		  FROM pg_catalog.pg_trigger t
		 WHERE t.tgrelid = relation
		   AND t.tgfoid = 'ffu.before_truncate()'::pg_catalog.regprocedure
		   AND (ffu.trigger_arguments(t.oid))[1] = key
	LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', trig.tgname, relation);
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._drop_truncate_trigger(regclass, text) IS
'Internal: drops the TRUNCATE trigger of a file column that was dropped by hand.';

CREATE FUNCTION ffu._refuse_unlogged(relation regclass)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_catalog.pg_class c
				 JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid
				WHERE c.oid = relation AND c.relpersistence = 'u'
				  AND t.tgfoid = 'ffu.before_row()'::pg_catalog.regprocedure)
	THEN
		RAISE EXCEPTION 'table "%" cannot be unlogged', ffu._name(relation)
			USING ERRCODE = '0A000',
			DETAIL = 'It has file columns, and a crash would empty it without letting the files go.',
			HINT = 'Drop its file columns with ffu.drop_column first.';
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._refuse_unlogged(regclass) IS
'Internal: raises 0A000 for a table with file columns that is unlogged.';

CREATE FUNCTION ffu._refuse_inheritance(relation regclass)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tie record;
BEGIN
	SELECT i.inhrelid::regclass AS child, i.inhparent::regclass AS parent INTO tie
	  FROM pg_catalog.pg_inherits i
	  JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
	  JOIN pg_catalog.pg_trigger t ON t.tgrelid IN (i.inhrelid, i.inhparent)
	 WHERE i.inhrelid = relation AND NOT c.relispartition
	   AND t.tgfoid = 'ffu.before_row()'::pg_catalog.regprocedure
	 LIMIT 1;
	IF FOUND THEN
		PERFORM ffu._refuse(relation, NULL, '0A000',
			format('table "%s" cannot inherit from "%s"', ffu._name(tie.child), ffu._name(tie.parent)),
			'One of them has file columns, and INHERITS does not pass triggers on: files would not follow the rows.',
			'Use declarative partitioning, or CREATE TABLE ... (LIKE ...).');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._refuse_inheritance(regclass) IS
'Internal: raises 0A000 for a table that has come to inherit from one, where either has file columns.';

CREATE FUNCTION ffu._has_attached() RETURNS boolean
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_has_attached';
COMMENT ON FUNCTION ffu._has_attached() IS
'Internal: whether this transaction has attached a partition.';

CREATE FUNCTION ffu._complete_partitions(relation regclass)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	missing record;
BEGIN
	FOR missing IN
		SELECT m AS partition, t.tgname, (ffu.trigger_arguments(t.oid))[1] AS key
		  FROM ffu._tree(relation) m
		  JOIN pg_catalog.pg_trigger t ON t.tgrelid = m
		 WHERE t.tgparentid <> 0 AND t.tgattr[0] IS NOT NULL
		   AND t.tgfoid = 'ffu.before_row()'::pg_catalog.regprocedure
		   AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger u
							WHERE u.tgrelid = m
							  AND u.tgfoid = 'ffu.before_truncate()'::pg_catalog.regprocedure
							  AND ffu.trigger_arguments(u.oid) = (ffu.trigger_arguments(t.oid))[1:1])
	LOOP
		PERFORM ffu._create_truncate_trigger(
			missing.partition, regexp_replace(missing.tgname, '_1_set$', '_6_truncate'), missing.key);
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._complete_partitions(regclass) IS
'Internal: makes the TRUNCATE triggers that partitions of this table lack.';

CREATE FUNCTION ffu._note_unmanaged(relation regclass) RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_note_unmanaged';
COMMENT ON FUNCTION ffu._note_unmanaged(regclass) IS
'Internal: at the end of the transaction, tells of columns that have the type of a file column without its triggers.';

CREATE FUNCTION ffu._tie_again(func regprocedure)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ffu.tie_function(func, c.oid)
	   FROM pg_catalog.pg_proc p
	   JOIN pg_catalog.pg_class c ON c.reltype = p.proargtypes[0] AND c.relkind IN ('r', 'p')
	   JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	  WHERE p.oid = func AND p.pronargs = 1 AND p.prosqlbody IS NOT NULL
		AND pg_has_role(c.relowner, 'USAGE') AND pg_has_role(p.proowner, 'USAGE')
		AND func IN (SELECT f FROM ffu._url_functions(c.oid, a.attname) f);
END
$$;
COMMENT ON FUNCTION ffu._tie_again(regprocedure) IS
'Internal: ties a computed field to its table, if the function is one; a dump does not hold the tie.';

CREATE FUNCTION ffu._tie_all()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ffu._tie_again(f)
	   FROM ffu.columns c
	  CROSS JOIN LATERAL ffu._url_functions(c.relation, c.column_name) f;
END
$$;
COMMENT ON FUNCTION ffu._tie_all() IS
'Internal: ties all computed fields to their tables, for ffu.claim_folder: pg_upgrade brings them before the event trigger that ties.';

CREATE FUNCTION ffu.ddl_complete() RETURNS event_trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	command record;
BEGIN
	FOR command IN
		SELECT c.objid, c.object_type, bool_or(c.command_tag = 'CREATE TABLE') AS created
		  FROM pg_event_trigger_ddl_commands() c
		 WHERE c.object_type IN ('table', 'function') AND c.objsubid = 0
		 GROUP BY c.objid, c.object_type
	LOOP
		IF command.object_type = 'function' THEN
			PERFORM ffu._tie_again(command.objid);
		ELSE
			PERFORM ffu._refuse_unlogged(command.objid);
			PERFORM ffu._refuse_inheritance(command.objid);
			-- Not after any ALTER TABLE: a parallel restore brings the triggers.
			IF command.created OR ffu._has_attached() THEN
				PERFORM ffu._complete_partitions(command.objid);
			END IF;
			PERFORM ffu._note_unmanaged(command.objid);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu.ddl_complete() IS
'Internal: event trigger that gives new partitions their TRUNCATE triggers, ties restored computed fields, and tells of unmanaged columns.';

REVOKE ALL ON FUNCTION
	ffu.ddl_start, ffu.ddl_end, ffu.ddl_complete, ffu._restore_triggers,
	ffu._complete_partitions, ffu._note_unmanaged, ffu._tie_again, ffu._tie_all,
	ffu._drop_truncate_trigger, ffu._refuse_unlogged, ffu._refuse_inheritance,
	ffu._prepare_attach, ffu._has_attached
	FROM PUBLIC;

-- Called with the rights of whoever runs the command.
GRANT EXECUTE ON FUNCTION
	ffu._restore_triggers, ffu._complete_partitions, ffu._note_unmanaged,
	ffu._tie_again, ffu._drop_truncate_trigger, ffu._refuse_unlogged,
	ffu._refuse_inheritance, ffu._prepare_attach, ffu._has_attached
	TO PUBLIC;

CREATE EVENT TRIGGER ffu_ddl_start ON ddl_command_start
	EXECUTE FUNCTION ffu.ddl_start();
CREATE EVENT TRIGGER ffu_ddl_end ON ddl_command_end
	EXECUTE FUNCTION ffu.ddl_end();
CREATE EVENT TRIGGER ffu_ddl_end_complete ON ddl_command_end
	WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE FUNCTION')
	EXECUTE FUNCTION ffu.ddl_complete();

COMMENT ON EVENT TRIGGER ffu_ddl_start IS
'Loads ffu before a command that may drop a file column.';
COMMENT ON EVENT TRIGGER ffu_ddl_end IS
'Refuses the loss of a file column''s trigger.';
COMMENT ON EVENT TRIGGER ffu_ddl_end_complete IS
'Gives new partitions and restored computed fields what they lack.';
