-- Resumable uploads: they outlive their transaction and their session.
\set SHOW_CONTEXT never
CREATE TABLE r (id int PRIMARY KEY, note text);
SELECT ffu.add_column('r', 'f', allowed_extensions => '{txt,png}');
CREATE VIEW told AS SELECT id, note, f__file_name AS name, f__mime_type AS mime_type,
	f__size AS size, f__size = ffu.size(f) AND f__sha256 = encode(sha256(ffu.content(f)), 'hex')
	AS true, t.text(f) FROM r WHERE f IS NOT NULL;
CREATE FUNCTION pg_temp.try(statement text) RETURNS SETOF text LANGUAGE sql
	AS $$ SELECT t.full_error(statement) $$;

-- each statement a transaction, each in a session of its own
SELECT ffu.upload_begin('poem.txt', resumable => true, max_size => '1 kB') AS u \gset
SELECT :'u' ~ '^resume:[a-z2-7]{26}$' AS "is an id";
\c
\set SHOW_CONTEXT never
SELECT ffu.upload_offset(:'u');
SELECT ffu.upload_append(:'u', 0, 'one ');
\c
\set SHOW_CONTEXT never
CREATE FUNCTION pg_temp.try(statement text) RETURNS SETOF text LANGUAGE sql
	AS $$ SELECT t.full_error(statement) $$;
SELECT ffu.upload_append(:'u', 4, 'two '), ffu.upload_append(:'u', 8, ''),
	ffu.upload_append(:'u', 8, 'three ');
SELECT file_name, size, max_size, begun_at <= now(), expires_at - now() BETWEEN '23 hours'
	AND '1 day' FROM ffu.upload_status(:'u');
SELECT * FROM t.files();
SELECT * FROM ffu.check();
SELECT resumable_uploads FROM ffu.status;
-- the id is nowhere: not in the table, not in the folder
SELECT count(*) FROM ffu.upload u WHERE u::text LIKE '%' || substr(:'u', 8) || '%';
SELECT count(*) FROM ffu.root, t.walk(path) w WHERE w LIKE '%' || substr(:'u', 8) || '%';
-- finished; it can be assigned once more, as every upload
BEGIN;
INSERT INTO r SELECT i, 'resumed', up FROM ffu.upload_finish(:'u') up, generate_series(1, 2) i;
SELECT pg_temp.try(format('SELECT ffu.upload_append(%L, 14, ''x'')', :'u'));
COMMIT;
SELECT * FROM told;
SELECT pg_temp.try(format('SELECT ffu.upload_append(%L, 14, ''x'')', :'u'));
SELECT file, n FROM t.files();

-- rolled back: a begin leaves nothing, an append its bytes, a finish or a cancel nothing
BEGIN;
SELECT ffu.upload_begin('gone.txt', true) AS u \gset
SELECT ffu.upload_append(:'u', 0, 'x');
ROLLBACK;
SELECT pg_temp.try(format('SELECT ffu.upload_offset(%L)', :'u'));
SELECT ffu.upload_begin('back.txt', true) AS u \gset
SELECT ffu.upload_append(:'u', 0, 'kept ');
BEGIN;
SELECT ffu.upload_append(:'u', 5, 'lost and much longer');
ROLLBACK;
SELECT ffu.upload_offset(:'u');
BEGIN;
SELECT ffu.upload_append(:'u', 5, 'kept too ');
SAVEPOINT s;
SELECT ffu.upload_append(:'u', 14, 'lost');
ROLLBACK TO s;
SELECT ffu.upload_offset(:'u');
SAVEPOINT s;
INSERT INTO r VALUES (3, 'lost', ffu.upload_finish(:'u')) RETURNING t.text(f);
ROLLBACK TO s;
SELECT ffu.upload_append(:'u', 14, 'end');
SAVEPOINT s;
SELECT ffu.upload_cancel(:'u');
ROLLBACK TO s;
SELECT ffu.upload_offset(:'u');
COMMIT;
BEGIN;
SELECT ffu.upload_cancel(:'u');
ROLLBACK;
BEGIN;
INSERT INTO r VALUES (3, 'lost', ffu.upload_finish(:'u'));
ROLLBACK;
INSERT INTO r VALUES (3, 'back', ffu.upload_finish(:'u'));
SELECT * FROM told WHERE id = 3;
-- begun, filled and finished in one transaction; in a savepoint; a finish that is not assigned
BEGIN;
SELECT ffu.upload_begin('one.txt', true) AS u \gset
SELECT ffu.upload_append(:'u', 0, 'in one transaction');
INSERT INTO r VALUES (4, 'one', ffu.upload_finish(:'u'));
SAVEPOINT s;
SELECT ffu.upload_begin('lost.txt', true) AS v \gset
SELECT ffu.upload_append(:'v', 0, 'lost');
ROLLBACK TO s;
COMMIT;
SELECT * FROM told WHERE id = 4;
SELECT ffu.upload_begin(NULL, true) AS u \gset
SELECT ffu.upload_append(:'u', 0, t.png());
SELECT ffu.upload_finish(:'u');
SELECT ffu.upload_offset(:'u');
INSERT INTO r VALUES (5, 'no name', ffu.upload_finish(:'u')) RETURNING f__file_name, f__mime_type,
	f__size;
