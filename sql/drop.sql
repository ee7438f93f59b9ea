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
	'SELECT t.text(f) FROM d.one UNION ALL SELECT t.text(g) FROM d.one UNION ALL SELECT t.text(f) '
	'FROM d.two';
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

-- DROP COLUMN, plain: with companions, triggers, computed fields and files; other columns stay
CREATE FUNCTION t.rest() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT (c.relname || '.' || a.attname) COLLATE "C" FROM pg_attribute a
	JOIN pg_class c ON c.oid = a.attrelid
	 WHERE c.relnamespace = 'd'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0
	   AND NOT a.attisdropped
	UNION ALL SELECT c.relname || ': ' || g.tgname FROM pg_trigger g
	JOIN pg_class c ON c.oid = g.tgrelid
	 WHERE c.relnamespace = 'd'::regnamespace AND g.tgname ~ '_1_set|_6_truncate'
	UNION ALL SELECT p.proname || '(' || y.typname || ')' FROM pg_proc p
	JOIN pg_type y ON y.oid = p.proargtypes[0] WHERE p.pronamespace = 'd'::regnamespace
	 ORDER BY 1 $$;
SELECT t.fill();
BEGIN;
ALTER TABLE one DROP COLUMN f;
SAVEPOINT s;
ALTER TABLE two DROP COLUMN IF EXISTS f;
ROLLBACK TO s;
SELECT * FROM t.rest();
ROLLBACK;
BEGIN;
ALTER TABLE one DROP COLUMN f CASCADE;
ROLLBACK;
SELECT * FROM t.alive();
ALTER TABLE one DROP COLUMN f;
ALTER TABLE two DROP COLUMN f CASCADE;
SELECT * FROM t.settled_files();
SELECT relation, column_name, complete FROM ffu.columns;
SELECT * FROM t.rest();
SELECT t.text(g) FROM one;
-- a tool goes on to drop the companions
ALTER TABLE one DROP COLUMN f__file_name;
ALTER TABLE two DROP COLUMN f__size CASCADE, DROP COLUMN f__ext;
SELECT t.error('ALTER TABLE one DROP COLUMN f__nothing');
-- what is left of such a table works
INSERT INTO one VALUES (2, NULL);
TRUNCATE one, two;
SELECT * FROM t.settled_files();
DROP TABLE one, two;

-- DROP COLUMN: several, in any order, some companions given, IF EXISTS of nothing
SELECT t.fill();
ALTER TABLE one DROP COLUMN f__size, DROP COLUMN f, DROP COLUMN IF EXISTS nothing, DROP COLUMN g,
	ADD COLUMN note text;
ALTER TABLE IF EXISTS two DROP COLUMN f, DROP COLUMN f__ext CASCADE;
ALTER TABLE IF EXISTS nothing DROP COLUMN f;
SELECT * FROM t.rest();
SELECT * FROM t.settled_files();
DROP TABLE one, two;
-- DROP COLUMN of a companion alone, of a partition's column, of what others use: refused
SELECT t.fill();
CREATE ROLE regress_ffu_stranger;
GRANT USAGE ON SCHEMA d TO regress_ffu_stranger;
CREATE FUNCTION strange(one) RETURNS text LANGUAGE sql RETURN ffu.url(($1).f, NULL);
ALTER FUNCTION strange OWNER TO regress_ffu_stranger;
SELECT t.error(s) FROM unnest(ARRAY['ALTER TABLE one DROP COLUMN f__ext',
	'ALTER TABLE one DROP COLUMN f__ext CASCADE', 'ALTER TABLE two1 DROP COLUMN f',
	'ALTER TABLE ONLY two DROP COLUMN f', 'ALTER TABLE one DROP COLUMN f']) s;
DROP FUNCTION strange;
SET ROLE regress_ffu_stranger;
SELECT t.error('ALTER TABLE d.one DROP COLUMN f');
RESET ROLE;
CREATE VIEW seen AS SELECT f__size FROM one;
SELECT t.error('ALTER TABLE one DROP COLUMN f');
CREATE OR REPLACE VIEW seen AS SELECT g__size AS f__size FROM one;
CREATE VIEW urls AS SELECT o.f_url FROM one o;
SELECT t.error('ALTER TABLE one DROP COLUMN f');
DROP VIEW urls;
CREATE TRIGGER mine BEFORE UPDATE OF f ON two FOR EACH ROW
	EXECUTE FUNCTION suppress_redundant_updates_trigger();
SELECT t.error('ALTER TABLE two DROP COLUMN f');
SELECT * FROM t.alive();
SELECT count(*) FROM pg_depend WHERE refobjid IN ('one'::regclass, 'two'::regclass)
	AND refobjsubid > 0 AND deptype = 'a' AND classid = 'pg_trigger'::regclass;
ALTER TABLE one DROP COLUMN f;
SET client_min_messages = warning;
ALTER TABLE one DROP COLUMN g CASCADE;
ALTER TABLE two DROP COLUMN f CASCADE;
RESET client_min_messages;
SELECT * FROM t.rest();
SELECT * FROM t.settled_files();
DROP TABLE one, two;
REVOKE USAGE ON SCHEMA d FROM regress_ffu_stranger;
DROP ROLE regress_ffu_stranger;
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
SELECT string_agg(attname, ' ') FROM pg_attribute WHERE attrelid = 'one'::regclass AND attnum > 0
	AND NOT attisdropped;
SELECT count(*) FROM pg_trigger
	WHERE tgrelid IN ('one'::regclass, 'two'::regclass, 'two1'::regclass);
SELECT t.shell(format('rm folder/%s', :'kept'));
DROP TABLE one, two;
-- keep_companions
SELECT t.fill();
SELECT ffu.drop_column('one', 'f', keep_companions => true);
ALTER TABLE one DROP COLUMN g;
ALTER TABLE one DROP COLUMN f__ext;
SELECT * FROM t.rest();
SELECT f__file_name, f__size FROM one;
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
SELECT relation, column_name, enabled, complete FROM ffu.columns
	ORDER BY relation::text, column_name;
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
DROP FUNCTION t.fill, t.alive, t.rest;
SELECT t.finish();
