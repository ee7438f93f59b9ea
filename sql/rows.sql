-- Every way a row, and its file, can go.
CREATE TABLE r (id int PRIMARY KEY, note text);
SELECT ffu.add_column('r', 'f');
CREATE FUNCTION t.fill() RETURNS void LANGUAGE sql AS
	'INSERT INTO r SELECT i, ''row'', ffu.file(i || ''.txt'', (''content '' || i)::bytea) FROM '
	'generate_series(1, 3) i';

-- DELETE, replace, NULL, '': at commit, not before, and not after a rollback
SELECT t.fill();
SELECT f AS path1 FROM r WHERE id = 1 \gset
SELECT f AS path2 FROM r WHERE id = 2 \gset
BEGIN;
DELETE FROM r WHERE id = 1;
UPDATE r SET f = ffu.file('new.txt', 'new') WHERE id = 2;
UPDATE r SET f = NULL WHERE id = 3 RETURNING f, f__file_name, f__mime_type, f__ext, f__size,
	f__sha256;
SELECT t.text(:'path1'), t.text(:'path2');
ROLLBACK;
SELECT id, t.text(f) FROM r ORDER BY id;
BEGIN;
DELETE FROM r WHERE id = 1;
UPDATE r SET f = ffu.file('new.txt', 'new') WHERE id = 2;
UPDATE r SET f = '' WHERE id = 3;
COMMIT;
SELECT id, t.text(f) FROM r ORDER BY id;
SELECT * FROM t.settled_files();
SELECT t.error(format('SELECT ffu.content(%L)', p)) FROM unnest(ARRAY[:'path1', :'path2']) p;
DELETE FROM r;

-- an UPDATE that does not touch the file keeps the path, whatever it sets
SELECT t.fill();
SELECT f AS path FROM r WHERE id = 1 \gset
UPDATE r SET note = 'changed', id = id + 10;
UPDATE r SET f = f;
UPDATE r SET f = :'path', note = 'a full-row save' WHERE id = 11;
SELECT f = :'path' AS same, t.text(f) FROM r WHERE id = 11;
-- two rows swap their files: copies, by paths of their own
UPDATE r SET f = other.f FROM r other WHERE r.id IN (11, 12) AND other.id IN (11, 12)
	AND r.id <> other.id;
SELECT id, t.text(f), f <> :'path' AS new FROM r ORDER BY id;
SELECT * FROM t.settled_files();
-- several changes of one row in a transaction
BEGIN;
UPDATE r SET f = ffu.file('a.txt', 'a') WHERE id = 11;
UPDATE r SET f = ffu.file('b.txt', 'b') WHERE id = 11;
UPDATE r SET f = NULL WHERE id = 11;
UPDATE r SET f = ffu.file('c.txt', 'c') WHERE id = 11;
COMMIT;
SELECT t.text(f) FROM r WHERE id = 11;
-- inserted and deleted in one transaction
BEGIN;
INSERT INTO r VALUES (1, NULL, ffu.file('a.txt', 'x'));
DELETE FROM r WHERE id = 1;
COMMIT;
SELECT * FROM t.settled_files();
DELETE FROM r;

-- cascades
CREATE TABLE child (id int PRIMARY KEY, r int REFERENCES r ON DELETE CASCADE ON UPDATE CASCADE);
SELECT ffu.add_column('child', 'g');
SELECT t.fill();
INSERT INTO child SELECT id, id, ffu.file('child.txt', 'child') FROM r;
UPDATE r SET id = id + 100;
SELECT count(*) FROM child WHERE t.text(g) = 'child';
DELETE FROM r WHERE id < 103;
SELECT * FROM t.settled_files();
ALTER TABLE child DROP CONSTRAINT child_r_fkey, ADD FOREIGN KEY (r) REFERENCES r ON DELETE SET NULL;
DELETE FROM r;
SELECT id, r, t.text(g) FROM child;
DROP TABLE child;
-- a rule, a data-modifying CTE, a deferred trigger
SELECT t.fill();
CREATE FUNCTION t.late() RETURNS trigger LANGUAGE plpgsql
	AS 'BEGIN UPDATE r SET f = ffu.file(''late.txt'', ''late'') WHERE id = 2; RETURN NULL; END';
