/*-------------------------------------------------------------------------
 *
 * store_dir.c
 *	  The store that is a folder on this server.
 *
 *	<root>/blogs/1/my_video-<token>.mp4		a published file
 *
 * The bytes come from the spool, which is in the same folder (spool.c).  For
 * deleted files that are kept, and for the quarantine, see control.c.
 *
 * No function here raises an error or allocates memory (I6).  The methods that
 * may do so are in publish_dir.c, remove_dir.c and walk.c.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <sys/stat.h>

#include "base/fault.h"
#include "base/settings.h"
#include "store/dir/control.h"
#include "store/dir/directory.h"
#include "store/dir/folder.h"
#include "store/dir/syscall.h"
#include "text/path.h"

/*
 * Make the removal of a path durable.  If directories above the path were
 * removed as well, sync the lowest directory that still exists: the removal of
 * the topmost directory is recorded there.
 */
int
ffu_folder_sync_removal(FfuFolder *folder, const char *path)
{
	char		inner[FFU_PATH_MAX + 1];
	char	   *slash;
	int			dir;
	int			result;

	strlcpy(inner, path, sizeof(inner));
	do
	{
		result = ffu_directory_open(folder, inner, false, &dir);
		if (result == 0)
			result = ffu_sys_sync_dir(dir);
		ffu_directory_close(folder, &dir);
		slash = strrchr(inner, '/');
		if (slash)
			*slash = '\0';
	} while (result == ENOENT && slash);
	return result == ENOENT ? 0 : result;
}

/*
 * Remove a published file, and the directories that become empty.
 */
static int
remove_path(FfuFolder *folder, const char *path)
{
	int			dir;
	int			result = ffu_directory_open(folder, path, false, &dir);

	if (result == 0)
		result = ffu_sys_unlink(dir, ffu_leaf_of(path));
	ffu_directory_close(folder, &dir);
	if (result == 0 || result == ENOENT)
	{
		ffu_directories_remove_empty(folder, path);
		return 0;
	}
	return result;
}

/*
 * Move a published file to the directory of kept files.
 */
static int
keep_path(FfuFolder *folder, const char *path)
{
	int			staging = folder->spool.staging_fd;
	char		name[FFU_PATH_MAX + 1];
	int			dir;
	int			kept;
	int			result = ffu_control_open(staging, FFU_CONTROL_KEPT, path,
										  true, &kept, name);

	if (result != 0)
		return result;
	result = ffu_directory_open(folder, path, false, &dir);
	if (result == 0)
		result = ffu_sys_move(dir, ffu_leaf_of(path), kept, name);
	ffu_directory_close(folder, &dir);
	/* Otherwise a power cut could leave the file in neither directory. */
	if (result == 0 && !folder->spool.in_order)
		result = ffu_sys_sync_dir(kept);
	if (result == 0 && !folder->spool.in_order)
		result = ffu_control_sync_names(staging);
	ffu_sys_close(&kept);
	if (result == 0)
		ffu_directories_remove_empty(folder, path);
	return result == ENOENT ? 0 : result;
}

int
ffu_folder_remove_now(FfuStore *store, const char *path, bool keep)
{
	return keep ? keep_path(ffu_folder(store), path) :
		remove_path(ffu_folder(store), path);
}

/*
 * Remove a kept file.  A missing file is success (I7).
 */
int
ffu_folder_remove_kept(FfuFolder *folder, const char *path)
{
	int			result = ffu_control_remove(folder->spool.staging_fd,
											FFU_CONTROL_KEPT, path);

	return result == ENOENT ? 0 : result;
}

/*
 * Take back a file of a transaction that did not commit: remove the final name
 * first, then the staging name, which leads the sweep to the final name (I2).
 * In a folder that does not keep order, make the first removal durable before
 * the second.  After a failure the sweep does the rest.
 */
static int
undo(FfuStore *store, FfuStaged *staged)
{
	FfuFolder  *folder = ffu_folder(store);
	char		name[FFU_STAGING_MAX + 1];
	int			result = 0;

	ffu_sys_close(&staged->file.fd);
	if (staged->step == FFU_STEP_PUBLISHED)
	{
		result = remove_path(folder, staged->path);
		if (result == 0 && !folder->spool.in_order)
			result = ffu_folder_sync_removal(folder, staged->path);
	}
	else if (staged->step == FFU_STEP_NAMED)
		ffu_directories_remove_empty(folder, staged->path);
	if (result != 0)
		return result;
	FFU_FAULT_SAFE("undo-after-final");
	if (staged->step != FFU_STEP_NONE)
	{
		ffu_spool_name(staged, name);
		result = ffu_sys_unlink(folder->spool.staging_fd, name);
	}
	if (result == 0)
		staged->step = FFU_STEP_NONE;
	FFU_FAULT_SAFE("undo-after-staging");
	return result;
}

static int
finish(FfuStore *store, FfuStaged *staged)
{
	char		name[FFU_STAGING_MAX + 1];

	ffu_sys_close(&staged->file.fd);
	ffu_spool_name(staged, name);
	return ffu_sys_unlink(store->spool->staging_fd, name);
}

/*
 * Set *st for a path.
 */
static int
look_at(FfuFolder *folder, const char *path, struct stat *st)
{
	int			dir;
	int			result = ffu_directory_open(folder, path, false, &dir);

	if (result == 0)
		result = ffu_sys_look(dir, ffu_leaf_of(path), st);
	ffu_directory_close(folder, &dir);
	return result;
}

