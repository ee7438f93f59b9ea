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
DROP TABLE u;
SELECT t.finish();
