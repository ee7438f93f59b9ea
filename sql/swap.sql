-- Files that change hands within a transaction: a path that this transaction
-- let go of can be assigned again, and its bytes get a path of their own.
CREATE TABLE s (id int PRIMARY KEY, note text);
SELECT ffu.add_column('s', 'f');
CREATE TABLE other (id int PRIMARY KEY);
SELECT ffu.add_column('other', 'f');
CREATE FUNCTION fill() RETURNS void LANGUAGE sql AS $$
	DELETE FROM other;
	DELETE FROM s;
	INSERT INTO s (id, f) SELECT i,
	ffu.file('file ' || i || '.txt', convert_to('file ' || i, 'UTF8')) FROM generate_series(1, 3) i;
$$;
-- The rows of both tables, and whether each file is there under its row's own path.
CREATE VIEW state AS
	SELECT 's' AS tab, id, t.text(f) AS content, t.mask(f) AS path, f__file_name AS name FROM s
	 UNION ALL SELECT 'other', id, t.text(f), t.mask(f), f__file_name FROM other ORDER BY 1, 2;
CREATE FUNCTION path(key int) RETURNS text STABLE LANGUAGE sql
	AS 'SELECT f::text FROM s WHERE id = key';

-- swapped in one statement, in two, and by way of NULL
SELECT fill();
UPDATE s SET f = CASE id WHEN 1 THEN path(2) ELSE path(1) END WHERE id < 3;
SELECT * FROM state;
SELECT path(1) AS one, path(2) AS two \gset
BEGIN;
UPDATE s SET f = :'two' WHERE id = 1;
UPDATE s SET f = :'one' WHERE id = 2;
COMMIT;
SELECT * FROM state;
SELECT path(1) AS one, path(2) AS two \gset
BEGIN;
UPDATE s SET f = NULL WHERE id = 1;
UPDATE s SET f = :'one', f__file_name = 'renamed.txt' WHERE id = 2;
UPDATE s SET f = :'two' WHERE id = 1;
SELECT * FROM state;
COMMIT;
SELECT * FROM state;
SELECT * FROM t.settled_files();
-- rotated; the bytes can be read throughout
SELECT path(1) AS one, path(2) AS two, path(3) AS three \gset
BEGIN;
UPDATE s SET f = :'two' WHERE id = 1;
UPDATE s SET f = :'three' WHERE id = 2;
UPDATE s SET f = :'one' WHERE id = 3;
SELECT * FROM state;
COMMIT;
SELECT * FROM state;
-- to NULL and back: the same row
SELECT path(1) AS one \gset
BEGIN;
UPDATE s SET f = NULL;
UPDATE s SET f = :'one' WHERE id = 1;
COMMIT;
SELECT * FROM state;
-- moved to another table, by one statement and by two; all rows deleted and inserted again
SELECT fill();
WITH gone AS (DELETE FROM s WHERE id = 1 RETURNING *)
INSERT INTO other (id, f, f__file_name) SELECT id, f, f__file_name FROM gone;
SELECT path(2) AS two \gset
BEGIN;
DELETE FROM s WHERE id = 2;
INSERT INTO other (id, f) VALUES (2, :'two');
COMMIT;
SELECT * FROM state;
BEGIN;
CREATE TEMP TABLE rows AS SELECT * FROM s;
TRUNCATE s;
INSERT INTO s SELECT * FROM rows;
DELETE FROM s;
INSERT INTO s SELECT * FROM rows;
DROP TABLE rows;
COMMIT;
SELECT * FROM state;
SELECT * FROM t.settled_files();

-- files of this transaction, swapped and moved before their commit
SELECT fill();
BEGIN;
UPDATE s SET f = ffu.file('new ' || id || '.txt', convert_to('new ' || id, 'UTF8')) WHERE id < 3;
SELECT path(1) AS one, path(2) AS two \gset
UPDATE s SET f = NULL WHERE id = 1;
UPDATE s SET f = :'one' WHERE id = 2;
UPDATE s SET f = :'two' WHERE id = 1;
DELETE FROM s WHERE id = 1 RETURNING f AS two \gset
INSERT INTO other (id, f, f__file_name) VALUES (1, :'two', 'moved.txt');
COMMIT;
SELECT * FROM state;
-- a resumable upload, and one that came in pieces
SELECT ffu.upload_begin('resumed.txt', resumable => true) AS upload \gset
SELECT ffu.upload_append(:'upload', 0, 'resumed');
BEGIN;
UPDATE s SET f = ffu.upload_finish(:'upload') WHERE id = 2;
UPDATE s SET f = NULL WHERE id = 2 AND path(2) <> '' RETURNING path(2) AS two \gset
UPDATE s SET f = :'two' WHERE id = 3;
COMMIT;
SELECT * FROM state;
SELECT * FROM t.settled_files();

