-- Bad input: one table of all that can be refused in one server, with the fields
-- that an application branches on. (A full disk, a standby: test/t.) Each
-- refusal has a detail with the fact and a hint with what to do, and none
-- leaves a file.
\set SHOW_CONTEXT never
SELECT root || '/' AS dir, root || '/folder' AS folder FROM t.config \gset
CREATE TABLE cases (n int GENERATED ALWAYS AS IDENTITY, what text, code text, con text, tab text,
	col text, message text, detail text, hint text);
-- runs a statement that must fail, and notes how
CREATE FUNCTION t.bad(what text, statement text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO cases (what, code, con, tab, col, message, detail, hint)
	SELECT what, code, con, tab, col, message, detail, hint FROM t.catch(statement)
$$;
\pset format unaligned
\pset tuples_only on
\o /dev/null
CREATE TABLE e (id int PRIMARY KEY, note text);
SELECT ffu.add_column('e', 'f', allowed_extensions => '{txt,png,pdf}',
	allowed_mime_types => '{text/*,image/png}', max_size => 30);
SELECT ffu.add_column('e', 'g');
CREATE TABLE strict (id int);
SELECT ffu.add_column('strict', 'must', required => true);
INSERT INTO e VALUES (1, 'row', ffu.file('a.txt', 'old'));
CREATE TEMP TABLE temporary (id int);
CREATE UNLOGGED TABLE unlogged (id int);
CREATE FOREIGN DATA WRAPPER dummy;
CREATE SERVER dummy FOREIGN DATA WRAPPER dummy;
CREATE FOREIGN TABLE far (id int) SERVER dummy;
CREATE TABLE parent (id int);
CREATE TABLE child () INHERITS (parent);
CREATE VIEW seen AS SELECT * FROM e;

-- tables and columns
SELECT t.bad('unknown table', 'SELECT ffu.add_column(''nothing'', ''f'')');
SELECT t.bad('unknown column', 'SELECT ffu.manage_column(''e'', ''nothing'')');
SELECT t.bad('column exists', 'SELECT ffu.add_column(''e'', ''note'')');
SELECT t.bad('temporary table', 'SELECT ffu.add_column(''temporary'', ''f'')');
SELECT t.bad('unlogged table', 'SELECT ffu.add_column(''unlogged'', ''f'')');
SELECT t.bad('foreign table', 'SELECT ffu.add_column(''far'', ''f'')');
SELECT t.bad('inheriting table', 'SELECT ffu.add_column(''child'', ''f'')');
SELECT t.bad('view', 'SELECT ffu.add_column(''seen'', ''g'')');
-- files
SELECT t.bad('extension', 'UPDATE e SET f = ffu.file(''a.mp4'', t.mp4())');
SELECT t.bad('type', 'UPDATE e SET f = ffu.file(''a.pdf'', t.pdf())');
SELECT t.bad('content', 'UPDATE e SET f = ffu.file(''a.png'', ''text'')');
SELECT t.bad('too large', 'UPDATE e SET f = ffu.file(''a.txt'', repeat(''x'', 31)::bytea)');
SELECT t.bad('too large, data:', 'UPDATE e SET f = ''data:,' || repeat('x', 31) || '''');
SET ffu.max_content_length = '1kB';
-- ffu.file() does not know the column yet, a data: URI does
SELECT t.bad('too large, setting', 'SELECT ffu.file(''a.txt'', repeat(''x'', 1025)::bytea)');
SELECT t.bad('too large, setting, data:', 'UPDATE e SET g = ''data:,' || repeat('x', 1025) || '''');
RESET ffu.max_content_length;
SELECT t.bad('required', 'INSERT INTO strict (id) VALUES (1)');
SELECT t.bad('empty name', 'UPDATE e SET f = ffu.file('''', ''x'')');
SELECT t.bad('name of 10,000 bytes', 'UPDATE e SET f = ffu.file(repeat(''x'', 10000), ''x'')');
-- values
SELECT t.bad('path never given out', 'UPDATE e SET f = ''e/1/f-' || repeat('a', 26) || '.txt''');
SELECT t.bad('path with ..', 'UPDATE e SET f = ''e/../../f-' || repeat('a', 26) || '.txt''');
SELECT f AS doomed FROM e WHERE id = 1 \gset
UPDATE e SET f = NULL;
SELECT t.bad('doomed path', 'UPDATE e SET f = ' || quote_literal(:'doomed'));
SELECT t.settle();
SELECT t.bad('path that is gone', 'UPDATE e SET f = ' || quote_literal(:'doomed'));
SELECT t.bad('none of the kinds', 'UPDATE e SET f = ''https://example.com/a.txt''');
SELECT t.bad('another size',
	'INSERT INTO e (f) VALUES (ffu.file(''a.txt'', ''PK'', size => 1008))');
SELECT t.bad('another checksum',
	'INSERT INTO e (f) VALUES (ffu.file(''a.txt'', ''PK'', sha256 => repeat(''ab'', 32)))');
SELECT t.bad('broken checksum',
	'INSERT INTO e (f) VALUES (ffu.file(''a.txt'', ''PK'', sha256 => ''ab''))');
SELECT t.bad('broken bytes', 'UPDATE e SET f = ''\x010''');
SELECT t.bad('broken data: URI', 'UPDATE e SET f = ''data:text/plain;base64,a$''');
SELECT t.bad('broken upload', 'UPDATE e SET f = ''upload:x''');
BEGIN;
SELECT ffu.file('a.txt', 'x') AS upload \gset
ROLLBACK;
SELECT t.bad('upload after its transaction', 'UPDATE e SET f = ' || quote_literal(:'upload'));
BEGIN;
SAVEPOINT sp;
SELECT ffu.file('a.txt', 'x') AS upload \gset
ROLLBACK TO sp;
SELECT t.bad('upload after its savepoint', 'UPDATE e SET f = ' || quote_literal(:'upload'));
COMMIT;
SELECT t.bad('no large object', 'UPDATE e SET f = ffu.from_large_object(''a.txt'', 1)');
SELECT t.bad('reading: path never given out', 'SELECT ffu.content(''e/1/f-' || repeat('a', 26)
	|| '.txt'')');
SELECT t.bad('reading: path with ..', 'SELECT ffu.content(''../../etc/passwd'')');
SELECT t.bad('rename to another extension',
	'UPDATE e SET g = ffu.file(''a.txt'', ''x''); UPDATE e SET g__file_name = ''a.exe''');
CREATE FUNCTION t.late() RETURNS trigger LANGUAGE plpgsql
	AS 'BEGIN NEW.f := ''late''; RETURN NEW; END';
CREATE TRIGGER zzz_late BEFORE UPDATE ON e FOR EACH ROW EXECUTE FUNCTION t.late();
SELECT t.bad('changed after ours', 'UPDATE e SET note = ''x''');
DROP TRIGGER zzz_late ON e;
DROP FUNCTION t.late;
SELECT t.bad('trigger dropped', 'DROP TRIGGER zz_ffu_f_5_delete ON e');
SELECT t.bad('no trigger', 'SELECT ffu.before_row()');
-- the folder
BEGIN;
DELETE FROM ffu.root;
SELECT t.bad('no folder', 'UPDATE e SET f = ffu.file(''a.txt'', ''x'')');
SELECT t.bad('no folder, reading', 'SELECT ffu.content(''x'')');
SELECT t.shell('mkdir -m 0707 open && mkdir -m 0700 full && touch full/file && mkdir -m 0500 '
	'closed');
SELECT t.bad('use_folder: not absolute', 'SELECT ffu.use_folder(''files'')');
SELECT t.bad('use_folder: written by others',
	format('SELECT ffu.use_folder(%L)', :'dir' || 'open'));
SELECT t.bad('use_folder: not empty', format('SELECT ffu.use_folder(%L)', :'dir' || 'full'));
SELECT t.bad('use_folder: not writable', format('SELECT ffu.use_folder(%L)', :'dir' || 'closed'));
SELECT t.bad('use_folder: in the data directory',
	format('SELECT ffu.use_folder(%L)', current_setting('data_directory') || '/files'));
UPDATE cases SET message = replace(message, current_setting('data_directory'), '<data>');
SELECT t.shell('rm -rf open full closed');
-- the table of cases is kept, the claim comes back
INSERT INTO ffu.root (id, path, key) SELECT replace(a, 'root ', ''), :'folder',
	replace(b, 'key ', '')
  FROM t.shell('grep ^root folder/.ffu/owner') a, t.shell('grep ^key folder/.ffu/owner') b;
COMMIT;
SELECT t.shell('mkdir folder/stored');
SELECT t.bad('use_folder: a second one', format('SELECT ffu.use_folder(%L)', :'dir' || 'second'));
SELECT t.bad('claim_folder after use',
	$$DO 'BEGIN PERFORM ffu.file(NULL, ''x''); PERFORM ffu.claim_folder(); END'$$);
SELECT t.bad('adopt_folder on a primary', 'SELECT ffu.adopt_folder()');
SELECT t.shell('rmdir second folder/stored; mv folder away');
SELECT t.bad('not mounted', 'UPDATE e SET f = ffu.file(''a.txt'', ''x'')');
SELECT t.shell('mkdir -m 0750 folder');
SELECT t.bad('not mounted, empty', 'UPDATE e SET f = ffu.file(''a.txt'', ''x'')');
SELECT t.shell('rmdir folder; mv away folder; chmod 0500 folder/.ffu/staging '
	'folder/.ffu/staging/?');
SELECT t.bad('cannot be written', 'UPDATE e SET f = ffu.file(''a.txt'', ''x'')');
SELECT t.shell('chmod 0700 folder/.ffu/staging folder/.ffu/staging/?; cp -p folder/.ffu/owner '
	'owner; sed -i "s/^control .*/control 1/" folder/.ffu/owner');
SELECT t.bad('cluster copy', 'UPDATE e SET f = ffu.file(''a.txt'', ''x'')');
SELECT t.shell('cp -p owner folder/.ffu/owner; sed -i "s/^database .*/database 1/" '
	'folder/.ffu/owner');
SELECT t.bad('another database', 'UPDATE e SET f = ffu.file(''a.txt'', ''x'')');
SELECT t.shell('cp -p owner folder/.ffu/owner; sed -i "s/^root ......../root 00000000/" '
	'folder/.ffu/owner');
SELECT t.bad('another root', 'UPDATE e SET f = ffu.file(''a.txt'', ''x'')');
SELECT t.shell('echo nonsense > folder/.ffu/owner');
SELECT t.bad('broken owner file', 'UPDATE e SET f = ffu.file(''a.txt'', ''x'')');
SELECT t.shell('cp -p owner folder/.ffu/owner; rm owner');
-- where it may not be
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT t.bad('sweep above READ COMMITTED', 'SELECT ffu.sweep()');
COMMIT;
SELECT t.bad('read-only',
	'SELECT set_config(''transaction_read_only'', ''on'', true), ffu.file(''a.txt'', ''x'')');
CREATE ROLE regress_ffu_nobody;
SET ROLE regress_ffu_nobody;
SELECT code, con, tab, col, message, detail, hint
	FROM t.catch('SELECT ffu.add_column(''e'', ''x'')') \gset
RESET ROLE;
INSERT INTO cases (what, code, con, tab, col, message, detail, hint)
	VALUES ('not the owner', :'code', :'con', :'tab', :'col', :'message', :'detail', :'hint');
DROP ROLE regress_ffu_nobody;
\o

SELECT format(E'%s\n  %s %s [%s %s]\n  %s\n  %s', what, code, message,
	nullif(concat_ws('.', nullif(tab, ''), nullif(col, '')), ''), con, detail, hint)
  FROM cases ORDER BY n;
-- without a detail or a hint: only what the server itself says
SELECT what FROM cases WHERE detail = '' OR hint = '' ORDER BY n;
-- 23514, 23503: always with the constraint, and with table and column when a column refuses
SELECT what FROM cases WHERE (con = '') = (code IN ('23514', '23503')) AND con <> 'ffu_file'
	ORDER BY n;
SELECT what FROM cases WHERE code IN ('23514', '23503', '27000') AND (tab = '' OR col = '')
   AND what NOT LIKE 'reading%' AND what NOT IN ('too large, setting', 'another size',
     'another checksum') ORDER BY n;

-- at commit: an upload nobody took
SELECT t.mask(ffu.file('nobody.txt', 'x'));
\echo :LAST_ERROR_SQLSTATE

SELECT * FROM t.settled_files();
SET client_min_messages = warning;
DROP TABLE e, strict, temporary, unlogged, parent, child CASCADE;
DROP FOREIGN DATA WRAPPER dummy CASCADE;
DROP TABLE cases;
DROP FUNCTION t.bad;
SELECT t.finish();
