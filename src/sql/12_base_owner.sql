--
-- 12_base_owner.sql: commands with the rights of a table's owner
--
-- Code of a table's owner (triggers, casts, expressions of indexes and
-- constraints ...) must not run with the rights of a superuser who calls ffu.
-- So every command that runs code of the owner goes through these functions.
-- docs/design.md has the rules.
--

CREATE FUNCTION ffu._lock_table(relation regclass, mode text) RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_lock_table';
COMMENT ON FUNCTION ffu._lock_table(regclass, text) IS
'Internal: locks a table and its partitions by OID, whatever their names are after the wait. '
'Raises 42501 for a caller who has not the rights of the owner, and 25001 for a superuser with an '
'old snapshot and a table of another role.';

CREATE FUNCTION ffu._command_as_owner(relation regclass, command text) RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'ffu_sql_command_as_owner';
COMMENT ON FUNCTION ffu._command_as_owner(regclass, text) IS
'Internal: runs a command with the rights of the owner of the table, in a security-restricted '
'operation. Raises 42501 for a caller who has not the owner''s rights anyway.';

CREATE FUNCTION ffu._query_as_owner(relation regclass, changes boolean, query text, VARIADIC "any")
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'ffu_sql_query_as_owner';
COMMENT ON FUNCTION ffu._query_as_owner(regclass, boolean, text, "any") IS
'Internal: the rows of a query with parameters, run as by ffu._command_as_owner; changes: the '
'query may change rows.';

CREATE FUNCTION ffu._query_as_caller(relation regclass, changes boolean, query text, VARIADIC "any")
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ffu_sql_query_as_caller';
COMMENT ON FUNCTION ffu._query_as_caller(regclass, boolean, text, "any") IS
'Internal: the rows of a query with parameters, run with the rights of the caller; for a '
'superuser, with the rights of the owner of the table.';
