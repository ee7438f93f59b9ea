/*-------------------------------------------------------------------------
 *
 * file_system.c
 *	  The kind and the abilities of a folder's file system.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"

#include "store/dir/file_system.h"

/* Magic numbers of file systems, from statfs(2) */
#define EXT_MAGIC			0xEF53
#define XFS_MAGIC			0x58465342
#define BTRFS_MAGIC			0x9123683E
#define TMPFS_MAGIC			0x01021994
#define NFS_MAGIC			0x6969
#define OVERLAY_MAGIC		0x794c7630

/*
 * Tell whether the ext2, ext3 or ext4 file system of device dev has a journal.
 * Without a journal, an fsync of a file does not make its names durable.
 * Return false if the answer is unknown.  May raise an error.
 */
static bool
ext_has_journal(dev_t dev)
{
	char		link[64];
	char		target[MAXPGPATH];
	const char *name;
	struct dirent *de;
	DIR		   *dir;
	ssize_t		len;
	bool		found = false;

	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u",
			 major(dev), minor(dev));
	len = readlink(link, target, sizeof(target) - 1);
	if (len < 0)
		return false;
	target[len] = '\0';
	name = last_dir_separator(target);
	name = name ? name + 1 : target;
	dir = AllocateDir("/proc/fs/jbd2");
	if (dir == NULL)
		return false;
	while (!found &&
		   (de = ReadDirExtended(dir, "/proc/fs/jbd2", DEBUG1)) != NULL)
		found = strncmp(de->d_name, name, strlen(name)) == 0 &&
			de->d_name[strlen(name)] == '-';
	FreeDir(dir);
	return found;
}

/*
 * Return the name of the file system of an open file, which is constant.  Set
 * *in_order to whether changes of names and inodes become durable there in the
 * order of their making.  May raise an error.
 */
const char *
ffu_file_system_name(int fd, bool *in_order)
{
	struct statfs fs;
	struct stat st;

	*in_order = false;
	if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
		return "unknown";
	switch ((uint32) fs.f_type)
	{
		case EXT_MAGIC:
			if (!ext_has_journal(st.st_dev))
				return "ext without journal";
			*in_order = true;
			return "ext4";
		case XFS_MAGIC:
			*in_order = true;
			return "xfs";
		case BTRFS_MAGIC:
			return "btrfs";
		case TMPFS_MAGIC:
			return "tmpfs";
		case NFS_MAGIC:
			return "nfs";
		case OVERLAY_MAGIC:
			return "overlay";
		default:
			return "other";
	}
}

/*
 * Tell whether the kernel reports write errors of a sync of a whole file
 * system (Linux 5.8).  Raise no error.
 */
bool
ffu_file_system_has_sync_all(void)
{
	static int	kernel = -1;
	struct utsname uts;
	char	   *dot;
	long		version;

	if (kernel < 0)
	{
		kernel = 0;
		if (uname(&uts) == 0 && strcmp(uts.sysname, "Linux") == 0)
		{
			version = strtol(uts.release, &dot, 10);
			kernel = version > 5 ||
				(version == 5 && *dot == '.' &&
				 strtol(dot + 1, NULL, 10) >= 8);
		}
	}
	return kernel;
}

/*
 * Tell whether one sync of the whole file system may replace the syncs of many
 * files.  The database must be on another file system, since such a sync would
 * flush the database too.  Raise no error.
 */
bool
ffu_file_system_may_sync_all(int fd)
{
	struct stat root;
	struct stat other;
	struct statfs fs;
	char		wal[MAXPGPATH];

	snprintf(wal, sizeof(wal), "%s/pg_wal", DataDir);
	if (!ffu_file_system_has_sync_all() || fstat(fd, &root) < 0 || fstatfs(fd, &fs) < 0 ||
		stat(DataDir, &other) < 0 || root.st_dev == other.st_dev ||
		stat(wal, &other) < 0 || root.st_dev == other.st_dev)
		return false;
	/* Each btrfs subvolume has a separate device number. */
	return (uint32) fs.f_type != BTRFS_MAGIC;
}
