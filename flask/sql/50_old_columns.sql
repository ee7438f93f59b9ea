--
-- 50_old_columns.sql: the columns that flask-file-upload made
--
-- flask-file-upload has three string columns for each attribute of a model.  The
-- file is at <directory>/<table>/<first column of the primary key>/<file name>.
--

-- As secure_filename of Werkzeug.
CREATE FUNCTION ffu._secure_file_name(file_name text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF current_setting('server_encoding') = 'UTF8' THEN
		file_name := normalize(file_name, NFKD);
	END IF;
	file_name := regexp_replace(file_name, E'[^\\u0001-\\u007f]', '', 'g');
	file_name := regexp_replace(replace(file_name, '/', ' '),
								E'[\\u0009-\\u000d\\u001c-\\u0020]+', ' ', 'g');
	file_name := replace(btrim(file_name, ' '), ' ', '_');
	RETURN btrim(regexp_replace(file_name, '[^A-Za-z0-9_.-]', '', 'g'), '._');
END
$$;
COMMENT ON FUNCTION ffu._secure_file_name(text) IS
'Internal: the name that flask-file-upload gave to a file with this name.';

CREATE FUNCTION ffu._old_column(relation regclass, column_name text)
RETURNS name
LANGUAGE sql STABLE
BEGIN ATOMIC
	-- The server cut names that were too long, and so does the cast.
	SELECT a.attname
	  FROM pg_catalog.pg_attribute a
	 WHERE a.attrelid = relation AND a.attname = column_name::name
	   AND a.attnum > 0 AND NOT a.attisdropped
	   AND a.atttypid IN ('text'::pg_catalog.regtype, 'varchar'::pg_catalog.regtype);
END;
COMMENT ON FUNCTION ffu._old_column(regclass, text) IS
'Internal: the string column of this name, which may be too long for a name; NULL without one.';

CREATE FUNCTION ffu._old_columns(relation regclass, attribute text,
								 OUT file_name name, OUT mime_type name, OUT ext name,
								 OUT file_type name)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT ffu._old_column(relation, attribute || '__file_name'),
		   ffu._old_column(relation, attribute || '__mime_type'),
		   ffu._old_column(relation, attribute || '__ext'),
		   ffu._old_column(relation, attribute || '__file_type');
END;
COMMENT ON FUNCTION ffu._old_columns(regclass, text) IS
'Internal: the columns that flask-file-upload made for an attribute of a model; '
'NULL for a missing column.';

CREATE FUNCTION ffu._old_attributes(relation regclass, suffix text)
RETURNS SETOF text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT pg_catalog.left(a.attname::text, - pg_catalog.length(suffix))
	  FROM pg_catalog.pg_attribute a
	 WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
	   AND a.attname::text OPERATOR(pg_catalog.~~)
		   ('_%' || pg_catalog.replace(suffix, '_', E'\\_'))
	 ORDER BY a.attnum;
END;
COMMENT ON FUNCTION ffu._old_attributes(regclass, text) IS
'Internal: the attributes that have a column with this ending, in the order of the columns.';

CREATE FUNCTION ffu._rename_column(relation regclass, column_name name, new_name text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('ALTER TABLE %s RENAME COLUMN %I TO %I', relation, column_name, new_name);
END
$$;
COMMENT ON FUNCTION ffu._rename_column(regclass, name, text) IS
'Internal: renames a column.';

CREATE FUNCTION ffu._upgrade_names(relation regclass, attribute text)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	old record;
BEGIN
	SELECT o.* INTO old FROM ffu._old_columns(relation, attribute) o;
	IF old.file_type IS NULL OR old.mime_type IS NULL OR old.file_name IS NULL
		OR old.ext IS NOT NULL
	THEN
		RETURN false;
	END IF;
	-- In this order: __mime_type had the extension.
	PERFORM ffu._rename_column(relation, old.mime_type, attribute || '__ext');
	PERFORM ffu._rename_column(relation, old.file_type, attribute || '__mime_type');
	RETURN true;
END
$$;
COMMENT ON FUNCTION ffu._upgrade_names(regclass, text) IS
'Internal: gives the columns of one attribute the names of version 0.2; '
'returns false if the names are not of an earlier version.';

CREATE FUNCTION ffu.upgrade_column_names(relation regclass)
RETURNS SETOF text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	attribute text;
BEGIN
	IF relation IS NULL THEN
		PERFORM ffu._check_table(relation, NULL, 'ACCESS EXCLUSIVE');	-- raises 22004
	END IF;
	PERFORM ffu._check_owner(relation);
	PERFORM ffu._lock_table(relation, 'ACCESS EXCLUSIVE');
	FOR attribute IN SELECT ffu._old_attributes(relation, '__file_type') LOOP
		IF ffu._upgrade_names(relation, attribute) THEN
			RETURN NEXT attribute;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu.upgrade_column_names(regclass) IS
'Renames the columns that flask-file-upload 0.0 and 0.1 made to the names of 0.2, all of a table, '
'in the order that works: first <name>__mime_type, which held the extension, to <name>__ext, '
'then <name>__file_type to <name>__mime_type. '
'Returns the names of the attributes; none if there is nothing to rename, so a call can be '
'repeated. Raises 42501 for anyone but the owner of the table, 22004.';
