--
-- 31_store_bucket.sql: the bucket that this database has claimed
--

CREATE TABLE ffu.bucket (
	url text NOT NULL,
	region text NOT NULL,
	style text NOT NULL,
	profile text NOT NULL,
	ca_file text,
	insecure boolean NOT NULL,
	batch boolean NOT NULL,
	direct boolean NOT NULL,
	CONSTRAINT bucket_pkey PRIMARY KEY (url)
);

COMMENT ON TABLE ffu.bucket IS
'The bucket of this database: one row, or no row before ffu.use_bucket. Read and written by ffu '
'alone; not dumped, so that a restored copy cannot touch the objects of the original.';
COMMENT ON COLUMN ffu.bucket.url IS
'URL of the bucket, with the prefix of the keys.';
COMMENT ON COLUMN ffu.bucket.region IS
'Region for which requests are signed.';
COMMENT ON COLUMN ffu.bucket.style IS
'Where a URL has the name of the bucket: ''path'' or ''host''.';
COMMENT ON COLUMN ffu.bucket.profile IS
'Profile of ffu.credentials_file with the keys.';
COMMENT ON COLUMN ffu.bucket.ca_file IS
'File of the server with the certificates that are trusted; NULL for the certificates of the '
'system.';
COMMENT ON COLUMN ffu.bucket.insecure IS
'Whether requests may go to another host without TLS.';
COMMENT ON COLUMN ffu.bucket.batch IS
'Whether the store removes many objects in one request.';
COMMENT ON COLUMN ffu.bucket.direct IS
'Whether the store takes direct uploads: a signed URL stores the bytes that it is signed for, and '
'no others.';
COMMENT ON INDEX ffu.bucket_pkey IS
'Primary key.';

CREATE TRIGGER skip_replicated BEFORE INSERT OR UPDATE OR DELETE ON ffu.bucket
	FOR EACH ROW EXECUTE FUNCTION ffu.skip_replicated();
ALTER TABLE ffu.bucket ENABLE REPLICA TRIGGER skip_replicated;

COMMENT ON TRIGGER skip_replicated ON ffu.bucket IS
'Leaves out what a logical replication brings.';

CREATE TABLE ffu.intent (
	key text NOT NULL,
	uncertain boolean NOT NULL,
	noted_at timestamptz NOT NULL,
	removed_at timestamptz,
	multipart boolean NOT NULL
);

-- A value outside of the row would not be as frozen as the row.
ALTER TABLE ffu.intent ALTER COLUMN key SET STORAGE PLAIN;

COMMENT ON TABLE ffu.intent IS
'Objects that may be in the bucket although their transaction did not commit, and requests to the '
'object store without an answer. Work to do: a row goes when the transaction commits, or once no '
'late request can bring its object back. Written by ffu alone; not dumped.';
COMMENT ON COLUMN ffu.intent.key IS
'Key of the object, without the prefix of the bucket: the path of the file.';
COMMENT ON COLUMN ffu.intent.uncertain IS
'Whether the file has a row all the same: the transaction stored the object at a later attempt, '
'after a request without an answer, or moves the file between folder and bucket.';
COMMENT ON COLUMN ffu.intent.noted_at IS
'When the transaction was about to store the object, or noted that a request has no answer; of a '
'direct upload, when it expires.';
COMMENT ON COLUMN ffu.intent.removed_at IS
'When a sweep, or a move to the folder, removed the object for the first time; the object is '
'removed once more after ffu.settle_time.';

COMMENT ON COLUMN ffu.intent.multipart IS
'Whether the object is large, so that several requests store it: an unfinished multipart upload '
'is ended, too.';

CREATE TRIGGER skip_replicated BEFORE INSERT OR UPDATE OR DELETE ON ffu.intent
	FOR EACH ROW EXECUTE FUNCTION ffu.skip_replicated();
ALTER TABLE ffu.intent ENABLE REPLICA TRIGGER skip_replicated;

COMMENT ON TRIGGER skip_replicated ON ffu.intent IS
'Leaves out what a logical replication brings.';

CREATE TABLE ffu.moving (
	path text NOT NULL,
	sha256 text,
	stored_at timestamptz NOT NULL,
	copied boolean NOT NULL
);
-- The worker reads the files that are due, the oldest first.
CREATE INDEX moving_due_idx ON ffu.moving (copied, stored_at);

COMMENT ON TABLE ffu.moving IS
'Files in the folder that the worker moves to the bucket after ffu.move_after. Written '
'by ffu alone; not dumped.';
COMMENT ON COLUMN ffu.moving.path IS 'Path of the file.';
COMMENT ON COLUMN ffu.moving.sha256 IS
'SHA-256 of the bytes, in hex; NULL if they have not been read.';
COMMENT ON COLUMN ffu.moving.stored_at IS
'When the file was stored, or when the worker has last tried to move it.';
COMMENT ON COLUMN ffu.moving.copied IS
'Whether the bucket has the file, so that the file of the folder can go.';
COMMENT ON INDEX ffu.moving_due_idx IS
'Files that are due.';

CREATE TRIGGER skip_replicated BEFORE INSERT OR UPDATE OR DELETE ON ffu.moving
	FOR EACH ROW EXECUTE FUNCTION ffu.skip_replicated();
ALTER TABLE ffu.moving ENABLE REPLICA TRIGGER skip_replicated;

COMMENT ON TRIGGER skip_replicated ON ffu.moving IS
'Leaves out what a logical replication brings.';
