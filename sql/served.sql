-- Private columns, signed URLs and their secrets; what a web server is told.
\set SHOW_CONTEXT never
CREATE ROLE regress_ffu_owner;
CREATE ROLE regress_ffu_visitor;
CREATE SCHEMA app AUTHORIZATION regress_ffu_owner;
GRANT USAGE ON SCHEMA app TO PUBLIC;
SELECT ffu.grant_columns('regress_ffu_owner');
DELETE FROM ffu.url_secret;
-- the rest of a URL after the path, with its parts as words
CREATE FUNCTION pg_temp.shape(url text) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(regexp_replace(t.mask(url), 'expires=\d{10}&', 'expires=<time>&'),
	'signature=[A-Za-z0-9_-]{22}$', 'signature=<signature>')
$$;
-- nginx's formula, in SQL; the vector is one that nginx took
CREATE FUNCTION pg_temp.formula(expires text, uri text, secret text) RETURNS text LANGUAGE sql AS $$
	SELECT rtrim(translate(encode(decode(md5(expires || uri || ' ' || secret), 'hex'), 'base64'),
	'+/', '-_'), '=')
$$;
SELECT pg_temp.formula('2147483647', '/s/link', 'secret') = '0Xgm37lo5nFEuHMDKl_vQg' AS formula;
-- the signature in a URL is what the formula gives with the secret that "key" names
CREATE FUNCTION pg_temp.proper(url text) RETURNS boolean LANGUAGE sql AS $$
	SELECT substring(url FROM 'signature=(.*)$') = pg_temp.formula(substring(url
	FROM 'expires=(\d+)'),
			regexp_replace(url, '^https?://[^/]*|\?.*$', '', 'g')
			|| coalesce('?' || substring(url FROM 'download=[^&]*'), ''), s.secret)
	  FROM ffu.url_secret s WHERE s.number = substring(url FROM 'key=(\d+)')::int
$$;

-- a private column: the path tells
SET ROLE regress_ffu_owner;
CREATE TABLE app.docs (id int PRIMARY KEY, who text DEFAULT current_user);
SELECT ffu.add_column('app.docs', 'f', private => true);
SELECT column_name, private, path_template FROM ffu.columns;
INSERT INTO app.docs (id, f) VALUES (1, ffu.file('a.txt', 'one'));
SELECT t.mask(f) FROM app.docs;
-- without a secret: what to call
SELECT t.full_error('SELECT ffu.url(f) FROM app.docs');
SELECT t.full_error('SELECT ffu.signed_url(f) FROM app.docs');
SELECT ffu.url(NULL) IS NULL AS none, ffu.signed_url(NULL) IS NULL AS none,
	ffu.verify_url(NULL) IS NULL AS none, ffu.url('') IS NULL AS none, ffu.signed_url('') IS NULL
	AS none;
SELECT t.error(s) FROM unnest(ARRAY['SELECT ffu.rotate_url_secret()', 'SELECT ffu.nginx_secrets()',
	'SELECT secret FROM ffu.url_secret', 'DELETE FROM ffu.url_secret']) s;
RESET ROLE;
SELECT t.full_error('SELECT ffu.nginx_secrets()');
SELECT t.error(format('SELECT ffu.rotate_url_secret(%L)', i))
	FROM unnest('{-1 second,1 s}'::text[]) i;
BEGIN READ ONLY;
SELECT t.error('SELECT ffu.rotate_url_secret()');
ROLLBACK;
-- t.error has made the first: at once. Nobody is shown it.
SELECT number, secret ~ '^[0-9a-f]{64}$' AS secret, sign_from <= statement_timestamp() AS signs
	FROM ffu.url_secret;
SELECT ffu.nginx_secrets() =
	format(E'map $arg_key $ffu_secret {\n    default "%s";\n    1 "%1$s";\n}\n', secret) AS snippet
	FROM ffu.url_secret;

-- signed
CREATE TABLE pg_temp.urls AS SELECT f, ffu.url(f) AS url FROM app.docs;
SELECT pg_temp.shape(url), pg_temp.proper(url), ffu.verify_url(url) = f AS verified
	FROM pg_temp.urls;
