-- An upload that no file column took by commit is an error, or a warning, or
-- nothing; one whose row was not written is silent.
CREATE TABLE u (id int PRIMARY KEY, note text);
SELECT ffu.add_column('u', 'f');
INSERT INTO u (id) VALUES (1);

SELECT t.mask(ffu.file('lost.txt', 'x'));
BEGIN;
INSERT INTO u VALUES (2, 'not committed', ffu.file('good.txt', 'x'));
SELECT t.mask(ffu.file(NULL, 'x')) FROM generate_series(1, 3);
COMMIT;
\echo :LAST_ERROR_SQLSTATE :LAST_ERROR_MESSAGE
SELECT id FROM u;
-- an upload in a column that is not managed is lost as well
CREATE TABLE plain (f ffu.file);
INSERT INTO plain VALUES (ffu.file('plain.txt', 'x'));
SELECT count(*) FROM plain;
DROP TABLE plain;
SELECT * FROM t.files();

SET ffu.unused_upload = warning;
BEGIN;
SELECT t.mask(ffu.file('lost.txt', 'x'));
UPDATE u SET f = ffu.file('good.txt', 'x');
COMMIT;
SELECT id, t.text(f) FROM u;
SET ffu.unused_upload = ignore;
SELECT t.mask(ffu.file('lost.txt', 'x'));
RESET ffu.unused_upload;
SELECT * FROM t.files();

-- silent: the row was not written
INSERT INTO u VALUES (1, NULL, ffu.file('a.txt', 'x')) ON CONFLICT DO NOTHING;
INSERT INTO u SELECT 1, NULL, ffu.file('a.txt', 'x') WHERE false;
UPDATE u SET f = ffu.file('a.txt', 'x') WHERE id = 99;
BEGIN;
SAVEPOINT sp;
SELECT t.mask(ffu.file('a.txt', 'x'));
ROLLBACK TO sp;
COMMIT;
BEGIN;
SELECT ffu.file('a.txt', 'x') AS u \gset
SAVEPOINT sp;
UPDATE u SET f = :'u';
ROLLBACK TO sp;
COMMIT;
BEGIN;
SELECT t.mask(ffu.file('a.txt', 'x'));
ROLLBACK;
-- silent: it was taken, then replaced
BEGIN;
UPDATE u SET f = ffu.file('a.txt', 'first');
UPDATE u SET f = ffu.file('b.txt', 'second');
COMMIT;
-- silent: the statement that should have taken it failed
DO $$
DECLARE
	upload text := ffu.file('a.exe', 'x');
BEGIN
	UPDATE u SET f = upload;
EXCEPTION WHEN check_violation THEN
	RAISE NOTICE '%', SQLERRM;
END
$$;
SELECT t.text(f) FROM u;
SELECT * FROM t.files();

