--
-- 90_rights.sql: who may call what
--
-- Schema ffu has the functions of ffu too, whose rights stay.  So PUBLIC loses the
-- rights on each member of this extension, by the catalog.  Every right of another
-- role is given below, on purpose.
--

DO $$
DECLARE
	object record;
BEGIN
	FOR object IN
		SELECT CASE d.classid WHEN 'pg_catalog.pg_proc'::pg_catalog.regclass
				THEN pg_catalog.format('ROUTINE %s', d.objid::pg_catalog.regprocedure)
				ELSE pg_catalog.format('TYPE %s', d.objid::pg_catalog.regtype) END AS name
		  FROM pg_catalog.pg_depend d
		  JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
		  LEFT JOIN pg_catalog.pg_type t ON t.oid = d.objid
		 WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
		   AND d.deptype = 'e' AND e.extname = 'ffu_flask'
		   AND (d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
				OR d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.typtype = 'c')
	LOOP
		EXECUTE 'REVOKE ALL ON ' || object.name || ' FROM PUBLIC';
	END LOOP;
END
$$;

-- The verbs are an UPDATE or a SELECT with the rights of the caller, and call the
-- internal functions with these rights.
GRANT EXECUTE ON FUNCTION
	ffu.add_files, ffu.save_files, ffu.update_files, ffu.delete_files,
	ffu.stream_file, ffu.get_file_url, ffu.add_file_urls_to_models
	TO PUBLIC;
GRANT EXECUTE ON FUNCTION
	ffu._key_columns, ffu._key_as_text, ffu._check_key, ffu._key_condition, ffu._key_text,
	ffu._refuse_key, ffu._check_caller,
	ffu._has_column, ffu._has_file_column, ffu._file_columns, ffu._check_names,
	ffu._names_in_words,
	ffu._returned, ffu._set_files, ffu._check_given_files, ffu._delete_names,
	ffu._delete_expression, ffu._file_path
	TO PUBLIC;
GRANT EXECUTE ON FUNCTION
	ffu._json_names, ffu._check_backref, ffu._check_same_owner, ffu._find_foreign_key,
	ffu._constrained_columns, ffu._find_link,
	ffu._model_table, ffu._model_order, ffu._model_step, ffu._model_child, ffu._model_list,
	ffu._model_steps, ffu._models_query, ffu._model_keys
	TO PUBLIC;

-- The trigger only raises errors, and the owner of a table restores a dump with the
-- trigger.
GRANT EXECUTE ON FUNCTION ffu.refuse_companions TO PUBLIC;

-- The owner of a table may rename its columns, and the function asks for the owner.
GRANT EXECUTE ON FUNCTION
	ffu.upgrade_column_names, ffu._upgrade_names, ffu._rename_column,
	ffu._old_column, ffu._old_columns, ffu._old_attributes
	TO PUBLIC;

-- Adoption reads files of the server.
GRANT EXECUTE ON FUNCTION
	ffu._adopt_file, ffu._adopt_list, ffu._adopt_look, ffu._secure_file_name, ffu._adopt_key,
	ffu._adopt_names, ffu._adopt_shared, ffu._adopt_find, ffu._adopt_stray, ffu._adopt_entries,
	ffu._adopt_unnamed,
	ffu._adopt_look_at, ffu._adopt_give, ffu._adopt_store, ffu._adopt_remarks, ffu._adopt_row,
	ffu._old_rows, ffu._adopt_part,
	ffu._guard_name, ffu._adopt_guard, ffu._adopt_lock, ffu._adopt_check, ffu._adopt_begin,
	ffu._adopt_prepare, ffu._adopt_manage, ffu._adopt_columns, ffu._adopt_survey,
	ffu._adopt_is_first, ffu._tell_adopted, ffu.adopt, ffu._adopt_batch
	TO pg_read_server_files;
GRANT EXECUTE ON PROCEDURE ffu.adopt_in_batches TO pg_read_server_files;
