-- Taking over what flask-file-upload left: its columns, its names on the disk.
\set SHOW_CONTEXT never
-- secure_filename, by Werkzeug's own examples and seen ones
SELECT name, ffu._secure_file_name(name) AS secure
	FROM unnest(ARRAY['my file (1).png', 'PHOTO.JPG', 'x.PnG ', 'a.tar.gz', '../../etc/passwd.png',
	'a/b.png', 'C:\dir\w.png', 'a;b''c".png', 'héllo notes.txt', '日本語.png', '.png', '..png',
	'noext', 'x.', '-rf.png', '', 'a  b' || chr(9) || 'c.txt', 'My cool movie.mov',
	'i contain cool ümläuts.txt', '__x__.txt', 'ﬁle½.txt']) name;

-- what 0.1 called its columns, renamed in the order that works
CREATE TABLE old (id int PRIMARY KEY, "A b__file_name" varchar(1000),
	"A b__file_type" varchar(1000), "A b__mime_type" varchar(1000), v__file_name varchar,
	v__file_type varchar, v__mime_type varchar, other__file_type text);
INSERT INTO old VALUES (1, 'x.png', 'image/png', 'png', 'y.mp4', 'video/mp4', 'mp4', 'mine');
SELECT ffu.upgrade_column_names('old');
SELECT "A b__file_name", "A b__mime_type", "A b__ext", v__mime_type, v__ext, other__file_type
	FROM old;
SELECT ffu.upgrade_column_names('old');
SELECT t.full_error('SELECT ffu.upgrade_column_names(NULL)'),
	t.error('SELECT ffu.upgrade_column_names(''pg_class'')');
CREATE ROLE regress_ffu_stranger;
SET ROLE regress_ffu_stranger;
SELECT t.error('SELECT ffu.upgrade_column_names(''old'')');
SELECT code FROM t.catch('SELECT ffu.adopt(''old'', ''v'', ''/tmp'')');
RESET ROLE;
DROP TABLE old;
DROP ROLE regress_ffu_stranger;

-- a small folder of FFU's
SELECT * FROM t.shell($$mkdir -p old/blogs/1 old/blogs/2 old/blogs/None &&
	printf 'a video' >old/blogs/1/v.txt && printf 'an image' >old/blogs/1/i.txt &&
	printf 'lost' >old/blogs/None/i.txt && ln -s ../blogs/1 old/blogs/4 && mkdir old/blogs/5 &&
	mkdir old/blogs/5/v.txt$$);
SELECT root || '/old' AS old FROM t.config \gset
CREATE TABLE blogs (id int PRIMARY KEY, name text, v__mime_type varchar(1019), v__ext varchar(1013),
	v__file_name varchar(1019), i__mime_type varchar(1019), i__ext varchar(1013),
	i__file_name varchar(1019));
INSERT INTO blogs VALUES (1, 'one', 'text/plain', 'txt', 'v.txt', 'text/plain', 'txt', 'i.txt'),
	(2, 'two', 'text/plain', 'txt', 'gone.txt', NULL, NULL, NULL),
	(3, 'three', NULL, NULL, NULL, NULL, NULL, NULL),
	(4, 'four', NULL, NULL, 'v.txt', NULL, NULL, NULL),
	(5, 'five', NULL, 'txt', 'v.txt', NULL, NULL, NULL);
-- dry run by default: nothing changes
SELECT * FROM ffu.adopt('blogs', 'v', :'old');
SELECT count(*) FROM ffu.columns;
-- bad input
SELECT t.full_error(format('SELECT ffu.adopt(%s)', a))
	FROM unnest(ARRAY[$$NULL, 'v', '/tmp'$$, $$'blogs', NULL, '/tmp'$$, $$'blogs', 'v', NULL$$,
	$$'blogs', 'zzz', '/tmp'$$, $$'blogs', 'name', '/tmp'$$, $$'blogs', 'v', 'old'$$,
	$$'blogs', 'v', '/nowhere/at/all'$$, $$'blogs', 'v', '/etc/passwd'$$,
	$$'blogs', 'v', '/tmp', max_size => 'x'$$, $$'pg_class', 'v', '/tmp'$$,
	$$'t.output', 'v', '/tmp'$$]) a;
SELECT t.error(format('CALL ffu.adopt_in_batches(%s)', a))
	FROM unnest(ARRAY[$$'blogs', 'zzz', '/tmp'$$, $$'blogs', 'v', '/nowhere/at/all'$$]) a;
