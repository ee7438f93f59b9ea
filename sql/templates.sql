-- Every placeholder of path templates: what is made from a template fits it, so
-- that ffu.relocate, called again, has nothing to do.
CREATE SCHEMA "Sch ö";
CREATE TABLE "Sch ö"."T.b l" (id int PRIMARY KEY);
SELECT ffu.add_column('"Sch ö"."T.b l"', 'f''ü', urls => false);
INSERT INTO "Sch ö"."T.b l" (id, "f'ü") VALUES (1, ffu.file('a.txt', 'a')),
	(2, ffu.file('b.md', 'b')), (3, NULL);
-- The first template with this placeholder that is accepted.
CREATE FUNCTION template(placeholder text) RETURNS text LANGUAGE sql AS $$
	SELECT candidate
	  FROM unnest(ARRAY[placeholder || '/x-{token}', 'x' || placeholder || '/{token}',
	    'x-' || placeholder || '-y',
						'x/' || placeholder]) WITH ORDINALITY c(candidate, n)
	 WHERE t.error(format('SELECT ffu.check_path_template(%L)', candidate)) = 'no error'
	 ORDER BY n LIMIT 1
$$;
CREATE TABLE templates AS SELECT p AS placeholder, template(p) FROM unnest(ffu._placeholders()) p;
INSERT INTO templates VALUES ('', 'flat-{token}'),
	(' all', '{schema}/{table}/{column}/{pk}/{yyyy}-{mm}-{dd}/{token:2}/{token}{ext}'),
	(' default', '{table}/{pk}/{column}-{token}{ext}');
SELECT * FROM templates ORDER BY placeholder COLLATE "C";
CREATE TABLE was (id int, f text);
CREATE TABLE result (template text, moved bigint, again bigint);
-- Relocates to each template, twice, and says what moved.
CREATE PROCEDURE try_all() LANGUAGE plpgsql AS $$
DECLARE
	one record;
	moved bigint;
	again bigint;
BEGIN
	FOR one IN SELECT * FROM templates ORDER BY placeholder COLLATE "C" LOOP
		TRUNCATE was;
		INSERT INTO was SELECT id, "f'ü" FROM "Sch ö"."T.b l";
		CALL ffu.relocate('"Sch ö"."T.b l"', 'f''ü', one.template);
		SELECT count(*) INTO moved FROM was JOIN "Sch ö"."T.b l" USING (id) WHERE f <> "f'ü";
		TRUNCATE was;
		INSERT INTO was SELECT id, "f'ü" FROM "Sch ö"."T.b l";
		CALL ffu.relocate('"Sch ö"."T.b l"', 'f''ü');
		SELECT count(*) INTO again FROM was JOIN "Sch ö"."T.b l" USING (id) WHERE f <> "f'ü";
		INSERT INTO result VALUES (one.template, moved, again);
	END LOOP;
END
$$;
SET client_min_messages = warning;
CALL try_all();
TABLE result;
TRUNCATE result;
-- the same with literals that have escapes, and with all identifiers quoted, in a
-- session that has not read ffu's functions yet
\c -
SET client_min_messages = warning;
-- 19 has no such settings.
DO $$ BEGIN
	PERFORM set_config(name, 'off', false) FROM pg_settings
		WHERE name IN ('escape_string_warning', 'standard_conforming_strings')
		AND current_setting('server_version_num')::int < 190000;
END $$;
SET quote_all_identifiers = on;
CALL try_all();
\c -
SET client_min_messages = warning;
TABLE result;
-- names as they are now, and long ones
SELECT ffu._path_fits(path, template, 's', 'tab', 'col') AS fits,
	replace(path, repeat('a', 26), '<token>') AS path, template
  FROM (SELECT replace(p, 'TOKEN', repeat('a', 26)), template FROM (VALUES
	('tab/1/col-TOKEN.txt', '{table}/{pk}/{column}-{token}{ext}'),
	('tab/1/col-TOKEN', '{table}/{pk}/{column}-{token}{ext}'),
	('ta/1/col-TOKEN.txt', '{table}/{pk}/{column}-{token}{ext}'),
	('tab2/1/col-TOKEN.txt', '{table}/{pk}/{column}-{token}{ext}'),
	('tab/1/2/col-TOKEN.txt', '{table}/{pk}/{column}-{token}{ext}'),
	('tab/1/col-TOKENx.txt', '{table}/{pk}/{column}-{token}{ext}'),
	('tab/1/col-TOKEN.TXT', '{table}/{pk}/{column}-{token}{ext}'),
	('tab/1/col-TOKEN.abcdefghijklmnopq', '{table}/{pk}/{column}-{token}{ext}'),
	('tab/1/col-TOKEN.txt/', '{table}/{pk}/{column}-{token}{ext}'),
	('', '{table}/{pk}/{column}-{token}{ext}'),
	('2026/1/01/TOKEN', '{yyyy}/{mm}/{dd}/{token}'),
	('2026/11/01/TOKEN', '{yyyy}/{mm}/{dd}/{token}'),
	('a1-b1-TOKEN', '{pk}1-{pk}1-{token}'),
	('axTOKEN', 'a.{token}'),
	('aa/TOKEN', '{token:2}/{token}'),
	('a/TOKEN', '{token:2}/{token}')) v(p, template)) c(path, template);
-- a long name is shortened, and found again
ALTER TABLE "Sch ö"."T.b l" RENAME TO "äöüäöüäöüäöüäöüäöüäöüäöüäöüäöü";
CALL ffu.relocate('"Sch ö"."äöüäöüäöüäöüäöüäöüäöüäöüäöüäöü"', 'f''ü',
	'{table}/{pk}/{table}{table}-{token}{ext}');
SELECT id, octet_length("f'ü"), t.text("f'ü") FROM "Sch ö"."äöüäöüäöüäöüäöüäöüäöüäöüäöüäöü"
	ORDER BY 1;
INSERT INTO was SELECT id + 100, "f'ü" FROM "Sch ö"."äöüäöüäöüäöüäöüäöüäöüäöüäöüäöü";
CALL ffu.relocate('"Sch ö"."äöüäöüäöüäöüäöüäöüäöüäöüäöüäöü"', 'f''ü');
SELECT count(*) AS "moved again" FROM was w JOIN "Sch ö"."äöüäöüäöüäöüäöüäöüäöüäöüäöüäöü" l
	ON w.id = l.id + 100 WHERE f <> "f'ü";
DROP TABLE templates, was, result;
DROP SCHEMA "Sch ö" CASCADE;
DROP PROCEDURE try_all;
DROP FUNCTION template;
SELECT t.finish();
