-- Limits on what a role can do to the disk: quotas, bytes of a transaction, resumable
-- uploads.  Quotas are set in READ COMMITTED only.
SET default_transaction_isolation = 'read committed';
CREATE ROLE regress_ffu_tenant;
CREATE ROLE regress_ffu_other;
CREATE SCHEMA q;
GRANT ALL ON SCHEMA q TO regress_ffu_tenant, regress_ffu_other;
GRANT USAGE ON SCHEMA t TO regress_ffu_tenant;
SELECT ffu.grant_columns('regress_ffu_tenant');

-- A sweep, under a name that leaves the isolation of test/unusual alone.
CREATE FUNCTION t.swept() RETURNS text LANGUAGE sql AS 'SELECT t.settle()';
-- What ffu counts must be what a new count finds, once the sweep has verified doubtful
-- deletions.
CREATE FUNCTION t.used(did text, OUT role text, OUT files bigint, OUT bytes bigint,
	OUT quota bigint, OUT exact boolean)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	before text;
BEGIN
	IF did <> '' THEN
		RAISE 'a sweep had to do something';
	END IF;
	before := (SELECT string_agg(u::text, E'\n' ORDER BY u.role) FROM ffu.usage u
	WHERE u.files <> 0);
	PERFORM ffu.recount();
	RETURN QUERY SELECT u.role::text, u.files, u.bytes, u.quota,
			before IS NOT DISTINCT
			FROM (SELECT string_agg(v::text, E'\n' ORDER BY v.role) FROM ffu.usage v
			WHERE v.files <> 0)
		FROM ffu.usage u WHERE u.role IS NULL OR u.role LIKE 'regress_%' ORDER BY u.role;
END
$$;

-- files that were there before the first quota
SET ROLE regress_ffu_tenant;
CREATE TABLE q.a (id int PRIMARY KEY, n int);
SELECT ffu.add_column('q.a', 'f', urls => false);
INSERT INTO q.a (id, f) VALUES (1, ffu.file('a.txt', '12345'));
RESET ROLE;
SELECT role, files, bytes, quota FROM ffu.usage;
SELECT ffu.set_quota('regress_ffu_tenant', 20);
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');

-- stored, replaced, deleted, rolled back
INSERT INTO q.a (id, f) VALUES (2, ffu.file('a.txt', '1234567890'));
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');
SELECT t.full_error($$INSERT INTO q.a (id, f) VALUES (3, ffu.file('a.txt', '123456'))$$);
INSERT INTO q.a (id, f) VALUES (3, ffu.file('a.txt', '12345'));
UPDATE q.a SET f = ffu.file('a.txt', '1') WHERE id = 3;
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');
BEGIN;
INSERT INTO q.a (id, f) VALUES (4, 'data:;name=a.txt,1234');
SAVEPOINT a;
DELETE FROM q.a WHERE id = 2;
INSERT INTO q.a (id, f) VALUES (5, 'data:;name=a.txt,1234567890');
ROLLBACK TO a;
SELECT t.error($$INSERT INTO q.a (id, f) VALUES (5, 'data:;name=a.txt,1234567890')$$);
SAVEPOINT b;
DELETE FROM q.a WHERE id = 1;
RELEASE b;
DELETE FROM q.a WHERE id = 4;
INSERT INTO q.a (id, f) VALUES (6, 'data:;name=a.txt,1234');
COMMIT;
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');
BEGIN;
INSERT INTO q.a (id, f) VALUES (7, 'data:;name=a.txt,1');
DELETE FROM q.a WHERE id < 7;
ROLLBACK;
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');

-- a copy counts, a new path does not
SELECT ffu.set_quota('regress_ffu_tenant', 21);
INSERT INTO q.a (id, f) SELECT 8, f FROM q.a WHERE id = 3;
UPDATE q.a SET f = 'copy:' || f WHERE id = 8;
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');
SELECT t.error('INSERT INTO q.a (id, f) SELECT 9, f FROM q.a WHERE id = 2');
SET client_min_messages = warning;
CALL ffu.relocate('q.a', 'f', 'x/{token}{ext}');
RESET client_min_messages;
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');
-- after a rename deletions are doubtful: the old file counts until a sweep has looked
ALTER TABLE q.a RENAME TO b;
SELECT t.error($$UPDATE q.b SET f = 'copy:' || f WHERE id = 2$$);

