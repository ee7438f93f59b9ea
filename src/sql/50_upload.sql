--
-- 50_upload.sql: uploads in pieces, within a transaction and beyond
--
-- For everyone, as ffu.file is.
--

CREATE TABLE ffu.upload (
	id bigint NOT NULL,
	sha256 text NOT NULL,
	root text NOT NULL,
	owner oid NOT NULL,
	begun_by bigint NOT NULL,
	file_name text,
	max_size bigint,
	size bigint NOT NULL,
	begun_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	content text,
	CONSTRAINT upload_pkey PRIMARY KEY (id)
);

CREATE TRIGGER skip_replicated BEFORE INSERT OR UPDATE OR DELETE ON ffu.upload
	FOR EACH ROW EXECUTE FUNCTION ffu.skip_replicated();
ALTER TABLE ffu.upload ENABLE REPLICA TRIGGER skip_replicated;

COMMENT ON TRIGGER skip_replicated ON ffu.upload IS
'Leaves out what a logical replication brings.';
COMMENT ON TABLE ffu.upload IS
'Resumable uploads that are not finished, cancelled or expired. The bytes are in the folder, in '
'.ffu/uploads. Written by ffu alone; not dumped.';
COMMENT ON COLUMN ffu.upload.id IS
'The first 8 bytes of sha256, as a number; also in the name of the file.';
COMMENT ON COLUMN ffu.upload.sha256 IS
'SHA-256 of the id that ffu.upload_begin returned; the id itself is a secret and stored nowhere.';
COMMENT ON COLUMN ffu.upload.root IS
'Id of the folder of the file (ffu.root.id).';
COMMENT ON COLUMN ffu.upload.owner IS
'The role that began the upload.';
COMMENT ON COLUMN ffu.upload.begun_by IS
'Full id of the transaction that began the upload; also in the name of the file.';
COMMENT ON COLUMN ffu.upload.file_name IS
'The client''s file name; NULL if the client gave no name.';
COMMENT ON COLUMN ffu.upload.max_size IS
'The most bytes the upload may have; NULL for ffu.max_content_length.';
COMMENT ON COLUMN ffu.upload.size IS
'Number of committed bytes; the file may have more.';
COMMENT ON COLUMN ffu.upload.begun_at IS
'When the upload was begun.';
COMMENT ON COLUMN ffu.upload.expires_at IS
'When a sweep removes the upload: ffu.upload_expiry after the last bytes came.';
COMMENT ON COLUMN ffu.upload.content IS
'SHA-256 of the bytes, in hex, of a direct upload, which has max_size bytes; NULL for others.';
COMMENT ON INDEX ffu.upload_pkey IS
'Primary key.';

CREATE FUNCTION ffu._upload_begin(file_name text, resumable boolean, max_size bigint) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'ffu_sql_upload_begin';
COMMENT ON FUNCTION ffu._upload_begin(text, boolean, bigint) IS
'Internal: the same as ffu.upload_begin, with the size in bytes.';

CREATE FUNCTION ffu.upload_begin(file_name text, resumable boolean DEFAULT false,
								 max_size anycompatible DEFAULT NULL::text) RETURNS text
LANGUAGE sql VOLATILE PARALLEL UNSAFE COST 10000
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ffu._upload_begin($1, $2, ffu._normal_size($3::text))
$$;
COMMENT ON FUNCTION ffu.upload_begin(text, boolean, anycompatible) IS
'Begins an upload that gets its bytes in pieces, by ffu.upload_append; any size, in bounded '
'memory. Takes the client''s file name (NULL for none), resumable (whether the upload outlives '
'this transaction), and the most bytes the upload may have: a number, a text such as ''1 GB'', or '
'NULL for ffu.max_content_length. Returns an upload of this transaction, to be assigned to a file '
'column. With resumable, returns the secret id of an upload that any session of this role can '
'continue until ffu.upload_finish, ffu.upload_cancel, or ffu.upload_expiry after its last bytes. '
'Raises 22023 for an invalid file name or max_size, 53400 if the role has ffu.max_uploads open '
'resumable uploads, and the errors of ffu.file.';