-- for real, and rolled back
BEGIN;
SELECT problem, key FROM ffu.adopt('blogs', 'v', :'old', dry_run => false,
	allowed_extensions => '{txt}');
ROLLBACK;
SELECT count(*) FROM ffu.columns;
SELECT * FROM t.files();
SELECT action, problem, key, t.mask(detail) AS detail
	FROM ffu.adopt('blogs', 'v', :'old', dry_run => false, allowed_extensions => '{txt}',
	max_size => '1 MB');
SELECT relation, column_name, file_name_column, mime_type_column, ext_column, size_column,
	sha256_column, allowed_extensions, max_size, complete FROM ffu.columns;
SELECT id, t.mask(v) AS v, v__file_name, v__mime_type, v__ext, v__size FROM blogs ORDER BY id;
SELECT t.mask(ffu.get_file_url('blogs', 1, 'v')) AS url, t.text(v) FROM blogs WHERE id = 1;
SELECT * FROM ffu.check();
-- again: what is done is done
SELECT action, problem, key FROM ffu.adopt('blogs', 'v', :'old', dry_run => false);
-- the other column under another name; the old file goes
SELECT action, problem, key, path
	FROM ffu.adopt('blogs', 'image', :'old', dry_run => false, attribute => 'i', keep_old => false,
	allowed_extensions => '{txt}');
SELECT id, t.mask(image) AS image, image__file_name FROM blogs WHERE id = 1;
SELECT * FROM t.shell('find old -type f | LC_ALL=C sort');
SELECT * FROM ffu.check();
DROP TABLE blogs;
SELECT * FROM t.settled_files();
SELECT * FROM t.shell('find old -type f | LC_ALL=C sort');
SELECT * FROM t.shell('rm -r old/*');

-- A dry run looks at every file as the policy will: it counts what is adopted
-- then, and says the same of each row.
SELECT * FROM t.shell($$for i in 1 2 3 4 5 6 7 8 9 None gone; do mkdir -p old/docs/$i; done &&
	printf 'text' >old/docs/1/a.txt && printf 'program' >old/docs/2/b.exe &&
	printf '%%PDF-1.4\n' >old/docs/3/c.txt && printf '0123456789012345678901' >old/docs/4/d.txt &&
	printf 'text' >old/docs/5/e.txt && printf 'late' >old/docs/None/late.txt &&
	printf 'two' >old/docs/None/two.txt && printf 'nobody' >old/docs/None/nobody.txt &&
	printf 'text' >old/docs/6/plain.txt && printf 'raw' >'old/docs/9/日本語.txt' &&
	chmod 000 old/docs/5 old/docs/gone$$);
CREATE TABLE docs (id int PRIMARY KEY, d__mime_type varchar(1012), d__ext varchar(1006),
	d__file_name varchar(1012), e__mime_type varchar(1012), e__ext varchar(1006),
	e__file_name varchar(1012));
INSERT INTO docs VALUES (1, 'text/plain', 'txt', 'a.txt'), (2, 'text/plain', 'exe', 'b.exe'),
	(3, 'text/plain', 'txt', 'c.txt'), (4, 'text/plain', 'txt', 'd.txt'),
	(5, 'text/plain', 'txt', 'e.txt'), (6, 'image/png', 'txt', 'plain.txt'),
	(7, 'text/plain', 'txt', 'late.txt'), (8, 'text/plain', 'txt', 'two.txt'),
	(9, 'text/plain', 'txt', 'txt');
INSERT INTO docs (id, e__mime_type, e__ext, e__file_name)
	VALUES (10, 'text/plain', 'txt', 'two.txt');
CREATE TABLE said AS SELECT *
	FROM ffu.adopt('docs', 'd', :'old', allowed_extensions => '{txt}', max_size => 20);
SELECT action, problem, key, path, replace(detail, :'old', 'old') AS detail FROM said;
-- the files that no row names are listed with the first attribute only
SELECT action, problem, key, path FROM ffu.adopt('docs', 'e', :'old');
BEGIN;
CREATE TEMP TABLE done AS SELECT *
	FROM ffu.adopt('docs', 'd', :'old', dry_run => false, allowed_extensions => '{txt}',
	max_size => 20);
SELECT * FROM (SELECT action, problem, key, path, detail
	FROM done EXCEPT ALL SELECT replace(action, 'would adopt', 'adopted'), problem, key, path,
	detail FROM said) x;
