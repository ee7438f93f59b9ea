--
-- 76_column_view.sql: the file columns of the database
--

-- A trigger of a partition with a parent (tgparentid) belongs to the file column
-- of the partitioned table.  An invalid declaration is left out; ffu.check
-- reports such a declaration.
CREATE VIEW ffu.columns WITH (security_barrier) AS
SELECT d.relid AS relation,
	   d.column_name,
	   c.file_name_column, c.mime_type_column, c.ext_column, c.size_column, c.sha256_column,
	   ffu._policy_array(d.policy, 'allowed_extensions') AS allowed_extensions,
	   ffu._policy_array(d.policy, 'allowed_mime_types') AS allowed_mime_types,
	   (d.policy ->> 'max_size')::bigint AS max_size,
	   d.policy ->> 'path_template' AS path_template,
	   d.required,
	   s.enabled,
	   s.complete,
	   d.policy ->> 'content_check' AS content_check,
	   COALESCE((d.policy ->> 'private')::boolean, false) AS private,
	   COALESCE(d.policy ->> 'store', 'folder') AS store
  FROM ffu._declarations() d
 CROSS JOIN LATERAL (
	SELECT (max(a.attname) FILTER (WHERE u.what = 'file_name'))::name AS file_name_column,
		   (max(a.attname) FILTER (WHERE u.what = 'mime_type'))::name AS mime_type_column,
		   (max(a.attname) FILTER (WHERE u.what = 'ext'))::name AS ext_column,
		   (max(a.attname) FILTER (WHERE u.what = 'size'))::name AS size_column,
		   (max(a.attname) FILTER (WHERE u.what = 'sha256'))::name AS sha256_column
	  FROM pg_catalog.jsonb_array_elements_text(d.policy -> 'companions')
		   WITH ORDINALITY AS u(what, i)
	  JOIN pg_catalog.pg_attribute a ON a.attrelid = d.relid AND a.attnum = d.attnums[u.i::int]) c
 CROSS JOIN LATERAL (
	-- type: row 1, before 2, insert 4, delete 8, update 16, truncate 32
	SELECT pg_catalog.bool_and(t.enabled IN ('O', 'A')) AS enabled,
		   pg_catalog.array_agg(DISTINCT t.type) FILTER (WHERE t.relid = d.relid)
				@> '{23,19,5,17,9,34}'
		   AND count(*) FILTER (WHERE t.type = 34)
				= (SELECT count(*) FROM ffu._tree(d.relid)) AS complete
	  FROM ffu._triggers(d.relid, d.key) t) s
 WHERE d.parent = 0;

COMMENT ON VIEW ffu.columns IS
'The file columns of this database, one row each, of a partitioned table for all its partitions; '
'read from the triggers, so always up to date.';
COMMENT ON COLUMN ffu.columns.relation IS 'The table.';
COMMENT ON COLUMN ffu.columns.column_name IS 'The file column: paths.';
COMMENT ON COLUMN ffu.columns.file_name_column IS
'Companion with the file''s name for downloads; NULL for none.';
COMMENT ON COLUMN ffu.columns.mime_type_column IS
'Companion with the mime type found in the content; NULL for none.';
COMMENT ON COLUMN ffu.columns.ext_column IS 'Companion with the extension; NULL for none.';
COMMENT ON COLUMN ffu.columns.size_column IS
'Companion with the size in bytes; NULL for none.';
COMMENT ON COLUMN ffu.columns.sha256_column IS
'Companion with the SHA-256 in hex digits; NULL for none.';
COMMENT ON COLUMN ffu.columns.allowed_extensions IS
'Extensions allowed, {*} for any; NULL: by the setting ffu.allowed_extensions.';
COMMENT ON COLUMN ffu.columns.allowed_mime_types IS 'Mime types allowed, */* for any; NULL: any.';
COMMENT ON COLUMN ffu.columns.max_size IS
'Largest size in bytes; NULL: by the setting ffu.max_content_length.';
COMMENT ON COLUMN ffu.columns.path_template IS
'Where files are put in the folder; NULL: by ffu''s default.';
COMMENT ON COLUMN ffu.columns.required IS 'Whether the column is NOT NULL.';
COMMENT ON COLUMN ffu.columns.enabled IS
'Whether all triggers are enabled, also on partitions; if not, files can be lost or left behind.';
COMMENT ON COLUMN ffu.columns.complete IS
'Whether all triggers are there, also on partitions; if not, files can be lost or left behind.';
COMMENT ON COLUMN ffu.columns.content_check IS
'How to treat a file whose extension contradicts its content; NULL: by the setting '
'ffu.content_check.';
COMMENT ON COLUMN ffu.columns.private IS
'Whether paths begin with private/, where a web server wants a signature.';
COMMENT ON COLUMN ffu.columns.store IS 'Where new files go: folder or bucket.';
