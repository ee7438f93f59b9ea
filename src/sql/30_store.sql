--
-- 30_store.sql: the folder that this database has claimed
--

CREATE TABLE ffu.root (
	id text NOT NULL,
	path text NOT NULL,
	claimed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	key text,
	counted boolean NOT NULL DEFAULT false,
	CONSTRAINT root_pkey PRIMARY KEY (id)
);

CREATE UNIQUE INDEX root_one_row_idx ON ffu.root ((true));

COMMENT ON TABLE ffu.root IS
'The folder this database has claimed: one row, or no row before ffu.use_folder. Read and written '
'by ffu alone; not dumped, so that a restored copy cannot touch the files of the original.';
COMMENT ON COLUMN ffu.root.id IS
'Random id (a uuid) that also stands in the folder''s .ffu/owner; without a match nothing is '
'written or removed.';
COMMENT ON COLUMN ffu.root.path IS
'Absolute path of the folder on the server.';
COMMENT ON COLUMN ffu.root.claimed_at IS
'When this database claimed the folder.';
COMMENT ON COLUMN ffu.root.key IS
'Secret that also stands in .ffu/owner. With the secret a path proves for which column and row '
'the path was made.';
COMMENT ON COLUMN ffu.root.counted IS
'Whether ffu counts the stored files and bytes of tables: while the database has a quota.';
COMMENT ON INDEX ffu.root_one_row_idx IS
'Lets ffu.root have one row only.';
COMMENT ON INDEX ffu.root_pkey IS
'Primary key.';

CREATE TRIGGER skip_replicated BEFORE INSERT OR UPDATE OR DELETE ON ffu.root
	FOR EACH ROW EXECUTE FUNCTION ffu.skip_replicated();
ALTER TABLE ffu.root ENABLE REPLICA TRIGGER skip_replicated;

COMMENT ON TRIGGER skip_replicated ON ffu.root IS
'Leaves out what a logical replication brings.';
