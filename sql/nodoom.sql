-- Nothing that copies, rewrites or drops something that merely has the type may
-- doom a file of a living row.
\set SHOW_CONTEXT never
CREATE TABLE n (id int PRIMARY KEY, note text);
SELECT ffu.add_column('n', 'f');
INSERT INTO n SELECT i, 'row', ffu.file('a.txt', ('content ' || i)::bytea)
	FROM generate_series(1, 3) i;
-- are all files there, and no more? also once deletions are done
CREATE FUNCTION t.well() RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN count(*) FILTER (WHERE t.text(f) = 'content ' || id) = 3 THEN 'well'
		ELSE 'LOST' END || coalesce(' ' || (SELECT sum(s.n) FROM t.settled_files() s), ' none')
	  FROM n
$$;
SELECT t.well();

VACUUM FULL n;
SELECT t.well();
CLUSTER n USING n_pkey;
SELECT t.well();
-- rewriting ALTERs: another type, a volatile default, another type of the column itself
ALTER TABLE n ALTER note TYPE varchar(100) USING note || '!';
SELECT t.well();
ALTER TABLE n ADD random float DEFAULT random();
SELECT t.well();
ALTER TABLE n ALTER id TYPE bigint;
SELECT t.well();
SELECT t.full_error('ALTER TABLE n SET UNLOGGED');
SELECT t.well();
BEGIN;
ALTER TABLE n ALTER note TYPE text;
ROLLBACK;
SELECT t.well();

-- copies of the table, and the end of the copies
CREATE TABLE copied AS SELECT * FROM n;
SELECT t.text(f) FROM copied;
DELETE FROM copied WHERE id = 1;
TRUNCATE copied;
DROP TABLE copied;
SELECT t.well();
SELECT * INTO copied FROM n;
DROP TABLE copied;
SELECT t.well();
CREATE TEMP TABLE copied AS SELECT * FROM n;
DELETE FROM copied WHERE id = 2;
DROP TABLE copied;
SELECT t.well();
BEGIN;
CREATE TEMP TABLE copied ON COMMIT DROP AS SELECT * FROM n;
COMMIT;
SELECT t.well();
CREATE TEMP TABLE copied ON COMMIT DELETE ROWS AS SELECT * FROM n;
DROP TABLE copied;
SELECT t.well();
CREATE TABLE copied (LIKE n INCLUDING ALL);
INSERT INTO copied SELECT * FROM n;
TRUNCATE copied;
INSERT INTO copied SELECT * FROM n;
ALTER TABLE copied DROP COLUMN f;
DROP TABLE copied;
SELECT t.well();
CREATE UNLOGGED TABLE copied AS TABLE n;
DROP TABLE copied;
SELECT t.well();
CREATE TABLE typed (x n);
INSERT INTO typed SELECT n FROM n;
DROP TABLE typed;
SELECT t.well();

-- materialized and other views
CREATE MATERIALIZED VIEW m AS SELECT * FROM n;
CREATE UNIQUE INDEX ON m (id);
REFRESH MATERIALIZED VIEW m;
SET quote_all_identifiers = off;	-- the query of the server does not quote them well
REFRESH MATERIALIZED VIEW CONCURRENTLY m;
RESET quote_all_identifiers;
SELECT t.text(f) FROM m WHERE id = 1;
REFRESH MATERIALIZED VIEW m WITH NO DATA;
DROP MATERIALIZED VIEW m;
CREATE VIEW v AS SELECT * FROM n;
DROP VIEW v;
SELECT t.well();

-- a managed copy has files of its own
CREATE TABLE managed (id bigint);
SELECT ffu.add_column('managed', 'f', urls => false);
INSERT INTO managed SELECT id, f FROM n;
DROP TABLE managed;
SELECT t.well();

-- other columns, constraints, triggers, indexes, partitions
ALTER TABLE n DROP COLUMN random;
ALTER TABLE n ADD CONSTRAINT positive CHECK (id > 0);
ALTER TABLE n DROP CONSTRAINT positive;
CREATE FUNCTION t.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER mine BEFORE UPDATE ON n FOR EACH ROW EXECUTE FUNCTION t.nothing();
DROP TRIGGER mine ON n;
DROP FUNCTION t.nothing;
REINDEX TABLE n;
ANALYZE n;
SELECT t.well();

-- a lost trigger or companion would unmanage the column: refused
SET client_min_messages = warning;
SELECT t.full_error('ALTER TABLE n DROP COLUMN f__ext CASCADE');
SELECT t.full_error('ALTER TABLE n DROP COLUMN f__size CASCADE, DROP COLUMN note');
SELECT t.full_error(format('DROP TRIGGER %I ON n', tgname)) FROM pg_trigger
	WHERE tgrelid = 'n'::regclass AND tgname LIKE 'zz%' ORDER BY tgname;
SELECT t.full_error('DROP FUNCTION ffu.after_row() CASCADE');
ALTER TABLE n DROP COLUMN f__sha256;
RESET client_min_messages;
SELECT t.well();
SELECT column_name, ext_column, sha256_column, enabled, complete FROM ffu.columns;
-- a trigger that is switched off is shown
ALTER TABLE n DISABLE TRIGGER zz_ffu_f_5_delete;
SELECT enabled, complete FROM ffu.columns;
ALTER TABLE n ENABLE TRIGGER zz_ffu_f_5_delete;
SELECT enabled, complete FROM ffu.columns;
DROP TABLE n;
DROP FUNCTION t.well;
SELECT t.finish();
