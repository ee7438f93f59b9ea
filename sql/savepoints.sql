-- Savepoints and EXCEPTION blocks: files follow their rows through all of them.
CREATE TABLE s (id int PRIMARY KEY);
SELECT ffu.add_column('s', 'f');

-- The two cases in which every SQLAlchemy library loses data
-- (reference/conventions.md, finding 2).
-- A: "replace in savepoint, release, rollback outer keeps the old file"
INSERT INTO s VALUES (1, ffu.file('old.txt', 'old'));
BEGIN;
SAVEPOINT sp;
UPDATE s SET f = ffu.file('new.txt', 'new') WHERE id = 1;
RELEASE sp;
SELECT t.text(f) FROM s;
ROLLBACK;
SELECT t.text(f) FROM s;
SELECT * FROM t.files();
-- B: "rollback of a later savepoint keeps the committed row's file"
BEGIN;
INSERT INTO s VALUES (2, ffu.file('two.txt', 'two'));
SAVEPOINT sp;
INSERT INTO s VALUES (3, ffu.file('three.txt', 'three'));
ROLLBACK TO sp;
COMMIT;
SELECT id, t.text(f) FROM s ORDER BY id;
SELECT * FROM t.files();

-- the rolled-back file goes at once, not at the end of the transaction
BEGIN;
SAVEPOINT sp;
INSERT INTO s VALUES (4, ffu.file('four.txt', 'four'));
SELECT file FROM t.files() WHERE file LIKE '.ffu%';
ROLLBACK TO sp;
SELECT file FROM t.files() WHERE file LIKE '.ffu%';
-- and a deletion that is rolled back to a savepoint is none
SAVEPOINT sp2;
DELETE FROM s;
ROLLBACK TO sp2;
SELECT id, t.text(f) FROM s ORDER BY id;
COMMIT;
SELECT * FROM t.settled_files();

-- an upload of before the savepoint survives it, also if it was used in between
BEGIN;
SELECT ffu.file('upload.txt', 'survives') AS u \gset
SAVEPOINT sp;
INSERT INTO s VALUES (5, :'u') RETURNING t.text(f);
ROLLBACK TO sp;
INSERT INTO s VALUES (6, :'u') RETURNING t.mask(f);
COMMIT;
SELECT id, t.text(f) FROM s WHERE id > 3;
-- an upload of a rolled-back savepoint is gone
BEGIN;
SAVEPOINT sp;
SELECT ffu.file('gone.txt', 'gone') AS u \gset
ROLLBACK TO sp;
SELECT t.full_error(format('INSERT INTO s VALUES (7, %L)', :'u'));
COMMIT;
-- of a released one it is not
BEGIN;
SAVEPOINT sp;
SELECT ffu.file('released.txt', 'released') AS u \gset
RELEASE sp;
INSERT INTO s VALUES (7, :'u');
COMMIT;
SELECT t.text(f) FROM s WHERE id = 7;
-- of an ended transaction it is
SELECT t.full_error(format('INSERT INTO s VALUES (8, %L)', :'u'));

-- release, then rollback of the outer one; nested, both ways
BEGIN;
SAVEPOINT a;
INSERT INTO s VALUES (10, ffu.file('a.txt', 'a'));
SAVEPOINT b;
INSERT INTO s VALUES (11, ffu.file('b.txt', 'b'));
RELEASE b;
SAVEPOINT c;
INSERT INTO s VALUES (12, ffu.file('c.txt', 'c'));
ROLLBACK TO c;
INSERT INTO s VALUES (13, ffu.file('d.txt', 'd'));
RELEASE a;
SELECT id, t.text(f) FROM s WHERE id >= 10 ORDER BY id;
COMMIT;
SELECT id, t.text(f) FROM s WHERE id >= 10 ORDER BY id;
BEGIN;
SAVEPOINT a;
SAVEPOINT b;
DELETE FROM s WHERE id = 10;
UPDATE s SET f = ffu.file('b2.txt', 'b2') WHERE id = 11;
RELEASE b;
INSERT INTO s VALUES (14, ffu.file('e.txt', 'e'));
ROLLBACK TO a;
UPDATE s SET f = ffu.file('d2.txt', 'd2') WHERE id = 13;
COMMIT;
SELECT id, t.text(f) FROM s WHERE id >= 10 ORDER BY id;

