--
-- 72_column_policy.sql: the policy of a file column
--

CREATE FUNCTION ffu._make_policy(allowed_extensions text[], allowed_mime_types text[],
								 max_size text, path_template text,
								 content_check text DEFAULT NULL,
								 private boolean DEFAULT NULL,
								 store text DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF path_template IS NOT NULL THEN
		PERFORM ffu.check_path_template(path_template, coalesce(private, false));
	END IF;
	IF content_check NOT IN ('error', 'warning', 'off') THEN
		RAISE EXCEPTION 'invalid content_check "%"', left(content_check, 60)
			USING ERRCODE = '22023',
			DETAIL = 'It says how to treat a file whose extension contradicts its content.',
			HINT = 'Write ''error'', ''warning'' or ''off''.';
	END IF;
	IF store NOT IN ('folder', 'bucket') THEN
		RAISE EXCEPTION 'invalid store "%"', left(store, 60)
			USING ERRCODE = '22023',
			DETAIL = 'It says where new files of the column go.',
			HINT = 'Write ''folder'' or ''bucket''.';
	END IF;
	RETURN jsonb_strip_nulls(jsonb_build_object(
		'allowed_extensions', ffu._normal_extensions(allowed_extensions),
		'allowed_mime_types', ffu._normal_mime_types(allowed_mime_types),
		'max_size', ffu._normal_size(max_size),
		'path_template', path_template,
		'content_check', content_check,
		'private', private,
		'store', store));
END
$$;
COMMENT ON FUNCTION ffu._make_policy(text[], text[], text, text, text, boolean, text) IS
'Internal: the policy of a file column, checked, with the given items only; raises 22023.';

CREATE FUNCTION ffu._policy_array(policy jsonb, item text)
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN pg_catalog.jsonb_typeof(policy -> item) = 'array'
	THEN ARRAY(SELECT e FROM pg_catalog.jsonb_array_elements_text(policy -> item)
			   WITH ORDINALITY AS u(e, i) ORDER BY i) END;
COMMENT ON FUNCTION ffu._policy_array(jsonb, text) IS
'Internal: a list of a policy, or NULL if the policy has no such list.';

CREATE FUNCTION ffu._check_reset(reset text[], given jsonb)
RETURNS void
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	items text[] := '{allowed_extensions,allowed_mime_types,max_size,path_template,content_check,'
		'private,store}';
	item text;
BEGIN
	FOREACH item IN ARRAY coalesce(reset, '{}') LOOP
		IF item IS NULL OR item <> ALL (items) THEN
			RAISE EXCEPTION 'cannot reset "%"', left(coalesce(item, 'NULL'), 60)
				USING ERRCODE = '22023',
				DETAIL = 'It is no item of a file column''s policy.',
				HINT = format('The items are %s.', array_to_string(items, ', '));
		ELSIF given ? item THEN
			RAISE EXCEPTION 'cannot both set and reset "%"', item
				USING ERRCODE = '22023',
				DETAIL = 'It is an argument and in the list "reset" as well.',
				HINT = 'Leave out one of the two.';
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION ffu._check_reset(text[], jsonb) IS
'Internal: checks the list of policy items to reset; raises 22023.';