-- a quota below what is used: files stay, and less is allowed
SELECT ffu.set_quota('regress_ffu_tenant', 3);
SELECT t.error($$INSERT INTO q.b (id, f) VALUES (10, 'data:;name=a.txt,1')$$);
SELECT t.error($$UPDATE q.b SET f = 'data:;name=a.txt,1' WHERE id = 6$$);
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');

-- of the database; the owner of a table changes
SELECT ffu.set_quota('regress_ffu_tenant', NULL::int);
SELECT ffu.set_quota(NULL, '1 kB');
SELECT t.full_error($$INSERT INTO q.b (id, f)
		VALUES (10, ffu.file('a.txt', convert_to(repeat('x', 1020), 'UTF8')))$$);
ALTER TABLE q.b OWNER TO regress_ffu_other;
SELECT ffu.set_quota('regress_ffu_other', 15);
SELECT t.error($$INSERT INTO q.b (id, f) VALUES (10, 'data:;name=a.txt,12345')$$);
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');

-- a renamed table: deletions are doubtful and count once a sweep has looked
ALTER TABLE q.b RENAME TO c;
DELETE FROM q.c WHERE id = 3;
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');

-- cascade, partitions, detached and dangling
CREATE TABLE q.p (id int REFERENCES q.c ON DELETE CASCADE, k int, f ffu.file) PARTITION BY LIST (k);
CREATE TABLE q.p1 PARTITION OF q.p FOR VALUES IN (1);
CREATE TABLE q.p2 PARTITION OF q.p FOR VALUES IN (2);
SELECT ffu.manage_column('q.p', 'f');
ALTER TABLE q.p OWNER TO regress_ffu_tenant;
ALTER TABLE q.p1 OWNER TO regress_ffu_tenant;
ALTER TABLE q.p2 OWNER TO regress_ffu_tenant;
INSERT INTO q.c (id, f) VALUES (1, NULL);
INSERT INTO q.p VALUES (1, 1, 'data:;name=a.txt,123'), (2, 1, 'data:;name=a.txt,1234'),
	(2, 2, 'data:;name=a.txt,12345');
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');
UPDATE q.p SET k = 2 WHERE id = 1;
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');
DELETE FROM q.c WHERE id = 2;
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');
UPDATE q.p SET f = 'detach:' || f WHERE id = 1;
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');
SELECT ffu.delete_detached();
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');
-- stored and detached by one transaction, and stored by it in two rows, by disabled triggers
BEGIN;
INSERT INTO q.p VALUES (1, 1, 'data:;name=a.txt,123');
UPDATE q.p SET f = 'detach:' || f WHERE id = 1 AND k = 1;
COMMIT;
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');
SELECT ffu.delete_detached();
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');
BEGIN;
INSERT INTO q.c (id, f) VALUES (20, 'data:;name=a.txt,123'), (21, 'data:;name=a.txt,123');
SET LOCAL session_replication_role = replica;
INSERT INTO q.c (id, f) SELECT id + 2, f FROM q.c WHERE id IN (20, 21);
SET LOCAL session_replication_role = origin;
DELETE FROM q.c WHERE id = 20;
DELETE FROM q.c WHERE id = 22;
DELETE FROM q.c WHERE id = 23;
DELETE FROM q.c WHERE id = 21;
COMMIT;
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');
-- without a worker, commits fold what they read
DO $$ BEGIN FOR i IN 1 .. 450 LOOP INSERT INTO q.c (id, f) VALUES (30, 'data:;name=a.txt,1');
		DELETE FROM q.c WHERE id = 30; INSERT INTO q.c (id, f) VALUES (30, 'data:;name=a.txt,12');
	COMMIT; DELETE FROM q.c WHERE id = 30; COMMIT; END LOOP; END $$;
SELECT count(*) < 210 AS folded FROM ffu.counted;
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');
UPDATE q.c SET f = 'copy:' || f WHERE id = 6;
UPDATE q.c SET f = 'dangle:' || f WHERE id = 6;
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');

