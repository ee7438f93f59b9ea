-- Files that are on the server already: ffu.import_file, ffu.import_directory,
-- and new paths for files that are stored: ffu.relocate.
\set SHOW_CONTEXT never
CREATE TABLE d (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, origin text UNIQUE);
SELECT ffu.add_column('d', 'f', allowed_extensions => '{txt,png,bin}');
CREATE FUNCTION t.root(path text) RETURNS text LANGUAGE sql SECURITY DEFINER
	AS $$ SELECT root || '/' || path FROM t.config $$;
SELECT t.shell('mkdir -p in/deep/er && cd in && printf one > one.txt && printf two > deep/two.txt '
	'&& printf 3 > "deep/er/drei ü.txt" && ln -s one.txt link.txt && ln -s deep linked && mkfifo '
	'pipe && : > empty.txt && printf a > a');

-- a copy: the original stays; the name is the path's last part, or the one given
INSERT INTO d (f) VALUES (ffu.import_file(t.root('in/one.txt'))) RETURNING f__file_name, f__size,
	f__mime_type, t.text(f);
INSERT INTO d (f) VALUES (ffu.import_file(t.root('in/linked/../one.txt'), '../other name.txt'))
	RETURNING f__file_name, f__size;
INSERT INTO d (f) VALUES (ffu.import_file(t.root('in/linked/two.txt')))
	RETURNING f__file_name, t.text(f);
INSERT INTO d (f) VALUES (ffu.import_file(t.root('in/empty.txt'))) RETURNING f__file_name, f__size;
INSERT INTO d (f) VALUES (ffu.import_file(NULL)) RETURNING f;
SELECT f__sha256 = encode(sha256('one'), 'hex') AS sha256 FROM d WHERE id = 1;
SELECT t.shell('ls in; stat -c "%h %a" folder/d/1/*');
-- rolled back
BEGIN;
INSERT INTO d (f) VALUES (ffu.import_file(t.root('in/one.txt')));
ROLLBACK;
SELECT * FROM t.settled_files();

-- what is refused
SELECT replace(t.full_error(format('INSERT INTO d (f) VALUES (ffu.import_file(%L))', p)),
	current_setting('data_directory'), '<data>') AS error FROM unnest(ARRAY[
	'in/one.txt', t.root('in/none.txt'), t.root('none/one.txt'), t.root('in/link.txt'),
	t.root('in/deep'), t.root('in/deep/'), t.root('in/deep/..'), t.root('in/pipe'), '/dev/null',
	'/', t.root('in/one.txt/x'),
	current_setting('data_directory') || '/PG_VERSION', current_setting('data_directory')
	|| '/base/../global/pg_control', t.root('folder/.ffu/owner')]) p;
SELECT t.error(format('INSERT INTO d (f) VALUES (ffu.import_file(%L))', t.root('in/a')));
SELECT t.error('INSERT INTO d (f) VALUES (ffu.import_file(''' || t.root('in/one.txt')
	|| ''', ''a.exe''))');
SELECT t.error('INSERT INTO d (f) VALUES (ffu.import_file(''' || t.root('in/one.txt')
	|| ''', ''''))');
SET ffu.max_content_length = '1kB';
SELECT t.shell('head -c 1025 /dev/zero > in/large.bin');
SELECT t.error(format('INSERT INTO d (f) VALUES (ffu.import_file(%L))', t.root('in/large.bin')));
SELECT t.error(format('INSERT INTO d (f) VALUES (ffu.import_file(%L, move => true))',
	t.root('in/large.bin')));
RESET ffu.max_content_length;
SELECT t.error(format('SELECT ffu.import_file(%L)', t.root('in/one.txt')));
BEGIN READ ONLY;
SELECT t.error(format('SELECT ffu.import_file(%L)', t.root('in/one.txt')));
COMMIT;
-- a stored file: its bytes may be imported, but it cannot be moved away
SELECT f AS stored FROM d WHERE id = 1 \gset
SELECT t.full_error(format('INSERT INTO d (f) VALUES (ffu.import_file(%L, move => true))',
	t.root('folder/' || :'stored')));
