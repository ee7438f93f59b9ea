-- What may be assigned to a file column, and in which statements.
CREATE TABLE docs (id int PRIMARY KEY, note text);
SELECT ffu.add_column('docs', 'f');
SELECT ffu.add_column('docs', 'g');

-- bytes: RETURNING has the final values
INSERT INTO docs (id, f) VALUES (1, ffu.file('Photo.PNG', t.png()))
	RETURNING t.mask(f) AS f, f__file_name, f__mime_type, f__ext, f__size,
	f__sha256 = encode(sha256(t.png()), 'hex') AS sha256, t.mask(ffu.url(f)) AS url;
-- an empty file, a large object, no bytes
SELECT lo_from_bytea(0, t.pdf()) AS large_object \gset
INSERT INTO docs (id, f, g)
	VALUES (2, ffu.file('empty.txt', ''), ffu.from_large_object('a.pdf', :large_object))
	RETURNING f__mime_type, f__size, g__mime_type, g__size;
INSERT INTO docs (id, f, g)
	VALUES (3, ffu.file('a.txt', NULL), ffu.from_large_object('a.txt', NULL))
	RETURNING f, f__file_name, g;
SELECT lo_unlink(:large_object);
SELECT ffu.content(g) = t.pdf() AS "bytes of their own" FROM docs WHERE id = 2;
-- '' and NULL are no file
INSERT INTO docs (id, f, g) VALUES (4, '', NULL) RETURNING f, f__file_name, f__size, g;
-- a large object of many pieces
SELECT lo_from_bytea(0, convert_to(repeat('0123456789', 300000), 'UTF8')) AS large_object \gset
UPDATE docs SET f = ffu.from_large_object('big.txt', :large_object) WHERE id = 4
	RETURNING f__size, f__sha256 = encode(sha256(convert_to(repeat('0123456789', 300000), 'UTF8')),
	'hex') AS sha256;
SELECT lo_unlink(:large_object);
DELETE FROM docs;

-- one upload used twice: the second use is a copy with a path of its own
WITH upload AS (SELECT ffu.file('twice.txt', 'bytes') AS u)
INSERT INTO docs (id, f, g) SELECT i, u, u FROM upload, generate_series(1, 2) i
	RETURNING t.mask(f), f__file_name, t.mask(g), g__file_name;
SELECT count(DISTINCT p) AS paths, count(*) FILTER (WHERE t.text(p) = 'bytes') AS readable
  FROM docs, unnest(ARRAY[f, g]) p;
-- without a name each is named after its own column
WITH upload AS (SELECT ffu.file(NULL, t.png()) AS u)
UPDATE docs SET f = u, g = u FROM upload WHERE id = 1 RETURNING f__file_name, g__file_name;
DELETE FROM docs WHERE id = 2;
-- a copy of another row's path: bytes are shared, paths and fates are not
INSERT INTO docs (id, f) SELECT 3, f FROM docs WHERE id = 1
	RETURNING t.mask(f), f__file_name, f__mime_type, f__ext, f__size;
UPDATE docs SET g = f WHERE id = 3 RETURNING g <> f AS "another path", g__file_name, g__size;
DELETE FROM docs WHERE id = 1;
SELECT ffu.content(f) = t.png(), ffu.content(g) = t.png() FROM docs WHERE id = 3;
SELECT * FROM t.settled_files();
-- a copy of a copy made in the same transaction; a name sent with a copy
BEGIN;
INSERT INTO docs (id, f) VALUES (5, ffu.file('x.txt', 'x'));
INSERT INTO docs (id, f, f__file_name) SELECT 6, f, 'sent.txt' FROM docs WHERE id = 5
	RETURNING f__file_name;
INSERT INTO docs (id, f, f__file_name) SELECT 7, f, 'sent.exe' FROM docs WHERE id = 6
	RETURNING f__file_name;
DELETE FROM docs WHERE id IN (5, 6);
COMMIT;
SELECT id, t.text(f) FROM docs WHERE id > 3;
DELETE FROM docs;

