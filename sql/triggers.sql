-- The user's own triggers, before ours and after.
CREATE TABLE r (id int PRIMARY KEY, note text);
SELECT ffu.add_column('r', 'f');
CREATE FUNCTION t.user_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	CASE TG_ARGV[0]
		WHEN 'set' THEN NEW.f := ffu.file('trigger.txt', 'from a trigger');
		WHEN 'uri' THEN NEW.f := 'data:;name=uri.txt,' || NEW.note;
		WHEN 'clear' THEN NEW.f := NULL;
		WHEN 'rename' THEN NEW.f__file_name := 'renamed.txt';
		WHEN 'skip' THEN RETURN NULL;
		WHEN 'copy' THEN NEW.f := (SELECT f FROM r WHERE id = 0);
		WHEN 'junk' THEN NEW.f := 'junk';
		WHEN 'companions' THEN NEW.f__ext := 'exe'; NEW.f__size := -1;
		NEW.f__mime_type := 'text/evil';
		WHEN 'note' THEN NEW.note := coalesce(NEW.f__file_name, 'no name') || ' '
		|| coalesce(NEW.f__size::text, 'no size');
		WHEN 'fail' THEN RAISE 'the user''s trigger fails';
	END CASE;
	RETURN NEW;
END
$$;
-- one trigger at a time: before ours ("a_"), after ours ("zzz_")
CREATE FUNCTION t.with_trigger(name text, action text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	DROP TRIGGER IF EXISTS a_user ON r;
	DROP TRIGGER IF EXISTS zzz_user ON r;
	IF name IS NOT NULL THEN
		EXECUTE format('CREATE TRIGGER %I BEFORE INSERT OR UPDATE ON r FOR EACH ROW EXECUTE '
		'FUNCTION t.user_trigger(%L)', name, action);
	END IF;
END
$$;
SET client_min_messages = warning;
\pset tuples_only on

-- before ours, which then sees only what that trigger leaves: an upload that it
-- takes away is an unused one. In INSERT, in an UPDATE of other columns, over
-- what the statement sets
SELECT t.with_trigger('a_user', 'set');
INSERT INTO r VALUES (1, 'one', NULL) RETURNING f__file_name, t.text(f);
UPDATE r SET note = 'changed' RETURNING f__file_name, t.text(f);
UPDATE r SET f = ffu.file('statement.txt', 'replaced by the trigger')
	RETURNING f__file_name, t.text(f);
SELECT t.with_trigger('a_user', 'uri');
UPDATE r SET note = 'the note' RETURNING f__file_name, t.text(f);
SELECT t.with_trigger('a_user', 'clear');
UPDATE r SET note = 'cleared' RETURNING f, f__file_name, f__size;
INSERT INTO r VALUES (2, 'two', ffu.file('a.txt', 'cleared')) RETURNING f;
SELECT * FROM t.settled_files();
-- a copy of another row's file; a name; companions
SELECT t.with_trigger(NULL, NULL);
INSERT INTO r VALUES (0, 'default', ffu.file('default.txt', 'default'));
SELECT t.with_trigger('a_user', 'copy');
INSERT INTO r VALUES (3, 'three', NULL) RETURNING f__file_name, t.text(f), t.mask(f);
UPDATE r SET note = 'again' WHERE id = 3 RETURNING t.text(f);
SELECT t.with_trigger('a_user', 'rename');
UPDATE r SET note = 'x' WHERE id = 3 RETURNING f__file_name;
INSERT INTO r VALUES (4, 'four', ffu.file(NULL, 'nameless')) RETURNING f__file_name;
SELECT t.with_trigger('a_user', 'companions');
UPDATE r SET note = 'x', f__size = 3 WHERE id = 3 RETURNING f__mime_type, f__ext, f__size;
UPDATE r SET note = 'y' WHERE id = 3 RETURNING f__mime_type, f__ext, f__size;
INSERT INTO r VALUES (5, 'five', ffu.file('a.txt', 'five')) RETURNING f__mime_type, f__ext, f__size;
SELECT t.with_trigger('a_user', 'junk');
SELECT t.error('UPDATE r SET note = ''x''');
-- the row is not written: no file, no error
SELECT t.with_trigger('a_user', 'skip');
INSERT INTO r VALUES (6, 'six', ffu.file('a.txt', 'six'));
UPDATE r SET f = ffu.file('a.txt', 'x');
SELECT t.with_trigger('a_user', 'fail');
SELECT t.error('INSERT INTO r VALUES (6, ''six'', ffu.file(''a.txt'', ''six''))');
SELECT t.with_trigger(NULL, NULL);
SELECT id, t.text(f) FROM r ORDER BY id;
SELECT sum(n) FROM t.settled_files();

-- after ours: it may read what ours chose, and not write the row at all ...
SELECT t.with_trigger('zzz_user', 'note');
INSERT INTO r VALUES (7, '', ffu.file('a.txt', 'seven')) RETURNING note;
SELECT t.with_trigger('zzz_user', 'skip');
INSERT INTO r VALUES (8, '', ffu.file('a.txt', 'eight'));
UPDATE r SET f = ffu.file('a.txt', 'x');
SELECT t.with_trigger('zzz_user', 'fail');
SELECT t.error('UPDATE r SET f = ffu.file(''a.txt'', ''x'')');
-- ... but a value that ours did not choose is an error
SELECT t.with_trigger('zzz_user', 'set');
SELECT t.full_error('INSERT INTO r VALUES (9, '''', ffu.file(''a.txt'', ''nine''))');
SELECT t.with_trigger('zzz_user', 'junk');
SELECT t.full_error('INSERT INTO r VALUES (9, '''', NULL)');
SELECT t.full_error('UPDATE r SET f = ffu.file(''a.txt'', ''x'') WHERE id = 0');
SELECT t.error('UPDATE r SET note = ''x'' WHERE id = 0');
SELECT t.with_trigger('zzz_user', 'copy');
SELECT t.error('UPDATE r SET note = ''x'' WHERE id = 3');
-- clearing it is none: the file goes
SELECT t.with_trigger('zzz_user', 'clear');
INSERT INTO r VALUES (9, '', ffu.file('a.txt', 'nine')) RETURNING f;
SELECT t.with_trigger(NULL, NULL);
SELECT id, t.text(f) FROM r ORDER BY id;
SELECT sum(n) FROM t.settled_files();

-- a BEFORE DELETE that keeps the row keeps the file; an AFTER trigger that changes another row
CREATE FUNCTION t.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep BEFORE DELETE ON r FOR EACH ROW WHEN (OLD.id = 0) EXECUTE FUNCTION t.keep();
DELETE FROM r;
SELECT id, t.text(f) FROM r;
CREATE FUNCTION t.mirror() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.id < 100 THEN
		INSERT INTO r VALUES (NEW.id + 100, 'mirror', NEW.f);
	END IF;
	RETURN NULL;
END
$$;
CREATE TRIGGER mirror AFTER INSERT ON r FOR EACH ROW EXECUTE FUNCTION t.mirror();
-- (sorted before ours: the file is not the first row's yet, and that is copied too)
SELECT t.error('INSERT INTO r VALUES (1, '''', ffu.file(''a.txt'', ''mirrored''))');
CREATE TRIGGER zzz_mirror AFTER INSERT ON r FOR EACH ROW EXECUTE FUNCTION t.mirror();
DROP TRIGGER mirror ON r;
INSERT INTO r VALUES (2, '', ffu.file('a.txt', 'mirrored, too'));
SELECT id, t.text(f) FROM r ORDER BY id;
SELECT * FROM t.settled_files();
-- a column with a DEFAULT
DROP TABLE r;
CREATE TABLE r (id int PRIMARY KEY);
SELECT ffu.add_column('r', 'f');
ALTER TABLE r ALTER f SET DEFAULT 'data:;name=default.txt,default';
INSERT INTO r VALUES (1) RETURNING f__file_name, t.text(f);
INSERT INTO r VALUES (2, NULL) RETURNING f;
DROP TABLE r;
DROP FUNCTION t.user_trigger, t.with_trigger, t.keep, t.mirror;
SELECT t.finish();
