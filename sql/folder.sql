-- ffu.use_folder takes an empty folder of the server's own, once; ffu.claim_folder
-- takes over one that a copy of this database used; ffu.status says how it is.
\set VERBOSITY terse
SELECT root || '/folder' AS folder, root AS ffu_root FROM t.config \gset

-- the same once more is no error; another one is
SELECT ffu.use_folder(:'folder');
SELECT t.shell('mkdir folder/stored');
SELECT t.full_error(format('SELECT ffu.use_folder(%L)', :'ffu_root' || '/another'));
SELECT t.shell('mkdir -m 0700 lost2 && mkdir -m 0700 lost2/lost+found');
SELECT t.full_error(format('SELECT ffu.claim_folder(%L)', :'ffu_root' || '/lost2'));
SELECT t.shell('rmdir folder/stored');
SELECT count(*) AS rows, bool_and(path = :'folder') AS same FROM ffu.root;

-- what is refused of a database that has none yet
BEGIN;
DELETE FROM ffu.root;
SELECT t.shell('mkdir -m 0757 writable && mkdir -m 0770 group && mkdir -m 0700 full &&
	touch full/file && mkdir -m 0500 readonly && touch plain && mkdir -m 0700 lost &&
	mkdir -m 0700 lost/lost+found && mkdir -m 0700 real && ln -s real link');
SELECT t.full_error('SELECT ffu.use_folder(''srv/ffu'')');
SELECT t.full_error('SELECT ffu.use_folder('''')');
SELECT detail, hint <> '' AS hint, code FROM
	t.catch(format('SELECT ffu.use_folder(%L)', current_setting('data_directory') || '/files'));
SELECT detail, hint <> '' AS hint, code FROM
	t.catch(format('SELECT ffu.use_folder(%L)', current_setting('data_directory') || '/..'));
SELECT t.full_error(format('SELECT ffu.use_folder(%L)', :'ffu_root' || '/' || name))
  FROM unnest('{writable,group,full,readonly,plain,absent/absent}'::text[]) name;
ROLLBACK;
SELECT ffu.use_folder(NULL) IS NULL AS "null does nothing";

-- where nothing but lost+found is, it is empty; links are followed once, at the start
BEGIN;
DELETE FROM ffu.root;
SELECT ffu.use_folder(:'ffu_root' || '/lost');
SELECT t.mask(path) FROM ffu.root;
ROLLBACK;
BEGIN;
DELETE FROM ffu.root;
SELECT ffu.use_folder(:'ffu_root' || '/link');
SELECT t.mask(path) FROM ffu.root;
ROLLBACK;

-- a new folder gets the setting's mode, its .ffu is ours alone
BEGIN;
DELETE FROM ffu.root;
SET LOCAL ffu.directory_mode = '02750';
SELECT ffu.use_folder(:'ffu_root' || '/new');
ROLLBACK;
SELECT t.shell('stat -c "%a %n" new new/.ffu new/.ffu/staging new/.ffu/staging/[0f] '
	'new/.ffu/owner');

-- another database of this cluster: neither its folder nor its claim
SELECT current_database() AS home \gset
SET client_min_messages = warning;
DROP DATABASE IF EXISTS ffu_neighbour;
RESET client_min_messages;
CREATE DATABASE ffu_neighbour;
\c ffu_neighbour
\o /dev/null
CREATE EXTENSION ffu;
SELECT ffu.use_folder(:'ffu_root' || '/neighbour');
\o
\c :home
BEGIN;
DELETE FROM ffu.root;
SELECT t.full_error(format('SELECT ffu.use_folder(%L)', :'ffu_root' || '/neighbour'));
SELECT t.full_error(format('SELECT ffu.claim_folder(%L)', :'ffu_root' || '/neighbour'));
ROLLBACK;
DROP DATABASE ffu_neighbour;
-- once that database is gone, its folder can be taken over
BEGIN;
DELETE FROM ffu.root;
SELECT ffu.claim_folder(:'ffu_root' || '/neighbour');
SELECT t.mask(path) FROM ffu.root;
ROLLBACK;

-- what ffu.claim_folder refuses
SELECT t.full_error(format('SELECT ffu.claim_folder(%L)', :'ffu_root' || '/full'));
SELECT t.shell('mkdir folder/stored');
SELECT t.full_error(format('SELECT ffu.claim_folder(%L)', :'ffu_root' || '/lost'));
SELECT t.shell('rmdir folder/stored');
BEGIN;
DELETE FROM ffu.root;
SELECT t.full_error('SELECT ffu.claim_folder()');
ROLLBACK;

-- a copy of the cluster (its pg_control is another file): nothing is touched
-- until ffu.claim_folder()
CREATE TABLE pages (id int PRIMARY KEY);
SELECT ffu.add_column('pages', 'doc');
INSERT INTO pages VALUES (1, ffu.file('a.txt', 'kept'));
SELECT t.shell('cp folder/.ffu/owner owner && sed -i "s/^control .*/control 1/" folder/.ffu/owner');
SELECT t.full_error('INSERT INTO pages VALUES (2, ffu.file(''b.txt'', ''refused''))');
SELECT t.full_error('SELECT ffu.content(doc) FROM pages');
SELECT t.full_error('SELECT ffu.sweep()');
SELECT folder = :'folder' AS folder, problem, hint, writable FROM ffu.status;
SELECT ffu.claim_folder();
SELECT t.text(doc) FROM pages;
SELECT t.shell('cmp folder/.ffu/owner owner && echo "the owner file is as before"');
SELECT t.full_error($$DO 'BEGIN PERFORM ffu.file(NULL, ''x''); PERFORM ffu.claim_folder(); END'$$);

-- not mounted: the row of a file can be deleted, the file follows later
SELECT t.shell('mv folder away');
SELECT t.full_error('SELECT ffu.content(doc) FROM pages');
SELECT problem, hint, writable, free_bytes FROM ffu.status;
DELETE FROM pages;
SELECT count(*) AS deletions FROM ffu.deletion;
SELECT t.shell('mkdir -m 0750 folder');
SELECT problem, hint FROM ffu.status;
SELECT t.shell('rmdir folder; mv away folder');
SELECT problem FROM ffu.status;
SELECT * FROM t.settled_files();

-- the status of a folder that is well
SELECT folder = :'folder' AS folder, root_id = (SELECT id FROM ffu.root) AS root_id, problem, hint,
	   writable, free_bytes > 0 AS free_bytes, owner LIKE '_%:_%' AS owner, mode
  FROM ffu.status;
SELECT file_system <> '' AS file_system, durability <> '' AS durability, staged_files,
	   pending_deletions, preloaded, extension_version = library_version AS versions,
	   libmagic_version ~ '^\d+\.\d+$' AS libmagic,
	     server_version = current_setting('server_version') AS server
  FROM ffu.status;
SELECT attname FROM pg_attribute WHERE attrelid = 'ffu.status'::regclass ORDER BY attnum;

DROP TABLE pages;
SELECT t.shell('rm -rf writable group full readonly plain lost lost2 real link new neighbour '
	'owner');
SELECT t.finish();
