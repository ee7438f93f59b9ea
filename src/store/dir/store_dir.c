/*-------------------------------------------------------------------------
 *
 * store_dir.c
 *	  The store that is a directory on this server.
 *
 *	<root>/blogs/1/my_video-<token>.mp4		a published file
 *	<root>/.ffu/staging/<part>/<fxid>.<n>	staged
 *	<root>/.ffu/staging/<part>/<fxid>.<n>:<path, : for />
 *											about to be published, or published
 *	<root>/.ffu/kept/<path, : for />		deleted, but kept for a while
 *	<root>/.ffu/uploads/<fxid>.<key>		of a resumable upload
 *	<root>/.ffu/quarantine/<path, : for />	had no row; see ffu.repair()
 *
 * The part is the last hexadecimal digit of the fxid.  So all names of a
 * transaction are in the same directory, and sessions that work at the same
 * time use different directories and do not wait for each other's locks.
 *
 * No function here raises an error or allocates memory (I6).
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "store/dir/directory.h"
#include "store/dir/syscall.h"
#include "store/store.h"
#include "text/path.h"

/* Number of times to remake a directory that other sessions keep removing */
#define MAKE_TRIES	10

/*
 * Write the staging name of a file at the file's current step.
 */
static void
current_name(const FfuStaged *staged, char *name)
{
	ffu_staging_name(name, staged->fxid, staged->n,
					 staged->step >= FFU_STEP_NAMED ? staged->path : NULL);
}

/*
 * Make the part of the staging directory for a staging name, after an attempt
 * to make the name failed with *result.  Return true if the caller should try
 * again.  Parts can be missing: a copy of the folder may lack empty
 * directories.  *tried prevents a second attempt.  If the part cannot be made,
 * set *result to the reason.
 */
static bool
make_part(FfuStore *store, const FfuStaged *staged, int *result, bool *tried)
{
	char		part[FFU_STAGING_PART_LEN + 1];
	int			made;

	if (*result != ENOENT || *tried)
		return false;
	*tried = true;
	ffu_staging_part(part, staged->fxid % FFU_STAGING_PARTS);
	made = ffu_sys_make_dir(store->staging_fd, part, 0700);
	if (made == EEXIST)
		return true;
	if (made == 0)
		made = ffu_sys_sync(store->staging_fd);
	if (made != 0)
		*result = made;
	return made == 0;
}

/*
 * Create the staging file, empty, and open the file.
 */
static int
create_staged(FfuStore *store, FfuStaged *staged)
{
	char		name[FFU_STAGING_MAX + 1];
	bool		tried = false;
	int			result;

	current_name(staged, name);
	do
	{
		result = ffu_sys_create(store->staging_fd, name,
								store->file_mode, &staged->fd);
	} while (make_part(store, staged, &result, &tried));
	if (result == 0)
		staged->step = FFU_STEP_STAGED;
	return result;
}

/*
 * Make the staging name a second name of the file called from in dir.
 */
static int
link_staged(FfuStore *store, FfuStaged *staged, int dir, const char *from)
{
	char		name[FFU_STAGING_MAX + 1];
	bool		tried = false;
	int			result;

	current_name(staged, name);
	do
	{
		result = ffu_sys_link(dir, from, store->staging_fd, name);
	} while (make_part(store, staged, &result, &tried));
	if (result == 0)
		staged->step = FFU_STEP_STAGED;
	return result;
}

/*
 * Make the staging name a second name of a published file.
 */
static int
link_path(FfuStore *store, FfuStaged *staged, const char *path)
{
	int			dir;
	int			result = ffu_directory_open(store, path, false, &dir);

	if (result == 0)
		result = link_staged(store, staged, dir, ffu_leaf_of(path));
	ffu_directory_close(store, &dir);
	return result;
}

static int
dir_reopen(FfuStore *store, FfuStaged *staged)
{
	char		name[FFU_STAGING_MAX + 1];

	if (staged->fd >= 0)
		return 0;
	current_name(staged, name);
	return ffu_sys_reopen(store->staging_fd, name, &staged->fd);
}

static int
dir_cut(FfuStore *store, FfuStaged *staged, int64 size)
{
	int			result = dir_reopen(store, staged);

	return result ? result : ffu_sys_cut(staged->fd, size);
}

/*
 * Step 5, first half: rename the staging name to name the coming path (I2).
 */
