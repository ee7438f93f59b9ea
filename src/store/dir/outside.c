/*-------------------------------------------------------------------------
 *
 * outside.c
 *	  Files of this server outside the folder.
 *
 * A file is opened once, and everything goes through the same descriptor.  The
 * last component of the path is never a symbolic link.
 *
 * No function here raises an error or allocates memory (I6): the COMMIT
 * callback removes the source of a moved file.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "base/fault.h"
#include "store/dir/folder.h"
#include "store/dir/outside.h"
#include "store/dir/syscall.h"

/*
 * Open the directory of a file and find its real path.  Links are followed.
 * Return ESTALE if the directory is replaced meanwhile.
 */
int
ffu_outside_enter(FfuOutside *file, const char *directory, const char **action)
{
	char		real[PATH_MAX];
	struct stat st;

	*action = "open directory";
	file->dir_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (file->dir_fd < 0 || fstat(file->dir_fd, &file->dir_st) < 0)
		return errno;
	*action = "find directory";
	if (realpath(directory, real) == NULL || stat(real, &st) < 0)
		return errno;
	if (st.st_dev != file->dir_st.st_dev || st.st_ino != file->dir_st.st_ino)
		return ESTALE;
	return strlcpy(file->dir_path, real, MAXPGPATH) < MAXPGPATH ? 0 :
		ENAMETOOLONG;
}

/*
 * Open a directory below root, or root itself for "".  Links are followed up
 * to root, and not below root.  below may be the work of strangers: the caller
 * has checked that every component leads downwards.
 */
int
ffu_outside_open_below(const char *root, const char *below, int *fd)
{
	const char *p = below;

	*fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	while (*fd >= 0 && *p)
	{
		char		component[NAME_MAX + 1];
		size_t		len = strcspn(p, "/");
		int			next;
		int			error = ENAMETOOLONG;

		if (len < sizeof(component))
		{
			strlcpy(component, p, len + 1);
			next = openat(*fd, component, O_PATH | O_DIRECTORY | O_NOFOLLOW |
						  O_CLOEXEC);
			error = errno;
		}
		else
			next = -1;
		ffu_sys_close(fd);
		errno = error;
		*fd = next;
		p += p[len] ? len + 1 : len;
	}
	return *fd < 0 ? errno : 0;
}

/*
 * Open the directory below root of a file, and find its real path.
 */
int
ffu_outside_enter_below(FfuOutside *file, const char *root, const char *below,
						const char **action)
{
	char		link[64];
	ssize_t		len;
	int			result;

	*action = "open directory of file";
	result = ffu_outside_open_below(root, below, &file->dir_fd);
	if (result == 0 && fstat(file->dir_fd, &file->dir_st) < 0)
		result = errno;
	if (result != 0)
		return result;
	*action = "find directory of file";
	snprintf(link, sizeof(link), "/proc/self/fd/%d", file->dir_fd);
	len = readlink(link, file->dir_path, MAXPGPATH - 1);
	if (len < 0)
		return errno;
	file->dir_path[len] = '\0';
	return 0;
}

/*
 * Look at the file without opening the file: to open a device could have an
 * effect on the device.  A path that ends in a slash, "." or ".." names a
 * directory.
 */
int
ffu_outside_look(FfuOutside *file)
{
	return ffu_sys_look(file->dir_fd, *file->name ? file->name : ".", &file->st);
}

/*
 * Open the regular file that ffu_outside_look has seen.  Return ESTALE if the
 * file was replaced since.
 */
int
ffu_outside_open(FfuOutside *file, const char **action)
{
	struct stat seen = file->st;
	int64		size;
	int			result;

	*action = "open file";
	result = ffu_sys_open(file->dir_fd, file->name, &file->fd, &size);
	if (result != 0)
		return result;
	*action = "read file";
	result = ffu_outside_refresh(file);
	if (result != 0)
		return result;
	return seen.st_dev == file->st.st_dev && seen.st_ino == file->st.st_ino ?
		0 : ESTALE;
}

/*
 * Note the state of the open file.
 */
int
ffu_outside_refresh(FfuOutside *file)
{
	return fstat(file->fd, &file->st) < 0 ? errno : 0;
}

/*
 * Tell whether a file has not changed since its state was noted.  The access
 * time may differ.
 */
