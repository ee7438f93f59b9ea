/*-------------------------------------------------------------------------
 *
 * publish_dir.c
 *	  Steps 5 and 6 of the protocol in a folder.
 *
 *	5	rename each staging name to include the path, then link the path (I2,
 *		I3)
 *	6	make files and names durable (I1), in this order: a fsync before the
 *		link, or a rename after the fsync, would not survive a power cut.  How
 *		is in sync.c.
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

/* Number of times to remake a directory that other sessions keep removing */
#define MAKE_TRIES	10

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
	if (announced)
		ffu_sync_staging(folder, files[0].staged->fxid);
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
	/* Not earlier: a ROLLBACK must leave a linked file unchanged. */
	result = file->from_outside ?
		ffu_folder_set_mode(&folder->store, staged->path) : 0;
	if (result != 0)
		ffu_raise_io(result, "set mode of file", staged->path);
	FFU_FAULT("publish-after-file");
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
		ffu_sync_write_out(folder, &files[i]);
	FFU_FAULT("publish-after-write-out");
	publish_file(folder, &files[n - 1]);
	FFU_FAULT("publish-before-sync");
	ffu_sync_file(folder, &files[n - 1]);
}

/*
 * Do step 5 for the files that the syncer syncs later, and move the other files
 * to the front.  Return the number of the other files.
 */
static uint32
publish_later(FfuFolder *folder, FfuOutgoing *files, uint32 n)
{
	uint32		rest = 0;
	uint32		i;

	for (i = 0; i < n; i++)
	{
		FfuOutgoing file = files[i];

		if (file.later)
		{
			publish_file(folder, &file);
			ffu_sys_close(&file.staged->file.fd);
			continue;
		}
		files[i] = files[rest];
		files[rest++] = file;
	}
	return rest;
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
	n = publish_later(folder, files, n);
	if (n == 0)
		return;
	if (folder->spool.in_order && n > 1 && ffu_setting_fsync == FFU_FSYNC_ON &&
		!ffu_sync_is_whole(folder, n))
	{
		publish_in_order(folder, files, n);
		return;
	}
	for (i = 0; i < n; i++)
		publish_file(folder, &files[i]);
	FFU_FAULT("publish-before-sync");
	ffu_sync_files(folder, files, n);
}