-- what was stored is immutable: its bytes have no other name
SELECT file, n FROM t.files() WHERE file LIKE '.ffu%';
-- given up
SELECT ffu.upload_begin('cancelled.txt', true) AS u \gset
SELECT ffu.upload_append(:'u', 0, 'x');
SELECT ffu.upload_cancel(:'u');
SELECT pg_temp.try(format('SELECT ffu.upload_%s(%L)', what, :'u'))
	FROM unnest('{offset,finish,cancel,status}'::text[]) what;
SELECT file, n FROM t.files() WHERE file LIKE '.ffu%';

-- expiry: counted from the last bytes, with what was in force then
SET ffu.upload_expiry = '1s';
SELECT ffu.upload_begin('a.txt', true) AS u \gset
SELECT ffu.upload_append(:'u', 0, 'x');
SELECT ffu.upload_begin('b.txt', true) AS v \gset
RESET ffu.upload_expiry;
SELECT ffu.upload_append(:'v', 0, 'put off');
SELECT count(*) FROM (SELECT
	pg_sleep(greatest(0, extract(epoch FROM expires_at - clock_timestamp())) + 0.1)
	FROM ffu.upload_status(:'u')) s;
SELECT pg_temp.try(format('SELECT ffu.upload_append(%L, 1, ''y'')', :'u'));
SELECT pg_temp.try(format('SELECT ffu.upload_offset(%L)', :'u'));
SELECT undone, failed FROM ffu.sweep();
SELECT file, n FROM t.files() WHERE file LIKE '.ffu%';
SELECT ffu.upload_offset(:'v');
SELECT ffu.upload_cancel(:'v');

-- bad input; the upload stays usable
SELECT ffu.upload_begin('bad.txt', true, max_size => 5) AS u \gset
SELECT ffu.upload_append(:'u', 0, '123');
SELECT pg_temp.try(format('SELECT ffu.upload_append(%L, %s, ''x'')', :'u', start))
	FROM unnest('{0,2,4,-1}'::int[]) start;
SELECT pg_temp.try(format('SELECT ffu.upload_append(%L, ''x'')', :'u'));
SELECT pg_temp.try(format('SELECT ffu.upload_append(%L, 3, ''456'')', :'u'));
SELECT pg_temp.try(format('INSERT INTO r VALUES (6, ''id'', %L)', :'u'));
SELECT pg_temp.try(format('SELECT ffu.upload_finish(%L)', u))
	FROM unnest(ARRAY['', 'resume:', 'resume:x', 'upload:1.1', 'resume:' || repeat('a', 26),
	'resume:' || repeat('a', 27), 'resume:../../../../../../etc/passwd']) u;
SELECT ffu.upload_append(NULL, 0, 'x'), ffu.upload_append(:'u', 3, NULL), ffu.upload_offset(NULL),
	ffu.upload_finish(NULL);
BEGIN READ ONLY;
SELECT ffu.upload_offset(:'u');
SELECT ffu.upload_append(:'u', 3, 'x');
ROLLBACK;
BEGIN READ ONLY;
SELECT ffu.upload_finish(:'u');
ROLLBACK;
-- the creator's role only, and roles with its privileges
CREATE ROLE regress_ffu_creator;
CREATE ROLE regress_ffu_other;
SET ROLE regress_ffu_other;
SELECT pg_temp.try(format('SELECT ffu.upload_%s', what))
	FROM unnest(ARRAY[format('append(%L, 3, ''x'')', :'u'), format('offset(%L)', :'u'),
	format('finish(%L)', :'u'), format('cancel(%L)', :'u'), format('status(%L)', :'u')]) what;
