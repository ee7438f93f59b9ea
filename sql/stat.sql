-- ffu.stat: what is counted. Nothing is preloaded here, so it counts this session.
CREATE TABLE st (id int PRIMARY KEY);
SELECT ffu.add_column('st', 'f');
CREATE VIEW t.counted AS SELECT s.stored_files, s.stored_bytes, s.published_files,
	s.published_bytes, s.undone_files, s.deleted_files, s.swept_files, s.failed FROM ffu.stat s;
CREATE FUNCTION t.since(was json) RETURNS TABLE (what text, counted bigint) LANGUAGE sql AS $$
	SELECT n.key, n.value::text::bigint - (was->>n.key)::bigint
	FROM json_each((SELECT row_to_json(c) FROM t.counted c)) WITH ORDINALITY n
	WHERE n.value::text::bigint <> (was->>n.key)::bigint ORDER BY n.ordinality
$$;
SELECT row_to_json(c) AS was FROM t.counted c \gset
-- stored and published
INSERT INTO st VALUES (1, ffu.file('a.txt', 'one')), (2, ffu.file('a.txt', 'three'));
SELECT * FROM t.since(:'was');
-- stored and undone: rolled back, to a savepoint, and an upload whose row was not written
SELECT row_to_json(c) AS was FROM t.counted c \gset
BEGIN;
INSERT INTO st VALUES (3, ffu.file('a.txt', 'lost'));
ROLLBACK;
BEGIN;
SAVEPOINT s;
INSERT INTO st VALUES (3, ffu.file('a.txt', 'lost'));
ROLLBACK TO s;
COMMIT;
INSERT INTO st VALUES (1, ffu.file('a.txt', 'lost')) ON CONFLICT DO NOTHING;
SELECT * FROM t.since(:'was');
-- deleted: replaced, and the row gone; counted when they are struck off
SELECT row_to_json(c) AS was FROM t.counted c \gset
UPDATE st SET f = ffu.file('b.txt', 'new') WHERE id = 1;
DELETE FROM st WHERE id = 2;
SELECT t.settle();
SELECT * FROM t.since(:'was');
-- a copy is stored as well
SELECT row_to_json(c) AS was FROM t.counted c \gset
INSERT INTO st SELECT 4, f FROM st WHERE id = 1;
SELECT * FROM t.since(:'was');
DROP FUNCTION t.since;
DROP VIEW t.counted;
DROP TABLE st;
SELECT t.finish();