SELECT pg_temp.shape(app.f_url(d)), pg_temp.shape(app.docs_f_url(d)) FROM app.docs d;
SET ffu.base_url = 'https://files.example.com';
SELECT pg_temp.shape(ffu.url(f)), pg_temp.proper(ffu.url(f)), ffu.verify_url(ffu.url(f)) = f
	AS verified, ffu.verify_url(substr(ffu.url(f), 26)) = f AS "without host",
	ffu.verify_url(url, '/other/') IS NULL AS "another base", ffu.verify_url(url, '/files/') = f
	AS "its base" FROM pg_temp.urls;
RESET ffu.base_url;
-- the same URL for half its life, which is never more than the setting
SELECT bool_and(life BETWEEN half AND 2 * half) AS life, count(DISTINCT life) > 5
	AS "at different times"
  FROM (SELECT ffu._url_expires(format('private/%s', i)) - extract(epoch FROM statement_timestamp())
    AS life, 1800 AS half FROM generate_series(1, 100) i) l;
SET ffu.url_expiry = '10s';
SELECT count(DISTINCT expires) <= 2 AS same,
	max(expires) - extract(epoch FROM statement_timestamp()) <= 10 AS short
  FROM (SELECT ffu._url_expires('private/a') AS expires FROM generate_series(1, 100)) l;
RESET ffu.url_expiry;
-- any file, for any time; the extension of a name is the path's
SELECT pg_temp.shape(u), pg_temp.proper(u), ffu.verify_url(u) = f AS verified,
	extract(epoch FROM to_timestamp(substring(u FROM 'expires=(\d+)')::bigint) -
	statement_timestamp()) BETWEEN 599 AND 601 AS "ten minutes"
  FROM pg_temp.urls, unnest(ARRAY[NULL, '', 'a.txt', 'A b.TXT', 'Käse & Brot', '../../etc/passwd',
    'x.html', E'a"\r\nb.txt', '100%.txt', '...']) n,
	LATERAL ffu.signed_url(f, '10 minutes', n) u;
SELECT pg_temp.shape(ffu.url(f, '/f/', 'Käse.txt')),
	pg_temp.shape(ffu.signed_url(f, base => '//cdn.example/x')),
	pg_temp.shape(ffu.signed_url(f, '1 year', base => 'http://h:80')) FROM pg_temp.urls;
SELECT t.error(format('SELECT ffu.signed_url(f, %L) FROM pg_temp.urls', i))
	FROM unnest('{0,-1 s}'::text[]) i;
SELECT t.full_error(format('SELECT ffu.url(f, %L) FROM pg_temp.urls', b))
	FROM unnest('{files/,"",/a%20b/,/x?path=}'::text[]) b;
SELECT t.full_error(format('SELECT ffu.signed_url(%L)', p))
	FROM unnest('{private/x,../../etc/passwd,upload:1.1}'::text[]) p;
-- a value that is no path is not signed, and needs no secret
SELECT ffu.url(p) FROM unnest('{private/x,private/,private,private/../y}'::text[]) p;

-- forged: NULL
SELECT what, ffu.verify_url(forged) FROM pg_temp.urls, LATERAL (VALUES
	('another path', replace(url, '/docs/', '/dogs/')),
	('another time', regexp_replace(url, 'expires=\d', 'expires=9')),
	('later', regexp_replace(url, 'expires=(\d+)', 'expires=1\1')),
	('earlier', regexp_replace(url, 'expires=\d+', 'expires=1')),
	('another key', replace(url, 'key=1', 'key=2')), ('no key', replace(url, '&key=1', '')),
	('a key in words', replace(url, 'key=1', 'key=01')),
	('a huge key', replace(url, 'key=1', 'key=99999999999999999999')), ('truncated', left(url, -1)),
	('longer', url || 'A'), ('one more parameter', url || '&x=1'), ('a fragment', url || '#x'),
	('no signature', regexp_replace(url, 'signature=.*', 'signature=')),
	('no query', regexp_replace(url, '\?.*', '')),
	('a name added', replace(url, '?', '?download=a.txt&')),
	('an empty name', replace(url, '?', '?download=&')),
	('another letter', regexp_replace(url, 'signature=.', 'signature=' || CASE
	WHEN url ~ 'signature=A' THEN 'B' ELSE 'A' END)), ('case', upper(url)),
	('escaped', replace(url, '/docs/', '/%64ocs/')),
	('up', replace(url, '/files/', '/files/x/../')),
	('two slashes', replace(url, '/files/', '/files//')),
	('swapped', regexp_replace(url, '\?(expires=\d+)&(key=1)', '?\2&\1')), ('spaces', ' ' || url),
	('empty', ''), ('a path', f), ('long', repeat('x', 100000)),
	('public', replace(url, '/private/', '/'))) v(what, forged) ORDER BY what COLLATE "C";
