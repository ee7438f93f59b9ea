--
-- 81_functions_url.sql: URLs, and the secrets that sign the URLs of private files
--
-- Nobody but the owner of the extension has a right on ffu.url_secret.  The
-- functions in C read the table below SQL.
--

CREATE TABLE ffu.url_secret (
	number int NOT NULL,
	secret text NOT NULL,
	sign_from timestamptz NOT NULL,
	CONSTRAINT url_secret_pkey PRIMARY KEY (number)
);

COMMENT ON TABLE ffu.url_secret IS
'The secrets of signed URLs: one or two rows, or no row before ffu.rotate_url_secret. Written by '
'that function alone; not dumped, so that a copy of the database cannot sign for the original.';
COMMENT ON COLUMN ffu.url_secret.number IS
'Number of the secret, which stands in the URL as "key".';
COMMENT ON COLUMN ffu.url_secret.secret IS
'The secret: 64 hexadecimal digits.';
COMMENT ON COLUMN ffu.url_secret.sign_from IS
'Time from which the secret signs. The secret with the greatest number among those whose time has '
'come signs; all are good to verify a URL.';
COMMENT ON INDEX ffu.url_secret_pkey IS
'Primary key.';

CREATE TRIGGER skip_replicated BEFORE INSERT OR UPDATE OR DELETE ON ffu.url_secret
	FOR EACH ROW EXECUTE FUNCTION ffu.skip_replicated();
ALTER TABLE ffu.url_secret ENABLE REPLICA TRIGGER skip_replicated;

COMMENT ON TRIGGER skip_replicated ON ffu.url_secret IS
'Leaves out what a logical replication brings.';

CREATE FUNCTION ffu.url(path text, base text DEFAULT NULL, download_name text DEFAULT NULL)
RETURNS text
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ffu_sql_url';
COMMENT ON FUNCTION ffu.url(text, text, text) IS
'The URL of a file: base (NULL: ffu.base_url) followed by the path; a slash goes between if base '
'ends in a letter or digit. NULL for no file. download_name: a name under which a web server with '
'the example configuration lets a browser save the file; the name is cleaned, gets the extension '
'of the path if the name has another, and stands in the URL as "download". A path of a private '
'file column gives a signed URL, valid for at most ffu.url_expiry and at least half of that time, '
'and the same URL for half of that time. Does not look at the disk. Raises, for a private file '
'only, 42501 (no EXECUTE on ffu.signed_url), 55000 (no secret: call ffu.rotate_url_secret) and '
'22023 (a base without a path that begins with a slash).';

CREATE FUNCTION ffu.signed_url(path text, valid_for interval DEFAULT NULL,
							   download_name text DEFAULT NULL, base text DEFAULT NULL)
RETURNS text
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ffu_sql_signed_url';
COMMENT ON FUNCTION ffu.signed_url(text, interval, text, text) IS
'The signed URL of a file, private or not, valid for valid_for from now on, rounded up to whole '
'seconds (NULL: as by ffu.url). '
'Takes the value of a file column; NULL for no file. download_name and base are as in ffu.url; '
'the signature covers the name. The form is the form of the module secure_link of nginx: base and '
'path, then "expires" (seconds since 1970), "key" (number of the secret) and "signature" (MD5 in '
'base64url of expires, path of the URL, "?download=" and name if there is a name, a space and the '
'secret). Who may execute the function may sign every path that the role knows. Raises 55000 (no '
'secret: call ffu.rotate_url_secret), 22023 (not a path, a valid_for that is not positive, a base '
'without a path that begins with a slash).';

CREATE FUNCTION ffu.verify_url(url text, base text DEFAULT NULL) RETURNS text
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ffu_sql_verify_url';
COMMENT ON FUNCTION ffu.verify_url(text, text) IS
'The path of the file of a signed URL, for applications that serve files themselves. Takes a URL '
'of ffu.url or ffu.signed_url, with or without scheme and host, and base as in ffu.url (NULL: '
'ffu.base_url). NULL if the signature was made for another path, time or name, if the secret is '
'no longer valid, after the time, and for any other text. Scheme and host are not part of the '
'signature: never redirect to the URL. Raises nothing.';

CREATE FUNCTION ffu._url_expires(path text) RETURNS bigint
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ffu_sql_url_expires';
COMMENT ON FUNCTION ffu._url_expires(text) IS
'Internal: until when the URL is valid that ffu.url gives now for a private file, in seconds '
'since 1970.';

CREATE FUNCTION ffu.rotate_url_secret(sign_after interval DEFAULT '1 hour') RETURNS timestamptz
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_rotate_url_secret';
COMMENT ON FUNCTION ffu.rotate_url_secret(interval) IS
'Makes a new secret for signed URLs, in addition to the secret that signs now; drops any other. '
'Returns the time from which the new secret signs: after sign_after, in which the web server gets '
'what ffu.nginx_secrets returns; at once if there was no secret. URLs that the secret before has '
'signed stay valid until the next call. Two calls with sign_after ''0'' make all signed URLs '
'invalid. Raises 22023 (sign_after is negative), 25006 in a read-only transaction.';

CREATE FUNCTION ffu.nginx_secrets() RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	lines text := (SELECT string_agg(format(E'    %s "%s";\n', s.number, s.secret), ''
									 ORDER BY s.number DESC) FROM ffu.url_secret s);
	signing text := (SELECT s.secret FROM ffu.url_secret s
					  WHERE s.sign_from <= statement_timestamp()
					  ORDER BY s.number DESC LIMIT 1);
BEGIN
	IF signing IS NULL THEN
		RAISE EXCEPTION 'no secret for signed URLs is set in this database'
			USING ERRCODE = '55000',
			DETAIL = 'The table ffu.url_secret is empty. No dump has its rows.',
			HINT = 'Call ffu.rotate_url_secret().';
	END IF;
	-- Without a default, an unknown number would stand for an empty secret.
	RETURN format(E'map $arg_key $ffu_secret {\n    default "%s";\n%s}\n', signing, lines);
END
$$;
COMMENT ON FUNCTION ffu.nginx_secrets() IS
'The secrets of signed URLs as a configuration of nginx, for a file that examples/nginx/ includes '
'and that only root may read. For superusers. Raises 55000 (no secret), 42501.';
