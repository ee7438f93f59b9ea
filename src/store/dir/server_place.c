/*-------------------------------------------------------------------------
 *
 * server_place.c
 *	  The directories of the server itself.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <dirent.h>
#include <limits.h>

#include "miscadmin.h"
#include "storage/fd.h"

#include "store/dir/server_place.h"

/*
 * Tell whether path is the directory dir, or is below dir.  Both are real
 * paths.
 */
static bool
is_below(const char *path, const char *dir)
{
	size_t		len = strlen(dir);

	return strncmp(path, dir, len) == 0 &&
		(path[len] == '\0' || path[len] == '/' || len == 1);
}

/*
 * Tell whether a real path is in the directory dir, which may be a symbolic
 * link, or with above also whether the directory is in the path.
 */
bool
ffu_server_place_is_in(const char *path, const char *dir, bool above)
{
	char		real[PATH_MAX];

	return realpath(dir, real) != NULL &&
		(is_below(path, real) || (above && is_below(real, path)));
}

/*
 * Return the directory of the server that a real path is in.  With above the
 * path may also contain the directory.
 */
FfuServerPlace
ffu_server_place(const char *path, bool above)
{
	bool		found = false;
	struct dirent *de;
	DIR		   *dir;

	if (ffu_server_place_is_in(path, DataDir, above) ||
		ffu_server_place_is_in(path, "pg_wal", above))
		return FFU_SERVER_PLACE_DATA;
	dir = AllocateDir("pg_tblspc");
	while (!found && (de = ReadDirExtended(dir, "pg_tblspc", LOG)) != NULL)
	{
		char		link[MAXPGPATH];

		snprintf(link, sizeof(link), "pg_tblspc/%s", de->d_name);
		found = de->d_name[0] != '.' &&
			ffu_server_place_is_in(path, link, above);
	}
	FreeDir(dir);
	return found ? FFU_SERVER_PLACE_TABLESPACE : FFU_SERVER_PLACE_NONE;
}
