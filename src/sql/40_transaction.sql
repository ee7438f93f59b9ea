--
-- 40_transaction.sql: deletions that transactions have committed
--

CREATE SEQUENCE ffu.deletion_id_seq AS bigint;

CREATE TABLE ffu.deletion (
	id bigint NOT NULL DEFAULT pg_catalog.nextval('ffu.deletion_id_seq'),
	root text NOT NULL,
	-- Looked up below the level of SQL, by bytes.
	path text COLLATE "C" NOT NULL,
	state text COLLATE "C" NOT NULL DEFAULT 'doomed',
	doomed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	attempts int NOT NULL DEFAULT 0,
	last_error text,
	next_try timestamptz,
	relation oid,
	size bigint,
	CONSTRAINT deletion_pkey PRIMARY KEY (id)
);

ALTER SEQUENCE ffu.deletion_id_seq OWNED BY ffu.deletion.id;

CREATE INDEX deletion_path_idx ON ffu.deletion (path);

CREATE INDEX deletion_state_idx ON ffu.deletion (state, id);

COMMENT ON TABLE ffu.deletion IS
'Files that committed transactions have replaced or deleted and that are still to be unlinked. '
'Work to do, not a register of files: a row goes once its file is gone. Also has marks: for files '
'that stay without a row, and for paths that stay without a file. Written by ffu alone; not '
'dumped.';
COMMENT ON COLUMN ffu.deletion.id IS
'Number of the deletion, from ffu.deletion_id_seq.';
COMMENT ON COLUMN ffu.deletion.root IS
'Id of the folder of the file (ffu.root.id); rows of another folder are left alone.';
COMMENT ON COLUMN ffu.deletion.path IS
'Path of the file, relative to the folder.';
COMMENT ON COLUMN ffu.deletion.state IS
'How far the deletion is. ''doomed'': to be unlinked once no snapshot can see the row that had '
'the file; ''kept'': moved out of URL reach until ffu.deletion_delay is over; ''doubtful'': the '
'path was not made for the row, so a sweep first looks for other rows with the path. Or a mark: '
'''detached'': the row let go of the file, and the file stays; ''dangling'': the row keeps the '
'path although the file goes.';
COMMENT ON COLUMN ffu.deletion.doomed_at IS
'When the statement began that let the file go.';
COMMENT ON COLUMN ffu.deletion.attempts IS
'How often unlinking was tried and failed.';
COMMENT ON COLUMN ffu.deletion.last_error IS
'Message of the last failed attempt.';
COMMENT ON COLUMN ffu.deletion.next_try IS
'Not to be tried again before this time.';
COMMENT ON COLUMN ffu.deletion.relation IS
'The table for which the file counts: as stored if doubtful or detached, as deleted if doomed or '
'kept. NULL if the file does not count.';
COMMENT ON COLUMN ffu.deletion.size IS
'Size of this file in bytes; NULL if the file does not count.';
COMMENT ON SEQUENCE ffu.deletion_id_seq IS
'Numbers of deletions.';
COMMENT ON INDEX ffu.deletion_pkey IS
'Primary key.';
COMMENT ON INDEX ffu.deletion_path_idx IS
'Finds out whether a path is doomed.';
COMMENT ON INDEX ffu.deletion_state_idx IS
'The order in which a sweep does deletions.';

CREATE TRIGGER skip_replicated BEFORE INSERT OR UPDATE OR DELETE ON ffu.deletion
	FOR EACH ROW EXECUTE FUNCTION ffu.skip_replicated();
ALTER TABLE ffu.deletion ENABLE REPLICA TRIGGER skip_replicated;

COMMENT ON TRIGGER skip_replicated ON ffu.deletion IS
'Leaves out what a logical replication brings.';
