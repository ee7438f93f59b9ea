/*-------------------------------------------------------------------------
 *
 * later.c
 *	  Files of a folder that become durable after the commit.
 *
 * A commit may leave the sync of a file to the syncer if the bytes are in the
 * WAL and the folder keeps changes in order: then writing out the bytes of all
 * files and one sync of something newer makes these files and their names
 * durable.  After a crash the files from the WAL are put back, in any folder.
 *
 * Functions that return int return 0 or an error number; no function here
 * raises an error.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <fcntl.h>

#include "storage/fd.h"

#include "base/fault.h"
#include "store/dir/control.h"
#include "store/dir/directory.h"
#include "store/dir/later.h"
#include "store/dir/root.h"
#include "store/dir/spool.h"
#include "store/dir/syscall.h"
#include "text/path.h"

/* Number of times to remake a directory that other sessions keep removing */
#define MAKE_TRIES	10

/*
 * Open the folder at an absolute path for ffu_later_find() and ffu_later_sync().
 * Return ESTALE if the folder has another root id.
 */
int
ffu_later_open(const char *folder_path, const char *root_id,
			   FfuFolder *folder)
{
	FfuControl	control = {-1};
	FfuOwner	owner;
	int			result = 0;

	memset(folder, 0, sizeof(*folder));
	folder->spool.staging_fd = -1;
	folder->root_fd = BasicOpenFile(folder_path,
									O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder->root_fd < 0)
		result = errno;
	if (result == 0)
		result = ffu_sys_open_dir(folder->root_fd, FFU_CONTROL_DIR,
								  &control.fd);
	if (result == 0)
		result = ffu_root_read_owner(&control, &owner);
	if (result == 0 && strcmp(owner.root_id, root_id) != 0)
		result = ESTALE;
	if (result == 0)
		result = ffu_sys_open_dir(control.fd, FFU_STAGING_DIR,
								  &folder->spool.staging_fd);
	ffu_sys_close(&control.fd);
	if (result != 0)
		ffu_later_close(folder);
	return result == FFU_OWNER_NEWER ? ESTALE : result;
}

/*
 * Close a folder that ffu_later_open() has opened.
 */
void
ffu_later_close(FfuFolder *folder)
{
	ffu_sys_close(&folder->spool.staging_fd);
	ffu_sys_close(&folder->root_fd);
}

/*
 * Open the file of a path, or the kept file of this path: a file is moved only
 * from the path to the kept files.  Return ENOENT if the file is gone.
 */
int
ffu_later_find(FfuFolder *folder, const char *path, FfuSpoolFile *file)
{
	int64		size;
	int			dir;
	int			result = ffu_directory_open(folder, path, false, &dir);

	file->fd = -1;
	if (result == 0)
		result = ffu_sys_open(dir, ffu_leaf_of(path), &file->fd, &size);
	ffu_directory_close(folder, &dir);
	if (result == ENOENT)
		result = ffu_control_read(folder->spool.staging_fd, FFU_CONTROL_KEPT,
								  path, &file->fd, &size);
	return result;
}

/*
 * Write the bytes of a file to the disk, and close the file.  ffu_later_sync()
 * must follow.
 */
int
ffu_later_write_out(FfuSpoolFile *file)
{
	int			result = ffu_sys_write_out(file->fd);

	ffu_sys_close(&file->fd);
	return result;
}

/*
 * In a folder in order, make all earlier changes of names and inodes durable.
 * The touch gives the sync a change newer than all others.
 */
int
ffu_later_sync(FfuFolder *folder)
{
	int			result = ffu_sys_touch(folder->spool.staging_fd);

	return result ? result : ffu_sys_sync(folder->spool.staging_fd);
}

/*
 * Make durable what ffu_later_put_back() and ffu_later_has_bytes() have seen,
 * in any folder.
 */
int
ffu_later_sync_store(FfuStore *store)
{
	FfuFolder  *folder = ffu_folder(store);

	return folder->spool.in_order ? ffu_later_sync(folder) :
		ffu_sys_sync_all(folder->root_fd);
}

