-- Taking over what flask-file-upload left: its columns, its names on the disk.
\set SHOW_CONTEXT never
-- secure_filename, by Werkzeug's own examples and seen ones
SELECT name, ffu._secure_file_name(name) AS secure FROM unnest(ARRAY['my file (1).png', 'PHOTO.JPG', 'x.PnG ', 'a.tar.gz', '../../etc/passwd.png', 'a/b.png',
	'C:\dir\w.png', 'a;b''c".png', 'héllo notes.txt', '日本語.png', '.png', '..png', 'noext', 'x.', '-rf.png', '', 'a  b' || chr(9) || 'c.txt',
	'My cool movie.mov', 'i contain cool ümläuts.txt', '__x__.txt', 'ﬁle½.txt']) name;

-- what 0.1 called its columns, renamed in the order that works
CREATE TABLE old (id int PRIMARY KEY, "A b__file_name" varchar(1000), "A b__file_type" varchar(1000), "A b__mime_type" varchar(1000),
	v__file_name varchar, v__file_type varchar, v__mime_type varchar, other__file_type text);
INSERT INTO old VALUES (1, 'x.png', 'image/png', 'png', 'y.mp4', 'video/mp4', 'mp4', 'mine');
SELECT ffu.upgrade_column_names('old');
SELECT "A b__file_name", "A b__mime_type", "A b__ext", v__mime_type, v__ext, other__file_type FROM old;
SELECT ffu.upgrade_column_names('old');
SELECT t.full_error('SELECT ffu.upgrade_column_names(NULL)'), t.error('SELECT ffu.upgrade_column_names(''pg_class'')');
CREATE ROLE regress_ffu_stranger;
SET ROLE regress_ffu_stranger;
SELECT t.error('SELECT ffu.upgrade_column_names(''old'')');
SELECT code FROM t.catch('SELECT ffu.adopt(''old'', ''v'', ''/tmp'')');
RESET ROLE;
DROP TABLE old;
DROP ROLE regress_ffu_stranger;

-- a small folder of FFU's
SELECT * FROM t.shell($$mkdir -p old/blogs/1 old/blogs/2 old/blogs/None && printf 'a video' >old/blogs/1/v.txt && printf 'an image' >old/blogs/1/i.txt &&
	printf 'lost' >old/blogs/None/i.txt && ln -s ../blogs/1 old/blogs/4 && mkdir old/blogs/5 && mkdir old/blogs/5/v.txt$$);
SELECT root || '/old' AS old FROM t.config \gset
CREATE TABLE blogs (id int PRIMARY KEY, name text, v__mime_type varchar(1019), v__ext varchar(1013), v__file_name varchar(1019),
	i__mime_type varchar(1019), i__ext varchar(1013), i__file_name varchar(1019));
INSERT INTO blogs VALUES (1, 'one', 'text/plain', 'txt', 'v.txt', 'text/plain', 'txt', 'i.txt'), (2, 'two', 'text/plain', 'txt', 'gone.txt', NULL, NULL, NULL),
	(3, 'three', NULL, NULL, NULL, NULL, NULL, NULL), (4, 'four', NULL, NULL, 'v.txt', NULL, NULL, NULL), (5, 'five', NULL, 'txt', 'v.txt', NULL, NULL, NULL);
-- dry run by default: nothing changes
SELECT * FROM ffu.adopt('blogs', 'v', :'old');
SELECT count(*) FROM ffu.columns;
-- bad input
SELECT t.full_error(format('SELECT ffu.adopt(%s)', a)) FROM unnest(ARRAY[$$NULL, 'v', '/tmp'$$, $$'blogs', NULL, '/tmp'$$, $$'blogs', 'v', NULL$$,
	$$'blogs', 'zzz', '/tmp'$$, $$'blogs', 'name', '/tmp'$$, $$'blogs', 'v', 'old'$$, $$'blogs', 'v', '/nowhere/at/all'$$, $$'blogs', 'v', '/etc/passwd'$$,
	$$'blogs', 'v', '/tmp', max_size => 'x'$$, $$'pg_class', 'v', '/tmp'$$, $$'t.output', 'v', '/tmp'$$]) a;
SELECT t.error(format('CALL ffu.adopt_in_batches(%s)', a)) FROM unnest(ARRAY[$$'blogs', 'zzz', '/tmp'$$, $$'blogs', 'v', '/nowhere/at/all'$$]) a;
-- for real, and rolled back
BEGIN;
SELECT problem, key FROM ffu.adopt('blogs', 'v', :'old', dry_run => false, allowed_extensions => '{txt}');
ROLLBACK;
SELECT count(*) FROM ffu.columns;
SELECT * FROM t.files();
SELECT action, problem, key, t.mask(detail) AS detail FROM ffu.adopt('blogs', 'v', :'old', dry_run => false, allowed_extensions => '{txt}', max_size => '1 MB');
SELECT relation, column_name, file_name_column, mime_type_column, ext_column, size_column, sha256_column, allowed_extensions, max_size, complete FROM ffu.columns;
SELECT id, t.mask(v) AS v, v__file_name, v__mime_type, v__ext, v__size FROM blogs ORDER BY id;
SELECT t.mask(ffu.get_file_url('blogs', 1, 'v')) AS url, t.text(v) FROM blogs WHERE id = 1;
SELECT * FROM ffu.check();
-- again: what is done is done
SELECT action, problem, key FROM ffu.adopt('blogs', 'v', :'old', dry_run => false);
-- the other column under another name; the old file goes
SELECT action, problem, key, path FROM ffu.adopt('blogs', 'image', :'old', dry_run => false, attribute => 'i', keep_old => false, allowed_extensions => '{txt}');
SELECT id, t.mask(image) AS image, image__file_name FROM blogs WHERE id = 1;
SELECT * FROM t.shell('find old -type f | LC_ALL=C sort');
SELECT * FROM ffu.check();
DROP TABLE blogs;
SELECT * FROM t.settled_files();
SELECT * FROM t.shell('find old -type f | LC_ALL=C sort');
SELECT * FROM t.shell('rm -r old');
SELECT t.finish();
