/*-------------------------------------------------------------------------
 *
 * publish_dir.c
 *	  Steps 5 and 6 of the protocol in a folder.
 *
 *	5	rename each staging name to include the path, then link the path (I2,
 *		I3)
 *	6	make files and names durable (I1), in this order: a fsync before the
 *		link, or a rename after the fsync, would not survive a power cut.  If
 *		the file system keeps changes in order (ext4 with a journal, xfs), many
 *		files need only one fsync.
 *
 * Functions here may raise an error; the ABORT callback then takes each file
 * back from the step reached.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "miscadmin.h"
#include "utils/hsearch.h"

#include "base/error.h"
#include "base/fault.h"
#include "base/settings.h"
#include "store/dir/directory.h"
#include "store/dir/folder.h"
#include "store/dir/root.h"
#include "store/dir/spool.h"
#include "store/dir/syscall.h"
#include "text/path.h"

/*
 * Number of files from which one sync of the whole file system is cheaper than
 * a sync of each file, where allowed.
 */
#define SYNC_ALL_FROM	8

/* Number of times to remake a directory that other sessions keep removing */
#define MAKE_TRIES	10

/*
 * Must the commit sync directories too, to make names durable?
 */
static bool
must_sync_directories(const FfuSpool *spool)
{
	return !spool->in_order && ffu_setting_fsync != FFU_FSYNC_OFF;
}

/*
 * Should the commit of n files sync the whole file system once?
 */
static bool
must_sync_all(const FfuFolder *folder, uint32 n)
{
	return folder->can_sync_all && n >= SYNC_ALL_FROM &&
		ffu_setting_fsync == FFU_FSYNC_ON;
}

/*
 * Step 5, first half, for one file: rename the staging name to name the coming
 * path (I2).  Return 0 or an error number.
 */
static int
announce_file(FfuFolder *folder, FfuStaged *staged)
{
	char		from[FFU_STAGING_MAX + 1];
	char		name[FFU_STAGING_MAX + 1];
	int			result;

	ffu_spool_name(staged, from);
	ffu_staging_name(name, staged->fxid, staged->n, staged->run, staged->path);
	result = ffu_sys_rename(folder->spool.staging_fd, from, name);
	if (result != 0)
		return result;
	staged->step = FFU_STEP_NAMED;
	FFU_FAULT_SAFE("publish-after-rename");
	return 0;
}

/*
 * Make the staging names of a transaction durable.
 */
static void
sync_staging(FfuFolder *folder, uint64 fxid)
{
	char		part[FFU_STAGING_PART_LEN + 1];
	int			fd;
	int			result;

	ffu_staging_part(part, fxid % FFU_STAGING_PARTS);
	result = ffu_sys_open_dir(folder->spool.staging_fd, part, &fd);
	if (result == 0)
		result = ffu_sys_sync(fd);
	ffu_sys_close(&fd);
	if (result != 0)
		ffu_raise_io(result, "sync staging directory of folder",
					 ffu_root_path());
}

/*
 * Step 5, first half: add the path to every staging name that lacks the path.
 */
static void
announce_files(FfuFolder *folder, FfuOutgoing *files, uint32 n)
{
	bool		announced = false;
	uint32		i;

	for (i = 0; i < n; i++)
	{
		FfuStaged  *staged = files[i].staged;
		int			result;

		CHECK_FOR_INTERRUPTS();
		if (staged->step >= FFU_STEP_NAMED)
			continue;
		result = announce_file(folder, staged);
		if (result != 0)
			ffu_raise_io(result, "announce file", staged->path);
		announced = true;
	}
	if (announced && must_sync_directories(&folder->spool))
		sync_staging(folder, files[0].staged->fxid);
	FFU_FAULT("publish-after-announce");
}

/*
 * Link a file to the path.  Another transaction may remove a new directory
 * before the link, because the directory is empty; then make the directory
 * again.  Return 0 or an error number.
 */
static int
link_path(FfuFolder *folder, FfuStaged *staged)
{
	char		name[FFU_STAGING_MAX + 1];
	int			dir;
	int			result = ENOENT;
	int			tries;

	ffu_spool_name(staged, name);
	for (tries = 0; result == ENOENT && tries < MAKE_TRIES; tries++)
	{
		result = ffu_directory_open(folder, staged->path, true, &dir);
		if (result == 0)
			result = ffu_sys_link(folder->spool.staging_fd, name,
								  dir, ffu_leaf_of(staged->path));
		ffu_directory_close(folder, &dir);
	}
	if (result != 0)
		return result;
	staged->step = FFU_STEP_PUBLISHED;
	FFU_FAULT_SAFE("publish-after-link");
	return 0;
}

