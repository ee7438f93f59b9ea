/*-------------------------------------------------------------------------
 *
 * serve.c
 *	  SQL functions for what a web server says of a file.
 *
 * ffu.serve and ffu.headers, in SQL, put the answers together.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "utils/builtins.h"

#include "text/file_name.h"
#include "text/path.h"
#include "text/shown.h"

FFU_FUNCTION(ffu_sql_is_path);
FFU_FUNCTION(ffu_sql_shown_type);
FFU_FUNCTION(ffu_sql_disposition);

/*
 * ffu._is_path(path text) RETURNS boolean: tell whether a text is a path that
 * ffu could have assigned.
 */
Datum
ffu_sql_is_path(PG_FUNCTION_ARGS)
{
	text	   *path = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(ffu_path_valid(VARDATA_ANY(path), VARSIZE_ANY_EXHDR(path)));
}

/*
 * ffu._shown_type(path text) RETURNS text: return the type under which a
 * browser may show the file of a path, or NULL.
 */
Datum
ffu_sql_shown_type(PG_FUNCTION_ARGS)
{
	const char *mime_type = ffu_shown_type(text_to_cstring(PG_GETARG_TEXT_PP(0)));

	if (mime_type == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(mime_type));
}

/*
 * ffu._disposition(path text, file_name text, attachment boolean) RETURNS
 * text: return the header Content-Disposition.  Without a name, the last
 * segment of the path is the name.
 */
Datum
ffu_sql_disposition(PG_FUNCTION_ARGS)
{
	char	   *path;
	char	   *name = NULL;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	path = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (!PG_ARGISNULL(1))
	{
		text	   *given = PG_GETARG_TEXT_PP(1);

		name = ffu_file_name_download(VARDATA_ANY(given),
									  VARSIZE_ANY_EXHDR(given), path);
	}
	if (name == NULL)
		name = ffu_file_name_clean(path, strlen(path));
	if (name == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(ffu_shown_disposition(name,
														   PG_GETARG_BOOL(2))));
}