-- another name than the signed one
SELECT ffu.verify_url(replace(ffu.signed_url(f, '1 h', 'a.txt'), 'a.txt', 'b.txt'))
	FROM pg_temp.urls;
-- its time: over a second ago, and now
SELECT what, ffu.verify_url(format('/files/%s?expires=%s&key=1&signature=%s', f, expires,
	pg_temp.formula(expires::text, '/files/' || f, secret))) IS NOT NULL AS valid
  FROM pg_temp.urls, ffu.url_secret,
    LATERAL (SELECT floor(extract(epoch FROM statement_timestamp()))::bigint AS now) n,
	LATERAL (VALUES ('over', now - 1), ('now', now + 2), ('never', 9223372036854775807)) v(what,
	expires);

-- rotation: the new one waits, both are good
SELECT ffu.rotate_url_secret() - statement_timestamp() = '1 hour' AS waits;
SELECT pg_temp.shape(ffu.url(f)) FROM pg_temp.urls;
SELECT count(*) FROM ffu.url_secret;
SELECT regexp_replace(ffu.nginx_secrets(), '[0-9a-f]{64}', '<secret>', 'g');
-- another one instead of the one that waits; now it signs
SELECT ffu.rotate_url_secret('0') <= statement_timestamp() AS signs;
SELECT number FROM ffu.url_secret ORDER BY 1;
SELECT pg_temp.shape(ffu.url(f)), pg_temp.proper(ffu.url(f)), ffu.verify_url(ffu.url(f)) = f AS new,
	ffu.verify_url(url) = f AS old FROM pg_temp.urls;
SELECT ffu.nginx_secrets() LIKE '%default "' || secret || '%' AS "default signs" FROM ffu.url_secret
	WHERE number = 3;
SELECT ffu.rotate_url_secret('0') <= statement_timestamp() AS signs;
SELECT ffu.verify_url(url) IS NULL AS "two later" FROM pg_temp.urls;
-- rolled back
BEGIN;
SELECT ffu.rotate_url_secret('0') <= statement_timestamp() AS signs;
ROLLBACK;
SELECT number FROM ffu.url_secret ORDER BY 1;

-- who may sign: who may execute ffu.signed_url and knows the path
SET ROLE regress_ffu_visitor;
SELECT t.error('SELECT secret FROM ffu.url_secret'), t.error('SELECT ffu.rotate_url_secret()'),
	t.error('SELECT ffu.nginx_secrets()');
