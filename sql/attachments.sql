-- Several files of one row: a child table, its functions, rights, names and drops.
\set SHOW_CONTEXT never
CREATE ROLE regress_ffu_app;
CREATE ROLE regress_ffu_reader;
CREATE SCHEMA blog AUTHORIZATION regress_ffu_app;
SELECT ffu.grant_columns('regress_ffu_app');
SET ROLE regress_ffu_app;
SET search_path = blog, t;
GRANT USAGE ON SCHEMA blog TO PUBLIC;
CREATE TABLE posts (id int PRIMARY KEY, title text);
SELECT ffu.add_attachments('posts', 'photos', '{png,txt}', max_size => 100);
SELECT ffu.add_attachments('posts', 'photos', if_not_exists => true);
-- with its policy: that its files are not private after all must not be missed
SELECT ffu.add_attachments('posts', 'photos', if_not_exists => true, private => true);
SELECT column_name, data_type, is_nullable, is_identity FROM information_schema.columns
 WHERE table_name = 'posts_photos' ORDER BY ordinal_position;
SELECT relation, column_name, allowed_extensions, max_size, required FROM ffu.columns;
SELECT indexdef FROM pg_indexes WHERE tablename = 'posts_photos' ORDER BY 1;

-- attach: by function, by INSERT, by the row
CREATE FUNCTION pg_temp.urls(urls jsonb) RETURNS text LANGUAGE sql AS
	$$SELECT t.mask((SELECT string_agg(concat_ws(' ', e -> 'id', e ->> 'url', e ->> 'file_name',
	e ->> 'mime_type', e -> 'size'), E'\n' ORDER BY i)
		FROM jsonb_array_elements(urls) WITH ORDINALITY AS u(e, i)))$$;
INSERT INTO posts VALUES (1, 'one'), (2, 'two');
SELECT ffu.attach('posts_photos', 1, ffu.file('a.txt', 'a')),
	ffu.attach('posts_photos', '1', ffu.file('b.txt', 'b'));
INSERT INTO posts_photos (parent_id, file) VALUES (1, ffu.file('c.txt', 'ccc'))
	RETURNING id, position;
SELECT ffu.attach('posts_photos', p, ffu.file('d.txt', 'd')) FROM posts p WHERE id = 2;
SELECT pg_temp.urls(p.photos_urls) FROM posts p ORDER BY id;
SELECT p.photos_urls = p.posts_photos_urls AS same, jsonb_array_length(p.photos_urls) FROM posts p
	ORDER BY id;
SELECT photos_urls(NULL::posts), p.photos_urls FROM (SELECT) s LEFT JOIN posts p ON false;
SELECT t.error(s) FROM unnest(ARRAY[
	$$SELECT ffu.attach('posts_photos', 3, ffu.file('a.txt', 'a'))$$,
	$$SELECT ffu.attach('posts_photos', 1, ffu.file('a.zip', 'a'))$$,
	$$SELECT ffu.attach('posts_photos', 1, NULL)$$,
	$$SELECT ffu.attach('posts_photos', NULL::int, 'data:text/plain,some%20text')$$,
	$$SELECT ffu.attach('posts_photos', 'x', 'data:text/plain,some%20text')$$,
	$$SELECT ffu.attach('posts_photos', a, 'data:text/plain,some%20text') FROM posts_photos a$$,
	$$SELECT ffu.attach('posts', 1, 'data:text/plain,some%20text')$$,
	$$SELECT ffu.attach(NULL, 1, 'data:text/plain,some%20text')$$,
	$$SELECT ffu.detach('posts', 1, 1)$$,
	$$SELECT ffu.reorder('posts_photos', 1, '{4}')$$,
	$$SELECT ffu.reorder('posts_photos', 1, '{1,1}')$$,
	$$SELECT ffu.reorder('posts_photos', 1, '{NULL}')$$,
	$$SELECT ffu.reorder('posts_photos', 2, '{1}')$$,
	$$SELECT ffu.add_attachments('posts', 'photos')$$,
	$$SELECT ffu.add_attachments('posts', NULL)$$,
	$$SELECT ffu.add_attachments(NULL, 'photos')$$,
	$$SELECT ffu.add_attachments('posts', repeat('n', 60)::name)$$,
	$$SELECT ffu.add_attachments('posts', 'more', max_size => 'much')$$]) s;
