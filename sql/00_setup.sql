-- What every other file rests on: both extensions, a folder for this database,
-- and a schema of helpers. FFU_TEST_ROOT differs from machine to machine, so it
-- is never printed.
\getenv ffu_root FFU_TEST_ROOT
\set folder :ffu_root '/folder'
CREATE EXTENSION ffu;
CREATE EXTENSION ffu_flask;
\o /dev/null
SELECT ffu.use_folder(:'folder');
\o
SELECT path = :'folder' AS "claimed" FROM ffu.root;

CREATE SCHEMA t;
GRANT USAGE ON SCHEMA t TO PUBLIC;
CREATE TABLE t.config AS SELECT :'ffu_root'::text AS root, current_user::text AS superuser;

-- What differs from run to run is masked: tokens, uploads, numbers, the folder, and
-- the names of the server's two users. 17 and later give a range its unit.
CREATE FUNCTION t.mask(value text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	value := replace(value, (SELECT root FROM t.config), '<root>');
	value := regexp_replace(value, '\m[a-z2-7]{26}\M', '<token>', 'g');
	value := regexp_replace(value, 'upload:\d+\.\d+(\.[0-9a-f]{16})?', 'upload:<n>', 'g');
	value := regexp_replace(value, 'staging/[0-9a-f]/\d+\.\d+', 'staging/<n>', 'g');
	value := regexp_replace(value, 'uploads/\d+\.[0-9a-f]{16}', 'uploads/<n>', 'g');
	value := regexp_replace(value, '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}', '<uuid>', 'g');
	value := replace(value, format('role "%s"', (SELECT superuser FROM t.config)),
	'role "<superuser>"');
	value := regexp_replace(value, '\m(chown|install -d -o) [^ .]+', '\1 <user>', 'g');
	value := regexp_replace(value, '\((\d+)( s| kB)? \.\. (\d+)\2\)$', '(\1 .. \3)');
	RETURN regexp_replace(value, '(database|cluster|OID) \d+', '\1 <n>', 'g');
END
$$;

-- All files below a directory, hidden ones as well.
CREATE FUNCTION t.walk(dir text, below text DEFAULT '') RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
	entry text;
BEGIN
	FOR entry IN SELECT below || '/' || e FROM pg_ls_dir(dir || below) e LOOP
		IF (pg_stat_file(dir || entry)).isdir THEN
			RETURN QUERY SELECT t.walk(dir, entry);
		ELSE
			RETURN NEXT substr(entry, 2);
		END IF;
	END LOOP;
END
$$;

-- What is in the folder now.
CREATE FUNCTION t.files(OUT file text, OUT n bigint) RETURNS SETOF record
LANGUAGE sql SECURITY DEFINER AS $$
	SELECT t.mask(w) COLLATE "C", count(*) FROM ffu.root, t.walk(path) w
	 WHERE w <> '.ffu/owner' GROUP BY 1 ORDER BY 1
$$;

-- Waits until no snapshot (of autovacuum, say) holds deletions up; says what
-- the sweep had to do other than that, which is nothing.
CREATE FUNCTION t.settle() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
	s record;
	did text := '';
BEGIN
	FOR i IN 1..100 LOOP
		SELECT * INTO s FROM ffu.sweep();
		IF s.finished + s.undone + s.open + s.unclear + s.failed > 0 THEN
			did := did || s::text;
		END IF;
		EXIT WHEN s.waiting = 0;
		PERFORM pg_sleep(0.1);
	END LOOP;
	RETURN did || CASE WHEN s.waiting > 0 THEN 'waiting' ELSE '' END;
END
$$;

-- What is in the folder once deletions are done.
CREATE FUNCTION t.settled_files(OUT file text, OUT n bigint) RETURNS SETOF record
LANGUAGE sql AS $$
	SELECT 'sweep: ' || did, NULL::bigint FROM t.settle() did WHERE did <> ''
	UNION ALL SELECT * FROM t.files()
$$;

-- The end of every test file: nothing may be left. What is, does not go on to
-- fail the next file.
CREATE FUNCTION t.finish() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	did text := t.settle();
	found text := concat_ws('; ', nullif('sweep: ' || did, 'sweep: '),
		(SELECT 'deletions: ' || count(*) FROM ffu.deletion HAVING count(*) > 0),
		(SELECT 'resumable uploads: ' || count(*) FROM ffu.upload HAVING count(*) > 0),
		(SELECT 'files: ' || string_agg(file, ', ') FROM t.files()),
		(SELECT 'columns: ' || string_agg(relation || '.' || column_name, ', ') FROM ffu.columns));
BEGIN
	PERFORM t.shell('rm -rf folder/*');
	RETURN coalesce(nullif(found, ''), 'nothing left');
END
$$;

-- Runs a statement and gives its error: briefly, or in all its parts.
CREATE FUNCTION t.catch(statement text, OUT code text, OUT message text, OUT detail text,
	OUT hint text, OUT tab text, OUT col text, OUT con text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	code := 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, tab = TABLE_NAME,
		col = COLUMN_NAME, con = CONSTRAINT_NAME;
	message := t.mask(message);
	detail := t.mask(detail);
	hint := t.mask(hint);
END
$$;
CREATE FUNCTION t.error(statement text) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', code, nullif(con, ''), message) FROM t.catch(statement)
$$;
CREATE FUNCTION t.full_error(statement text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT line FROM t.catch(statement),
		unnest(ARRAY[code || ' ' || coalesce(message, ''), 'DETAIL: ' || nullif(detail, ''),
					 'HINT: ' || nullif(hint, ''),
					 'ON: ' || nullif(concat_ws('.', nullif(tab, ''), nullif(col, ''))
					 || coalesce(' ' || nullif(con, ''), ''), '')]) line
	 WHERE line IS NOT NULL
$$;

-- Runs a command of the shell in FFU_TEST_ROOT as the server's user.
CREATE TABLE t.output (line text);
CREATE FUNCTION t.shell(command text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE t.output;
	EXECUTE format('COPY t.output FROM PROGRAM %L',
				   format('cd "%s" && { %s; } 2>&1', (SELECT root FROM t.config), command));
	RETURN QUERY SELECT * FROM t.output;
END
$$;

-- Small contents that libmagic knows.
CREATE FUNCTION t.png() RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUB'
		'AScY42YAAAAASUVORK5CYII=', 'base64')
$$;
CREATE FUNCTION t.gif() RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT decode('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')
$$;
CREATE FUNCTION t.pdf() RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT '%PDF-1.4'::bytea || '\x0a' || '%%EOF'::bytea
$$;
CREATE FUNCTION t.mp4() RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT '\x00000018667479706d703432000000006d70343269736f6d'::bytea
$$;
-- The text in a file.
CREATE FUNCTION t.text(path text) RETURNS text LANGUAGE sql AS $$
	SELECT convert_from(ffu.content(path), 'UTF8')
$$;
SELECT t.finish();
