--
-- 83_functions_status.sql: the state of the folder, and counters
--
-- For superusers, and for roles of ffu.grant_operations.
--

CREATE FUNCTION ffu._folder_status(
	OUT folder text, OUT root_id text, OUT problem text, OUT hint text,
	OUT writable boolean, OUT free_bytes bigint, OUT owner text, OUT mode text,
	OUT file_system text, OUT durability text, OUT preloaded boolean,
	OUT staged bigint, OUT library_version text, OUT libmagic_version text)
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_sql_folder_status';
COMMENT ON FUNCTION ffu._folder_status() IS
'Internal: the columns of ffu.status about the folder and the library.';

CREATE VIEW ffu.status WITH (security_barrier) AS
SELECT f.folder,
	   f.root_id,
	   f.problem,
	   f.hint,
	   f.writable,
	   f.free_bytes,
	   f.owner,
	   f.mode,
	   f.file_system,
	   f.durability,
	   f.staged AS staged_files,
	   (SELECT pg_catalog.count(*) FROM ffu.upload) AS resumable_uploads,
	   (SELECT pg_catalog.count(*) FROM ffu.deletion
		 WHERE state OPERATOR(pg_catalog.<>) ALL ('{detached,dangling}'::text[])
	   ) AS pending_deletions,
	   (SELECT pg_catalog.count(*) FROM ffu.deletion
		 WHERE state OPERATOR(pg_catalog.=) 'detached') AS detached_files,
	   (SELECT pg_catalog.count(*) FROM ffu.deletion
		 WHERE state OPERATOR(pg_catalog.=) 'dangling') AS dangling_paths,
	   f.preloaded,
	   e.extversion AS extension_version,
	   f.library_version,
	   f.libmagic_version,
	   pg_catalog.current_setting('server_version') AS server_version,
	   (SELECT b.url FROM ffu.bucket b) AS bucket,
	   (SELECT pg_catalog.count(*) FROM ffu.intent) AS unsettled_objects,
	   (SELECT pg_catalog.count(*) FROM ffu.moving) AS moving_files
  FROM ffu._folder_status() f
  LEFT JOIN pg_catalog.pg_extension e ON e.extname OPERATOR(pg_catalog.=) 'ffu';

COMMENT ON VIEW ffu.status IS
'One row: the folder of this database, whether the folder can be used (then problem and hint are '
'NULL), how files are made durable, pending work, and versions.';
COMMENT ON COLUMN ffu.status.folder IS 'Absolute path of the folder.';
COMMENT ON COLUMN ffu.status.root_id IS 'Id of the folder, which also stands in its .ffu/owner.';
COMMENT ON COLUMN ffu.status.problem IS 'Why the folder cannot be used; NULL if it can.';
COMMENT ON COLUMN ffu.status.hint IS 'How to solve the problem.';
COMMENT ON COLUMN ffu.status.writable IS 'Whether the server may write in the folder.';
COMMENT ON COLUMN ffu.status.free_bytes IS 'Free space on the file system of the folder, in bytes.';
COMMENT ON COLUMN ffu.status.owner IS 'Owner and group of the folder in the operating system.';
COMMENT ON COLUMN ffu.status.mode IS 'Permissions of the folder, and of new files and directories.';
COMMENT ON COLUMN ffu.status.file_system IS 'Kind of the file system of the folder.';
COMMENT ON COLUMN ffu.status.durability IS 'How files are made durable before a commit.';
COMMENT ON COLUMN ffu.status.staged_files IS
'Names in the staging directory: uploads in flight, prepared transactions, leftovers.';
COMMENT ON COLUMN ffu.status.resumable_uploads IS
'Rows of ffu.upload: resumable uploads that are not finished.';
COMMENT ON COLUMN ffu.status.pending_deletions IS
'Files that are still to be removed; see ffu.pending_deletions.';
COMMENT ON COLUMN ffu.status.detached_files IS
'Files that stay although their rows let them go (detached).';
COMMENT ON COLUMN ffu.status.dangling_paths IS
'Paths that rows keep although the files go or are gone (dangling).';
COMMENT ON COLUMN ffu.status.preloaded IS
'Whether ffu is in shared_preload_libraries, so that the background worker runs.';
COMMENT ON COLUMN ffu.status.extension_version IS 'Version of the extension in this database.';
COMMENT ON COLUMN ffu.status.library_version IS 'Version of the loaded library.';
COMMENT ON COLUMN ffu.status.libmagic_version IS 'Version of libmagic.';
COMMENT ON COLUMN ffu.status.server_version IS 'Version of the server.';
COMMENT ON COLUMN ffu.status.bucket IS 'URL of the bucket; NULL for none.';
COMMENT ON COLUMN ffu.status.unsettled_objects IS
'Rows of ffu.intent: objects of transactions that did not commit or are about to, and requests '
'without an answer.';

COMMENT ON COLUMN ffu.status.moving_files IS
'Rows of ffu.moving: files that wait in the folder until the worker moves them to the bucket.';

CREATE FUNCTION ffu._counters(
	OUT stored_files bigint, OUT stored_bytes bigint,
	OUT published_files bigint, OUT published_bytes bigint,
	OUT undone_files bigint, OUT deleted_files bigint,
	OUT swept_files bigint, OUT failed bigint)
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_sql_counters';
COMMENT ON FUNCTION ffu._counters() IS
'Internal: the row of ffu.stat.';

CREATE VIEW ffu.stat WITH (security_barrier) AS
SELECT c.stored_files,
	   c.stored_bytes,
	   c.published_files,
	   c.published_bytes,
	   c.undone_files,
	   c.deleted_files,
	   c.swept_files,
	   c.failed
  FROM ffu._counters() c;

COMMENT ON VIEW ffu.stat IS
'One row of counters since the server started: files and bytes stored (uploaded), published '
'(committed), files undone (rolled back or owned by no row), deleted, swept (leftovers finished), '
'and failed removals. Of this database if ffu is preloaded, else of this session alone.';
COMMENT ON COLUMN ffu.stat.stored_files IS 'Uploads whose bytes were all written.';
COMMENT ON COLUMN ffu.stat.stored_bytes IS 'Bytes of these uploads.';
COMMENT ON COLUMN ffu.stat.published_files IS 'Files of transactions that committed.';
COMMENT ON COLUMN ffu.stat.published_bytes IS 'Bytes of these files.';
COMMENT ON COLUMN ffu.stat.undone_files IS 'Files rolled back, or owned by no row.';
COMMENT ON COLUMN ffu.stat.deleted_files IS 'Files removed because a row let them go.';
COMMENT ON COLUMN ffu.stat.swept_files IS 'Leftovers that a sweep finished.';
COMMENT ON COLUMN ffu.stat.failed IS 'Removals that failed; each is tried again.';
