--
-- 81_functions_read.sql: reading
--
-- For everyone: knowing a path is the right to read its file.
--

CREATE FUNCTION ffu.content(path text) RETURNS bytea
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000
AS 'MODULE_PATHNAME', 'ffu_sql_content';
COMMENT ON FUNCTION ffu.content(text) IS
'The bytes of a file. Takes the value of a file column, also a value written earlier in this '
'transaction; NULL for NULL. Raises 23503 if there is no such file, 54000 if the file is too '
'large for a bytea.';

CREATE FUNCTION ffu.content(path text, start bigint, count bigint) RETURNS bytea
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000
AS 'MODULE_PATHNAME', 'ffu_sql_content_range';
COMMENT ON FUNCTION ffu.content(text, bigint, bigint) IS
'count bytes of a file from byte start on, the first being 0; fewer at the end of the file. '
'Raises 23503 if there is no such file, 22023 if start or count is negative.';

CREATE FUNCTION ffu.stream(path text, chunk_size integer DEFAULT 1048576) RETURNS SETOF bytea
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000 ROWS 10
AS 'MODULE_PATHNAME', 'ffu_sql_stream';
COMMENT ON FUNCTION ffu.stream(text, integer) IS
'The bytes of a file as a set of pieces of chunk_size bytes, in order, with one piece in memory '
'at a time. Raises 23503 if there is no such file, 22023 if chunk_size is not positive.';

CREATE FUNCTION ffu.size(path text) RETURNS bigint
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100
AS 'MODULE_PATHNAME', 'ffu_sql_size';
COMMENT ON FUNCTION ffu.size(text) IS
'The size of a file in bytes, from the disk. Raises 23503 if there is no such file.';

CREATE FUNCTION ffu.to_large_object(path text, large_object oid DEFAULT 0) RETURNS oid
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'ffu_sql_to_large_object';
COMMENT ON FUNCTION ffu.to_large_object(text, oid) IS
'Copies a file into a new large object, in bounded memory, and returns the OID of the large '
'object. Takes the value of a file column and the OID to use; 0: a free OID. Raises 23503 if '
'there is no such file, 23505 if there is a large object with this OID, 25006 in a read-only '
'transaction.';

-- What another server asks beside ffu.stream (see ffu.fetch_missing)
CREATE FUNCTION ffu._file_digest(path text) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 10000
AS 'MODULE_PATHNAME', 'ffu_sql_file_digest';
COMMENT ON FUNCTION ffu._file_digest(text) IS
'Internal: the SHA-256 of a file, as hex digits, for a server that has fetched the file.';

CREATE FUNCTION ffu._is_root(root_id text) RETURNS boolean
LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_is_root';
COMMENT ON FUNCTION ffu._is_root(text) IS
'Internal: whether the files of this database are in the folder with this id, for a server that '
'fetches files.';
