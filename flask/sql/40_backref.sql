--
-- 40_backref.sql: the children that a backref of add_file_urls_to_models means
--

-- A foreign key from a child table to the table above.
CREATE TYPE ffu._model_link AS (
	child regclass,
	child_columns name[],
	parent_columns name[],
	operators text[]
);
COMMENT ON TYPE ffu._model_link IS
'Internal: the foreign key along which ffu.add_file_urls_to_models finds children.';
COMMENT ON COLUMN ffu._model_link.child IS 'The child table.';
COMMENT ON COLUMN ffu._model_link.child_columns IS 'The referring columns.';
COMMENT ON COLUMN ffu._model_link.parent_columns IS 'The columns of the table above.';
COMMENT ON COLUMN ffu._model_link.operators IS 'The operators between parent and child columns.';


CREATE FUNCTION ffu._json_names(value jsonb)
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE pg_catalog.jsonb_typeof(value)
	WHEN 'string' THEN ARRAY[value #>> '{}']
	WHEN 'array' THEN ARRAY(SELECT e FROM pg_catalog.jsonb_array_elements_text(value)
							WITH ORDINALITY AS u(e, i) ORDER BY i)
	END;
COMMENT ON FUNCTION ffu._json_names(jsonb) IS
'Internal: a JSON string or list of strings as an array; NULL for any other value.';

CREATE FUNCTION ffu._check_backref(relation regclass, backref jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known text[] := '{name,filenames,foreign_key,as,backref}';
	complaint text;
BEGIN
	complaint := CASE
		WHEN jsonb_typeof(backref) <> 'object'
			THEN format('It is of JSON type %s.', jsonb_typeof(backref))
		WHEN coalesce(jsonb_typeof(backref -> 'name'), 'none') <> 'string'
			THEN 'It has no "name", which is the child table.'
		WHEN ffu._json_names(backref -> 'filenames') IS NULL
			THEN 'It has no "filenames", which are the child''s file columns.'
		WHEN NOT backref <@ (SELECT jsonb_object_agg(k, backref -> k) FROM unnest(known) k)
			THEN format('It has %s, which is not known.',
						(SELECT string_agg(quote_ident(k), ', ' ORDER BY k)
						   FROM jsonb_object_keys(backref) k WHERE k <> ALL (known)))
		WHEN coalesce(jsonb_typeof(backref -> 'foreign_key'), 'string') <> 'string'
			THEN '"foreign_key" is not the name of a constraint.'
		WHEN coalesce(jsonb_typeof(backref -> 'as'), 'string') <> 'string'
			THEN '"as" is not a name.' END;
	IF complaint IS NOT NULL THEN
		PERFORM ffu._refuse(relation, NULL, '22023', 'invalid backref', complaint,
			'Write for example {"name": "news", "filenames": ["news_image"]}; '
			'"foreign_key", "as" and "backref" may be added.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_backref(regclass, jsonb) IS
'Internal: raises 22023 for a backref with missing, wrong or unknown parts.';

CREATE FUNCTION ffu._check_same_owner(parent regclass, child regclass)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- A superuser reads with the rights of one owner.
	IF (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user)
		AND EXISTS (SELECT FROM pg_class p, pg_class c JOIN pg_roles r ON r.oid = c.relowner
					 WHERE p.oid = parent AND c.oid = child
					   AND p.relowner <> c.relowner AND NOT r.rolsuper)
	THEN
		PERFORM ffu._refuse(child, NULL, '42501',
			format('a superuser cannot read tables "%s" and "%s" together',
				   ffu._name(parent), ffu._name(child)),
			'The tables have different owners, and the code of one would run with the rights '
			'of the other.',
			'Run SET ROLE with a role that may read both tables.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._check_same_owner(regclass, regclass) IS
'Internal: raises 42501 for a superuser if another role than the owner of the table above owns '
'a child table.';

CREATE FUNCTION ffu._find_foreign_key(parent regclass, backref jsonb)
RETURNS oid
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $$
DECLARE
	keys oid[];
	all_keys text;
BEGIN
	-- A child is named with or without the schema.  The parent of a foreign key
	-- to a partition is the partitioned table.
	SELECT array_agg(c.oid) FILTER (
			WHERE backref ->> 'name' IN (r.relname, format('%I.%I', n.nspname, r.relname))
			  AND c.conname = coalesce(backref ->> 'foreign_key', c.conname)),
		   string_agg(format('%s (%s)', r.relname, c.conname), ', ' ORDER BY r.relname, c.conname)
	  INTO keys, all_keys
	  FROM pg_constraint c
	  JOIN pg_class r ON r.oid = c.conrelid
	  JOIN pg_namespace n ON n.oid = r.relnamespace
	 WHERE c.confrelid = coalesce(pg_partition_root(parent), parent)
	   AND c.contype = 'f' AND c.conparentid = 0;
	IF cardinality(keys) IS DISTINCT FROM 1 THEN
		PERFORM ffu._refuse(parent, NULL, CASE WHEN keys IS NULL THEN '42704' ELSE '42725' END,
			format('%s foreign key leads from "%s" to relation "%s"',
				   CASE WHEN keys IS NULL THEN 'no' ELSE 'more than one' END,
				   left(backref ->> 'name', 60), ffu._name(parent)),
			format('The tables that refer to it are %s.', coalesce(all_keys, 'none')),
			CASE WHEN keys IS NULL
				 THEN 'Give the name of a child table as "name", and its constraint, if any, '
					'as "foreign_key".'
				 ELSE 'Qualify "name" with the schema, or give the name of the constraint '
					'as "foreign_key".' END);
	END IF;
	RETURN keys[1];
END
$$;
COMMENT ON FUNCTION ffu._find_foreign_key(regclass, jsonb) IS
'Internal: the foreign key of a backref. Raises 42704 for no foreign key, 42725 for several.';

CREATE FUNCTION ffu._constrained_columns(relation regclass, numbers int2[])
RETURNS name[]
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT pg_catalog.array_agg(a.attname ORDER BY u.i)
	  FROM pg_catalog.unnest(numbers) WITH ORDINALITY AS u(n, i)
	  JOIN pg_catalog.pg_attribute a ON a.attrelid = relation AND a.attnum = u.n;
END;
COMMENT ON FUNCTION ffu._constrained_columns(regclass, int2[]) IS
'Internal: the names of columns, by their numbers and in that order.';

CREATE FUNCTION ffu._find_link(parent regclass, backref jsonb)
RETURNS ffu._model_link
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	foreign_key oid;
	link ffu._model_link;
BEGIN
	PERFORM ffu._check_backref(parent, backref);
	foreign_key := ffu._find_foreign_key(parent, backref);
	SELECT c.conrelid, ffu._constrained_columns(c.conrelid, c.conkey),
		   ffu._constrained_columns(c.confrelid, c.confkey),
		   ARRAY(SELECT format('OPERATOR(%I.%s)', n.nspname, o.oprname)
				   FROM unnest(c.conpfeqop) WITH ORDINALITY AS u(n, i)
				   JOIN pg_operator o ON o.oid = u.n
				   JOIN pg_namespace n ON n.oid = o.oprnamespace ORDER BY i)
	  INTO link
	  FROM pg_constraint c WHERE c.oid = foreign_key;
	PERFORM ffu._check_same_owner(parent, link.child);
	PERFORM ffu._check_caller(link.child);
	RETURN link;
END
$$;
COMMENT ON FUNCTION ffu._find_link(regclass, jsonb) IS
'Internal: the way to the children of a backref. '
'Raises the errors of ffu._check_backref, ffu._find_foreign_key and ffu._check_same_owner.';