RESET ROLE;
SELECT f FROM pg_temp.urls \gset
SET ROLE regress_ffu_visitor;
SELECT t.error('SELECT f FROM app.docs'), ffu.url(:'f') IS NOT NULL AS signs;
RESET ROLE;
BEGIN;
REVOKE EXECUTE ON FUNCTION ffu.signed_url FROM PUBLIC;
SET LOCAL ROLE regress_ffu_visitor;
SELECT t.full_error(format('SELECT ffu.url(%L)', :'f'));
SELECT t.error(format('SELECT ffu.signed_url(%L)', :'f'));
SELECT ffu.url('public/' || repeat('a', 26)) AS public;
ROLLBACK;
-- and who may copy: a copy would be public, and stay when a URL has expired
SET ROLE regress_ffu_owner;
CREATE TABLE app.posts (id int PRIMARY KEY);
SELECT ffu.add_column('app.posts', 'f'), ffu.add_column('app.posts', 'g', private => true);
INSERT INTO app.posts VALUES (1, NULL);
GRANT SELECT, INSERT, UPDATE ON app.posts TO regress_ffu_visitor;
CREATE TABLE app.planted (id int PRIMARY KEY, f text);
INSERT INTO app.planted VALUES (1, :'f');
RESET ROLE;
BEGIN;
REVOKE EXECUTE ON FUNCTION ffu.signed_url FROM PUBLIC;
SET LOCAL ROLE regress_ffu_visitor;
SELECT t.full_error(format('INSERT INTO app.posts (id, f) VALUES (2, %L)', :'f'));
SELECT t.full_error(format('INSERT INTO app.posts (id, g) VALUES (2, %L)', :'f'));
SELECT t.error(format(s, :'f')) FROM unnest(ARRAY[
	'INSERT INTO app.posts (id, f) VALUES (2, ''copy:%s'')',
	'INSERT INTO app.posts (id, g) VALUES (2, %L)',
	'UPDATE app.posts SET f = %L', 'UPDATE app.posts SET g = ''copy:%s''',
	'INSERT INTO app.posts (id, f) VALUES (1, NULL) ON CONFLICT (id) DO UPDATE SET f = %L']) s;
SELECT t.error(format('INSERT INTO app.posts (id, f) VALUES (2, %L)',
	'private/1/f-' || repeat('a', 26))) AS "no file";
-- its own bytes, in one transaction
UPDATE app.posts SET g = ffu.file('a.txt', 'mine');
INSERT INTO app.posts (id, f) SELECT 2, g FROM app.posts WHERE id = 1;
SELECT t.mask(f), t.text(f) FROM app.posts WHERE id = 2;
-- the owner of a table moves its files, swaps them, and makes them public
SET LOCAL ROLE regress_ffu_owner;
UPDATE app.docs SET f = 'copy:' || f;
WITH d AS (DELETE FROM app.docs RETURNING f) SELECT f FROM d \gset swapped_
INSERT INTO app.docs (id, f) VALUES (1, :'swapped_f');
SELECT ffu.alter_column('app.docs', 'f', private => false);
UPDATE app.docs SET f = 'copy:' || f;
SELECT t.mask(f), t.text(f) FROM app.docs;
-- not those of another row, whose path got in round the triggers
SELECT t.error($$SELECT ffu.manage_column('app.planted', 'f',
	private => true, copy_values => true)$$);
ALTER TABLE app.posts DISABLE TRIGGER USER;
UPDATE app.posts SET f = (SELECT f FROM app.planted);
ALTER TABLE app.posts ENABLE TRIGGER USER;
SELECT t.error($$UPDATE app.posts SET f = 'copy:' || f$$);
ROLLBACK;
-- nor by deleting such a row first
BEGIN;
REVOKE EXECUTE ON FUNCTION ffu.signed_url FROM PUBLIC;
SET LOCAL ROLE regress_ffu_owner;
ALTER TABLE app.posts DISABLE TRIGGER USER;
UPDATE app.posts SET f = (SELECT f FROM app.planted);
ALTER TABLE app.posts ENABLE TRIGGER USER;
DELETE FROM app.posts;
SELECT t.error(format(s, :'f')) FROM unnest(ARRAY[
	'INSERT INTO app.posts (id, f) VALUES (3, %L)',
	'INSERT INTO app.posts (id, g) VALUES (3, %L)']) s;
ROLLBACK;
DROP TABLE app.planted, app.posts;
-- a role that rotates sees no secret
SELECT ffu.grant_operations('regress_ffu_visitor');
SET ROLE regress_ffu_visitor;
SELECT ffu.rotate_url_secret('0') <= statement_timestamp() AS signs;
SELECT t.error('SELECT ffu.nginx_secrets()');
RESET ROLE;
SELECT ffu.revoke_operations('regress_ffu_visitor');