static int
dir_announce(FfuStore *store, FfuStaged *staged)
{
	char		from[FFU_STAGING_MAX + 1];
	char		name[FFU_STAGING_MAX + 1];
	int			result;

	current_name(staged, from);
	ffu_staging_name(name, staged->fxid, staged->n, staged->path);
	result = ffu_sys_rename(store->staging_fd, from, name);
	if (result != 0)
		return result;
	staged->step = FFU_STEP_NAMED;
	FFU_FAULT_SAFE("publish-after-rename");
	return 0;
}

/*
 * Step 5, second half: link the file to the path.  Another transaction may
 * remove a new directory before the link, because the directory is empty; then
 * make the directory again.
 */
static int
dir_publish(FfuStore *store, FfuStaged *staged)
{
	char		name[FFU_STAGING_MAX + 1];
	int			dir;
	int			result = ENOENT;
	int			tries;

	current_name(staged, name);
	for (tries = 0; result == ENOENT && tries < MAKE_TRIES; tries++)
	{
		result = ffu_directory_open(store, staged->path, true, &dir);
		if (result == 0)
			result = ffu_sys_link(store->staging_fd, name,
								  dir, ffu_leaf_of(staged->path));
		ffu_directory_close(store, &dir);
	}
	if (result != 0)
		return result;
	staged->step = FFU_STEP_PUBLISHED;
	FFU_FAULT_SAFE("publish-after-link");
	return 0;
}

/*
 * Open a staged file for a sync unless the file is open already.
 */
static int
open_for_sync(FfuStore *store, FfuStaged *staged)
{
	char		name[FFU_STAGING_MAX + 1];

	if (staged->fd >= 0)
		return 0;
	current_name(staged, name);
	return ffu_sys_open(store->staging_fd, name, &staged->fd);
}

static int
dir_flush(FfuStore *store, FfuStaged *staged, int64 offset)
{
	int			result = open_for_sync(store, staged);

	if (result != 0)
		return result;
	return ffu_sys_write_behind(staged->fd,
								offset + FFU_SLICES * FFU_SLICE, offset);
}

/*
 * Step 6 for a single file.  In a store that keeps order, one fsync after the
 * link makes the bytes and both names durable (docs/design.md).
 */
static int
dir_sync(FfuStore *store, FfuStaged *staged)
{
	int			result = open_for_sync(store, staged);

	if (result == 0)
		result = ffu_sys_sync(staged->fd);
	ffu_sys_close(&staged->fd);
	return result;
}

/*
 * Step 6 for the bytes of a file.  The sync of another file must follow and
 * makes the names durable.
 */
static int
dir_write_out(FfuStore *store, FfuStaged *staged)
{
	int			result = open_for_sync(store, staged);

	if (result == 0)
		result = ffu_sys_write_out(staged->fd);
	ffu_sys_close(&staged->fd);
	return result;
}

/*
 * Make the staging names of a transaction durable.
 */
static int
dir_sync_staging(FfuStore *store, uint64 fxid)
{
	char		part[FFU_STAGING_PART_LEN + 1];
	int			fd;
	int			result;

	ffu_staging_part(part, fxid % FFU_STAGING_PARTS);
	result = ffu_sys_open_dir(store->staging_fd, part, &fd);
	if (result == 0)
		result = ffu_sys_sync(fd);
	ffu_sys_close(&fd);
	return result;
}

/*
 * Make the names in the directory of path durable.
 */
static int
dir_sync_directory(FfuStore *store, const char *path)
{
	int			dir;
	int			result = ffu_directory_open(store, path, false, &dir);

	if (result == 0)
		result = ffu_sys_sync(dir);
	ffu_directory_close(store, &dir);
	return result;
}

/*
 * Make the removal of a path durable.  If directories above the path were
 * removed as well, sync the lowest directory that still exists: the removal of
 * the topmost directory is recorded there.
 */
static int
dir_sync_removal(FfuStore *store, const char *path)
{
	char		inner[FFU_PATH_MAX + 1];
	char	   *slash;
	int			dir;
	int			result;

	strlcpy(inner, path, sizeof(inner));
	do
	{
		result = ffu_directory_open(store, inner, false, &dir);
		if (result == 0)
			result = ffu_sys_sync_dir(dir);
		ffu_directory_close(store, &dir);
		slash = strrchr(inner, '/');
		if (slash)
			*slash = '\0';
	} while (result == ENOENT && slash);
	return result == ENOENT ? 0 : result;
}

/*
 * Make all earlier changes of names durable, in every directory, in a store
 * that keeps order.  The touch gives the sync a change newer than all others;
 * without a change the sync might do nothing.
 */
static int
dir_sync_names(FfuStore *store)
{
	int			result = ffu_sys_touch(store->staging_fd);

	return result ? result : ffu_sys_sync(store->staging_fd);
}