SELECT t.full_error($$SELECT ffu.attach('posts', 1, 'data:text/plain,some%20text')$$);
SELECT t.full_error($$SELECT ffu.reorder('posts_photos', 2, '{1}')$$);

-- reorder: the named ones first, the rest as they are; new ones go last
SELECT ffu.reorder('posts_photos', 1, (SELECT array_agg(id ORDER BY id DESC) FROM posts_photos
	WHERE parent_id = 1 AND file__size = 1));
SELECT pg_temp.urls(p.photos_urls) FROM posts p WHERE id = 1;
UPDATE posts_photos SET position = 2;
SELECT ffu.reorder('posts_photos', p, (SELECT array_agg(id) FROM posts_photos WHERE file__size = 3))
	FROM posts p WHERE id = 1;
SELECT file__file_name, row_number() OVER (ORDER BY position, id) FROM posts_photos
	WHERE parent_id = 1 ORDER BY 2;
SELECT ffu.reorder('posts_photos', 1, '{}'), ffu.reorder('posts_photos', 1, NULL);
SELECT ffu.attach('posts_photos', 1, ffu.file('e.txt', 'e')) IS NOT NULL AS attached;
SELECT string_agg(file__file_name, ' ' ORDER BY position, id) FROM posts_photos WHERE parent_id = 1;

-- detach: only from its row
SELECT max(id) AS last FROM posts_photos \gset
SELECT ffu.detach('posts_photos', 2, :last), ffu.detach('posts_photos', 1, :last),
	ffu.detach('posts_photos', 1, :last);
SELECT * FROM t.settled_files();
-- the key of the parent changes, and the parent goes
UPDATE posts SET id = 7 WHERE id = 2;
DELETE FROM posts WHERE id = 1;
SELECT pg_temp.urls(p.photos_urls) FROM posts p;
SELECT * FROM t.settled_files();

-- renames and changes of types are followed
ALTER TABLE posts RENAME TO articles;
ALTER TABLE posts_photos RENAME TO pictures;
ALTER TABLE articles RENAME id TO "the id";
ALTER TABLE pictures RENAME parent_id TO article;
ALTER TABLE articles ALTER "the id" TYPE bigint;
ALTER TABLE pictures ALTER article TYPE bigint;
SELECT ffu.attach('pictures', a, ffu.file('f.txt', 'f')) IS NOT NULL AS attached FROM articles a;
SELECT pg_temp.urls(a.photos_urls) FROM articles a;

-- DROP of the child alone, and of both; of the parent alone only with CASCADE
DROP TABLE articles;
BEGIN;
SET client_min_messages = warning;
DROP TABLE articles CASCADE;
SELECT count(*) FROM pictures;
ROLLBACK;
BEGIN;
DROP TABLE pictures, articles;
SELECT count(*) FROM pg_proc WHERE proname LIKE '%photos\_urls';
ROLLBACK;
DROP TABLE pictures;
SELECT count(*) FROM pg_proc WHERE proname LIKE '%photos\_urls';
DROP TABLE articles;
RESET ROLE;
SELECT t.finish();
SET ROLE regress_ffu_app;

-- keys of every kind: several columns, uuid, text with quotes, an enum; odd names
CREATE TYPE "a'kind" AS ENUM ('it''s', 'no');
CREATE TABLE "Odd ""table""" ("a'b" text COLLATE "C", "%I" "a'kind", u uuid, d date,
	PRIMARY KEY (u, "a'b", d, "%I"));
SELECT ffu.add_attachments('"Odd ""table"""', 'my ''files''', column_type => 'text',
	private => true);
SELECT a.attname, format_type(atttypid, atttypmod), attcollation::regcollation FROM pg_attribute a
 WHERE attrelid = '"Odd ""table""_my ''files''"'::regclass AND attnum BETWEEN 2 AND 7
   ORDER BY attnum;
INSERT INTO "Odd ""table"""
	VALUES (E'x\\'' "', 'it''s', '00000000-0000-0000-0000-000000000001', '2026-01-02'),
	('', 'no', '00000000-0000-0000-0000-000000000001', 'infinity');
SELECT ffu.attach('"Odd ""table""_my ''files''"', o, ffu.file('a.txt', 'a')) FROM "Odd ""table""" o
	ORDER BY d;
