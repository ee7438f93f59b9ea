/*-------------------------------------------------------------------------
 *
 * relocate.c
 *	  SQL functions on path templates, for ffu.relocate and the declarations.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "text/template.h"

FFU_FUNCTION(ffu_sql_check_path_template);
FFU_FUNCTION(ffu_sql_path_fits);
FFU_FUNCTION(ffu_sql_placeholders);

/*
 * ffu.check_path_template(path_template text, private boolean): raise 22023 if
 * not valid.
 */
Datum
ffu_sql_check_path_template(PG_FUNCTION_ARGS)
{
	char	   *path_template = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const char *complaint = ffu_template_complaint(path_template,
												   PG_GETARG_BOOL(1));

	if (complaint)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid path template"),
				 errdetail_internal("%s", complaint),
				 errhint("A path template looks like \"%s\".",
						 FFU_TEMPLATE_DEFAULT)));
	PG_RETURN_VOID();
}

/*
 * ffu._path_fits(path text, path_template text, schema_name text, table_name
 * text, column_name text, private boolean) RETURNS boolean: tell whether the
 * template can give the path, with these names.  NULL is the default template.
 */
Datum
ffu_sql_path_fits(PG_FUNCTION_ARGS)
{
	const char *path_template = FFU_TEMPLATE_DEFAULT;
	FfuPathFields fields = {0};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2) || PG_ARGISNULL(3) ||
		PG_ARGISNULL(4) || PG_ARGISNULL(5))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(1))
		path_template = text_to_cstring(PG_GETARG_TEXT_PP(1));
	fields.schema = text_to_cstring(PG_GETARG_TEXT_PP(2));
	fields.table = text_to_cstring(PG_GETARG_TEXT_PP(3));
	fields.column = text_to_cstring(PG_GETARG_TEXT_PP(4));
	PG_RETURN_BOOL(ffu_path_fits(text_to_cstring(PG_GETARG_TEXT_PP(0)),
								 ffu_template_full(path_template,
												   PG_GETARG_BOOL(5)),
								 &fields));
}

/*
 * ffu._placeholders() RETURNS text[]: list the words that a template can have
 * in braces.
 */
Datum
ffu_sql_placeholders(PG_FUNCTION_ARGS)
{
	List	   *names = ffu_template_placeholders();
	Datum	   *words = palloc(list_length(names) * sizeof(Datum));
	ListCell   *lc;

	foreach(lc, names)
		words[foreach_current_index(lc)] = CStringGetTextDatum(lfirst(lc));
	PG_RETURN_ARRAYTYPE_P(construct_array(words, list_length(names), TEXTOID,
										  -1, false, TYPALIGN_INT));
}
