-- The client's file name: cleaned, for downloads only, nowhere on the disk.
\set SHOW_CONTEXT never
CREATE TABLE n (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text);
SELECT ffu.add_column('n', 'f', allowed_extensions => '{*}');

-- what is left of names
INSERT INTO n (note, f) SELECT v, ffu.file(v, 'text')
	FROM unnest(ARRAY['plain.txt', '../../etc/passwd.txt', 'C:\Users\me\file.txt',
	'mixed\dir/name.txt', 'ünïcödé 日本語.txt', 'new' || chr(10) || 'line.txt',
	'esc' || chr(27) || '.txt', 'del' || chr(127) || '.txt', 'right' || E'\u202E' || 'txt.txt',
	E'\u200Fmark.txt', ' spaces .txt ', 'dots.txt...', '.hidden', '..txt', 'no extension',
	'UPPER.TXT', 'two.dots.txt', 'quote"''.txt', 'semi;colon%.txt', '.txt',
	'a.thisextensionistoolong', 'a.t-t', repeat('x', 251) || '.txt', 'é.txt']) v;
SELECT regexp_replace(note, '[[:cntrl:]\u200F\u202E]', '_', 'g') AS sent, f__file_name AS kept,
	f__ext AS ext FROM n WHERE length(note) < 100 ORDER BY id;
SELECT octet_length(f__file_name) FROM n WHERE length(note) > 100;
-- on the disk there is only what ffu made
SELECT regexp_replace(file, '/\d+/', '/<id>/') AS file, sum(n) FROM t.files() GROUP BY 1 ORDER BY 1;
DELETE FROM n;
-- names of which nothing is left, or too much
SELECT t.full_error(format('INSERT INTO n (f) VALUES (ffu.file(%L, ''x''))', v))
	FROM unnest(ARRAY['', '/', 'dir/', '...', ' ', chr(10), repeat('x', 252) || '.txt',
	repeat('y', 10000)]) v;
SELECT t.full_error('INSERT INTO n (f) VALUES (''data:;name=' || repeat('x', 300) || ',x'')');

-- characters count, not bytes; a name that ffu makes longer is shortened before its extension
CREATE TABLE long (what text PRIMARY KEY, name text);
INSERT INTO long VALUES ('84 of Japanese', repeat('あ', 80) || '.txt'),
	('255 of Japanese', repeat('日', 251) || '.txt'), ('emoji', repeat('😀', 251) || '.txt'),
	('combining', repeat(E'e\u0301', 125) || '.text'),
	('255 without an extension', repeat('x', 255)), ('255 Japanese without one', repeat('本', 255)),
	('254', repeat('y', 254)), ('long extension', repeat('z', 240) || '.averylongtail'),
	('directories do not count', repeat('d/', 300) || 'a.txt');
INSERT INTO n (note, f) SELECT what, ffu.file(name, 'text') FROM long;
SELECT what, length(f__file_name) AS chars, octet_length(f__file_name) AS bytes,
	right(f__file_name, 8) AS ending, f__file_name = name AS same
	FROM n JOIN long ON note = what ORDER BY what COLLATE "C";
INSERT INTO n (note, f, f__file_name) VALUES ('beside', ffu.file(NULL, 'text'), repeat('名', 255))
	RETURNING length(f__file_name), right(f__file_name, 5);
INSERT INTO n (note, f) VALUES ('data', 'data:;name=' || repeat('%E6%97%A5', 251) || '.txt,x')
	RETURNING length(f__file_name), right(f__file_name, 5);
UPDATE n SET f__file_name = repeat('新', 255) WHERE note = 'beside' RETURNING length(f__file_name),
	right(f__file_name, 5);
SELECT t.full_error(format('INSERT INTO n (f) VALUES (ffu.file(%L, ''x''))',
	repeat('日', 252) || '.txt'));
-- a companion with less room
CREATE TABLE short (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, f text,
	f__file_name varchar(10));
