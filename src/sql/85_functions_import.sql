--
-- 85_functions_import.sql: storing files of this server
--
-- For roles with the privileges of pg_read_server_files, and to move files of
-- pg_write_server_files as well; the functions ask for these privileges again.
--

CREATE FUNCTION ffu.import_file(server_path text, file_name text DEFAULT NULL,
								move boolean DEFAULT false)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000
AS 'MODULE_PATHNAME', 'ffu_sql_import_file';
COMMENT ON FUNCTION ffu.import_file(text, text, boolean) IS
'Stores a file of the server as an upload of this transaction, to be assigned to a file column. '
'Takes an absolute path and the name for downloads (NULL: the last part of the path); returns the '
'upload as text, NULL for a NULL path. The blocks are shared with the original where the file '
'system can, else copied. move: the original goes after commit; where the original is on the file '
'system of the folder and belongs to the server''s user alone, nothing is copied. Raises 42501 '
'without the privileges of pg_read_server_files, or, to move, pg_write_server_files; 42809 if the '
'path is not a regular file, also for a symbolic link; 22023 for a path that is not absolute or '
'in the data directory, a tablespace or the folder''s .ffu; 58P01 for no file; 55000 if the file '
'changes during the read; and the errors of ffu.file.';

CREATE FUNCTION ffu._import_below(server_directory text, below text, move boolean) RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 100000
AS 'MODULE_PATHNAME', 'ffu_sql_import_below';
COMMENT ON FUNCTION ffu._import_below(text, text, boolean) IS
'Internal: the result of ffu.import_file for a file below a directory of the server; follows no '
'link below the directory.';

CREATE FUNCTION ffu._list_files(server_directory text) RETURNS SETOF text
LANGUAGE c VOLATILE STRICT ROWS 10000
AS 'MODULE_PATHNAME', 'ffu_sql_list_files';
COMMENT ON FUNCTION ffu._list_files(text) IS
'Internal: the regular files in a directory of the server and below, relative to the directory; '
'raises 42501.';

CREATE FUNCTION ffu._files_to_import(target regclass, column_name name, name_column name,
									 server_directory text)
