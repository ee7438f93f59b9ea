/*-------------------------------------------------------------------------
 *
 * describe.c
 *	  Describes the folder of a database, for ffu.status.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/settings.h"
#include "store/dir/describe.h"
#include "store/dir/file_system.h"
#include "store/dir/folder.h"
#include "store/dir/syscall.h"
#include "text/path.h"

/*
 * Describe how files in this folder are made durable.  The result is a
 * constant.
 */
static const char *
durability(const FfuFolder *folder)
{
	if (ffu_setting_fsync == FFU_FSYNC_OFF)
		return "none: ffu.fsync is off";
	if (!folder->spool.in_order)
		return "fsync of each file and of its directories";
	if (folder->can_sync_all)
		return "one fsync for the files of a transaction; one syncfs for many";
	return "one fsync for the files of a transaction";
}

/*
 * Count the names in a part of the staging directory.  Return -1 if the part
 * cannot be read.
 */
static int64
count_part(const FfuFolder *folder, const char *part)
{
	int64		count = 0;
	DIR		   *dir;
	struct dirent *de;
	int			result = ffu_sys_open_list(folder->spool.staging_fd, part,
										   &dir);

	if (result != 0)
		return result == ENOENT ? 0 : -1;
	while (errno = 0, (de = readdir(dir)) != NULL)
		count += de->d_name[0] != '.';
	if (errno != 0)
		count = -1;
	closedir(dir);
	return count;
}

/*
 * Count the staging names.  Return -1 if a part cannot be read.
 */
static int64
count_staged(const FfuFolder *folder)
{
	int64		count = 0;
	int			i;

	for (i = 0; i < FFU_STAGING_PARTS; i++)
	{
		char		part[FFU_STAGING_PART_LEN + 1];
		int64		n;

		ffu_staging_part(part, i);
		n = count_part(folder, part);
		if (n < 0)
			return -1;
		count += n;
	}
	return count;
}

/*
 * Tell whether the server may make names in every part of the staging
 * directory.  A missing part is no obstacle: the server makes missing parts.
 */
static bool
may_stage(const FfuFolder *folder)
{
	char		part[FFU_STAGING_PART_LEN + 1] = ".";
	bool		may = faccessat(folder->spool.staging_fd, part, W_OK | X_OK,
								AT_EACCESS) == 0;
	int			i;

	for (i = 0; may && i < FFU_STAGING_PARTS; i++)
	{
		ffu_staging_part(part, i);
		may = faccessat(folder->spool.staging_fd, part, W_OK | X_OK,
						AT_EACCESS) == 0 || errno == ENOENT;
	}
	return may;
}

/*
 * Return the name of a user or group, palloc'd, or the number of one without a
 * name.
 */
static char *
name_or_number(const char *name, unsigned number)
{
	return name ? pstrdup(name) : psprintf("%u", number);
}

/*
 * Describe owner and mode of an open folder.
 */
static void
describe_rights(const FfuFolder *folder, FfuDescription *place)
{
	struct stat st;
	struct passwd *user;
	struct group *group;
	char	   *user_name;

	if (fstat(folder->root_fd, &st) < 0)
		return;
	user = getpwuid(st.st_uid);
	user_name = name_or_number(user ? user->pw_name : NULL, st.st_uid);
	group = getgrgid(st.st_gid);
	place->owner = psprintf("%s:%s", user_name,
							name_or_number(group ? group->gr_name : NULL,
										   st.st_gid));
	place->mode = psprintf("%04o (files %04o, directories %04o)",
						   (unsigned) st.st_mode & 07777,
						   (unsigned) ffu_setting_file_mode,
						   (unsigned) ffu_setting_directory_mode);
}

/*
 * Describe an open folder.
 */
static void
describe(const FfuFolder *folder, FfuDescription *place)
{
	struct statvfs fs;
	bool		in_order;

	place->file_system = ffu_file_system_name(folder->root_fd, &in_order);
	place->durability = durability(folder);
	place->staged = count_staged(folder);
	if (fstatvfs(folder->root_fd, &fs) == 0)
		place->free_bytes = (int64) fs.f_bavail * fs.f_frsize;
	describe_rights(folder, place);
	place->writable = faccessat(folder->root_fd, ".", W_OK | X_OK,
								AT_EACCESS) == 0 && may_stage(folder);
}

/*
 * Open the folder of a claim and describe it.  The texts of *place are palloc'd
 * or constant.  If the folder cannot be used, return false, with the reason in
 * *trouble.
 */
bool
ffu_describe_folder(const FfuClaim *claim, FfuDescription *place,
					FfuTrouble *trouble)
{
	FfuFolder	folder;

	memset(place, 0, sizeof(*place));
	place->free_bytes = -1;
	if (!ffu_root_open(claim, &folder, trouble))
		return false;
	PG_TRY();
	{
		describe(&folder, place);
	}
	PG_FINALLY();
	{
		ffu_root_close(&folder);
	}
	PG_END_TRY();
	return true;
}
