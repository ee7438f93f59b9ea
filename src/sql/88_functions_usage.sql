--
-- 88_functions_usage.sql: quotas, and how much is used
--
-- Only a superuser sets quotas and counts again.
--

CREATE FUNCTION ffu._count_files(relation oid, attnum int2, OUT files bigint, OUT bytes bigint)
LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_count_files';
COMMENT ON FUNCTION ffu._count_files(oid, int2) IS
'Internal: the files that the rows of a table have in a column, and their bytes.';

CREATE FUNCTION ffu._size_on_disk(path text) RETURNS bigint
LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_size_on_disk';
COMMENT ON FUNCTION ffu._size_on_disk(text) IS
'Internal: the size of a published file in bytes, or NULL if there is no such file.';

CREATE FUNCTION ffu._reset_counting() RETURNS void
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'ffu_sql_reset_counting';
COMMENT ON FUNCTION ffu._reset_counting() IS
'Internal: forgets whether ffu counts; raises 25001 if this transaction has stored or deleted '
'files.';

CREATE FUNCTION ffu._count_folder(OUT files bigint, OUT bytes bigint)
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'ffu_sql_count_folder';
COMMENT ON FUNCTION ffu._count_folder() IS
'Internal: all files of the folder that are not about to be removed, and their bytes.';

-- Tables first: who waits for the lock of a table must not hold ffu.root, or its owner
-- could keep everybody from storing.  And who waits for ffu.root keeps them, too.
CREATE FUNCTION ffu._lock_to_count() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '10s'
AS $$
BEGIN
	PERFORM ffu._lock_table(c.relid, 'ACCESS SHARE') FROM ffu._path_columns(NULL) c;
	-- Transactions that store have a lock on ffu.root, those that delete on
	-- ffu.deletion, to their end.
	LOCK TABLE ffu.root IN ACCESS EXCLUSIVE MODE;
	LOCK TABLE ffu.deletion IN SHARE ROW EXCLUSIVE MODE;
	LOCK TABLE ffu.quota, ffu.counted IN SHARE ROW EXCLUSIVE MODE;
	-- Tables that got file columns meanwhile
	PERFORM ffu._lock_table(c.relid, 'ACCESS SHARE') FROM ffu._path_columns(NULL) c;
EXCEPTION WHEN lock_not_available THEN
	RAISE EXCEPTION 'files cannot be counted now' USING ERRCODE = '55P03',
		DETAIL = 'Another session has a lock on a table with files, or has stored or deleted files '
				 'in a transaction that goes on.',
		HINT = 'The view pg_locks names the session. Try again when its transaction is over.';
END
$$;
COMMENT ON FUNCTION ffu._lock_to_count() IS
'Internal: locks everything that ffu.recount reads and writes. Raises 55P03 after 10 seconds of '
'waiting for a lock.';

CREATE FUNCTION ffu.recount() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM ffu._reset_counting();
	PERFORM ffu._lock_to_count();
	UPDATE ffu.root SET counted = EXISTS (SELECT FROM ffu.quota);
	UPDATE ffu.deletion d
	   SET relation = coalesce(CASE d.state
			WHEN 'detached' THEN d.relation
			ELSE (SELECT m.relation FROM ffu.deletion m
				   WHERE m.path = d.path AND m.state = 'detached' LIMIT 1) END, 0),
		   size = ffu._size_on_disk(d.path)
	 WHERE d.state IN ('doubtful', 'detached');
	UPDATE ffu.deletion d
	   SET relation = coalesce(d.relation, 0), size = ffu._size_on_disk(d.path)
	 WHERE d.state = 'doomed'
	   AND (d.relation, d.size) IS DISTINCT FROM
		   (coalesce(d.relation, 0::oid), ffu._size_on_disk(d.path));
	WITH gone AS (
		DELETE FROM ffu.counted RETURNING relation, role
	), last AS (
		SELECT g.relation, max(g.role) AS role FROM gone g GROUP BY g.relation
	), found AS (
		SELECT c.relid AS relation, f.files, f.bytes, 0::bigint AS doomed
		  FROM ffu._path_columns(NULL) c
		 CROSS JOIN LATERAL ffu._count_files(c.relid, c.attnum) f
		 WHERE c.managed
		UNION ALL
		SELECT d.relation, 1, d.size, 0
		  FROM ffu.deletion d
		 WHERE d.state = 'detached' AND d.size IS NOT NULL
		UNION ALL
		SELECT d.relation, 0, 0, d.size
		  FROM ffu.deletion d
		 WHERE d.state IN ('doomed', 'kept') AND d.size IS NOT NULL
	)
	INSERT INTO ffu.counted
	SELECT f.relation, coalesce(max(l.role), 0), sum(f.files), sum(f.bytes), sum(f.doomed)
	  FROM found f
	  LEFT JOIN last l ON l.relation = f.relation
	 WHERE EXISTS (SELECT FROM ffu.quota)
	 GROUP BY f.relation
	HAVING sum(f.files) > 0 OR sum(f.doomed) > 0;
	-- Files that no row has fill the disk, too.
	IF EXISTS (SELECT FROM ffu.root r WHERE r.counted) THEN
		INSERT INTO ffu.counted
		SELECT 0, 0, greatest(f.files - c.files, 0), f.bytes - c.bytes, 0
		  FROM ffu._count_folder() f
		 CROSS JOIN (SELECT coalesce(sum(x.files), 0) AS files, coalesce(sum(x.bytes), 0) AS bytes
					   FROM ffu.counted x) c
		 WHERE f.bytes > c.bytes;
	END IF;
	PERFORM ffu._reset_counting();
