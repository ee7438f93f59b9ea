-- What PostgreSQL 18 brings: RETURNING old and new, virtual generated columns, NOT NULL
-- as constraints, temporal keys, COPY ... REJECT_LIMIT, NOT ENFORCED foreign keys.
\set SHOW_CONTEXT never
SELECT current_setting('server_version_num')::int >= 180000 AS has_it \gset
\if :has_it
\else
	\echo not on this server
	\quit
\endif
CREATE TABLE docs (id int PRIMARY KEY, title text);
SELECT ffu.add_column('docs', 'f', allowed_extensions => '{txt}');
INSERT INTO docs SELECT i, 't' || i, ffu.file('a.txt', convert_to('old ' || i, 'UTF8'))
	FROM generate_series(1, 3) i;

-- RETURNING old, new
UPDATE docs SET f = ffu.file('b.txt', 'new') WHERE id = 1
	RETURNING t.mask(old.f), t.mask(new.f), old.f <> new.f AS differ, old.f__file_name,
	new.f__file_name;
INSERT INTO docs (id, f) VALUES (2, ffu.file('c.txt', 'c')) ON CONFLICT (id) DO UPDATE
	SET f = excluded.f
	RETURNING old.f__size, new.f__size, old.f <> new.f AS differ;
DELETE FROM docs WHERE id = 3 RETURNING old.f__file_name, new.f__file_name;
SELECT id, t.text(f) FROM docs ORDER BY id;
SELECT * FROM t.settled_files();

-- A virtual generated column cannot use a type that is not built in, and so not the
-- path's domain. A stored column can, and so can a function or a view.
ALTER TABLE docs ADD COLUMN link text GENERATED ALWAYS AS ('/x/' || f);
ALTER TABLE docs ADD COLUMN link text GENERATED ALWAYS AS ('/x/' || f) STORED;
SELECT id, t.mask(link) FROM docs ORDER BY id;
UPDATE docs SET f = ffu.file('d.txt', 'd') WHERE id = 1
	RETURNING new.link = '/x/' || new.f AS follows;
ALTER TABLE docs DROP COLUMN link;
-- over its companions, which are of built-in types, it works
ALTER TABLE docs ADD COLUMN kilobytes numeric GENERATED ALWAYS AS (f__size / 1024.0);
SELECT id, round(kilobytes, 4) FROM docs ORDER BY id;

-- NOT NULL is a constraint with a name, and can be not valid
ALTER TABLE docs ADD CONSTRAINT has_file NOT NULL f NOT VALID;
SELECT required FROM ffu.columns WHERE relation = 'docs'::regclass;
INSERT INTO docs (id) VALUES (9);
ALTER TABLE docs VALIDATE CONSTRAINT has_file;
ALTER TABLE docs DROP CONSTRAINT has_file;
SELECT required FROM ffu.columns WHERE relation = 'docs'::regclass;
INSERT INTO docs (id) VALUES (9);

-- COPY with a limit of rows that are skipped
COPY docs (id, f) FROM stdin WITH (ON_ERROR ignore, REJECT_LIMIT 1);
10	data:text/plain,ten
no	data:text/plain,x
nor	data:text/plain,x
\.
SELECT id FROM docs WHERE id > 9;
SELECT * FROM t.settled_files();

-- a foreign key that is not enforced deletes nothing, and so no file
CREATE TABLE notes (id int PRIMARY KEY, doc int REFERENCES docs ON DELETE CASCADE NOT ENFORCED);
SELECT ffu.add_column('notes', 'f', allowed_extensions => '{txt}');
INSERT INTO notes (id, doc, f) VALUES (1, 1, ffu.file('n.txt', 'note'));
DELETE FROM docs WHERE id = 1;
SELECT id, t.text(f) FROM notes;
DROP TABLE notes;

-- An AFTER trigger runs as the role that queued it, also at commit: here one that stores
-- a file.
CREATE ROLE regress_ffu_queuer;
CREATE TABLE log (id int PRIMARY KEY, who text);
SELECT ffu.add_column('log', 'f', allowed_extensions => '{txt}');
CREATE FUNCTION store_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO log (id, who, f)
	VALUES (NEW.id, current_user, ffu.file('log.txt', convert_to('log of ' || NEW.id, 'UTF8')));
	RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER store_log AFTER INSERT ON docs DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION store_log();
GRANT SELECT, INSERT ON docs, log TO regress_ffu_queuer;
BEGIN;
SET ROLE regress_ffu_queuer;
INSERT INTO docs (id, f) VALUES (30, ffu.file('q.txt', 'queued'));
RESET ROLE;
COMMIT;
SELECT id, who, f__file_name, t.text(f) FROM log;
-- without the right to store there the commit fails, and no file stays
REVOKE INSERT ON log FROM regress_ffu_queuer;
BEGIN;
SET ROLE regress_ffu_queuer;
INSERT INTO docs (id, f) VALUES (31, ffu.file('q.txt', 'queued'));
RESET ROLE;
COMMIT;
SELECT * FROM t.settled_files();
DROP TABLE log;
DROP FUNCTION store_log CASCADE;
REVOKE ALL ON docs FROM regress_ffu_queuer;
DROP ROLE regress_ffu_queuer;

-- a temporal key; a range as first column needs no other extension
SET datestyle = 'ISO';
CREATE TABLE rooms (id int4range, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
SELECT ffu.add_column('rooms', 'f', allowed_extensions => '{txt}');
INSERT INTO rooms (id, during, f)
	VALUES ('[1,2)', '[2026-01-01,2026-02-01)', ffu.file('r.txt', 'room'))
	RETURNING t.mask(f), t.text(f);
UPDATE rooms SET during = '[2026-01-01,2026-03-01)' RETURNING t.text(f);
SELECT count(*) FROM ffu.check();
DROP TABLE rooms;
DROP TABLE docs;
SELECT * FROM t.settled_files();
SELECT t.finish();
