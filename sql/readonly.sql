-- What writes is refused in a read-only transaction (25006); what reads is not.
CREATE TABLE r (id int PRIMARY KEY);
SELECT ffu.add_column('r', 'f');
INSERT INTO r VALUES (1, ffu.file('a.txt', 'readable'));
SELECT lo_from_bytea(0, 'x') AS large_object \gset
BEGIN READ ONLY;
SELECT t.text(f), ffu.size(f), t.mask(ffu.url(f)) FROM r;
SELECT convert_from(ffu.content(f, 0, 4), 'UTF8'), (SELECT count(*) FROM ffu.stream(f)) FROM r;
SELECT column_name FROM ffu.columns;
SELECT problem FROM ffu.status;
SELECT code, message FROM
	unnest(ARRAY['SELECT ffu.file(''a.txt'', ''x'')', 'SELECT ffu.from_large_object(''a.txt'', '
	|| :large_object || ')', 'SELECT ffu.sweep()', 'SELECT ffu.use_folder(''/srv'')',
	'SELECT ffu.claim_folder()', 'UPDATE r SET f = NULL', 'UPDATE r SET f = ''data:,x''',
	'DELETE FROM r', 'TRUNCATE r', 'DROP TABLE r', 'SELECT ffu.drop_column(''r'', ''f'')',
	'SELECT ffu.add_column(''r'', ''g'')']) s, t.catch(s);
COMMIT;
-- NULL bytes are no file, also here
BEGIN READ ONLY;
SELECT ffu.file('a.txt', NULL);
COMMIT;
-- in REPEATABLE READ and SERIALIZABLE all works but the sweep
BEGIN ISOLATION LEVEL REPEATABLE READ;
INSERT INTO r VALUES (2, ffu.file('b.txt', 'two'));
DELETE FROM r WHERE id = 1;
SELECT t.full_error('SELECT ffu.sweep()');
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
UPDATE r SET f = ffu.file('c.txt', 'three') RETURNING t.text(f);
SELECT t.error('SELECT ffu.sweep()');
COMMIT;
SELECT id, t.text(f) FROM r;
SELECT * FROM t.settled_files();
SELECT lo_unlink(:large_object);
DROP TABLE r;

SELECT t.finish();
