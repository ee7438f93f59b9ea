--
-- 71_column_check.sql: which tables and columns can have files
--

CREATE FUNCTION ffu._check_owner(relation regclass)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tab record;
BEGIN
	SELECT n.nspname, c.relname, c.relowner INTO tab
	  FROM pg_catalog.pg_class c
	  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	 WHERE c.oid = relation;
	IF NOT FOUND THEN
		PERFORM ffu._refuse(relation, NULL, '42P01',
			format('relation with OID %s does not exist', relation::oid),
			'No relation has this OID.', 'Give the name of a table.');
	ELSIF tab.nspname IN ('pg_catalog', 'pg_toast', 'information_schema') THEN
		PERFORM ffu._refuse(relation, NULL, '42501',
			format('permission denied: "%s" is a system catalog', tab.relname),
			format('It is in schema "%s".', tab.nspname),
			'Use a table of your own.');
	ELSIF tab.nspname = 'ffu' THEN
		PERFORM ffu._refuse(relation, NULL, '0A000',
			format('relation "%s" cannot have file columns', tab.relname),
			'It belongs to ffu itself.', 'Use a table of your own.');
	ELSIF NOT pg_has_role(tab.relowner, 'USAGE') THEN
		PERFORM ffu._refuse(relation, NULL, '42501',
			format('must be owner of table %s', tab.relname),
			format('The owner is role "%s".', pg_get_userbyid(tab.relowner)),
			'Ask the owner, or a superuser, to run this.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_owner(regclass) IS
'Internal: refuses relations of the system, of ffu and of other roles.';

CREATE FUNCTION ffu._check_storage(relation regclass)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tab record;
	what text;
BEGIN
	-- The table first, then its partitions: all must keep rows and triggers.
	SELECT c.relname, c.relkind, c.relpersistence, c.oid = relation::oid AS itself
	  INTO tab
	  FROM ffu._tree(relation) m
	  JOIN pg_catalog.pg_class c ON c.oid = m
	 WHERE c.relkind NOT IN ('r', 'p') OR c.relpersistence <> 'p'
	 ORDER BY c.oid <> relation::oid, c.relname
	 LIMIT 1;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	what := CASE WHEN tab.itself THEN 'It' ELSE format('Its partition "%s"', tab.relname) END;
	IF tab.relkind NOT IN ('r', 'p') THEN
		PERFORM ffu._refuse(relation, NULL, '42809',
			format('"%s" is not a table', tab.relname),
			format('%s is %s.', what, ffu._kind(tab.relkind)),
			'File columns can be in ordinary and in partitioned tables.');
	ELSIF tab.relpersistence = 't' THEN
		PERFORM ffu._refuse(relation, NULL, '0A000',
			format('temporary table "%s" cannot have file columns', tab.relname),
			'Its rows go at the end of the session without any trigger, '
			'and their files would stay.',
			'Use an ordinary table.');
	ELSE
		PERFORM ffu._refuse(relation, NULL, '0A000',
			format('unlogged table "%s" cannot have file columns', tab.relname),
			'A crash empties it without any trigger, and the files of its rows would stay.',
			format('Make it permanent first: ALTER TABLE %I SET LOGGED.', tab.relname));
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_storage(regclass) IS
'Internal: refuses a relation that is not a table, or a table whose rows can vanish without a '
'trigger.';

CREATE FUNCTION ffu._check_family(relation regclass)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tab pg_catalog.pg_class;
	relative regclass;
BEGIN
	SELECT * INTO tab FROM pg_catalog.pg_class c WHERE c.oid = relation;
	IF tab.relispartition THEN
		PERFORM ffu._refuse(relation, NULL, '0A000',
			format('cannot declare file columns on partition "%s"', tab.relname),
			format('It belongs to partitioned table %s, whose columns it shares.',
				   pg_partition_root(relation)),
			format('Name the topmost partitioned table: %L.', pg_partition_root(relation)::text));
	END IF;
	SELECT CASE WHEN i.inhrelid = relation THEN i.inhparent ELSE i.inhrelid END
	  INTO relative
	  FROM pg_catalog.pg_inherits i
	 WHERE i.inhrelid = relation OR i.inhparent = relation AND tab.relkind = 'r'
	 LIMIT 1;
	IF relative IS NOT NULL THEN
		PERFORM ffu._refuse(relation, NULL, '0A000',
			format('table "%s" cannot have file columns, because it inherits or is inherited from',
				   tab.relname),
			format('It is tied to %s by INHERITS, which does not pass triggers on.', relative),
			'Use declarative partitioning, or ALTER TABLE ... NO INHERIT.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_family(regclass) IS
'Internal: refuses partitions and tables with INHERITS parents or children.';

CREATE FUNCTION ffu._check_partition_key(relation regclass)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	other record;
BEGIN
	-- CREATE TRIGGER on a partitioned table reads the partition key, and calls
	-- functions in the key with constant arguments.
	SELECT c.oid::regclass AS tab, p.oid::regprocedure AS func INTO other
	  FROM ffu._tree(relation) m
	  JOIN pg_class c ON c.oid = m
	  JOIN pg_partitioned_table k ON k.partrelid = m AND k.partexprs IS NOT NULL
	  JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = m AND d.objsubid = 0
	   AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass)
	  LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
	  JOIN pg_proc p ON p.oid = coalesce(o.oprcode, d.refobjid)
	  JOIN pg_roles r ON r.oid = p.proowner
	 WHERE NOT r.rolsuper AND p.proowner <> quote_ident(current_user)::regrole
	 LIMIT 1;
	IF FOUND THEN
		PERFORM ffu._refuse(relation, NULL, '42501',
			format('partition key of table "%s" calls a function of another role',
				   ffu._name(other.tab)),
			format('The function is %s; it would run with the rights of role "%s".',
				   other.func, current_user),
			'Let the owner of the table run this: SET ROLE.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_partition_key(regclass) IS
'Internal: raises 42501 if a trigger of the table cannot be made without running the code of '
'another role.';

CREATE FUNCTION ffu._check_partition_owners(relation regclass)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	other record;
BEGIN
	-- A command on the table runs code of the owners of partitions.
	SELECT c.relname, c.relowner INTO other
	  FROM ffu._tree(relation) m
	  JOIN pg_class c ON c.oid = m
	  JOIN pg_roles r ON r.oid = c.relowner
	  JOIN pg_class top ON top.oid = relation
	  JOIN pg_roles t ON t.oid = top.relowner
	 WHERE t.rolsuper AND NOT r.rolsuper
	 LIMIT 1;
	IF FOUND THEN
		PERFORM ffu._refuse(relation, NULL, '42501',
			format('table "%s" has a partition of another role', ffu._name(relation)),
			format('Partition "%s" is owned by role "%s", '
				   'whose code would run with the rights of a superuser.',
				   other.relname, pg_get_userbyid(other.relowner)),
			'Give table and partitions the same owner: ALTER TABLE ... OWNER TO.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_partition_owners(regclass) IS
'Internal: raises 42501 for a table of a superuser with a partition of a role that is no '
'superuser.';

CREATE FUNCTION ffu._check_table(relation regclass, column_name name, lock_mode text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF relation IS NULL OR column_name IS NULL THEN
		PERFORM ffu._refuse(relation, column_name, '22004',
			'relation and column_name must not be null',
			format('%s is null.',
				   CASE WHEN relation IS NULL THEN 'relation' ELSE 'column_name' END),
			'Name a table and a column, for example ffu.add_column(''blogs'', ''my_video'').');
	END IF;
	PERFORM ffu._check_owner(relation);
	PERFORM ffu._check_storage(relation);
	-- Nobody else changes the table or a partition now: check again.
	PERFORM ffu._lock_table(relation, lock_mode);
	PERFORM ffu._check_owner(relation);
	PERFORM ffu._check_storage(relation);
	PERFORM ffu._check_family(relation);
	PERFORM ffu._check_partition_key(relation);
	PERFORM ffu._check_partition_owners(relation);
END
$$;
COMMENT ON FUNCTION ffu._check_table(regclass, name, text) IS
'Internal: refuses a relation that cannot have file columns or that the caller does not own, and '
'locks the table.';

CREATE FUNCTION ffu._check_trusted(relation regclass)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT has_function_privilege('ffu.before_row()', 'EXECUTE') THEN
		PERFORM ffu._refuse(relation, NULL, '42501',
			format('role "%s" may not declare file columns', current_user),
			'ffu.grant_columns has not named the role in this database.',
			format('Have a superuser run SELECT ffu.grant_columns(%L).',
				   quote_ident(current_user)));
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_trusted(regclass) IS
'Internal: raises 42501 for a role without ffu.grant_columns.';

CREATE FUNCTION ffu._check_new_names(relation regclass, column_name name)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	taken text;
	tab name := ffu._name(relation);
BEGIN
	IF column_name = '' THEN
		PERFORM ffu._refuse(relation, NULL, '42602', 'column_name must not be empty',
			'A column has a name of at least one character.', 'Give the new column a name.');
	ELSIF octet_length(column_name) > 52 THEN
		PERFORM ffu._refuse(relation, column_name, '42622',
			format('name "%s" is too long for a file column', column_name),
			format('It has %s bytes; at most 52 are possible, '
				   'because companions add "__file_name".', octet_length(column_name)),
			'Choose a shorter name.');
	END IF;
	SELECT n INTO taken
	  FROM unnest(column_name::text ||
				  (SELECT array_agg(column_name || '__' || c) FROM unnest(ffu._companions()) c))
		   WITH ORDINALITY AS u(n, i)
	  JOIN pg_catalog.pg_attribute a ON a.attrelid = relation AND a.attname = n::name
	 ORDER BY i LIMIT 1;
	IF taken IS NOT NULL THEN
		PERFORM ffu._refuse(relation, taken, '42701',
			format('column "%s" of relation "%s" already exists', taken, tab),
			format('File column "%s" needs this name%s.', column_name,
				   CASE WHEN taken = column_name THEN '' ELSE ' for a companion' END),
			'Use ffu.manage_column for columns that exist, or choose another name.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_new_names(regclass, name) IS
'Internal: refuses a column name that is too long, or taken, or whose companions'' names are '
'taken.';

CREATE FUNCTION ffu._check_type(relation regclass, column_name name, column_type regtype)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF column_type NOT IN ('ffu.file'::regtype, 'text'::regtype) THEN
		PERFORM ffu._refuse(relation, column_name, '42804',
			format('column "%s" cannot be of type %s', column_name, column_type),
			'A new file column is of type ffu.file or text.',
			'Use ffu.manage_column for a column of another string type that exists.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_type(regclass, name, regtype) IS
'Internal: raises 42804 for a type that a new file column cannot have.';

CREATE FUNCTION ffu._require_attribute(relation regclass, column_name name, hint text)
RETURNS pg_catalog.pg_attribute
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	col pg_catalog.pg_attribute;
BEGIN
	SELECT * INTO col FROM pg_catalog.pg_attribute a
	 WHERE a.attrelid = relation AND a.attname = column_name AND NOT a.attisdropped;
	IF NOT FOUND THEN
		PERFORM ffu._refuse(relation, column_name, '42703',
			format('column "%s" of relation "%s" does not exist', column_name, ffu._name(relation)),
			'The table has no column of this name; case counts.', hint);
	END IF;
	RETURN col;
END
$$;
COMMENT ON FUNCTION ffu._require_attribute(regclass, name, text) IS
'Internal: the row of pg_attribute for a column; raises 42703.';

CREATE FUNCTION ffu._check_existing(relation regclass, column_name name)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	col pg_catalog.pg_attribute := ffu._require_attribute(relation, column_name,
		'Use ffu.add_column to make a new file column.');
BEGIN
	IF col.atttypid NOT IN ('ffu.file'::regtype, 'text'::regtype, 'varchar'::regtype) THEN
		PERFORM ffu._refuse(relation, column_name, '42804',
			format('column "%s" cannot be a file column', column_name),
			format('It is of type %s; a file column is of type ffu.file, text '
				   'or character varying.', format_type(col.atttypid, col.atttypmod)),
			'Use ffu.add_column to make a new file column, or change the type by ALTER TABLE.');
	ELSIF col.attgenerated <> '' THEN
		PERFORM ffu._refuse(relation, column_name, '0A000',
			format('generated column "%s" cannot be a file column', column_name),
			'Its value comes from an expression.',
			'Use ffu.add_column to make a new file column.');
	END IF;
	IF col.atttypmod >= 0 THEN
		RAISE NOTICE 'column "%" holds at most % characters', column_name, col.atttypmod - 4
			USING DETAIL = 'A path has up to 200 bytes.',
			HINT = format('Consider ALTER TABLE %s ALTER COLUMN %I TYPE ffu.file.',
						  relation, column_name);
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_existing(regclass, name) IS
'Internal: refuses a column that does not exist or cannot hold paths.';

CREATE FUNCTION ffu._existing_companions(relation regclass, column_name name)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	present text[] := '{}';
	what text;
	col pg_catalog.pg_attribute;
	fits boolean;
BEGIN
	FOREACH what IN ARRAY ffu._companions() LOOP
		SELECT * INTO col FROM pg_catalog.pg_attribute a
		 WHERE a.attrelid = relation AND NOT a.attisdropped
		   AND a.attname::text = column_name || '__' || what;
		CONTINUE WHEN NOT FOUND;
		fits := CASE WHEN what = 'size' THEN col.atttypid = 'int8'::regtype
					 ELSE col.atttypid IN ('text'::regtype, 'varchar'::regtype) END;
		IF fits AND col.attgenerated = '' THEN
			present := present || what;
		ELSE
			RAISE NOTICE 'column "%" is not used as a companion of "%"', col.attname, column_name
				USING DETAIL = format('It is %s%s.',
					CASE WHEN fits THEN 'generated, and ' ELSE '' END || 'of type ',
					format_type(col.atttypid, col.atttypmod)),
				HINT = format('A companion of this name is a plain column of type %s.',
					CASE WHEN what = 'size' THEN 'bigint' ELSE 'text' END);
		END IF;
	END LOOP;
	RETURN present;
END
$$;
COMMENT ON FUNCTION ffu._existing_companions(regclass, name) IS
'Internal: the companions of a column that exist with a fitting type.';

CREATE FUNCTION ffu._check_no_values(relation regclass, column_name name)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_value text;
BEGIN
	SELECT q.v INTO found_value
	  FROM ffu._query_as_owner(relation, false,
		format('SELECT %I::text FROM %s WHERE %1$I <> '''' LIMIT $1', column_name, relation),
		1) AS q(v text);
	IF found_value IS NOT NULL THEN
		PERFORM ffu._refuse(relation, column_name, '55000',
			format('column "%s" of relation "%s" has values already', column_name,
				   ffu._name(relation)),
			format('One value is %s. From now on the rows would own the files: deleting rows would '
				   'delete files, also if another table has the same paths.',
				   quote_literal(left(found_value, 60))),
			'With copy_values => true each row gets a new file; with keep_values => true each row '
			'owns the file of its value, if no other table has these paths. '
			'Or empty the column first.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_no_values(regclass, name) IS
'Internal: raises 55000 if a column has values; for a column that becomes a file column.';
