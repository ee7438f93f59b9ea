--
-- 78_column_attachments.sql: make the table of attachments, its fields and rights
--

CREATE FUNCTION ffu._attachment_functions()
RETURNS TABLE (func regprocedure, attachments regclass)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT DISTINCT f.objid::pg_catalog.regprocedure, t.refobjid::pg_catalog.regclass
	  FROM pg_catalog.pg_depend f
	  JOIN pg_catalog.pg_proc p ON p.oid = f.objid
	  JOIN pg_catalog.pg_type y ON y.oid = p.proargtypes[0]
	  JOIN pg_catalog.pg_depend t ON t.classid = f.classid AND t.objid = f.objid
	   AND t.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
	   AND t.refobjid <> y.typrelid
	 WHERE f.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND f.refclassid = f.classid
	   AND f.refobjid
		   = 'ffu._attachment_urls(pg_catalog.regclass, anycompatible)'::pg_catalog.regprocedure;
END;
COMMENT ON FUNCTION ffu._attachment_functions() IS
'Internal: the computed fields of attachments, with the tables of the attachments.';

CREATE FUNCTION ffu._create_attachment_functions(attachments regclass, parent regclass, name name)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	function_name text;
	obstacle text;
	func text;
BEGIN
	FOREACH function_name IN ARRAY ARRAY[name || '_urls',
										 ffu._name(parent) || '_' || name || '_urls']
	LOOP
		obstacle := ffu._url_obstacle(parent, function_name);
		IF obstacle IS NULL THEN
			func := (SELECT format('%s.%I(%s)', c.relnamespace::regnamespace, function_name, parent)
					   FROM pg_class c WHERE c.oid = parent);
			PERFORM ffu._command_as_owner(parent,
				format('CREATE FUNCTION %s RETURNS jsonb LANGUAGE sql STABLE '
					   'RETURN ffu._attachment_urls(%L::pg_catalog.regclass, $1)', func,
					   attachments));
			PERFORM ffu._command_as_owner(parent,
				format('COMMENT ON FUNCTION %s IS %L', func,
					   format('Files in table %s (made by ffu.add_attachments).', attachments)));
			PERFORM ffu.tie_function(func::regprocedure, attachments);
		ELSE
			RAISE NOTICE 'computed field "%" of table "%" is not made', function_name,
				ffu._name(parent) USING DETAIL = obstacle,
				HINT = format('The files are rows of table %s.', attachments);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._create_attachment_functions(regclass, regclass, name) IS
'Internal: makes the computed fields of attachments, except where there is an obstacle.';

CREATE FUNCTION ffu._protect_attachments(attachments regclass, tab record) RETURNS void
LANGUAGE plpgsql STRICT
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning	-- of policies that do not exist
AS $$
DECLARE
	seen text := format('EXISTS (SELECT FROM %s p WHERE %s', tab.parent,
		(SELECT string_agg(format('p.%I %s %s.%I', k, operator, attachments, c), ' AND '
						   ORDER BY i)
		   FROM unnest(tab.columns, tab.keys, tab.operators) WITH ORDINALITY
				AS u(c, k, operator, i)));
	-- FOR UPDATE asks for the parent's policies for UPDATE too.
	changed text := seen || ' FOR NO KEY UPDATE)';
	command text;
BEGIN
	seen := seen || ')';
	FOREACH command IN ARRAY ARRAY[
		format('ffu_parent_select ON %s FOR SELECT USING (%s)', attachments, seen),
		format('ffu_parent_insert ON %s FOR INSERT WITH CHECK (%s)', attachments, changed),
		format('ffu_parent_update ON %s FOR UPDATE USING (%s) WITH CHECK (%2$s)', attachments,
			   changed),
		format('ffu_parent_delete ON %s FOR DELETE USING (%s)', attachments, changed)]
	LOOP
		PERFORM ffu._command_as_owner(attachments, format('DROP POLICY IF EXISTS %s ON %s',
			split_part(command, ' ', 1), attachments));
		PERFORM ffu._command_as_owner(attachments, 'CREATE POLICY ' || command);
	END LOOP;
	PERFORM ffu._command_as_owner(attachments,
		format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, %s ROW LEVEL SECURITY', attachments,
			   CASE WHEN (SELECT c.relforcerowsecurity FROM pg_class c WHERE c.oid = tab.parent)
					THEN 'FORCE' ELSE 'NO FORCE' END));
END
$$;
COMMENT ON FUNCTION ffu._protect_attachments(regclass, record) IS
'Internal: lets a role see the attachments of the rows that the role sees, and change the '
'attachments of the rows that the role may change; tab is of ffu._attachment_parent.';

