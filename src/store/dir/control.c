/*-------------------------------------------------------------------------
 *
 * control.c
 *	  The directories beside the staging directory, in .ffu.
 *
 *	<root>/.ffu/kept/<path, : for />		deleted, but kept for a while
 *	<root>/.ffu/uploads/<fxid>.<key>		of a resumable upload
 *	<root>/.ffu/quarantine/<path, : for />	had no row; see ffu.repair()
 *	<root>/.ffu/fetched/<n>					see fetched.c
 *
 * No function here raises an error or allocates memory (I6).
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "store/dir/control.h"
#include "store/dir/syscall.h"

/*
 * Write the name of a path in such a directory to name, of FFU_PATH_MAX + 1
 * bytes.
 */
static void
flatten(const char *path, char *name)
{
	char	   *p;

	strlcpy(name, path, FFU_PATH_MAX + 1);
	for (p = name; *p; p++)
	{
		if (*p == '/')
			*p = ':';
	}
}

/*
 * Open a directory beside the staging directory, and write the name of a path
 * in that directory to name, of FFU_PATH_MAX + 1 bytes.  If make is true, make
 * a missing directory.  The caller closes *fd.
 */
int
ffu_control_open(int staging_fd, const char *directory, const char *path,
				 bool make, int *fd, char *name)
{
	int			result = ffu_sys_open_dir(staging_fd, directory, fd);

	if (result == ENOENT && make)
	{
		result = ffu_sys_make_dir(staging_fd, directory, 0700);
		if (result == 0 || result == EEXIST)
			result = ffu_sys_open_dir(staging_fd, directory, fd);
	}
	flatten(path, name);
	return result;
}

/*
 * Remove the file of a path in such a directory.
 */
int
ffu_control_remove(int staging_fd, const char *directory, const char *path)
{
	char		flat[FFU_PATH_MAX + 1];
	char		name[FFU_PATH_MAX + 32];

	flatten(path, flat);
	strlcpy(name, directory, sizeof(name));
	strlcat(name, "/", sizeof(name));
	strlcat(name, flat, sizeof(name));
	return ffu_sys_unlink(staging_fd, name);
}

/*
 * Open the file of a path in such a directory for reading, and set *size, in
 * bytes.
 */
int
ffu_control_read(int staging_fd, const char *directory, const char *path,
				 int *fd, int64 *size)
{
	char		name[FFU_PATH_MAX + 1];
	int			dir;
	int			result = ffu_control_open(staging_fd, directory, path, false,
										  &dir, name);

	if (result == 0)
		result = ffu_sys_open(dir, name, fd, size);
	ffu_sys_close(&dir);
	return result;
}

/*
 * Make the names in the .ffu directory durable.
 */
int
ffu_control_sync_names(int staging_fd)
{
	int			dir;
	int			result = ffu_sys_open_dir(staging_fd, "..", &dir);

	if (result == 0)
		result = ffu_sys_sync_dir(dir);
	ffu_sys_close(&dir);
	return result;
}