-- paths of no living file
INSERT INTO docs (id, f) VALUES (1, ffu.file('a.txt', 'old'));
SELECT f AS old FROM docs \gset
UPDATE docs SET f = ffu.file('a.txt', 'new');
SELECT t.full_error(format('UPDATE docs SET f = %L', :'old'));
SELECT t.full_error(format('UPDATE docs SET f = %L', 'docs/1/f-' || repeat('a', 26) || '.txt'));
-- values that are none
SELECT t.full_error(format('UPDATE docs SET f = %L', v))
	FROM unnest(ARRAY['https://example.com/a.png', 'hello', '\x89504e4', '\x8950 4e47',
	'\X89504e47', '\\x89', '\', '../' || repeat('a', 26), '/docs/' || repeat('a', 26),
	'.ffu/owner', ' ', 'upload:1.1', repeat('long', 1000)]) v;
SELECT t.text(f) FROM docs;
DELETE FROM docs;

-- bytes that are checked against size and checksum
INSERT INTO docs (id, f, g)
	VALUES (1, ffu.file('a.png', t.png(), size => 68),
	ffu.file('b.png', t.png(), sha256 => encode(sha256(t.png()), 'hex')))
	RETURNING f__size, g__size;
UPDATE docs SET f = ffu.file('c.png', t.png(), 68, upper(encode(sha256(t.png()), 'hex'))),
	g = ffu.file('no', NULL, 68, 'x') RETURNING f__file_name, g;
SELECT t.full_error(format('UPDATE docs SET f = ffu.file(''a.txt'', ''PK'', %s)', a))
	FROM unnest(ARRAY['size => 1008', 'size => -1', 'sha256 => ''ab''',
	'sha256 => encode(sha256(''PKx''), ''hex'')', 'sha256 => repeat(''x'', 64)',
	'size => 2, sha256 => encode(sha256(''pk''), ''hex'')']) a;
SELECT f__file_name FROM docs;
DELETE FROM docs;
SELECT * FROM t.settled_files();

-- bytes in hex, the text of a bytea value: named by the companion in the
-- statement, or after the column
SET bytea_output = hex;
CREATE TABLE hex (id int PRIMARY KEY);
SELECT ffu.add_column('hex', 'f', max_size => 2000000),
	ffu.add_column('hex', 'g', column_type => 'text');
INSERT INTO hex (id, f, f__file_name, g) VALUES (1, t.png(), 'Photo.PNG', '\x48490a'::bytea)
	RETURNING t.mask(f), f__file_name, f__mime_type, f__size,
	f__sha256 = encode(sha256(t.png()), 'hex') AS sha256, g__file_name, t.text(g);
INSERT INTO hex (id, f, f__file_name, g, g__file_name)
	VALUES (2, '\x', 'empty.txt', ''::bytea, 'none.txt') RETURNING f__file_name, f__size,
	g__file_name, g__size;
PREPARE bytes (int, bytea, text) AS INSERT INTO hex (id, f, f__file_name) VALUES ($1, $2, $3)
	RETURNING f__file_name, f__size, ffu.content(f) = $2 AS same;
EXECUTE bytes (3, convert_to(repeat('0123456789', 200000), 'UTF8'), 'big.txt');
EXECUTE bytes (4, NULL, NULL);
UPDATE hex SET f = t.pdf(), f__file_name = 'new.pdf' WHERE id = 1
	RETURNING f__file_name, f__mime_type;
UPDATE hex SET f = t.pdf() WHERE id = 1 RETURNING f__file_name;
-- upper case; a name that contradicts the bytes; too many bytes
UPDATE hex SET g = '\x4A4B' WHERE id = 1 RETURNING t.text(g);
SELECT t.error($$UPDATE hex SET f = t.pdf(), f__file_name = 'a.png'$$),
	t.full_error($$UPDATE hex SET f = '\x' || repeat('00', 2000001)$$);
