/*-------------------------------------------------------------------------
 *
 * remove_dir.c
 *	  The removal of many published files of a folder, durably (I8).
 *
 * All removals come before the first sync, with which the file system writes
 * most of them.  A folder in order needs one sync.  Otherwise the directories
 * of the removed files are synced, or the file system once; and before the
 * removals the staging directory (see ffu_sync_staging_parts).
 *
 * The files of a table mostly have a directory each, and all of these are in
 * one directory.  That one stays open from file to file, and is removed, if it
 * is empty, when the removal leaves it.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "miscadmin.h"

#include "base/error.h"
#include "base/fault.h"
#include "base/settings.h"
#include "store/dir/directory.h"
#include "store/dir/folder.h"
#include "store/dir/root.h"
#include "store/dir/sync.h"
#include "store/dir/syscall.h"

/*
 * Up to this number of directories, sync each directory; above, sync the file
 * system once, if possible.  (A sweep before a session's commit never exceeds
 * this number, so the session does not wait for the pages of the database.)
 */
#define DIRECTORIES_MAX		64

/* A removal in progress */
typedef struct Removal
{
	FfuFolder  *folder;
	void		(*pause) (void);
	bool		any;			/* a file was removed */
	int			above;			/* an open directory, or -1 */
	char		directory[FFU_PATH_MAX + 1];	/* the last one entered there */
	bool		sync_all;		/* sync the whole file system */
	int			n;				/* directories to sync */
	const char *paths[DIRECTORIES_MAX]; /* a path in each directory */
} Removal;

/*
 * Called between two files.  May end the statement or the process.
 */
static void
pause_removal(const Removal *removal)
{
	CHECK_FOR_INTERRUPTS();
	if (removal->pause)
		removal->pause();
}

/*
 * Tell whether two paths are in the same directory.
 */
static bool
same_directory(const char *path, const char *other)
{
	const char *slash = strrchr(path, '/');
	size_t		len = slash ? slash - path + 1 : 0;

	return strncmp(path, other, len) == 0 && strchr(other + len, '/') == NULL;
}

/*
 * Close the directory above, and remove it if it is empty, as well as the
 * empty directories above it.
 */
static void
leave_above(Removal *removal)
{
	if (removal->above < 0)
		return;
	ffu_directory_close(removal->folder, &removal->above);
	ffu_directories_remove_empty(removal->folder, removal->directory);
}

/*
 * Enter a directory: open the directory above, unless it is the one above the
 * last directory entered.  Return 0 or an error number.
 */
static int
enter(Removal *removal, const char *directory, int *fd)
{
	int			result = 0;

	*fd = -1;
	if (removal->above < 0 || !same_directory(directory, removal->directory))
	{
		leave_above(removal);
		result = ffu_directory_open(removal->folder, directory, false,
									&removal->above);
	}
	strlcpy(removal->directory, directory, sizeof(removal->directory));
	return result ? result :
		ffu_sys_open_dir(removal->above, ffu_leaf_of(directory), fd);
}

/*
 * Remove a published file, and its directory if that becomes empty.  Return 0
 * or an error number.
 *
 * An open directory may have been removed and made again, without the file in
 * the open one.  So if anything is missing or cannot be opened, begin at the
 * root, which also finds the component to report.
 */
static int
remove_path(Removal *removal, const char *path)
{
	char		directory[FFU_PATH_MAX + 1];
	const char *leaf = ffu_leaf_of(path);
	int			fd = -1;
	int			result = ENOENT;

	if (leaf > path)
	{
		strlcpy(directory, path, leaf - path);
		result = enter(removal, directory, &fd);
		if (result == 0)
			result = ffu_sys_unlink(fd, leaf);
		else
			result = ENOENT;
		ffu_sys_close(&fd);
	}
	if (result == ENOENT)
		return ffu_folder_remove_now(&removal->folder->store, path, false);
	if (result == 0)
		(void) ffu_sys_remove_dir(removal->above, ffu_leaf_of(directory));
	return result;
}

