--
-- 90_rights.sql: who may do what
--
-- Only the owner of the extension has rights on a new object of ffu.  Every right
-- of another role is given below, on purpose.
--

REVOKE ALL ON ALL ROUTINES IN SCHEMA ffu FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA ffu FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA ffu FROM PUBLIC;
REVOKE ALL ON DOMAIN ffu.file FROM PUBLIC;

-- pg_read_all_data and pg_write_all_data need no grant.  Without a policy the rows
-- are for superusers alone.
ALTER TABLE ffu.root ENABLE ROW LEVEL SECURITY;
ALTER TABLE ffu.deletion ENABLE ROW LEVEL SECURITY;
ALTER TABLE ffu.former_name ENABLE ROW LEVEL SECURITY;
ALTER TABLE ffu.upload ENABLE ROW LEVEL SECURITY;
ALTER TABLE ffu.quota ENABLE ROW LEVEL SECURITY;
ALTER TABLE ffu.counted ENABLE ROW LEVEL SECURITY;
ALTER TABLE ffu.url_secret ENABLE ROW LEVEL SECURITY;
ALTER TABLE ffu.bucket ENABLE ROW LEVEL SECURITY;
ALTER TABLE ffu.intent ENABLE ROW LEVEL SECURITY;
ALTER TABLE ffu.moving ENABLE ROW LEVEL SECURITY;

-- Nor do they need one for pg_statistic, which has values of the rows.
DO $$
DECLARE
	command text;
BEGIN
	FOR command IN
		SELECT pg_catalog.format('ALTER TABLE ffu.%I ALTER %I SET STATISTICS 0', c.relname,
								 a.attname)
		  FROM pg_catalog.pg_class c
		  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
		 WHERE c.relnamespace = 'ffu'::pg_catalog.regnamespace AND c.relkind = 'r'
		   AND a.attnum > 0 AND NOT a.attisdropped
	LOOP
		EXECUTE command;
	END LOOP;
END
$$;


--
-- Everybody
--

GRANT USAGE ON SCHEMA ffu TO PUBLIC;
GRANT USAGE ON DOMAIN ffu.file TO PUBLIC;
GRANT SELECT ON TABLE ffu.columns TO PUBLIC;
GRANT SELECT ON TABLE ffu.my_usage TO PUBLIC;
GRANT EXECUTE ON FUNCTION ffu._limits TO PUBLIC;

-- Storing: an upload is worth nothing until an INSERT or UPDATE of the caller
-- takes the upload.  Only the role that began a resumable upload can use it.
GRANT EXECUTE ON FUNCTION
	ffu.file, ffu.from_large_object,
	ffu.upload_begin(text, boolean, anycompatible),
	ffu.upload_append(text, bytea), ffu.upload_append(text, bigint, bytea),
	ffu.upload_offset, ffu.upload_status, ffu.upload_finish, ffu.upload_cancel
	TO PUBLIC;

-- Reading: knowing a path is the right to read the file.
GRANT EXECUTE ON FUNCTION
	ffu.content(text), ffu.content(text, bigint, bigint), ffu.stream, ffu.size,
	ffu.to_large_object, ffu.paths, ffu._file_digest, ffu._is_root
	TO PUBLIC;

-- URLs: knowing a path is the right to sign the URL, too.  ffu.url asks for
-- EXECUTE on ffu.signed_url.
GRANT EXECUTE ON FUNCTION
	ffu.url, ffu.signed_url, ffu.verify_url, ffu._url_expires, ffu.bucket_url
	TO PUBLIC;

-- Serving: the caller's own SELECT decides.
GRANT EXECUTE ON FUNCTION
	ffu.headers, ffu.serve, ffu._served_row, ffu._readable, ffu._cache_control,
	ffu._is_path, ffu._shown_type, ffu._disposition
	TO PUBLIC;

-- Declaring: each function, and each command that a function runs, refuses a
-- caller who does not own the table.
GRANT EXECUTE ON FUNCTION
	ffu.add_column, ffu.manage_column, ffu.alter_column, ffu.drop_column, ffu.add_url_functions,
	ffu.check_path_template, ffu.trigger_arguments, ffu.tie_function
	TO PUBLIC;
GRANT EXECUTE ON PROCEDURE ffu.relocate TO PUBLIC;

-- Attachments: statements of the caller on a table that the caller names.
GRANT EXECUTE ON FUNCTION
	ffu.add_attachments, ffu.grant_attachments, ffu.attach, ffu.detach, ffu.reorder,
	ffu._attachment_parent, ffu._attachment_key, ffu._attachment_urls,
	ffu._create_attachment_functions, ffu._protect_attachments, ffu._create_attachments,
	ffu._attachments_exist
	TO PUBLIC;

-- Each of these functions looks at the rights of its caller.
GRANT EXECUTE ON FUNCTION
	ffu._lock_table, ffu._command_as_owner, ffu._query_as_owner, ffu._query_as_caller,
	ffu._drop_columns, ffu._copy_values
	TO PUBLIC;

-- Public functions call these internal functions with the rights of the caller,
-- and so do ffu.columns and, for a detached partition, an event trigger.
GRANT EXECUTE ON FUNCTION
	ffu._refuse, ffu._tree, ffu._kind, ffu._name, ffu._cut,
	ffu._normal_extension, ffu._normal_extensions, ffu._normal_mime_types, ffu._normal_size,
	ffu._path_fits, ffu._placeholders, ffu._upload_begin,
	ffu._policy, ffu._complaint, ffu._companions,
	ffu._check_owner, ffu._check_storage, ffu._check_family, ffu._check_partition_key,
	ffu._check_partition_owners, ffu._check_table, ffu._check_trusted, ffu._check_new_names,
	ffu._check_type, ffu._require_attribute, ffu._check_existing, ffu._existing_companions,
	ffu._check_no_values, ffu._warn_of_public,
	ffu._make_policy, ffu._policy_array, ffu._check_reset,
	ffu._own_triggers, ffu._declarations, ffu._triggers, ffu._find_column, ffu._require_column,
	ffu._trigger_suffixes, ffu._choose_names, ffu._create_trigger, ffu._create_triggers,
	ffu._manage, ffu._replace_policy,
	ffu._url_functions, ffu._url_obstacle, ffu._create_url_function, ffu._add_url_functions,
	ffu._add_columns, ffu._set_required, ffu._check_dependents, ffu._restore_triggers,
	ffu._dangles, ffu._paths_of, ffu._texts_of, ffu._visible_paths_of, ffu._paths,
	ffu._tell_progress, ffu._path_names, ffu._relocation_parts, ffu._relocate_part
	TO PUBLIC;


--
-- Roles that may read files of the server; the functions check the role again.
--

GRANT EXECUTE ON FUNCTION
	ffu.import_file, ffu._import_below, ffu._list_files, ffu._files_to_import, ffu._import_row,
	ffu._import_one
	TO pg_read_server_files;
GRANT EXECUTE ON PROCEDURE ffu.import_directory TO pg_read_server_files;