/*
 * Step 5, second half: make the path of one file.
 */
static void
publish_file(FfuFolder *folder, FfuOutgoing *file)
{
	FfuStaged  *staged = file->staged;
	int			result;

	CHECK_FOR_INTERRUPTS();
	if (staged->step == FFU_STEP_PUBLISHED)
		return;
	result = link_path(folder, staged);
	if (result != 0)
		ffu_raise_io(result, "publish file", staged->path);
	/* Not earlier: a rollback must leave a linked file unchanged. */
	result = file->from_outside ?
		ffu_folder_set_mode(&folder->store, staged->path) : 0;
	if (result != 0)
		ffu_raise_io(result, "set mode of file", staged->path);
	FFU_FAULT("publish-after-file");
}

/*
 * Make the names in the directory of path durable.
 */
static void
sync_directory(FfuFolder *folder, const char *path)
{
	int			dir;
	int			result = ffu_directory_open(folder, path, false, &dir);

	if (result == 0)
		result = ffu_sys_sync(dir);
	ffu_directory_close(folder, &dir);
	if (result != 0)
		ffu_raise_io(result, "sync directory of file", path);
}

/*
 * Sync the directories of a path from the bottom up, and stop at a directory
 * that is in done.  done is a hash table of synced directories.
 */
static void
sync_path(FfuFolder *folder, HTAB *done, const char *path)
{
	char		inner[FFU_PATH_MAX + 1];
	char		directory[FFU_PATH_MAX + 1];
	bool		found = false;

	strlcpy(inner, path, sizeof(inner));
	while (!found)
	{
		char	   *slash = strrchr(inner, '/');

		memset(directory, 0, sizeof(directory));
		if (slash)
			memcpy(directory, inner, slash - inner);
		hash_search(done, directory, HASH_ENTER, &found);
		if (found)
			break;
		sync_directory(folder, inner);
		if (slash == NULL)
			break;
		*slash = '\0';
	}
}

/*
 * Sync the directories of all files, each directory once.
 */
