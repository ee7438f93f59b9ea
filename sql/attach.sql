-- What DDL does to tables that have file columns, other than dropping them:
-- ATTACH and DETACH, inheritance, LIKE, renames, SET SCHEMA, DROP EXTENSION.
\set SHOW_CONTEXT never
\set ON_ERROR_STOP 0
CREATE VIEW t.triggers AS
SELECT tgrelid::regclass AS tab, count(*) AS triggers, count(*) FILTER (WHERE tgparentid <> 0)
	AS of_parent
  FROM pg_trigger WHERE (NOT tgisinternal OR tgparentid <> 0)
   AND tgrelid NOT IN (SELECT oid FROM pg_class WHERE relnamespace = 'ffu'::regnamespace)
     GROUP BY 1;
CREATE TABLE p (id int, day int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
CREATE TABLE p21 PARTITION OF p2 FOR VALUES FROM (0) TO (100);
SELECT ffu.add_column('p', 'f', max_size => '1 MB');
INSERT INTO p (id, day, f) VALUES (1, 1, ffu.file('a.txt', 'one')),
	(2, 11, ffu.file('a.txt', 'two'));
SELECT * FROM t.triggers ORDER BY tab::text COLLATE "C";

-- detached and attached again, a leaf and a tree: as before
ALTER TABLE p DETACH PARTITION p1;
SELECT relation, column_name, enabled, complete FROM ffu.columns
	ORDER BY relation::text COLLATE "C";
ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (10);
SELECT relation, column_name, enabled, complete FROM ffu.columns
	ORDER BY relation::text COLLATE "C";
SELECT * FROM t.triggers ORDER BY tab::text COLLATE "C";
ALTER TABLE p DETACH PARTITION p2;
SELECT relation, column_name, enabled, complete FROM ffu.columns
	ORDER BY relation::text COLLATE "C";
ALTER TABLE ONLY p ATTACH PARTITION p2 FOR VALUES FROM (10) TO (20);
SELECT relation, column_name, enabled, complete FROM ffu.columns
	ORDER BY relation::text COLLATE "C";
SELECT * FROM t.triggers ORDER BY tab::text COLLATE "C";
SELECT id, t.text(f) FROM p ORDER BY id;
-- and they work: a row that goes takes its file along
UPDATE p SET f = ffu.file('b.txt', 'new one') WHERE id = 1;
UPDATE p SET day = 12 WHERE id = 1;
SELECT tableoid::regclass, id, t.text(f) FROM p ORDER BY id;
SELECT * FROM t.settled_files();

-- rolled back, or failing, the table keeps its own triggers
BEGIN;
ALTER TABLE p DETACH PARTITION p1;
SAVEPOINT s;
ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (10);
ROLLBACK TO s;
SELECT relation, column_name, enabled, complete FROM ffu.columns
	ORDER BY relation::text COLLATE "C";
COMMIT;
INSERT INTO p1 (id, day, f) VALUES (3, 3, ffu.file('a.txt', 'three'));
ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (5) TO (10);
ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (15) TO (16);
SELECT relation, column_name, enabled, complete FROM ffu.columns
	ORDER BY relation::text COLLATE "C";
SELECT tab, triggers FROM t.triggers WHERE tab = 'p1'::regclass;
-- it does not leave the door open
BEGIN;
ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (10);
DROP TRIGGER zz_ffu_f_5_delete ON p;
ROLLBACK;
ALTER TABLE IF EXISTS nowhere ATTACH PARTITION p1 FOR VALUES FROM (0) TO (10);
ALTER TABLE p ATTACH PARTITION nowhere FOR VALUES FROM (0) TO (10);
-- a stranger's table
CREATE ROLE regress_ffu_stranger;
SET ROLE regress_ffu_stranger;
SELECT t.error('ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (10)');
RESET ROLE;
SELECT tab, triggers FROM t.triggers WHERE tab = 'p1'::regclass;
DROP ROLE regress_ffu_stranger;

-- a table that was made and declared by itself; its column has another key
ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (10);
CREATE TABLE own (id int, day int, PRIMARY KEY (id, day));
SELECT ffu.add_column('own', 'old');
ALTER TABLE own RENAME old TO f;
ALTER TABLE own RENAME old__file_name TO f__file_name;
ALTER TABLE own RENAME old__mime_type TO f__mime_type;
ALTER TABLE own RENAME old__ext TO f__ext;
ALTER TABLE own RENAME old__size TO f__size;
ALTER TABLE own RENAME old__sha256 TO f__sha256;
INSERT INTO own (id, day, f) VALUES (50, 50, ffu.file('a.txt', 'own'));
SELECT f AS own_path FROM own \gset
ALTER TABLE p ATTACH PARTITION own FOR VALUES FROM (50) TO (60);
SELECT relation, column_name, max_size, enabled, complete FROM ffu.columns
	ORDER BY relation::text COLLATE "C";
SELECT * FROM t.triggers WHERE tab IN ('p'::regclass, 'own') ORDER BY tab::text COLLATE "C";
SELECT f = :'own_path' AS kept, t.text(f) FROM p WHERE id = 50;
TRUNCATE own;
SELECT * FROM t.settled_files();
-- a new partition of one is complete
CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (20) TO (30);
CREATE TABLE p4 (LIKE p INCLUDING ALL);
ALTER TABLE p ATTACH PARTITION p4 FOR VALUES FROM (30) TO (40);
SELECT relation, column_name, enabled, complete FROM ffu.columns
	ORDER BY relation::text COLLATE "C";
-- DETACH CONCURRENTLY
ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY;
SELECT relation, column_name, enabled, complete FROM ffu.columns
	ORDER BY relation::text COLLATE "C";
SET client_min_messages = warning;
ALTER TABLE p1 DROP CONSTRAINT IF EXISTS p1_day_check;
RESET client_min_messages;
ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (10);
SELECT relation, column_name, enabled, complete FROM ffu.columns
	ORDER BY relation::text COLLATE "C";
SELECT id, t.text(f) FROM p ORDER BY id;
DROP TABLE p;
SELECT * FROM t.settled_files();

-- inheritance: refused on either side
CREATE TABLE parent (id int PRIMARY KEY);
SELECT ffu.add_column('parent', 'f');
SELECT t.full_error('CREATE TABLE child (more int) INHERITS (parent)');
CREATE TABLE child (LIKE parent);
SELECT t.error('ALTER TABLE child INHERIT parent');
CREATE TABLE plain (id int NOT NULL);
SELECT t.error('ALTER TABLE parent INHERIT plain');
ALTER TABLE child RENAME f TO g;
SELECT count(*) FROM pg_inherits WHERE inhrelid IN ('parent'::regclass, 'child'::regclass);
DROP TABLE child, plain;

-- LIKE INCLUDING ALL: the type without the triggers; it owns nothing
INSERT INTO parent (id, f) VALUES (1, ffu.file('a.txt', 'first'));
CREATE TABLE liked (LIKE parent INCLUDING ALL);
INSERT INTO liked SELECT * FROM parent;
DELETE FROM liked;
DROP TABLE liked;
SELECT * FROM t.settled_files();

-- renames of table, file column and companions, and another schema
ALTER TABLE parent RENAME TO renamed;
ALTER TABLE renamed RENAME f TO g;
ALTER TABLE renamed RENAME f__file_name TO called;
ALTER TABLE renamed RENAME f__size TO bytes;
CREATE SCHEMA elsewhere;
ALTER TABLE renamed SET SCHEMA elsewhere;
SELECT relation, column_name, file_name_column, size_column, enabled, complete FROM ffu.columns;
INSERT INTO elsewhere.renamed (id, g) VALUES (2, ffu.file('b.txt', 'second'));
UPDATE elsewhere.renamed SET called = 'c.txt' WHERE id = 1;
SELECT id, called, bytes, t.text(g) FROM elsewhere.renamed ORDER BY id;
SELECT t.mask(path), size FROM ffu.paths('elsewhere.renamed') ORDER BY size;
DELETE FROM elsewhere.renamed WHERE id = 1;
SELECT * FROM t.settled_files();
-- the whole schema by another name
ALTER SCHEMA elsewhere RENAME TO here;
ALTER TABLE here.renamed ALTER id TYPE bigint;
CLUSTER here.renamed USING parent_pkey;
SELECT id, t.text(g) FROM here.renamed ORDER BY id;
SELECT * FROM t.settled_files();
DROP SCHEMA here CASCADE;
SELECT * FROM t.settled_files();

-- DROP EXTENSION is refused as long as there is a file column: by its type,
-- and of type text by its triggers
CREATE TABLE typed (id int);
SELECT ffu.add_column('typed', 'f', urls => false);
SELECT code, message FROM t.catch('DROP EXTENSION ffu');
DROP TABLE typed;
CREATE TABLE textual (id int, f text);
SELECT ffu.manage_column('textual', 'f', urls => false);
SELECT code, message FROM t.catch('DROP EXTENSION ffu');
SELECT code, message FROM t.catch('DROP EXTENSION ffu RESTRICT');
SELECT relation, column_name, complete FROM ffu.columns;
DROP TABLE textual;
-- partitions whose rows the server would move without triggers (19); this is the way
CREATE TABLE whole (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE half1 PARTITION OF whole FOR VALUES FROM (0) TO (10);
CREATE TABLE half2 PARTITION OF whole FOR VALUES FROM (10) TO (20);
SELECT ffu.add_column('whole', 'f', allowed_extensions => '{txt}');
INSERT INTO whole (id, f) SELECT i, ffu.file('a.txt', convert_to('file ' || i, 'UTF8'))
	FROM unnest('{1,11}'::int[]) i;
ALTER TABLE whole DETACH PARTITION half1;
ALTER TABLE whole DETACH PARTITION half2;
CREATE TABLE both_halves PARTITION OF whole FOR VALUES FROM (0) TO (20);
INSERT INTO whole (id, f) SELECT id, f FROM half1 UNION ALL SELECT id, f FROM half2;
DROP TABLE half1, half2;
SELECT t.settle();
SELECT tableoid::regclass, id, f__file_name, t.text(f) FROM whole ORDER BY id;
DROP TABLE whole;
DROP VIEW t.triggers;
SELECT t.finish();
