-- ffu.check and ffu.repair: damage of every kind is found and nothing else is,
-- and what can be mended is mended.
\set SHOW_CONTEXT never
CREATE FUNCTION t.check(relation regclass DEFAULT NULL, content boolean DEFAULT true)
RETURNS TABLE (problem text, relation regclass, column_name name, path text, detail text) LANGUAGE
	sql AS $$
	SELECT problem, c.relation, column_name, t.mask(path) COLLATE "C",
	regexp_replace(regexp_replace(detail, '[0-9a-f]{64}', '<sha256>', 'g'),
	'user id \d+; the server runs as \d+', 'user id <n>; the server runs as <n>')
	  FROM ffu.check($1, $2) c ORDER BY problem, c.relation::text, path COLLATE "C", detail
$$;
CREATE FUNCTION t.repair(problem text, dry_run boolean DEFAULT true, relation regclass DEFAULT NULL)
RETURNS TABLE (action text, relation regclass, column_name name, path text, detail text) LANGUAGE
	sql AS $$
	SELECT action, r.relation, column_name, t.mask(path) COLLATE "C",
	regexp_replace(t.mask(detail), '[0-9a-f]{64}', '<sha256>', 'g')
	  FROM ffu.repair($1, $3, $2) r ORDER BY action, r.relation::text, path COLLATE "C", detail
$$;
CREATE TABLE docs (id int PRIMARY KEY);
SELECT ffu.add_column('docs', 'f');
CREATE TABLE parts (id int PRIMARY KEY, k int) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
SELECT ffu.add_column('parts', 'f');
INSERT INTO docs SELECT i, ffu.file('a.txt', convert_to('text ' || i, 'UTF8'))
	FROM generate_series(1, 9) i;
INSERT INTO docs VALUES (20, NULL);
INSERT INTO parts SELECT i, 0, ffu.file('a.txt', convert_to('text ' || i, 'UTF8'))
	FROM generate_series(99, 100) i;

-- all is well, also when rows change and while a transaction has files
SELECT * FROM t.check();
UPDATE docs SET f = ffu.file('b.txt', 'new') WHERE id = 9;
DELETE FROM docs WHERE id = 8;
SELECT * FROM t.check();
BEGIN;
INSERT INTO docs VALUES (10, ffu.file('c.txt', 'mine'));
UPDATE docs SET f = ffu.file('b.txt', 'newer') WHERE id = 9;
DELETE FROM docs WHERE id = 7;
TRUNCATE parts;
SELECT * FROM t.check();
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM docs;
SELECT * FROM t.check();
COMMIT;
SELECT * FROM t.check('docs');
SELECT * FROM t.check('parts', false);

-- missing
SELECT t.shell('rm folder/docs/1/*');
SELECT * FROM t.check();
SELECT * FROM t.check('docs');
SELECT * FROM t.check('parts');
SELECT * FROM t.repair('missing');
SELECT f IS NULL AS gone FROM docs WHERE id = 1;
SELECT * FROM t.repair('missing', false);
SELECT f IS NULL AND f__size IS NULL AND f__sha256 IS NULL AS gone FROM docs WHERE id = 1;
SELECT * FROM t.check();

-- orphan: in a directory of its own, at the top, with a name that is none of ours
SELECT t.shell('mkdir -p folder/some/where && echo a >folder/some/where/a && echo b >folder/b && '
	'echo c >"folder/docs/2/c d"');
SELECT * FROM t.check();
SELECT * FROM t.check('docs');
SELECT * FROM t.repair('orphan');
SELECT * FROM t.repair('orphan', false);
SELECT t.shell('ls folder/.ffu/quarantine; test -e folder/some || echo no directory is left');
SELECT * FROM t.check();
-- never over what is in quarantine already; the same file is finished
SELECT t.shell('echo other >folder/b');
SELECT * FROM t.repair('orphan', false);
SELECT t.shell('rm folder/b && ln folder/.ffu/quarantine/b folder/b');
SELECT * FROM t.repair('orphan', false);
SELECT t.shell('rm -r folder/.ffu/quarantine');
SELECT * FROM t.check();

-- size, and checksum
SELECT t.shell('for f in folder/docs/3/*; do printf longer >>$f; done');
SELECT t.shell('printf TEXT | dd of=$(ls folder/docs/4/*) conv=notrunc status=none');
SELECT * FROM t.check(content => false);
SELECT * FROM t.check();
SELECT * FROM t.repair('size', false);
SET session_replication_role = replica;
UPDATE docs SET f__size = 1 WHERE id = 5;
RESET session_replication_role;
SELECT * FROM t.repair('size');
SELECT * FROM t.repair('size', false);
SELECT f__size FROM docs WHERE id = 5;
SELECT * FROM t.repair('checksum');
SELECT * FROM t.repair('checksum', false);
SELECT id, f__size, f__sha256 = encode(sha256(ffu.content(f)), 'hex') AS right FROM docs
	WHERE id IN (3, 4) ORDER BY id;
SELECT * FROM t.check();

-- permissions
SELECT t.shell('chmod 666 folder/docs/3/*; chmod 0 folder/docs/4/*; chmod 0 folder/docs/5');
SELECT * FROM t.check(content => false) WHERE path NOT LIKE 'docs/5%';
SELECT problem, count(*) FROM t.check() WHERE path LIKE 'docs/5%' GROUP BY 1;
SELECT t.shell('chmod 2750 folder/docs/5');
SELECT * FROM t.repair('permissions', false);
SELECT t.shell('stat -c %a folder/docs/[34]/*');
SELECT * FROM t.check();

