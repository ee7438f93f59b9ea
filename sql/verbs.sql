-- The verbs of flask-file-upload, for one row by its key: files given, replaced
-- and taken, URLs of one row and of many with their children.
\set SHOW_CONTEXT never
CREATE TABLE blogs (id int PRIMARY KEY, name text NOT NULL);
SELECT ffu.add_column('blogs', 'my_video', allowed_extensions => '{mp4}');
SELECT ffu.add_column('blogs', 'my_placeholder', allowed_extensions => '{png,gif}',
	max_size => 1000);
INSERT INTO blogs VALUES (1, 'one'), (2, 'two'), (3, 'three');

-- what a verb returns is what the row has now, in one round trip
SELECT key, t.mask(value) AS value
	FROM jsonb_each_text(ffu.add_files('blogs', 1, jsonb_build_object(
	'my_video', ffu.file('clip.mp4', t.mp4()), 'my_placeholder', ffu.file('image.png', t.png()))))
	ORDER BY key COLLATE "C";
SELECT id, my_video__file_name, my_placeholder__ext, ffu.content(my_placeholder) = t.png() AS png
	FROM blogs ORDER BY id;
-- replaced, by the same name too: FFU lost the file there
SELECT my_placeholder AS old FROM blogs WHERE id = 1 \gset
SELECT ffu.update_files('blogs', 1,
	jsonb_build_object('my_placeholder', ffu.file('image.png', t.png() || 'more')))
	->> 'my_placeholder__size' AS size;
SELECT my_placeholder <> :'old' AS new, ffu.content(my_placeholder) = t.png() || 'more'::bytea
	AS content FROM blogs WHERE id = 1;
SELECT * FROM t.settled_files();
-- a row that had none; a data: URI; the path of another row
SELECT ffu.update_files('blogs', 2,
	'{"my_placeholder": '
	'"data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"}')
	->> 'my_placeholder__mime_type' AS mime_type;
SELECT ffu.save_files('blogs', 3, jsonb_build_object('my_video', my_video))
	->> 'my_video__file_name' AS copy FROM blogs WHERE id = 1;
-- rolled back: nothing has happened
BEGIN;
SELECT ffu.save_files('blogs', 2, jsonb_build_object('my_video', ffu.file('x.mp4', t.mp4()))) IS NOT
	NULL AS saved;
SELECT ffu.delete_files('blogs', 1, '{my_video}') ->> 'my_video' AS deleted;
ROLLBACK;
SELECT * FROM t.settled_files();
-- what the column refuses is refused
SELECT t.error($$SELECT ffu.add_files('blogs', 2,
		jsonb_build_object('my_video', ffu.file('evil.exe', 'MZ')))$$);
SELECT t.error($$SELECT ffu.update_files('blogs', 2,
		jsonb_build_object('my_placeholder',
	ffu.file('a.png', t.png() || repeat('x', 1000)::bytea)))$$);

-- reading
SELECT t.mask(ffu.get_file_url('blogs', 1, 'my_video')) AS url,
	ffu.get_file_url('blogs', 2, 'my_video') AS none;
SET ffu.base_url = 'https://files.example.com/f/';
SELECT t.mask(ffu.get_file_url('blogs', '1', 'my_video')) AS url;
RESET ffu.base_url;
SELECT sum(length(p)) = length(t.mp4()) AS streamed FROM ffu.stream_file('blogs', 1, 'my_video') p;
SELECT count(*) FROM ffu.stream_file('blogs', 2, 'my_video');

-- deleting; again, where nothing is; all of the row
SELECT ffu.delete_files('blogs', 1, '{my_video}');
SELECT ffu.delete_files('blogs', 1, '{my_video}', NULL) ->> 'my_video' AS again;
SELECT my_video, my_video__file_name, my_video__size, my_placeholder IS NOT NULL AS other FROM blogs
	WHERE id = 1;
SELECT ffu.delete_files('blogs', 1, NULL, parent => true) = ffu.delete_files('blogs', 3,
	'{my_placeholder}', parent => true) AS all;
SELECT * FROM t.settled_files();
UPDATE blogs SET my_placeholder = NULL;
DELETE FROM blogs WHERE id = 3;

-- bad input
SELECT t.full_error(format('SELECT ffu.add_files(%s)', a)) FROM unnest(ARRAY[
	$$'blogs', 1, jsonb_build_object('zzz', 'data:,x')$$,
	$$'blogs', 1, jsonb_build_object('name', 'data:,x')$$, $$'blogs', 1, NULL$$,
	$$'blogs', 1, '{}'$$, $$'blogs', 1, '[1]'$$, $$'blogs', 1, '{"my_video": null}'$$,
	$$'blogs', 1, '{"my_video": ""}'$$, $$'blogs', 1, '{"my_video": {"a": 1}}'$$,
	$$'blogs', 1, '{"my_video": "text"}'$$, $$'blogs', 99, '{"my_video": "data:,x"}'$$,
	$$'blogs', 'x', '{"my_video": "data:,x"}'$$, $$'blogs', NULL, '{"my_video": "data:,x"}'$$,
	$$NULL, 1, '{"my_video": "data:,x"}'$$, $$'pg_class', 1, '{"my_video": "data:,x"}'$$,
	$$'t.output', 1, '{"my_video": "data:,x"}'$$, $$0, 1, '{"my_video": "data:,x"}'$$]) a;