CREATE FUNCTION ffu.grant_attachments(attachments regclass) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tab record;
	command text;
BEGIN
	SELECT p.* INTO tab FROM ffu._attachment_parent(attachments) p;
	PERFORM ffu._check_owner(attachments);
	PERFORM ffu._check_owner(tab.parent);
	FOR command IN
		SELECT format('GRANT %s ON %s TO %s', string_agg(DISTINCT m.granted, ', '), attachments,
					  CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
		  FROM pg_class c
		 CROSS JOIN LATERAL aclexplode(c.relacl) a
		  JOIN (VALUES ('SELECT', 'SELECT'), ('INSERT', 'INSERT'), ('DELETE', 'DELETE'),
					   ('UPDATE', 'INSERT'), ('UPDATE', 'UPDATE'), ('UPDATE', 'DELETE'))
			   AS m(privilege, granted) ON m.privilege = a.privilege_type
		 WHERE c.oid = tab.parent AND a.grantee <> c.relowner
		 GROUP BY a.grantee
	LOOP
		PERFORM ffu._command_as_owner(attachments, command);
	END LOOP;
	IF (SELECT c.relrowsecurity FROM pg_class c WHERE c.oid = tab.parent) THEN
		PERFORM ffu._lock_table(attachments, 'ACCESS EXCLUSIVE');
		PERFORM ffu._protect_attachments(attachments, tab);
	END IF;
END
$$;
COMMENT ON FUNCTION ffu.grant_attachments(regclass) IS
'Gives the roles with rights on a table the like on the attachments of its rows. Takes a table of '
'ffu.add_attachments, which calls this function; returns nothing. Call the function again after a '
'GRANT on the parent, and after its row security was enabled. SELECT, INSERT and DELETE are '
'copied, and UPDATE gives INSERT, UPDATE and DELETE. No right is taken back; rights on columns are '
'not copied. If the parent has row security, the attachments get policies: a role sees the '
'attachments of the rows that it sees, and changes the attachments of the rows that it may UPDATE. '
'Raises 42501 (not the owner of both tables), 22004, 55000 (another table).';

CREATE FUNCTION ffu._create_attachments(relation regclass, table_name text) RETURNS regclass
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tab text := (SELECT format('%s.%I', c.relnamespace::regnamespace, table_name)
				   FROM pg_class c WHERE c.oid = relation);
	columns text;
	definitions text;
	keys text;
BEGIN
	SELECT string_agg(quote_ident(n.name), ', ' ORDER BY u.i),
		   string_agg(quote_ident(a.attname), ', ' ORDER BY u.i),
		   string_agg(format('%I %s%s NOT NULL', n.name, format_type(a.atttypid, a.atttypmod),
							 CASE WHEN a.attcollation <> t.typcollation THEN
								  ' COLLATE ' || a.attcollation::regcollation ELSE '' END),
					  ', ' ORDER BY u.i)
	  INTO columns, keys, definitions
	  FROM pg_index x
	 CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS u(attnum, i)
	  JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = u.attnum
	  JOIN pg_type t ON t.oid = a.atttypid
	 CROSS JOIN LATERAL (SELECT 'parent_' || CASE WHEN octet_length(a.attname) > 56 THEN u.i::text
												  ELSE a.attname::text END AS name) n
	 WHERE x.indrelid = relation AND x.indisprimary AND u.i <= x.indnkeyatts;
	IF columns IS NULL THEN
		PERFORM ffu._refuse(relation, NULL, '55000',
			format('table "%s" cannot have attachments', ffu._name(relation)),
			'It has no primary key, by which attachments would name a row.',
			'Give the table a primary key: ALTER TABLE ... ADD PRIMARY KEY.');
	END IF;
	PERFORM ffu._command_as_owner(relation,
		format('CREATE TABLE %s (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, '
			   '%s, position bigint GENERATED BY DEFAULT AS IDENTITY, '
			   'CONSTRAINT ffu_parent FOREIGN KEY (%s) REFERENCES %s (%s) '
			   'ON UPDATE CASCADE ON DELETE CASCADE)', tab, definitions, columns, relation, keys));
	PERFORM ffu._command_as_owner(relation,
		format('CREATE INDEX ON %s (%s, position, id)', tab, columns));
	RETURN tab::regclass;
END
$$;
COMMENT ON FUNCTION ffu._create_attachments(regclass, text) IS
'Internal: makes the child table of attachments, without its file column, as the owner of the '
'parent. Raises 55000 for a parent without a primary key, and the errors of CREATE TABLE.';

CREATE FUNCTION ffu._attachments_exist(relation regclass, table_name text) RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT EXISTS (
		SELECT FROM pg_catalog.pg_class p
		  JOIN pg_catalog.pg_class c ON c.relnamespace = p.relnamespace
		  JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid
		 WHERE p.oid = relation AND c.relname::text = table_name AND k.conname = 'ffu_parent'
		   AND k.contype = 'f' AND k.confrelid = relation
		   -- A role with REFERENCES can make a table with such a key.
		   AND c.relowner = p.relowner AND c.relkind = 'r'
		   AND EXISTS (SELECT FROM ffu._declarations() d
						WHERE d.relid = c.oid AND d.column_name = 'file')
		   AND 2 = (SELECT count(*) FROM pg_catalog.pg_attribute a
					 WHERE a.attrelid = c.oid AND a.attname = ANY ('{id,position}')));
END;
COMMENT ON FUNCTION ffu._attachments_exist(regclass, text) IS
'Internal: whether a table has a child table of attachments of this name, and of the same '
'owner.';

CREATE FUNCTION ffu.add_attachments(relation regclass, name name,
									allowed_extensions text[] DEFAULT NULL,
									allowed_mime_types text[] DEFAULT NULL,
									max_size anycompatible DEFAULT NULL::text,
									path_template text DEFAULT NULL,
									if_not_exists boolean DEFAULT false,
									content_check text DEFAULT NULL,
									column_type regtype DEFAULT 'ffu.file',
									private boolean DEFAULT false,
									table_name name DEFAULT NULL)
RETURNS regclass
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	child text := coalesce(table_name::text, ffu._name(relation) || '_' || name);
	attachments regclass;
BEGIN
	PERFORM ffu._check_table(relation, name, 'SHARE ROW EXCLUSIVE');
	PERFORM ffu._check_trusted(relation);
	IF octet_length(child) > 63 THEN
		PERFORM ffu._refuse(relation, NULL, '42622',
			format('name "%s" is too long for a table of attachments', child),
			format('It has %s bytes; at most 63 are possible.', octet_length(child)),
			'Choose a shorter name, or give the table one with table_name.');
	ELSIF if_not_exists AND ffu._attachments_exist(relation, child) THEN
		RAISE NOTICE 'attachments "%" of relation "%" already exist, skipping', name,
			ffu._name(relation);
		attachments := (SELECT format('%s.%I', c.relnamespace::regnamespace, child)::regclass
						  FROM pg_class c WHERE c.oid = relation);
		PERFORM ffu._warn_of_public(attachments, 'file', private);
		RETURN attachments;
	END IF;
	attachments := ffu._create_attachments(relation, child);
	PERFORM ffu.add_column(attachments, 'file', allowed_extensions, allowed_mime_types,
						   max_size::text, path_template, required => true,
						   content_check => content_check, column_type => column_type,
						   private => private);
	PERFORM ffu._create_attachment_functions(attachments, relation, name);
	PERFORM ffu.grant_attachments(attachments);
	RETURN attachments;
END
$$;
COMMENT ON FUNCTION ffu.add_attachments(regclass, name, text[], text[], anycompatible, text,
	boolean, text, regtype, boolean, name) IS
'Lets each row of a table have any number of files, in an order. Makes a child table in the same '
'schema, <table>_<name> or table_name, and returns the child table: id, parent_<key> for each '
'column of the parent''s primary key (a foreign key with ON DELETE CASCADE), position, and the '
'file column "file" with its companions, NOT NULL. A row of the child table is a file; an INSERT '
'of parent_<key> and file attaches one at the end, a DELETE removes one, and ffu.attach, '
'ffu.detach and ffu.reorder do it by the row of the parent. Makes the computed fields '
'<name>_urls(<table>) and <table>_<name>_urls(<table>), a jsonb array of objects with id, url, '
'file_name, mime_type and size in the order of position. The child table belongs to the parent''s '
'owner, has the rights of ffu.grant_attachments, and is dropped by DROP TABLE, as any other table. '
'Policy, column_type and rights are as in ffu.add_column; a change is made by ffu.alter_column of '
'the child table. if_not_exists: a NOTICE instead of an error if the child table exists already '
'and belongs to the owner of the parent, whatever its policy, and a WARNING if the files stay '
'public although private is true. '
'Raises the errors of ffu.add_column, 55000 (no primary key), 42P07 (the name is taken), 42622 '
'(the name is over 63 bytes).';