RETURNS TABLE (file text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF num_nulls(target, column_name, name_column, server_directory) > 0 THEN
		PERFORM ffu._refuse(target, column_name, '22004',
			'relation, column_name, name_column and server_directory must not be null',
			'An argument is null.',
			'name_column is a column for the path of each file below server_directory.');
	END IF;
	PERFORM ffu._require_column(target, column_name);
	PERFORM ffu._check_partition_owners(target);
	PERFORM FROM pg_catalog.pg_attribute a
	  WHERE a.attrelid = target AND a.attname = name_column AND a.attnum > 0 AND NOT a.attisdropped
		AND a.atttypid IN ('text'::regtype, 'varchar'::regtype);
	IF NOT FOUND THEN
		PERFORM ffu._refuse(target, name_column, '42804',
			format('column "%s" cannot hold the names of imported files', name_column),
			'It is not a column of type text or character varying of this table.',
			'The column tells a second call which files are imported already. '
			'Add a column: ALTER TABLE ... ADD COLUMN imported_from text UNIQUE.');
	END IF;
	RETURN QUERY
	SELECT f FROM ffu._list_files(server_directory) f
	EXCEPT ALL
	SELECT n FROM ffu._texts_of(target, name_column, NULL) n
	 ORDER BY 1;
END
$$;
COMMENT ON FUNCTION ffu._files_to_import(regclass, name, name, text) IS
'Internal: the files below a directory that no row names yet; checks the arguments of '
'ffu.import_directory.';

CREATE FUNCTION ffu._import_row(relation regclass, name_column name, column_name name,
								file text, upload text) RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_import_row';
COMMENT ON FUNCTION ffu._import_row(regclass, name, name, text, text) IS
'Internal: inserts a row with the rights of the owner of the table; column_name is a file column. '
'Raises 42501 for a caller without the privileges of pg_read_server_files, or without the right '
'to insert into both columns, or who may insert only rows that a policy allows.';

CREATE FUNCTION ffu._import_one(target regclass, column_name name, name_column name,
								server_directory text, file text, move boolean, skip_errors boolean)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- A subtransaction for each file only where errors are skipped.
	IF skip_errors THEN
		BEGIN
			RETURN ffu._import_one(target, column_name, name_column, server_directory, file, move,
								   skip_errors => false);
		EXCEPTION WHEN check_violation OR undefined_file OR insufficient_privilege
			OR object_not_in_prerequisite_state OR invalid_parameter_value OR wrong_object_type THEN
			RAISE WARNING 'file "%" was not imported: %', file, SQLERRM
				USING ERRCODE = SQLSTATE;
			RETURN false;
		END;
	END IF;
	PERFORM ffu._import_row(target, name_column, column_name, file,
							ffu._import_below(server_directory, file, coalesce(move, false)));
	RETURN true;
END
$$;
COMMENT ON FUNCTION ffu._import_one(regclass, name, name, text, text, boolean, boolean) IS
'Internal: inserts one row with one file; false if the file was skipped.';

CREATE FUNCTION ffu._tell_progress(what text, done bigint, skipped bigint, since timestamptz)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE NOTICE '%: % files, % skipped, % s', what, done, skipped,
		round(extract(epoch FROM clock_timestamp() - since)::numeric, 1);
END
$$;
COMMENT ON FUNCTION ffu._tell_progress(text, bigint, bigint, timestamptz) IS
'Internal: a NOTICE with the progress of a procedure.';

-- A procedure that commits cannot set search_path: everything in the body is
-- qualified.
CREATE PROCEDURE ffu.import_directory(relation regclass, column_name name, name_column name,
									  server_directory text, batch int DEFAULT 1000,
									  move boolean DEFAULT false, skip_errors boolean DEFAULT false)
LANGUAGE plpgsql
AS $$
DECLARE
	file text;
	done bigint := 0;
	skipped bigint := 0;
	since timestamptz := pg_catalog.clock_timestamp();
BEGIN
	FOR file IN
		SELECT f.file
		  FROM ffu._files_to_import(relation, column_name, name_column, server_directory) f
	LOOP
		IF ffu._import_one(relation, column_name, name_column, server_directory, file, move,
						   skip_errors)
		THEN
			done := done OPERATOR(pg_catalog.+) 1;
		ELSE
			skipped := skipped OPERATOR(pg_catalog.+) 1;
		END IF;
		IF (done OPERATOR(pg_catalog.+) skipped) OPERATOR(pg_catalog.%) greatest(batch, 1)
			OPERATOR(pg_catalog.=) 0
		THEN
			COMMIT;
			PERFORM ffu._tell_progress('imported', done, skipped, since);
		END IF;
	END LOOP;
	COMMIT;
	PERFORM ffu._tell_progress('import finished', done, skipped, since);
END
$$;
COMMENT ON PROCEDURE ffu.import_directory(regclass, name, name, text, int, boolean, boolean) IS
'Inserts one row for each regular file in a directory of the server and below, in transactions of '
'batch files, with a NOTICE after each. Each row has the file in column_name and the path below '
'server_directory in name_column (text); other columns get their defaults. Files that a row names '
'already are left out: repeat a call that was interrupted. move: as in ffu.import_file. '
'skip_errors: a WARNING for a file that is refused, and the import goes on. Rows are inserted '
'with the rights of the table''s owner, in whose name defaults and triggers run; the caller needs '
'INSERT and SELECT on both columns, and must not be subject to row-level security. To be called '
'outside a transaction block. Raises 42501 without these rights or the privileges of '
'pg_read_server_files, 42804 for a name_column of another type, 55000 if column_name is no file '
'column, and the errors of ffu.import_file.';