static void
sync_directories(FfuFolder *folder, const FfuOutgoing *files, uint32 n)
{
	HASHCTL		ctl;
	HTAB	   *done;
	uint32		i;

	memset(&ctl, 0, sizeof(ctl));
	ctl.keysize = FFU_PATH_MAX + 1;
	ctl.entrysize = FFU_PATH_MAX + 1;
	ctl.hcxt = CurrentMemoryContext;
	done = hash_create("ffu synced directories", 64, &ctl,
					   HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	for (i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		sync_path(folder, done, files[i].staged->path);
	}
	hash_destroy(done);
}

/*
 * Write the bytes [from, to) of an open file to the disk slice by slice, so
 * that the following sync is short: nothing can cancel a sync.  Return 0 or an
 * error number.
 */
static int
flush_slices(int fd, int64 from, int64 to)
{
	int64		offset;
	int			result = 0;

	for (offset = from - from % FFU_SLICE;
		 result == 0 && offset + FFU_SLICE < to; offset += FFU_SLICE)
	{
		CHECK_FOR_INTERRUPTS();
		result = ffu_sys_write_behind(fd, offset + FFU_SLICES * FFU_SLICE,
									  offset);
	}
	return result;
}

/*
 * Open a staged file for a sync unless the file is open already.  Return 0 or
 * an error number.
 */
static int
open_for_sync(FfuFolder *folder, FfuStaged *staged)
{
	char		name[FFU_STAGING_MAX + 1];
	int64		size;

	if (staged->file.fd >= 0)
		return 0;
	ffu_spool_name(staged, name);
	return ffu_sys_open(folder->spool.staging_fd, name, &staged->file.fd,
						&size);
}

/*
 * Write a large file to the disk, and leave the file open.
 */
static void
flush_file(FfuFolder *folder, FfuOutgoing *file)
{
	FfuStaged  *staged = file->staged;
	int			result = 0;

	if (file->size <= FFU_SLICE)
		return;
	result = open_for_sync(folder, staged);
	if (result == 0)
		result = flush_slices(staged->file.fd, 0, file->size);
	if (result != 0)
		ffu_raise_io(result, "sync file", staged->path);
}

/*
 * Make one file durable.  In a folder that keeps order, one fsync after the
 * link makes the bytes and both names durable (docs/design.md).
 */
static void
sync_file(FfuFolder *folder, FfuOutgoing *file)
{
	FfuStaged  *staged = file->staged;
	int			result;

	CHECK_FOR_INTERRUPTS();
	flush_file(folder, file);
	result = open_for_sync(folder, staged);
	if (result == 0)
		result = ffu_sys_sync(staged->file.fd);
	ffu_sys_close(&staged->file.fd);
	if (result != 0)
		ffu_raise_io(result, "sync file", staged->path);
	FFU_FAULT("publish-after-sync");
}

/*
 * Write the bytes of a file to the disk.  The sync of another file must follow
 * and makes the names durable.
 */
static void
write_out_file(FfuFolder *folder, FfuOutgoing *file)
{
	FfuStaged  *staged = file->staged;
	int			result;

	CHECK_FOR_INTERRUPTS();
	flush_file(folder, file);
	result = open_for_sync(folder, staged);
	if (result == 0)
		result = ffu_sys_write_out(staged->file.fd);
	ffu_sys_close(&staged->file.fd);
	if (result != 0)
		ffu_raise_io(result, "write out file", staged->path);
}

/*
 * Steps 5 and 6 together, in a folder that keeps changes in order: write out
 * the bytes of all files, make the last path, and sync the file of that path.
 * This sync makes all earlier changes of names and inodes durable, so that a
 * thousand files take one flush of the disk instead of a thousand.  The last
 * path makes sure that the sync has a change to write.
 */
static void
publish_in_order(FfuFolder *folder, FfuOutgoing *files, uint32 n)
{
	uint32		i;

	for (i = 0; i < n - 1; i++)
		publish_file(folder, &files[i]);
	for (i = 0; i < n; i++)
		write_out_file(folder, &files[i]);
	FFU_FAULT("publish-after-write-out");
	publish_file(folder, &files[n - 1]);
	FFU_FAULT("publish-before-sync");
	sync_file(folder, &files[n - 1]);
}

/*
 * Step 6 by one sync of the whole file system.
 */
static void
sync_all(FfuFolder *folder, FfuOutgoing *files, uint32 n)
{
	uint32		i;
	int			result;

	for (i = 0; i < n; i++)
	{
		flush_file(folder, &files[i]);
		ffu_sys_close(&files[i].staged->file.fd);
	}
	result = ffu_sys_sync_all(folder->root_fd);
	if (result != 0)
		ffu_raise_io(result, "sync folder", ffu_root_path());
}

/*
 * Step 6: make files and names durable.
 */
static void
sync_files(FfuFolder *folder, FfuOutgoing *files, uint32 n)
{
	uint32		i;

	if (ffu_setting_fsync == FFU_FSYNC_OFF)
		return;
	if (must_sync_all(folder, n))
	{
		sync_all(folder, files, n);
		return;
	}
	for (i = 0; i < n; i++)
		sync_file(folder, &files[i]);
	if (must_sync_directories(&folder->spool))
		sync_directories(folder, files, n);
}

/*
 * Steps 5 and 6; see FfuStoreMethods.
 */
void
ffu_folder_publish(FfuStore *store, FfuOutgoing *files, uint32 n)
{
	FfuFolder  *folder = ffu_folder(store);
	uint32		i;

	announce_files(folder, files, n);
	if (folder->spool.in_order && n > 1 && ffu_setting_fsync == FFU_FSYNC_ON &&
		!must_sync_all(folder, n))
	{
		publish_in_order(folder, files, n);
		return;
	}
	for (i = 0; i < n; i++)
		publish_file(folder, &files[i]);
	FFU_FAULT("publish-before-sync");
	sync_files(folder, files, n);
}

/*
 * Make the bytes [from, to) of an open resumable upload durable, and close the
 * file.  If this transaction has begun the upload, make the name durable too.
 */
int
ffu_spool_sync_upload(FfuStore *store, FfuSpoolFile *file, int64 from,
					  int64 to, bool begun)
{
	int			result = flush_slices(file->fd, from, to);

	if (result == 0)
		result = ffu_sys_sync(file->fd);
	if (result == 0 && begun && must_sync_directories(store->spool))
		result = ffu_spool_sync_upload_names(store);
	ffu_sys_close(&file->fd);
	return result;
}
