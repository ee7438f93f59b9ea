-- Who may do what: rights on the table are enough to store, and nothing of
-- ffu's own is open but on purpose.
\set SHOW_CONTEXT never
CREATE ROLE regress_ffu_owner;
CREATE ROLE regress_ffu_writer;
CREATE ROLE regress_ffu_nobody;
CREATE SCHEMA app;
GRANT CREATE, USAGE ON SCHEMA app TO regress_ffu_owner;
GRANT USAGE ON SCHEMA app TO PUBLIC;

-- what PUBLIC may execute; internal functions (_...) are called by others, as the caller
SELECT p.oid::regprocedure AS "for everyone"
	FROM pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) a
 WHERE pronamespace = 'ffu'::regnamespace AND a.grantee = 0 AND proname NOT LIKE '\_%'
   ORDER BY replace(p.oid::regprocedure::text, '"', '') COLLATE "C";
SELECT p.oid::regprocedure AS "for superusers and whom they trust" FROM pg_proc p
 WHERE pronamespace = 'ffu'::regnamespace AND NOT has_function_privilege('regress_ffu_nobody', oid,
   'EXECUTE') ORDER BY replace(p.oid::regprocedure::text, '"', '') COLLATE "C";
SELECT c.oid::regclass AS relation, a.privilege_type
	FROM pg_class c, aclexplode(coalesce(relacl, acldefault('r', relowner))) a
 WHERE relnamespace = 'ffu'::regnamespace AND a.grantee = 0 AND relkind <> 'i'
   ORDER BY c.oid::regclass::text;
SELECT a.privilege_type FROM pg_namespace n, aclexplode(nspacl) a
	WHERE nspname = 'ffu' AND a.grantee = 0;
SELECT has_type_privilege('regress_ffu_nobody', 'ffu.file', 'USAGE') AS type;
-- the types that functions of ffu_flask hand on are no types for columns of users
SELECT t.oid::regtype AS "for nobody" FROM pg_type t
	JOIN pg_class c ON c.oid = typrelid AND relkind = 'c'
 WHERE typnamespace = 'ffu'::regnamespace AND NOT has_type_privilege('regress_ffu_nobody', t.oid,
   'USAGE') ORDER BY t.oid::regtype::text COLLATE "C";
-- everything belongs to a superuser
SELECT count(*) FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
	WHERE pronamespace = 'ffu'::regnamespace AND NOT rolsuper;

-- the owner of the table declares, if a superuser trusts it with that
SET ROLE regress_ffu_owner;
CREATE TABLE app.docs (id int PRIMARY KEY, who text DEFAULT current_user);
SELECT t.full_error('SELECT ffu.add_column(''app.docs'', ''f'')');
RESET ROLE;
SELECT ffu.grant_columns('regress_ffu_owner');
SET ROLE regress_ffu_owner;
SELECT ffu.add_column('app.docs', 'f');
SELECT ffu.alter_column('app.docs', 'f', max_size => '1 MB');
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES ON app.docs TO regress_ffu_writer;
-- others do not, whatever rights they have on it
SET ROLE regress_ffu_writer;
SELECT t.full_error(format('SELECT ffu.%s', s))
	FROM unnest(ARRAY['add_column(''app.docs'', ''g'')', 'manage_column(''app.docs'', ''who'')',
	'alter_column(''app.docs'', ''f'', max_size => 1)', 'drop_column(''app.docs'', ''f'')',
	'add_url_functions(''app.docs'', ''f'')']) s;
SELECT t.error(format('SELECT ffu.%s', s))
	FROM unnest(ARRAY['tie_function(''app.f_url(app.docs)'', ''app.docs'')',
	'_drop_columns(''app.docs'', ''f'', true, false)',
	'_add_columns(''app.docs'', ''h'', ''text'', false)',
	'_set_required(''app.docs'', ''f'', true)',
	'_create_trigger(''app.docs'', ''x'', ''_1_set'', ''{f}'', ''{f,"{}"}'', true)']) s;
