--
-- 87_functions_fetch.sql: files that are missing here come from another server
--
-- For superusers alone: the server connects to another server.
--

CREATE PROCEDURE ffu.fetch_missing(conninfo text DEFAULT NULL, INOUT files bigint DEFAULT NULL,
								   INOUT bytes bigint DEFAULT NULL,
								   INOUT failed bigint DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'ffu_sql_fetch_missing';
COMMENT ON PROCEDURE ffu.fetch_missing(text, bigint, bigint, bigint) IS
'Fetches the files that rows have and the folder lacks from another server with the same database '
'and folder id: its primary, or a standby. For a standby or a restored server that was begun '
'without a copy of the folder. Takes a connection string of libpq; NULL: the primary_conninfo of '
'this standby, with this database. The name of the database is that of this one unless the string '
'says another. The role there needs no right but to connect. Returns the number of files that were '
'fetched, their bytes, and the number of files that were not, each with a WARNING (at most 10). A '
'file whose size in the folder differs from its row is fetched, too. Size and SHA-256 are compared '
'with the row before a file gets its path; a row without a size takes up to '
'ffu.max_content_length. A host has 10 seconds to connect unless the string has connect_timeout. '
'Files of a bucket are not fetched. Writes to the folder only, so it runs on a standby, in '
'transactions that hold no snapshot while they wait. Repeat a call that was interrupted: it goes '
'on with the files that are still missing. To be called outside a transaction block. Raises 08001 '
'and 08006 (the connection), 25001 (in a transaction block), 42501 (not a superuser), 55000 (no '
'usable folder, or the other server does not have the files of this database), 55006 (another call '
'runs), 25006 on a standby without ffu.standby_files, 58030 and 53100 if the folder fails.';
