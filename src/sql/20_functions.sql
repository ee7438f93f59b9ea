--
-- 20_functions.sql: storing, reading, URLs
--
-- These are for everyone: knowing a path is the right to read its file, and
-- an upload is worth nothing until the caller's INSERT or UPDATE takes it.
--

CREATE FUNCTION ffu.file(file_name text, bytes bytea) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'ffu_file';

CREATE FUNCTION ffu.from_large_object(file_name text, large_object oid) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'ffu_from_large_object';

CREATE FUNCTION ffu.content(path text) RETURNS bytea
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000
AS 'MODULE_PATHNAME', 'ffu_content';

CREATE FUNCTION ffu.content(path text, start bigint, count bigint) RETURNS bytea
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000
AS 'MODULE_PATHNAME', 'ffu_content_range';

CREATE FUNCTION ffu.stream(path text, chunk_size integer DEFAULT 1048576) RETURNS SETOF bytea
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000 ROWS 10
AS 'MODULE_PATHNAME', 'ffu_stream';

CREATE FUNCTION ffu.size(path text) RETURNS bigint
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
AS 'MODULE_PATHNAME', 'ffu_size';

CREATE FUNCTION ffu.url(path text, base text DEFAULT NULL) RETURNS text
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'ffu_url';

REVOKE ALL ON FUNCTION ffu.file(text, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.from_large_object(text, oid) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.content(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.content(text, bigint, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.stream(text, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.size(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION ffu.url(text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION ffu.file(text, bytea) TO PUBLIC;
GRANT EXECUTE ON FUNCTION ffu.from_large_object(text, oid) TO PUBLIC;
GRANT EXECUTE ON FUNCTION ffu.content(text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION ffu.content(text, bigint, bigint) TO PUBLIC;
GRANT EXECUTE ON FUNCTION ffu.stream(text, integer) TO PUBLIC;
GRANT EXECUTE ON FUNCTION ffu.size(text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION ffu.url(text, text) TO PUBLIC;

COMMENT ON FUNCTION ffu.file(text, bytea) IS
'Stores bytes as an upload of this transaction, to be assigned to a file column. '
'Takes the client''s file name (NULL for none) and the bytes; returns the upload as text, NULL for NULL bytes. '
'Raises 23514 if the bytes are more than ffu.max_content_length, 22023 for an empty file name or one of more than 255 bytes, '
'55000 if no folder is set, 53100 if the disk is full, 25006 in a read-only transaction.';
COMMENT ON FUNCTION ffu.from_large_object(text, oid) IS
'Stores the content of a large object as an upload of this transaction, in bounded memory; the large object stays. '
'Takes the client''s file name (NULL for none) and the large object; returns the upload as text. '
'Raises 42704 if there is no such large object, 42501 without the right to read it, and what ffu.file raises.';
COMMENT ON FUNCTION ffu.content(text) IS
'The bytes of a file. Takes the value of a file column, also one written earlier in this transaction; NULL for NULL. '
'Raises 23503 if there is no such file, 54000 if it is too large for a bytea.';
COMMENT ON FUNCTION ffu.content(text, bigint, bigint) IS
'count bytes of a file from byte start on, the first being 0; fewer at its end. '
'Raises 23503 if there is no such file, 22023 if start or count is negative.';
COMMENT ON FUNCTION ffu.stream(text, integer) IS
'The bytes of a file as a set of pieces of chunk_size bytes, in order, with one of them in memory at a time. '
'Raises 23503 if there is no such file, 22023 if chunk_size is not positive.';
COMMENT ON FUNCTION ffu.size(text) IS
'The size of a file in bytes, from the disk. Raises 23503 if there is no such file.';
COMMENT ON FUNCTION ffu.url(text, text) IS
'The URL of a file: base (ffu.base_url if it is NULL) followed by the path; a slash goes between if base ends in a letter or digit. '
'NULL for no file. Does not look at the disk; raises nothing.';
