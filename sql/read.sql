-- Reading: content, ranges, streams, sizes, URLs.
CREATE TABLE r (id int PRIMARY KEY);
SELECT ffu.add_column('r', 'doc');
INSERT INTO r VALUES (1, ffu.file('digits.txt', '0123456789')), (2, NULL),
	(3, ffu.file('empty.txt', ''));
SELECT id, encode(ffu.content(doc), 'hex') AS content, ffu.size(doc) AS size FROM r ORDER BY id;
-- ranges
SELECT s, c, convert_from(ffu.content(doc, s, c), 'UTF8') FROM r,
	(VALUES (0, 3), (3, 3), (8, 5), (10, 1), (11, 1), (0, 0), (5, 0), (0, 9223372036854775807),
	(9223372036854775807, 9223372036854775807)) v (s, c)
 WHERE id = 1;
SELECT encode(ffu.content(doc, 0, 1), 'hex') AS empty FROM r WHERE id = 3;
SELECT ffu.content(doc, NULL, 1) IS NULL AND ffu.content(doc, 1, NULL) IS NULL
	AND ffu.content(NULL, 1, 1) IS NULL AS nulls FROM r WHERE id = 1;
SELECT t.full_error('SELECT ffu.content(doc, -1, 1) FROM r');
SELECT t.full_error('SELECT ffu.content(doc, 0, -1) FROM r');
-- streams
SELECT convert_from(piece, 'UTF8') FROM r, ffu.stream(doc, 4) WITH ORDINALITY AS s (piece, i)
	WHERE id = 1 ORDER BY i;
SELECT count(*) AS pieces FROM r, ffu.stream(doc, 4) WHERE id IN (2, 3);
SELECT count(*) AS pieces, sum(length(s)) AS bytes FROM r, ffu.stream(doc) s;
SELECT encode(ffu.stream(doc, 1), 'hex') AS stream FROM r WHERE id = 1 LIMIT 2;
SELECT t.full_error('SELECT ffu.stream(doc, 0) FROM r WHERE id = 1');
SELECT t.full_error('SELECT ffu.stream(doc, -5) FROM r WHERE id = 1');
BEGIN;
DECLARE c CURSOR FOR SELECT convert_from(s, 'UTF8') FROM r, ffu.stream(doc, 3) s WHERE id = 1;
FETCH 2 FROM c;
COMMIT;
-- large: the same bytes in every way
UPDATE r SET doc = ffu.file('big.txt', convert_to(repeat('0123456789abcdef', 200000), 'UTF8'))
	WHERE id = 2;
SELECT encode(sha256(ffu.content(doc)), 'hex') = doc__sha256 AS content,
	   encode(sha256((SELECT string_agg(s, '' ORDER BY i)
	     FROM ffu.stream(doc, 100001) WITH ORDINALITY AS x (s, i))), 'hex') = doc__sha256 AS stream,
	   encode(sha256(ffu.content(doc, 0, 2000000) || ffu.content(doc, 2000000, 2000000)),
	     'hex') = doc__sha256 AS ranges,
	   ffu.size(doc) = doc__size AS size
  FROM r WHERE id = 2;
