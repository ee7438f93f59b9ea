/*-------------------------------------------------------------------------
 *
 * url.c
 *	  The URL of a file.
 *
 * A path has only characters that need no escape in a URL, so the URL is the
 * base followed by the path.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "utils/builtins.h"

#include "base/settings.h"

FFU_FUNCTION(ffu_sql_url);
FFU_FUNCTION(ffu_sql_normal_extension);

/*
 * ffu.url(path text, base text DEFAULT NULL) RETURNS text: return NULL for no
 * file.  A slash goes between a base that ends in a letter or digit and the
 * path.
 */
Datum
ffu_sql_url(PG_FUNCTION_ARGS)
{
	text	   *path;
	text	   *result;
	const char *base;
	size_t		base_len;
	size_t		path_len;
	size_t		slash;
	char	   *p;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	path = PG_GETARG_TEXT_PP(0);
	path_len = VARSIZE_ANY_EXHDR(path);
	if (path_len == 0)
		PG_RETURN_NULL();
	if (PG_ARGISNULL(1))
	{
		base = ffu_setting_base_url;
		base_len = strlen(base);
	}
	else
	{
		text	   *arg = PG_GETARG_TEXT_PP(1);

		base = VARDATA_ANY(arg);
		base_len = VARSIZE_ANY_EXHDR(arg);
	}
	slash = base_len > 0 && isalnum((unsigned char) base[base_len - 1]);
	result = palloc(VARHDRSZ + base_len + slash + path_len);
	SET_VARSIZE(result, VARHDRSZ + base_len + slash + path_len);
	p = VARDATA(result);
	memcpy(p, base, base_len);
	if (slash)
		p[base_len] = '/';
	memcpy(p + base_len + slash, VARDATA_ANY(path), path_len);
	PG_RETURN_TEXT_P(result);
}

/*
 * ffu._normal_extension(extension text): return an extension in lower case,
 * without leading dots, or NULL if the text is not an extension.
 */
Datum
ffu_sql_normal_extension(PG_FUNCTION_ARGS)
{
	text	   *extension = PG_GETARG_TEXT_PP(0);
	char		normal[FFU_EXT_MAX + 1];

	if (!ffu_setting_normal_extension(VARDATA_ANY(extension),
									  VARSIZE_ANY_EXHDR(extension), normal))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(normal));
}
