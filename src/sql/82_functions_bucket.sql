--
-- 82_functions_bucket.sql: choosing and claiming the bucket
--
-- For superusers alone, except for URLs: the server sends requests to the host that a
-- caller names.
--

CREATE FUNCTION ffu.use_bucket(url text, region text DEFAULT 'us-east-1', style text DEFAULT 'path',
	profile text DEFAULT 'default', ca_file text DEFAULT NULL, insecure boolean DEFAULT false)
RETURNS void
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_sql_use_bucket';
COMMENT ON FUNCTION ffu.use_bucket(text, text, text, text, text, boolean) IS
'Tries a bucket of an object store, and claims it as the second place for the files of this '
'database. Takes the URL with the name of the bucket and a prefix for the keys; the region; the '
'style of the URL, ''path'' or ''host''; the profile of ffu.credentials_file; a file with trusted '
'certificates; and whether http may go to another host. Raises 55000 if the bucket or the keys are '
'missing, if the store lacks what ffu needs, if another database has claimed the bucket, or if '
'this database has another bucket; 58030 if the store refuses or does not answer; 22023 for a '
'wrong URL.';

CREATE FUNCTION ffu.claim_bucket(url text, region text DEFAULT 'us-east-1',
	style text DEFAULT 'path', profile text DEFAULT 'default', ca_file text DEFAULT NULL,
	insecure boolean DEFAULT false)
RETURNS void
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_sql_claim_bucket';
COMMENT ON FUNCTION ffu.claim_bucket(text, text, text, text, text, boolean) IS
'Takes over the bucket that another copy of this cluster used: after a failover, a restore or a '
'move. Takes the arguments of ffu.use_bucket. From then on the other copy removes nothing from the '
'bucket. Raises the errors of ffu.use_bucket.';

CREATE FUNCTION ffu.leave_bucket() RETURNS void
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_sql_leave_bucket';
COMMENT ON FUNCTION ffu.leave_bucket() IS
'Leaves the bucket of this database, which must have no files any more, or the bucket of another '
'database, whose copy this is; does nothing without a bucket. Another database may claim the '
'bucket then. Raises 55000 if the bucket has objects or another copy of the cluster has claimed '
'it, if late requests may still store objects, and in a transaction that has used files; 58030 if '
'the store refuses or does not answer.';

CREATE FUNCTION ffu.bucket_url(path text, valid_for interval DEFAULT NULL,
							   download_name text DEFAULT NULL)
RETURNS text
LANGUAGE c STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ffu_sql_bucket_url';
COMMENT ON FUNCTION ffu.bucket_url(text, interval, text) IS
'The signed URL of a file in the bucket, which the object store checks (Signature Version 4); no '
'request is made. Takes the value of a file column, NULL for no file; how long the URL is valid, '
'at most 7 days (NULL: ffu.url_expiry), counted from a time that is the same for half of the life, '
'so that the URL is valid for at least the other half; and a name under which a browser saves the '
'file. Does not look whether the file is in the bucket. Who may execute the function may sign '
'every path that the role knows. Raises 55000 (no bucket, or no keys in ffu.credentials_file), '
'22023 (not a path, a valid_for out of range).';
