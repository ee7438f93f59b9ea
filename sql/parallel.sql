-- Parallel plans: what may run in them gives the same answers there. script/test
-- also runs all other files a second time with such plans.

-- The labels of all functions that are not UNSAFE.
SELECT proparallel AS label, p.oid::regprocedure AS function FROM pg_proc p
 WHERE pronamespace = 'ffu'::regnamespace AND proparallel <> 'u'
   ORDER BY 1, p.oid::regprocedure::text COLLATE "C";
-- A function that is not in C must not write, begin a subtransaction, or call
-- a function with a stricter label.
SELECT p.oid::regprocedure AS "wrong label", coalesce(found[1], found[2]) AS because
  FROM pg_proc p
  JOIN pg_language l ON l.oid = prolang AND lanname <> 'c',
	   regexp_matches(pg_get_functiondef(p.oid),
			'[[:<:]](INSERT|UPDATE|DELETE|TRUNCATE|EXCEPTION '
			'WHEN|nextval|setval)[[:>:]]|ffu[.]([a-z_]+)[(]', 'g') found
 WHERE pronamespace = 'ffu'::regnamespace AND prokind = 'f'
   AND (found[1] IS NOT NULL OR EXISTS (SELECT FROM pg_proc called
     WHERE called.pronamespace = p.pronamespace
			AND called.proname = found[2]
			AND strpos('sru', called.proparallel::text) > strpos('sru', p.proparallel::text)))
   AND proparallel <> 'u';
-- the same of what add_column makes
CREATE TABLE blogs (id int PRIMARY KEY, title text);
SELECT ffu.add_column('blogs', 'photo');
SELECT p.oid::regprocedure AS function, proparallel AS label FROM pg_proc p
 WHERE pronamespace = 'public'::regnamespace AND proname LIKE '%photo_url'
   ORDER BY p.oid::regprocedure::text COLLATE "C";

-- A plan that is parallel without being forced.
INSERT INTO blogs SELECT i, 'title ' || i FROM generate_series(1, 2000) i;
UPDATE blogs SET photo = ffu.file('needle.txt', 'found') WHERE id = 1000;
ANALYZE blogs;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET enable_seqscan = on;
EXPLAIN (COSTS OFF) SELECT ffu.content(photo) FROM blogs WHERE title = 'title 1000';
SELECT convert_from(ffu.content(photo), 'UTF8') AS content,
	convert_from(ffu.content(photo, 1, 3), 'UTF8') AS part,
	   ffu.size(photo), t.mask(ffu.url(photo)) AS url, t.mask(b.photo_url) AS field
  FROM blogs b WHERE title = 'title 1000';
SELECT convert_from(p, 'UTF8') AS piece FROM blogs, ffu.stream(photo, 2) p
	WHERE title = 'title 1000';
SELECT convert_from(ffu.stream(photo, 3), 'UTF8') AS piece FROM blogs WHERE title = 'title 1000';
-- by key: never in a parallel plan
SELECT t.mask(ffu.get_file_url('blogs', id, 'photo')) AS url,
	(SELECT count(*) FROM ffu.stream_file('blogs', id, 'photo')) AS pieces
  FROM blogs WHERE title = 'title 1000';
-- an upload that comes in pieces, of this transaction and a resumable one
SELECT ffu.upload_begin('pieces.txt', resumable => true) AS upload \gset
SELECT ffu.upload_append(:'upload', 0, 'bytes');
SELECT ffu.upload_offset(:'upload'), s.file_name, s.size FROM blogs, ffu.upload_status(:'upload') s
	WHERE title = 'title 1000';
BEGIN;
SELECT ffu.upload_begin('pieces.txt') AS mine \gset
SELECT ffu.upload_append(:'mine', 'some');
SELECT ffu.upload_offset(:'mine'), ffu.size(:'mine'), convert_from(ffu.content(:'mine'), 'UTF8')
	AS content FROM blogs WHERE title = 'title 1000';
ROLLBACK;
SELECT ffu.upload_cancel(:'upload');
-- errors are the same as ever
SELECT t.error(format('SELECT ffu.upload_offset(%L) FROM blogs WHERE title = ''title 1000''',
	:'upload'));
SELECT t.error('SELECT ffu.size(title) FROM blogs WHERE title = ''title 1000''');
-- what writes is never in a parallel plan
EXPLAIN (COSTS OFF) SELECT ffu.file(title, 'x') FROM blogs WHERE title = 'title 1000';
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT convert_from(ffu.content(photo), 'UTF8') AS content FROM blogs WHERE title = 'title 1000';
COMMIT;
DROP TABLE blogs;
SELECT t.finish();