INSERT INTO d (f) VALUES (ffu.import_file(t.root('folder/' || :'stored')))
	RETURNING t.mask(f__file_name), t.text(f);
TRUNCATE d;
SELECT * FROM t.settled_files();

-- moved: the same file, by link; its name goes at commit and not before
SELECT t.shell('stat -c %i in/one.txt') AS inode \gset
BEGIN;
INSERT INTO d (id, f) OVERRIDING SYSTEM VALUE
	VALUES (100, ffu.import_file(t.root('in/one.txt'), move => true))
	RETURNING f__file_name, f__size, t.text(f);
SELECT t.shell('stat -c %h in/one.txt');
ROLLBACK;
SELECT t.shell('stat -c "%h %s" in/one.txt');
BEGIN;
SAVEPOINT s;
INSERT INTO d (id, f) OVERRIDING SYSTEM VALUE
	VALUES (100, ffu.import_file(t.root('in/one.txt'), move => true));
ROLLBACK TO s;
COMMIT;
SELECT t.shell('stat -c "%h %s" in/one.txt');
BEGIN;
INSERT INTO d (id, f) OVERRIDING SYSTEM VALUE
	VALUES (100, ffu.import_file(t.root('in/one.txt'), move => true));
DELETE FROM d WHERE id = 100;
COMMIT;
SELECT t.shell('stat -c "%h %s" in/one.txt');
INSERT INTO d (id, f) OVERRIDING SYSTEM VALUE
	VALUES (100, ffu.import_file(t.root('in/one.txt'), move => true));
SELECT t.shell('ls in/one.txt; stat -c "%h %a" folder/d/100/*') AS output ORDER BY 1 DESC;
SELECT t.shell('stat -c %i folder/d/100/*') = :'inode' AS same_file;
-- used twice, and copied, in one transaction
WITH u AS (SELECT ffu.import_file(t.root('in/deep/two.txt'), move => true) AS f)
INSERT INTO d (f) SELECT f FROM u, generate_series(1, 2);
SELECT t.shell('ls in/deep');
SELECT count(*), count(DISTINCT f), min(t.text(f)) FROM d WHERE f__file_name = 'two.txt';
-- of several names this one goes; the stored file is a copy
SELECT t.shell('printf both > in/x.txt && ln in/x.txt in/y.txt');
INSERT INTO d (f) VALUES (ffu.import_file(t.root('in/x.txt'), move => true)) RETURNING t.text(f);
SELECT t.shell('ls in; stat -c %h in/y.txt');
-- changed between import and commit: the original stays, with a warning
BEGIN;
SELECT t.shell('printf z > in/z.txt');
SELECT t.shell('ln in/z.txt in/zz.txt');
INSERT INTO d (f) VALUES (ffu.import_file(t.root('in/z.txt'), move => true));
SELECT t.shell('printf more >> in/z.txt');
COMMIT;
SELECT t.shell('cat in/z.txt');
SELECT t.text(f) FROM d WHERE f__file_name = 'z.txt';
-- replaced by another file: that one stays
BEGIN;
SELECT t.shell('rm in/zz.txt && printf z > in/z.txt');
INSERT INTO d (f) VALUES (ffu.import_file(t.root('in/z.txt'), 'z2.txt', move => true));
SELECT t.shell('rm in/z.txt && printf new > in/z.txt');
COMMIT;
SELECT t.shell('cat in/z.txt');
SELECT t.text(f) FROM d WHERE f__file_name = 'z2.txt';