-- not a file
SELECT t.shell(format('mkdir -p aside; mv folder/%1$s aside/3; ln -s /etc/passwd folder/%1$s', f))
	FROM docs WHERE id = 3;
SELECT t.shell(format('mv folder/%1$s aside/4; mkdir folder/%1$s', f)) FROM docs WHERE id = 4;
SELECT t.shell('mv folder/docs/5 aside/5; ln -s ../../aside/5 folder/docs/5; mkfifo folder/pipe');
SELECT * FROM t.check();
SELECT t.shell('rm folder/pipe folder/docs/5; mv aside/5 folder/docs/5');
SELECT t.shell(format('rm folder/%1$s; mv aside/3 folder/%1$s', f)) FROM docs WHERE id = 3;
SELECT t.shell(format('rmdir folder/%1$s; mv aside/4 folder/%1$s; rm -r aside', f)) FROM docs
	WHERE id = 4;
SELECT * FROM t.check();

-- a value that is no path; one path in two rows
CREATE TABLE saved AS SELECT id, f::text FROM docs;
SET session_replication_role = replica;
UPDATE docs SET f = '../etc/passwd' WHERE id = 6;
UPDATE docs SET f = (SELECT f FROM docs WHERE id = 2) WHERE id = 7;
RESET session_replication_role;
SELECT * FROM t.check(content => false);
SET session_replication_role = replica;
UPDATE docs d SET f = s.f FROM saved s WHERE s.id = d.id AND d.id IN (6, 7);
RESET session_replication_role;
SELECT * FROM t.check();

-- columns of the type that are no file columns; their paths are not orphans
CREATE TABLE copy AS SELECT id, f FROM docs;
CREATE TEMPORARY TABLE temporary AS SELECT id, f FROM docs;
SELECT * FROM t.check();
SET session_replication_role = replica;
DELETE FROM docs WHERE id = 6;
RESET session_replication_role;
SELECT * FROM t.check();
DROP TABLE copy;
SELECT * FROM t.check();
SELECT * FROM t.repair('orphan', false);
SELECT t.shell('rm -r folder/.ffu/quarantine');

-- triggers: disabled, dropped
ALTER TABLE docs DISABLE TRIGGER zz_ffu_f_5_delete;
ALTER TABLE parts_1 DISABLE TRIGGER zz_ffu_f_6_truncate;
ALTER TABLE docs ENABLE REPLICA TRIGGER zz_ffu_f_3_insert;
SET session_replication_role = replica;
DROP TRIGGER zz_ffu_f_4_update ON docs;
DROP TRIGGER zz_ffu_f_2_change ON parts;
DROP TRIGGER zz_ffu_f_6_truncate ON parts_2;
RESET session_replication_role;
SELECT * FROM t.check();
SELECT * FROM t.check('parts');
SELECT * FROM t.repair('disabled');
SELECT * FROM t.repair('disabled', false, 'parts_1');
SELECT * FROM t.repair('disabled', false);
SELECT * FROM t.check();
SELECT relation, enabled, complete FROM ffu.columns ORDER BY relation::text;
UPDATE docs SET f = ffu.file('z.txt', 'z') WHERE id = 9;
SELECT t.text(f) FROM docs WHERE id = 9;
-- without the trigger that holds the policy it is no file column any more
SET session_replication_role = replica;
CREATE TABLE lost (id int PRIMARY KEY);
SELECT ffu.add_column('lost', 'f', urls => false);
DROP TRIGGER zz_ffu_f_1_set ON lost;
RESET session_replication_role;
SELECT * FROM t.check();
DROP TABLE lost;

-- the modes of now, also in a transaction that has used the folder before
BEGIN;
SELECT * FROM t.check('parts');
SET LOCAL ffu.file_mode = '0600';
INSERT INTO parts VALUES (98, 0, ffu.file('a.txt', 'of now'));
SELECT * FROM t.check('parts', false);
ROLLBACK;

-- leftovers in the staging directory
SELECT t.shell('cd folder/.ffu/staging; echo x >c/12.1; echo x >what; echo x '
	'>f/99999999.1:docs:1:x; echo x >d/12.2; echo x >12.3');
SELECT * FROM t.check();
SELECT * FROM t.check('docs');
SELECT * FROM t.repair('staging');
SELECT * FROM t.repair('staging', false);
SELECT t.shell('cd folder/.ffu/staging; rm what 12.3 [df]/*');
SELECT * FROM t.check();

-- what cannot be asked for
SELECT t.full_error('SELECT * FROM ffu.repair(''everything'')');
SELECT t.full_error('SELECT * FROM ffu.repair(NULL)');
SELECT t.error('SELECT * FROM ffu.repair(''duplicate'')');
SELECT t.error('SELECT ffu._quarantine(''../data'')');
SELECT t.error('SELECT ffu._quarantine(''.ffu/owner'')');
SELECT t.error('SELECT ffu._reset_mode(''/etc/passwd'')');
SELECT t.error('SELECT ffu._quarantine(''a//b'')');
SELECT t.error(format('SELECT ffu._quarantine(%L)', repeat('a', 201)));
CREATE ROLE regress_ffu_checker;
SET ROLE regress_ffu_checker;
SELECT t.error('SELECT * FROM ffu.check()');
SELECT t.error('SELECT * FROM ffu.repair(''orphan'')');
RESET ROLE;
DROP ROLE regress_ffu_checker;

DROP TABLE docs, parts, saved;
DROP FUNCTION t.check, t.repair;
SELECT t.finish();