SELECT t.error('DROP TRIGGER zz_ffu_f_5_delete ON app.docs');
-- the owner neither: no function of ffu's leaves a trigger behind that may be dropped
SET ROLE regress_ffu_owner;
SELECT t.error(format('DO $$ BEGIN BEGIN PERFORM ffu.%s; EXCEPTION WHEN OTHERS THEN RAISE NOTICE '
	'''%%'', SQLERRM; END; DROP TRIGGER zz_ffu_f_5_delete ON app.docs; END $$', s))
  FROM unnest(ARRAY['begin_trigger_drop(''app.docs'', ''f'', true)',
    '_drop_columns(''app.docs'', ''nothing'', true, false)',
    'drop_column(''app.docs'', ''nothing'')']) s;
-- nor in the same subtransaction, where a permission would still hold
SELECT t.error(format('DO $$ BEGIN IF '
	'to_regprocedure(''ffu.begin_trigger_drop(regclass,text,boolean)'') IS NOT NULL THEN PERFORM '
	'ffu.begin_trigger_drop(''app.docs'', ''f'', true); END IF;
	PERFORM ffu.%s; DROP TRIGGER zz_ffu_f_5_delete ON app.docs; END $$', s))
  FROM unnest(ARRAY['alter_column(''app.docs'', ''f'', max_size => 1000)',
    'add_column(''app.docs'', ''g''), ffu.drop_column(''app.docs'', ''g'', true)', 'url(NULL)']) s;
CREATE VIEW app.seen AS SELECT f FROM app.docs;
SELECT t.error('DO $$ BEGIN BEGIN PERFORM ffu.drop_column(''app.docs'', ''f'', true); EXCEPTION '
	'WHEN OTHERS THEN NULL; END; DROP TRIGGER zz_ffu_f_5_delete ON app.docs; END $$');
DROP VIEW app.seen;
SELECT enabled, complete FROM ffu.columns;
SET ROLE regress_ffu_writer;
-- a role without any right on ffu's own tables stores, replaces, deletes
INSERT INTO app.docs (id, f) VALUES (1, ffu.file('a.txt', 'one')), (2, 'data:,two');
UPDATE app.docs SET f = ffu.file('b.txt', 'new one') WHERE id = 1;
DELETE FROM app.docs WHERE id = 2;
SELECT id, who, f__file_name, t.text(f), t.mask(ffu.url(f)) FROM app.docs;
SELECT relation, column_name, max_size FROM ffu.columns;
SELECT t.error(s) FROM unnest(ARRAY['SELECT * FROM ffu.root', 'SELECT * FROM ffu.deletion',
	'DELETE FROM ffu.deletion', 'SELECT * FROM ffu.status',
	'SELECT nextval(''ffu.deletion_id_seq'')', 'SELECT ffu.sweep()',
	'SELECT ffu.undelete(''app/x'')', 'SELECT ffu.use_folder(''/tmp'')',
	'SELECT ffu.claim_folder()', 'SELECT ffu.adopt_folder()',
	'SELECT ffu._folder_status()', 'CREATE TABLE ffu.mine ()']) s;
-- nor with pg_read_all_data and pg_write_all_data, which need no grant
RESET ROLE;
CREATE ROLE regress_ffu_all;
GRANT pg_read_all_data, pg_write_all_data TO regress_ffu_all;
SELECT ffu.rotate_url_secret('0') IS NOT NULL AS secret;
INSERT INTO ffu.quota VALUES (0, 1000000000);
INSERT INTO ffu.bucket
	VALUES ('https://example.com/media', 'r', 'path', 'p', NULL, false, true, false);
INSERT INTO ffu.intent VALUES ('app/x', true, now(), NULL, false);
INSERT INTO ffu.moving VALUES ('app/x', NULL, now(), false);
INSERT INTO ffu.counted VALUES (0, 0, 1, 1, 1);
SELECT ffu.upload_begin('a.txt', resumable => true) AS upload \gset
INSERT INTO ffu.deletion (root, path, state, doomed_at) SELECT r.id, 'app/x', 'detached', now()
	FROM ffu.root r;
INSERT INTO ffu.former_name SELECT 'app', 'x', 'f', 0, 1;
SELECT ffu.rotate_url_secret() IS NOT NULL AS "another secret";
CREATE FUNCTION t.rows(name text, statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE format(statement, name);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END
$$;
GRANT USAGE ON SCHEMA t TO regress_ffu_all;
SELECT c.relname, t.rows(c.relname, 'SELECT * FROM ffu.%I') > 0 AS "has rows" FROM pg_class c
 WHERE c.relnamespace = 'ffu'::regnamespace AND c.relkind = 'r' ORDER BY 1;
-- a cheap function in a query of a view sees no row that the view leaves out
SELECT relname AS "no barrier" FROM pg_class
 WHERE relnamespace = 'ffu'::regnamespace AND relkind = 'v'
   AND NOT coalesce('security_barrier=true' = ANY (reloptions), false) ORDER BY 1;
-- statistics show no row either, although pg_read_all_data reads them
DO $$
DECLARE
	name text;
BEGIN
	FOR name IN SELECT c.relname FROM pg_class c
		 WHERE c.relnamespace = 'ffu'::regnamespace AND c.relkind = 'r' LOOP
		EXECUTE format('ANALYZE ffu.%I', name);
	END LOOP;
END
$$;
SELECT bool_and(reltuples > 0) AS analyzed FROM pg_class c
 WHERE c.relnamespace = 'ffu'::regnamespace AND c.relkind = 'r';
SET ROLE regress_ffu_all;
SELECT s.starelid::regclass AS "statistics of", s.staattnum
  FROM pg_statistic s JOIN pg_class c ON c.oid = s.starelid
 WHERE c.relnamespace = 'ffu'::regnamespace AND c.relkind = 'r' ORDER BY 1, 2;
SELECT c.relname, t.rows(c.relname, 'SELECT * FROM ffu.%I') AS read,
	t.rows(c.relname, 'DELETE FROM ffu.%I') AS deleted FROM pg_class c
 WHERE c.relnamespace = 'ffu'::regnamespace AND c.relkind = 'r' ORDER BY 1;
SELECT t.error(s) FROM unnest(ARRAY['INSERT INTO ffu.url_secret VALUES (9, ''mine'', now())',
	'INSERT INTO ffu.quota VALUES (1, 1)',
	'INSERT INTO ffu.deletion (root, path, state, doomed_at) VALUES ('''', ''app/x'', ''doomed'', '
	'now())']) s;