-- private and public, online
SET ROLE regress_ffu_owner;
SELECT ffu.alter_column('app.docs', 'f', private => false);
SELECT private FROM ffu.columns;
SELECT policy FROM ffu._find_column('app.docs', 'f');
SELECT t.mask(f) FROM app.docs;
SET client_min_messages = warning;
CALL ffu.relocate('app.docs', 'f');
SELECT t.mask(f), t.mask(ffu.url(f)), t.text(f) FROM app.docs;
CALL ffu.relocate('app.docs', 'f');
SELECT ffu.alter_column('app.docs', 'f', private => true, path_template => 'by/{token}{ext}');
CALL ffu.relocate('app.docs', 'f');
SELECT t.mask(f), pg_temp.shape(ffu.url(f)), t.text(f) FROM app.docs;
SELECT ffu.alter_column('app.docs', 'f', reset => '{private,path_template}');
SELECT private, path_template FROM ffu.columns;
SELECT t.error(format('SELECT ffu.%s', s))
	FROM unnest(ARRAY['alter_column(''app.docs'', ''f'', private => true, reset => ''{private}'')',
	'alter_column(''app.docs'', ''f'', path_template => ''private/{token}'')',
	'add_column(''app.docs'', ''g'', private => true, path_template => ''private/{token}'')',
	'add_column(''app.docs'', ''g'', private => true, path_template => ''' || repeat('x', 170)
	|| '/{token}'')']) s;
-- a template that only fits without "private/"
SELECT ffu.alter_column('app.docs', 'f', path_template => repeat('x', 170) || '/{token}');
SELECT t.full_error('SELECT ffu.alter_column(''app.docs'', ''f'', private => true)');
SELECT ffu.alter_column('app.docs', 'f', reset => '{path_template}');
-- names do not make a path private
CREATE TABLE app.private (private text PRIMARY KEY);
SELECT ffu.add_column('app.private', 'f', '{txt,private}');
INSERT INTO app.private VALUES ('private', ffu.file('a.txt', 'public')),
	('x', ffu.file('a.private', 'public'));
SELECT t.mask(f), t.mask(ffu.url(f)) FROM app.private;
CALL ffu.relocate('app.private', 'f');
SELECT t.mask(f) FROM app.private;
-- nor do parts of them, in any order, nor a key that is cut off
CREATE TABLE app.ate (id text PRIMARY KEY);
SELECT ffu.add_column('app.ate', 'e', '{txt}', path_template => 'priv{table}/{token}');
INSERT INTO app.ate VALUES ('private', ffu.file('a.txt', 'public'));
SELECT t.mask(e), t.mask(ffu.url(e)), t.text(e) FROM app.ate;
CREATE FUNCTION pg_temp.try(template text) RETURNS TABLE (path text, same boolean) LANGUAGE plpgsql
	AS $$
BEGIN
	PERFORM ffu.alter_column('app.ate', 'e', path_template => template);
	RETURN QUERY UPDATE app.ate SET e = 'copy:' || e
		RETURNING regexp_replace(t.mask(e), 'x{10,}', '<x>'),
		ffu._path_fits(e, template, 'app', 'ate', 'e');
END
$$;
SELECT r.* FROM unnest(ARRAY['priv{table}/{token}', 'privat{column}/{token}', '{pk}/{token}',
	'pri{pk}/{token}', '{pk}/{pk}/{token}', 'private{ext}/{token}', '~rivate/{token}',
	'private-{token}']) template, pg_temp.try(template) r;
UPDATE app.ate SET id = 'private' || repeat('y', 30);
SELECT r.* FROM pg_temp.try('{pk}/' || repeat('x', 200 - 8 - 27) || '/{token}') r;
CALL ffu.relocate('app.ate', 'e', 'priv{table}/{token}');
CREATE TEMP TABLE moved AS SELECT e FROM app.ate;
CALL ffu.relocate('app.ate', 'e', 'priv{table}/{token}');
SELECT t.mask(a.e), a.e = m.e AS stays FROM app.ate a, moved m;
RESET client_min_messages;
DROP FUNCTION pg_temp.try;
DROP TABLE app.ate, moved;
-- a table that exists
CREATE TABLE app.managed (id int PRIMARY KEY, f text);
SELECT ffu.manage_column('app.managed', 'f', private => true);
INSERT INTO app.managed VALUES (1, ffu.file('a.txt', 'managed'));
SELECT t.mask(f) FROM app.managed;
-- a copy belongs to the column it is in
INSERT INTO app.managed SELECT 2, f FROM app.managed UNION SELECT 3, f FROM app.docs;
SELECT t.mask(f), t.text(f) FROM app.managed ORDER BY id;
DELETE FROM app.managed WHERE id > 1;
-- and of a private file it is never public, whoever asks
SELECT t.full_error('UPDATE app.docs SET f = (SELECT f FROM app.managed) WHERE id = 1');
UPDATE app.docs SET f = (SELECT ffu.file('a.txt', ffu.content(f)) FROM app.managed);
SELECT t.mask(f), t.text(f) FROM app.docs;
RESET ROLE;
SELECT count(*) FROM ffu.check();