-- who may
CREATE ROLE regress_ffu_reader;
GRANT INSERT, SELECT ON d TO regress_ffu_reader;
SET ROLE regress_ffu_reader;
SELECT t.error('SELECT ffu.import_file(''/etc/passwd'')');
RESET ROLE;
GRANT EXECUTE ON FUNCTION ffu.import_file TO regress_ffu_reader;
SET ROLE regress_ffu_reader;
SELECT t.full_error('SELECT ffu.import_file(''/etc/passwd'')');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION ffu.import_file FROM regress_ffu_reader;
GRANT pg_read_server_files TO regress_ffu_reader;
SET ROLE regress_ffu_reader;
INSERT INTO d (f) VALUES (ffu.import_file(t.root('in/z.txt'), 'reader.txt')) RETURNING t.text(f);
SELECT t.full_error(format('INSERT INTO d (f) VALUES (ffu.import_file(%L, move => true))',
	t.root('in/z.txt')));
RESET ROLE;
REVOKE pg_read_server_files FROM regress_ffu_reader;

-- a directory tree, in batches; again: nothing is left to do
TRUNCATE d;
SELECT t.shell('rm -rf in/* && mkdir -p in/a/b in/c && for i in 1 2 3 4 5; do printf $i > '
	'in/a/$i.txt; done; printf x > "in/a/b/ü ''x.txt"; printf bad > in/c/bad.exe; ln -s a/1.txt '
	'in/l.txt; ln -s . in/loop; mkfifo in/c/pipe');
SET client_min_messages = warning;
CALL ffu.import_directory('d', 'f', 'origin', t.root('in'), batch => 2);
SELECT count(*) FROM d;
\set VERBOSITY terse
CALL ffu.import_directory('d', 'f', 'origin', t.root('in') || '/', batch => 2, skip_errors => true);
\set VERBOSITY default
SELECT origin, f__file_name, t.text(f) FROM d ORDER BY origin COLLATE "C";
DELETE FROM d WHERE origin = 'a/3.txt';
SELECT t.shell('printf six > in/a/6.txt; rm in/c/bad.exe');
CALL ffu.import_directory('d', 'f', 'origin', t.root('in'));
SELECT origin, t.text(f) FROM d ORDER BY origin COLLATE "C";
SELECT code, message FROM t.catch(format('CALL ffu.import_directory(''d'', ''f'', ''id'', %L)',
	t.root('in')));
SELECT code, message FROM t.catch(format('CALL ffu.import_directory(''d'', ''g'', ''origin'', %L)',
	t.root('in')));
SELECT code, message FROM t.catch('CALL ffu.import_directory(''d'', ''f'', ''origin'', ''in'')');
SELECT code, message FROM t.catch(format('CALL ffu.import_directory(''d'', ''f'', ''origin'', %L)',
	t.root('nowhere')));
SELECT code, message FROM t.catch('CALL ffu.import_directory(''d'', ''f'', ''origin'', NULL)');
SET ROLE regress_ffu_reader;
SELECT t.error('CALL ffu.import_directory(''d'', ''f'', ''origin'', ''/etc'')');
RESET ROLE;
-- moved
DELETE FROM d;
CALL ffu.import_directory('d', 'f', 'origin', t.root('in'), move => true);
SELECT count(*), string_agg(t.text(f), '' ORDER BY origin COLLATE "C") FROM d;
SELECT t.shell('find in -type f');

-- new paths: by another template, in batches, and nothing to do the next time
CALL ffu.relocate('d', 'f', '{token:2}/{token}{ext}', batch => 64);
SELECT origin, f__file_name, f__size, f__sha256 = encode(sha256(ffu.content(f)), 'hex') AS same,
	regexp_replace(f, '[a-z2-7]{26}', '<token>') ~ '^[a-z2-7]{2}/<token>\.txt$' AS fits
  FROM d ORDER BY origin COLLATE "C";
SELECT array_agg(f ORDER BY id) AS paths FROM d \gset
SELECT t.settle();
SELECT (SELECT count(*) FROM t.walk(t.root('folder')) w WHERE w NOT LIKE '.ffu/%') AS files,
	(SELECT count(*) FROM d) AS rows;