/*
 * Make everything in the folder durable, in any folder.
 */
int
ffu_later_sync_all(FfuStore *store)
{
	return ffu_sys_sync_all(ffu_folder(store)->root_fd);
}

/*
 * Tell whether the file of a path has exactly these bytes.  Write the bytes to
 * the disk; ffu_later_sync_store() must follow.
 */
bool
ffu_later_has_bytes(FfuStore *store, const char *path, const char *data,
					size_t len)
{
	FfuFolder  *folder = ffu_folder(store);
	char		buf[BLCKSZ];
	size_t		done = 0;
	size_t		got;
	int64		size;
	int			fd = -1;
	int			dir;
	int			result = ffu_directory_open(folder, path, false, &dir);

	if (result == 0)
		result = ffu_sys_open(dir, ffu_leaf_of(path), &fd, &size);
	ffu_directory_close(folder, &dir);
	if (result == 0 && size != len)
		result = EINVAL;
	for (; result == 0 && done < len; done += got)
	{
		result = ffu_sys_read(fd, buf, Min(sizeof(buf), len - done), done,
							  &got);
		if (result == 0 &&
			(got == 0 || memcmp(buf, data + done, got) != 0))
			result = EINVAL;
	}
	if (result == 0)
		result = ffu_sys_write_out(fd);
	ffu_sys_close(&fd);
	return result == 0;
}

/*
 * Write the plain staging file of a file, and close the file.
 */
static int
write_plain(FfuStore *store, FfuStaged *staged, mode_t mode, const char *data,
			size_t len)
{
	FfuOrigin	origin = {.kind = FFU_ORIGIN_CALLER};
	char		plain[FFU_STAGING_MAX + 1];
	int			dir = store->spool->staging_fd;
	int			result;

	staged->step = FFU_STEP_NONE;
	ffu_spool_name(staged, plain);
	result = ffu_sys_unlink(dir, plain);
	if (result == 0)
		result = ffu_spool_stage(store, staged, &origin);
	if (result == 0)
		result = ffu_spool_write(&staged->file, data, len, 0);
	if (result == 0)
		result = ffu_sys_set_mode(dir, plain, mode);
	if (result == 0)
		result = ffu_sys_write_out(staged->file.fd);
	ffu_spool_close(&staged->file);
	return result;
}

/*
 * Move the plain staging name to the path, over the file that is there.
 */
static int
move_to_path(FfuFolder *folder, const char *plain, const char *path)
{
	int			result = ENOENT;
	int			tries;
	int			dir;

	for (tries = 0; result == ENOENT && tries < MAKE_TRIES; tries++)
	{
		result = ffu_directory_open(folder, path, true, &dir);
		if (result == 0)
			result = ffu_sys_move(folder->spool.staging_fd, plain, dir,
								  ffu_leaf_of(path));
		ffu_directory_close(folder, &dir);
	}
	return result;
}

/*
 * Give a path the plain staging file of a file, in place of the file that is
 * there: a reader sees the old file or the new, never a part.  As always the
 * staging name with the path comes first (I2), and stays for the sweep.
 */
static int
publish_plain(FfuFolder *folder, FfuStaged *staged)
{
	int			staging = folder->spool.staging_fd;
	char		plain[FFU_STAGING_MAX + 1];
	char		named[FFU_STAGING_MAX + 1];
	int			result;

	ffu_spool_name(staged, plain);
	staged->step = FFU_STEP_NAMED;
	ffu_spool_name(staged, named);
	result = ffu_sys_rename(staging, plain, named);
	FFU_FAULT_SAFE("put-back-after-rename");
	if (result == 0)
		result = ffu_sys_link(staging, named, staging, plain);
	/* Both were the same file already, and rename() has done nothing. */
	if (result == EEXIST)
		result = 0;
	FFU_FAULT_SAFE("put-back-after-name");
	if (result == 0)
		result = move_to_path(folder, plain, staged->path);
	FFU_FAULT_SAFE("put-back-after-file");
	return result;
}

