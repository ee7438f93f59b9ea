--
-- 41_transaction_usage.sql: quotas, and what tables have stored
--

CREATE TABLE ffu.quota (
	role oid NOT NULL,
	bytes bigint NOT NULL,
	CONSTRAINT quota_pkey PRIMARY KEY (role)
);

COMMENT ON TABLE ffu.quota IS
'Quotas in force, by ffu.set_quota. Not dumped, since roles have other numbers elsewhere.';
COMMENT ON COLUMN ffu.quota.role IS
'Number of the role whose tables the quota limits; 0 for the whole database.';
COMMENT ON COLUMN ffu.quota.bytes IS
'The most bytes of stored files.';
COMMENT ON INDEX ffu.quota_pkey IS
'Primary key.';

CREATE TABLE ffu.counted (
	relation oid NOT NULL,
	role oid NOT NULL,
	files bigint NOT NULL,
	bytes bigint NOT NULL,
	doomed bigint NOT NULL
);

-- Without a key, a publication FOR ALL TABLES would refuse the DELETE of a sweep.
ALTER TABLE ffu.counted REPLICA IDENTITY FULL;

COMMENT ON TABLE ffu.counted IS
'What transactions have added and removed while ffu counts, one row for each transaction and '
'table until a sweep folds the rows; the sum is exact. Written by ffu alone; not dumped.';
COMMENT ON COLUMN ffu.counted.relation IS
'The table whose rows have the files, or had them before it was dropped; 0 for other files.';
COMMENT ON COLUMN ffu.counted.role IS
'The last owner of a table that was dropped, for the files that it left; 0 for other tables.';
COMMENT ON COLUMN ffu.counted.files IS
'Files added; negative for files removed.';
COMMENT ON COLUMN ffu.counted.bytes IS
'Bytes of these files.';
COMMENT ON COLUMN ffu.counted.doomed IS
'Bytes of files whose rows of ffu.deletion are doomed or kept; negative for rows struck off.';

CREATE TRIGGER skip_replicated BEFORE INSERT OR UPDATE OR DELETE ON ffu.quota
	FOR EACH ROW EXECUTE FUNCTION ffu.skip_replicated();
ALTER TABLE ffu.quota ENABLE REPLICA TRIGGER skip_replicated;
CREATE TRIGGER skip_replicated BEFORE INSERT OR UPDATE OR DELETE ON ffu.counted
	FOR EACH ROW EXECUTE FUNCTION ffu.skip_replicated();
ALTER TABLE ffu.counted ENABLE REPLICA TRIGGER skip_replicated;

COMMENT ON TRIGGER skip_replicated ON ffu.quota IS
'Leaves out what a logical replication brings.';
COMMENT ON TRIGGER skip_replicated ON ffu.counted IS
'Leaves out what a logical replication brings.';
