--
-- 77_column_attach.sql: attach, detach and reorder the files of one row
--
-- The attachments of a row are rows of a child table with one file column.  ffu
-- keeps no list of such tables: the foreign key "ffu_parent" tells a child table
-- and its parent, through renames, dumps and restores.
--

CREATE FUNCTION ffu._attachment_parent(attachments regclass,
									   OUT parent regclass, OUT columns name[], OUT keys name[],
									   OUT operators text[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF attachments IS NULL THEN
		PERFORM ffu._refuse(NULL, NULL, '22004', 'attachments must not be null',
			'It names no table.', 'Name a table that ffu.add_attachments made.');
	END IF;
	SELECT c.confrelid,
		   ARRAY(SELECT a.attname FROM unnest(c.conkey) WITH ORDINALITY AS u(n, i)
				   JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = u.n
				  ORDER BY u.i),
		   ARRAY(SELECT a.attname FROM unnest(c.confkey) WITH ORDINALITY AS u(n, i)
				   JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = u.n
				  ORDER BY u.i),
		   ARRAY(SELECT format('OPERATOR(%s.%s)', o.oprnamespace::regnamespace, o.oprname)
				   FROM unnest(c.conpfeqop) WITH ORDINALITY AS u(n, i)
				   JOIN pg_operator o ON o.oid = u.n
				  ORDER BY u.i)
	  INTO parent, columns, keys, operators
	  FROM pg_constraint c
	 WHERE c.conrelid = attachments AND c.conname = 'ffu_parent' AND c.contype = 'f';
	IF NOT FOUND THEN
		PERFORM ffu._refuse(attachments, NULL, '55000',
			format('relation "%s" has no attachments', ffu._name(attachments)),
			'It has no foreign key "ffu_parent".',
			'Name a table that ffu.add_attachments made.');
	END IF;
END
$$;
COMMENT ON FUNCTION ffu._attachment_parent(regclass) IS
'Internal: the parent of a table of attachments, the columns that name the row of the parent, '
'the key of the parent, and the operators that compare the key with these columns. Raises 55000 '
'for other tables.';

CREATE FUNCTION ffu._attachment_key(attachments regclass, parent anycompatible,
									OUT columns text, OUT key text, OUT condition text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	tab record;
	is_row boolean := (SELECT t.typtype = 'c' FROM pg_type t WHERE t.oid = pg_typeof(parent));
BEGIN
	SELECT p.* INTO tab FROM ffu._attachment_parent(attachments) p;
	IF is_row AND pg_typeof(parent) <> (SELECT c.reltype FROM pg_class c WHERE c.oid = tab.parent)
		OR NOT is_row AND cardinality(tab.keys) > 1
	THEN
		PERFORM ffu._refuse(attachments, NULL, '42804',
			format('parent cannot be of type %s', pg_typeof(parent)),
			format('The key of table "%s" has %s columns.', ffu._name(tab.parent),
				   cardinality(tab.keys)),
			format('Give a row of %s, or the value of a key of one column.', tab.parent));
	ELSIF parent IS NULL THEN
		PERFORM ffu._refuse(attachments, NULL, '22004', 'parent must not be null',
			format('It names no row of table "%s".', ffu._name(tab.parent)),
			'Give the key of a row, or the row.');
	END IF;
	SELECT string_agg(quote_ident(n.c), ', ' ORDER BY n.i), string_agg(n.value, ', ' ORDER BY n.i),
		   string_agg(format('%s %s %I', n.value, n.operator, n.c), ' AND ' ORDER BY n.i)
	  INTO columns, key, condition
	  FROM (SELECT u.c, u.operator, u.i,
				   CASE WHEN is_row THEN format('($1).%I', u.k)
						ELSE format('CAST($1 AS %s)', format_type(a.atttypid, NULL)) END AS value
			  FROM unnest(tab.columns, tab.keys, tab.operators) WITH ORDINALITY
				   AS u(c, k, operator, i)
			  JOIN pg_attribute a ON a.attrelid = tab.parent AND a.attname = u.k) n;
END
$$;
-- Not parallel safe, so that no query with this function and a change of rows is
-- run in parallel.
COMMENT ON FUNCTION ffu._attachment_key(regclass, anycompatible) IS
'Internal: parts of a statement about the attachments of one row of the parent, which is given as '
'a row or by the key, and is the parameter $1 of the statement. Raises 22004, 42804, 55000.';

CREATE FUNCTION ffu.attach(attachments regclass, parent anycompatible, file text) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT q.id
			  FROM ffu._attachment_key(attachments, parent) k
			 CROSS JOIN LATERAL ffu._query_as_caller(attachments, true,
				format('INSERT INTO %s (%s, file) VALUES (%s, $2) RETURNING id', attachments,
					   k.columns, k.key), parent, file) AS q(id bigint));
END
$$;
COMMENT ON FUNCTION ffu.attach(regclass, anycompatible, text) IS
'Attaches a file to a row, as the last. Takes a table of ffu.add_attachments, a row of the parent '
'or its key if the key has one column, and what may be assigned to a file column, such as '
'ffu.file(...). Returns the id of the attachment. The same as an INSERT into the table by the '
'caller; for a superuser, with the rights of the table''s owner. Raises the errors of the INSERT, '
'such as 23503 (no such row) and 23514 (policy); 22004, 42804 (parent), 55000 (another table).';

CREATE FUNCTION ffu.detach(attachments regclass, parent anycompatible, id bigint) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN EXISTS (SELECT
			  FROM ffu._attachment_key(attachments, parent) k
			 CROSS JOIN LATERAL ffu._query_as_caller(attachments, true,
				format('DELETE FROM %s WHERE %s AND id = $2 RETURNING true', attachments,
					   k.condition), parent, id) AS q(done boolean));
END
$$;
COMMENT ON FUNCTION ffu.detach(regclass, anycompatible, bigint) IS
'Deletes an attachment of a row, with its file. Takes a table of ffu.add_attachments, a row of the '
'parent or its key, and the id of the attachment. Returns false if this row has no such attachment '
'that the caller sees. The same as a DELETE by the caller; for a superuser, with the rights of the '
'table''s owner. Raises the errors of the DELETE; 22004, 42804 (parent), 55000 (another table).';

CREATE FUNCTION ffu.reorder(attachments regclass, parent anycompatible, ids bigint[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	present bigint[];
	wrong text;
BEGIN
	-- Locked in one order, so that two sessions do not wait for each other.
	SELECT array_agg(q.id) INTO present
	  FROM ffu._attachment_key(attachments, parent) k
	 CROSS JOIN LATERAL ffu._query_as_caller(attachments, true,
		format('SELECT id FROM %s WHERE %s ORDER BY id FOR NO KEY UPDATE', attachments,
			   k.condition), parent) AS q(id bigint);
	SELECT coalesce(i::text, 'NULL') INTO wrong FROM unnest(ids) i
	 GROUP BY i HAVING count(*) > 1 OR i IS NULL OR NOT i = ANY (coalesce(present, '{}'))
	 LIMIT 1;
	IF wrong IS NOT NULL THEN
		PERFORM ffu._refuse(attachments, NULL, '22023',
			format('wrong attachment in ids: %s', wrong),
			'Each id names an attachment of the row, and occurs once.',
			'Attachments without an id in the list follow in their present order.');
	END IF;
	PERFORM FROM ffu._attachment_key(attachments, parent) k
	  CROSS JOIN LATERAL ffu._query_as_caller(attachments, true,
		format('UPDATE %1$s c SET position = n.position '
			   'FROM (SELECT id, max(position) OVER () - count(*) OVER () + row_number() OVER '
			   '(ORDER BY array_position($2, id), position, id) AS position FROM %1$s '
			   'WHERE %2$s) n '
			   'WHERE c.id = n.id AND c.position <> n.position RETURNING true', attachments,
			   k.condition), parent, ids) AS q(done boolean);
END
$$;
COMMENT ON FUNCTION ffu.reorder(regclass, anycompatible, bigint[]) IS
'Gives the attachments of a row another order. Takes a table of ffu.add_attachments, a row of the '
'parent or its key, and ids of attachments: these come first, in this order, and the others '
'follow. Returns nothing. An UPDATE of the column position by the caller; for a superuser, with '
'the rights of the table''s owner. Raises 22023 (an id that is not of this row, or occurs twice), '
'the errors of the UPDATE; 22004, 42804 (parent), 55000 (another table).';

CREATE FUNCTION ffu._attachment_urls(attachments regclass, parent anycompatible) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- Of an outer join without a row.
	IF parent IS NULL THEN
		RETURN NULL;
	END IF;
	RETURN (SELECT q.urls
			  FROM ffu._attachment_key(attachments, parent) k
			 CROSS JOIN LATERAL ffu._query_as_caller(attachments, false,
				format('SELECT coalesce(jsonb_agg(jsonb_build_object(''id'', id, ''url'', '
					   'ffu.url(file::text), ''file_name'', file__file_name, ''mime_type'', '
					   'file__mime_type, ''size'', file__size) ORDER BY position, id), ''[]'') '
					   'FROM %s WHERE %s', attachments, k.condition), parent)
				AS q(urls jsonb));
END
$$;
COMMENT ON FUNCTION ffu._attachment_urls(regclass, anycompatible) IS
'Internal: what the computed fields of ffu.add_attachments return. Only these functions call it: '
'ffu drops a function that does together with the table.';

