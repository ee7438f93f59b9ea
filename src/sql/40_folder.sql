--
-- 40_folder.sql: the folder, its status, the sweep
--
-- For superusers, and for those they grant it to.
--

CREATE FUNCTION ffu.use_folder(path text) RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_use_folder';

CREATE FUNCTION ffu.claim_folder(path text DEFAULT NULL) RETURNS void
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_claim_folder';

CREATE FUNCTION ffu.sweep(
	OUT finished bigint, OUT undone bigint, OUT deleted bigint,
	OUT waiting bigint, OUT open bigint, OUT unclear bigint, OUT failed bigint)
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_sweep';

CREATE FUNCTION ffu._folder_status(
	OUT folder text, OUT root_id text, OUT problem text, OUT hint text,
	OUT writable boolean, OUT free_bytes bigint, OUT owner text, OUT mode text,
	OUT file_system text, OUT durability text, OUT preloaded boolean,
	OUT staged bigint, OUT library_version text, OUT libmagic_version text)
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_folder_status';

REVOKE ALL ON FUNCTION ffu.use_folder(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.claim_folder(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.sweep() FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu._folder_status() FROM PUBLIC;

COMMENT ON FUNCTION ffu.use_folder(text) IS
'Makes or takes a folder for the files of this database, and claims it; once per database. '
'Takes an absolute path on the server. The folder must be empty, or claimed by this database already; '
'raises 55000 with the reason if it cannot be used (not empty, another database''s, in the data directory or a tablespace, writable for others, no hard links).';
COMMENT ON FUNCTION ffu.claim_folder(text) IS
'Takes over a folder of ffu that another copy of this database used: after pg_upgrade, a restore, a failover or a move. '
'Takes its path, or NULL for the one this database knows. Call it only when nothing else uses the folder: what was in flight is settled by looking rows up. '
'Raises 55000 with the reason if it cannot be taken.';
COMMENT ON FUNCTION ffu.sweep() IS
'Finishes what a crash, a prepared transaction, an old snapshot or a failed unlink left over, and says how many files: '
'finished (committed; staging name removed), undone (not committed; removed), deleted (deletions done), waiting (a snapshot may still need them), '
'open (their transaction is in progress or prepared), unclear (staging names of another cluster), failed (tried again next time). '
'Raises 25001 above READ COMMITTED, 25006 in a read-only transaction or on a standby, 55000 without a usable folder.';
COMMENT ON FUNCTION ffu._folder_status() IS
'Internal: what ffu.status shows of the folder and the library.';

CREATE VIEW ffu.status AS
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
	   (SELECT pg_catalog.count(*) FROM ffu.deletion) AS pending_deletions,
	   f.preloaded,
	   e.extversion AS extension_version,
	   f.library_version,
	   f.libmagic_version,
	   pg_catalog.current_setting('server_version') AS server_version
  FROM ffu._folder_status() f
  LEFT JOIN pg_catalog.pg_extension e ON e.extname OPERATOR(pg_catalog.=) 'ffu';

REVOKE ALL ON TABLE ffu.status FROM PUBLIC;

COMMENT ON VIEW ffu.status IS
'One row: the folder of this database, whether it can be used (problem and hint are NULL then), how files are made durable on it, what work is pending, and versions.';
