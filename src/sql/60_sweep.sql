--
-- 60_sweep.sql: finishing leftovers, and bringing files back before
--
-- For superusers, and for roles of ffu.grant_operations.
--

CREATE FUNCTION ffu.sweep(
	OUT finished bigint, OUT undone bigint, OUT deleted bigint, OUT kept bigint,
	OUT waiting bigint, OUT open bigint, OUT unclear bigint, OUT failed bigint)
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_sql_sweep';
COMMENT ON FUNCTION ffu.sweep() IS
'Finishes what a crash, a prepared transaction, an old snapshot or a failed unlink left over, and '
'returns numbers of files: finished (committed; staging name removed), undone (not committed, or '
'an expired resumable upload; removed), deleted (deletions done), kept (moved out of URL reach '
'for ffu.deletion_delay), waiting (held up by a snapshot, the delay, a failure or a doubt; see '
'ffu.pending_deletions), open (of a transaction in progress or prepared), unclear (of another '
'folder or cluster, or of an earlier start of the server while a table is locked), failed (tried '
'again next time; WARNINGs name up to ten of each kind). A doubtful deletion, of a path that was '
'not made for its row, is verified first: every file column is read once. If no row has the '
'path, the next sweep deletes the file; else the file stays, and the server log says so. A file '
'that was being stored when the server crashed is verified in the same way, if ffu was '
'preloaded. Verifying needs no right on a table, and runs no code of the tables'' owners. Only '
'one session verifies at a time: '
'ffu.sweep() waits for it. Raises 25001 above READ COMMITTED, '
'25006 in a read-only transaction or on a standby, 55000 without a usable folder.';

-- Holders of the horizon of this database, which may still see the row that had
-- the file.  SECURITY DEFINER, since a role does not see the snapshots of other
-- roles; the query runs no code of a user.
CREATE FUNCTION ffu._holders(deletion_xmin xid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(h.holder, '; ' ORDER BY h.age DESC)
	  FROM (SELECT age(a.backend_xmin) AS age,
				   format('snapshot of process %s (%s), %s old', a.pid, a.backend_type,
						  date_trunc('second', clock_timestamp() - s.since)) AS holder
			  FROM pg_stat_activity a
			 CROSS JOIN LATERAL (SELECT coalesce(a.xact_start, a.backend_start) AS since) s
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
COMMENT ON FUNCTION ffu._holders(xid) IS
'Internal: sessions, prepared transactions and replication slots of this database that may still '
'see rows deleted by a transaction; NULL for none.';

CREATE FUNCTION ffu._verification_lock() RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT format('lock: table %s, %s', l.relation::regclass,
						  coalesce('process ' || l.pid, 'a prepared transaction'))
			  FROM pg_locks l
			 WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.granted
			   AND l.database = (SELECT b.oid FROM pg_database b
								  WHERE b.datname = current_database())
			   AND l.relation IN (SELECT c.relid FROM ffu._path_columns(NULL) c)
			 ORDER BY l.relation
			 LIMIT 1);
END
$$;
COMMENT ON FUNCTION ffu._verification_lock() IS
'Internal: a table that another session keeps from being read for the verification of doubtful '
'deletions, and that session; NULL for none.';

CREATE VIEW ffu.pending_deletions WITH (security_barrier) AS
SELECT d.path,
	   d.state,
	   d.doomed_at,
	   CASE WHEN d.state = 'detached'
			THEN 'wish: ffu.delete_detached deletes it'
			WHEN d.state = 'dangling'
			THEN 'wish: its row keeps the path'
			WHEN d.state = 'doubtful'
			THEN coalesce(ffu._holders(d.xmin),
						  ffu._verification_lock(),
						  'doubt: ffu.sweep() looks for other rows with the path')
			WHEN d.next_try > pg_catalog.clock_timestamp() AND d.last_error IS NOT NULL
			THEN pg_catalog.format('error: %s (attempt %s, next at %s)',
								   d.last_error, d.attempts, d.next_try)
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

COMMENT ON VIEW ffu.pending_deletions IS
'The files that rows let go and that are not struck off yet, each with the reason for the wait: a '
'snapshot (process and age), a prepared transaction, a replication slot, ffu.deletion_delay, an '
'error, a doubt, the lock of a table that a verification has to read, or a wish (detached and '
'dangling).';
COMMENT ON COLUMN ffu.pending_deletions.path IS 'Path of the file.';
COMMENT ON COLUMN ffu.pending_deletions.state IS
'doomed: to be removed; doubtful: to be removed if no other row has the path; kept: out of URL '
'reach, and can be brought back; detached: the file stays without a row; dangling: the path stays '
'in its row without a file.';
COMMENT ON COLUMN ffu.pending_deletions.doomed_at IS
'When the statement began that let the file go.';
COMMENT ON COLUMN ffu.pending_deletions.held_by IS 'The reason for the wait.';
COMMENT ON COLUMN ffu.pending_deletions.attempts IS 'How often removing the file failed.';
COMMENT ON COLUMN ffu.pending_deletions.last_error IS 'Message of the last failure.';
COMMENT ON COLUMN ffu.pending_deletions.next_try IS 'No sweep tries again before this time.';

CREATE FUNCTION ffu.undelete(path text) RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'ffu_sql_undelete';
COMMENT ON FUNCTION ffu.undelete(text) IS
'Brings back a file that a row let go, as an upload to be assigned to a file column; the file '
'gets a new path. Takes the old path; possible as long as ffu.pending_deletions lists the path. '
'Raises 23503 if there is no such deleted file, and the errors of ffu.file.';

CREATE FUNCTION ffu._doom_detached(path text) RETURNS bigint
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_sql_doom_detached';
COMMENT ON FUNCTION ffu._doom_detached(text) IS
'Internal: makes a deletion of a detached file, or of all for NULL, and returns the number of '
'files.';

CREATE FUNCTION ffu.delete_detached(path text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	done bigint;
BEGIN
	done := ffu._doom_detached(path);
	IF done = 0 AND path IS NOT NULL THEN
		RAISE EXCEPTION 'there is no detached file with path "%"', left(path, 60)
			USING ERRCODE = '23503', CONSTRAINT = 'ffu_file',
			DETAIL = 'No row let the file go by ''detach:'', or the file has been '
					 'deleted since.',
			HINT = 'ffu.pending_deletions lists the files that are detached.';
	END IF;
	RETURN done;
END
$$;
COMMENT ON FUNCTION ffu.delete_detached(text) IS
'Deletes a detached file, which stayed when its row let it go by ''detach:'', '
'or, for NULL, all detached files. The next ffu.sweep() or the background '
'worker removes the files, if no row has the path. Rows that were given the path since have a '
'copy, and keep the copy. Returns the number of files. Raises 23503 if there is no such file.';