END
$$;
COMMENT ON FUNCTION ffu.recount() IS
'Counts the stored files and bytes of all tables again, by looking at every file, for ffu.usage '
'and quotas. Needed after ffu.restore and ffu.repair, and after changes that go round ffu. Files '
'that no row has, and that are not detached, count for the database alone. Returns nothing. '
'Without a quota nothing is counted. Takes locks on all tables with files, then lets transactions '
'that store or delete files wait. Raises 55P03 after 10 seconds of waiting for such a transaction '
'or for the lock of a table, 25001 in a transaction that has stored or deleted files, 42501 unless '
'called by a superuser.';

CREATE FUNCTION ffu.set_quota(role regrole, size anycompatible) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bytes bigint := ffu._normal_size(size::text, 'quota');
BEGIN
	PERFORM ffu._reset_counting();
	PERFORM ffu._lock_to_count();
	DELETE FROM ffu.quota q WHERE q.role = coalesce($1::oid, 0);
	IF bytes IS NOT NULL THEN
		INSERT INTO ffu.quota VALUES (coalesce($1::oid, 0), bytes);
	END IF;
	IF (SELECT r.counted FROM ffu.root r) IS DISTINCT FROM EXISTS (SELECT FROM ffu.quota) THEN
		PERFORM ffu.recount();
	END IF;
END
$$;
COMMENT ON FUNCTION ffu.set_quota(regrole, anycompatible) IS
'Limits the stored bytes of the files of all tables that a role owns, or of the whole database '
'for role NULL. Takes the role, and the size: a number of bytes, a text such as ''10 GB'', or '
'NULL for no limit. Returns nothing. Stored files stay, whatever their size; a transaction that '
'adds bytes beyond the quota raises 53400. So does one that stores while deleted files, which a '
'snapshot or ffu.deletion_delay keeps on the disk, have more bytes than the quota. The first quota '
'of a database counts all files, as ffu.recount does. A table that is dropped may leave files, '
'which detach: or disabled triggers have kept; they count for its last owner. Takes the locks of '
'ffu.recount. Raises 22023 for an invalid size, 55P03 as ffu.recount, 25001 in a transaction that '
'has stored or deleted files, 42501 unless called by a superuser.';

CREATE VIEW ffu.usage WITH (security_barrier) AS
WITH counted AS (
	SELECT coalesce(c.relowner, nullif(u.role, 0)) AS role, u.files, u.bytes,
		   u.doomed
	  FROM ffu.counted u
	  LEFT JOIN pg_catalog.pg_class c ON c.oid = u.relation
), roles AS (
	SELECT c.role FROM counted c WHERE c.role IS NOT NULL
	UNION
	SELECT q.role FROM ffu.quota q WHERE q.role <> 0
	UNION
	SELECT u.owner FROM ffu.upload u
)
SELECT pg_catalog.pg_get_userbyid(r.role) AS role,
	   coalesce(c.files, 0)::bigint AS files,
	   coalesce(c.bytes, 0)::bigint AS bytes,
	   coalesce(c.doomed, 0)::bigint AS deleted_bytes,
	   q.bytes AS quota,
	   u.uploads
  FROM roles r
  LEFT JOIN ffu.quota q ON q.role = r.role
 CROSS JOIN LATERAL (
	SELECT sum(x.files) AS files, sum(x.bytes) AS bytes, sum(x.doomed) AS doomed
	  FROM counted x WHERE x.role = r.role) c
 CROSS JOIN LATERAL (
	SELECT count(*) AS uploads FROM ffu.upload x WHERE x.owner = r.role) u