SELECT ffu.manage_column('short', 'f', allowed_extensions => '{*}', urls => false);
INSERT INTO short (f) VALUES (ffu.file('ten 345678', '\x00ff')), (ffu.file('日本語日本語日本語.txt', 'x')),
	(ffu.file('a long name without', 'x'))
	RETURNING f__file_name;
SELECT t.full_error($$INSERT INTO short (f) VALUES (ffu.file('ab.muchtoolong', 'x'))$$);
UPDATE short SET f__file_name = 'renamed' WHERE f__file_name LIKE '日%' RETURNING f__file_name;
DROP TABLE short, long;
DELETE FROM n;

-- nameless: <column>.<ext> by content
ALTER TABLE n RENAME f TO picture;
INSERT INTO n (picture) VALUES (ffu.file(NULL, t.png())), (ffu.file(NULL, t.pdf())),
	(ffu.file(NULL, 'some text')), (ffu.file(NULL, t.mp4())), (ffu.file(NULL, '\x00ff00ff')),
	(ffu.file(NULL, '')), (ffu.file('photo', t.png())), (ffu.file('photo.', t.png()))
	RETURNING f__file_name, f__ext, f__mime_type,
	substring(picture FROM '[^-]*$') ~ '^[a-z2-7]{26}(\.[a-z0-9]+)?$' AS path;
DELETE FROM n;
ALTER TABLE n RENAME picture TO f;

-- companions that a client sends are ignored, but for the name
INSERT INTO n (f, f__file_name, f__mime_type, f__ext, f__size, f__sha256)
	VALUES (ffu.file('real.txt', 'text'), 'sent.txt', 'image/png', 'png', 7, 'sent'),
		   (ffu.file(NULL, 'text'), 'sent.md', NULL, NULL, NULL, NULL),
		   (ffu.file(NULL, 'text'), '../sent', NULL, NULL, NULL, NULL),
		   ('data:,text', '', NULL, NULL, NULL, NULL),
		   (NULL, 'sent.txt', 'image/png', 'png', 7, 'sent')
	RETURNING id, f__file_name, f__mime_type, f__ext, f__size, left(f__sha256, 8) AS sha256,
	substring(f FROM '\.[a-z]+$') AS path;
UPDATE n SET f__mime_type = 'image/png', f__ext = 'png', f__size = 7, f__sha256 = 'sent', note = 'x'
	RETURNING f__mime_type, f__ext, f__size, left(f__sha256, 8) AS sha256;

-- a change of the name renames the download; its extension stays
SELECT id, f AS path FROM n WHERE f__file_name = 'real.txt' \gset
UPDATE n SET f__file_name = 'renamed.txt' WHERE id = :id
	RETURNING f__file_name, f = :'path' AS same;
UPDATE n SET f__file_name = 'dir/no extension' WHERE id = :id
	RETURNING f__file_name, f = :'path' AS same;
UPDATE n SET f__file_name = 'UPPER.TXT' WHERE id = :id RETURNING f__file_name, f__ext;
UPDATE n SET f__file_name = NULL WHERE id = :id RETURNING f__file_name;
UPDATE n SET f__file_name = '' WHERE id = :id RETURNING f__file_name;
SELECT t.full_error(format('UPDATE n SET f__file_name = %L WHERE id = %s', v, :id))
	FROM unnest(ARRAY['evil.exe', 'a.md', '/', repeat('x', 300)]) v;
UPDATE n SET f__file_name = 'with a new file.txt', f = ffu.file(NULL, 'new') WHERE id = :id
	RETURNING f__file_name, f__size;
UPDATE n SET f__file_name = 'gone.txt', f = NULL WHERE id = :id RETURNING f, f__file_name, f__size;
UPDATE n SET f__file_name = 'of no file.txt' WHERE id = :id RETURNING f, f__file_name;
DROP TABLE n;
SELECT t.finish();