bool
ffu_outside_is_unchanged(const FfuOutside *file)
{
	const struct stat *old = &file->st;
	struct stat now;

	return fstat(file->fd, &now) == 0 && now.st_size == old->st_size &&
		now.st_mtim.tv_sec == old->st_mtim.tv_sec &&
		now.st_mtim.tv_nsec == old->st_mtim.tv_nsec &&
		now.st_ctim.tv_sec == old->st_ctim.tv_sec &&
		now.st_ctim.tv_nsec == old->st_ctim.tv_nsec;
}

/*
 * Tell whether the server may give a file of its user to this group.
 */
static bool
may_give_to(gid_t group)
{
	gid_t		groups[256];
	int			n = getgroups(lengthof(groups), groups);
	int			i;

	if (geteuid() == 0 || group == getegid())
		return true;
	for (i = 0; i < n; i++)
	{
		if (groups[i] == group)
			return true;
	}
	return false;
}

/*
 * Tell whether a file can become a stored file by a link.  The store must set
 * modes, the server's user must own the file alone, the file system must be
 * the spool's, and publishing must be able to set the permissions and the group
 * of a new file.
 */
bool
ffu_outside_is_linkable(const FfuOutside *file, const FfuStore *store)
{
	int			staging_fd = store->spool->staging_fd;
	struct stat staging;
	gid_t		group;

	return store->methods->set_mode != NULL &&
		file->st.st_uid == geteuid() && file->st.st_nlink == 1 &&
		fstat(staging_fd, &staging) == 0 &&
		staging.st_dev == file->st.st_dev &&
		ffu_sys_group(staging_fd, &group) == 0 &&
		(group == file->st.st_gid || may_give_to(group));
}

/*
 * Tell whether the server may remove the file.  If not, set errno.
 */
bool
ffu_outside_may_remove(const FfuOutside *file)
{
	return faccessat(file->dir_fd, ".", W_OK | X_OK, 0) == 0;
}

/*
 * Read the open file, which must stay open as long as the reader.
 */
void
ffu_outside_borrow(const FfuOutside *file, FfuReader *reader)
{
	reader->methods = &ffu_borrowing_reader;
	reader->size = file->st.st_size;
	reader->source.fd = file->fd;
}

/*
 * Note the identity of the file for a later removal.  The texts of *source are
 * the file's.
 */
void
ffu_outside_source(const FfuOutside *file, FfuSource *source)
{
	source->dir = file->dir_path;
	source->name = file->name;
	source->dir_device = file->dir_st.st_dev;
	source->dir_inode = file->dir_st.st_ino;
	source->device = file->st.st_dev;
	source->inode = file->st.st_ino;
	source->size = file->st.st_size;
	source->mtime = file->st.st_mtim;
}

/*
 * Compare a file in an open directory with the file's identity at import time.
 * Return 0 if both are equal, ESTALE if the file was replaced.
 */
static int
check_source(int dir, const FfuSource *source)
{
	struct stat dir_st;
	struct stat st;

	if (fstat(dir, &dir_st) < 0 ||
		fstatat(dir, source->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno;
	return dir_st.st_dev == source->dir_device &&
		dir_st.st_ino == source->dir_inode &&
		st.st_dev == source->device && st.st_ino == source->inode &&
		st.st_size == source->size &&
		st.st_mtim.tv_sec == source->mtime.tv_sec &&
		st.st_mtim.tv_nsec == source->mtime.tv_nsec ? 0 : ESTALE;
}

/*
 * Remove the original of a file that was moved into the folder.  Return ESTALE
 * if the file or its directory was replaced since the import.  A missing file
 * is success (I7).
 */
int
ffu_outside_remove(const FfuSource *source)
{
	int			fault = FFU_FAULT_ERRNO("unlink");
	int			dir;
	int			result;

	if (fault != 0)
		return fault;
	dir = open(source->dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOENT ? 0 : errno;
	result = check_source(dir, source);
	if (result == 0 && unlinkat(dir, source->name, 0) < 0)
		result = errno;
	close(dir);
	return result == ENOENT ? 0 : result;
}

/*
 * Close the descriptors that are open.
 */
void
ffu_outside_close(FfuOutside *file)
{
	ffu_sys_close(&file->fd);
	ffu_sys_close(&file->dir_fd);
}

/*
 * Is there a file or directory with this path?
 */
bool
ffu_outside_exists(const char *path)
{
	return access(path, F_OK) == 0;
}
