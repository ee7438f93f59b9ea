/*-------------------------------------------------------------------------
 *
 * signing.c
 *	  The right to private files: EXECUTE on ffu.signed_url.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "base/catalog.h"
#include "base/signing.h"

/* The function whose privilege is the right to private files */
#define SIGN_FUNCTION			"signed_url"

/*
 * Raise 42501 with this message unless the current user may execute
 * ffu.signed_url.  The privilege is the right to a private file whose path the
 * user knows: to sign its URL, also by ffu.url, and to copy the file.  what
 * begins the detail.
 */
void
ffu_signing_require(const char *message, const char *what)
{
	Oid			types[] = {TEXTOID, INTERVALOID, TEXTOID, TEXTOID};
	Oid			function = ffu_catalog_function_of(SIGN_FUNCTION,
												   lengthof(types), types);

	if (OidIsValid(function) &&
		DatumGetBool(DirectFunctionCall2(has_function_privilege_id,
										 ObjectIdGetDatum(function),
										 CStringGetTextDatum("EXECUTE"))))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("%s", message),
			 errdetail("%s, which needs EXECUTE on function ffu.%s.", what,
					   SIGN_FUNCTION),
			 errhint("Have a superuser grant this privilege to role \"%s\".",
					 GetUserNameFromId(GetUserId(), false))));
}
