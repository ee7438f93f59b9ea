-- ALTER TABLE ... ALTER COLUMN ... TYPE of a file column and its companions, as
-- migration tools send it: nothing but the type changes.
\set SHOW_CONTEXT never
CREATE SCHEMA y;
SET search_path = y, public;
CREATE TABLE a (id int PRIMARY KEY, note text);
SELECT ffu.add_column('a', 'f', max_size => '1 MB');
SELECT ffu.add_column('a', 'g');
COMMENT ON TRIGGER zz_ffu_f_1_set ON a IS 'my comment';
ALTER TABLE a DISABLE TRIGGER zz_ffu_f_5_delete;
ALTER TABLE a ENABLE ALWAYS TRIGGER zz_ffu_f_3_insert;
INSERT INTO a (id, f, g) VALUES (1, ffu.file('a.txt', 'one'), ffu.file('b.txt', 'two'));
-- all there is to compare, without the types
CREATE FUNCTION t.declared() RETURNS TABLE (object oid, def text, state "char", depends bigint)
	LANGUAGE sql AS $$
	SELECT t.oid, format('%s %s %s %s %s', tgrelid::regclass, tgname, tgtype,
	ffu.trigger_arguments(t.oid), tgattr), tgenabled,
		(SELECT count(*) FROM pg_depend d
		WHERE d.classid = 'pg_trigger'::regclass AND d.objid = t.oid)
	  FROM pg_trigger t WHERE tgname LIKE 'zz_ffu%'
	UNION ALL
	SELECT p.oid, p.oid::regprocedure::text, 'f', (SELECT count(*) FROM pg_depend d
	WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid)
	  FROM pg_proc p WHERE pronamespace = 'y'::regnamespace
$$;
CREATE TABLE before AS SELECT * FROM t.declared();
CREATE FUNCTION t.changed() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT 'gone: ' || def FROM (SELECT * FROM before EXCEPT ALL SELECT * FROM t.declared()) b
	UNION ALL SELECT 'new: ' || def
	FROM (SELECT * FROM t.declared() EXCEPT ALL SELECT * FROM before) b
$$;
-- every type that is allowed, and back: triggers fire, computed fields work
CREATE DOMAIN mine AS varchar(250);
CREATE FUNCTION t.try_types() RETURNS TABLE (type text, outcome text) LANGUAGE plpgsql AS $$
DECLARE
	content text;
BEGIN
	FOREACH type IN ARRAY
	'{text,varchar(200),varchar,ffu.file,y.mine,text,"varchar(200) COLLATE \"C\"",ffu.file,"text '
	'COLLATE \"POSIX\"",ffu.file}'::text[] LOOP
		EXECUTE 'ALTER TABLE a ALTER COLUMN f TYPE ' || type;
		outcome := (SELECT string_agg(c, ', ') FROM t.changed() c);
		content := 'content of ' || type;
		UPDATE a SET f = ffu.file('c.txt', convert_to(content, 'UTF8')) WHERE id = 1;
		outcome := concat_ws('; ', outcome,
		(SELECT t.text(f) FROM a WHERE id = 1 AND t.mask(f_url(a)) = '/files/a/1/f-<token>.txt'));
		UPDATE a SET note = type, f__file_name = 'renamed';
		INSERT INTO a (id, f) VALUES (2, ffu.file('d.txt', 'more'));
		UPDATE a SET f = NULL WHERE id = 2;
		DELETE FROM a WHERE id = 2;
		RETURN NEXT;
	END LOOP;
END
$$;
SELECT * FROM t.try_types();
SELECT * FROM t.settled_files();
SELECT relation, column_name, enabled, complete FROM ffu.columns ORDER BY 2;
SELECT obj_description(oid) FROM pg_trigger WHERE tgname = 'zz_ffu_f_1_set';

-- companions; several at once; what tools add
ALTER TABLE a ALTER f__file_name TYPE varchar(255), ALTER COLUMN f__size SET DATA TYPE bigint,
	ALTER g TYPE varchar(200), ALTER f TYPE text, ALTER f__ext TYPE character varying,
	ALTER note TYPE varchar(100);
ALTER TABLE a ALTER COLUMN "f" TYPE varchar(200) USING "f"::varchar(200);
ALTER TABLE a ALTER f TYPE varchar(199) USING (f)::text::varchar, ALTER f__size TYPE int8
	USING f__size;
ALTER TABLE ONLY y.a ALTER f TYPE ffu.file;
SELECT * FROM t.changed();
SELECT column_name, data_type, character_maximum_length, domain_name FROM information_schema.columns
 WHERE table_schema = 'y' AND table_name = 'a' AND column_name ~ '^(f|g|note)'
   ORDER BY ordinal_position;
