--
-- 24_pieces.sql: uploads in pieces
--
-- For everyone, as ffu.file is.
--

CREATE FUNCTION ffu._upload_begin(file_name text, resumable boolean, max_size bigint) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'ffu_upload_begin_sql';

CREATE FUNCTION ffu.upload_begin(file_name text, resumable boolean DEFAULT false,
								 max_size anycompatible DEFAULT NULL::text) RETURNS text
LANGUAGE sql VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ffu._upload_begin($1, $2, ffu._normal_size($3::text))
$$;

CREATE FUNCTION ffu.upload_append(upload text, bytes bytea) RETURNS bigint
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'ffu_upload_append';

CREATE FUNCTION ffu.upload_append(upload text, start bigint, bytes bytea) RETURNS bigint
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'ffu_upload_append_at';

CREATE FUNCTION ffu.upload_offset(upload text) RETURNS bigint
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
AS 'MODULE_PATHNAME', 'ffu_upload_offset';

REVOKE ALL ON FUNCTION ffu._upload_begin(text, boolean, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.upload_begin(text, boolean, anycompatible) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.upload_append(text, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.upload_append(text, bigint, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.upload_offset(text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION ffu._upload_begin(text, boolean, bigint) TO PUBLIC;
GRANT EXECUTE ON FUNCTION ffu.upload_begin(text, boolean, anycompatible) TO PUBLIC;
GRANT EXECUTE ON FUNCTION ffu.upload_append(text, bytea) TO PUBLIC;
GRANT EXECUTE ON FUNCTION ffu.upload_append(text, bigint, bytea) TO PUBLIC;
GRANT EXECUTE ON FUNCTION ffu.upload_offset(text) TO PUBLIC;

COMMENT ON FUNCTION ffu._upload_begin(text, boolean, bigint) IS
'Internal: what ffu.upload_begin does.';
COMMENT ON FUNCTION ffu.upload_begin(text, boolean, anycompatible) IS
'Begins an upload of this transaction that gets its bytes in pieces, by ffu.upload_append, and is then assigned to a file column. Any size, in bounded memory. '
'Takes the client''s file name (NULL for none) and the most bytes it may have: a number, a text such as ''1 GB'', or NULL for ffu.max_content_length. Returns the upload as text. '
'Raises 22023 for a file name or max_size that is none, and what ffu.file raises.';
COMMENT ON FUNCTION ffu.upload_append(text, bytea) IS
'Appends bytes to an upload that ffu.upload_begin began, and returns the size it has then. A savepoint that is rolled back takes its bytes back. '
'Raises 23514 before anything is written if it would have more bytes than it may; 55000 if it is not of this transaction or was assigned already; 53100 if the disk is full, 25006 in a read-only transaction.';
COMMENT ON FUNCTION ffu.upload_append(text, bigint, bytea) IS
'The same, if the upload has exactly start bytes; raises 55000 if it has more or fewer, and 22023 for a negative start.';
COMMENT ON FUNCTION ffu.upload_offset(text) IS
'How many bytes an upload has: where the next ones go. Raises 55000 for an upload that is not of this transaction.';
