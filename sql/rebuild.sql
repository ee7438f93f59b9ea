-- The usual rebuild of a table: CREATE TABLE (LIKE), INSERT ... SELECT, DROP, RENAME.
-- A copy of the paths owns no file, so letting the originals go is refused.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA r;
SET search_path = r, public;
CREATE TABLE o (id int PRIMARY KEY, note text);
SELECT ffu.add_column('o', 'f');
SELECT ffu.add_column('o', 'g');
INSERT INTO o (id, f, g) SELECT i, ffu.file('a.txt', convert_to('f' || i, 'UTF8')),
    CASE WHEN i < 3 THEN ffu.file('b.txt', convert_to('g' || i, 'UTF8')) END
  FROM generate_series(1, 3) i;
CREATE TABLE n (LIKE o INCLUDING ALL);
INSERT INTO n SELECT * FROM o;
-- whatever lets go of a whole column at once
SELECT t.full_error('DROP TABLE o');
SELECT t.error(s) FROM unnest(ARRAY['DROP TABLE o CASCADE', 'ALTER TABLE o DROP COLUMN f CASCADE',
	'ALTER TABLE o DROP COLUMN g CASCADE', 'TRUNCATE o', 'SELECT ffu.drop_column(''o'', ''f'')',
	'DO $$ BEGIN DROP TABLE r.o; END $$']) s;
SELECT id, t.text(f), t.text(g) FROM o ORDER BY id;
-- the same in the transaction that made the files and the copy
BEGIN;
CREATE TABLE o2 (id int PRIMARY KEY);
SELECT ffu.add_column('o2', 'f');
INSERT INTO o2 (id, f) VALUES (1, ffu.file('a.txt', 'new'));
CREATE TABLE n2 AS SELECT * FROM o2;
DROP TABLE o2;
ROLLBACK;
-- the copy that goes too is no copy; nor is one in a temporary table, or one of other paths
BEGIN;
DROP TABLE o, n;
ROLLBACK;
BEGIN;
DROP SCHEMA r CASCADE;
ROLLBACK;
BEGIN;
CREATE TABLE other (f ffu.file);
INSERT INTO other VALUES ('nothing'), (NULL), ('r/1/f-aaaaaaaaaaaaaaaaaaaaaaaaaa.txt');
CREATE TEMP TABLE temporary AS SELECT * FROM o;
DROP TABLE n;
DROP TABLE o;
ROLLBACK;
-- rows that go one by one are not asked about; files that stay neither
BEGIN;
DELETE FROM o WHERE id = 1;
SELECT ffu.drop_column('o', 'f', keep_files => true);
ROLLBACK;

-- the way out: copies of one's own. Companions, bytes and NULL stay, paths are new
SELECT t.full_error('SELECT ffu.manage_column(''n'', ''f'')');
SELECT t.error('SELECT ffu.manage_column(''n'', ''f'', keep_values => true, copy_values => true)');
SELECT ffu.manage_column('n', 'f', copy_values => true);
SELECT t.error('DROP TABLE o');
SELECT ffu.manage_column('n', 'g', copy_values => true);
SELECT count(*) AS same_path FROM o JOIN n USING (id) WHERE o.f = n.f OR o.g = n.g;
DROP TABLE o;
ALTER TABLE n RENAME TO o;
SELECT id, t.mask(f), t.text(f), f__file_name, f__size, t.text(g) FROM o ORDER BY id;
SELECT * FROM t.settled_files();
SELECT problem, column_name FROM ffu.check();
UPDATE o SET f = ffu.file('c.txt', 'replaced') WHERE id = 1;
DELETE FROM o WHERE id = 2;
SELECT * FROM t.settled_files();
SELECT relation, column_name, enabled, complete FROM ffu.columns ORDER BY 2;