UPDATE a SET f = ffu.file('e.txt', 'five') WHERE id = 1 RETURNING f__file_name, f__size, f__ext,
	t.text(f), t.text(g);

-- rolled back; twice in a transaction, and in a savepoint that goes
BEGIN;
ALTER TABLE a ALTER f TYPE text;
ROLLBACK;
BEGIN;
ALTER TABLE a ALTER f TYPE text;
SAVEPOINT s;
ALTER TABLE a ALTER f TYPE varchar(200);
ROLLBACK TO s;
ALTER TABLE a ALTER f TYPE ffu.file;
COMMIT;
SELECT * FROM t.changed();
-- refused before anything changes
SELECT t.full_error('ALTER TABLE a ALTER f TYPE int USING 1');
SELECT t.full_error('ALTER TABLE a ALTER f TYPE text USING upper(f)');
SELECT t.error('ALTER TABLE a ' || s)
	FROM unnest(ARRAY['ALTER f TYPE char(200)', 'ALTER f TYPE bytea USING f::bytea',
	'ALTER f TYPE text[] USING ARRAY[f]', 'ALTER f TYPE name', 'ALTER f__size TYPE int',
	'ALTER f__size TYPE numeric', 'ALTER f__ext TYPE "char"',
	'ALTER f__sha256 TYPE bytea USING f__sha256::bytea', 'ALTER f__file_name TYPE text USING ''x''',
	'ALTER f TYPE nothing', 'ALTER nothing TYPE text', 'ALTER f TYPE varchar(5)',
	'ALTER f TYPE varchar(5) USING f::varchar(5)', 'ALTER f TYPE text, ALTER g TYPE int',
	'ALTER f TYPE text, DROP COLUMN f__ext', 'ALTER f TYPE text, ADD CHECK (id > 5)']) s;
SELECT * FROM t.changed();
-- other people's objects keep the type
CREATE VIEW seen AS SELECT f FROM a;
SELECT t.error('ALTER TABLE a ALTER f TYPE text');
DROP VIEW seen;
CREATE TRIGGER mine AFTER UPDATE OF f ON a EXECUTE FUNCTION suppress_redundant_updates_trigger();
SELECT t.error('ALTER TABLE a ALTER f TYPE text');
DROP TRIGGER mine ON a;
SELECT * FROM t.changed();
-- another role's table; one that is not there
CREATE ROLE regress_ffu_stranger;
GRANT USAGE ON SCHEMA y TO regress_ffu_stranger;
SET ROLE regress_ffu_stranger;
SELECT t.error('ALTER TABLE y.a ALTER f TYPE text');
RESET ROLE;
ALTER TABLE IF EXISTS nowhere ALTER f TYPE text;
-- its owner, who is not trusted with declaring, and has no right on ffu
ALTER TABLE a OWNER TO regress_ffu_stranger;
SET ROLE regress_ffu_stranger;
ALTER TABLE y.a ALTER f TYPE text;
ALTER TABLE y.a ALTER f TYPE varchar(200), ALTER g TYPE text;
RESET ROLE;
ALTER TABLE a OWNER TO CURRENT_USER;
DROP OWNED BY regress_ffu_stranger;
DROP ROLE regress_ffu_stranger;
DROP TABLE a;

-- a partitioned table, whose partitions have the columns at other places
CREATE TABLE p (id int, f text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 (gone int, f text, id int NOT NULL);
ALTER TABLE p2 DROP COLUMN gone;
ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (10) TO (20);
SELECT ffu.manage_column('p', 'f');
INSERT INTO p (id, f) VALUES (1, ffu.file('a.txt', 'one')), (11, ffu.file('a.txt', 'eleven'));
TRUNCATE before;
INSERT INTO before SELECT * FROM t.declared();
ALTER TABLE p ALTER f TYPE varchar(200);
SELECT * FROM t.changed();
SELECT t.error('ALTER TABLE p1 ALTER f TYPE text'), t.error('ALTER TABLE ONLY p ALTER f TYPE text');
SELECT * FROM t.changed();
UPDATE p SET f = ffu.file('a.txt', 'new') WHERE id = 11;
DELETE FROM p WHERE id = 1;
SELECT tableoid::regclass, t.text(f), t.mask(f_url(p)) FROM p;
SELECT * FROM t.settled_files();
ALTER TABLE p ALTER f TYPE ffu.file;
ALTER TABLE p DETACH PARTITION p2;
ALTER TABLE p2 ALTER f TYPE text;
UPDATE p2 SET f = NULL;
SELECT * FROM t.settled_files();
DROP TABLE p, p2;
SET client_min_messages = warning;
DROP SCHEMA y CASCADE;
DROP FUNCTION t.declared, t.changed, t.try_types;
RESET search_path;
SELECT t.finish();