BEGIN;
RESET ROLE;
SELECT ffu.rotate_url_secret('0') IS NOT NULL AS rotated;
SET ROLE regress_ffu_app;
SELECT e ->> 'url' ~ '^/files/private/.*[?&]' AS signed
	FROM "Odd ""table""" o, jsonb_array_elements(o."my 'files'_urls") e;
ROLLBACK;
SELECT t.full_error($$SELECT ffu.attach('"Odd ""table""_my ''files''"', 1,
		'data:text/plain,some%20text')$$);
SELECT t.error($$SELECT ffu.attach('"Odd ""table""_my ''files''"', NULL::"Odd ""table""",
		'data:text/plain,some%20text')$$);
SELECT ffu.detach('"Odd ""table""_my ''files''"', o, id)
	FROM "Odd ""table""" o, "Odd ""table""_my 'files'";
DROP TABLE "Odd ""table""", "Odd ""table""_my 'files'";
CREATE TABLE long (k12345678901234567890123456789012345678901234567890123456789012 int PRIMARY KEY);
SELECT ffu.add_attachments('long', repeat('n', 60)::name, table_name => 'short');
SELECT ffu.add_attachments('long', 'again', table_name => 'short');
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
	WHERE conrelid = 'short'::regclass AND contype = 'f';
DROP TABLE short;
-- a name that a column or function has already
ALTER TABLE long ADD photos_urls int;
SELECT ffu.add_attachments('long', 'photos');
DROP TABLE long, long_photos;
CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
SELECT ffu.add_attachments('parted', 'files');
INSERT INTO parted VALUES (1);
SELECT ffu.attach('parted_files', p, 'data:text/plain,some%20text') > 0 AS attached FROM parted p;
SELECT t.error($$SELECT ffu.add_attachments('parted_1', 'files')$$);
SELECT t.error($$TRUNCATE parted$$);
TRUNCATE parted, parted_files;
DROP TABLE parted, parted_files;
CREATE TABLE keyless (id int UNIQUE);
SELECT t.full_error($$SELECT ffu.add_attachments('keyless', 'files')$$);
DROP TABLE keyless;
RESET ROLE;
SELECT t.finish();
SET ROLE regress_ffu_app;

-- a key whose type has operators of its own, and settings that lose digits or
-- mix days and months
RESET ROLE;
CREATE EXTENSION citext SCHEMA blog;
SET ROLE regress_ffu_app;
CREATE TABLE tags (tag citext PRIMARY KEY);
INSERT INTO tags VALUES ('News');
SELECT ffu.add_attachments('tags', 'icons');
ALTER TABLE tags ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY everything ON tags USING (true);
SELECT ffu.grant_attachments('tags_icons');
SELECT ffu.attach('tags_icons', 'NEWS', ffu.file('a.txt', 'a')),
	ffu.attach('tags_icons', 'news'::citext, ffu.file('b.txt', 'b'));
SELECT ffu.reorder('tags_icons', tag, '{2}'), jsonb_array_length(t.icons_urls) FROM tags t;
SELECT ffu.detach('tags_icons', 'nEWS', 1), ffu.detach('tags_icons', 'other', 2);
DROP TABLE tags, tags_icons;
RESET ROLE;
DROP EXTENSION citext;
SET ROLE regress_ffu_app;
SET DateStyle = 'SQL, DMY';
SET extra_float_digits = -3;
SET IntervalStyle = sql_standard;
CREATE TABLE moments (a timestamptz, b float8, c interval, PRIMARY KEY (a, b, c));
INSERT INTO moments VALUES ('2026-02-03 04:05:06.789+00', 0.1::float8 + 0.2::float8,
	'-1 year 2 days -3 hours');
SELECT ffu.add_attachments('moments', 'files');
SET DateStyle = 'SQL, MDY';
SELECT ffu.attach('moments_files', m, ffu.file('a.txt', 'a')), ffu.detach('moments_files', m, 1)
	FROM moments m;
DROP TABLE moments, moments_files;
RESET DateStyle;
RESET extra_float_digits;
RESET IntervalStyle;

-- rights: those on the parent; row security: of the parent's rows
CREATE TABLE notes (id int PRIMARY KEY, author name DEFAULT current_user);
GRANT SELECT, UPDATE ON notes TO regress_ffu_reader;
GRANT SELECT ON notes TO PUBLIC;
INSERT INTO notes VALUES (1, 'regress_ffu_app'), (2, 'regress_ffu_reader');
SELECT ffu.add_attachments('notes', 'scans');
SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END AS who,
	string_agg(privilege_type, ', ' ORDER BY privilege_type)
  FROM pg_class, aclexplode(relacl) WHERE oid = 'notes_scans'::regclass AND grantee <> relowner
    GROUP BY grantee ORDER BY grantee <> 0;
