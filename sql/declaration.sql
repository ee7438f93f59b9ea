-- Triggers of ffu that were made by hand: whatever they say, the table is one row of
-- ffu.check and no error for anybody else; its owner can drop them.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE regress_ffu_maker;
SELECT ffu.grant_columns('regress_ffu_maker');
CREATE SCHEMA m AUTHORIZATION regress_ffu_maker;
CREATE TABLE good (id int PRIMARY KEY);
SELECT ffu.add_column('good', 'f');
INSERT INTO good VALUES (1, ffu.file('a.txt', 'good'));
SELECT f AS good_path FROM good \gset
SET ROLE regress_ffu_maker;
CREATE TYPE m.mood AS ENUM ('happy');
-- each kind in a table of its own: the columns it names, and the arguments
CREATE FUNCTION m.make(number int, columns text, arguments text,
	event text DEFAULT 'BEFORE INSERT OR UPDATE OF %s') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	tab text := 'm.t' || to_char(number, 'FM00');
BEGIN
	EXECUTE format('CREATE TABLE %s (id int, p text, name text, size bigint, number int, mood '
	'm.mood, bytes bytea, fixed char(9), list text[])', tab);
	EXECUTE format('CREATE TRIGGER hand %s ON %s FOR EACH ROW EXECUTE FUNCTION ffu.before_row(%s)',
	format(event, columns), tab, arguments);
