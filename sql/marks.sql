-- Files that stay without a row, and rows that stay without a file, by wish:
-- clean_up of ffu.delete_files, and the values behind it.
\set SHOW_CONTEXT never
CREATE TABLE m (id int PRIMARY KEY, note text);
SELECT ffu.add_column('m', 'f', allowed_extensions => '{txt}');
CREATE FUNCTION t.add(id int, content text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO m (id, f) VALUES (id, ffu.file('name.txt', content::bytea))
$$;
-- what ffu.deletion knows, once what can be done is done
CREATE FUNCTION t.marks() RETURNS TABLE (state text, path text, held_by text) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT 'sweep: ' || did, NULL, NULL FROM t.settle() did WHERE did <> '';
	RETURN QUERY SELECT d.state, t.mask(d.path), d.held_by FROM ffu.pending_deletions d
	ORDER BY 1, 2;
END
$$;
CREATE FUNCTION t.rows() RETURNS TABLE (id int, path text, name text, file text) LANGUAGE plpgsql
	AS $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT * FROM m ORDER BY m.id LOOP
		id := r.id;
		path := t.mask(r.f);
		name := r.f__file_name;
		file := NULL;
		BEGIN
			file := t.text(r.f);
		EXCEPTION WHEN foreign_key_violation THEN
			file := '(gone)';
		END;
		RETURN NEXT;
	END LOOP;
END
$$;
SELECT t.add(i, 'file ' || i) FROM generate_series(1, 6) i;

-- the file goes, the row keeps its text; the row lets go, the file stays
SELECT f AS path1 FROM m WHERE id = 1 \gset
SELECT f AS path2 FROM m WHERE id = 2 \gset
SELECT t.mask(ffu.delete_files('m', 1, '{f}', 'files') ->> 'f') AS dangling,
	ffu.delete_files('m', 2, '{f}', 'model') ->> 'f' AS detached;
SELECT * FROM t.marks();
SELECT * FROM t.rows() WHERE id < 3;
SELECT * FROM t.files() WHERE file ~ '^m/[12]/';
SELECT * FROM ffu.check();
SELECT count(*) FROM ffu.repair('orphan');
SELECT pending_deletions, detached_files, dangling_paths FROM ffu.status;
SELECT relation, count(*) FROM ffu.paths() GROUP BY 1;
-- again: nothing more happens
SELECT t.mask(ffu.delete_files('m', 1, '{f}', 'files') ->> 'f') AS dangling,
	ffu.delete_files('m', 2, '{f}', 'model') ->> 'f' AS detached;
SELECT * FROM t.marks();
-- the row that dangles can be changed; its path is nobody else's
UPDATE m SET note = 'changed', f = f WHERE id = 1 RETURNING t.mask(f) AS f;
UPDATE m SET f__file_name = 'renamed.txt' WHERE id = 1 RETURNING f__file_name;
SELECT t.error(format('UPDATE m SET f = %L WHERE id = 2', :'path1'));
SELECT t.error(format('SELECT ffu.content(%L)', :'path1'));
SELECT t.error(format('SELECT ffu.undelete(%L)', :'path1'));
SET client_min_messages = error;
CALL ffu.relocate('m', 'f', 'elsewhere/{token}{ext}');
CALL ffu.relocate('m', 'f', '{table}/{pk}/{column}-{token}{ext}');
RESET client_min_messages;
-- the file that was detached can be attached again, as often as one likes
UPDATE m SET f = :'path2' WHERE id = 2 RETURNING f <> :'path2' AS new, t.text(f) AS text;
INSERT INTO m (id, f, f__file_name) VALUES (7, ffu.undelete(:'path2'), 'back.txt')
	RETURNING f__file_name, t.text(f) AS text;
SELECT t.text(:'path2') AS still_there;
SELECT * FROM t.marks();
-- and deleted
SELECT t.error('SELECT ffu.delete_detached(''m/1/nothing'')'),
	t.error(format('SELECT ffu.delete_detached(%L)', :'path1'));
SELECT ffu.delete_detached(:'path2');
SELECT * FROM t.marks();
SELECT * FROM t.rows() WHERE id IN (2, 7);
SELECT * FROM ffu.check();
SELECT t.error(format('UPDATE m SET f = %L WHERE id = 2', :'path2'));
-- with the row that dangles its mark goes
DELETE FROM m WHERE id IN (1, 7);
SELECT * FROM t.marks();
SELECT t.add(1, 'file 1'), t.add(7, 'file 7');

-- rolled back: nothing has happened
BEGIN;
SELECT ffu.delete_files('m', 1, '{f}', 'files') IS NULL,
	ffu.delete_files('m', 2, '{f}', 'model') IS NULL;
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT ffu.delete_files('m', 1, '{f}', 'files') IS NULL,
	ffu.delete_files('m', 2, '{f}', 'model') IS NULL;
ROLLBACK TO s;
COMMIT;
SELECT * FROM t.marks();
SELECT * FROM t.rows() WHERE id < 3;
-- a wish that came to nothing is none: the statement failed, then the row goes
ALTER TABLE m ALTER f SET NOT NULL;
BEGIN;
SAVEPOINT s;
SELECT ffu.delete_files('m', 7, '{f}', 'model');
ROLLBACK TO s;
DELETE FROM m WHERE id = 7;
COMMIT;
ALTER TABLE m ALTER f DROP NOT NULL;
SELECT * FROM t.marks();
SELECT * FROM t.files() WHERE file ~ '^m/7/';
DELETE FROM m WHERE id < 3;

-- files of this very transaction
BEGIN;
SELECT t.add(1, 'file 1'), t.add(2, 'file 2'), t.add(7, 'file 7'), t.add(8, 'file 8');
SELECT ffu.delete_files('m', 1, '{f}', 'files') IS NULL,
	ffu.delete_files('m', 2, '{f}', 'model') IS NULL;
SELECT ffu.delete_files('m', 7, '{f}', 'files') IS NULL,
	ffu.delete_files('m', 8, '{f}', 'model') IS NULL;
DELETE FROM m WHERE id > 6;
COMMIT;
SELECT * FROM t.marks();
SELECT * FROM t.rows() WHERE id < 3;
SELECT * FROM t.files() WHERE file ~ '^m/[1278]/';
SELECT * FROM ffu.check();
-- replaced while it dangles, detached while it dangles
UPDATE m SET f = ffu.file('new.txt', 'new') WHERE id = 1;
SELECT ffu.delete_files('m', 3, '{f}', 'files') IS NULL;
SELECT ffu.delete_files('m', 3, '{f}', 'model') ->> 'f';
SELECT * FROM t.marks();
SELECT ffu.delete_detached();

-- as values, for many rows at once; with another path it is none
UPDATE m SET f = 'detach:' || f WHERE id IN (4, 5);
UPDATE m SET f = 'dangle:' || f WHERE id = 6;
SELECT t.error('UPDATE m SET f = ''detach:m/1/other'' WHERE id = 1'),
	t.error('UPDATE m SET f = ''dangle:'' || f || ''x'' WHERE id = 1'),
	t.error('INSERT INTO m (id, f) SELECT 9, ''detach:'' || f FROM m WHERE id = 1');
SELECT * FROM t.marks();
SELECT * FROM t.rows();
-- a row that moves to another partition and lets go
CREATE TABLE p (id int, f ffu.file) PARTITION BY LIST (id);
CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE p_2 PARTITION OF p FOR VALUES IN (2);
SELECT ffu.manage_column('p', 'f', allowed_extensions => '{txt}');
INSERT INTO p VALUES (1, 'data:,moved');
UPDATE p SET id = 2, f = 'detach:' || f;
SELECT state, path FROM t.marks() WHERE path ~ '^p';
DROP TABLE p;
-- DROP TABLE takes the marks of its rows; what was detached stays
DROP TABLE m;
SELECT state, path FROM t.marks();
SELECT * FROM ffu.check();
SELECT ffu.delete_detached();
SELECT * FROM t.settled_files();
DROP FUNCTION t.add, t.marks, t.rows;
SELECT t.finish();
