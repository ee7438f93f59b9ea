-- Declaring file columns: names, keys, policies, everything that is refused.
\set SHOW_CONTEXT never

-- add_column: the columns, without a rewrite of the table
CREATE TABLE blogs (id int PRIMARY KEY, title text);
INSERT INTO blogs VALUES (1, 'there already');
SELECT pg_relation_filenode('blogs') AS before \gset
SELECT ffu.add_column('blogs', 'my_video', allowed_extensions => '{MP4,.mov,mp4}',
	allowed_mime_types => '{Video/*,*}', max_size => '1 GB',
	path_template => '{schema}/{column}-{token}{ext}');
SELECT pg_relation_filenode('blogs') = :before AS "not rewritten";
SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
 WHERE attrelid = 'blogs'::regclass AND attnum > 0 ORDER BY attnum;
SELECT * FROM blogs;
\x on
SELECT * FROM ffu.columns WHERE relation = 'blogs'::regclass;
\x off
SELECT tgname, tgtype FROM pg_trigger WHERE tgrelid = 'blogs'::regclass ORDER BY 1;

-- no comment, which migration tools would take away again
SELECT count(*) AS comments FROM pg_description WHERE objoid = 'blogs'::regclass AND objsubid > 0;
-- the domain's name in PostGraphile, which must be the first line; the rest is the description
SELECT obj_description('ffu.file'::regtype, 'pg_type') ~ '^@name ffu_file\nPath of a stored file'
	AS "for PostGraphile";

-- column_type: a text column stores files all the same
CREATE TABLE typed (id int PRIMARY KEY);
SELECT ffu.add_column('typed', 't', column_type => 'text'),
	ffu.add_column('typed', 'n', column_type => NULL);
INSERT INTO typed VALUES (1, ffu.file('a.txt', 'in text'));
SELECT t.text(t), t__size FROM typed;
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
	WHERE attrelid = 'typed'::regclass AND attname IN ('t', 'n') ORDER BY attnum;
SELECT t.full_error('SELECT ffu.add_column(''typed'', ''x'', column_type => ''bytea'')');
SELECT t.error(format('SELECT ffu.add_column(''typed'', ''x'', column_type => %L)', n))
	FROM unnest('{varchar,text[],nothing,ffu.nothing}'::text[]) n;
DROP TABLE typed;

-- if_not_exists; what is there already
SELECT ffu.add_column('blogs', 'my_video', if_not_exists => true);
SELECT ffu.add_column('blogs', 'my_video', if_not_exists => true, private => true);
SELECT ffu.add_column('blogs', 'my_video');
SELECT ffu.add_column('blogs', 'title');
SELECT ffu.add_column('blogs', 'title', if_not_exists => true);
ALTER TABLE blogs ADD photo__ext int;
SELECT ffu.add_column('blogs', 'photo');
SELECT ffu.manage_column('blogs', 'my_video');
SELECT ffu.manage_column('blogs', 'my_video', if_not_exists => true);
SELECT ffu.manage_column('blogs', 'my_video', if_not_exists => true, private => true);

-- max_size takes a text, a number, nothing
SELECT ffu.alter_column('blogs', 'my_video', max_size => 1000000);
SELECT ffu.alter_column('blogs', 'my_video', max_size => 10.5);
SELECT ffu.alter_column('blogs', 'my_video', allowed_extensions => '{*}', required => false);
SELECT allowed_extensions, allowed_mime_types, max_size, path_template, required FROM ffu.columns;
SELECT ffu.alter_column('blogs', 'my_video', allowed_extensions => '{}',
	reset => '{allowed_mime_types,max_size,path_template}');
SELECT allowed_extensions, allowed_mime_types, max_size, path_template, required FROM ffu.columns;