CALL ffu.relocate('d', 'f');
SELECT array_agg(f ORDER BY id) = :'paths' AS same FROM d;
-- the row alone: a new URL for a path that got known; the download name can be changed with it
SELECT f AS old FROM d WHERE origin = 'a/1.txt' \gset
UPDATE d SET f = 'copy:' || f, f__file_name = 'renamed.txt' WHERE origin = 'a/1.txt'
	RETURNING f <> :'old' AS new, f__file_name, f__size, t.text(f);
SELECT t.error(format('UPDATE d SET f = %L', 'copy:' || :'old'));
-- of another row, or in a new one: a copy, as without "copy:"
INSERT INTO d (origin, f) SELECT 'copy', 'copy:' || f FROM d WHERE origin = 'a/1.txt'
	RETURNING f__size, t.text(f);
-- made and relocated, relocated and copied, relocated twice, in one transaction
BEGIN;
INSERT INTO d (origin, f) VALUES ('new', ffu.file('new.txt', 'new'));
UPDATE d SET f = 'copy:' || f WHERE origin IN ('new', 'copy');
UPDATE d SET f = 'copy:' || f WHERE origin IN ('new', 'copy');
INSERT INTO d (origin, f) SELECT 'copy of ' || origin, f FROM d WHERE origin IN ('new', 'copy');
COMMIT;
SELECT origin, f__size, f__mime_type, f__sha256 = encode(sha256(ffu.content(f)), 'hex') AS same
	FROM d WHERE origin ~ 'new|copy' ORDER BY origin COLLATE "C";
BEGIN;
UPDATE d SET f = 'copy:' || f;
ROLLBACK;
SELECT count(t.text(f)) FROM d;
SELECT t.settle();
SELECT (SELECT count(*) FROM t.walk(t.root('folder')) w WHERE w NOT LIKE '.ffu/%') AS files,
	(SELECT count(*) FROM d) AS rows;
-- policies that have changed since do not matter; names of the table do
SELECT ffu.alter_column('d', 'f', max_size => 1, allowed_extensions => '{}');
ALTER TABLE d RENAME TO "Näme. 1";
CALL ffu.relocate('"Näme. 1"', 'f', '{table}/{pk}/{column}-{token}{ext}');
SELECT t.mask(f), f__file_name FROM "Näme. 1" ORDER BY origin COLLATE "C";
CALL ffu.relocate('"Näme. 1"', 'f');
-- a row without its file is left, with a warning, and the others go on
SELECT f AS gone FROM "Näme. 1" WHERE origin = 'a/2.txt' \gset
SELECT t.shell(format('rm "folder/%s"', :'gone'));
\set VERBOSITY terse
CALL ffu.relocate('"Näme. 1"', 'f', '{token}{ext}');
\set VERBOSITY default
SELECT count(*) FILTER (WHERE f !~ '/'), count(*) FILTER (WHERE f ~ '/') FROM "Näme. 1";
SELECT code, message FROM t.catch('CALL ffu.relocate(''"Näme. 1"'', ''f'', ''no token'')');
SELECT code, message FROM t.catch('CALL ffu.relocate(''"Näme. 1"'', ''origin'')');
SET ROLE regress_ffu_reader;
SELECT code, message FROM t.catch('CALL ffu.relocate(''public."Näme. 1"'', ''f'')');
RESET ROLE;
DROP TABLE "Näme. 1";
DROP OWNED BY regress_ffu_reader;
DROP ROLE regress_ffu_reader;
-- partitions, each by itself
CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (1000) TO (2000);
SELECT ffu.add_column('p', 'f', urls => false);
INSERT INTO p SELECT i, ffu.file('a.txt', 'x') FROM generate_series(900, 1100) i;
CALL ffu.relocate('p', 'f', 'new/{token}{ext}', batch => 1);
SELECT count(*) FROM p WHERE f ~ '^new/';
SELECT code, message FROM t.catch('CALL ffu.relocate(''p1'', ''f'')');
DROP TABLE p;
RESET client_min_messages;
SELECT t.shell('rm -rf in');
SELECT t.finish();