RESET ROLE;
DELETE FROM ffu.quota;
DELETE FROM ffu.bucket;
DELETE FROM ffu.intent;
DELETE FROM ffu.moving;
DELETE FROM ffu.counted;
DELETE FROM ffu.deletion WHERE path = 'app/x';
DELETE FROM ffu.former_name WHERE relid = 0;
DELETE FROM ffu.url_secret;
SELECT ffu.upload_cancel(:'upload');
DROP OWNED BY regress_ffu_all;
DROP ROLE regress_ffu_all;
SET ROLE regress_ffu_writer;
-- a large object only with the right to read it
RESET ROLE;
SELECT lo_from_bytea(0, 'secret') AS large_object \gset
SET ROLE regress_ffu_writer;
SELECT code FROM t.catch(format('INSERT INTO app.docs (id, f) VALUES (3, '
	'ffu.from_large_object(''a.txt'', %s))', :large_object));
RESET ROLE;
SELECT lo_unlink(:large_object);
-- trigger functions only as triggers
SELECT t.error(format('SELECT ffu.%s()', f))
	FROM unnest('{before_row,after_row,before_truncate,ddl_start,ddl_end}'::text[]) f;
SET ROLE regress_ffu_owner;
CREATE TRIGGER mine BEFORE INSERT ON app.docs FOR EACH ROW EXECUTE FUNCTION ffu.before_row();
SELECT code FROM t.catch('INSERT INTO app.docs (id) VALUES (4)');
DROP TRIGGER mine ON app.docs;

-- rights on the table and no more: nobody has none; column rights are enough
SET ROLE regress_ffu_nobody;
SELECT t.error(s) FROM unnest(ARRAY['SELECT f FROM app.docs',
	'INSERT INTO app.docs (id, f) VALUES (9, ffu.file(''a.txt'', ''x''))', 'DELETE FROM app.docs'])
	s;
SET ROLE regress_ffu_owner;
GRANT INSERT (id, f), UPDATE (f), SELECT (id) ON app.docs TO regress_ffu_nobody;
SET ROLE regress_ffu_nobody;
INSERT INTO app.docs (id, f) VALUES (10, ffu.file('column.txt', 'by column'));
UPDATE app.docs SET f = ffu.file('column.txt', 'by column, again') WHERE id = 10;
SELECT t.error('SELECT f FROM app.docs WHERE id = 10');

-- row-level security hides the path, and so the file
SET ROLE regress_ffu_owner;
ALTER TABLE app.docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.docs USING (who = current_user);
SET ROLE regress_ffu_writer;
SELECT id, t.text(f) FROM app.docs;
UPDATE app.docs SET f = NULL;
DELETE FROM app.docs;
SET ROLE regress_ffu_owner;
SELECT id, t.text(f) FROM app.docs;
-- TRUNCATE and DROP take all files, hidden or not
SET ROLE regress_ffu_writer;
TRUNCATE app.docs;
RESET ROLE;
SELECT * FROM t.settled_files();

-- the owner may be anyone, the tables of ffu stay closed: DROP by the owner
SET ROLE regress_ffu_owner;
INSERT INTO app.docs (id, f) VALUES (1, ffu.file('a.txt', 'one'));
DROP TABLE app.docs;
RESET ROLE;
SELECT * FROM t.settled_files();
-- a superuser declares for another owner: what is made is the owner's
SET ROLE regress_ffu_owner;
CREATE TABLE app.docs (id int PRIMARY KEY);
RESET ROLE;
-- a superuser changes tables of other roles, which is refused above READ COMMITTED
SET default_transaction_isolation = 'read committed';
SELECT ffu.add_column('app.docs', 'f');
SELECT proname, proowner::regrole FROM pg_proc WHERE pronamespace = 'app'::regnamespace ORDER BY 1;
SET ROLE regress_ffu_owner;
SELECT ffu.drop_column('app.docs', 'f');
-- a search path that leads elsewhere
CREATE FUNCTION app.lower(text) RETURNS text LANGUAGE sql AS 'SELECT ''evil''';
SET search_path = app, pg_catalog;
SELECT ffu.add_column('docs', 'f', allowed_extensions => '{TXT}');
SELECT allowed_extensions FROM ffu.columns;
RESET search_path;
RESET ROLE;
SELECT ffu.revoke_columns('regress_ffu_owner');
SET ROLE regress_ffu_owner;
SELECT t.error('SELECT ffu.drop_column(''app.docs'', ''f'')');
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA app CASCADE;
RESET client_min_messages;
DROP ROLE regress_ffu_owner, regress_ffu_writer, regress_ffu_nobody;
SELECT t.finish();