-- a file of this transaction replaced, deleted in a savepoint that is rolled back
BEGIN;
INSERT INTO s VALUES (20, ffu.file('a.txt', 'first'));
SAVEPOINT sp;
UPDATE s SET f = ffu.file('b.txt', 'second') WHERE id = 20;
ROLLBACK TO sp;
DELETE FROM s WHERE id = 20;
ROLLBACK TO sp;
SELECT t.text(f) FROM s WHERE id = 20;
SAVEPOINT sp2;
UPDATE s SET f = ffu.file('c.txt', 'third') WHERE id = 20;
RELEASE sp2;
COMMIT;
SELECT t.text(f) FROM s WHERE id = 20;
DELETE FROM s WHERE id <> 1;
SELECT * FROM t.settled_files();

-- EXCEPTION blocks
DO $$
BEGIN
	INSERT INTO s VALUES (30, ffu.file('before.txt', 'before'));
	BEGIN
		INSERT INTO s VALUES (31, ffu.file('inside.txt', 'inside'));
		DELETE FROM s WHERE id = 1;
		INSERT INTO s VALUES (30, ffu.file('fails.txt', 'fails'));
	EXCEPTION WHEN unique_violation THEN
		INSERT INTO s VALUES (32, ffu.file('handler.txt', 'handler'));
	END;
	FOR i IN 40..44 LOOP
		BEGIN
			INSERT INTO s VALUES (i, ffu.file(i || '.txt', i::text::bytea));
			IF i % 2 = 1 THEN
				RAISE 'odd';
			END IF;
		EXCEPTION WHEN raise_exception THEN
			NULL;
		END;
	END LOOP;
END
$$;
SELECT id, t.text(f) FROM s ORDER BY id;
SELECT count(*) FROM t.files(), generate_series(1, n);
-- a statement that fails half way takes all its files with it
SELECT t.error('INSERT INTO s SELECT i, ffu.file(''many.txt'', ''x'') FROM unnest(ARRAY[50, 51, '
	'1]) i');
SELECT sum(n) FROM t.files();

-- a file of this transaction whose doom is taken back stays
BEGIN;
INSERT INTO s VALUES (90, ffu.file('back.txt', 'is back'));
SAVEPOINT sp;
DELETE FROM s WHERE id = 90;
ROLLBACK TO sp;
COMMIT;
SELECT t.text(f) FROM s WHERE id = 90;

-- a rollback takes back the extension that a rolled back row gave an upload
CREATE TABLE e (id int PRIMARY KEY);
SELECT ffu.add_column('e', 'f', allowed_extensions => '{*}');
BEGIN;
SELECT ffu.file(NULL, 'plain text') AS u \gset
SAVEPOINT sp;
INSERT INTO e (id, f, f__file_name) VALUES (1, :'u', 'first.rst') RETURNING f__file_name, f__ext;
ROLLBACK TO sp;
INSERT INTO e VALUES (1, :'u') RETURNING f__file_name, f__ext;
COMMIT;
DROP TABLE e;

-- a whole transaction that fails at a deferred constraint
CREATE TABLE d (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED);
SELECT ffu.add_column('d', 'f');
BEGIN;
INSERT INTO d VALUES (1, ffu.file('a.txt', 'x')), (1, ffu.file('b.txt', 'y'));
DELETE FROM s;
COMMIT;
SELECT count(*) AS rows FROM s;
SELECT count(*) FROM s WHERE t.text(f) IS NOT NULL;
SELECT sum(n) FROM t.files();
DROP TABLE s, d;
SELECT t.finish();
