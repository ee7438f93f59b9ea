--
-- 86_functions_move.sql: files move between folder and bucket
--
-- For superusers alone.
--

CREATE FUNCTION ffu._to_bucket(from_store text, to_store text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF (from_store, to_store) IN (('folder', 'bucket'), ('bucket', 'folder')) THEN
		RETURN to_store = 'bucket';
	END IF;
	RAISE EXCEPTION 'files cannot be moved from "%" to "%"', from_store, to_store
		USING ERRCODE = '22023',
		DETAIL = 'The stores are "folder" and "bucket".',
		HINT = 'Write ffu.move_files(''folder'', ''bucket'') '
			'or ffu.move_files(''bucket'', ''folder'').';
END
$$;
COMMENT ON FUNCTION ffu._to_bucket(text, text) IS
'Internal: whether the second store is the bucket. Raises 22023 for other stores.';

CREATE FUNCTION ffu._moving_parts(relation regclass, batch int)
RETURNS TABLE (relid oid, attnum int2, sha256 int2, first_block bigint, next_block bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT c.relid, c.attnum, c.sha256, b, b + s.step
	  FROM ffu._path_columns(relation) c
	 -- Some 64 rows in a block
	 CROSS JOIN (SELECT greatest(coalesce(batch, 100) / 64, 1)::bigint AS step) s
	 CROSS JOIN generate_series(0, pg_relation_size(c.relid::regclass) /
								current_setting('block_size')::bigint, s.step) b
	 WHERE c.managed
$$;
COMMENT ON FUNCTION ffu._moving_parts(regclass, int) IS
'Internal: the blocks of the file columns of a table and its partitions, or of all tables, in '
'pieces of about batch rows.';

CREATE FUNCTION ffu._move_part(relation oid, attnum int2, sha256 int2, to_bucket boolean,
							   first_block bigint, next_block bigint)
RETURNS text[]
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_sql_move_part';
COMMENT ON FUNCTION ffu._move_part(oid, int2, int2, boolean, bigint, bigint) IS
'Internal: copies the files of some blocks to the other place when the transaction commits, and '
'returns the paths of files that are in both places then.';

CREATE FUNCTION ffu._move_rest(paths text[], to_bucket boolean) RETURNS bigint
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_move_rest';
COMMENT ON FUNCTION ffu._move_rest(text[], boolean) IS
'Internal: removes the old copies of files that are in both places, and returns their number.';

CREATE FUNCTION ffu._move_due(batch int) RETURNS boolean
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_move_due';
COMMENT ON FUNCTION ffu._move_due(int) IS
'Internal: takes a step of the move of at most batch files that have been in the folder for '
'ffu.move_after, and returns whether one took a step. The background worker does the same.';

-- A procedure that commits cannot set search_path: everything in the body is
-- qualified.
CREATE PROCEDURE ffu.move_files(from_store text, to_store text, relation regclass DEFAULT NULL,
								batch int DEFAULT 100)
LANGUAGE plpgsql
AS $$
DECLARE
	to_bucket boolean := ffu._to_bucket(from_store, to_store);
	piece record;
	paths text[];
	moved bigint;
	before bigint;
	done bigint := 0;
	since timestamptz := pg_catalog.clock_timestamp();
BEGIN
	-- A row that is changed meanwhile can move to an earlier block: look again.
	FOR pass IN 1 .. 3 LOOP
		before := done;
		FOR piece IN
			SELECT p.relid, p.attnum, p.sha256, p.first_block, p.next_block
			  FROM ffu._moving_parts(relation, batch) p
		LOOP
			paths := ffu._move_part(piece.relid, piece.attnum, piece.sha256, to_bucket,
									piece.first_block, piece.next_block);
			COMMIT;
			CONTINUE WHEN pg_catalog.cardinality(paths) OPERATOR(pg_catalog.=) 0;
			moved := ffu._move_rest(paths, to_bucket);
			COMMIT;
			done := done OPERATOR(pg_catalog.+) moved;
			IF moved OPERATOR(pg_catalog.>) 0 THEN
				PERFORM ffu._tell_progress('moved', done, 0, since);
			END IF;
		END LOOP;
		EXIT WHEN done OPERATOR(pg_catalog.=) before;
	END LOOP;
	COMMIT;
	PERFORM ffu._tell_progress('move finished', done, 0, since);
END
$$;
COMMENT ON PROCEDURE ffu.move_files(text, text, regclass, int) IS
'Moves the files of rows from the folder to the bucket (''folder'', ''bucket'') or back, of one '
'table with its partitions or of all tables (NULL), in transactions of about batch rows, with a '
'NOTICE after each. No row changes, and no path: each file can be read all the time. New files go '
'where the column says (store in ffu.alter_column). A file has both places until it is durable in '
'the new one. Repeat a call that was interrupted: nothing is lost, and nothing is stored twice '
'but the files of one transaction. A file with other bytes than its row says stays, with a '
'WARNING. Deletions are not held up, but their files go between two transactions. To be called '
'outside a transaction block. For superusers: reads the rows of all tables, and runs no code of '
'the tables'' owners. Raises 22023 (stores), 55000 (no bucket, or not this database''s any more), '
'58030 and 53100 if a store fails.';
