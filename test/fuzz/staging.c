/*-------------------------------------------------------------------------
 *
 * staging.c
 *	  Harness: a name of the staging or the uploads directory is read only as written.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "shim.h"

#include "text/path.h"
#include "text/resumable_id.h"

static void
check_staging(const char *data)
{
	char		name[FFU_STAGING_MAX + 1];
	char		path[FFU_PATH_MAX + 1];
	uint64		fxid;
	uint64		run;
	uint32		n;

	if (!ffu_staging_parse(data, &fxid, &n, &run, path))
		return;
	ffu_staging_name(name, fxid, n, run, *path ? path : NULL);
	insist(strcmp(name, data) == 0);
	insist(*path == '\0' || ffu_path_valid(path, strlen(path)));
}

static void
check_resumed(const char *data)
{
	char		name[FFU_RESUMED_MAX + 1];
	uint64		fxid;
	int64		key;

	if (!ffu_resumable_id_parse_name(data, &fxid, &key))
		return;
	ffu_resumable_id_name(name, fxid, key);
	insist(strcmp(name, data) == 0);
	insist(strchr(data, '/') == NULL);
}

void
fuzz(const char *data, size_t len)
{
	FfuResumableId id;

	check_staging(data);
	check_resumed(data);
	if (ffu_resumable_id_read(data, &id))
		insist(strlen(data) == FFU_RESUMABLE_ID_LEN);
}