-- TRUNCATE, DROP
INSERT INTO q.p VALUES (1, 1, 'data:;name=a.txt,123'), (1, 2, 'data:;name=a.txt,1234');
BEGIN;
TRUNCATE q.p;
ROLLBACK;
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');
TRUNCATE q.p1;
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');
DROP TABLE q.p;
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');
DROP TABLE q.c;
SELECT t.swept() AS did \gset
SELECT * FROM t.used(:'did');

-- who may, when, and what is refused
SELECT t.error($$SELECT ffu.set_quota('regress_ffu_other', '0')$$);
SELECT t.full_error($$SELECT ffu.set_quota('regress_ffu_other', 'much')$$);
-- the quota of a role that is dropped limits nothing, and goes by the role's number
CREATE ROLE regress_ffu_gone;
SELECT oid AS gone FROM pg_roles WHERE rolname = 'regress_ffu_gone' \gset
SELECT ffu.set_quota('regress_ffu_gone', 1);
DROP ROLE regress_ffu_gone;
SELECT regexp_replace(role, '\d+', '<number>') AS role, files, bytes, quota FROM ffu.usage
	WHERE role LIKE 'unknown%';
SELECT ffu.set_quota(:gone::oid::regrole, NULL::int);
SELECT count(*) FROM ffu.usage WHERE role LIKE 'unknown%';
SET ROLE regress_ffu_tenant;
SELECT t.error($$SELECT ffu.set_quota('regress_ffu_tenant', NULL::int)$$);
SELECT t.error('SELECT ffu.recount()');
SELECT t.error('TABLE ffu.usage');
RESET ROLE;
CREATE TABLE q.d (f ffu.file);
SELECT ffu.manage_column('q.d', 'f');
BEGIN;
INSERT INTO q.d VALUES ('data:;name=a.txt,1');
SELECT t.error($$SELECT ffu.set_quota('regress_ffu_other', 1)$$);
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT t.error($$SELECT ffu.set_quota('regress_ffu_other', 1)$$);
ROLLBACK;
-- a doubtful deletion that is cleared once nothing is counted any more
INSERT INTO q.d VALUES ('data:;name=a.txt,12');
ALTER TABLE q.d RENAME TO e;
DELETE FROM q.e;
ALTER TABLE q.e RENAME TO d;
SELECT ffu.set_quota('regress_ffu_other', NULL::int), ffu.set_quota(NULL, NULL::int);
SELECT t.swept() AS did \gset
INSERT INTO q.d VALUES ('data:;name=a.txt,1');
SELECT role, files, bytes, quota FROM ffu.usage;

-- the bytes of a transaction
SET ffu.max_staged = '1kB';
SELECT t.full_error($$INSERT INTO q.d
		VALUES (ffu.file('a.txt', convert_to(repeat('x', 1025), 'UTF8')))$$);
SELECT t.error($$INSERT INTO q.d SELECT ffu.file('a.txt', convert_to(repeat('x', 400), 'UTF8'))
		FROM generate_series(1, 3)$$);
SELECT t.error($$INSERT INTO q.d VALUES ('data:;name=a.txt,' || repeat('x', 1025))$$);
BEGIN;
INSERT INTO q.d VALUES (ffu.file('a.txt', convert_to(repeat('x', 600), 'UTF8')));
SELECT t.error('INSERT INTO q.d SELECT f FROM q.d WHERE ffu.size(f) = 600');
SELECT ffu.upload_begin('a.txt') AS upload \gset
SELECT ffu.upload_append(:'upload', convert_to(repeat('x', 400), 'UTF8'));
SELECT t.error(format('SELECT ffu.upload_append(%L, %L::bytea)', :'upload', repeat('x', 30)));
ROLLBACK;
-- what a role sees of its own: the bytes, and the time of libmagic
SET ffu.max_uploads = 3;
BEGIN;
INSERT INTO q.d VALUES (ffu.file('a.txt', convert_to(repeat('x', 600), 'UTF8')));
SELECT role = current_user AS me, staged, max_staged, detection_ms > 0 AS detection,
	max_detection_ms, max_uploads FROM ffu.my_usage;
