/*-------------------------------------------------------------------------
 *
 * sync.c
 *	  Makes published files and their names durable: step 6 of the protocol.
 *
 *	bytes			a fsync of the file
 *	names			the same fsync, if the file system keeps changes in order
 *					(ext4 with a journal, xfs); otherwise a fsync of each
 *					directory of the path, and of the part of staging
 *	many files		in order: one fsync of the last file; or one sync of the
 *					whole file system, where nothing else would be flushed
 *
 * For the names of removed files see store_dir.c and remove_dir.c, for the
 * names in .ffu control.c.
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
#include "store/dir/sync.h"
#include "store/dir/syscall.h"
#include "text/path.h"

/*
 * Number of files from which one sync of the whole file system is cheaper than
 * a sync of each file, where allowed.
 */
#define SYNC_ALL_FROM	8

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
bool
ffu_sync_is_whole(const FfuFolder *folder, uint32 n)
{
	return folder->can_sync_all && n >= SYNC_ALL_FROM &&
		ffu_setting_fsync == FFU_FSYNC_ON;
}

/*
 * Sync a part of the staging directory.  A part that is missing has no names.
 */
static void
sync_part(FfuFolder *folder, int number)
{
	char		part[FFU_STAGING_PART_LEN + 1];
	int			fd;
	int			result;

	ffu_staging_part(part, number);
	result = ffu_sys_open_dir(folder->spool.staging_fd, part, &fd);
	if (result == 0)
		result = ffu_sys_sync(fd);
	ffu_sys_close(&fd);
	if (result != 0 && result != ENOENT)
		ffu_raise_io(result, "sync staging directory of folder",
					 ffu_root_path());
}

/*
 * Make the staging names of a transaction durable before a path is made (I2).
 * A folder that keeps changes in order needs no sync for that.
 */
void
ffu_sync_staging(FfuFolder *folder, uint64 fxid)
{
	if (must_sync_directories(&folder->spool))
		sync_part(folder, fxid % FFU_STAGING_PARTS);
}

/*
 * Make the removals of staging names durable before files are removed.  A file
 * system without a journal may give the inode of a removed file to a new
 * directory while a removed staging name of that file is still on the disk.
 * After a power cut the directory then has two names, and the repair of the
 * file system may take away the right one, with all files in it.
 */
void
ffu_sync_staging_parts(FfuFolder *folder)
{
	int			i;

	if (!must_sync_directories(&folder->spool))
		return;
	for (i = 0; i < FFU_STAGING_PARTS; i++)
	{
		CHECK_FOR_INTERRUPTS();
		sync_part(folder, i);
	}
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
 * Bring a file to the disk by a system call, and close the file.  action names
 * the call in messages.
 */
static void
finish_file(FfuFolder *folder, FfuOutgoing *file, int (*call) (int fd),
			const char *action)
{
	FfuStaged  *staged = file->staged;
	int			result;

	CHECK_FOR_INTERRUPTS();
	flush_file(folder, file);
	result = open_for_sync(folder, staged);
	if (result == 0)
		result = call(staged->file.fd);
	ffu_sys_close(&staged->file.fd);
	if (result != 0)
		ffu_raise_io(result, action, staged->path);
}

/*
 * Make one file durable.  In a folder that keeps order, one fsync after the
 * link makes the bytes and both names durable (docs/design.md).
 */
void
ffu_sync_file(FfuFolder *folder, FfuOutgoing *file)
{
	finish_file(folder, file, ffu_sys_sync, "sync file");
	FFU_FAULT("publish-after-sync");
}

/*
 * Write the bytes of a file to the disk.  The sync of another file must follow
 * and makes the names durable.
 */
void
ffu_sync_write_out(FfuFolder *folder, FfuOutgoing *file)
{
	finish_file(folder, file, ffu_sys_write_out, "write out file");
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
void
ffu_sync_files(FfuFolder *folder, FfuOutgoing *files, uint32 n)
{
	uint32		i;

	if (ffu_setting_fsync == FFU_FSYNC_OFF)
		return;
	if (ffu_sync_is_whole(folder, n))
	{
		sync_all(folder, files, n);
		return;
	}
	for (i = 0; i < n; i++)
		ffu_sync_file(folder, &files[i]);
	if (must_sync_directories(&folder->spool))
		sync_directories(folder, files, n);
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