/*
 * Give a path a new file with these bytes, in place of the file that is there.
 * ffu_later_sync_store() must follow.
 */
int
ffu_later_put_back(FfuStore *store, FfuStaged *staged, mode_t mode,
				   const char *data, size_t len)
{
	int			result = write_plain(store, staged, mode, data, len);

	return result ? result : publish_plain(ffu_folder(store), staged);
}

/*
 * Give a file whose staging name has the path the plain staging name again.  A
 * crash may have come between the two names.
 */
static int
link_plain(FfuStore *store, const FfuStaged *staged)
{
	FfuStaged	named = *staged;
	char		from[FFU_STAGING_MAX + 1];
	char		to[FFU_STAGING_MAX + 1];
	int			staging = store->spool->staging_fd;

	named.step = FFU_STEP_NAMED;
	ffu_spool_name(&named, from);
	ffu_spool_name(staged, to);
	return ffu_sys_link(staging, from, staging, to);
}

/*
 * Open the plain staging file of a file whose first bytes, up to offset, are
 * there.  Return ENOENT if they are not.
 */
static int
reopen_plain(FfuStore *store, FfuStaged *staged, int64 offset)
{
	int64		size = 0;
	int			result = ffu_spool_reopen(store, staged);

	if (result == ENOENT && link_plain(store, staged) == 0)
		result = ffu_spool_reopen(store, staged);
	if (result == 0)
		result = ffu_sys_size(staged->file.fd, &size);
	return result == 0 && size < offset ? ENOENT : result;
}

/*
 * Open the plain staging file of a file in pieces for the piece at offset: a
 * new file for the first piece.
 */
static int
open_plain(FfuStore *store, FfuStaged *staged, int64 offset)
{
	FfuOrigin	origin = {.kind = FFU_ORIGIN_CALLER};
	char		plain[FFU_STAGING_MAX + 1];
	int			result;

	staged->step = FFU_STEP_NONE;
	if (offset > 0)
		return reopen_plain(store, staged, offset);
	ffu_spool_name(staged, plain);
	result = ffu_sys_unlink(store->spool->staging_fd, plain);
	return result ? result : ffu_spool_stage(store, staged, &origin);
}

/*
 * Give a path its whole plain staging file, durably.  The pieces may not come
 * again: those of a segment that was removed are only in the folder.  So the
 * bytes are durable before the names, and the names before the inbox
 * loses the other pieces or the staging name is settled.
 */
static int
publish_pieces(FfuStore *store, FfuStaged *staged, mode_t mode)
{
	char		plain[FFU_STAGING_MAX + 1];
	int			result;

	ffu_spool_name(staged, plain);
	result = ffu_sys_set_mode(store->spool->staging_fd, plain, mode);
	if (result == 0)
		result = ffu_sys_sync(staged->file.fd);
	ffu_spool_close(&staged->file);
	if (result == 0)
		result = publish_plain(ffu_folder(store), staged);
	return result ? result : ffu_later_sync_store(store);
}

/*
 * Write a piece of a file of this size to the plain staging file.  The last
 * piece gives the path the file, durably.  Return ENOENT if pieces before this
 * one are missing.
 */
int
ffu_later_put_piece(FfuStore *store, FfuStaged *staged, mode_t mode,
					const char *data, size_t len, int64 offset, int64 size)
{
	int			result = open_plain(store, staged, offset);

	if (result == 0)
		result = ffu_spool_write(&staged->file, data, len, offset);
	if (result == 0 && offset + (int64) len == size)
		return publish_pieces(store, staged, mode);
	ffu_spool_close(&staged->file);
	return result;
}

/*
 * Remove a file, kept or not, or keep the file.
 */
int
ffu_later_remove(FfuStore *store, const char *path, bool keep)
{
	int			result = ffu_folder_remove_now(store, path, keep);

	if (result == 0 && !keep)
		result = ffu_folder_remove_kept(ffu_folder(store), path);
	return result;
}