-- into a partitioned table; a value that names no file, or is no path
CREATE TABLE p (LIKE o INCLUDING DEFAULTS) PARTITION BY LIST (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE p3 PARTITION OF p FOR VALUES IN (3);
INSERT INTO p SELECT * FROM o;
SELECT t.error('DROP TABLE o');
SELECT ffu.manage_column('p', 'f', copy_values => true),
	ffu.manage_column('p', 'g', copy_values => true);
DROP TABLE o;
SELECT tableoid::regclass, t.text(f) FROM p ORDER BY id;
SELECT * FROM t.settled_files();
CREATE TABLE bad (id int, f text);
INSERT INTO bad VALUES (1, '../../etc/passwd');
SELECT t.full_error('SELECT ffu.manage_column(''bad'', ''f'', copy_values => true)');
UPDATE bad SET f = 'r/1/f-aaaaaaaaaaaaaaaaaaaaaaaaaa.txt';
SELECT t.full_error('SELECT ffu.manage_column(''bad'', ''f'', copy_values => true)');
-- no way round that by the UPDATE itself
UPDATE bad SET f = '../../etc/passwd';
SELECT ffu.manage_column('bad', 'f', keep_values => true);
SELECT t.error('UPDATE bad SET f = ''copy:'' || f');
SET session_replication_role = replica;
UPDATE bad SET f = NULL;
RESET session_replication_role;
DROP TABLE bad;

-- a file column of type text: a column of the same name counts
CREATE TABLE x (id int PRIMARY KEY, f text);
SELECT ffu.manage_column('x', 'f');
INSERT INTO x (id, f) VALUES (1, ffu.file('a.txt', 'x1')), (2, ffu.file('a.txt', 'x2'));
CREATE TABLE x2 (LIKE x INCLUDING ALL);
INSERT INTO x2 SELECT * FROM x;
SELECT t.full_error('DROP TABLE x');
SELECT t.error(s) FROM unnest(ARRAY['TRUNCATE x', 'ALTER TABLE x DROP COLUMN f CASCADE',
	'SELECT ffu.drop_column(''x'', ''f'')']) s;
BEGIN;
CREATE TABLE log AS SELECT id, f AS old_path FROM x;
DROP TABLE x, x2;
ROLLBACK;
SELECT ffu.manage_column('x2', 'f', copy_values => true);
DROP TABLE x;
SELECT id, t.text(f) FROM x2 ORDER BY id;
DROP TABLE x2;
SELECT * FROM t.settled_files();

-- whose copy counts: a stranger who can read a path cannot keep others from their DROP
CREATE ROLE regress_ffu_stranger;
GRANT USAGE, CREATE ON SCHEMA r TO regress_ffu_stranger;
GRANT SELECT ON p TO regress_ffu_stranger;
SET ROLE regress_ffu_stranger;
CREATE TABLE r.theirs AS SELECT * FROM r.p;
RESET ROLE;
BEGIN;
DROP TABLE p;
ROLLBACK;
-- owner's triggers on the copy run as the owner, not as the superuser who calls
CREATE TABLE r.log (who name);
GRANT ALL ON r.log TO PUBLIC;
SET ROLE regress_ffu_stranger;
CREATE FUNCTION r.spy() RETURNS trigger LANGUAGE plpgsql
	AS $$ BEGIN INSERT INTO r.log VALUES (current_user); RETURN NEW; END $$;
CREATE TRIGGER spy BEFORE UPDATE ON r.theirs FOR EACH ROW EXECUTE FUNCTION r.spy();
ALTER TABLE r.theirs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
RESET ROLE;
-- a superuser changes tables of other roles, which is refused above READ COMMITTED
SET default_transaction_isolation = 'read committed';
SELECT ffu.manage_column('r.theirs', 'f', urls => false, copy_values => true);
ALTER TABLE r.theirs NO FORCE ROW LEVEL SECURITY;
SELECT DISTINCT who FROM r.log;
SELECT count(*) FROM p JOIN theirs USING (f);
DROP SCHEMA r CASCADE;
DROP ROLE regress_ffu_stranger;
RESET search_path;
SELECT t.finish();
