--
-- 60_sweep.sql: what is finished later, and what can be brought back until then
--
-- For superusers, and for roles of ffu.grant_operations.
--

CREATE FUNCTION ffu.sweep(
	OUT finished bigint, OUT undone bigint, OUT deleted bigint, OUT kept bigint,
	OUT waiting bigint, OUT open bigint, OUT unclear bigint, OUT failed bigint)
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_sweep';
COMMENT ON FUNCTION ffu.sweep() IS
'Finishes what a crash, a prepared transaction, an old snapshot or a failed unlink left over, and '
'says how many files: finished (committed; staging name removed), undone (not committed, or an '
'expired resumable upload; removed), deleted (deletions done), kept (moved out of URL reach for '
'ffu.deletion_delay), waiting (held up by a snapshot, the delay, a failure or a doubt; see '
'ffu.pending_deletions), open (their transaction is in progress or prepared), unclear (of another '
'folder or cluster), failed (tried again next time). A doubtful deletion, of a path that was not '
'made for its row, is verified first: every file column is read once. If no row has the path, the '
'next sweep deletes the file; else it stays, and the server log tells. That needs no right on a '
'table, and runs no code of the tables'' owners. Raises 25001 above READ COMMITTED, 25006 in a '
'read-only transaction or on a standby, 55000 without a usable folder.';

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
COMMENT ON FUNCTION ffu._holders(xid) IS
'Internal: what in this database may still see rows deleted by a transaction; NULL for nothing.';

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

COMMENT ON VIEW ffu.pending_deletions IS
'The files that rows let go and that are not struck off yet, each with what holds it: a snapshot '
'(process and age), a prepared transaction, a replication slot, ffu.deletion_delay, an error, a '
'doubt, or a wish.';
COMMENT ON COLUMN ffu.pending_deletions.path IS 'Path of the file.';
COMMENT ON COLUMN ffu.pending_deletions.state IS
'doomed: to be removed; doubtful: to be removed if no other row has the path; kept: out of URL '
'reach, and can be brought back; detached: without a row, by wish; dangling: the path stays in '
'its row without a file, by wish.';
COMMENT ON COLUMN ffu.pending_deletions.doomed_at IS 'When the statement began that let it go.';
COMMENT ON COLUMN ffu.pending_deletions.held_by IS 'What holds it.';
COMMENT ON COLUMN ffu.pending_deletions.attempts IS 'How often removing it failed.';
COMMENT ON COLUMN ffu.pending_deletions.last_error IS 'What the last failure said.';
COMMENT ON COLUMN ffu.pending_deletions.next_try IS 'Not tried again by itself before this time.';

CREATE FUNCTION ffu.undelete(path text) RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'ffu_undelete';
COMMENT ON FUNCTION ffu.undelete(text) IS
'Brings back a file that a row let go, as an upload to be assigned to a file column; it gets a '
'new path. Takes its old path; possible as long as ffu.pending_deletions lists it. Raises 23503 '
'if there is no such deleted file, and what ffu.file raises.';

CREATE FUNCTION ffu._doom_detached(path text) RETURNS bigint
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_doom_detached';
COMMENT ON FUNCTION ffu._doom_detached(text) IS
'Internal: makes a deletion of a detached file, or of all for NULL, and returns how many.';

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
COMMENT ON FUNCTION ffu.delete_detached(text) IS
'Deletes a file that its row let go of and that stayed by wish (clean_up => ''model'' of '
'ffu.delete_files), or, for NULL, all of them; they go with the next ffu.sweep() or the '
'background worker, if no row has the path. Rows that were given the path since have a file of '
'their own and keep it. Returns how many. Raises 23503 if there is no such file.';