-- savepoints: what is rolled back lets go of nothing and gives nothing
SELECT fill();
SELECT path(1) AS one, path(2) AS two \gset
BEGIN;
SAVEPOINT a;
UPDATE s SET f = NULL WHERE id = 1;
SAVEPOINT b;
UPDATE s SET f = :'one' WHERE id = 2;
ROLLBACK TO b;
UPDATE s SET f = :'one' WHERE id = 3;
RELEASE a;
COMMIT;
SELECT * FROM state;
SELECT path(2) AS two \gset
BEGIN;
SAVEPOINT a;
UPDATE s SET f = :'two' WHERE id = 1;
UPDATE s SET f = NULL WHERE id = 2;
ROLLBACK TO a;
UPDATE s SET f = :'two' WHERE id = 3;
COMMIT;
SELECT * FROM state;
BEGIN;
UPDATE s SET f = NULL WHERE id = 2;
UPDATE s SET f = :'two' WHERE id = 1;
ROLLBACK;
SELECT * FROM state;
SELECT * FROM t.settled_files();
-- a file of this transaction whose savepoint was rolled back is not there
BEGIN;
SAVEPOINT a;
UPDATE s SET f = ffu.file('x.txt', 'x') WHERE id = 1;
SELECT path(1) AS one \gset
ROLLBACK TO a;
SELECT t.error(format('UPDATE s SET f = %L WHERE id = 2', :'one'));
ROLLBACK;

-- to another table, and back, which is rolled back (prepared: prepared.sql)
BEGIN;
DELETE FROM s WHERE id = 2;
INSERT INTO other (id, f) VALUES (2, :'two');
COMMIT;
SELECT * FROM state;
SELECT * FROM t.settled_files();
SELECT f AS two FROM other \gset
BEGIN;
DELETE FROM other;
INSERT INTO s (id, f) VALUES (2, :'two');
ROLLBACK;
SELECT * FROM state;
SELECT * FROM t.settled_files();

-- what was let go of by a transaction that has committed is refused
SELECT t.error(format('UPDATE s SET f = %L WHERE id = 1', :'one'));
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM s;
SELECT path(3) AS three \gset
DELETE FROM s WHERE id = 3;
COMMIT;
SELECT t.error(format('UPDATE s SET f = %L WHERE id = 1', :'three'));
-- marks of this transaction
SELECT f AS two FROM other \gset
BEGIN;
UPDATE other SET f = 'dangle:' || f;
UPDATE other SET f = 'detach:' || f;
INSERT INTO s (id, f) VALUES (4, :'two');
SELECT state, count(*) FROM ffu.deletion WHERE path = :'two' GROUP BY 1 ORDER BY 1;
COMMIT;
SELECT * FROM state;
BEGIN;
INSERT INTO other (id, f) SELECT 5, f FROM s WHERE id = 4;
UPDATE s SET f = 'dangle:' || f WHERE id = 4;
COMMIT;
SELECT t.error('INSERT INTO other (id, f) SELECT 6, f FROM s WHERE id = 4');
-- also if this transaction lets go of it once more
SELECT path(4) AS four \gset
BEGIN;
DELETE FROM s WHERE id = 4;
SELECT t.error(format('INSERT INTO other (id, f) VALUES (6, %L)', :'four'));
COMMIT;
-- with ffu.restore a path that this transaction let go of is copied as well
SELECT f AS two FROM other WHERE id = 5 \gset
SET ffu.restore = on;
BEGIN;
DELETE FROM other WHERE id = 5;
INSERT INTO other (id, f) VALUES (5, :'two');
COMMIT;
RESET ffu.restore;
SELECT id, t.text(f), f <> :'two' AS new FROM other WHERE id = 5;
-- partitions, as pg_partman moves rows
CREATE TABLE p (id int, day int) PARTITION BY LIST (day);
CREATE TABLE p_default PARTITION OF p DEFAULT;
SELECT ffu.add_column('p', 'f', path_template => '{table}/{token}{ext}');
INSERT INTO p (id, day, f) VALUES (1, 1, ffu.file('first.txt', 'first'));
BEGIN;
CREATE TEMP TABLE rows AS SELECT * FROM p;
WITH gone AS (DELETE FROM p_default RETURNING *) INSERT INTO rows SELECT * FROM gone;
CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1);
INSERT INTO p SELECT DISTINCT * FROM rows;
DROP TABLE rows;
COMMIT;
SELECT tableoid::regclass, id, f__file_name, t.text(f), t.mask(f) FROM p;

DROP TABLE s, other, p CASCADE;
DROP FUNCTION fill(), path(int);
SELECT t.finish();