-- a large value is read only where its bytes are needed, and is the same wherever it has been
CREATE TABLE large (i int, c bytea);
CREATE FUNCTION by_variable(path text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE c bytea := ffu.content(path); d bytea; r record;
	BEGIN
		d := c;
		SELECT ffu.content(path, 0, 100000) AS head, ffu.content(path) AS c INTO r;
		PERFORM FROM (SELECT ffu.content(path)) x;
		IF d = r.c AND substr(d, 1, 100000) = r.head THEN RETURN encode(sha256(d), 'hex'); END IF;
	END $$;
CREATE FUNCTION by_sql(path text) RETURNS bytea LANGUAGE sql VOLATILE
	AS $$ SELECT ffu.content(path) $$;
WITH f AS MATERIALIZED (SELECT g, ffu.content(doc) AS c FROM r, generate_series(1, 3) g
	WHERE id = 2)
INSERT INTO large
	SELECT g, c FROM f
	UNION ALL SELECT 4, (SELECT (array_agg(ffu.content(doc)))[1] FROM r WHERE id = 2)
	UNION ALL (SELECT 5, ffu.content(doc) FROM r WHERE id = 2 ORDER BY 2)
	UNION ALL SELECT 6, (ROW(1, ffu.content(doc))::large).c FROM r WHERE id = 2
	UNION ALL SELECT 7, lag(ffu.content(doc)) OVER (ORDER BY x) FROM r, generate_series(1, 2) x
	WHERE id = 2 AND x > 0
	UNION ALL SELECT 8, coalesce(NULL, CASE WHEN id = 2 THEN ffu.content(doc) END) FROM r
	WHERE id = 2
	UNION ALL SELECT 9, by_sql(doc) FROM r WHERE id = 2
	UNION ALL SELECT 10, string_agg(ffu.content(doc, s, 800000), '' ORDER BY s)
	FROM r, generate_series(0, 2400000, 800000) s WHERE id = 2;
SELECT i, encode(sha256(c), 'hex') = doc__sha256 AS same FROM large, r WHERE id = 2
	ORDER BY i, c NULLS FIRST;
SELECT by_variable(doc) = doc__sha256 AS variable, length(ffu.content(doc)),
	length(ffu.content(doc, 3000000, 1000000)), length(ffu.content(doc, 4000000, 100000)),
	get_byte(ffu.content(doc), 3199999), convert_from(substr(ffu.content(doc), 1000001, 3), 'UTF8')
	FROM r WHERE id = 2;
DROP TABLE large;
DROP FUNCTION by_variable, by_sql;

-- a file written earlier in this transaction, also one that has no row yet
BEGIN;
UPDATE r SET doc = ffu.file('new.txt', 'written just now') WHERE id = 1;
SELECT t.text(doc), ffu.size(doc), convert_from(ffu.content(doc, 8, 4), 'UTF8') FROM r WHERE id = 1;
SELECT convert_from(s, 'UTF8') FROM r, ffu.stream(doc, 8) s WHERE id = 1;
ROLLBACK;
SELECT t.text(doc) FROM r WHERE id = 1;
BEGIN;
SELECT ffu.file('a.txt', 'an upload') AS u \gset
SELECT t.text(:'u'), ffu.size(:'u');
ROLLBACK;
SELECT t.error(format('SELECT ffu.size(%L)', :'u'));

-- what is no file
SELECT t.full_error(format('SELECT ffu.content(%L)', p))
	FROM unnest(ARRAY['', 'r/1', '../' || repeat('a', 26), '.ffu/owner', '/etc/passwd',
	'r/1/doc-' || repeat('a', 26) || '.txt', 'r/' || repeat('a', 26),
	repeat('a', 26) || '/' || repeat('../', 5), repeat('long', 100)]) p;
SELECT t.error(format('SELECT ffu.size(%L)', 'r/1/doc-' || repeat('a', 26))),
	t.error(format('SELECT ffu.stream(%L)', 'r/1/doc-' || repeat('a', 26)));
-- nothing leads out of the folder: links are not followed
SELECT substring(doc FROM '[^/]+$') AS name FROM r WHERE id = 1 \gset
SELECT t.shell(format('mkdir folder/r/evil; ln -s /etc folder/r/evil/%1$s; ln -s ../1/%2$s '
	'folder/r/%1$s', repeat('b', 26), :'name'));
SELECT t.error(format('SELECT ffu.content(%L)', p))
	FROM unnest(ARRAY['r/' || repeat('b', 26), 'r/evil/' || repeat('b', 26) || '/passwd',
	'r/evil/' || repeat('b', 26)]) p;
SELECT t.shell(format('rm -r folder/r/evil folder/r/%s', repeat('b', 26)));

-- URLs
SELECT ffu.url('a/b.txt'), ffu.url(NULL), ffu.url('');
SELECT base, ffu.url('a/b.txt', base)
	FROM unnest(ARRAY['https://files.example.com/', 'https://files.example.com', '/files',
	'/files/', '', '/', '/get?path=', '//cdn/x', NULL]) base;
SET ffu.base_url = 'https://cdn.example.com/x';
SELECT ffu.url('a/b.txt'), ffu.url('a/b.txt', '/other/');
-- by a function that is not inlined, too
SELECT t.mask(r.doc_url) AS doc_url, t.mask(r.r_doc_url) AS r_doc_url,
	t.mask(doc_url(r)) = t.mask(ffu.url(doc)) AS same FROM r ORDER BY id;
RESET ffu.base_url;
BEGIN;
SET LOCAL ffu.base_url = '';
SELECT t.mask(r.doc_url) FROM r WHERE id = 1;
COMMIT;
SELECT t.mask(r.doc_url) FROM r WHERE id = 1;
SET ffu.base_url = 'javascript:alert("x")';
DROP TABLE r;
SELECT t.finish();
