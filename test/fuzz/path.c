/*-------------------------------------------------------------------------
 *
 * path.c
 *	  Harness: a valid path leads nowhere but down, and survives a staging name.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "shim.h"

#include "text/path.h"
#include "text/token.h"

static void
check_down(const char *path, size_t len)
{
	insist(len > 0 && len <= FFU_PATH_MAX);
	insist(strlen(path) == len);
	insist(path[0] != '/' && path[0] != '.' && path[len - 1] != '/');
	insist(strstr(path, "/.") == NULL && strstr(path, "//") == NULL);
	insist(strpbrk(path, ":\\%?# \"'<>\n") == NULL);
}

void
fuzz(const char *data, size_t len)
{
	char		name[FFU_STAGING_MAX + 1];
	char		path[FFU_PATH_MAX + 1];
	uint8		token[FFU_TOKEN_BYTES];
	uint64		fxid;
	uint64		run;
	uint32		n;
	bool		valid = ffu_path_valid(data, len);

	/* The bytes of a column's value may end anywhere. */
	insist(strlen(data) != len || ffu_path_valid(data, strlen(data)) == valid);
	(void) ffu_token_find(data, token);
	if (!valid)
		return;
	check_down(data, len);
	insist(ffu_token_find(data, token) != NULL);
	ffu_staging_name(name, PG_UINT64_MAX, PG_UINT32_MAX, PG_UINT64_MAX, data);
	insist(strlen(name) <= FFU_STAGING_MAX);
	insist(ffu_staging_parse(name, &fxid, &n, &run, path));
	insist(fxid == PG_UINT64_MAX && n == PG_UINT32_MAX && run == PG_UINT64_MAX);
	insist(strcmp(path, data) == 0);
}
