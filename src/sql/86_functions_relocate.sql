--
-- 86_functions_relocate.sql: new paths for stored files
--
-- The value 'copy:<path>' of a file column means a new file with the same bytes,
-- also where <path> is the path of the row: then the row keeps the companions, the
-- file gets a new path by hard link, and the old path goes after commit as with
-- any other change.
--

CREATE FUNCTION ffu._path_names(target regclass, column_name name)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	policy jsonb := (SELECT f.policy FROM ffu._require_column(target, column_name) f);
BEGIN
	RETURN (SELECT ARRAY[policy ->> 'path_template', n.nspname, c.relname, column_name,
						 coalesce(policy ->> 'private', 'false')]
			  FROM pg_catalog.pg_class c
			  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			 WHERE c.oid = target);
END
$$;
COMMENT ON FUNCTION ffu._path_names(regclass, name) IS
'Internal: the template of a file column (NULL for the default), and the names of schema, table '
'and column as they are now, and whether the column is private: the arguments of ffu._path_fits.';

CREATE FUNCTION ffu._relocation_parts(target regclass, column_name name, batch int)
RETURNS TABLE (part regclass, names text[], first_block bigint, next_block bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- Some 64 rows in a block
	step bigint := greatest(coalesce(batch, 1000) / 64, 1);
BEGIN
	PERFORM ffu._check_owner(target);
	PERFORM ffu._check_family(target);
	RETURN QUERY
	SELECT m, ffu._path_names(target, _relocation_parts.column_name), b, b + step
	  FROM ffu._tree(target) m
	  JOIN pg_catalog.pg_class c ON c.oid = m AND c.relkind = 'r'
	 CROSS JOIN generate_series(0, pg_relation_size(m) / current_setting('block_size')::bigint,
								step) b;
END
$$;
COMMENT ON FUNCTION ffu._relocation_parts(regclass, name, int) IS
'Internal: the blocks of a table and its partitions, in pieces of about batch rows.';

CREATE FUNCTION ffu._relocate_part(part regclass, column_name name, names text[],
								   first_block bigint, next_block bigint)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	command text := format('UPDATE ONLY %s SET %I = ''copy:'' || %2$I WHERE ctid = ANY ($1) '
						   'RETURNING true', part, column_name);
	ids tid[];
	id tid;
	moved bigint;
BEGIN
	SELECT array_agg(q.id) INTO ids
	  FROM ffu._query_as_owner(part, false,
		format('SELECT ctid, %I::text FROM ONLY %s WHERE ctid >= $1 AND ctid < $2 AND %1$I <> ''''',
			   column_name, part),
		format('(%s,0)', first_block)::tid, format('(%s,0)', next_block)::tid)
	    AS q(id tid, path text)
	 WHERE NOT ffu._path_fits(q.path, names[1], names[2], names[3], names[4],
							  names[5]::boolean);
	IF ids IS NULL THEN
		RETURN 0;
	END IF;
	BEGIN
		RETURN (SELECT count(*)
				  FROM ffu._query_as_owner(part, true, command, ids) AS q(done boolean));
	EXCEPTION WHEN foreign_key_violation THEN
		moved := 0;		-- a row has no file: row by row
	END;
	FOREACH id IN ARRAY ids LOOP
		BEGIN
			moved := moved + (
				SELECT count(*)
				  FROM ffu._query_as_owner(part, true, command, ARRAY[id]) AS q(done boolean));
		EXCEPTION WHEN foreign_key_violation THEN
			RAISE WARNING 'a row of table "%" keeps its path: %', ffu._name(part), SQLERRM
				USING DETAIL = format('The row has the ctid %s.', id),
				HINT = 'ffu.check() lists rows without a file.';
		END;
	END LOOP;
	RETURN moved;
END
$$;
COMMENT ON FUNCTION ffu._relocate_part(regclass, name, text[], bigint, bigint) IS
'Internal: gives files of some blocks new paths where a path does not fit the template; returns '
'the number of files.';

-- A procedure that commits cannot set search_path: everything in the body is
-- qualified.
CREATE PROCEDURE ffu.relocate(relation regclass, column_name name,
							  path_template text DEFAULT NULL, batch int DEFAULT 1000)
LANGUAGE plpgsql
AS $$
DECLARE
	piece record;
	moved bigint;
	before bigint;
	done bigint := 0;
	since timestamptz := pg_catalog.clock_timestamp();
BEGIN
	IF path_template IS NOT NULL THEN
		PERFORM ffu.alter_column(relation, column_name, path_template => path_template);
		COMMIT;
	END IF;
	-- A row that is changed meanwhile can move to an earlier block: look again.
	FOR pass IN 1 .. 3 LOOP
		before := done;
		FOR piece IN
			SELECT p.part, p.names, p.first_block, p.next_block
			  FROM ffu._relocation_parts(relation, column_name, batch) p
		LOOP
			moved := ffu._relocate_part(piece.part, column_name, piece.names,
										piece.first_block, piece.next_block);
			done := done OPERATOR(pg_catalog.+) moved;
			COMMIT;
			IF moved OPERATOR(pg_catalog.>) 0 THEN
				PERFORM ffu._tell_progress('relocated', done, 0, since);
			END IF;
		END LOOP;
		EXIT WHEN done OPERATOR(pg_catalog.=) before;
	END LOOP;
	COMMIT;
	PERFORM ffu._tell_progress('relocation finished', done, 0, since);
END
$$;
COMMENT ON PROCEDURE ffu.relocate(regclass, name, text, int) IS
'Gives files of a file column new paths, in transactions of about batch rows, with a NOTICE after '
'each. A file gets a new path if its path is not one of path_template, which becomes the '
'column''s template (NULL: the template stays), with the names of schema, table and column as '
'they are now. Each row changes at once, and its file can be read all the time: under the new '
'path and, as long as somebody can see the old row, the old path. Companions stay. Repeat a call '
'that was interrupted. A row without a file keeps its path, with a WARNING. The rows are updated '
'with the rights of the table''s owner, so the owner''s triggers fire. To be called outside a '
'transaction block. Raises 42501 for anyone but the owner of the table, 42703, 55000 (not a file '
'column), 0A000 (a partition: name the topmost table), 22023 (template).';
