/*-------------------------------------------------------------------------
 *
 * fetched.c
 *	  Files that come from another server, until they have their paths.
 *
 *	<root>/.ffu/fetched/<n>					being fetched
 *
 * A standby has no transaction ids to give out, so these names are no staging
 * names: no transaction decides their fate.  The directory exists only while a
 * session fetches files, or after such a session was cut off.  Whoever has the
 * lock FFU_LOCK_FETCH owns everything in it.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <sys/stat.h>

#include "nodes/pg_list.h"

#include "base/error.h"
#include "base/fault.h"
#include "base/settings.h"
#include "store/dir/control.h"
#include "store/dir/directory.h"
#include "store/dir/fetched.h"
#include "store/dir/folder.h"
#include "store/dir/later.h"
#include "store/dir/root.h"
#include "store/dir/syscall.h"
#include "store/dir/walk.h"

/* Number of times to remake a directory that other sessions keep removing */
#define MAKE_TRIES	10

/* Size of a buffer for a name: a number of 32 bits */
#define NAME_MAX_LEN	11

/*
 * Open the directory of the fetched files, and write the name of file n in it
 * to name, of FFU_PATH_MAX + 1 bytes.
 */
static int
open_directory(FfuStore *store, uint32 n, bool make, int *dir, char *name)
{
	char		number[NAME_MAX_LEN];

	snprintf(number, sizeof(number), "%u", n);
	return ffu_control_open(store->spool->staging_fd, FFU_CONTROL_FETCHED,
							number, make, dir, name);
}

/*
 * Create file n, empty, and open the file.
 */
int
ffu_fetched_create(FfuStore *store, uint32 n, FfuSpoolFile *file)
{
	char		name[FFU_PATH_MAX + 1];
	int			dir;
	int			result = open_directory(store, n, true, &dir, name);

	file->fd = -1;
	if (result == 0)
		result = ffu_sys_create(dir, name, ffu_setting_file_mode, &file->fd);
	ffu_sys_close(&dir);
	return result;
}

/*
 * Write the bytes of a file to the disk, and close the file.
 * ffu_later_sync_store() must follow before the file is published.
 */
int
ffu_fetched_finish(FfuSpoolFile *file)
{
	return ffu_later_write_out(file);
}

/*
 * Move file n to a path: by a link, which never replaces a file, or in place of
 * the file that is there.
 */
int
ffu_fetched_publish(FfuStore *store, uint32 n, const char *path, bool replace)
{
	FfuFolder  *folder = ffu_folder(store);
	char		name[FFU_PATH_MAX + 1];
	int			from;
	int			to;
	int			tries;
	int			result = open_directory(store, n, false, &from, name);

	if (result != 0)
		return result;
	result = ENOENT;
	for (tries = 0; result == ENOENT && tries < MAKE_TRIES; tries++)
	{
		result = ffu_directory_open(folder, path, true, &to);
		if (result == 0)
			result = replace ?
				ffu_sys_move(from, name, to, ffu_leaf_of(path)) :
				ffu_sys_link(from, name, to, ffu_leaf_of(path));
		ffu_directory_close(folder, &to);
	}
	FFU_FAULT_SAFE("fetch-after-link");
	if (result == 0 && !replace)
		result = ffu_sys_unlink(from, name);
	ffu_sys_close(&from);
	return result;
}

/*
 * Remove file n.
 */
int
ffu_fetched_remove(FfuStore *store, uint32 n)
{
	char		number[NAME_MAX_LEN];

	snprintf(number, sizeof(number), "%u", n);
	return ffu_control_remove(store->spool->staging_fd, FFU_CONTROL_FETCHED,
							  number);
}

/*
 * Remove the first n files, and the directory.  Raise no error: what stays is
 * removed by the next fetch or sweep.
 */
void
ffu_fetched_drop(FfuStore *store, uint32 n)
{
	uint32		i;

	for (i = 0; i < n; i++)
		(void) ffu_fetched_remove(store, i);
	(void) ffu_sys_remove_dir(store->spool->staging_fd, FFU_CONTROL_FETCHED);
}

/*
 * Is the directory of the fetched files there?
 */
bool
ffu_fetched_exist(FfuStore *store)
{
	struct stat st;

	return ffu_sys_look(store->spool->staging_fd, FFU_CONTROL_FETCHED, &st) == 0;
}

/*
 * Remove all files that wait for their paths, and their directory.  The caller
 * has the lock.
 */
void
ffu_fetched_clear(FfuStore *store)
{
	int			staging = store->spool->staging_fd;
	List	   *names;
	ListCell   *lc;
	int			result = 0;

	if (!ffu_fetched_exist(store))
		return;
	names = ffu_walk_control(staging, FFU_CONTROL_FETCHED);
	foreach(lc, names)
	{
		if (result == 0)
			result = ffu_control_remove(staging, FFU_CONTROL_FETCHED,
										lfirst(lc));
	}
	list_free_deep(names);
	if (result == 0)
		result = ffu_sys_remove_dir(staging, FFU_CONTROL_FETCHED);
	if (result != 0 && result != ENOENT)
		ffu_warn_io(LOG, result, "remove directory", FFU_CONTROL_DIR "/fetched");
}