CREATE CONSTRAINT TRIGGER late AFTER DELETE ON r DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
	EXECUTE FUNCTION t.late();
WITH gone AS (DELETE FROM r WHERE id = 1 RETURNING *) SELECT f__file_name FROM gone;
SELECT id, t.text(f) FROM r ORDER BY id;
DROP TRIGGER late ON r;
DROP FUNCTION t.late;
SELECT * FROM t.settled_files();

-- TRUNCATE
SELECT f AS path FROM r WHERE id = 2 \gset
BEGIN;
TRUNCATE r;
SELECT t.text(:'path');
ROLLBACK;
SELECT count(*) FROM r WHERE t.text(f) IS NOT NULL;
TRUNCATE r;
SELECT * FROM t.settled_files();
SELECT t.fill();
BEGIN;
INSERT INTO r VALUES (10, NULL, ffu.file('a.txt', 'x'));
SAVEPOINT sp;
TRUNCATE r;
ROLLBACK TO sp;
TRUNCATE r RESTART IDENTITY CASCADE;
INSERT INTO r VALUES (11, NULL, ffu.file('a.txt', 'after'));
COMMIT;
SELECT id, t.text(f) FROM r;
SELECT * FROM t.settled_files();
DROP TABLE r;
DROP FUNCTION t.fill;

-- partitions: moves get a new path; TRUNCATE of one, of all
CREATE TABLE parts (id int, place text, PRIMARY KEY (id, place)) PARTITION BY LIST (place);
CREATE TABLE part_a PARTITION OF parts FOR VALUES IN ('a');
CREATE TABLE part_b PARTITION OF parts FOR VALUES IN ('b') PARTITION BY RANGE (id);
CREATE TABLE part_b1 PARTITION OF part_b FOR VALUES FROM (0) TO (100);
SELECT ffu.add_column('parts', 'f');
CREATE TABLE part_c PARTITION OF parts FOR VALUES IN ('c');
INSERT INTO parts SELECT i, p, ffu.file(p || '.txt', (p || i)::bytea)
	FROM generate_series(1, 2) i, unnest('{a,b,c}'::text[]) p;
SELECT t.mask(f) FROM parts ORDER BY place, id;
SELECT f AS path FROM parts WHERE id = 1 AND place = 'a' \gset
BEGIN;
UPDATE parts SET place = 'b', id = 3 WHERE id = 1 AND place = 'a' RETURNING t.mask(f), f__file_name,
	t.text(f), f <> :'path' AS new;
ROLLBACK;
SELECT t.text(f), f = :'path' AS same FROM parts WHERE id = 1 AND place = 'a';
UPDATE parts SET place = 'b', id = 3 WHERE id = 1 AND place = 'a';
UPDATE parts SET place = 'a', id = 4, f = ffu.file('moved.txt', 'moved and new')
	WHERE id = 2 AND place = 'c';
SELECT tableoid::regclass, id, t.text(f) FROM parts ORDER BY tableoid::regclass::text, id;
SELECT * FROM t.settled_files();
TRUNCATE part_a;
SELECT tableoid::regclass, id, t.text(f) FROM parts ORDER BY tableoid::regclass::text, id;
SELECT * FROM t.settled_files();
TRUNCATE part_c;
SELECT * FROM t.settled_files();
TRUNCATE parts;
SELECT * FROM t.settled_files();
INSERT INTO parts VALUES (1, 'a', ffu.file('a.txt', 'x')), (1, 'c', ffu.file('c.txt', 'x'));
TRUNCATE ONLY part_b1;
DELETE FROM part_a;
SELECT * FROM t.settled_files();
DROP TABLE parts;
SELECT t.finish();