static int
dir_sync_all(FfuStore *store)
{
	return ffu_sys_sync_all(store->root_fd);
}

static int
dir_remove(FfuStore *store, const char *path)
{
	int			dir;
	int			result = ffu_directory_open(store, path, false, &dir);

	if (result == 0)
		result = ffu_sys_unlink(dir, ffu_leaf_of(path));
	ffu_directory_close(store, &dir);
	if (result == 0 || result == ENOENT)
	{
		ffu_directories_remove_empty(store, path);
		return 0;
	}
	return result;
}

/*
 * Take back a file of a transaction that did not commit: remove the final name
 * first, then the staging name, which leads the sweep to the final name (I2).
 * In a store that does not keep order, make the first removal durable before
 * the second.  After a failure the sweep does the rest.
 */
static int
dir_undo(FfuStore *store, FfuStaged *staged)
{
	char		name[FFU_STAGING_MAX + 1];
	int			result = 0;

	ffu_sys_close(&staged->fd);
	if (staged->step == FFU_STEP_PUBLISHED)
	{
		result = dir_remove(store, staged->path);
		if (result == 0 && !store->in_order)
			result = dir_sync_removal(store, staged->path);
	}
	else if (staged->step == FFU_STEP_NAMED)
		ffu_directories_remove_empty(store, staged->path);
	if (result != 0)
		return result;
	FFU_FAULT_SAFE("undo-after-final");
	if (staged->step != FFU_STEP_NONE)
	{
		current_name(staged, name);
		result = ffu_sys_unlink(store->staging_fd, name);
	}
	if (result == 0)
		staged->step = FFU_STEP_NONE;
	FFU_FAULT_SAFE("undo-after-staging");
	return result;
}

static int
dir_finish(FfuStore *store, FfuStaged *staged)
{
	char		name[FFU_STAGING_MAX + 1];

	ffu_sys_close(&staged->fd);
	current_name(staged, name);
	return ffu_sys_unlink(store->staging_fd, name);
}

/*
 * Make the names in the .ffu directory durable.  Return 0 or an error number.
 */
static int
sync_control_names(FfuStore *store)
{
	int			dir;
	int			result = ffu_sys_open_dir(store->staging_fd, "..", &dir);

	if (result == 0)
		result = ffu_sys_sync_dir(dir);
	ffu_sys_close(&dir);
	return result;
}

/*
 * Open the directory own, a relative name beside the staging directory, and
 * write the name of a path in that directory to name.  If make is true, make a
 * missing directory.  The caller closes *fd.
 */
static int
open_control(FfuStore *store, const char *own, const char *path, bool make,
			 int *fd, char *name)
{
	int			result = ffu_sys_open_dir(store->staging_fd, own, fd);
	char	   *p;

	if (result == ENOENT && make)
	{
		result = ffu_sys_make_dir(store->staging_fd, own, 0700);
		if (result == 0 || result == EEXIST)
			result = ffu_sys_open_dir(store->staging_fd, own, fd);
	}
	strlcpy(name, path, FFU_PATH_MAX + 1);
	for (p = name; *p; p++)
	{
		if (*p == '/')
			*p = ':';
	}
	return result;
}

static int
dir_keep(FfuStore *store, const char *path)
{
	char		name[FFU_PATH_MAX + 1];
	int			dir;
	int			kept;
	int			result = open_control(store, "../kept", path, true, &kept, name);

	if (result != 0)
		return result;
	result = ffu_directory_open(store, path, false, &dir);
	if (result == 0)
		result = ffu_sys_move(dir, ffu_leaf_of(path), kept, name);
	ffu_directory_close(store, &dir);
	/* Otherwise a power cut could leave the file in neither directory. */
	if (result == 0 && !store->in_order)
		result = ffu_sys_sync_dir(kept);
	if (result == 0 && !store->in_order)
		result = sync_control_names(store);
	ffu_sys_close(&kept);
	if (result == 0)
		ffu_directories_remove_empty(store, path);
	return result == ENOENT ? 0 : result;
}

static int
dir_remove_kept(FfuStore *store, const char *path)
{
	char		name[FFU_PATH_MAX + 1];
	int			kept;
	int			result = open_control(store, "../kept", path, false, &kept, name);

	if (result == 0)
		result = ffu_sys_unlink(kept, name);
	ffu_sys_close(&kept);
	return result == ENOENT ? 0 : result;
}

/*
 * Files of resumable uploads, in ../uploads
 */
