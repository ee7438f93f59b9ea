--
-- 40_folder.sql: the folder, its status, the sweep
--
-- For superusers, and for those they grant it to.
--

CREATE FUNCTION ffu.use_folder(path text, abandon_files boolean DEFAULT false) RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_use_folder';

CREATE FUNCTION ffu.claim_folder(path text DEFAULT NULL, abandon_files boolean DEFAULT false) RETURNS void
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_claim_folder';

CREATE FUNCTION ffu.sweep(
	OUT finished bigint, OUT undone bigint, OUT deleted bigint, OUT kept bigint,
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

CREATE FUNCTION ffu.undelete(path text) RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'ffu_undelete';

CREATE FUNCTION ffu._counters(
	OUT stored_files bigint, OUT stored_bytes bigint,
	OUT published_files bigint, OUT published_bytes bigint,
	OUT undone_files bigint, OUT deleted_files bigint,
	OUT swept_files bigint, OUT failed bigint)
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_counters';

REVOKE ALL ON FUNCTION ffu.undelete(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu._counters() FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.use_folder(text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.claim_folder(text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.sweep() FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu._folder_status() FROM PUBLIC;

COMMENT ON FUNCTION ffu.use_folder(text, boolean) IS
'Makes or takes a folder for the files of this database, and claims it; once per database. '
'Takes an absolute path on the server, and abandon_files. The folder must be empty, or claimed by this database already. '
'Refused where rows have paths (after a restore: use ffu.claim_folder), or this database has another folder with its files, unless abandon_files is true: then those files stay where they are, and their rows point to nothing. '
'raises 55000 with the reason if it cannot be used (not empty, another database''s, in the data directory or a tablespace, writable for others, no hard links).';
COMMENT ON FUNCTION ffu.claim_folder(text, boolean) IS
'Takes over a folder of ffu that another copy of this database used: after pg_upgrade, a restore, a failover or a move. '
'Takes its path, or NULL for the one this database knows, and abandon_files: also if this database has another folder with files, which is left as it is. A folder in which nothing was stored is given up without that. Call it only when nothing else uses the folder: what was in flight is settled by looking rows up. Waits for transactions that use the folder, also prepared ones. '
'Ties the computed fields to their tables again. Reads the rows of all tables, whoever calls, and runs no code of the tables'' owners. '
'Raises 55000 with the reason if it cannot be taken.';
COMMENT ON FUNCTION ffu.sweep() IS
'Finishes what a crash, a prepared transaction, an old snapshot or a failed unlink left over, and says how many files: '
'finished (committed; staging name removed), undone (not committed, or an expired resumable upload; removed), deleted (deletions done), kept (moved out of URL reach for ffu.deletion_delay), '
'waiting (held up by a snapshot, the delay, a failure or a doubt; see ffu.pending_deletions), '
'open (their transaction is in progress or prepared), unclear (of another folder or cluster), failed (tried again next time). '
'A doubtful deletion, of a path that was not made for its row, is verified first: every file column is read once. If no row has the path, the next sweep deletes the file; else it stays, and the server log tells. '
'That needs no right on a table, and runs no code of the tables'' owners. '
'Raises 25001 above READ COMMITTED, 25006 in a read-only transaction or on a standby, 55000 without a usable folder.';
COMMENT ON FUNCTION ffu.undelete(text) IS
'Brings back a file that a row let go, as an upload to be assigned to a file column; it gets a new path. '
'Takes its old path; possible as long as ffu.pending_deletions lists it. '
'Raises 23503 if there is no such deleted file, and what ffu.file raises.';
COMMENT ON FUNCTION ffu._counters() IS
'Internal: what ffu.stat shows.';
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
	   (SELECT pg_catalog.count(*) FROM ffu.upload) AS resumable_uploads,
	   (SELECT pg_catalog.count(*) FROM ffu.deletion WHERE state OPERATOR(pg_catalog.<>) ALL ('{detached,dangling}'::text[])) AS pending_deletions,
	   (SELECT pg_catalog.count(*) FROM ffu.deletion WHERE state OPERATOR(pg_catalog.=) 'detached') AS detached_files,
	   (SELECT pg_catalog.count(*) FROM ffu.deletion WHERE state OPERATOR(pg_catalog.=) 'dangling') AS dangling_paths,
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

CREATE VIEW ffu.stat AS
SELECT c.stored_files,
	   c.stored_bytes,
	   c.published_files,
	   c.published_bytes,
	   c.undone_files,
	   c.deleted_files,
	   c.swept_files,
	   c.failed
  FROM ffu._counters() c;

REVOKE ALL ON TABLE ffu.stat FROM PUBLIC;

COMMENT ON VIEW ffu.stat IS
'One row of counters since the server started: files and bytes stored (uploaded), published (committed), files undone (rolled back or owned by no row), '
'deleted, swept (leftovers finished), and failed removals. Of this database if ffu is preloaded, else of this session alone.';

-- Who may still see the row that had the file: whatever holds the horizon of
-- this database back to the deletion's own transaction.  With the rights of its
-- owner, since other roles do not see the snapshots of others; it runs nothing
-- of a user's.
CREATE FUNCTION ffu._holders(deletion_xmin xid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(h.holder, '; ' ORDER BY h.age DESC)
	  FROM (SELECT age(a.backend_xmin) AS age,
				   format('snapshot of process %s (%s), %s old', a.pid, a.backend_type,
						  date_trunc('second', clock_timestamp() - coalesce(a.xact_start, a.backend_start))) AS holder
			  FROM pg_stat_activity a
			 WHERE a.backend_xmin IS NOT NULL
			   AND (a.datname = current_database() OR a.datname IS NULL)
			   AND a.pid <> pg_backend_pid()
			UNION ALL
			SELECT age(p.transaction),
				   format('prepared transaction %s of %s', quote_literal(p.gid), p.prepared)
			  FROM pg_prepared_xacts p
			 WHERE p.database = current_database()
			UNION ALL
			SELECT age(s.xmin), format('replication slot %s', quote_literal(s.slot_name))
			  FROM pg_replication_slots s
			 WHERE s.xmin IS NOT NULL) h
	 WHERE h.age >= age(deletion_xmin)
$$;

CREATE VIEW ffu.pending_deletions AS
SELECT d.path,
	   d.state,
	   d.doomed_at,
	   CASE WHEN d.state = 'detached'
			THEN 'wish: ffu.delete_detached deletes it'
			WHEN d.state = 'dangling'
			THEN 'wish: its row keeps the path'
			WHEN d.state = 'doubtful'
			THEN coalesce(ffu._holders(d.xmin), 'doubt: ffu.sweep() looks for other rows with the path')
			WHEN d.next_try > pg_catalog.clock_timestamp() AND d.last_error IS NOT NULL
			THEN pg_catalog.format('error: %s (attempt %s, next at %s)', d.last_error, d.attempts, d.next_try)
			WHEN d.state = 'kept'
			THEN pg_catalog.format('ffu.deletion_delay, until %s', d.doomed_at +
				 pg_catalog.current_setting('ffu.deletion_delay')::pg_catalog.interval)
			WHEN d.root <> (SELECT r.id FROM ffu.root r)
			THEN 'another folder: this database did not delete it'
			ELSE coalesce(ffu._holders(d.xmin), 'nothing: the next sweep does it')
	   END AS held_by,
	   d.attempts,
	   d.last_error,
	   d.next_try
  FROM ffu.deletion d;

REVOKE ALL ON TABLE ffu.pending_deletions FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu._holders(xid) FROM PUBLIC;

COMMENT ON FUNCTION ffu._holders(xid) IS
'Internal: what in this database may still see rows deleted by a transaction; NULL for nothing.';
COMMENT ON VIEW ffu.pending_deletions IS
'The files that rows let go and that are not struck off yet, each with what holds it: a snapshot (process and age), a prepared transaction, a replication slot, ffu.deletion_delay, an error, a doubt, or a wish.';

CREATE FUNCTION ffu._doom_detached(path text) RETURNS bigint
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_doom_detached';
COMMENT ON FUNCTION ffu._doom_detached(text) IS
'Internal: makes a deletion of a detached file, or of all for NULL, and returns how many.';
REVOKE ALL ON FUNCTION ffu._doom_detached(text) FROM PUBLIC;

CREATE FUNCTION ffu.delete_detached(path text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	done bigint;
BEGIN
	-- From now on it is a deletion, the newest.
	done := ffu._doom_detached(path);
	IF done = 0 AND path IS NOT NULL THEN
		RAISE EXCEPTION 'there is no detached file with path "%"', left(path, 60)
			USING ERRCODE = '23503', CONSTRAINT = 'ffu_file',
			DETAIL = 'No row let go of it by clean_up => ''model'', or it has been deleted since.',
			HINT = 'ffu.pending_deletions lists the files that are detached.';
	END IF;
	RETURN done;
END
$$;

REVOKE ALL ON FUNCTION ffu.delete_detached(text) FROM PUBLIC;

COMMENT ON FUNCTION ffu.delete_detached(text) IS
'Deletes a file that its row let go of and that stayed by wish (clean_up => ''model'' of ffu.delete_files), or, for NULL, all of them; they go with the next ffu.sweep() or the background worker, if no row has the path. '
'Rows that were given the path since have a file of their own and keep it. Returns how many. Raises 23503 if there is no such file.';

COMMENT ON COLUMN ffu.status.folder IS 'Absolute path of the folder.';
COMMENT ON COLUMN ffu.status.root_id IS 'Id of the folder, which also stands in its .ffu/owner.';
COMMENT ON COLUMN ffu.status.problem IS 'Why the folder cannot be used; NULL if it can.';
COMMENT ON COLUMN ffu.status.hint IS 'What to do about it.';
COMMENT ON COLUMN ffu.status.writable IS 'Whether the server may write there.';
COMMENT ON COLUMN ffu.status.free_bytes IS 'Free space on its file system, in bytes.';
COMMENT ON COLUMN ffu.status.owner IS 'Its owner and group in the operating system.';
COMMENT ON COLUMN ffu.status.mode IS 'Its permissions, and those of new files and directories.';
COMMENT ON COLUMN ffu.status.file_system IS 'Kind of its file system.';
COMMENT ON COLUMN ffu.status.durability IS 'How files are made durable there before a commit.';
COMMENT ON COLUMN ffu.status.staged_files IS 'Names in the staging directory: uploads in flight, prepared transactions, leftovers.';
COMMENT ON COLUMN ffu.status.resumable_uploads IS 'Rows of ffu.upload: resumable uploads that are not finished.';
COMMENT ON COLUMN ffu.status.pending_deletions IS 'Files that are still to be removed; see ffu.pending_deletions.';
COMMENT ON COLUMN ffu.status.detached_files IS 'Files that stay although their rows let go of them, by wish.';
COMMENT ON COLUMN ffu.status.dangling_paths IS 'Paths that rows keep although their files go or are gone, by wish.';
COMMENT ON COLUMN ffu.status.preloaded IS 'Whether ffu is in shared_preload_libraries, so that the background worker runs.';
COMMENT ON COLUMN ffu.status.extension_version IS 'Version of the extension in this database.';
COMMENT ON COLUMN ffu.status.library_version IS 'Version of the loaded library.';
COMMENT ON COLUMN ffu.status.libmagic_version IS 'Version of libmagic.';
COMMENT ON COLUMN ffu.status.server_version IS 'Version of the server.';

COMMENT ON COLUMN ffu.stat.stored_files IS 'Uploads whose bytes were all written.';
COMMENT ON COLUMN ffu.stat.stored_bytes IS 'Their bytes.';
COMMENT ON COLUMN ffu.stat.published_files IS 'Files of transactions that committed.';
COMMENT ON COLUMN ffu.stat.published_bytes IS 'Their bytes.';
COMMENT ON COLUMN ffu.stat.undone_files IS 'Files rolled back, or owned by no row.';
COMMENT ON COLUMN ffu.stat.deleted_files IS 'Files removed because a row let them go.';
COMMENT ON COLUMN ffu.stat.swept_files IS 'Leftovers that a sweep finished.';
COMMENT ON COLUMN ffu.stat.failed IS 'Removals that failed; each is tried again.';

COMMENT ON COLUMN ffu.pending_deletions.path IS 'Path of the file.';
COMMENT ON COLUMN ffu.pending_deletions.state IS 'doomed: to be removed; doubtful: to be removed if no other row has the path; kept: out of URL reach, and can be brought back; detached: without a row, by wish; dangling: the path stays in its row without a file, by wish.';
COMMENT ON COLUMN ffu.pending_deletions.doomed_at IS 'When the statement began that let it go.';
COMMENT ON COLUMN ffu.pending_deletions.held_by IS 'What holds it.';
COMMENT ON COLUMN ffu.pending_deletions.attempts IS 'How often removing it failed.';
COMMENT ON COLUMN ffu.pending_deletions.last_error IS 'What the last failure said.';
COMMENT ON COLUMN ffu.pending_deletions.next_try IS 'Not tried again by itself before this time.';

-- Known from a list that the background worker keeps in the data directory.
-- With the rights of its owner, since other roles may read no files there.
CREATE FUNCTION ffu._folder_list() RETURNS text
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT pg_read_file('ffu.folders', 0, 10485760, true)
$$;
REVOKE ALL ON FUNCTION ffu._folder_list() FROM PUBLIC;
COMMENT ON FUNCTION ffu._folder_list() IS
'Internal: the list of folders that the background worker keeps in the data directory; NULL if there is none.';

CREATE VIEW ffu.abandoned_folders AS
SELECT f.line[3] AS folder,
	   f.line[2] AS root_id,
	   f.line[1]::pg_catalog.oid AS database_oid
  FROM (SELECT pg_catalog.regexp_match(l.line, '^([0-9]+) ([^ ]+) (.*)$') AS line
		  FROM pg_catalog.regexp_split_to_table(
				   ffu._folder_list(), E'\n') AS l(line)) f
 WHERE f.line IS NOT NULL
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_database d
					WHERE d.oid OPERATOR(pg_catalog.=) f.line[1]::pg_catalog.oid);

REVOKE ALL ON TABLE ffu.abandoned_folders FROM PUBLIC;

COMMENT ON VIEW ffu.abandoned_folders IS
'Folders of databases of this cluster that have been dropped; their files are for you to remove. Only filled if ffu is preloaded.';
COMMENT ON COLUMN ffu.abandoned_folders.folder IS 'Absolute path of the folder.';
COMMENT ON COLUMN ffu.abandoned_folders.root_id IS 'Its id, which also stands in its .ffu/owner.';
COMMENT ON COLUMN ffu.abandoned_folders.database_oid IS 'The oid that the database had.';