UNION ALL
SELECT NULL, coalesce(sum(c.files), 0)::bigint, coalesce(sum(c.bytes), 0)::bigint,
	   coalesce(sum(c.doomed), 0)::bigint,
	   (SELECT q.bytes FROM ffu.quota q WHERE q.role = 0),
	   (SELECT count(*) FROM ffu.upload)
  FROM counted c;

COMMENT ON VIEW ffu.usage IS
'How much is stored: one row for each role that owns tables with files, has a quota or has begun '
'a resumable upload, and one row for the database. Files are counted while the database has a '
'quota; then the numbers are those of the last commits.';
COMMENT ON COLUMN ffu.usage.role IS 'Name of the role; NULL for the database.';
COMMENT ON COLUMN ffu.usage.files IS
'Files of the tables that the role owns, and files left by its tables that were dropped; 0 without '
'a quota.';
COMMENT ON COLUMN ffu.usage.bytes IS 'Bytes of these files; 0 without a quota.';
COMMENT ON COLUMN ffu.usage.deleted_bytes IS
'Bytes of deleted files that no sweep has struck off yet; 0 without a quota. New files are refused '
'while those on the disk have more bytes than the quota. See ffu.pending_deletions.';
COMMENT ON COLUMN ffu.usage.quota IS 'The most bytes, by ffu.set_quota; NULL for no limit.';
COMMENT ON COLUMN ffu.usage.uploads IS
'Resumable uploads that the role has begun and that are open; the setting ffu.max_uploads limits '
'the number.';

CREATE FUNCTION ffu._limits(
	OUT staged bigint, OUT max_staged bigint, OUT detection_ms float8, OUT max_detection_ms int,
	OUT max_uploads int)
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'ffu_sql_limits';
COMMENT ON FUNCTION ffu._limits() IS
'Internal: what this transaction has used of its limits, and the limits of this role; NULL for no '
'limit.';

CREATE VIEW ffu.my_usage WITH (security_barrier) AS
SELECT CURRENT_USER AS role,
	   coalesce(u.files, 0) AS files,
	   coalesce(u.bytes, 0) AS bytes,
	   coalesce(u.deleted_bytes, 0) AS deleted_bytes,
	   u.quota,
	   coalesce(u.uploads, 0) AS uploads,
	   l.max_uploads,
	   l.staged,
	   l.max_staged,
	   l.detection_ms,
	   l.max_detection_ms
  FROM ffu._limits() l
  LEFT JOIN ffu.usage u ON u.role = CURRENT_USER;

COMMENT ON VIEW ffu.my_usage IS
'What the current role and this transaction have used, and their limits: one row. Files are '
'counted while the database has a quota.';
COMMENT ON COLUMN ffu.my_usage.role IS 'Name of the current role.';
COMMENT ON COLUMN ffu.my_usage.files IS
'Files of the tables that the role owns, and files left by its tables that were dropped; 0 without '
'a quota.';
COMMENT ON COLUMN ffu.my_usage.bytes IS 'Bytes of these files; 0 without a quota.';
COMMENT ON COLUMN ffu.my_usage.deleted_bytes IS
'Bytes of deleted files of these tables that no sweep has struck off yet; 0 without a quota.';
COMMENT ON COLUMN ffu.my_usage.quota IS
'The most bytes, by ffu.set_quota for the role; NULL for no limit. The database may have a quota '
'as well.';
COMMENT ON COLUMN ffu.my_usage.uploads IS
'Resumable uploads that the role has begun and that are open.';
COMMENT ON COLUMN ffu.my_usage.max_uploads IS
'The setting ffu.max_uploads; NULL for no limit.';
COMMENT ON COLUMN ffu.my_usage.staged IS
'Bytes that this transaction has stored or appended to uploads.';
COMMENT ON COLUMN ffu.my_usage.max_staged IS
'The setting ffu.max_staged, in bytes; NULL for no limit.';
COMMENT ON COLUMN ffu.my_usage.detection_ms IS
'Milliseconds in which this transaction has found the types of its files.';
COMMENT ON COLUMN ffu.my_usage.max_detection_ms IS
'The setting ffu.max_detection_time, in milliseconds; NULL for no limit.';