-- policies that are refused
SELECT t.full_error(format('SELECT ffu.alter_column(''blogs'', ''my_video'', %s)', a))
	FROM unnest(ARRAY[
	'allowed_extensions => ''{tar.gz}''', 'allowed_extensions => ''{NULL}''',
	'allowed_extensions => ''{""}''', 'allowed_mime_types => ''{png}''',
	'allowed_mime_types => ''{image/png; q=1}''', 'max_size => 0', 'max_size => ''-1 GB''',
	'max_size => ''much''',
	'path_template => ''{table}/{pk}''', 'path_template => ''../{token}''',
	'path_template => ''/{token}''', 'path_template => ''a b/{token}''',
	'path_template => ''{id}/{token}''', 'path_template => ''{token}/''',
	'path_template => ''.ffu/{token}''', 'path_template => ''{token}{token}''',
	'path_template => ''x{token}''', 'reset => ''{required}''',
	'reset => ''{max_size}'', max_size => 1', 'required => true']) a;

-- required
DELETE FROM blogs;
SELECT ffu.alter_column('blogs', 'my_video', required => true);
SELECT required FROM ffu.columns WHERE relation = 'blogs'::regclass;
SELECT ffu.alter_column('blogs', 'my_video', required => false);
SELECT required FROM ffu.columns WHERE relation = 'blogs'::regclass;
INSERT INTO blogs VALUES (1);
SELECT ffu.add_column('blogs', 'must', required => true);

-- drop_column and alter_column of what is none
SELECT ffu.drop_column('blogs', 'title');
SELECT ffu.drop_column('blogs', 'nothing');
SELECT ffu.drop_column('blogs', 'nothing', if_exists => true);
SELECT ffu.alter_column('blogs', 'nothing', max_size => 1);
SELECT ffu.drop_column('blogs', 'my_video');
\d blogs
SELECT proname FROM pg_proc WHERE proname LIKE '%my_video_url';

-- add it again, twice; rename table, columns: all follows
SELECT ffu.add_column('blogs', 'my_video', allowed_extensions => '{txt}');
UPDATE blogs SET my_video = ffu.file('a.txt', 'one') WHERE id = 1;
ALTER TABLE blogs RENAME COLUMN my_video TO film;
ALTER TABLE blogs RENAME COLUMN my_video__file_name TO film_name;
ALTER TABLE blogs RENAME TO posts;
SELECT ffu.add_column('posts', 'my_video');
ALTER TABLE posts RENAME COLUMN my_video__mime_type TO film_type;
ALTER TABLE posts RENAME COLUMN my_video__ext TO film_ext;
ALTER TABLE posts RENAME COLUMN my_video__size TO film_size;
ALTER TABLE posts RENAME COLUMN my_video__sha256 TO film_sha256;
SELECT ffu.add_column('posts', 'my_video');
UPDATE posts SET film = ffu.file('b.txt', 'two'), my_video = ffu.file('c.txt', 'three');
SELECT t.mask(film) AS film, film_name, t.mask(my_video) AS my_video, my_video__file_name
	FROM posts;
SELECT relation, column_name, file_name_column, size_column, allowed_extensions, enabled, complete
	FROM ffu.columns ORDER BY 2;
SELECT t.mask(p.my_video_url) AS still_film, t.mask(p.blogs_my_video_url) AS still_film,
	t.mask(p.posts_my_video_url) AS my_video FROM posts p;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'posts'::regclass AND tgtype = 23
	ORDER BY tgname COLLATE "C";
DROP TABLE posts;
SELECT proname FROM pg_proc WHERE proname LIKE '%my_video_url';

-- manage_column: columns that exist, with the companions that exist and fit
CREATE TABLE made (id int, doc varchar(100), doc__file_name varchar, doc__size int,
	doc__sha256 text, b ffu.file, n int, g text GENERATED ALWAYS AS ('x') STORED);
INSERT INTO made (id, doc) VALUES (1, 'left alone');
SELECT ffu.manage_column('made', 'doc');
SELECT ffu.manage_column('made', 'doc', urls => false, keep_values => true);
SELECT ffu.manage_column('made', 'b', required => true);
SELECT ffu.manage_column('made', 'n');
SELECT ffu.manage_column('made', 'g');
SELECT ffu.manage_column('made', 'tableoid');
SELECT ffu.manage_column('made', 'nothing');
UPDATE made SET doc = ffu.file('doc.txt', 'x') WHERE id = 1;
INSERT INTO made VALUES (2, ffu.file('doc.txt', 'managed'), 'sent', 77, 'sent');
SELECT id, t.mask(doc) AS doc, doc__file_name, doc__size, left(doc__sha256, 8) AS sha256 FROM made
	ORDER BY id;
