-- What a column, or the database, allows: extensions, types, sizes, and that a
-- name does not contradict its content.
CREATE TABLE p (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
SELECT ffu.add_column('p', 'f');
-- stores a file, or gives the error
CREATE FUNCTION t.put(name text, bytes bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r text;
BEGIN
	INSERT INTO p (f) VALUES (ffu.file(name, bytes))
	RETURNING f__file_name || ': ' || f__mime_type INTO r;
	RETURN r;
EXCEPTION WHEN OTHERS THEN
	RETURN t.error(format('INSERT INTO p (f) VALUES (ffu.file(%L, %L))', name, bytes));
END
$$;

-- the default: no active content
SELECT t.put(n, 'text') FROM unnest('{a.txt,a.TXT,a.html,a.svg,a.js,a.php,a.exe,a.pl}'::text[]) n;
SELECT t.put(NULL, '<!DOCTYPE html><html><body>x</body></html>');
SELECT t.full_error($$INSERT INTO p (f) VALUES (ffu.file('a.html', 'x'))$$);
-- by setting
SET ffu.allowed_extensions = 'html, svg';
SELECT t.put('a.html', 'text'), t.put('a.txt', 'text'), t.put('a', 'text');
SET ffu.allowed_extensions = '*';
SELECT t.put('a.exe', 'text'), t.put('a.whatever', 'text'), t.put('empty', '');
SET ffu.allowed_extensions = '';
SELECT t.put('a.txt', 'text');
SELECT t.full_error($$INSERT INTO p (f) VALUES (ffu.file('empty', ''))$$);
-- a column's own list replaces the setting's
SELECT ffu.alter_column('p', 'f', allowed_extensions => '{PNG,.html}');
SELECT t.put('a.html', 'text'), t.put('a.png', t.png()), t.put('a.gif', t.gif());
SELECT t.full_error($$INSERT INTO p (f) VALUES (ffu.file('a.txt', 'x'))$$);
SELECT ffu.alter_column('p', 'f', allowed_extensions => '{}');
SELECT t.put('a.html', 'text'), t.put('empty', '');
SELECT ffu.alter_column('p', 'f', allowed_extensions => '{*}');
SELECT t.put('a.html', 'text'), t.put('empty', '');
RESET ffu.allowed_extensions;
SELECT t.put('a.exe', 'text');

-- mime types, found in the content
SELECT ffu.alter_column('p', 'f', allowed_mime_types => '{image/*,application/pdf}');
SELECT t.put('a.png', t.png()), t.put('a.gif', t.gif()), t.put('a.pdf', t.pdf()),
	t.put('a.txt', 'text'), t.put('a.mp4', t.mp4());
SELECT t.full_error($$INSERT INTO p (f) VALUES (ffu.file('a.png', 'not a picture'))$$);
SELECT ffu.alter_column('p', 'f', allowed_mime_types => '{image/png}');
SELECT t.put('a.png', t.png()), t.put('a.gif', t.gif());
SELECT ffu.alter_column('p', 'f', allowed_mime_types => '{}');
SELECT t.full_error($$INSERT INTO p (f) VALUES (ffu.file('a.png', t.png()))$$);
SELECT ffu.alter_column('p', 'f', allowed_mime_types => '{*}');
SELECT t.put('a.png', t.png()), t.put('a.txt', 'text');
SELECT ffu.alter_column('p', 'f', reset => '{allowed_mime_types,allowed_extensions}');

-- a name that contradicts the content
SELECT t.full_error($$INSERT INTO p (f) VALUES (ffu.file('a.jpg', t.png()))$$);
SELECT t.put('a.pdf', 'text'), t.put('a.txt', t.png()), t.put('a.png', t.gif()),
	t.put('a.mp4', t.pdf());
SELECT t.put('a.mov', t.mp4()), t.put('a.md', 'text'), t.put('a.pdf', '');

-- the check of names against content, by setting and by column, which comes first
SET ffu.content_check = warning;
INSERT INTO p (f) VALUES (ffu.file('a.jpg', t.png())) RETURNING f__file_name, f__mime_type, f__ext;
SELECT ffu.alter_column('p', 'f', content_check => 'error');
SELECT t.put('a.jpg', t.png());
SELECT ffu.alter_column('p', 'f', content_check => 'off');
RESET ffu.content_check;
SELECT t.put('a.jpg', t.png()), t.put('a.html', 'x');
SELECT content_check FROM ffu.columns WHERE relation = 'p'::regclass;
SELECT ffu.alter_column('p', 'f', allowed_mime_types => '{image/jpeg}');
SELECT t.put('a.jpg', t.png());
SELECT ffu.alter_column('p', 'f', reset => '{content_check,allowed_mime_types}');
SELECT content_check FROM ffu.columns WHERE relation = 'p'::regclass;
SELECT t.put('a.jpg', t.png());
SELECT t.full_error($$SELECT ffu.alter_column('p', 'f', content_check => 'perhaps')$$);
SELECT t.full_error($$SELECT ffu.alter_column('p', 'f', content_check => 'off',
		reset => '{content_check}')$$);
SET ffu.content_check = maybe;
CREATE TABLE part (id int, kind text) PARTITION BY LIST (kind);
CREATE TABLE part_a PARTITION OF part FOR VALUES IN ('a');
SELECT ffu.add_column('part', 'f', content_check => 'off');
CREATE TABLE part_b (LIKE part);
ALTER TABLE part ATTACH PARTITION part_b FOR VALUES IN ('b');
INSERT INTO part SELECT 1, k, ffu.file('a.jpg', t.png()) FROM unnest('{a,b}'::text[]) k;
ALTER TABLE part DETACH PARTITION part_b;
INSERT INTO part_b (id, kind, f) VALUES (2, 'b', ffu.file('a.jpg', t.png()));
SELECT relation, content_check, count(*) OVER () FROM ffu.columns
	WHERE relation IN ('part'::regclass, 'part_b'::regclass) ORDER BY relation::text;
DROP TABLE part, part_b;

-- time in libmagic: a text of very many lines is shown to fewer regular expressions
SET client_min_messages = debug1;
INSERT INTO p (f) VALUES (ffu.file('lines.txt', repeat('x' || chr(10), 500000)::bytea))
	RETURNING f__mime_type;
INSERT INTO p (f) VALUES (ffu.file('markup.txt', repeat('<', 1000000)::bytea))
	RETURNING f__mime_type;
INSERT INTO p (f) VALUES (ffu.file('text.txt', repeat('a line of text' || chr(10), 60000)::bytea))
	RETURNING f__mime_type;
INSERT INTO p (f) VALUES (ffu.file('short.txt', repeat('a' || chr(10), 2048)::bytea)),
	(ffu.file('more.txt', repeat('a' || chr(10), 2049)::bytea));
RESET client_min_messages;

-- sizes: to the byte; by column, by setting, the stricter one
SELECT ffu.alter_column('p', 'f', max_size => 10);
SELECT t.put('a.txt', '1234567890'), t.put('a.txt', '12345678901');
SELECT t.full_error($$INSERT INTO p (f) VALUES (ffu.file('a.txt', '12345678901'))$$);
SELECT t.full_error($$INSERT INTO p (f) VALUES ('data:,12345678901')$$);
SET ffu.max_content_length = '1kB';
SELECT ffu.alter_column('p', 'f', max_size => '1 GB');
SELECT t.full_error($$INSERT INTO p (f) VALUES (ffu.file('a.txt', repeat('x', 1025)::bytea))$$);
SELECT t.full_error($$INSERT INTO p (f) VALUES ('data:,' || repeat('x', 1025))$$);
SELECT lo_from_bytea(0, convert_to(repeat('x', 1025), 'UTF8')) AS large_object \gset
SELECT t.full_error($$INSERT INTO p (f) VALUES (ffu.from_large_object('a.txt', $$ || :large_object
	|| '))');
SELECT lo_unlink(:large_object);
SELECT t.put('a.txt', repeat('x', 1024)::bytea);
RESET ffu.max_content_length;
SELECT t.put('a.txt', repeat('x', 1025)::bytea);

-- a copy of a file must be allowed where it goes; so must EXCLUDED of another column
CREATE TABLE q (id int PRIMARY KEY);
SELECT ffu.add_column('q', 'free', allowed_extensions => '{*}');
SELECT ffu.add_column('q', 'picture', allowed_extensions => '{png}', max_size => 100);
SELECT t.error('INSERT INTO q (id, picture) SELECT 1, f FROM p WHERE f__ext = ''txt''');
SELECT t.error('INSERT INTO q (id, free, picture) SELECT 1, u, u FROM (SELECT ffu.file(''a.txt'', '
	'''x'') AS u) s');
INSERT INTO q (id) VALUES (1);
SELECT t.error('INSERT INTO q (id, free) VALUES (1, ffu.file(''a.exe'', ''x'')) ON CONFLICT (id) '
	'DO UPDATE SET picture = EXCLUDED.free');
-- files that are there when the policy changes stay
SELECT ffu.alter_column('q', 'free', allowed_extensions => '{*}');
UPDATE q SET free = ffu.file('a.exe', 'x');
SELECT ffu.alter_column('q', 'free', allowed_extensions => '{png}', max_size => 1);
UPDATE q SET id = 2, free = free, free__file_name = 'b.exe' RETURNING free__file_name;

-- required
CREATE TABLE r (id int PRIMARY KEY);
SELECT ffu.add_column('r', 'f', required => true);
SELECT t.error(format('INSERT INTO r (id, f) VALUES (1, %s)', v))
	FROM unnest(ARRAY['NULL', '''''', 'DEFAULT', 'ffu.file(NULL, NULL)']) v;
INSERT INTO r VALUES (1, ffu.file('a.txt', 'x'));
SELECT code, message, tab, col FROM t.catch('UPDATE r SET f = NULL');
SELECT t.text(f) FROM r;
DROP TABLE p, q, r;
DROP FUNCTION t.put;
SELECT t.finish();
