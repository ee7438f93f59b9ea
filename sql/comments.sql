-- Every object of ffu and of ffu_flask has a comment; what each function is to the planner.
-- without a comment: none
SELECT pg_describe_object(d.classid, d.objid, 0) AS "no comment"
  FROM pg_depend d
  JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
    AND e.extname ~ '^ffu'
 WHERE d.deptype = 'e' AND
   coalesce(obj_description(d.objid, (SELECT relname FROM pg_class WHERE oid = d.classid)), '') = ''
   -- array and row types come with theirs
   AND NOT (d.classid = 'pg_type'::regclass
     AND (SELECT typtype NOT IN ('c', 'd') OR typrelid IN (SELECT oid FROM pg_class
     WHERE relkind <> 'c') FROM pg_type WHERE oid = d.objid))
 ORDER BY 1;
SELECT c.oid::regclass AS "no comment" FROM pg_class c
 WHERE relnamespace = 'ffu'::regnamespace AND relkind IN ('r', 'v', 'm', 'S', 'i')
   AND coalesce(obj_description(c.oid, 'pg_class'), '') = ''
 ORDER BY c.oid::regclass::text;
SELECT attrelid::regclass || '.' || attname AS "no comment" FROM pg_attribute a
	JOIN pg_class c ON c.oid = a.attrelid
 WHERE relnamespace = 'ffu'::regnamespace AND relkind IN ('r', 'v', 'm', 'c') AND attnum > 0
   AND NOT attisdropped
   AND coalesce(col_description(attrelid, attnum), '') = '' ORDER BY attrelid::regclass::text,
     attnum;
SELECT 'the schema' AS "no comment"
	WHERE obj_description('ffu'::regnamespace, 'pg_namespace') IS NULL;
-- the extension has none in the catalog: a dump would have it, and only its owner may restore it
SELECT obj_description(oid, 'pg_extension') IS NULL AS none FROM pg_extension WHERE extname ~ '^ffu'
	ORDER BY extname;
-- a comment is a sentence
SELECT pg_describe_object(classoid, objoid, objsubid) AS "no sentence" FROM pg_description
 WHERE (classoid, objoid) IN (SELECT classid, objid FROM pg_depend d
   JOIN pg_extension e ON d.refobjid = e.oid
	AND d.refclassid = 'pg_extension'::regclass AND e.extname ~ '^ffu' AND deptype = 'e')
   AND description !~ '\.$';

-- whose rights apply is said by each function that reads or writes tables of users, or by
-- the one that it refers to
SELECT name AS "does not say whose rights apply"
  FROM unnest('{add_column,add_file_urls_to_models,add_files,add_url_functions,adopt,
	adopt_in_batches,alter_column,check,claim_folder,delete_files,drop_column,get_file_url,
	import_directory,manage_column,paths,relocate,repair,save_files,serve,stream_file,sweep,
	update_files,upgrade_column_names}'::text[]) name
  JOIN pg_proc p ON pronamespace = 'ffu'::regnamespace AND proname = name
 WHERE concat(obj_description(p.oid), (SELECT obj_description(r.oid) FROM pg_proc r
   WHERE r.pronamespace = p.pronamespace
	AND r.proname = substring(obj_description(p.oid) FROM 'what ffu\.(\w+) does'))) !~*
	'\m(rights?|privileges?|owners?)\M';

-- every kind of object that the extensions have
SELECT e.extname, classid::regclass, count(*) > 0 AS some FROM pg_depend d
	JOIN pg_extension e ON d.refobjid = e.oid AND e.extname ~ '^ffu'
 WHERE d.refclassid = 'pg_extension'::regclass AND deptype = 'e' GROUP BY 1, 2
   ORDER BY 1, classid::regclass::text;

-- volatility and parallel safety; strict; set-returning; nobody defines security
SELECT oid::regprocedure AS function,
	   CASE provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END
	     AS volatility,
	   CASE proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END
	     AS parallel,
	   proisstrict AS strict, proretset AS set
  FROM pg_proc WHERE pronamespace = 'ffu'::regnamespace AND proname NOT LIKE '\_%'
    ORDER BY replace(oid::regprocedure::text, '"', '') COLLATE "C";
-- but two that read what other roles do not see, and run nothing of a user's
SELECT oid::regprocedure AS "security definer" FROM pg_proc
	WHERE pronamespace = 'ffu'::regnamespace AND prosecdef ORDER BY proname;
-- every function in SQL is either parsed already or fixes its search path; a
-- procedure that commits cannot
SELECT proname AS "no search path" FROM pg_proc p JOIN pg_language l ON l.oid = prolang
 WHERE pronamespace = 'ffu'::regnamespace AND lanname NOT IN ('c', 'internal')
   AND prosqlbody IS NULL AND prokind = 'f'
   AND replace(coalesce(proconfig::text, ''), '\"', '') NOT LIKE
     '%"search_path=pg_catalog, pg_temp"%';
-- a function in C has the name ffu_sql_ and the name in SQL; the second of two
-- with one name has a suffix
SELECT oid::regprocedure AS function, prosrc AS "other name in C" FROM pg_proc p
 WHERE probin = '$libdir/ffu' AND prosrc <> 'ffu_sql_' || ltrim(proname, '_')
   AND NOT (prosrc ~ ('^ffu_sql_' || ltrim(proname, '_') || '_[a-z]+$')
            AND EXISTS (SELECT FROM pg_proc o
              WHERE o.pronamespace = p.pronamespace AND o.proname = p.proname AND o.oid <> p.oid));
-- no argument has a reserved word for a name
SELECT proname, word FROM pg_proc, unnest(proargnames) arg
	JOIN pg_get_keywords() k ON k.word = arg AND k.catcode IN ('R', 'T')
 WHERE pronamespace = 'ffu'::regnamespace;
SELECT t.finish();
