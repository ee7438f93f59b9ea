--
-- 84_functions_serve.sql: what a web server or an application answers
--
-- For everyone, with the rights of the caller, who names the table: policies are
-- code of the owner and run as in a SELECT of the caller.
--

CREATE FUNCTION ffu._is_path(path text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ffu_sql_is_path';
COMMENT ON FUNCTION ffu._is_path(text) IS
'Internal: whether a text is a path that ffu could have assigned.';

CREATE FUNCTION ffu._shown_type(path text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ffu_sql_shown_type';
COMMENT ON FUNCTION ffu._shown_type(text) IS
'Internal: the mime type under which a browser may show the file of a path, by the extension; '
'NULL if a browser is to save the file.';

CREATE FUNCTION ffu._disposition(path text, file_name text, attachment boolean) RETURNS text
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ffu_sql_disposition';
COMMENT ON FUNCTION ffu._disposition(text, text, boolean) IS
'Internal: the header Content-Disposition of RFC 6266 for a file, under a name or, for NULL, the '
'last part of the path.';

CREATE FUNCTION ffu._cache_control(path text, max_age interval) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE
		WHEN max_age IS NULL AND path NOT LIKE 'private/%' THEN
			'public, max-age=31536000, immutable'
		WHEN life <= 0 THEN 'private, no-cache'
		ELSE format('private, max-age=%s, immutable', least(ceil(life), 31536000)) END
	  FROM (SELECT extract(epoch FROM coalesce(max_age,
			to_timestamp(ffu._url_expires(path)) - statement_timestamp())) AS life) l
$$;
COMMENT ON FUNCTION ffu._cache_control(text, interval) IS
'Internal: the header Cache-Control for a file that browsers may keep for max_age; NULL: for ever, '
'or, of a private file, as long as the URL of ffu.url is valid.';

CREATE FUNCTION ffu.headers(path text, file_name text DEFAULT NULL, sha256 text DEFAULT NULL,
							download boolean DEFAULT false, max_age interval DEFAULT NULL)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object(
		'Content-Type', coalesce(kind, 'application/octet-stream'),
		'Content-Disposition',
		ffu._disposition(path, file_name, kind IS NULL OR coalesce(download, false)),
		'X-Content-Type-Options', 'nosniff',
		-- Browsers show neither a PDF nor a video that is opened by its URL in a sandbox.
		'Content-Security-Policy', CASE
			WHEN kind = 'application/pdf' THEN NULL
			WHEN kind ~ '^(audio|video)/' THEN
				'default-src ''none''; media-src ''self''; style-src ''unsafe-inline'''
			ELSE 'default-src ''none''; img-src ''self''; media-src ''self''; '
				'style-src ''unsafe-inline''; sandbox' END,
		'Cache-Control', ffu._cache_control(path, max_age),
		'ETag', format('"%s"', CASE WHEN sha256 ~ '^[0-9A-Fa-f]{64}$' THEN sha256 ELSE path END),
		'Accept-Ranges', 'bytes',
		'Referrer-Policy', 'no-referrer'))
	  FROM (SELECT ffu._shown_type(path) AS kind) k
	 WHERE ffu._is_path(path)
$$;
COMMENT ON FUNCTION ffu.headers(text, text, text, boolean, interval) IS
'The headers with which a file is safe to send to a browser, as an object of names and values. '
'Takes the value of a file column, and of its companions __file_name and __sha256 if known. A '
'browser shows images, sound, video, PDF and plain text, by the extension of the path, and saves '
'any other file, or with download every file, under file_name (RFC 6266), with the extension of '
'the path. Content-Type is the type of the extension, or application/octet-stream for a file to '
'save. ETag is the SHA-256 if 64 hexadecimal digits are given, or else the path. max_age is how '
'long a browser may keep the file, in its own cache alone, at most a year; 0: ask each time. NULL: '
'for a year and in any cache; of a private file in the browser''s cache, as long as the URL of '
'ffu.url is valid. NULL for no file, and for a text that is no path. Does not look at the disk or '
'at a table; raises nothing.';

CREATE FUNCTION ffu._served_row(relation regclass, column_name name, path text,
								OUT file_name text, OUT sha256 text, OUT size bigint)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	col record;
BEGIN
	IF column_name IS NOT NULL THEN
		PERFORM ffu._require_column(coalesce(pg_partition_root(relation), relation), column_name);
	END IF;
	FOR col IN
		SELECT c.* FROM ffu.columns c
		 WHERE c.relation = coalesce(pg_partition_root(_served_row.relation), _served_row.relation)
		   AND (c.column_name = _served_row.column_name OR _served_row.column_name IS NULL)
		 ORDER BY c.column_name
	LOOP
		-- A role without the right sees no row.
		CONTINUE WHEN NOT has_column_privilege(relation, col.column_name::text, 'SELECT');
		RETURN QUERY SELECT q.* FROM ffu._query_as_caller(relation, false,
			format('SELECT %s::text, %s::text, %s::bigint FROM %s '
				   'WHERE %I OPERATOR(pg_catalog.=) $1 LIMIT 1',
				   ffu._readable(relation, col.file_name_column),
				   ffu._readable(relation, col.sha256_column),
				   ffu._readable(relation, col.size_column), relation, col.column_name),
			path) AS q(file_name text, sha256 text, size bigint);
		IF FOUND THEN
			RETURN;
		END IF;
	END LOOP;
	IF NOT FOUND THEN
		PERFORM ffu._refuse(relation, NULL, '55000',
			format('relation "%s" has no file columns',
				   coalesce(ffu._name(relation), relation::text)),
			'It does not have ffu''s triggers.', 'The view ffu.columns lists the file columns.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._served_row(regclass, name, text) IS
'Internal: the companions of the row with a path that the caller may see, of one file column or '
'all of the table; no row if there is no such row. Reads with the rights of the caller.';

CREATE FUNCTION ffu._readable(relation regclass, column_name name) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN has_column_privilege(relation, column_name::text, 'SELECT')
				THEN quote_ident(column_name) ELSE 'NULL' END
$$;
COMMENT ON FUNCTION ffu._readable(regclass, name) IS
'Internal: a column as an expression, or NULL if there is no column or the caller may not read '
'the column.';

CREATE FUNCTION ffu.serve(path text, relation regclass, column_name name DEFAULT NULL,
						  download boolean DEFAULT false, if_none_match text DEFAULT NULL,
						  max_age interval DEFAULT '0', prefix text DEFAULT '/ffu-internal/')
RETURNS TABLE (status int, target text, mime_type text, disposition text, etag text,
			   cache_control text, file_name text, size bigint, headers jsonb)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	file record;
BEGIN
	IF relation IS NULL THEN
		PERFORM ffu._refuse(NULL, NULL, '22004', 'relation must not be null',
			'The row with the path is looked for in this table.', 'Name the table of the file.');
	END IF;
	SELECT r.* INTO file FROM ffu._served_row(relation, column_name, path) r
	 WHERE ffu._is_path(path) AND NOT ffu._dangles(path);
	IF NOT FOUND THEN
		RETURN QUERY SELECT 404, NULL, NULL, NULL, NULL, 'no-store', NULL, NULL::bigint,
			'{"Cache-Control": "no-store"}'::jsonb;
		RETURN;
	END IF;
	headers := ffu.headers(path, file.file_name, file.sha256, download, coalesce(max_age, '0'));
	etag := headers ->> 'ETag';
	cache_control := headers ->> 'Cache-Control';
	file_name := file.file_name;
	size := file.size;
	status := 200;
	IF if_none_match = '*'
		OR etag = ANY (regexp_split_to_array(btrim(if_none_match), ' *, *(W/)?|^W/'))
	THEN
		status := 304;
		headers := headers - '{Content-Type,Content-Disposition}'::text[];
	ELSE
		target := prefix || path;
		mime_type := headers ->> 'Content-Type';
		disposition := headers ->> 'Content-Disposition';
	END IF;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION ffu.serve(text, regclass, name, boolean, text, interval, text) IS
'What to answer a request for a file, by the rights of the caller on the row that has the path: '
'one row. Takes a path, its table and file column (NULL: all file columns of the table), the '
'request''s header If-None-Match, how long browsers may keep the file without asking again, and '
'what goes before the path in target. status is 200, 304 (the browser has the file), or 404 where '
'the caller sees no row with the path: for want of SELECT on the column, by row-level security, or '
'because there is none. target is for the header X-Accel-Redirect (prefix: the location of nginx) '
'or X-Sendfile (prefix: the folder), mime_type to cache_control are the headers of those names, '
'file_name and size are of the row, and headers are all headers as in ffu.headers. Looks the row '
'up by its path: an index on the column makes that fast. The SELECT runs with the rights of the '
'caller, for a superuser with the rights of the table''s owner. Raises 55000 (no file column), '
'42703 (no such column), 22004.';
