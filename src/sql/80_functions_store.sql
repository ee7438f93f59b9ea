--
-- 80_functions_store.sql: storing a file
--
-- For everyone: an upload is worth nothing until an INSERT or UPDATE of the caller
-- takes the upload.
--

CREATE FUNCTION ffu.file(file_name text, bytes bytea,
						 size bigint DEFAULT NULL, sha256 text DEFAULT NULL)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'ffu_sql_file';
COMMENT ON FUNCTION ffu.file(text, bytea, bigint, text) IS
'Stores bytes as an upload of this transaction, to be assigned to a file column. Takes the '
'client''s file name (NULL for none) and the bytes; returns the upload as text, NULL for NULL '
'bytes. size: the number of bytes that the client means to send. sha256: their SHA-256 checksum in '
'hex. Both are for clients that may send the bytes as a text. Raises 23514 if the bytes are more '
'than ffu.max_content_length, or do not have the size or checksum; 53400 if this transaction would '
'store more than ffu.max_staged or take longer than ffu.max_detection_time; 22023 for a negative '
'size, a file name that is empty or has more than 255 characters, or an invalid checksum; 55000 if '
'no folder is set, 53100 if the disk is full, 25006 in a read-only transaction.';

CREATE FUNCTION ffu.from_large_object(file_name text, large_object oid) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'ffu_sql_from_large_object';
COMMENT ON FUNCTION ffu.from_large_object(text, oid) IS
'Stores the content of a large object as an upload of this transaction, in bounded memory; the '
'large object stays. Takes the client''s file name (NULL for none) and the large object; returns '
'the upload as text. Raises 42704 if there is no such large object, 42501 without the right to '
'read the large object, and the errors of ffu.file.';