SELECT * FROM ffu.upload;
SET ROLE regress_ffu_creator;
SELECT ffu.upload_begin('role.txt', true) AS v \gset
SELECT ffu.upload_append(:'v', 0, 'x');
SET ROLE regress_ffu_other;
SELECT t.error(format('SELECT ffu.upload_append(%L, 1, ''x'')', :'v'));
RESET ROLE;
GRANT regress_ffu_creator TO regress_ffu_other;
SET ROLE regress_ffu_other;
SELECT ffu.upload_append(:'v', 1, 'x');
RESET ROLE;
SELECT ffu.upload_cancel(:'v');
DROP ROLE regress_ffu_creator, regress_ffu_other;
INSERT INTO r VALUES (7, 'bad', ffu.upload_finish(:'u')) RETURNING t.text(f);
-- the setting
SELECT t.error('SET ffu.upload_expiry = 0');
SET ffu.upload_expiry = '1h';
SHOW ffu.upload_expiry;
RESET ffu.upload_expiry;

-- what goes round us is found: bytes that are missing, a file of no upload
SELECT ffu.upload_begin('short.txt', true) AS u \gset
SELECT ffu.upload_append(:'u', 0, '1234567890');
SELECT ffu.upload_begin('lost.txt', true) AS v \gset
SELECT ffu.upload_append(:'v', 0, 'x');
SELECT t.shell(format('truncate -s 4 folder/.ffu/uploads/*.%s; rm folder/.ffu/uploads/*.%s; touch '
	'folder/.ffu/uploads/3.00000000000000aa folder/.ffu/uploads/what',
	left(encode(sha256(convert_to(:'u', 'UTF8')), 'hex'), 16),
	left(encode(sha256(convert_to(:'v', 'UTF8')), 'hex'), 16)));
SELECT problem, t.mask(path) AS path, detail FROM ffu.check() ORDER BY 3;
SELECT pg_temp.try(format('SELECT ffu.upload_append(%L, 10, ''x'')', :'u'));
SELECT pg_temp.try(format('SELECT ffu.upload_finish(%L)', :'v'));
SELECT undone, unclear, failed FROM ffu.sweep();
SELECT ffu.upload_cancel(:'u'), ffu.upload_cancel(:'v');
SELECT t.shell('rm folder/.ffu/uploads/what');
SELECT * FROM ffu.check();
-- claim_folder: what has its bytes is kept, the rest ends
SELECT ffu.upload_begin('kept.txt', true) AS u \gset
SELECT ffu.upload_append(:'u', 0, 'kept ');
SELECT ffu.upload_begin('lost.txt', true) AS v \gset
SELECT ffu.upload_append(:'v', 0, 'x');
SELECT t.shell(format('rm folder/.ffu/uploads/*.%s; touch folder/.ffu/uploads/3.00000000000000aa',
	left(encode(sha256(convert_to(:'v', 'UTF8')), 'hex'), 16)));
SELECT ffu.claim_folder();
SELECT file, n FROM t.files() WHERE file LIKE '.ffu%';
SELECT t.error(format('SELECT ffu.upload_offset(%L)', :'v'));
SELECT ffu.upload_append(:'u', 5, 'and claimed');
INSERT INTO r VALUES (9, 'claimed', ffu.upload_finish(:'u')) RETURNING t.text(f);

-- large objects: in, out, and one that is there already
SELECT ffu.to_large_object(f) AS lo FROM r WHERE id = 9 \gset
SELECT convert_from(lo_get(:lo), 'UTF8');
SELECT ffu.to_large_object(f, 4660) FROM r WHERE id = 9;
SELECT t.error('SELECT ffu.to_large_object(f, 4660) FROM r WHERE id = 9');
SELECT pg_temp.try('SELECT ffu.to_large_object(''r/9/f-' || repeat('a', 26) || '.txt'')');
BEGIN READ ONLY;
SELECT ffu.to_large_object(f) FROM r WHERE id = 9;
ROLLBACK;
UPDATE r SET f = ffu.from_large_object('again.txt', 4660) WHERE id = 9 RETURNING t.text(f);
SELECT lo_unlink(:lo), lo_unlink(4660);
SELECT ffu.to_large_object(NULL);
DROP VIEW told;
DROP TABLE r;
SELECT t.finish();