-- bytes as text with bytea_output = escape are no bytes
SET bytea_output = escape;
SELECT t.error($$UPDATE hex SET f = t.png()$$), t.error($$UPDATE hex SET f = '\x5c7834'::bytea$$);
SET bytea_output = hex;
SELECT id, f__file_name, g__file_name FROM hex ORDER BY id;
DROP TABLE hex;
RESET bytea_output;

-- data: URIs
CREATE TABLE uris (uri text);
SELECT ffu.add_column('uris', 'f', allowed_extensions => '{*}');
INSERT INTO uris (uri, f) SELECT u, u FROM unnest(ARRAY[
	'data:,hello',
	'data:text/plain,a%20b%C3%BC+',
	'data:text/plain;charset=utf-8;name=n%C3%A4me.txt,x',
	'DATA:text/plain;FileName="quoted; name.txt";base64,aGVsbG8=',
	'data:;name=no-padding.txt;base64,aGVsbG8',
	'data:;name=url%2Dsafe.bin;base64,-_8=',
	'data:;name=standard.bin;base64,+/8=',
	'data:;name=percent.bin;base64,%2B%2F8%3D',
	'data: text/plain ; name = spaces.txt ; base64 , aGVs bG8= ',
	'data:;name=lines.txt;base64,aGVs' || chr(13) || chr(10) || 'bG8=',
	'data:text/plain;name=,nameless',
	'data:text/plain;name=..%2F..%2Fetc%2Fpasswd.txt,traversal',
	'data:text/html;name=a.txt,type is ignored',
	'data:;name=;filename=second.txt,x',
	'data:image/png;base64,' || encode(t.png(), 'base64'),
	'data:;name="comma, semicolon;.txt",in quotes',
	'data:;name=comma%2C%20semicolon%3B.txt;base64,aGk=',
	'data:text/css;name=a.css,b{background:url(data:;base64,aGk=)}',
	'data:;base64,',
	'data:,']) u;
SELECT left(translate(uri, chr(13) || chr(10), '__'), 60) AS uri, f__file_name AS file_name,
	f__mime_type AS mime_type, f__size AS size,
	   CASE WHEN f__ext <> 'bin' AND f__mime_type LIKE 'text/%' THEN t.text(f)
	     ELSE left(encode(ffu.content(f), 'hex'), 8) END AS content
  FROM uris ORDER BY ctid;
SELECT t.full_error(format('INSERT INTO uris (f) VALUES (%L)', v)) FROM unnest(ARRAY[
	'data:', 'data:text/plain', 'data:text/plain;base64', 'data:nonsense,x',
	'data:;base64,aGVsbG8$', 'data:;base64,a', 'data:;base64,aGVsbG8==', 'data:;base64,aG=VsbG8',
	'data:;name="open,x', 'data:;name=%zz,x', 'data:;name=%00,x', 'data:;name=%ff,x', 'data:,%4',
	'data:;base64;name=late.txt,x', 'data:;name="a"b,x',
	'data:image/png;name=a,b.png;base64,iVBORw0KGgo=',
	'data:image/png;name=a;b.png;base64,iVBORw0KGgo=',
	'data:image/png;name=a,b.png; Base64 ,iVBORw0KGgo=', 'data:;base64=,x']) v;
SELECT count(*) FROM uris;
DROP TABLE uris;

-- ON CONFLICT
INSERT INTO docs (id, f) VALUES (1, ffu.file('a.txt', 'first'));
INSERT INTO docs (id, f) VALUES (1, ffu.file('a.txt', 'ignored')) ON CONFLICT DO NOTHING;
INSERT INTO docs (id, f) VALUES (1, ffu.file('b.txt', 'excluded')),
	(2, ffu.file('c.txt', 'inserted'))
	ON CONFLICT (id) DO UPDATE SET f = EXCLUDED.f RETURNING id, f__file_name, t.text(f);