ROLLBACK;
SELECT staged, detection_ms FROM ffu.my_usage;
RESET ffu.max_uploads;
RESET ffu.max_staged;
SELECT ffu.set_quota('regress_ffu_tenant', 100);
SET ROLE regress_ffu_tenant;
SELECT * FROM ffu.my_usage;
SELECT ffu.upload_begin('a.txt', resumable => true) AS mine \gset
SELECT quota, uploads, max_uploads, max_staged, max_detection_ms FROM ffu.my_usage;
SELECT ffu.upload_cancel(:'mine');
RESET ROLE;
SET ROLE regress_ffu_other;
SELECT role, quota, uploads FROM ffu.my_usage;
RESET ROLE;
SELECT ffu.set_quota('regress_ffu_tenant', NULL::int);
SET ffu.max_detection_time = 0;
SELECT regexp_replace(e, '\d+ micro', '<n> micro') AS full_error
  FROM t.full_error($$INSERT INTO q.d
    	VALUES (ffu.file('a.txt', convert_to(repeat(e'\n', 1000000), 'UTF8')))$$) e;
SET ffu.max_detection_time = '1h';
BEGIN;
SAVEPOINT a;
INSERT INTO q.d VALUES (ffu.file('a.txt', convert_to(repeat(e'\n', 1000000), 'UTF8')));
ROLLBACK TO a;
SET LOCAL ffu.max_detection_time = 0;
SELECT max_detection_ms, detection_ms > max_detection_ms AS passed, staged FROM ffu.my_usage;
ROLLBACK;
RESET ffu.max_detection_time;
SET ffu.max_staged = '1kB';
-- a role for which a limit is set cannot raise it
SET ROLE regress_ffu_tenant;
SELECT t.error('SET ffu.max_detection_time = -1');
SELECT t.error('SET ffu.max_staged = -1');
SELECT t.error('SET ffu.max_uploads = -1');
RESET ROLE;

-- resumable uploads: count once a row has the file
SELECT ffu.set_quota(NULL, 1500);
SELECT ffu.upload_begin('a.txt', resumable => true) AS one \gset
SELECT ffu.upload_append(:'one', 0, convert_to(repeat('x', 1000), 'UTF8'));
SELECT ffu.upload_append(:'one', 1000, convert_to(repeat('x', 1000), 'UTF8'));
SELECT bytes, quota, uploads FROM ffu.usage WHERE role IS NULL;
SELECT t.error(format('INSERT INTO q.d VALUES (ffu.upload_finish(%L))', :'one'));
SELECT bytes, quota, uploads FROM ffu.usage WHERE role IS NULL;
SELECT ffu.upload_cancel(:'one');
SELECT ffu.set_quota(NULL, NULL::int);
SET ffu.max_uploads = 2;
SELECT ffu.upload_begin('a.txt', resumable => true) AS one \gset
SELECT ffu.upload_append(:'one', 0, convert_to(repeat('x', 1000), 'UTF8'));
SELECT ffu.upload_append(:'one', 1000, convert_to(repeat('x', 1000), 'UTF8'));
SELECT t.error(format('SELECT ffu.upload_append(%L, 2000, %L::bytea)', :'one', repeat('x', 1025)));
SELECT ffu.upload_begin('a.txt', resumable => true) AS two \gset
SELECT replace(e, current_user, 'me') AS full_error
	FROM t.full_error($$SELECT ffu.upload_begin('a.txt', resumable => true)$$) e;
SELECT uploads FROM ffu.usage WHERE role IS NULL;
INSERT INTO q.d VALUES (ffu.upload_finish(:'one'));
SELECT ffu.upload_begin('a.txt', resumable => true) AS one \gset
SELECT ffu.upload_cancel(:'one'), ffu.upload_cancel(:'two');
RESET ffu.max_staged;
RESET ffu.max_uploads;
DROP TABLE q.d;
DROP FUNCTION t.used, t.swept;
SELECT ffu.revoke_columns('regress_ffu_tenant');
DROP SCHEMA q;
REVOKE USAGE ON SCHEMA t FROM regress_ffu_tenant;
DROP ROLE regress_ffu_tenant, regress_ffu_other;
SELECT t.finish();