static int
dir_open_resumed(FfuStore *store, const char *name, bool make, int *fd)
{
	char		own_name[FFU_PATH_MAX + 1];
	int			dir;
	int			result = open_control(store, "../uploads", name, make, &dir,
									  own_name);

	*fd = -1;
	if (result == 0)
		result = make ?
			ffu_sys_create(dir, own_name, store->file_mode, fd) :
			ffu_sys_reopen(dir, own_name, fd);
	ffu_sys_close(&dir);
	return result;
}

static int
dir_remove_resumed(FfuStore *store, const char *name)
{
	char		own_name[FFU_PATH_MAX + 1];
	int			dir;
	int			result = open_control(store, "../uploads", name, false, &dir,
									  own_name);

	if (result == 0)
		result = ffu_sys_unlink(dir, own_name);
	ffu_sys_close(&dir);
	return result == ENOENT ? 0 : result;
}

static int
dir_sync_resumed(FfuStore *store)
{
	char		own_name[FFU_PATH_MAX + 1];
	int			dir;
	int			result = open_control(store, "../uploads", "", false, &dir,
									  own_name);

	if (result == 0)
		result = ffu_sys_sync(dir);
	if (result == 0)
		result = sync_control_names(store);
	ffu_sys_close(&dir);
	return result;
}

static int
dir_look(FfuStore *store, const char *path, struct stat *st)
{
	int			dir;
	int			result = ffu_directory_open(store, path, false, &dir);

	if (result == 0)
		result = ffu_sys_look(dir, ffu_leaf_of(path), st);
	ffu_directory_close(store, &dir);
	return result;
}

static int
dir_set_mode(FfuStore *store, const char *path)
{
	struct stat st;
	gid_t		group;
	int			dir = -1;
	int			result = dir_look(store, path, &st);

	if (result == 0)
		result = ffu_directory_open(store, path, false, &dir);
	if (result == 0 && !S_ISREG(st.st_mode))
		result = EINVAL;
	if (result == 0)
		result = ffu_sys_group(store->staging_fd, &group);
	if (result == 0 && group != st.st_gid)
		result = ffu_sys_set_group(dir, ffu_leaf_of(path), group);
	if (result == 0)
		result = ffu_sys_set_mode(dir, ffu_leaf_of(path), store->file_mode);
	ffu_directory_close(store, &dir);
	return result;
}

/*
 * Move a file to the quarantine.  The new name is durable before the old name
 * goes, so the file always has a name.  A second call finishes a first call
 * that was cut off (I7).
 */
static int
dir_quarantine(FfuStore *store, const char *path)
{
	char		name[FFU_PATH_MAX + 1];
	struct stat old = {0};
	struct stat new = {0};
	int			dir = -1;
	int			own;
	int			result = open_control(store, "../quarantine", path, true, &own,
									  name);

	if (result != 0)
		return result;
	result = dir_look(store, path, &old);
	if (result == 0)
		result = ffu_directory_open(store, path, false, &dir);
	if (result == 0)
		result = ffu_sys_link(dir, ffu_leaf_of(path), own, name);
	if (result == EEXIST && ffu_sys_look(own, name, &new) == 0 &&
		old.st_ino == new.st_ino && old.st_dev == new.st_dev)
		result = 0;
	if (result == 0)
		result = ffu_sys_sync(own);
	if (result == 0)
		result = sync_control_names(store);
	FFU_FAULT_SAFE("quarantine-after-link");
	if (result == 0)
		result = ffu_sys_unlink(dir, ffu_leaf_of(path));
	ffu_directory_close(store, &dir);
	ffu_sys_close(&own);
	if (result == 0)
		ffu_directories_remove_empty(store, path);
	return result;
}

static int
dir_open(FfuStore *store, const char *path, int *fd, int64 *size)
{
	int			result = ffu_sys_open_below(store->root_fd, path, fd, size);
	int			dir;

	if (result != ENOSYS)
		return result;
	result = ffu_directory_open(store, path, false, &dir);
	if (result == 0)
		result = ffu_sys_open(dir, ffu_leaf_of(path), fd);
	ffu_directory_close(store, &dir);
	return result ? result : ffu_sys_size(*fd, size);
}

static int
dir_open_staged(FfuStore *store, const FfuStaged *staged, int *fd)
{
	char		name[FFU_STAGING_MAX + 1];

	current_name(staged, name);
	return ffu_sys_open(store->staging_fd, name, fd);
}

/*
 * Make the staging name a second name of the file called path in the control
 * directory own.
 */
static int
link_control(FfuStore *store, FfuStaged *staged, const char *own,
			 const char *path)
{
	char		name[FFU_PATH_MAX + 1];
	int			dir;
	int			result = open_control(store, own, path, false, &dir, name);

	if (result == 0)
		result = link_staged(store, staged, dir, name);
	ffu_sys_close(&dir);
	return result;
}