INSERT INTO docs (id, f) VALUES (1, ffu.file('d.txt', 'not used'))
	ON CONFLICT (id) DO UPDATE SET note = EXCLUDED.f__file_name RETURNING id, note, t.text(f);
INSERT INTO docs (id, f) VALUES (1, ffu.file('e.txt', 'not used'))
	ON CONFLICT (id) DO UPDATE SET f = EXCLUDED.f, g = EXCLUDED.f WHERE docs.id = 99;
INSERT INTO docs (id, f) VALUES (1, ffu.file('both.txt', 'both'))
	ON CONFLICT (id) DO UPDATE SET f = EXCLUDED.f, g = EXCLUDED.f RETURNING t.text(f), t.text(g),
	f <> g AS "two paths";
SELECT * FROM t.settled_files();

-- MERGE
MERGE INTO docs USING (VALUES (2, 'merged'), (3, 'new'), (1, NULL)) v (id, bytes) ON docs.id = v.id
	WHEN MATCHED AND v.bytes IS NULL THEN DELETE
	WHEN MATCHED THEN UPDATE SET f = ffu.file('m.txt', v.bytes::bytea)
	WHEN NOT MATCHED THEN INSERT (id, f) VALUES (v.id, ffu.file('n.txt', v.bytes::bytea));
SELECT id, f__file_name, t.text(f) FROM docs ORDER BY id;

-- INSERT ... SELECT; UPDATE ... FROM; many rows
INSERT INTO docs (id, f) SELECT i, ffu.file(i || '.txt', i::text::bytea)
	FROM generate_series(10, 12) i RETURNING f__file_name;
UPDATE docs SET (f, note) = (ffu.file('u.txt', v.b::bytea), 'set')
	FROM (VALUES (10, 'ten'), (11, 'eleven')) v (id, b)
 WHERE docs.id = v.id RETURNING docs.id, t.text(f);

-- COPY, with text that any client can send
COPY docs (id, note, f) FROM stdin;
20	copied	data:;name=copy.txt,from%20COPY
21	null	\N
22	empty	
\.
COPY docs (id, f, f__file_name, f__size) FROM stdin (FORMAT csv);
23,"data:,csv",sent.txt,99
\.
SELECT id, f__file_name, f__size, t.text(f) FROM docs WHERE id >= 20 ORDER BY id;
COPY docs (id, f) FROM stdin;
24	data:;name=copy.txt,good
25	not a value
\.
SELECT count(*) FROM docs WHERE id >= 24;

-- a DO block; a prepared statement whose parameters have no types; a function's
DO $$
DECLARE
	path text;
BEGIN
	INSERT INTO docs (id, f) VALUES (30, ffu.file('do.txt', 'in a block')) RETURNING f INTO path;
	UPDATE docs SET note = t.text(path) WHERE id = 30;
END
$$;
PREPARE put AS INSERT INTO docs (id, f) VALUES ($1, ffu.file($2, $3))
	RETURNING f__file_name, t.text(f);
EXECUTE put (31, 'prepared.txt', 'text as bytes');
EXECUTE put ('32', NULL, 'nameless');
PREPARE assign AS UPDATE docs SET f = $2 WHERE id = $1 RETURNING f__file_name;
EXECUTE assign (31, 'data:;name=assigned.txt,x');
DEALLOCATE ALL;
SELECT id, note FROM docs WHERE id = 30;
-- through a view
CREATE VIEW docs_view AS SELECT id, f FROM docs;
INSERT INTO docs_view VALUES (40, ffu.file('view.txt', 'x')) RETURNING t.mask(f);
DROP VIEW docs_view;
-- a data-modifying CTE that moves rows
CREATE TABLE archive (LIKE docs);
SELECT ffu.manage_column('archive', 'f', urls => false);
WITH gone AS (DELETE FROM docs WHERE id = 40 RETURNING *) INSERT INTO archive SELECT * FROM gone;

DROP TABLE docs, archive;
SELECT t.finish();
