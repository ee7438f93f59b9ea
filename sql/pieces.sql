-- Uploads in pieces: ffu.upload_begin and ffu.upload_append within one transaction.
\set SHOW_CONTEXT never
CREATE TABLE p (id int PRIMARY KEY, note text);
SELECT ffu.add_column('p', 'f', allowed_extensions => '{txt,png}');
SELECT ffu.add_column('p', 'small', allowed_extensions => '{*}', max_size => 10);
-- whether the companions tell the truth about the file
CREATE VIEW told AS SELECT id, note, f__file_name AS name, f__mime_type AS mime_type,
	f__size AS size, f__size = ffu.size(f) AND f__sha256 = encode(sha256(ffu.content(f)), 'hex')
	AS true FROM p WHERE f IS NOT NULL;

-- three pieces, in statements of their own
BEGIN;
SELECT ffu.upload_begin('poem.txt') AS u \gset
SELECT ffu.upload_append(:'u', 'one '), ffu.upload_append(:'u', 4, 'two '),
	ffu.upload_append(:'u', '') AS nothing;
SELECT ffu.upload_append(:'u', 'three'), ffu.upload_offset(:'u');
-- it can be read before it is complete
SELECT t.text(:'u'), ffu.size(:'u');
SELECT * FROM t.files();
INSERT INTO p VALUES (1, 'three pieces', :'u') RETURNING t.mask(f), t.text(f);
COMMIT;
SELECT * FROM told;
-- no bytes, no name; the extension is that of the content
BEGIN;
INSERT INTO p VALUES (2, 'no bytes', ffu.upload_begin('empty.txt'));
SELECT ffu.upload_begin(NULL) AS u \gset
SELECT ffu.upload_append(:'u', b)
	FROM (VALUES (1, substr(t.png(), 1, 9)), (2, substr(t.png(), 10))) v(n, b) ORDER BY n;
INSERT INTO p VALUES (3, 'no name', :'u');
COMMIT;
SELECT * FROM told WHERE id > 1;
-- larger than what libmagic is shown, than a chunk and than a slice; many at a time; used twice
BEGIN;
CREATE TEMP TABLE u AS SELECT i, ffu.upload_begin(i || '.txt') AS u FROM generate_series(1, 6) i;
DO $$ BEGIN FOR k IN 1..7
		LOOP PERFORM ffu.upload_append(u, convert_to(repeat('0123456789', 70000 + k), 'UTF8'))
	FROM u; END LOOP; END $$;
INSERT INTO p SELECT 10 + i, 'large', u FROM u;
INSERT INTO p SELECT 20 + i, 'copy', u FROM u WHERE i < 3;
COMMIT;
DROP TABLE u;
SELECT count(*), size, true FROM told WHERE id > 10 GROUP BY 2, 3;
DELETE FROM p;
SELECT * FROM t.settled_files();

-- savepoints: what was appended in one goes with it
BEGIN;
SELECT ffu.upload_begin('s.txt') AS u \gset
SELECT ffu.upload_append(:'u', 'kept ');
SAVEPOINT a;
SELECT ffu.upload_append(:'u', 'lost ');
SAVEPOINT b;
SELECT ffu.upload_append(:'u', 'lost too ');
ROLLBACK TO b;
SELECT ffu.upload_offset(:'u'), t.text(:'u');
ROLLBACK TO a;
SELECT ffu.upload_offset(:'u'), t.text(:'u'), ffu.size(:'u');
SAVEPOINT c;
SELECT ffu.upload_append(:'u', 'released ');
SAVEPOINT d;
SELECT ffu.upload_append(:'u', 'released too ');
RELEASE d;
RELEASE c;
SAVEPOINT e;
SELECT ffu.upload_append(:'u', 'lost as well ');
SAVEPOINT f;
SELECT ffu.upload_append(:'u', 'lost as well ');
RELEASE f;
ROLLBACK TO e;
SELECT ffu.upload_append(:'u', 'end');
INSERT INTO p VALUES (1, 'savepoints', :'u') RETURNING t.text(f);
COMMIT;
SELECT * FROM told;
-- assigned in a savepoint that is rolled back: it can go on
BEGIN;
SELECT ffu.upload_begin('s.txt') AS u \gset
SELECT ffu.upload_append(:'u', 'before ');
SAVEPOINT a;
INSERT INTO p VALUES (2, 'lost', :'u') RETURNING t.text(f);
ROLLBACK TO a;
SELECT ffu.upload_append(:'u', 'after');
INSERT INTO p VALUES (2, 'went on', :'u');
COMMIT;
SELECT told.*, t.text(f) FROM told JOIN p USING (id, note) WHERE id = 2;
-- begun in a savepoint that is rolled back; in one that is released
BEGIN;
SAVEPOINT a;
SELECT ffu.upload_begin('s.txt') AS u \gset
SELECT ffu.upload_append(:'u', 'lost');
ROLLBACK TO a;
SAVEPOINT b;
SELECT t.error(format('SELECT ffu.upload_append(%L, ''x'')', :'u'));
SELECT ffu.upload_begin('s.txt') AS u \gset
SELECT ffu.upload_append(:'u', 'kept');
RELEASE b;
INSERT INTO p VALUES (3, 'released', :'u') RETURNING t.text(f);
COMMIT;
-- each piece in an EXCEPTION block, every third of which fails
DO $$
DECLARE
	u text := ffu.upload_begin('block.txt');