-- The rule: what a statement that assigns a file column makes may go unused,
-- however often the server evaluates it; anything else has to be assigned.
\set VERBOSITY terse
UPDATE u SET f = NULL;
INSERT INTO u VALUES (3);
CREATE TABLE src (id int, name text);
INSERT INTO src VALUES (1, 'one'), (1, 'uno'), (2, 'two'), (9, 'nine');
CREATE VIEW seen AS SELECT id, t.text(f) AS content FROM u ORDER BY id;
CREATE FUNCTION store(name text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN ffu.file(name || '.txt', name::bytea);
END
$$;
CREATE FUNCTION store_by_select(name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	upload text;
BEGIN
	SELECT ffu.file(name || '.txt', name::bytea) INTO upload;
	RETURN upload;
END
$$;
CREATE FUNCTION store_inlined(name text) RETURNS text LANGUAGE sql
	AS $$ SELECT ffu.file(name || '.txt', name::bytea) $$;
CREATE FUNCTION store_not_inlined(name text) RETURNS text LANGUAGE sql SET work_mem = '1MB'
	AS $$ SELECT ffu.file(name || '.txt', name::bytea) $$;
-- two matches of one row
UPDATE u SET f = ffu.file(name || '.txt', name::bytea) FROM src WHERE src.id = u.id;
SELECT count(content) FROM seen;
UPDATE u SET f = store(name) FROM src WHERE src.id = u.id;
UPDATE u SET f = store_by_select(name) FROM src WHERE src.id = u.id;
UPDATE u SET f = store_inlined(name) FROM src WHERE src.id = u.id;
UPDATE u SET f = store_not_inlined(name) FROM src WHERE src.id = u.id;
SELECT count(content) FROM seen;
-- a filter above the call
UPDATE u SET f = s.up FROM (SELECT id, ffu.file(name || '.txt', name::bytea) AS up
	FROM src OFFSET 0) s WHERE s.id = u.id AND u.id = 3;
INSERT INTO u (id, f) SELECT id + 10, up
	FROM (SELECT id, ffu.file(name || '.txt', name::bytea) AS up FROM src OFFSET 0) s WHERE id = 9;
INSERT INTO u (id, f) SELECT 1, store(name) FROM src ON CONFLICT DO NOTHING;
INSERT INTO u (id, f) SELECT 1, ffu.file('x.txt', 'x') ON CONFLICT (id) DO UPDATE SET note = 'kept';
WITH up AS MATERIALIZED (SELECT id, ffu.file(name || '.txt', name::bytea) AS f FROM src)
UPDATE u SET f = up.f FROM up WHERE up.id = u.id AND u.id = 2;
-- MERGE that does nothing for some rows
MERGE INTO u USING (SELECT id, ffu.file(name || '.txt', name::bytea) AS f FROM src
	WHERE name <> 'uno' OFFSET 0) s ON s.id = u.id
 WHEN MATCHED AND u.id = 1 THEN DO NOTHING
 WHEN MATCHED THEN UPDATE SET f = s.f
 WHEN NOT MATCHED THEN DO NOTHING;
-- in a WITH clause, where the main statement writes nothing
WITH ins AS (INSERT INTO u (id, f) SELECT id, ffu.file('x.txt', 'x') FROM src
	WHERE id < 3 ON CONFLICT DO NOTHING RETURNING id) SELECT count(*) FROM ins;
WITH ins AS (UPDATE u SET f = store(name) FROM src WHERE src.id = u.id RETURNING u.id)
	INSERT INTO src SELECT id, 'written' FROM ins WHERE id = 99;
-- prepared, by a cursor, in a function, in a DO block
PREPARE two (text) AS UPDATE u SET f = store($1 || name) FROM src WHERE src.id = u.id;
EXECUTE two ('prepared ');
EXECUTE two ('again ');
DO $$ BEGIN UPDATE u SET f = ffu.file(name || '.txt', name::bytea) FROM src WHERE src.id = u.id;
		END $$;
DO $$ BEGIN
		EXECUTE 'UPDATE u SET f = ffu.file(name || ''.txt'', name::bytea) FROM src WHERE src.id = '
	'u.id'; END $$;
-- a BEFORE trigger that skips rows, or makes uploads; a default
CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	upload text := ffu.file('t.txt', 'by trigger');
BEGIN
	IF NEW.note = 'skip' THEN RETURN NULL; END IF;
	NEW.f := upload;
	RETURN NEW;
END
$$;
CREATE TRIGGER skip BEFORE INSERT ON u FOR EACH ROW EXECUTE FUNCTION skip();
INSERT INTO u (id, note) VALUES (20, 'skip'), (21, 'not');
INSERT INTO u (id, note, f) VALUES (22, 'skip', ffu.file('a.txt', 'a')),
	(23, 'not', ffu.file('b.txt', 'b'));
COPY u (id, note) FROM stdin;
24	skip
25	not
\.
SELECT id, content FROM seen WHERE id >= 20;
DROP TRIGGER skip ON u;
ALTER TABLE u ALTER f SET DEFAULT ffu.file('default.txt', 'default');
INSERT INTO u (id) VALUES (1), (30) ON CONFLICT DO NOTHING;
COPY u (id) FROM stdin WHERE id > 31;
31
32
\.
SELECT id, content FROM seen WHERE id >= 30;
ALTER TABLE u ALTER f DROP DEFAULT;
-- a view with INSTEAD OF triggers
CREATE VIEW v AS SELECT id, f FROM u;
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO u (id, f) VALUES (NEW.id, NEW.f) ON CONFLICT DO NOTHING;
	RETURN NEW;
END
$$;
CREATE TRIGGER instead INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION instead();
INSERT INTO v SELECT i, ffu.file('v.txt', 'view') FROM generate_series(32, 33) i;
SELECT id, content FROM seen WHERE id >= 32;
DROP VIEW v;
-- partitions, by the table and by a partition
CREATE TABLE p (id int) PARTITION BY LIST (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
SELECT ffu.add_column('p', 'f');
INSERT INTO p (id, f) VALUES (1, ffu.file('p.txt', 'p'));
UPDATE p SET f = store(name) FROM src WHERE src.id = p.id;
UPDATE p1 SET f = store(name) FROM src WHERE src.id = p1.id;
-- in a session that has not used ffu yet
\c -
\set VERBOSITY terse
UPDATE p SET f = store(name) FROM src WHERE src.id = p.id;
\c -
\set VERBOSITY terse
UPDATE p SET f = ffu.file(name, name::bytea) FROM src WHERE src.id = p.id;
SELECT count(*) FROM t.settled_files() WHERE file LIKE '.ffu%';
DROP TABLE p;

-- errors: it was made elsewhere, or for something that is no file column
BEGIN; DO $$ DECLARE upload text := ffu.file('a.txt', 'a'); BEGIN NULL; END $$; COMMIT;
DO $$ BEGIN PERFORM ffu.file('a.txt', 'a'); END $$;
SELECT t.mask(store('a'));
BEGIN; DECLARE c CURSOR FOR SELECT t.mask(ffu.file('a.txt', 'a')); FETCH c; COMMIT;
INSERT INTO src SELECT 1, ffu.file('a.txt', 'a');
UPDATE u SET note = ffu.file('a.txt', 'a') WHERE id = 1;
INSERT INTO u (id, note) VALUES (99, ffu.file('a.txt', 'a'));
INSERT INTO src SELECT 1, store(name) FROM src;
WITH gone AS (DELETE FROM u WHERE id = 1 RETURNING store('a') AS f) INSERT INTO src SELECT 1, f
	FROM gone;
COPY (SELECT ffu.file('a.txt', 'a')) TO '/dev/null';
-- a statement in a function says nothing of what another one makes
CREATE FUNCTION log() RETURNS text LANGUAGE plpgsql
	AS $$ BEGIN INSERT INTO src VALUES (0, store('log')); RETURN NULL; END $$;
UPDATE u SET f = log() WHERE id = 1;
SELECT count(*) FROM src WHERE name LIKE 'upload:%';
SELECT count(*) FROM t.settled_files() WHERE file LIKE '.ffu%';
-- a finished resumable upload must be assigned: nobody else has the bytes
SELECT ffu.upload_begin('r.txt', resumable => true) AS upload \gset
SELECT ffu.upload_append(:'upload', 0, 'resumed');
INSERT INTO u (id, f) VALUES (1, ffu.upload_finish(:'upload')) ON CONFLICT DO NOTHING;
SELECT ffu.upload_offset(:'upload');
INSERT INTO u (id, f) VALUES (50, ffu.upload_finish(:'upload')) ON CONFLICT DO NOTHING;
SELECT id, content FROM seen WHERE id = 50;
\set VERBOSITY default
DROP TABLE u, src CASCADE;
DROP FUNCTION store, store_by_select, store_inlined, store_not_inlined, skip, instead, log();
SELECT t.finish();