void
ffu_folder_describe_file(const struct stat *st, FfuLook *look)
{
	look->size = st->st_size;
	look->mode = st->st_mode;
	look->uid = st->st_uid;
}

static int
look(FfuStore *store, const char *path, FfuLook *look)
{
	struct stat st;
	int			result = look_at(ffu_folder(store), path, &st);

	if (result == 0)
		ffu_folder_describe_file(&st, look);
	return result;
}

int
ffu_folder_set_mode(FfuStore *store, const char *path)
{
	FfuFolder  *folder = ffu_folder(store);
	struct stat st;
	gid_t		group;
	int			dir = -1;
	int			result = look_at(folder, path, &st);

	if (result == 0)
		result = ffu_directory_open(folder, path, false, &dir);
	if (result == 0 && !S_ISREG(st.st_mode))
		result = EINVAL;
	if (result == 0)
		result = ffu_sys_group(folder->spool.staging_fd, &group);
	if (result == 0 && group != st.st_gid)
		result = ffu_sys_set_group(dir, ffu_leaf_of(path), group);
	if (result == 0)
		result = ffu_sys_set_mode(dir, ffu_leaf_of(path),
								  ffu_setting_file_mode);
	ffu_directory_close(folder, &dir);
	return result;
}

/*
 * Move a file to the quarantine.  The new name is durable before the old name
 * goes, so the file always has a name.  A second call finishes a first call
 * that was cut off (I7).
 */
static int
quarantine(FfuStore *store, const char *path)
{
	FfuFolder  *folder = ffu_folder(store);
	int			staging = folder->spool.staging_fd;
	char		name[FFU_PATH_MAX + 1];
	struct stat old = {0};
	struct stat new = {0};
	int			dir = -1;
	int			place;
	int			result = ffu_control_open(staging, FFU_CONTROL_QUARANTINE,
										  path, true, &place, name);

	if (result != 0)
		return result;
	result = look_at(folder, path, &old);
	if (result == 0)
		result = ffu_directory_open(folder, path, false, &dir);
	if (result == 0)
		result = ffu_sys_link(dir, ffu_leaf_of(path), place, name);
	if (result == EEXIST && ffu_sys_look(place, name, &new) == 0 &&
		old.st_ino == new.st_ino && old.st_dev == new.st_dev)
		result = 0;
	if (result == 0)
		result = ffu_sys_sync(place);
	if (result == 0)
		result = ffu_control_sync_names(staging);
	FFU_FAULT_SAFE("quarantine-after-link");
	if (result == 0)
		result = ffu_sys_unlink(dir, ffu_leaf_of(path));
	ffu_directory_close(folder, &dir);
	ffu_sys_close(&place);
	if (result == 0)
		ffu_directories_remove_empty(folder, path);
	return result;
}

/*
 * Open a published file for reading.
 */
static int
open_path(FfuFolder *folder, const char *path, FfuReader *reader)
{
	int		   *fd = &reader->source.fd;
	int			result = ffu_sys_open_below(folder->root_fd, path, fd,
											&reader->size);
	int			dir;

	if (result != ENOSYS)
		return result;
	result = ffu_directory_open(folder, path, false, &dir);
	if (result == 0)
		result = ffu_sys_open(dir, ffu_leaf_of(path), fd, &reader->size);
	ffu_directory_close(folder, &dir);
	return result;
}

static int
open_file(FfuStore *store, FfuOriginKind kind, const char *path,
		  FfuReader *reader)
{
	int			result = ENOENT;

	if (kind == FFU_ORIGIN_DELETED)
		result = ffu_control_read(store->spool->staging_fd, FFU_CONTROL_KEPT,
								  path, &reader->source.fd, &reader->size);
	if (result == ENOENT)
		result = open_path(ffu_folder(store), path, reader);
	if (result == 0)
		reader->methods = &ffu_folder_reader;
	return result;
}

/*
 * Make the staging name a second name of a kept file.
 */
static int
link_kept(FfuFolder *folder, FfuStaged *staged, const char *path)
{
	char		name[FFU_PATH_MAX + 1];
	int			dir;
	int			result = ffu_control_open(folder->spool.staging_fd,
										  FFU_CONTROL_KEPT, path, false, &dir,
										  name);

	if (result == 0)
		result = ffu_spool_link(&folder->spool, staged, dir, name);
	ffu_sys_close(&dir);
	return result;
}

/*
 * Make the staging name a second name of a published file.
 */
static int
link_path(FfuFolder *folder, FfuStaged *staged, const char *path)
{
	int			dir;
	int			result = ffu_directory_open(folder, path, false, &dir);

	if (result == 0)
		result = ffu_spool_link(&folder->spool, staged, dir, ffu_leaf_of(path));
	ffu_directory_close(folder, &dir);
	return result;
}

static int
link_file(FfuStore *store, FfuStaged *staged, FfuOriginKind kind,
		  const char *path)
{
	int			result = ENOENT;

	if (kind == FFU_ORIGIN_DELETED)
		result = link_kept(ffu_folder(store), staged, path);
	if (result == ENOENT)
		result = link_path(ffu_folder(store), staged, path);
	return result;
}

const FfuStoreMethods ffu_folder_methods = {
	.publish = ffu_folder_publish,
	.remove = ffu_folder_remove,
	.walk = ffu_folder_walk,
	.open = open_file,
	.look = look,
	.quarantine = quarantine,
	.link = link_file,
	.set_mode = ffu_folder_set_mode,
	.undo = undo,
	.finish = finish,
	.remove_now = ffu_folder_remove_now,
};