-- headers: what is shown, and under which name it is saved
SELECT t.mask(key || ': ' || regexp_replace(value, 'max-age=\d+', 'max-age=<rest>')) AS header
	FROM app.managed, jsonb_each_text(ffu.headers(f)) ORDER BY key COLLATE "C";
SELECT ext, h ->> 'Content-Type' AS type, h ->> 'Content-Disposition' AS disposition,
	h ->> 'Content-Security-Policy' ~ 'sandbox' AS sandbox
  FROM unnest('{txt,jpg,pdf,mp4,html,svg,xml,js,zip,docx,JPG,""}'::text[]) ext,
    ffu.headers(rtrim('docs/' || repeat('a', 26) || '.' || ext, '.'), 'a.' || ext) h;
SELECT h ->> 'Content-Disposition' AS disposition
	FROM unnest(ARRAY['Käse & "Brot".txt', '日本語', E'a\r\nSet-Cookie: x=1', '100%41.txt',
	'../x.html', '', NULL, repeat('x', 300), 'x.TXT', E'a\u202Etxt.exe']) n,
	ffu.headers('docs/' || repeat('a', 26) || '.txt', n) h;
SELECT ffu.headers('docs/' || repeat('a', 26) || '.txt', 'a.txt', download => true)
	->> 'Content-Disposition' AS download, ffu.headers(NULL) IS NULL AS none,
	ffu.headers('') IS NULL AS none;
SELECT sha256, ffu.headers('docs/' || repeat('a', 26) || '.txt', sha256 => sha256) ->> 'ETag'
	AS etag FROM unnest(ARRAY[repeat('0f', 32), repeat('AB', 32), repeat('0', 63), repeat('g', 64),
	'', E'a"\r\nX: y', E'a\n' || repeat('0', 64)]) sha256;
-- of no path there are none, whatever stands in it
SELECT quote_literal(path) AS path, ffu.headers(path, max_age => '1 day')
	FROM unnest(ARRAY['x', '../' || repeat('a', 26), E'docs/\r\nX: y/' || repeat('a', 26),
	'docs/' || repeat('a', 26) || E'\n', '/docs/' || repeat('a', 26)]) path;
SELECT extract(epoch FROM age) AS seconds,
	ffu.headers('docs/' || repeat('a', 26), max_age => age) ->> 'Cache-Control' AS public,
	regexp_replace(ffu.headers('private/' || repeat('a', 26), max_age => age) ->> 'Cache-Control',
	'age=[123]\d{3}\M', 'age=<rest>') AS private
	FROM unnest('{NULL,0,-1 s,1 day,178000000 years,-178000000 years}'::interval[]) age;
-- the rest of its life: of the URL that ffu.url gives now
SELECT substring(ffu.headers(p) ->> 'Cache-Control'
	FROM '\d+')::numeric = ceil(ffu._url_expires(p) - extract(epoch FROM statement_timestamp()))
	AS rest FROM concat('private/', repeat('a', 26)) p;

-- served by row rights
SET ROLE regress_ffu_owner;
GRANT SELECT ON app.docs TO regress_ffu_visitor;
ALTER TABLE app.docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.docs USING (who = current_user);
INSERT INTO app.docs (id, who, f) VALUES (2, 'regress_ffu_visitor', ffu.file('Käse.txt', 'two')),
	(3, 'regress_ffu_owner', ffu.file('three.html.txt', 'three'));
