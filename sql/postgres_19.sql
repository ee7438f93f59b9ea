-- What a beta of PostgreSQL 19 brought, and its release candidate has not: ALTER TABLE ...
-- MERGE PARTITIONS and SPLIT PARTITION, which move rows without triggers.
\set SHOW_CONTEXT never
SELECT count(*) > 0 AS has_it FROM pg_get_keywords() WHERE word = 'split' \gset
\if :has_it
\else
	\echo not on this server
	\quit
\endif
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
-- without file columns it is no business of ours
ALTER TABLE parts MERGE PARTITIONS (p1, p2) INTO p3;
ALTER TABLE parts SPLIT PARTITION p3 INTO (PARTITION p1 FOR VALUES
	FROM (0) TO (10), PARTITION p2 FOR VALUES FROM (10) TO (20));
SELECT ffu.add_column('parts', 'f', allowed_extensions => '{txt}');
INSERT INTO parts (id, f) SELECT i, ffu.file('a.txt', convert_to('file ' || i, 'UTF8'))
	FROM unnest('{1,11}'::int[]) i;
SELECT t.full_error('ALTER TABLE parts MERGE PARTITIONS (p1, p2) INTO p3');
SELECT t.full_error('ALTER TABLE parts SPLIT PARTITION p1 INTO (PARTITION p3 FOR VALUES FROM (0) '
	'TO (5), PARTITION p4 FOR VALUES FROM (5) TO (10))');
SELECT tableoid::regclass, id, t.text(f) FROM parts ORDER BY id;
SELECT * FROM t.settled_files();
DROP TABLE parts;
SELECT t.finish();
