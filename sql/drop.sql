-- DROP of tables, columns, schemas: files go at commit, and stay after a rollback.
CREATE SCHEMA d;
SET search_path = d, public;
-- two tables with a file each, and one that only has the type
CREATE FUNCTION t.fill() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	CREATE TABLE d.one (id int PRIMARY KEY);
	PERFORM ffu.add_column('d.one', 'f'), ffu.add_column('d.one', 'g');
	INSERT INTO d.one VALUES (1);
	UPDATE d.one SET f = ffu.file('f.txt', 'one f'), g = ffu.file('g.txt', 'one g');
	CREATE TABLE d.two (id int PRIMARY KEY) PARTITION BY LIST (id);
	CREATE TABLE d.two1 PARTITION OF d.two FOR VALUES IN (1);
	CREATE TABLE d.two2 PARTITION OF d.two FOR VALUES IN (2);
	PERFORM ffu.add_column('d.two', 'f');
	INSERT INTO d.two VALUES (1, ffu.file('f.txt', 'two 1')), (2, ffu.file('f.txt', 'two 2'));
END
$$;
-- what rows there are, with their files
SET check_function_bodies = off;
CREATE FUNCTION t.alive() RETURNS SETOF text LANGUAGE sql AS
	'SELECT t.text(f) FROM d.one UNION ALL SELECT t.text(g) FROM d.one UNION ALL SELECT t.text(f) FROM d.two';
RESET check_function_bodies;

-- DROP TABLE: plain, despite computed fields
SELECT t.fill();
BEGIN;
DROP TABLE one, two;
ROLLBACK;
SELECT * FROM t.alive();
BEGIN;
SAVEPOINT sp;
DROP TABLE one, two;
ROLLBACK TO sp;
COMMIT;
SELECT * FROM t.alive();
DROP TABLE two2;
SELECT * FROM t.settled_files();
DROP TABLE one, two;
SELECT * FROM t.settled_files();
SELECT proname FROM pg_proc WHERE pronamespace = 'd'::regnamespace;

-- a table of this very transaction; one whose rows are not committed
BEGIN;
SELECT t.fill();
DROP TABLE one, two;
COMMIT;
SELECT * FROM t.settled_files();

-- DROP COLUMN: its own files only; companions of others stay
SELECT t.fill();
ALTER TABLE one DROP COLUMN f;
BEGIN;
ALTER TABLE one DROP COLUMN f CASCADE;
ROLLBACK;
SELECT * FROM t.alive();
SET client_min_messages = warning;
ALTER TABLE one DROP COLUMN f CASCADE;
ALTER TABLE two DROP COLUMN f CASCADE;
RESET client_min_messages;
SELECT * FROM t.settled_files();
SELECT relation, column_name, complete FROM ffu.columns;
SELECT t.text(g) FROM one;
-- what is left of such a table works
INSERT INTO one VALUES (2, NULL);
TRUNCATE one, two;
SELECT * FROM t.settled_files();
DROP TABLE one, two;

-- ffu.drop_column, with and without keep_files
SELECT t.fill();
BEGIN;
SELECT ffu.drop_column('one', 'f'), ffu.drop_column('two', 'f');
ROLLBACK;
SELECT * FROM t.alive();
SELECT ffu.drop_column('one', 'f'), ffu.drop_column('two', 'f');
SELECT * FROM t.settled_files();
SELECT g AS kept FROM one \gset
SELECT ffu.drop_column('one', 'g', keep_files => true);
SELECT * FROM t.settled_files();
SELECT t.text(:'kept');
SELECT string_agg(attname, ' ') FROM pg_attribute WHERE attrelid = 'one'::regclass AND attnum > 0 AND NOT attisdropped;
SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('one'::regclass, 'two'::regclass, 'two1'::regclass);
SELECT t.shell(format('rm folder/%s', :'kept'));
DROP TABLE one, two;
-- other objects that depend on it
SELECT t.fill();
CREATE VIEW seen AS SELECT f, g__file_name FROM one;
SELECT t.full_error('SELECT ffu.drop_column(''one'', ''f'')');
SELECT t.full_error('SELECT ffu.drop_column(''one'', ''g'')');
SELECT t.full_error('SELECT ffu.drop_column(''two1'', ''f'')');
DROP VIEW seen;

-- DETACH: the partition keeps its files and gets triggers of its own
ALTER TABLE two DETACH PARTITION two2;
SELECT relation, column_name, enabled, complete FROM ffu.columns ORDER BY relation::text, column_name;
DROP TABLE two;
SELECT t.text(f) FROM two2;
DELETE FROM two2;
SELECT file FROM t.settled_files();
DROP TABLE two2, one;

-- DROP SCHEMA CASCADE, DROP OWNED
SELECT t.fill();
SET client_min_messages = warning;
BEGIN;
DROP SCHEMA d CASCADE;
ROLLBACK;
SELECT * FROM t.alive();
DROP SCHEMA d CASCADE;
SELECT * FROM t.settled_files();
CREATE SCHEMA d;
SELECT t.fill();
CREATE ROLE regress_ffu_owner;
ALTER SCHEMA d OWNER TO regress_ffu_owner;
ALTER TABLE d.one OWNER TO regress_ffu_owner;
ALTER TABLE d.two OWNER TO regress_ffu_owner;
BEGIN;
DROP OWNED BY regress_ffu_owner CASCADE;
ROLLBACK;
SELECT * FROM t.alive();
DROP OWNED BY regress_ffu_owner CASCADE;
DROP ROLE regress_ffu_owner;
SELECT * FROM t.settled_files();
-- DROP EXTENSION: files stay, and the claim goes (rolled back here)
CREATE SCHEMA d;
SELECT t.fill();
SELECT f AS kept FROM one \gset
BEGIN;
DELETE FROM two;
DROP EXTENSION ffu CASCADE;
SELECT count(*) FROM one;
ROLLBACK;
SELECT * FROM t.alive();
BEGIN;
SAVEPOINT sp;
DELETE FROM two;
DROP EXTENSION ffu CASCADE;
ROLLBACK TO sp;
COMMIT;
SELECT * FROM t.alive();
RESET client_min_messages;
RESET search_path;
DROP TABLE d.one, d.two;
DROP SCHEMA d;
DROP FUNCTION t.fill, t.alive;
SELECT t.finish();