SELECT ffu.attach('notes_scans', n, ffu.file('a.txt', 'a')) > 0 AS attached FROM notes n;
SET ROLE regress_ffu_reader;
SELECT ffu.attach('notes_scans', 1, ffu.file('a.txt', 'mine')) > 0 AS attached;
SELECT t.error($$SELECT ffu.grant_attachments('notes_scans')$$);
SELECT t.error($$SELECT ffu.add_attachments('notes', 'more')$$);
SET ROLE regress_ffu_app;
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON notes FOR SELECT USING (true);
CREATE POLICY own ON notes FOR UPDATE USING (author = current_user);
SELECT ffu.grant_attachments('notes_scans'), ffu.grant_attachments('notes_scans');
SELECT polname, polcmd FROM pg_policy WHERE polrelid = 'notes_scans'::regclass ORDER BY 1;
SET ROLE regress_ffu_reader;
SELECT id, jsonb_array_length(n.scans_urls) FROM notes n ORDER BY id;
SELECT t.error($$SELECT ffu.attach('notes_scans', 1, 'data:text/plain,some%20text')$$);
SELECT ffu.attach('notes_scans', 2, ffu.file('a.txt', 'yes')) > 0 AS attached;
SELECT ffu.detach('notes_scans', parent_id, id), parent_id FROM notes_scans WHERE position < 3
	ORDER BY 2;
SELECT t.error($$UPDATE notes_scans SET parent_id = 1 WHERE parent_id = 2$$);
SELECT t.error($$SELECT ffu.reorder('notes_scans', 1, (SELECT array_agg(id) FROM notes_scans
		WHERE parent_id = 1))$$);
BEGIN READ ONLY;
SELECT id, jsonb_array_length(n.scans_urls) FROM notes n ORDER BY id;
COMMIT;
SET ROLE regress_ffu_app;
DROP POLICY seen ON notes;
CREATE POLICY seen ON notes FOR SELECT USING (author = current_user);
SET ROLE regress_ffu_reader;
SELECT DISTINCT parent_id FROM notes_scans;
RESET ROLE;
-- a superuser's call makes the owner's table, and works with the owner's rights;
-- it is refused above READ COMMITTED
SET default_transaction_isolation = 'read committed';
SELECT ffu.add_attachments('notes', 'more');
SELECT relowner::regrole, relrowsecurity FROM pg_class WHERE oid = 'notes_more'::regclass;
SELECT proname, proowner::regrole FROM pg_proc WHERE proname LIKE '%more\_urls' ORDER BY 1;
SELECT ffu.attach('notes_more', 1, ffu.file('a.txt', 'su')) AS id \gset
SELECT ffu.reorder('notes_more', 1, ARRAY[:id]), ffu.detach('notes_more', 1, :id);
SELECT t.error($$SELECT ffu.grant_attachments('notes')$$);
-- a table that another role has made for the parent is not taken for one of its own
SET ROLE regress_ffu_app;
GRANT REFERENCES ON notes TO regress_ffu_reader;
GRANT CREATE ON SCHEMA blog TO regress_ffu_reader;
SET ROLE regress_ffu_reader;
CREATE TABLE notes_theirs (id bigint, parent_id int, position bigint, file text,
	CONSTRAINT ffu_parent FOREIGN KEY (parent_id) REFERENCES notes);
SET ROLE regress_ffu_app;
SELECT t.error($$SELECT ffu.add_attachments('notes', 'theirs', if_not_exists => true)$$);
RESET ROLE;
-- nor one of its own without a file column
ALTER TABLE notes_theirs OWNER TO regress_ffu_app;
SELECT t.error($$SELECT ffu.add_attachments('notes', 'theirs', if_not_exists => true)$$);
DROP TABLE notes, notes_scans, notes_more, notes_theirs;
RESET search_path;
SELECT t.finish();
DROP SCHEMA blog CASCADE;
SELECT ffu.revoke_columns('regress_ffu_app');
DROP FUNCTION pg_temp.urls;
DROP ROLE regress_ffu_app;
DROP ROLE regress_ffu_reader;
