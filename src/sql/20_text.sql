--
-- 20_text.sql: extensions, mime types, sizes, templates: text in, text out
--

CREATE FUNCTION ffu._cut(value text, bytes int)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.left(value, pg_catalog.max(n))
	  FROM pg_catalog.generate_series(0, pg_catalog.length(value)) n
	 WHERE pg_catalog.octet_length(pg_catalog.left(value, n)) <= bytes;
END;
COMMENT ON FUNCTION ffu._cut(text, int) IS
'Internal: the longest beginning of a text that has at most this number of bytes.';

CREATE FUNCTION ffu._normal_extension(extension text)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ffu_sql_normal_extension';
COMMENT ON FUNCTION ffu._normal_extension(text) IS
'Internal: an extension in lower case, without leading dots, as in the setting '
'ffu.allowed_extensions; NULL for any other text.';

CREATE FUNCTION ffu._normal_extensions(extensions text[])
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ext text;
	given text;
	normal text[] := CASE WHEN extensions IS NOT NULL THEN '{}'::text[] END;
BEGIN
	FOREACH given IN ARRAY coalesce(extensions, '{}') LOOP
		ext := CASE WHEN given = '*' THEN given ELSE ffu._normal_extension(given) END;
		IF ext IS NULL THEN
			RAISE EXCEPTION 'invalid extension "%" in allowed_extensions',
				left(coalesce(given, ''), 60)
				USING ERRCODE = '22023',
				DETAIL = 'An extension is 1 to 16 of the characters a-z and 0-9; '
						 'of "a.tar.gz" it is "gz".',
				HINT = 'Write for example ''{jpg,png}'', ''{*}'' for any extension, '
					   'or ''{}'' for none.';
		ELSIF ext <> ALL (normal) THEN
			normal := normal || ext;
		END IF;
	END LOOP;
	RETURN normal;
END
$$;
COMMENT ON FUNCTION ffu._normal_extensions(text[]) IS
'Internal: a list of extensions in lower case, without leading dots and doubles; raises 22023.';

CREATE FUNCTION ffu._normal_mime_types(mime_types text[])
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	mime text;
	normal text[] := CASE WHEN mime_types IS NOT NULL THEN '{}'::text[] END;
BEGIN
	FOREACH mime IN ARRAY coalesce(mime_types, '{}') LOOP
		mime := lower(coalesce(mime, '') COLLATE "C");
		mime := CASE WHEN mime = '*' THEN '*/*' ELSE mime END;
		IF mime <> '*/*' AND mime !~ '^[a-z0-9][a-z0-9!#$&^_.+-]*/([a-z0-9][a-z0-9!#$&^_.+-]*|[*])$'
			OR octet_length(mime) > 127
		THEN
			RAISE EXCEPTION 'invalid mime type "%" in allowed_mime_types', left(mime, 60)
				USING ERRCODE = '22023',
				DETAIL = 'A mime type is "type/subtype" or "type/*", without parameters, '
						 'of at most 127 bytes.',
				HINT = 'Write for example ''{image/png,video/*}'', or ''{*}'' for any type.';
		ELSIF mime <> ALL (normal) THEN
			normal := normal || mime;
		END IF;
	END LOOP;
	RETURN normal;
END
$$;
COMMENT ON FUNCTION ffu._normal_mime_types(text[]) IS
'Internal: a list of mime types in lower case, without doubles, "*" as "*/*"; raises 22023.';

CREATE FUNCTION ffu._normal_size(size text, argument text DEFAULT 'max_size')
RETURNS bigint
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bytes bigint;
BEGIN
	BEGIN
		bytes := pg_size_bytes(size);
	EXCEPTION WHEN invalid_parameter_value OR numeric_value_out_of_range THEN
		RAISE EXCEPTION '% is not a size', argument
			USING ERRCODE = '22023',
			DETAIL = format('The value is %s.', quote_literal(left(size, 60))),
			HINT = 'Write a number of bytes or a text such as ''10 MB''.';
	END;
	IF bytes <= 0 THEN
		RAISE EXCEPTION '% must be greater than zero', argument
			USING ERRCODE = '22023',
			DETAIL = format('%s is %s bytes.', quote_literal(left(size, 60)), bytes),
			HINT = 'Write a number of bytes or a text such as ''10 MB''.';
	END IF;
	RETURN bytes;
END
$$;
COMMENT ON FUNCTION ffu._normal_size(text, text) IS
'Internal: a size as bytes; raises 22023, with the name of the argument that has the size.';

CREATE FUNCTION ffu.check_path_template(path_template text, private boolean DEFAULT false)
RETURNS void
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ffu_sql_check_path_template';
COMMENT ON FUNCTION ffu.check_path_template(text, boolean) IS
'Internal: checks a path template, of a private file column or another one; raises 22023 with the '
'fault.';

CREATE FUNCTION ffu._path_fits(path text, path_template text, schema_name text,
							   table_name text, column_name text,
							   private boolean DEFAULT false) RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ffu_sql_path_fits';
COMMENT ON FUNCTION ffu._path_fits(text, text, text, text, text, boolean) IS
'Internal: whether a template can give a path with these names, and with some key, extension, '
'token and date, in a private file column or another one. path_template NULL: the default '
'template. NULL if another argument is NULL.';

CREATE FUNCTION ffu._placeholders() RETURNS text[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ffu_sql_placeholders';
COMMENT ON FUNCTION ffu._placeholders() IS
'Internal: the placeholders of path templates.';