SELECT t.full_error(format('SELECT ffu.delete_files(%s)', a)) FROM unnest(ARRAY[
	$$'blogs', 1, '{zzz}'$$, $$'blogs', 1, '{}'$$, $$'blogs', 1, NULL$$,
	$$'blogs', 1, '{my_video,NULL}'$$, $$'blogs', 99, '{my_video}'$$,
	$$'blogs', 99, '{my_video}', parent => true$$, $$'blogs', 1, '{my_video}', 'both'$$,
	$$'blogs', 1, '{my_video}', ''$$]) a;
SELECT t.full_error(format('SELECT * FROM ffu.stream_file(%s)', a)) FROM unnest(ARRAY[
	$$'blogs', 1, 'zzz'$$, $$'blogs', 1, NULL$$, $$'blogs', 99, 'my_video'$$,
	$$'blogs', NULL, 'my_video'$$]) a;
SELECT t.full_error(format('SELECT ffu.get_file_url(%s)', a)) FROM unnest(ARRAY[
	$$'blogs', 1, 'zzz'$$, $$'blogs', 1, NULL$$, $$'blogs', 99, 'my_video'$$,
	$$NULL, 1, 'my_video'$$]) a;
DROP TABLE blogs;

-- Keys of every kind. A text is a value, whatever is in it.
CREATE TABLE keyed (key text PRIMARY KEY);
SELECT ffu.add_column('keyed', 'f', allowed_extensions => '{*}');
INSERT INTO keyed VALUES ('../../escaped'), ('a/b c'), (''' OR true --'), ('{"key": 1}'), ('');
SELECT key, t.mask(ffu.add_files('keyed', key,
	jsonb_build_object('f', ffu.file('a.txt', key::bytea))) ->> 'f') AS path FROM keyed
	ORDER BY key COLLATE "C";
SELECT key, convert_from(p, 'UTF8') AS content FROM keyed, ffu.stream_file('keyed', key, 'f') p
	ORDER BY key COLLATE "C";
SELECT t.error($$SELECT ffu.get_file_url('keyed', '../escaped', 'f')$$);
DROP TABLE keyed;
-- a JSON object for several columns
CREATE TABLE "Pair" ("A b" int, c varchar(3), d text, PRIMARY KEY (c, "A b"));
SELECT ffu.add_column('"Pair"', 'userFile', allowed_extensions => '{txt}');
INSERT INTO "Pair" VALUES (1, 'x'), (2, 'x'), (1, 'xyz');
SELECT ffu.add_files('"Pair"', jsonb_build_object('c', 'x', 'A b', 2), '{"userFile": "data:,one"}')
	->> 'userFile__size' AS by_jsonb,
	ffu.add_files('"Pair"', '{"c": "xyz", "A b": 1}', '{"userFile": "data:,three"}')
	->> 'userFile__size' AS by_text;
SELECT "A b", c, t.text("userFile") FROM "Pair" ORDER BY 1, 2;
SELECT t.full_error(format('SELECT ffu.get_file_url(''"Pair"'', %s, ''userFile'')', a))
	FROM unnest(ARRAY[
	$$1$$, $$'x'$$, $$'{"c": "x"}'$$, $$'{"c": "x", "A b": 1, "d": 2}'$$, $$'[1, 2]'$$,
	$$'{"c": "xyzabc", "A b": 1}'$$, $$'{"c": null, "A b": 1}'$$]) a;
DROP TABLE "Pair";
-- of other types: a value of theirs, however it is written; compared as the index does
CREATE TABLE typed (at timestamptz PRIMARY KEY, u uuid);
SELECT ffu.add_column('typed', 'f', allowed_extensions => '{txt}');
INSERT INTO typed VALUES ('2026-01-01 12:00+00', '4b6d7b3e-93f1-4f5a-9a57-0d9f3b8f9c11');
SELECT ffu.add_files('typed', '2026-01-01 13:00+01', '{"f": "data:,one"}') ->> 'f__size' AS text,
	ffu.add_files('typed', '2026-01-01 14:00+02'::timestamptz, '{"f": "data:,three"}') ->> 'f__size'
	AS own, ffu.add_files('typed', to_jsonb('2026-01-01 12:00+00'::timestamptz),
	'{"f": "data:,four"}') ->> 'f__size' AS json;
ALTER TABLE typed DROP CONSTRAINT typed_pkey, ADD PRIMARY KEY (u);
SELECT ffu.get_file_url('typed', '4B6D7B3E-93F1-4F5A-9A57-0D9F3B8F9C11', 'f') IS NOT NULL AS found;
ALTER TABLE typed DROP CONSTRAINT typed_pkey, ALTER at TYPE char(30) USING 'short',
	ADD PRIMARY KEY (at);
SELECT ffu.get_file_url('typed', 'short', 'f') IS NOT NULL AS found;
-- untyped parameters, as drivers send them
PREPARE url AS SELECT ffu.get_file_url($1, $2, $3) IS NOT NULL AS found;
EXECUTE url('typed', 'short', 'f');
DEALLOCATE url;
ALTER TABLE typed DROP CONSTRAINT typed_pkey;
SELECT t.full_error($$SELECT ffu.get_file_url('typed', 'short', 'f')$$);
DROP TABLE typed;
-- a partitioned table, and its partition
CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
SELECT ffu.add_column('parted', 'f', allowed_extensions => '{txt}');
INSERT INTO parted VALUES (1);
SELECT ffu.add_files('parted', 1, '{"f": "data:,one"}') ->> 'f__size' AS size;
SELECT t.mask(ffu.get_file_url('parted_1', 1, 'f')) AS url,
	ffu.update_files('parted_1', 1, '{"f": "data:,three"}') ->> 'f__size' AS size;
DROP TABLE parted;

-- The rights are the caller's, and so are the rows.
CREATE ROLE regress_ffu_app;
CREATE TABLE docs (id int PRIMARY KEY, who text DEFAULT current_user, secret text);
SELECT ffu.add_column('docs', 'f', allowed_extensions => '{txt}');
INSERT INTO docs (id, who, f) VALUES (1, 'regress_ffu_app', 'data:,one'), (2, 'other', 'data:,two');
SET ROLE regress_ffu_app;
SELECT code FROM t.catch($$SELECT ffu.get_file_url('docs', 1, 'f')$$);
SELECT code FROM t.catch($$SELECT ffu.add_files('docs', 1, '{"f": "data:,mine"}')$$);
SELECT code FROM t.catch($$SELECT ffu.delete_files('docs', 1, '{f}', 'files')$$);
SELECT code FROM t.catch($$SELECT ffu.add_file_urls_to_models('docs', '{1}', '{f}')$$);
RESET ROLE;
GRANT SELECT (id), UPDATE (f) ON docs TO regress_ffu_app;
SET ROLE regress_ffu_app;
-- it may not read what it writes
SELECT ffu.add_files('docs', 1, '{"f": "data:,mine"}');
SELECT code FROM t.catch($$SELECT ffu.get_file_url('docs', 1, 'f')$$);
RESET ROLE;
GRANT SELECT (id, who, f, f__size) ON docs TO regress_ffu_app;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (who = current_user);
SET ROLE regress_ffu_app;
SELECT k, v FROM jsonb_each_text(ffu.update_files('docs', 1, '{"f": "data:,mine again"}'))
	AS e(k, v) WHERE k = 'f__size' OR k LIKE '%name' ORDER BY k;
SELECT t.error(s) FROM unnest(ARRAY[$$SELECT ffu.update_files('docs', 2,
		'{"f": "data:,not mine"}')$$, $$SELECT ffu.delete_files('docs', 2, '{f}')$$,
	$$SELECT ffu.delete_files('docs', 2, '{f}', 'files')$$,
	$$SELECT ffu.delete_files('docs', 2, '{f}', 'model')$$,
	$$SELECT ffu.get_file_url('docs', 2, 'f')$$, $$SELECT ffu.stream_file('docs', 2, 'f')$$,
	$$SELECT ffu.add_file_urls_to_models('docs', '{1,2}', '{f}')$$]) s;
SELECT m - 'f' - 'f_url' AS model, t.mask(m ->> 'f_url') AS url
	FROM ffu.add_file_urls_to_models('docs', NULL, '{f}') m;
RESET ROLE;
SELECT t.text(f) FROM docs ORDER BY id;
DROP TABLE docs;
DROP ROLE regress_ffu_app;
-- functions of others in front of ours
CREATE SCHEMA evil;
CREATE FUNCTION evil.url(text) RETURNS text LANGUAGE sql AS 'SELECT ''evil''';
CREATE FUNCTION evil.pg_typeof(anyelement) RETURNS regtype LANGUAGE sql
	AS 'SELECT ''json''::regtype';
SET search_path = evil, pg_catalog, public;
CREATE TABLE public.plain (id int PRIMARY KEY);
SELECT ffu.add_column('plain', 'f', allowed_extensions => '{txt}');
INSERT INTO plain (id, f) VALUES (1, 'data:text/plain,x and more');
SELECT t.mask(ffu.get_file_url('plain', 1, 'f')),
	convert_from(ffu.stream_file('plain', 1, 'f'), 'UTF8') AS stream_file;
RESET search_path;
DROP TABLE plain;
DROP SCHEMA evil CASCADE;
SELECT t.finish();