/*
 * Sync the noted directories.
 */
static void
sync_directories(Removal *removal)
{
	int			i;

	leave_above(removal);
	for (i = 0; i < removal->n; i++)
	{
		int			result;

		pause_removal(removal);
		result = ffu_folder_sync_removal(removal->folder, removal->paths[i]);
		if (result != 0)
			ffu_raise_io(result, "sync directory of file", removal->paths[i]);
	}
	removal->n = 0;
}

/*
 * In a folder in order, make all earlier changes of names durable, in every
 * directory.  The touch gives the sync a change newer than all others; without
 * a change the sync might do nothing.  Return 0 or an error number.
 */
static int
sync_names(const FfuFolder *folder)
{
	int			fd = folder->spool.staging_fd;
	int			result = ffu_sys_touch(fd);

	return result ? result : ffu_sys_sync(fd);
}

/*
 * Make the removals durable.
 */
static void
sync_removals(Removal *removal)
{
	const FfuFolder *folder = removal->folder;
	int			result = 0;

	if (ffu_setting_fsync == FFU_FSYNC_OFF)
		return;
	if (folder->spool.in_order)
		result = sync_names(folder);
	else if (removal->sync_all)
		result = ffu_sys_sync_all(folder->root_fd);
	else
		sync_directories(removal);
	if (result != 0)
		ffu_raise_io(result, "sync folder", ffu_root_path());
}

/*
 * Note the directory of a removed path for sync_removals.  If there is no
 * room, note the whole file system, or if the file system cannot be synced as
 * a whole, sync the noted directories first.
 */
static void
note_removal(Removal *removal, const char *path)
{
	const FfuFolder *folder = removal->folder;
	int			i;

	removal->any = true;
	if (ffu_setting_fsync == FFU_FSYNC_OFF || folder->spool.in_order ||
		removal->sync_all)
		return;
	for (i = removal->n - 1; i >= 0; i--)
	{
		if (same_directory(path, removal->paths[i]))
			return;
	}
	removal->sync_all = folder->can_sync_all ||
		(folder->has_sync_all && removal->n == DIRECTORIES_MAX);
	if (removal->sync_all)
		return;
	if (removal->n == DIRECTORIES_MAX)
		sync_directories(removal);
	removal->paths[removal->n++] = path;
}

/*
 * Remove one file, kept or not, or move the file out of URL reach.
 */
static void
remove_file(Removal *removal, FfuRemoval *file)
{
	FfuFolder  *folder = removal->folder;

	if (file->keep)
		file->error = ffu_folder_remove_now(&folder->store, file->path, true);
	else
		file->error = remove_path(removal, file->path);
	if (file->keep || file->error != 0)
		return;
	file->error = ffu_folder_remove_kept(folder, file->path);
	if (file->error != 0)
		return;
	note_removal(removal, file->path);
	FFU_FAULT("sweep-after-remove");
}

/*
 * Remove or keep files.  Leave no directory open, also after an error.
 */
static void
remove_files(Removal *removal, FfuRemoval *removals, int n)
{
	PG_TRY();
	{
		int			i;

		for (i = 0; i < n; i++)
		{
			pause_removal(removal);
			remove_file(removal, &removals[i]);
		}
	}
	PG_CATCH();
	{
		leave_above(removal);
		PG_RE_THROW();
	}
	PG_END_TRY();
	leave_above(removal);
}

/*
 * Remove or keep files, durably; see FfuStoreMethods.
 */
void
ffu_folder_remove(FfuStore *store, FfuRemoval *removals, int n,
				  void (*pause) (void))
{
	Removal		removal = {.folder = ffu_folder(store),.pause = pause};

	removal.above = -1;
	ffu_sync_staging_parts(removal.folder);
	remove_files(&removal, removals, n);
	if (!removal.any)
		return;
	FFU_FAULT("sweep-before-sync");
	sync_removals(&removal);
}