CREATE FUNCTION ffu.upload_begin(file_name text, direct boolean, size bigint, sha256 text,
	OUT upload text, OUT url text, OUT headers json, OUT expires_at timestamptz)
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'ffu_sql_upload_begin_direct';
COMMENT ON FUNCTION ffu.upload_begin(text, boolean, bigint, text) IS
'Begins a direct upload: the client sends the bytes to the bucket, and none pass through the '
'database. Takes the client''s file name (NULL for none), direct => true, and size and SHA-256 (in '
'hex) of the bytes. Returns the secret id of an upload, and the URL to which the client is to PUT '
'the bytes with these headers before expires_at. The store takes these bytes alone. After that '
'ffu.upload_finish makes the upload a file: it looks at the size and at the first megabyte. The '
'upload ends as a resumable one: ffu.upload_cancel, or ffu.upload_expiry. Not for PUBLIC: grant '
'EXECUTE to the roles of your application. Raises 55000 without a bucket, or if the store takes no '
'direct uploads; 22023 for an invalid file name, size or checksum; 23514 if the size is more than '
'ffu.max_content_length; 53400 if the role has ffu.max_uploads open uploads.';

CREATE FUNCTION ffu.upload_append(upload text, bytes bytea) RETURNS bigint
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'ffu_sql_upload_append';
COMMENT ON FUNCTION ffu.upload_append(text, bytea) IS
'Appends bytes to an upload of this transaction, and returns the new size in bytes. A savepoint '
'that is rolled back takes its bytes back. Raises, before anything is written, 23514 if the upload '
'would have more bytes than allowed, and 53400 if this transaction would store more than '
'ffu.max_staged; 55000 if the upload is not of this transaction or was assigned already; 22023 for '
'a resumable upload, which needs a start; 53100 if the disk is full, 25006 in a read-only '
'transaction.';

CREATE FUNCTION ffu.upload_append(upload text, start bigint, bytes bytea) RETURNS bigint
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'ffu_sql_upload_append_at';
COMMENT ON FUNCTION ffu.upload_append(text, bigint, bytea) IS
'Appends bytes to an upload that has exactly start bytes, and returns the new size in bytes. '
'Bytes of a resumable upload are durable once the transaction has committed. Raises 55000 if the '
'upload has more or fewer bytes than start, 22023 for a negative start, 42704 and 42501 as '
'ffu.upload_offset, and the errors of ffu.upload_append(upload, bytes).';

CREATE FUNCTION ffu.upload_offset(upload text) RETURNS bigint
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
AS 'MODULE_PATHNAME', 'ffu_sql_upload_offset';
COMMENT ON FUNCTION ffu.upload_offset(text) IS
'Size of an upload in bytes: where the next bytes go. A resumable upload has its committed bytes '
'and the bytes of this transaction. Raises 42704 if there is no such resumable upload (any more), '
'42501 if another role began the upload, 22023 for an invalid id, 55000 for an upload of another '
'transaction.';

CREATE FUNCTION ffu.upload_status(upload text,
	OUT file_name text, OUT size bigint, OUT max_size bigint,
	OUT begun_at timestamptz, OUT expires_at timestamptz)
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 100
AS 'MODULE_PATHNAME', 'ffu_sql_upload_status';
COMMENT ON FUNCTION ffu.upload_status(text) IS
'State of a resumable upload: the client''s file name, its size and the most bytes allowed, when '
'the upload was begun, when the upload expires. Raises the errors of ffu.upload_offset.';

CREATE FUNCTION ffu.upload_finish(upload text) RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'ffu_sql_upload_finish';
COMMENT ON FUNCTION ffu.upload_finish(text) IS
'Makes a resumable upload an upload of this transaction, to be assigned to a file column. Nothing '
'is copied, but the bytes are read for their checksum. A commit ends the resumable upload; a '
'rollback leaves the upload as before. Takes the id, returns the upload as text. Raises 42704, '
'42501 and 22023 as ffu.upload_offset, XX001 if the bytes are not there, and the errors of '
'ffu.file. Of a direct upload, no bytes come here but the first megabyte; raises 55000 if the '
'client has not sent the bytes to the bucket, and 23503 at COMMIT if they have gone meanwhile.';

CREATE FUNCTION ffu.upload_cancel(upload text) RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'ffu_sql_upload_cancel';
COMMENT ON FUNCTION ffu.upload_cancel(text) IS
'Gives a resumable upload up: its bytes go when this transaction commits. Raises 42704, 42501 and '
'22023 as ffu.upload_offset, 25006 in a read-only transaction.';