SELECT column_name, file_name_column, mime_type_column, ext_column, size_column, sha256_column
	FROM ffu.columns;
DELETE FROM made;
DROP TABLE made;

-- a varchar that has no room for a path
CREATE TABLE narrow (f varchar(10));
SELECT ffu.manage_column('narrow', 'f');
INSERT INTO narrow VALUES (ffu.file('a.txt', 'x'));
DROP TABLE narrow;

-- names: mixed case, quoted, reserved, schema-qualified, 52 bytes, UTF-8
CREATE SCHEMA "My Schema";
CREATE TABLE "My Schema"."Order; --" ("select" int PRIMARY KEY, "a""b" int);
SELECT ffu.add_column('"My Schema"."Order; --"', 'table');
SELECT ffu.add_column('"My Schema"."Order; --"', 'My "Video''s" 100%');
SELECT ffu.add_column('"My Schema"."Order; --"', repeat('x', 52)::name);
SELECT ffu.add_column('"My Schema"."Order; --"', repeat('x', 53)::name);
SELECT ffu.add_column('"My Schema"."Order; --"', repeat('ü', 26)::name, urls => false);
SELECT ffu.add_column('"My Schema"."Order; --"', '');
INSERT INTO "My Schema"."Order; --" ("select", "table", "My ""Video's"" 100%",
	xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx)
	VALUES (1, ffu.file('a.txt', 'a'), ffu.file('b.txt', 'b'), ffu.file('c.txt', 'c'))
	RETURNING "table__file_name", "My ""Video's"" 100%__file_name",
	xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx__size;
SELECT column_name, enabled, complete FROM ffu.columns ORDER BY column_name COLLATE "C";
SELECT * FROM t.files();
DROP SCHEMA "My Schema" CASCADE;
SELECT count(*) FROM pg_proc
	WHERE prosqlbody IS NOT NULL AND pg_get_function_sqlbody(oid) LIKE '%ffu.url%'
	AND pronamespace <> 'ffu'::regnamespace;

-- what cannot have file columns
CREATE TABLE plain (a int);
CREATE TEMP TABLE temporary (a int);
CREATE UNLOGGED TABLE unlogged (a int);
CREATE TABLE parent (a int);
CREATE TABLE child (b int) INHERITS (parent);
CREATE VIEW seen AS SELECT * FROM plain;
CREATE MATERIALIZED VIEW kept AS SELECT * FROM plain;
CREATE SEQUENCE numbers;
CREATE INDEX plain_a ON plain (a);
CREATE TYPE pair AS (a int, b int);
CREATE FOREIGN DATA WRAPPER dummy;
CREATE SERVER dummy FOREIGN DATA WRAPPER dummy;
CREATE FOREIGN TABLE far (a int) SERVER dummy;
CREATE TABLE parts (a int) PARTITION BY LIST (a);
CREATE TABLE part1 PARTITION OF parts FOR VALUES IN (1) PARTITION BY LIST (a);
CREATE TABLE part11 PARTITION OF part1 FOR VALUES IN (1);
CREATE TABLE with_far (a int) PARTITION BY LIST (a);
CREATE FOREIGN TABLE far_part PARTITION OF with_far FOR VALUES IN (1) SERVER dummy;
CREATE TABLE with_unlogged (a int) PARTITION BY LIST (a);
CREATE UNLOGGED TABLE unlogged_part PARTITION OF with_unlogged FOR VALUES IN (1);
SELECT t.full_error(format('SELECT ffu.add_column(%L, ''f'')', r))
	FROM unnest('{nothing,temporary,unlogged,
	parent,child,seen,kept,numbers,plain_a,pair,far,part1,part11,with_far,with_unlogged,
	pg_class,ffu.deletion,ffu.status,information_schema.tables}'::text[]) r;
