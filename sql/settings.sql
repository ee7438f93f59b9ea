-- Every setting: its default, who may set it, what it takes.
\set VERBOSITY terse
LOAD 'ffu';
SELECT name, vartype, context, boot_val AS "default", unit, min_val, max_val, enumvals
  FROM pg_settings WHERE name LIKE 'ffu.%' AND name NOT IN ('ffu.allowed_extensions', 'ffu.fault',
    'ffu.pretend_in_order') ORDER BY name;
SHOW ffu.allowed_extensions;
SELECT name FROM pg_settings WHERE name LIKE 'ffu.%' AND short_desc = '';

-- values that are refused when they are set
SELECT t.error(format('SET %s = %L', n, v)) FROM (VALUES
	('ffu.allowed_extensions', '.'), ('ffu.allowed_extensions', '.t.xt'),
	('ffu.allowed_extensions', 'txt;png'), ('ffu.allowed_extensions', 'txt png'),
	('ffu.allowed_extensions', 'txt,'), ('ffu.allowed_extensions', '*,txt'),
	('ffu.allowed_extensions', 'abcdefghijklmnopq'), ('ffu.max_content_length', '0'),
	('ffu.max_content_length', '-1'), ('ffu.max_content_length', '3 TB'),
	('ffu.max_content_length', 'much'), ('ffu.base_url', 'a b'), ('ffu.base_url', 'a"b'),
	('ffu.base_url', '<'), ('ffu.base_url', 'a\b'), ('ffu.base_url', 'a' || chr(10)),
	('ffu.fsync', 'maybe'), ('ffu.unused_upload', 'panic'),
	('ffu.wal', 'some'), ('ffu.wal', 'small'), ('ffu.wal', 'all'),
	('ffu.wal_max_file', '0'), ('ffu.wal_max_file', '2MB'),
	('ffu.file_mode', '0666'), ('ffu.file_mode', '0444'), ('ffu.file_mode', '0750'),
	('ffu.file_mode', '04640'), ('ffu.file_mode', '-1'), ('ffu.directory_mode', '0777'),
	('ffu.directory_mode', '0640'), ('ffu.directory_mode', '02770'),
	('ffu.directory_mode', '01750'), ('ffu.nonsense', '1')) v (n, v);
-- those of sweep and folders are the server's, and refused in the same way
SELECT t.error(format('SET ffu.%s = 10', n)) FROM unnest(
	'{deletion_delay,naptime,sweep_batch,folder_parent,folder_grace,folder_map,standby_files,
		credentials_file,store_delete_batch,settle_time}'::text[]) n;
\set VERBOSITY sqlstate
ALTER SYSTEM SET ffu.deletion_delay = '-1s';
\set VERBOSITY terse
ALTER SYSTEM SET ffu.deletion_delay = 'soon';
ALTER SYSTEM SET ffu.deletion_delay = '100000d';
\set VERBOSITY sqlstate
ALTER SYSTEM SET ffu.naptime = 0;
ALTER SYSTEM SET ffu.settle_time = 0;
\set VERBOSITY terse
ALTER SYSTEM SET ffu.naptime = '100000d';
ALTER SYSTEM SET ffu.folder_map = '/a';
ALTER SYSTEM SET ffu.folder_map = 'a=/b';
ALTER SYSTEM SET ffu.folder_map = '/a=b';
ALTER SYSTEM SET ffu.folder_map = '/a=/b,';
ALTER SYSTEM SET ffu.sweep_batch = 0;
ALTER SYSTEM SET ffu.sweep_batch = 100001;
ALTER SYSTEM SET ffu.store_delete_batch = 1001;
-- object stores
SELECT t.error(format('SET %s', v)) FROM unnest('{ffu.store_connections = 0,
	ffu.store_connections = 33,ffu.store_timeout = 0,ffu.store_timeout = 3601,
	ffu.multipart_threshold = 5119}'::text[]) v;