SELECT count(*) = (SELECT count(*) FROM said) AS as_many FROM done;
ROLLBACK;
SELECT count(*) FROM ffu.adopt('docs', 'd', :'old', dry_run => false, allowed_extensions => '{txt}',
	max_size => 20);
SELECT id, d__file_name, t.text(d) FROM docs WHERE d IS NOT NULL ORDER BY id;
-- with the policy that the column has now
SELECT action, problem, key, path, replace(detail, :'old', 'old') AS detail
	FROM ffu.adopt('docs', 'd', :'old');
-- all of the policy: with content_check off, what contradicts its name is
-- adopted, and the dry run says so
BEGIN;
SELECT ffu.alter_column('docs', 'd', content_check => 'off');
SELECT action, problem, key, detail FROM ffu.adopt('docs', 'd', :'old') WHERE key = '3';
SELECT action, problem, key, detail FROM ffu.adopt('docs', 'd', :'old', dry_run => false)
	WHERE key = '3';
ROLLBACK;

-- flask-file-upload itself cannot go on writing here
SELECT t.full_error($$INSERT INTO docs (id, d__mime_type, d__ext, d__file_name)
		VALUES (20, 'text/plain', 'txt', 'new.txt')$$);
SELECT t.full_error($$UPDATE docs SET d__file_name = 'b.txt' WHERE id = 1$$);
SELECT t.error($$UPDATE docs SET d__mime_type = NULL, d__ext = NULL, d__file_name = NULL
		WHERE id = 1$$);
SELECT t.error($$UPDATE docs SET d__mime_type = 'text/plain', d__ext = 'txt', d__file_name = 'f.txt'
		WHERE id = 2$$);
SELECT t.full_error('CREATE TABLE plain (id int); CREATE TRIGGER a AFTER INSERT ON plain FOR EACH '
	'ROW EXECUTE FUNCTION ffu.refuse_companions(''d''); INSERT INTO plain VALUES (1)');
-- everybody else can: rows without a file, whole rows that are saved as they were read, files
INSERT INTO docs (id, d__file_name) VALUES (21, ''), (22, NULL);
UPDATE docs SET d = d, d__file_name = d__file_name, d__mime_type = d__mime_type, d__ext = d__ext,
	e__ext = e__ext;
INSERT INTO docs (id, d, d__file_name, d__mime_type)
	VALUES (23, ffu.file('n.txt', 'new'), 'other.txt', 'image/png');
UPDATE docs SET d = ffu.file('m.txt', 'newer'), d__file_name = 'x.txt' WHERE id = 1;
SELECT id, d__file_name, d__mime_type FROM docs WHERE id IN (1, 23) ORDER BY id;
UPDATE docs SET d = NULL WHERE id IN (1, 2);
SELECT id, d__file_name FROM docs WHERE id IN (1, 2) ORDER BY id;
-- so can a dump that is restored
SET ffu.restore = on;
INSERT INTO docs (id, d__file_name) VALUES (24, 'text.txt');
RESET ffu.restore;
-- its trigger does not hold the types of the columns
ALTER TABLE docs ALTER COLUMN d__file_name TYPE text, ALTER COLUMN d__ext TYPE varchar(99);
SELECT t.error($$UPDATE docs SET d__file_name = 'b.txt' WHERE id = 1$$);
-- until the trigger is dropped
SELECT tgname, obj_description(oid, 'pg_trigger') FROM pg_trigger
	WHERE tgrelid = 'docs'::regclass AND tgname LIKE 'ffu%';
DROP TRIGGER ffu_adopted_d ON docs;
UPDATE docs SET d__file_name = 'renamed.txt' WHERE id = 23;
SELECT d__file_name FROM docs WHERE id = 23;

-- readers wait only while the columns are made
SELECT ffu._adopt_lock('docs', 'd', false) AS again, ffu._adopt_lock('docs', 'e', false) AS first,
	ffu._adopt_lock('docs', 'e', true) AS dry_run;

-- where the file column is gone, its trigger has nothing to guard
SELECT count(*) FROM ffu.adopt('docs', 'e', :'old', dry_run => false);
SELECT ffu.drop_column('docs', 'e', keep_companions => true);
UPDATE docs SET e__file_name = 'x.txt' WHERE id = 10;
DROP TABLE docs, said;
SELECT * FROM ffu.check();
SELECT * FROM t.shell('chmod 755 old/docs/* && rm -r old');
SELECT FROM ffu.sweep();
SELECT t.finish();