SELECT t.full_error('SELECT ffu.add_column(NULL, ''f'')');
SELECT t.full_error('SELECT ffu.add_column(''plain'', NULL)');
SELECT t.full_error('SELECT ffu.add_column(1::oid, ''f'')');
-- the same of the others
SELECT t.error(format('SELECT ffu.%s(%L, ''a'')', f, r))
  FROM unnest('{manage_column,alter_column,drop_column,add_url_functions}'::text[]) f,
    unnest('{temporary,part11,seen}'::text[]) r;
DROP TABLE plain, temporary, unlogged, parent, child, parts, with_far, with_unlogged CASCADE;
DROP FOREIGN DATA WRAPPER dummy CASCADE;
DROP SEQUENCE numbers;
DROP TYPE pair;

-- keys become part of the path, never of the place
CREATE TABLE keys (id text PRIMARY KEY);
SELECT ffu.add_column('keys', 'f');
INSERT INTO keys SELECT k, ffu.file('a.txt', 'x')
	FROM unnest(ARRAY['../../escaped', 'a/b c', '..', '.ffu', '/etc/passwd', '%2e%2e', 'ünïcode',
	'日本', 'a:b', 'back\slash', 'tab	', '', '~', '-', repeat('long', 100), 'a' || chr(10) || 'b']) k;
SELECT left(id, 16) AS id, t.mask(f), length(f) <= 200 AS fits FROM keys ORDER BY id COLLATE "C";
SELECT count(*) FROM keys WHERE t.text(f) = 'x';
DROP TABLE keys;
CREATE TABLE keys (a int, b uuid, c date, PRIMARY KEY (b, a));
SELECT ffu.add_column('keys', 'f');
INSERT INTO keys VALUES (7, '00000000-0000-0000-0000-000000000001', '2020-01-02',
	ffu.file('a.txt', 'x'))
	RETURNING replace(t.mask(f), '<uuid>', 'uuid');
DROP TABLE keys;
CREATE TABLE keys (a int, i int GENERATED ALWAYS AS IDENTITY);
SELECT ffu.add_column('keys', 'f');
SELECT ffu.add_column('keys', 'g',
	path_template => '{schema}/{table}/{yyyy}/{mm}/{dd}/{token:2}/{pk}/{token}{ext}');
INSERT INTO keys VALUES (7, DEFAULT, ffu.file('a.txt', 'x'), NULL) RETURNING t.mask(f);
INSERT INTO keys (g) VALUES (ffu.file('a.txt', 'x'))
	RETURNING regexp_replace(t.mask(g), '/' || to_char(now() AT TIME ZONE 'UTC', 'YYYY/MM/DD')
	|| '/[a-z2-7]{2}/', '/<date>/<2>/') AS g;
DROP TABLE keys;
-- a key that a user's trigger sets, and one that changes later: the path stays
CREATE TABLE keys (id int PRIMARY KEY);
SELECT ffu.add_column('keys', 'f');
INSERT INTO keys VALUES (1, ffu.file('a.txt', 'x')) RETURNING t.mask(f);
UPDATE keys SET id = 2 RETURNING t.mask(f);
DROP TABLE keys;
-- partitions are under the name of the topmost table
CREATE TABLE parts (a int PRIMARY KEY) PARTITION BY LIST (a);
CREATE TABLE part1 PARTITION OF parts FOR VALUES IN (1);
SELECT ffu.add_column('parts', 'f');
CREATE TABLE part2 PARTITION OF parts FOR VALUES IN (2);
INSERT INTO parts VALUES (1, ffu.file('a.txt', 'x')), (2, ffu.file('a.txt', 'x'))
	RETURNING t.mask(f);
INSERT INTO part1 VALUES (1) ON CONFLICT (a) DO UPDATE SET f = ffu.file('b.txt', 'y')
	RETURNING t.mask(f);
SELECT relation, column_name, enabled, complete FROM ffu.columns;
SELECT t.mask(p.f_url) FROM parts p;
DROP TABLE parts;
SELECT t.finish();