CREATE TABLE app.paths AS SELECT id, f::text FROM app.docs;
GRANT SELECT ON app.paths TO regress_ffu_visitor;
SET ROLE regress_ffu_visitor;
SELECT id, status, t.mask(target) AS target, mime_type, disposition,
	etag = format('"%s"', encode(sha256('two'), 'hex')) AS etag, cache_control, file_name, size,
	t.mask(headers::text) LIKE '%nosniff%' AS headers FROM app.paths, ffu.serve(f, 'app.docs')
	ORDER BY id;
SELECT s.* FROM unnest(ARRAY[NULL, '', 'x', '../../etc/passwd', 'docs/2/f-' || repeat('a', 26)
	|| '.txt']) p, ffu.serve(p, 'app.docs', 'f') s;
-- If-None-Match
SELECT m, s.status, s.target IS NULL AS "no target",
	array(SELECT k FROM jsonb_object_keys(s.headers) k ORDER BY k COLLATE "C") AS headers
  FROM app.paths p, concat('"', encode(sha256('two'), 'hex'), '"') e,
    unnest(ARRAY[e, 'W/' || e, '"x", ' || e, '"x" ,W/' || e || ' ', '*', '"x"', '', trim(e, '"')])
    m, ffu.serve(f, 'app.docs', if_none_match => m) s WHERE id = 2;
SELECT s.status FROM app.paths p, ffu.serve(f, 'app.docs', if_none_match => '*') s WHERE id = 3;
-- a lifetime, a name, another prefix
SELECT s.cache_control, s.disposition, t.mask(s.target)
	FROM app.paths p, ffu.serve(f, 'app.docs', 'f', download => true, max_age => '1 min',
	prefix => '/srv/ffu/') s WHERE id = 2;
-- without SELECT on the column, or on a companion
SET ROLE regress_ffu_owner;
REVOKE SELECT ON app.docs FROM regress_ffu_visitor;
GRANT SELECT (id, who, f__file_name) ON app.docs TO regress_ffu_visitor;
SET ROLE regress_ffu_visitor;
SELECT s.* FROM app.paths p, ffu.serve(f, 'app.docs') s WHERE id = 2;
SET ROLE regress_ffu_owner;
GRANT SELECT (f) ON app.docs TO regress_ffu_visitor;
SET ROLE regress_ffu_visitor;
SELECT s.status, s.disposition, t.mask(s.etag), s.size FROM app.paths p, ffu.serve(f, 'app.docs') s
	WHERE id = 2;
RESET ROLE;
-- a superuser sees all rows
SELECT count(*) FROM app.paths p, ffu.serve(f, 'app.docs') s WHERE s.status = 200;
-- without a file column, or a table
SELECT t.full_error(s) FROM unnest(ARRAY['SELECT ffu.serve(f, ''app.paths'') FROM app.paths',
	'SELECT ffu.serve(f, ''app.docs'', ''who'') FROM app.paths',
	'SELECT ffu.serve(f, ''app.docs'', ''g'') FROM app.paths',
	'SELECT ffu.serve(f, NULL) FROM app.paths']) s;
-- a file that a row keeps on purpose, without bytes
UPDATE app.docs SET f = 'dangle:' || f WHERE id = 2;
SELECT s.status FROM app.paths p, ffu.serve(f, 'app.docs') s WHERE id = 2;
-- a partition, and its table
CREATE TABLE app.parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE app.part PARTITION OF app.parts FOR VALUES FROM (1) TO (10);
SELECT ffu.add_column('app.parts', 'f'), ffu.add_column('app.parts', 'g');
INSERT INTO app.parts VALUES (1, NULL);
UPDATE app.parts SET g = ffu.file('g.txt', 'g');
SELECT s.status, u.status, v.status FROM app.parts, ffu.serve(g, 'app.parts') s,
	ffu.serve(g, 'app.part') u, ffu.serve(g, 'app.part', 'f') v;

SET client_min_messages = warning;
DROP SCHEMA app CASCADE;
RESET client_min_messages;
SELECT ffu.revoke_columns('regress_ffu_owner');
DELETE FROM ffu.url_secret;
DROP ROLE regress_ffu_owner, regress_ffu_visitor;
SELECT t.finish();