-- and those that are not
SELECT set_config(n, v, true), current_setting(n) FROM (VALUES
	('ffu.allowed_extensions', ' png , .JPG '), ('ffu.allowed_extensions', '*'),
	('ffu.allowed_extensions', ''), ('ffu.max_content_length', '1kB'),
	('ffu.max_content_length', '1 TB'), ('ffu.base_url', ''),
	('ffu.base_url', 'https://host:8080/a/?x='), ('ffu.fsync', 'strict'), ('ffu.fsync', 'off'),
	('ffu.fsync', 'true'), ('ffu.wal', 'off'), ('ffu.wal_max_file', '1MB'),
	('ffu.unused_upload', 'ignore'), ('ffu.file_mode', '0600'),
	('ffu.file_mode', '0644'), ('ffu.directory_mode', '0700'), ('ffu.directory_mode', '02755')) v
	(n, v);

-- an extension is written in the same ways in the setting and in a column's list
CREATE TABLE ways (id int PRIMARY KEY);
CREATE FUNCTION pg_temp.way(ext text, OUT setting text, OUT list text) LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		setting := set_config('ffu.allowed_extensions', ext, true);
	EXCEPTION WHEN invalid_parameter_value THEN
		setting := 'refused';
	END;
	BEGIN
		PERFORM ffu.add_column('ways', 'f', allowed_extensions => ARRAY[ext]);
		list := array_to_string(allowed_extensions, ',') FROM ffu.columns
		WHERE relation = 'ways'::regclass;
		PERFORM ffu.drop_column('ways', 'f');
	EXCEPTION WHEN invalid_parameter_value THEN
		list := 'refused';
	END;
END
$$;
SELECT ext, w.* FROM unnest('{jpg,JPG,.jpg,.JPG,..Jpg,7z,*,.,a.b,a '
	'b,ä,abcdefghijklmnop,abcdefghijklmnopq}'::text[]) ext, pg_temp.way(ext) w;
SET ffu.allowed_extensions = 'png, .JPG';
SELECT ffu.add_column('ways', 'f');
INSERT INTO ways VALUES (1, ffu.file('a.Png', t.png()));
SELECT t.error('INSERT INTO ways VALUES (2, ffu.file(''a.gif'', t.gif()))');
SELECT set_config('ffu.allowed_extensions', 'jpg,gif', true), f__ext FROM ways;
RESET ffu.allowed_extensions;
DROP TABLE ways;

SELECT t.error('SET ffu.url_expiry = 1');
SET ffu.url_expiry = '5min';
SHOW ffu.url_expiry;
RESET ffu.url_expiry;
-- superusers only, but for the base URL
CREATE ROLE regress_ffu_user;
SET ROLE regress_ffu_user;
SET ffu.allowed_extensions = '*';
SET ffu.max_content_length = '1MB';
SET ffu.fsync = off;
SET ffu.file_mode = '0600';
SET ffu.directory_mode = '0700';
SET ffu.unused_upload = ignore;
SET ffu.restore = on;
SET ffu.base_url = '/mine/';
SELECT t.error('SET ffu.url_expiry = 60');
SELECT ffu.url('x');
RESET ROLE;
RESET ffu.base_url;
DROP ROLE regress_ffu_user;

-- the modes are those of new files and directories
CREATE TABLE s (id int PRIMARY KEY);
SELECT ffu.add_column('s', 'f');
SET ffu.file_mode = '0604';
SET ffu.directory_mode = '0705';
INSERT INTO s VALUES (1, ffu.file('a.txt', 'x'));
RESET ffu.file_mode;
RESET ffu.directory_mode;
INSERT INTO s VALUES (2, ffu.file('a.txt', 'x'));
SELECT t.mask(t.shell('cd folder && find s -mindepth 1 -printf "%m %P\n" | sort -k 2'));
-- every way to make files durable works
SET ffu.fsync = strict;
INSERT INTO s SELECT i, ffu.file('a.txt', 'strict') FROM generate_series(10, 20) i;
SET ffu.fsync = off;
INSERT INTO s VALUES (3, ffu.file('a.txt', 'off'));
RESET ffu.fsync;
SELECT count(*) FROM s WHERE t.text(f) IS NOT NULL;
DROP TABLE s;
SELECT t.finish();