/*
 * Open the file called path in the control directory own for reading.
 */
static int
read_control(FfuStore *store, const char *own, const char *path, int *fd)
{
	char		name[FFU_PATH_MAX + 1];
	int			dir;
	int			result = open_control(store, own, path, false, &dir, name);

	if (result == 0)
		result = ffu_sys_open(dir, name, fd);
	ffu_sys_close(&dir);
	return result;
}

/*
 * Make the staging name a second name of the file of an origin.
 */
static int
link_origin(FfuStore *store, FfuStaged *staged, const FfuOrigin *origin)
{
	char		name[FFU_STAGING_MAX + 1];
	int			result;

	switch (origin->kind)
	{
		case FFU_ORIGIN_STAGED:
			current_name(origin->staged, name);
			return link_staged(store, staged, store->staging_fd, name);
		case FFU_ORIGIN_PATH:
			return link_path(store, staged, origin->name);
		case FFU_ORIGIN_DELETED:
			result = link_control(store, staged, "../kept", origin->name);
			return result == ENOENT ?
				link_path(store, staged, origin->name) : result;
		case FFU_ORIGIN_RESUMABLE:
			return link_control(store, staged, "../uploads", origin->name);
		case FFU_ORIGIN_OUTSIDE:
			return origin->may_link ?
				link_staged(store, staged, origin->dir, origin->name) : EXDEV;
		default:
			return EINVAL;
	}
}

/*
 * Open the file of an origin for reading.  The caller closes origin->rest.
 */
static int
open_origin(FfuStore *store, FfuOrigin *origin)
{
	FfuReader  *rest = &origin->rest;
	int			result;

	switch (origin->kind)
	{
		case FFU_ORIGIN_STAGED:
			result = dir_open_staged(store, origin->staged, &rest->fd);
			break;
		case FFU_ORIGIN_PATH:
			return dir_open(store, origin->name, &rest->fd, &rest->size);
		case FFU_ORIGIN_DELETED:
			result = read_control(store, "../kept", origin->name, &rest->fd);
			if (result == ENOENT)
				return dir_open(store, origin->name, &rest->fd, &rest->size);
			break;
		case FFU_ORIGIN_RESUMABLE:
			result = read_control(store, "../uploads", origin->name, &rest->fd);
			break;
		case FFU_ORIGIN_OUTSIDE:
			result = ffu_sys_duplicate(origin->fd, &rest->fd);
			break;
		default:
			return EINVAL;
	}
	return result ? result : ffu_sys_size(rest->fd, &rest->size);
}

/*
 * Tell whether an error number of link(2) means that the bytes must be copied.
 */
static bool
must_copy(int result)
{
	return result == EMLINK || result == EXDEV || result == EPERM;
}

/*
 * Stage a file: link the file of the origin; else share the blocks of that
 * file; else leave the copying to the caller.
 */
static int
dir_stage(FfuStore *store, FfuStaged *staged, FfuOrigin *origin)
{
	int			result;

	origin->linked = false;
	origin->rest.fd = -1;
	if (origin->kind == FFU_ORIGIN_CALLER)
		return create_staged(store, staged);
	result = link_origin(store, staged, origin);
	origin->linked = result == 0;
	if (!must_copy(result))
		return result;
	result = open_origin(store, origin);
	if (result == 0)
		result = create_staged(store, staged);
	if (result != 0 || ffu_sys_clone(staged->fd, origin->rest.fd) == 0)
		ffu_sys_close(&origin->rest.fd);
	return result;
}

const FfuStoreMethods ffu_store_dir = {
	.name = "directory",
	.stage = dir_stage,
	.open_resumed = dir_open_resumed,
	.remove_resumed = dir_remove_resumed,
	.sync_resumed = dir_sync_resumed,
	.reopen = dir_reopen,
	.cut = dir_cut,
	.announce = dir_announce,
	.publish = dir_publish,
	.flush = dir_flush,
	.sync = dir_sync,
	.write_out = dir_write_out,
	.sync_staging = dir_sync_staging,
	.sync_directory = dir_sync_directory,
	.sync_removal = dir_sync_removal,
	.sync_names = dir_sync_names,
	.sync_all = dir_sync_all,
	.undo = dir_undo,
	.finish = dir_finish,
	.remove = dir_remove,
	.keep = dir_keep,
	.remove_kept = dir_remove_kept,
	.look = dir_look,
	.set_mode = dir_set_mode,
	.quarantine = dir_quarantine,
	.open = dir_open,
	.open_staged = dir_open_staged,
};
