-- What a hostile or careless role can do to files that are not its own: each
-- case was possible once.
-- a superuser changes tables of other roles, which is refused above READ COMMITTED
SET default_transaction_isolation = 'read committed';
CREATE TABLE victim (id int PRIMARY KEY);
SELECT ffu.add_column('victim', 'f');
INSERT INTO victim VALUES (1, ffu.file('a.txt', 'mine'));
CREATE ROLE regress_ffu_mallory;
GRANT SELECT ON victim TO regress_ffu_mallory;
CREATE SCHEMA mallory AUTHORIZATION regress_ffu_mallory;

-- whoever only knows a path cannot have it deleted
SET ROLE regress_ffu_mallory;
CREATE TABLE mallory.x AS SELECT f FROM victim;
SELECT t.error($$SELECT ffu.manage_column('mallory.x', 'f')$$);
SELECT t.error($$CREATE TRIGGER a AFTER DELETE ON mallory.x FOR EACH ROW
		EXECUTE FUNCTION ffu.after_row('f')$$);
SELECT t.error($$CREATE TRIGGER a BEFORE TRUNCATE ON mallory.x
		EXECUTE FUNCTION ffu.before_truncate('f')$$);
RESET ROLE;

-- nor does an innocent copy of a table take the files along: not even for a superuser
SELECT t.error($$SELECT ffu.manage_column('mallory.x', 'f')$$);
DROP TABLE mallory.x;
SELECT id, t.text(f) FROM victim;

-- triggers made by hand over columns of other types
CREATE TABLE wrong (id int, n bigint, t text);
CREATE TRIGGER w BEFORE INSERT OR UPDATE OF n ON wrong FOR EACH ROW
	EXECUTE FUNCTION ffu.before_row('n', '{"companions": []}');
SELECT t.error('INSERT INTO wrong VALUES (1, 4096)');
DROP TABLE wrong;
CREATE TABLE wrong (id int, n bigint, t text);
CREATE TRIGGER w BEFORE INSERT OR UPDATE OF t, n ON wrong FOR EACH ROW
	EXECUTE FUNCTION ffu.before_row('t', '{"companions": ["mime_type"]}');
SELECT t.error($$INSERT INTO wrong VALUES (1, 1, ffu.file('a.txt', 'x'))$$);
-- again: what could not be read is not remembered
SELECT t.error($$INSERT INTO wrong VALUES (1, 1, ffu.file('a.txt', 'x'))$$);
DROP TABLE wrong;

-- tables whose rows can vanish
CREATE TEMP TABLE gone (f text);
CREATE TRIGGER w BEFORE INSERT OR UPDATE OF f ON gone FOR EACH ROW
	EXECUTE FUNCTION ffu.before_row('f', '{"companions": []}');
CREATE TRIGGER x AFTER DELETE ON gone FOR EACH ROW EXECUTE FUNCTION ffu.after_row('f');
ALTER TABLE gone DISABLE TRIGGER w;
INSERT INTO gone SELECT f FROM victim;
SELECT t.error('DELETE FROM gone');
DROP TABLE gone;
SELECT t.error('ALTER TABLE victim SET UNLOGGED');
SELECT id, t.text(f) FROM victim;

-- the permit of drop_column ends with its transaction
BEGIN;
SELECT ffu.drop_column('victim', 'f', keep_files => true);
ROLLBACK;
SELECT t.error('DROP TRIGGER zz_ffu_f_5_delete ON victim');
BEGIN;
SAVEPOINT a;
SELECT ffu.drop_column('victim', 'f', keep_files => true);
ROLLBACK TO a;
SELECT t.error('DROP TRIGGER zz_ffu_f_5_delete ON victim');
DROP TABLE victim;
COMMIT;

DROP SCHEMA mallory;
DROP ROLE regress_ffu_mallory;
SELECT t.finish();
