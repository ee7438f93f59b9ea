-- A database where PUBLIC has no right on ffu: the event triggers run for everybody, and
-- never make a command fail for want of one, whatever the search path leads to.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE regress_ffu_plain;
CREATE SCHEMA h AUTHORIZATION regress_ffu_plain;
GRANT CREATE, USAGE ON SCHEMA public TO regress_ffu_plain;
GRANT USAGE ON SCHEMA t TO regress_ffu_plain;
CREATE TABLE elsewhere (id int PRIMARY KEY, f text);
SELECT ffu.manage_column('elsewhere', 'f');
CREATE TABLE damaged (f text);
CREATE TRIGGER hand BEFORE INSERT OR UPDATE OF f ON damaged FOR EACH ROW
	EXECUTE FUNCTION ffu.before_row('f', 'junk');
-- a table of the plain role's, which a superuser has given a file column
CREATE TABLE h.owned (id int PRIMARY KEY, note text);
SELECT ffu.add_column('h.owned', 'f');
ALTER TABLE h.owned OWNER TO regress_ffu_plain;
INSERT INTO h.owned (id, f) VALUES (1, ffu.file('a.txt', 'x'));
CREATE FUNCTION t.run(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN pg_catalog.concat(command, ': ', SQLSTATE, ' ', SQLERRM);
END
$$;
CREATE TABLE t.commands AS SELECT * FROM unnest(ARRAY[
	'CREATE TABLE h.a (id pg_catalog.int4 PRIMARY KEY, note pg_catalog.text)',
	'ALTER TABLE h.a ADD COLUMN more pg_catalog.text',
	'ALTER TABLE h.a ALTER COLUMN more TYPE pg_catalog.varchar(10)',
	'ALTER TABLE h.a RENAME COLUMN more TO less',
	'CREATE FUNCTION h.a_note(h.a) RETURNS pg_catalog.text STABLE RETURN ($1).note',
	'CREATE FUNCTION h.one() RETURNS pg_catalog.int4 LANGUAGE sql AS ''SELECT 1''',
	'CREATE OR REPLACE FUNCTION h.one() RETURNS pg_catalog.int4 LANGUAGE sql AS ''SELECT 2''',
	'CREATE INDEX a_note ON h.a (note)',
	'CREATE VIEW h.v AS SELECT id FROM h.a',
	'CREATE MATERIALIZED VIEW h.mv AS SELECT note FROM h.a',
	'CREATE TRIGGER tr BEFORE UPDATE ON h.a FOR EACH ROW EXECUTE FUNCTION '
	'pg_catalog.suppress_redundant_updates_trigger()', 'DROP TRIGGER tr ON h.a',
	'CREATE TABLE h.p (id pg_catalog.int4) PARTITION BY LIST (id)',
	'CREATE TABLE h.p1 PARTITION OF h.p FOR VALUES IN (1)',
	'CREATE TABLE h.p2 (id pg_catalog.int4)',
	'ALTER TABLE h.p ATTACH PARTITION h.p2 FOR VALUES IN (2)',
	'ALTER TABLE h.p DETACH PARTITION h.p1',
	'CREATE TABLE h.child () INHERITS (h.a)',
	'CREATE TABLE h.liked (LIKE h.a INCLUDING ALL)',
	'CREATE TABLE h.selected AS SELECT id FROM h.a',
	'CREATE UNLOGGED TABLE h.u (id pg_catalog.int4)',
	'ALTER TABLE h.u SET LOGGED',
	'CREATE TEMP TABLE tt (id pg_catalog.int4)',
	'CREATE SEQUENCE h.s',
	'CREATE TYPE h.ty AS (a pg_catalog.int4)',
	'CREATE TABLE h.typed OF h.ty',
	'ALTER TYPE h.ty ALTER ATTRIBUTE a TYPE pg_catalog.int8 CASCADE',
	'CREATE DOMAIN h.dom AS pg_catalog.text',
	'COMMENT ON TABLE h.a IS ''x''',
	'GRANT SELECT ON h.a TO PUBLIC',
	'CREATE STATISTICS h.st ON id, note FROM h.a',
	'CREATE POLICY po ON h.a',
	'CREATE RULE ru AS ON DELETE TO h.a DO ALSO NOTHING',
	'ALTER TABLE h.a SET SCHEMA public',
	'ALTER TABLE public.a SET SCHEMA h',
	'TRUNCATE h.a',
	'REFRESH MATERIALIZED VIEW h.mv',
	'CLUSTER h.a USING a_pkey',
	'REINDEX TABLE h.a',
	-- on a table of his with a file column
	'ALTER TABLE h.owned ADD COLUMN more pg_catalog.text',
	'ALTER TABLE h.owned RENAME f TO g',
	'ALTER TABLE h.owned ALTER note TYPE pg_catalog.varchar',
	'ALTER TABLE h.owned ALTER g TYPE pg_catalog.text',
	'CREATE FUNCTION h.of(h.owned) RETURNS pg_catalog.text RETURN ($1).g',
	'CREATE INDEX owned_g ON h.owned (g)',
	'UPDATE h.owned SET note = ''x''',
	'UPDATE h.owned SET g = NULL',
	'INSERT INTO h.owned (id, g) VALUES (7, ''data:;name=a.txt,x'')',
	'DELETE FROM h.owned',
	'TRUNCATE h.owned',
	'DROP FUNCTION h.of',
	'ALTER TABLE h.owned DROP COLUMN g CASCADE',
	'DROP TABLE h.owned',
	'DROP VIEW h.v',
	'DROP FUNCTION h.a_note',
	'ALTER TABLE h.a DROP COLUMN less CASCADE',
	'DROP TABLE h.a, h.p, h.p1, h.liked CASCADE',
	'DROP SCHEMA h CASCADE']) WITH ORDINALITY AS u(command, n);
GRANT SELECT ON t.commands TO PUBLIC;
CREATE FUNCTION t.run_all(path text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	commands text[] := ARRAY(SELECT c.command FROM t.commands c ORDER BY c.n);
	command text;
	failed text;
	ran int := 0;
BEGIN
	PERFORM pg_catalog.set_config('search_path', path, true);
	FOREACH command IN ARRAY commands LOOP
		failed := t.run(command);
		IF failed IS NOT NULL THEN
			RETURN NEXT failed;
		END IF;
		ran := ran OPERATOR(pg_catalog.+) 1;
	END LOOP;
	RETURN NEXT ran;
END
$$;

BEGIN;
REVOKE ALL ON SCHEMA ffu FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ffu FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA ffu FROM PUBLIC;
REVOKE ALL ON TYPE ffu.file FROM PUBLIC;
-- objects that have the names of those of the catalog
CREATE FUNCTION h.evil(a anyelement, b anyelement) RETURNS boolean LANGUAGE plpgsql
	AS 'BEGIN RAISE ''planted''; END';
CREATE OPERATOR h.= (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = h.evil);
CREATE FUNCTION h.evil(a oid, b oid) RETURNS boolean LANGUAGE plpgsql
	AS 'BEGIN RAISE ''planted''; END';
CREATE OPERATOR h.<> (LEFTARG = oid, RIGHTARG = oid, FUNCTION = h.evil);
CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = h.evil);
CREATE FUNCTION h.pg_event_trigger_ddl_commands() RETURNS SETOF record LANGUAGE plpgsql
	AS 'BEGIN RAISE ''planted''; END';
CREATE FUNCTION public.pg_event_trigger_ddl_commands() RETURNS SETOF record LANGUAGE plpgsql
	AS 'BEGIN RAISE ''planted''; END';
CREATE FUNCTION h.pg_get_function_sqlbody(oid) RETURNS text LANGUAGE plpgsql
	AS 'BEGIN RAISE ''planted''; END';
CREATE TABLE h.pg_trigger ();
SET ROLE regress_ffu_plain;
CREATE TEMP TABLE pg_class ();
CREATE TEMP TABLE pg_depend ();
CREATE FUNCTION pg_temp.evil(a anyelement, b anyelement) RETURNS boolean LANGUAGE plpgsql
	AS 'BEGIN RAISE ''planted''; END';
-- what fails, and how many were run
SAVEPOINT s;
SELECT * FROM t.run_all('');
ROLLBACK TO s;
SELECT * FROM t.run_all('h, pg_catalog');
ROLLBACK TO s;
SELECT * FROM t.run_all('pg_temp, h, pg_catalog');
ROLLBACK TO s;
SELECT * FROM t.run_all('"$user", public');
ROLLBACK TO s;
SELECT * FROM t.run_all('nowhere');
ROLLBACK;
DROP TABLE elsewhere, damaged, t.commands;
DROP SCHEMA h CASCADE;
REVOKE CREATE, USAGE ON SCHEMA public FROM regress_ffu_plain;
REVOKE USAGE ON SCHEMA t FROM regress_ffu_plain;
DROP ROLE regress_ffu_plain;
DROP FUNCTION t.run, t.run_all;
SELECT t.finish();
