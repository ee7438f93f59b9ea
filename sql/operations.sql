-- A role with ffu.grant_operations and no other right does all that the
-- documents promise it, and no more.
\set SHOW_CONTEXT never
-- a superuser changes tables of other roles, which is refused above READ COMMITTED
SET default_transaction_isolation = 'read committed';
SELECT root || '/folder' AS folder FROM t.config \gset
CREATE ROLE regress_ffu_ops;
CREATE ROLE regress_ffu_owner;
CREATE SCHEMA app AUTHORIZATION regress_ffu_owner;
CREATE TABLE app.docs (id int PRIMARY KEY);
ALTER TABLE app.docs OWNER TO regress_ffu_owner;
SELECT ffu.add_column('app.docs', 'f');
INSERT INTO app.docs SELECT i, ffu.file('a.txt', convert_to('a' || i, 'UTF8'))
	FROM generate_series(1, 9) i;

-- nothing before it
SET ROLE regress_ffu_ops;
SELECT t.error(s) FROM unnest(ARRAY['SELECT FROM ffu.check()', 'SELECT ffu.sweep()',
	'SELECT FROM ffu.status', 'SELECT ffu.grant_operations(''regress_ffu_ops'')']) s;
RESET ROLE;
SELECT ffu.grant_operations('regress_ffu_ops');

-- what it got: functions that are not for everyone, and which not
SELECT p.proname, has_function_privilege('regress_ffu_ops', p.oid, 'EXECUTE') AS granted
	FROM pg_proc p
 WHERE pronamespace = 'ffu'::regnamespace AND proname NOT LIKE '\_%'
   AND NOT EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) a
     WHERE a.grantee = 0)
 ORDER BY 2 DESC, 1;
SELECT c.relname, a.privilege_type FROM pg_class c, aclexplode(relacl) a
 WHERE relnamespace = 'ffu'::regnamespace AND a.grantee = 'regress_ffu_ops'::regrole ORDER BY 1;

-- each of them works: a problem of every kind that can be repaired
CREATE FUNCTION pg_temp.path(i int) RETURNS text LANGUAGE sql
	AS 'SELECT f FROM app.docs WHERE id = i';
SELECT t.shell(format('rm folder/%s; echo changed > folder/%s; echo orphan > '
	'folder/docs/orphan.txt; chmod 0600 folder/%s', pg_temp.path(1), pg_temp.path(2),
	pg_temp.path(3)));
SET session_replication_role = replica;
UPDATE app.docs SET f__size = 77 WHERE id = 4;
RESET session_replication_role;
SELECT f AS detached FROM app.docs WHERE id = 5 \gset
UPDATE app.docs SET f = 'detach:' || f WHERE id = 5;
SET ROLE regress_ffu_ops;
SELECT problem, relation, t.mask(path) AS path FROM ffu.check(content => true) ORDER BY problem, 3;
SELECT p.problem, (SELECT string_agg(r.action, ',') FROM ffu.repair(p.problem) r) AS dry,
	(SELECT string_agg(r.action, ',') FROM ffu.repair(p.problem, dry_run => false) r) AS done
  FROM unnest('{missing,orphan,permissions,size,checksum,staging,disabled}'::text[])
    WITH ORDINALITY p(problem, i) ORDER BY i;
SELECT problem, relation, t.mask(path) AS path FROM ffu.check(content => true) ORDER BY problem, 3;
SELECT ffu.delete_detached(:'detached');
SELECT ffu.delete_detached();
SELECT count(*) >= 1 AS seen, bool_and(held_by <> '') AS held FROM ffu.pending_deletions;
SELECT failed FROM ffu.sweep();
SELECT problem, pending_deletions FROM ffu.status;
SELECT count(*) FROM ffu.stat;
SELECT count(*) FROM ffu.abandoned_folders;
SELECT t.error('SELECT ffu.undelete(''docs/1/f-' || repeat('a', 26) || '.txt'')');
SELECT ffu.use_folder(:'folder');
SELECT ffu.claim_folder();
SELECT t.error('SELECT ffu.adopt_folder()');
SELECT ffu.rotate_url_secret('0') IS NOT NULL AS rotated;
-- what holds a deletion is seen, though it is another role's session
SELECT t.error(s) FROM unnest(ARRAY['SELECT FROM ffu.root', 'DELETE FROM ffu.deletion',
	'SELECT f FROM app.docs', 'SELECT ffu.grant_columns(''regress_ffu_ops'')',
	'SELECT ffu.grant_operations(''regress_ffu_owner'')']) s;
-- an operator of a schema in the path is not taken
RESET ROLE;
CREATE SCHEMA evil AUTHORIZATION regress_ffu_ops;
SET ROLE regress_ffu_ops;
CREATE FUNCTION evil.evil(text, text) RETURNS boolean LANGUAGE plpgsql
	AS $$BEGIN RAISE NOTICE 'evil, as %', current_user; RETURN false; END$$;
CREATE OPERATOR evil.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.evil);
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.evil);
SET search_path = evil, pg_catalog;
SELECT ffu.claim_folder();
SELECT ffu.delete_detached();
RESET search_path;
RESET ROLE;
-- with the tables' own triggers set off, ffu's statements on its own tables work
BEGIN;
SET LOCAL session_replication_role = replica;
DELETE FROM ffu.root;
SELECT count(*) AS "what a replica sends is left out" FROM ffu.root;
SET LOCAL session_replication_role = origin;
DELETE FROM ffu.root;
SET LOCAL session_replication_role = replica;
SELECT ffu.claim_folder(:'folder');
SELECT count(*) AS claimed FROM ffu.root;
ROLLBACK;
SELECT ffu.revoke_operations('regress_ffu_ops');
SELECT count(*) AS left FROM pg_proc p
	WHERE pronamespace = 'ffu'::regnamespace AND proname NOT LIKE '\_%'
   AND has_function_privilege('regress_ffu_ops', p.oid, 'EXECUTE')
   AND NOT EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) a
     WHERE a.grantee = 0);
SELECT t.shell('rm -rf folder/.ffu/quarantine/* folder/docs/orphan.txt');
DROP SCHEMA evil CASCADE;
DROP TABLE app.docs;
DROP SCHEMA app;
DROP ROLE regress_ffu_ops, regress_ffu_owner;
SELECT t.finish();
