--
-- 82_functions_folder.sql: choosing and claiming the folder
--
-- For superusers, and for roles of ffu.grant_operations.
--

CREATE FUNCTION ffu.use_folder(path text, abandon_files boolean DEFAULT false) RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_use_folder';
COMMENT ON FUNCTION ffu.use_folder(text, boolean) IS
'Makes or takes a folder for the files of this database, and claims the folder; once per '
'database. Takes an absolute path on the server, and abandon_files. The folder must be empty, or '
'claimed by this database already. Refused where rows have paths (after a restore: use '
'ffu.claim_folder), or where this database has another folder with files, unless abandon_files is '
'true: then the files stay in the other folder, and their rows point to nothing. Raises 55000 '
'with the reason if the folder cannot be used (not empty, another database''s, in the data '
'directory or a tablespace, writable for others, no hard links), 55P03 after 10 seconds of '
'waiting for transactions that use the folder.';

CREATE FUNCTION ffu.claim_folder(path text DEFAULT NULL, abandon_files boolean DEFAULT false)
RETURNS void
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_sql_claim_folder';
COMMENT ON FUNCTION ffu.claim_folder(text, boolean) IS
'Takes over a folder of ffu that another copy of this database used: after pg_upgrade, a restore, '
'a failover or a move. Takes the path of the folder, or NULL for the folder this database knows, '
'and abandon_files: also if this database has another folder with files, which is left alone. A '
'folder in which nothing was stored is given up without abandon_files. Call the function only '
'when nothing else uses the folder: files in flight are settled by looking rows up. Waits for '
'transactions that use the folder, also prepared transactions, and keeps others from storing '
'meanwhile; raises 55P03 after 10 seconds of waiting for a lock. Ties the computed fields to their '
'tables again. Reads the rows of all tables for every caller, and runs no code of the tables'' '
'owners. Raises 55000 with the reason if the folder cannot be taken.';

CREATE FUNCTION ffu.adopt_folder(is_copy boolean DEFAULT false) RETURNS text
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_adopt_folder';
COMMENT ON FUNCTION ffu.adopt_folder(boolean) IS
'On a standby with ffu.standby_files: takes the folder at the path that this database knows, or '
'that ffu.folder_map has for it, as the standby''s own, and returns the path. The folder is a copy '
'of the primary''s folder, or empty. Writes to the folder only, nothing to the database. Takes '
'is_copy: the folder has the inode of the original, as in a snapshot of its volume, and is a copy '
'nevertheless. Raises 55000 with the reason if the folder cannot be taken: it is the original, '
'another root''s, in the data directory, or the server is not a standby.';

-- The background worker keeps a list of folders in the data directory.  SECURITY
-- DEFINER, since other roles may read no files there.
CREATE FUNCTION ffu._folder_list() RETURNS text
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT pg_read_file('ffu.folders', 0, 10485760, true)
$$;
COMMENT ON FUNCTION ffu._folder_list() IS
'Internal: the list of folders that the background worker keeps in the data directory; NULL '
'without a list.';

CREATE VIEW ffu.abandoned_folders WITH (security_barrier) AS
SELECT f.line[3] AS folder,
	   f.line[2] AS root_id,
	   f.line[1]::pg_catalog.oid AS database_oid
  FROM (SELECT pg_catalog.regexp_match(l.line, '^([0-9]+) ([^ ]+) (.*)$') AS line
		  FROM pg_catalog.regexp_split_to_table(
				   ffu._folder_list(), E'\n') AS l(line)) f
 WHERE f.line IS NOT NULL
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_database d
					WHERE d.oid OPERATOR(pg_catalog.=) f.line[1]::pg_catalog.oid);

COMMENT ON VIEW ffu.abandoned_folders IS
'Folders of databases of this cluster that have been dropped. The files are for you to remove; '
'only a folder below ffu.folder_parent goes by itself, after ffu.folder_grace. Only filled if ffu '
'is preloaded.';
COMMENT ON COLUMN ffu.abandoned_folders.folder IS 'Absolute path of the folder.';
COMMENT ON COLUMN ffu.abandoned_folders.root_id IS
'Id of the folder, which also stands in its .ffu/owner.';
COMMENT ON COLUMN ffu.abandoned_folders.database_oid IS 'The former OID of the database.';
