-- What PostgreSQL 17 brings: MERGE ... RETURNING, WHEN NOT MATCHED BY SOURCE, COPY
-- ... ON_ERROR ignore, login event triggers, transaction_timeout.
\set SHOW_CONTEXT never
SELECT current_setting('server_version_num')::int >= 170000 AS has_it \gset
\if :has_it
\else
	\echo not on this server
	\quit
\endif
CREATE TABLE docs (id int PRIMARY KEY, title text);
SELECT ffu.add_column('docs', 'f', allowed_extensions => '{txt}', max_size => '1 kB');
INSERT INTO docs SELECT i, 't' || i, ffu.file('a.txt', convert_to('old ' || i, 'UTF8'))
	FROM generate_series(1, 3) i;

-- MERGE: one row changes its file, one comes with a file, one goes with its file
MERGE INTO docs d USING (VALUES (1, 'new 1'), (2, NULL), (4, 'new 4')) s (id, content)
	ON d.id = s.id
	WHEN MATCHED AND s.content IS NOT NULL THEN UPDATE SET f = ffu.file('b.txt', s.content::bytea)
	WHEN MATCHED THEN UPDATE SET title = 'same file'
	WHEN NOT MATCHED THEN INSERT (id, f) VALUES (s.id, ffu.file('b.txt', s.content::bytea))
	WHEN NOT MATCHED BY SOURCE THEN DELETE
	RETURNING merge_action(), d.id, d.f__file_name, d.f__size;
SELECT id, title, f__file_name, t.text(f) FROM docs ORDER BY id;
SELECT * FROM t.settled_files();
-- rolled back: nothing changes
BEGIN;
MERGE INTO docs d USING (VALUES (1), (9)) s (id) ON d.id = s.id
	WHEN MATCHED THEN DELETE
	WHEN NOT MATCHED THEN INSERT (id, f) VALUES (s.id, ffu.file('c.txt', 'c'))
	RETURNING merge_action(), s.id;
ROLLBACK;
SELECT id, t.text(f) FROM docs ORDER BY id;
SELECT * FROM t.settled_files();
-- a file that is refused in MERGE
MERGE INTO docs d USING (VALUES (9)) s (id) ON d.id = s.id
	WHEN NOT MATCHED THEN INSERT (id, f) VALUES (s.id, ffu.file('c.exe', 'c'));

-- through a view with an INSTEAD OF trigger, also by MERGE
CREATE VIEW shown AS SELECT id, title, f FROM docs;
CREATE FUNCTION store_shown() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' THEN
		INSERT INTO docs (id, title, f) VALUES (NEW.id, NEW.title, NEW.f);
	ELSIF TG_OP = 'UPDATE' THEN
		UPDATE docs SET title = NEW.title, f = NEW.f WHERE id = OLD.id;
	ELSE
		DELETE FROM docs WHERE id = OLD.id;
		RETURN OLD;
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER store INSTEAD OF INSERT OR UPDATE OR DELETE ON shown
	FOR EACH ROW EXECUTE FUNCTION store_shown();
MERGE INTO shown v USING (VALUES (5), (6)) s (id) ON v.id = s.id
	WHEN NOT MATCHED THEN INSERT (id, title, f) VALUES (s.id, 'view', ffu.file('v.txt', 'view'))
	RETURNING merge_action(), v.id;
MERGE INTO shown v USING (VALUES (5), (6)) s (id) ON v.id = s.id
	WHEN MATCHED AND s.id = 5 THEN UPDATE SET f = ffu.file('w.txt', 'new view')
	WHEN MATCHED THEN DELETE
	RETURNING merge_action(), v.id;
SELECT id, title, t.text(f) FROM docs WHERE id > 4;
SELECT * FROM t.settled_files();

-- COPY ... ON_ERROR ignore skips rows whose values are not of their type. A file that
-- is refused is an error of a trigger: it ends the COPY, and nothing is stored.
COPY docs (id, title, f) FROM stdin WITH (ON_ERROR ignore);
6	good	data:text/plain,six
no	number	data:text/plain,x
7	good	data:text/plain,seven
\.
SELECT id, t.text(f) FROM docs WHERE id > 5 ORDER BY id;
COPY docs (id, title, f) FROM stdin WITH (ON_ERROR ignore);
8	good	data:text/plain,eight
9	bad	data:text/plain;base64,***
\.
SELECT id FROM docs WHERE id > 7;
SELECT * FROM t.settled_files();

-- a login event trigger that writes a file
CREATE FUNCTION at_login() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO docs (id, title, f) SELECT max(id) + 1, 'login', ffu.file('login.txt', 'login')
	FROM docs;
END
$$;
CREATE EVENT TRIGGER at_login ON login EXECUTE FUNCTION at_login();
\c
\set SHOW_CONTEXT never
DROP EVENT TRIGGER at_login;
SELECT id, title, t.text(f) FROM docs WHERE title = 'login';

-- transaction_timeout ends the session with its transaction: no file stays
SELECT setting AS bindir FROM pg_config WHERE name = 'BINDIR' \gset
\setenv BINDIR :bindir
\setenv DATABASE :DBNAME
\set begin 'BEGIN; SET LOCAL transaction_timeout = ''200ms'';'
\set late 'INSERT INTO docs (id, f) VALUES (20, ffu.file(''late.txt'', ''late''));'
\set wait 'SELECT pg_sleep(60); COMMIT'
\setenv STATEMENTS :begin:late:wait
\! "$BINDIR/psql" -Xqd "$DATABASE" -c "$STATEMENTS" 2>&1 | grep -o 'terminating.*timeout'
SELECT id FROM docs WHERE id = 20;
SELECT count(*) FROM ffu.check();
SELECT * FROM t.settled_files();
DROP VIEW shown;
DROP FUNCTION store_shown, at_login;
DROP TABLE docs;
SELECT t.finish();
