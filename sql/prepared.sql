-- PREPARE TRANSACTION, where the server allows it: the sweep settles what COMMIT
-- PREPARED tells nobody. On a server with max_prepared_transactions = 0, which is
-- the default, nothing of this can run, and prepared_1.out is the answer.
\set SHOW_CONTEXT never
SELECT current_setting('max_prepared_transactions')::int > 0 AS allowed \gset
\if :allowed
\else
	\echo max_prepared_transactions is 0
	\quit
\endif

-- resumable uploads
CREATE TABLE r (id int PRIMARY KEY, note text);
SELECT ffu.add_column('r', 'f', allowed_extensions => '{txt}');
SELECT ffu.upload_begin('p.txt', true) AS u \gset
SELECT ffu.upload_append(:'u', 0, 'before ');
BEGIN;
SELECT ffu.upload_append(:'u', 7, 'prepared');
PREPARE TRANSACTION 'append';
SELECT ffu.upload_offset(:'u');
COMMIT PREPARED 'append';
SELECT ffu.upload_offset(:'u');
BEGIN;
INSERT INTO r VALUES (8, 'lost', ffu.upload_finish(:'u'));
PREPARE TRANSACTION 'finish';
SELECT undone, open FROM ffu.sweep();
ROLLBACK PREPARED 'finish';
-- its bytes have another name until the sweep comes; appending calls it
SELECT ffu.upload_append(:'u', 15, ' and after');
BEGIN;
INSERT INTO r VALUES (8, 'prepared', ffu.upload_finish(:'u'));
PREPARE TRANSACTION 'finish';
COMMIT PREPARED 'finish';
SELECT id, note, f__file_name, f__size = ffu.size(f) AS "size is right", t.text(f) FROM r;
BEGIN;
SELECT ffu.upload_begin('p.txt', true) AS u \gset
PREPARE TRANSACTION 'begin';
SELECT undone, open FROM ffu.sweep();
SELECT file, n FROM t.files() WHERE file LIKE '.ffu%';
COMMIT PREPARED 'begin';
SELECT undone, open FROM ffu.sweep();
SELECT ffu.upload_append(:'u', 0, 'x');
SELECT ffu.upload_cancel(:'u');
SELECT * FROM ffu.check();
DROP TABLE r;

-- imported files: copied, but not moved
CREATE TABLE d (id int PRIMARY KEY);
SELECT ffu.add_column('d', 'f', allowed_extensions => '{txt}');
SELECT t.shell('mkdir in && printf new > in/z.txt');
SELECT root || '/in/z.txt' AS z FROM t.config \gset
BEGIN;
INSERT INTO d (id, f) VALUES (1, ffu.import_file(:'z', move => true));
\set VERBOSITY terse
PREPARE TRANSACTION 'move';
\set VERBOSITY default
SELECT t.shell('ls in/z.txt');
BEGIN;
INSERT INTO d (id, f) VALUES (2, ffu.import_file(:'z', 'p.txt'));
PREPARE TRANSACTION 'copy';
COMMIT PREPARED 'copy';
SELECT id, t.text(f) FROM d;
SELECT t.settle() <> '' AS "finished by the sweep";
SELECT t.shell('rm -r in');
DROP TABLE d;

-- delete_files: both ends
CREATE TABLE m (id int PRIMARY KEY);
SELECT ffu.add_column('m', 'f', allowed_extensions => '{txt}');
INSERT INTO m (id, f) SELECT i, ffu.file('name.txt', convert_to('file ' || i, 'UTF8'))
	FROM generate_series(1, 2) i;
CREATE VIEW marked AS SELECT state, t.mask(path) AS path, held_by FROM ffu.pending_deletions;
BEGIN;
SELECT ffu.delete_files('m', 1, '{f}', 'files') IS NULL,
	ffu.delete_files('m', 2, '{f}', 'model') IS NULL;
PREPARE TRANSACTION 'marks';
SELECT * FROM ffu.check();
ROLLBACK PREPARED 'marks';
SELECT t.settle();
SELECT * FROM marked ORDER BY 1, 2;
SELECT id, t.mask(f) AS path, t.text(f) FROM m ORDER BY id;
BEGIN;
SELECT ffu.delete_files('m', 1, '{f}', 'files') IS NULL,
	ffu.delete_files('m', 2, '{f}', 'model') IS NULL;
PREPARE TRANSACTION 'marks';
COMMIT PREPARED 'marks';
SELECT t.settle() <> '' AS "finished by the sweep";
SELECT * FROM marked ORDER BY 1, 2;
SELECT id, t.mask(f) AS path FROM m ORDER BY id;
SELECT t.error('SELECT t.text(f) FROM m WHERE id = 1');
SELECT * FROM t.files();
SELECT * FROM ffu.check();
SELECT ffu.delete_detached();
DROP VIEW marked;
DROP TABLE m;

-- a file that changes hands
CREATE TABLE s (id int PRIMARY KEY);
SELECT ffu.add_column('s', 'f');
CREATE TABLE other (id int PRIMARY KEY);
SELECT ffu.add_column('other', 'f');
INSERT INTO s (id, f) VALUES (2, ffu.file('file 2.txt', 'file 2'));
CREATE VIEW state AS
	SELECT 's' AS tab, id, t.text(f) AS content, t.mask(f) AS path FROM s
	 UNION ALL SELECT 'other', id, t.text(f), t.mask(f) FROM other ORDER BY 1, 2;
SELECT f AS two FROM s \gset
BEGIN;
DELETE FROM s WHERE id = 2;
INSERT INTO other (id, f) VALUES (2, :'two');
PREPARE TRANSACTION 'moved';
SELECT count(*) FROM ffu.sweep();
COMMIT PREPARED 'moved';
SELECT * FROM state;
SELECT t.settle() <> '' AS "finished by the sweep";
SELECT * FROM t.files();
SELECT f AS two FROM other \gset
BEGIN;
DELETE FROM other;
INSERT INTO s (id, f) VALUES (2, :'two');
PREPARE TRANSACTION 'back';
ROLLBACK PREPARED 'back';
SELECT * FROM state;
SELECT t.settle() <> '' AS "finished by the sweep";
SELECT * FROM t.files();
DROP VIEW state;
DROP TABLE s, other;
SELECT t.finish();