END
$$;
SELECT count(m.make(n::int, columns, arguments))
	FROM (SELECT row_number() OVER () AS n, columns, arguments FROM (VALUES
	-- no JSON, or not the right one
	('p', $$'p', 'junk'$$), ('p', $$'p', ''$$), ('p', $$'p', '[]'$$), ('p', $$'p', '"x"'$$),
	('p', $$'p', 'null'$$), ('p', $$'p', '{}'$$), ('p', format('''p'', %L', repeat('[', 100000))),
	('p', format('''p'', %L', repeat('{"a":', 100000))),
	('p', format('''p'', %L', '{"companions": [], "x": ' || repeat('[', 100000)
	|| repeat(']', 100000) || '}')),
	('p', format('''p'', %L', '{"companions": [], "x": "' || repeat('long', 300000) || '"}')),
	('p', $$'p', '{"companions": [], "x": "\u0000"}'$$),
	('p', $$'p', '{"companions": [], "x": "\ud800"}'$$),
	('p', $$'p', '{"companions": [], "max_size": 1e100}'$$),
	('p', $$'p', '{"companions": [], "max_size": 1e1000000}'$$),
	('p', $$'p', '{"companions": [], "max_size": "1 MB"}'$$),
	('p', $$'p', '{"companions": [], "max_size": -1}'$$),
	('p', $$'p', '{"companions": [], "max_size": {}}'$$),
	('p', $$'p', '{"companions": [], "allowed_extensions": "txt"}'$$),
	('p', $$'p', '{"companions": [], "allowed_extensions": [1]}'$$),
	('p', $$'p', '{"companions": [], "allowed_mime_types": {"a": 1}}'$$),
	('p', $$'p', '{"companions": [], "allowed_mime_types": [[]]}'$$),
	('p', $$'p', '{"companions": [], "path_template": "../{token}"}'$$),
	('p', $$'p', '{"companions": [], "path_template": 1}'$$),
	('p', $$'p', '{"companions": [], "path_template": "no token"}'$$),
	('p', $$'p', '{"companions": [], "private": "yes"}'$$),
	('p', $$'p', '{"companions": [], "private": true, "path_template": "private/{token}"}'$$),
	-- companions
	('p', $$'p', '{"companions": null}'$$), ('p', $$'p', '{"companions": {}}'$$),
	('p', $$'p', '{"companions": "size"}'$$), ('p', $$'p', '{"companions": [["size"]]}'$$),
	('p', $$'p', '{"companions": ["size"]}'$$), ('p, size', $$'p', '{"companions": []}'$$),
	('p, size', $$'p', '{"companions": ["size", "sha256"]}'$$),
	('p, size', $$'p', '{"companions": ["weight"]}'$$),
	('p, name', $$'p', '{"companions": ["size"]}'$$),
	('p, number', $$'p', '{"companions": ["size"]}'$$),
	('p, mood', $$'p', '{"companions": ["file_name"]}'$$),
	('p, list', $$'p', '{"companions": ["ext"]}'$$),
	('p, name, fixed', $$'p', '{"companions": ["ext", "ext"]}'$$),
	('p, name, size', $$'p', '{"companions": ["ext", "ext"]}'$$),
	-- the column
	('mood', $$'p', '{"companions": []}'$$), ('bytes', $$'p', '{"companions": []}'$$),
	('number', $$'p', '{"companions": []}'$$), ('fixed', $$'p', '{"companions": []}'$$),
	('list', $$'p', '{"companions": []}'$$),
	-- the key
	('p', $$'', '{"companions": []}'$$),
	('p', format('%L, ''{"companions": []}''', repeat('k', 100))), ('p', $$'p'$$), ('p', ''),
	('p', $$'p', '{"companions": []}', 'more'$$)
	) AS v(columns, arguments)) AS kinds;
-- fired at the wrong time; WHEN is no matter
SELECT m.make(91, 'p', $$'p', '{"companions": []}'$$, 'BEFORE UPDATE OF %s'),
	m.make(92, '', $$'p', '{"companions": []}'$$, 'AFTER INSERT %s'),
	m.make(93, '', $$'p', '{"companions": []}'$$, 'BEFORE INSERT OR UPDATE %s');
-- two of one key, two of one column, and a set that has lost its first
CREATE TABLE m.twice (id int PRIMARY KEY);
SELECT ffu.add_column('m.twice', 'f');
CREATE TRIGGER zzz BEFORE INSERT OR UPDATE OF f ON m.twice FOR EACH ROW
	EXECUTE FUNCTION ffu.before_row('f', '{"companions": []}');
CREATE TABLE m.two_keys (id int PRIMARY KEY);
SELECT ffu.add_column('m.two_keys', 'f');
CREATE TRIGGER zzz BEFORE INSERT OR UPDATE OF f ON m.two_keys FOR EACH ROW
	EXECUTE FUNCTION ffu.before_row('other', '{"companions": []}');
CREATE TABLE m.lost (id int PRIMARY KEY);
SELECT ffu.add_column('m.lost', 'f');
RESET ROLE;
SET session_replication_role = replica;
DROP TRIGGER zz_ffu_f_1_set ON m.lost;
RESET session_replication_role;

-- one row for each of these tables, none elsewhere
SELECT count(*) FROM pg_class WHERE relnamespace = 'm'::regnamespace AND relkind = 'r';
SELECT count(*), count(DISTINCT relation) FROM ffu.check() WHERE problem = 'declaration';
SELECT relation, column_name, regexp_replace(detail, ' Its triggers: .*', '') AS detail
	FROM ffu.check() WHERE problem = 'declaration' ORDER BY relation::text COLLATE "C";
SELECT problem, relation FROM ffu.check()
	WHERE problem <> 'declaration' AND relation::text NOT IN ('m.twice', 'm.two_keys', 'm.lost');
SELECT problem, count(*) FROM ffu.check('m.t01') GROUP BY 1;
-- every view and function that goes over all tables
SELECT relation, column_name FROM ffu.columns ORDER BY 1;
SELECT relation, column_name FROM ffu.paths();
SELECT problem, pending_deletions FROM ffu.status;
SELECT count(*) FROM ffu.pending_deletions;
SELECT count(*) FROM ffu.check(content => true) WHERE problem NOT IN ('declaration');
SELECT p, (SELECT count(*) FROM ffu.repair(p)) FROM unnest(ffu._repair_problems()) p;
SELECT FROM ffu.sweep();
SELECT ffu.claim_folder();
-- a superuser changes tables of other roles, which is refused above READ COMMITTED
SET default_transaction_isolation = 'read committed';
SELECT t.error(format('SELECT * FROM ffu.%s', f))
	FROM unnest(ARRAY['paths(''m.t01'')', 'drop_column(''m.t01'', ''p'')',
	'alter_column(''m.t01'', ''p'')']) f;
-- other tables
CREATE TABLE another (id int PRIMARY KEY);
SELECT ffu.add_column('another', 'f');
INSERT INTO another VALUES (1, ffu.file('b.txt', 'another'));
ALTER TABLE another ALTER f TYPE text, ADD COLUMN more int;
CREATE FUNCTION m.f(another) RETURNS text RETURN ($1).f;
TRUNCATE another;
DROP FUNCTION m.f;
DROP TABLE another;
CREATE TABLE parted (id int) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF parted FOR VALUES IN (1);
ALTER TABLE parted DETACH PARTITION part;
ALTER TABLE parted ATTACH PARTITION part FOR VALUES IN (1);
DROP TABLE parted;
-- writing to such a table is an error, and so is its own column's policy
SET ROLE regress_ffu_maker;
SELECT t.full_error('INSERT INTO m.t01 (p) VALUES (''x'')');
SELECT t.error('INSERT INTO m.t07 (p) VALUES (''x'')'),
	t.error('INSERT INTO m.t39 (id) VALUES (1)'), t.error('TRUNCATE m.lost'),
	t.error('INSERT INTO m.two_keys (id, f) VALUES (1, ''data:;name=a.txt,x'')');
-- its owner may drop what he has made, DDL works, and no file of others goes with it
ALTER TABLE m.t01 ADD COLUMN more int;
ALTER TABLE m.t01 RENAME p TO q;
DROP TRIGGER hand ON m.t01;
DROP TRIGGER zzz ON m.twice;
SELECT t.error('DROP TRIGGER zz_ffu_f_5_delete ON m.twice');
DROP TRIGGER zz_ffu_f_5_delete ON m.lost;
RESET ROLE;
SELECT relation, column_name, detail FROM ffu.check()
	WHERE relation IN ('m.twice'::regclass, 'm.lost'::regclass);
SET ROLE regress_ffu_maker;
INSERT INTO m.twice (id, f) VALUES (1, 'data:;name=a.txt,x');
INSERT INTO m.t01 (q) VALUES ('x');
ALTER TABLE m.t02 DISABLE TRIGGER hand;
\o /dev/null
SELECT set_config('test.path', :'good_path', false);
\o
INSERT INTO m.t02 (p) VALUES (current_setting('test.path'));
ALTER TABLE m.t03 DISABLE TRIGGER hand;
INSERT INTO m.t03 (p) VALUES (current_setting('test.path'));
DROP TABLE m.t02;
ALTER TABLE m.t03 DROP COLUMN p CASCADE;
RESET ROLE;
DROP SCHEMA m CASCADE;
DROP OWNED BY regress_ffu_maker;
DROP ROLE regress_ffu_maker;
SELECT * FROM t.settled_files();
DROP TABLE good;
SELECT t.finish();