BEGIN
	FOR i IN 1..9 LOOP
		BEGIN
			PERFORM ffu.upload_append(u, convert_to(i::text, 'UTF8'));
			IF i % 3 = 0 THEN RAISE division_by_zero; END IF;
		EXCEPTION WHEN division_by_zero THEN
			NULL;
		END;
	END LOOP;
	INSERT INTO p VALUES (4, 'blocks', u);
END
$$;
SELECT told.*, t.text(f) FROM told JOIN p USING (id, note) WHERE id > 2;

-- endings: what is begun and not assigned, rolled back, or has no row
BEGIN;
SELECT ffu.upload_append(ffu.upload_begin('unused.txt'), 'x');
COMMIT;
BEGIN;
SELECT ffu.upload_append(ffu.upload_begin('rolled back.txt'), 'x');
ROLLBACK;
BEGIN;
SELECT ffu.upload_begin('conflict.txt') AS u \gset
SELECT ffu.upload_append(:'u', 'x');
INSERT INTO p VALUES (1, 'conflict', :'u') ON CONFLICT DO NOTHING;
COMMIT;
SELECT count(*) FROM p;
SELECT file FROM t.files() WHERE file LIKE '.ffu%';

-- limits: refused at the first byte too many, before it is written; the upload is still usable
CREATE FUNCTION pg_temp.try(statement text) RETURNS SETOF text LANGUAGE sql
	AS $$ SELECT t.full_error(statement) $$;
BEGIN;
SELECT ffu.upload_begin('limit.txt', max_size => 5) AS u \gset
SELECT ffu.upload_append(:'u', '1234');
SELECT pg_temp.try(format('SELECT ffu.upload_append(%L, ''56'')', :'u'));
SELECT ffu.upload_append(:'u', '5'), ffu.upload_append(:'u', '');
SELECT pg_temp.try(format('SELECT ffu.upload_append(%L, ''6'')', :'u'));
INSERT INTO p VALUES (5, 'limit', :'u') RETURNING t.text(f);
COMMIT;
SET ffu.max_content_length = '1kB';
BEGIN;
SELECT ffu.upload_begin('limit.txt', max_size => '1 MB') AS u \gset
SELECT ffu.upload_append(:'u', convert_to(repeat('x', 1024), 'UTF8'));
SELECT pg_temp.try(format('SELECT ffu.upload_append(%L, ''y'')', :'u'));
INSERT INTO p VALUES (6, 'limit', :'u') RETURNING f__size;
COMMIT;
RESET ffu.max_content_length;
-- the column's policy is checked when it is assigned
BEGIN;
SELECT ffu.upload_begin('column.txt') AS u \gset
SELECT ffu.upload_append(:'u', '12345678901');
SELECT pg_temp.try(format('INSERT INTO p (id, small) VALUES (7, %L)', :'u'));
INSERT INTO p VALUES (7, 'other column', :'u') RETURNING t.text(f);
COMMIT;

-- bad input
BEGIN;
SELECT ffu.upload_begin('bad.txt') AS u \gset
SELECT ffu.upload_append(:'u', 'abc');
SELECT pg_temp.try(format('SELECT ffu.upload_append(%L, %s, ''x'')', :'u', start))
	FROM unnest('{0,2,4,-1}'::int[]) start;
SELECT ffu.upload_append(:'u', NULL), ffu.upload_append(NULL, 'x'),
	ffu.upload_append(:'u', NULL, 'x');
INSERT INTO p VALUES (8, 'bad', :'u') RETURNING t.text(f);
SELECT pg_temp.try(format('SELECT ffu.upload_append(%L, ''x'')', :'u'));
UPDATE p SET f = NULL WHERE id = 8;
SELECT pg_temp.try(format('SELECT ffu.upload_append(%L, ''x'')', ffu.file('at once.txt', 'x')));
INSERT INTO p VALUES (9, 'of ffu.file', ffu.file('a.txt', 'x'));
SET LOCAL ffu.unused_upload = ignore;
COMMIT;
SELECT pg_temp.try(format('SELECT ffu.upload_append(%L, ''x'')', :'u'));
SELECT pg_temp.try(format('SELECT ffu.upload_append(%L, ''x'')', u))
	FROM unnest('{upload:x,"",e/1/f.txt,upload:1.1}'::text[]) u;
SELECT pg_temp.try(format('SELECT ffu.upload_offset(%L)', u))
	FROM unnest('{upload:1.1,x}'::text[]) u;
SELECT pg_temp.try(format('SELECT ffu.upload_begin(''a.txt'', max_size => %L)', size))
	FROM unnest('{0,-1,x}'::text[]) size;
SELECT pg_temp.try('SELECT ffu.upload_begin('''')');
BEGIN READ ONLY;
SELECT ffu.upload_begin('a.txt');
ROLLBACK;
BEGIN READ ONLY;
SELECT ffu.upload_append('upload:1.1', 'x');
ROLLBACK;
DROP VIEW told;
DROP TABLE p;
SELECT t.finish();
