/*-------------------------------------------------------------------------
 *
 * syscall.c
 *	  System calls on files, by directory descriptor and one name.
 *
 * Only the functions of this file change anything in a folder in use; prepare.c
 * makes a folder, outside.c removes imported files elsewhere.  Each function
 * takes the descriptor of a directory and a single name in that directory, or a
 * name below the directory that ffu alone makes: in a part of staging, or in
 * .ffu.  So no path is resolved twice, and no symbolic link is followed.
 *
 * Every function returns 0 or an error number.  No function raises an error,
 * allocates memory or calls fd.c, whose functions can raise: the COMMIT, ABORT
 * and release callbacks reach this file (I6).  test/t/003_no_raise.pl looks at
 * the object file.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/ioctl.h>
#include <sys/syscall.h>
/* The headers of the kernel are a package apart where musl is the C library. */
#if __has_include(<linux/fs.h>)
#include <linux/fs.h>
#endif
#if __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#endif
#endif

#include "utils/wait_event.h"

#include "base/fault.h"
#include "store/dir/syscall.h"

/*
 * Open the directory called name in dir.  Return ELOOP for a symbolic link, as
 * open_below does: the kernel's answer to this call is ENOTDIR.
 */
int
ffu_sys_open_dir(int dir, const char *name, int *fd)
{
	struct stat st;

	*fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd >= 0)
		return 0;
	if (errno != ENOTDIR)
		return errno;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
		return ELOOP;
	return ENOTDIR;
}

/*
 * Open the directory called name in dir to list its names, not following a
 * symbolic link.
 */
int
ffu_sys_open_list(int dir, const char *name, DIR **list)
{
	int			fd;
	int			result = ffu_sys_open_dir(dir, name, &fd);

	*list = result == 0 ? fdopendir(fd) : NULL;
	if (result == 0 && *list == NULL)
	{
		result = errno;
		ffu_sys_close(&fd);
	}
	return result;
}

/*
 * Make a directory with its final mode in one step: a later chmod would drop
 * the set-group-ID bit that the parent hands down.  Return EEXIST if the name
 * is taken.
 */
int
ffu_sys_make_dir(int dir, const char *name, mode_t mode)
{
	int			fault = FFU_FAULT_ERRNO("mkdir");
	mode_t		mask;
	int			result;

	if (fault != 0)
		return fault;
	mask = umask(0);
	result = mkdirat(dir, name, mode & 0777) < 0 ? errno : 0;
	umask(mask);
	return result;
}

/*
 * Remove an empty directory.
 */
int
ffu_sys_remove_dir(int dir, const char *name)
{
	int			fault = FFU_FAULT_ERRNO("rmdir");

	if (fault != 0)
		return fault;
	return unlinkat(dir, name, AT_REMOVEDIR) < 0 ? errno : 0;
}

/*
 * Create a file and open it for writing and reading.  Return EEXIST if the
 * name is taken.
 */
int
ffu_sys_create(int dir, const char *name, mode_t mode, int *fd)
{
	int			fault = FFU_FAULT_ERRNO("create");
	mode_t		mask;
	int			result;

	*fd = -1;
	if (fault != 0)
		return fault;
	mask = umask(0);
	*fd = openat(dir, name,
				 O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
				 mode & 0777);
	result = *fd < 0 ? errno : 0;
	umask(mask);
	return result;
}

/*
 * Check the result of open().  If the file is not regular, close it and return
 * EINVAL; else set *size, in bytes.
 */
static int
check_regular(int *fd, int64 *size)
{
	struct stat st;
	int			result = 0;

	if (*fd < 0)
		return errno;
	if (fstat(*fd, &st) < 0)
		result = errno;
	else if (!S_ISREG(st.st_mode))
		result = EINVAL;
	if (result != 0)
		ffu_sys_close(fd);
	else
		*size = st.st_size;
	return result;
}

/*
 * Open a regular file for reading, and set *size, in bytes.  Return ELOOP for
 * a symbolic link and EINVAL for a pipe or a device, without waiting for
 * either.
 */
int
ffu_sys_open(int dir, const char *name, int *fd, int64 *size)
{
	*fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return check_regular(fd, size);
}

/*
 * Open the file at a relative path in one system call.  No component of the
 * path may be a symbolic link, and none may lead upwards.  Return -1 and set
 * errno on failure; to ENOSYS if the kernel lacks the call or a filter forbids
 * the call.
 */
static int
open_below(int dir, const char *path, int flags)
{
#ifdef RESOLVE_BENEATH
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS
	};
	int			fd = (int) syscall(SYS_openat2, dir, path, &how, sizeof(how));

	/* Container runtimes before 2021 forbid unknown calls with EPERM. */
	if (fd < 0 && errno == EPERM)
		errno = ENOSYS;
	return fd;
#else
	errno = ENOSYS;
	return -1;
#endif
}

/*
 * Open the regular file at a relative path for reading, and set *size, in
 * bytes; see open_below.
 */
int
ffu_sys_open_below(int dir, const char *path, int *fd, int64 *size)
{
	int			fault = FFU_FAULT_ERRNO("open");

	*fd = -1;
	if (fault != 0)
		return fault;
	*fd = open_below(dir, path, O_RDONLY | O_NONBLOCK);
	return check_regular(fd, size);
}

/*
 * Open the directory at a relative path; see open_below.
 */
int
ffu_sys_open_dir_below(int dir, const char *path, int *fd)
{
	int			fault = FFU_FAULT_ERRNO("open-directory");

	*fd = -1;
	if (fault != 0)
		return fault;
	*fd = open_below(dir, path, O_RDONLY | O_DIRECTORY);
	return *fd < 0 ? errno : 0;
}

/*
 * Make *fd a second descriptor of an open file, and set *size, in bytes.
 */
int
ffu_sys_duplicate(int old, int *fd, int64 *size)
{
	*fd = fcntl(old, F_DUPFD_CLOEXEC, 0);
	return check_regular(fd, size);
}

/*
 * Open a regular file for writing and reading.
 */
int
ffu_sys_reopen(int dir, const char *name, int *fd)
{
	int64		size;

	*fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return check_regular(fd, &size);
}

/*
 * Write len bytes at offset.
 */
int
ffu_sys_write(int fd, const char *data, size_t len, int64 offset)
{
	int			fault = FFU_FAULT_ERRNO("write");

	if (fault != 0)
		return fault;
	while (len > 0)
	{
		ssize_t		written = pwrite(fd, data, len, offset);

		if (written < 0)
		{
			if (errno == EINTR)
				continue;
			return errno;
		}
		/* POSIX has no error number for this case; assume a full disk. */
		if (written == 0)
			return ENOSPC;
		data += written;
		len -= written;
		offset += written;
	}
	return 0;
}

/*
 * Cut a file off after size bytes.
 */
int
ffu_sys_cut(int fd, int64 size)
{
	int			fault = FFU_FAULT_ERRNO("truncate");

	if (fault != 0)
		return fault;
	return ftruncate(fd, size) < 0 ? errno : 0;
}

/*
 * Read len bytes at offset.  *got is less than len only at the end of the
 * file.
 */
int
ffu_sys_read(int fd, char *buf, size_t len, int64 offset, size_t *got)
{
	int			fault = FFU_FAULT_ERRNO("read");

	*got = 0;
	if (fault != 0)
		return fault;
	while (*got < len)
	{
		ssize_t		n = pread(fd, buf + *got, len - *got, offset + *got);

		if (n < 0)
		{
			if (errno == EINTR)
				continue;
			return errno;
		}
		if (n == 0)
			break;
		*got += n;
	}
	return 0;
}

/*
 * Set *size to the size of an open file, in bytes.
 */
int
ffu_sys_size(int fd, int64 *size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return errno;
	*size = st.st_size;
	return 0;
}

/*
 * Fill *st for a name in dir, not following a symbolic link.
 */
int
ffu_sys_look(int dir, const char *name, struct stat *st)
{
	return fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) < 0 ? errno : 0;
}

/*
 * Set *group to the group that a new file in this directory gets.
 */
int
ffu_sys_group(int dir, gid_t *group)
{
	struct stat st;

	*group = (gid_t) -1;
	if (fstat(dir, &st) < 0)
		return errno;
	*group = st.st_mode & S_ISGID ? st.st_gid : getegid();
	return 0;
}

/*
 * Give a file to a group, not following a symbolic link.
 */
int
ffu_sys_set_group(int dir, const char *name, gid_t group)
{
	return fchownat(dir, name, (uid_t) -1, group, AT_SYMLINK_NOFOLLOW) < 0 ?
		errno : 0;
}

/*
 * Set the mode of a file, not following a symbolic link.
 */
int
ffu_sys_set_mode(int dir, const char *name, mode_t mode)
{
	int			fault = FFU_FAULT_ERRNO("chmod");

	if (fault != 0)
		return fault;
	return fchmodat(dir, name, mode & 0777, AT_SYMLINK_NOFOLLOW) < 0 ?
		errno : 0;
}

/*
 * Ask the kernel to begin writing a file to the disk, without waiting, so that
 * the fsync before the commit has less to write.  The caller may ignore a
 * failure: ffu_sys_sync reports write errors again.
 */
int
ffu_sys_start_writeback(int fd)
{
#ifdef SYNC_FILE_RANGE_WRITE
	if (sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE) < 0)
		return errno;
#endif
	return 0;
}

/*
 * Begin writing the slice of a file at offset to the disk, and wait until the
 * slice at done is on the disk (-1: wait for no slice).  A large file is then
 * written while its bytes come in, and every wait is short enough to answer a
 * cancel request in time.  EIO, ENOSPC and EDQUOT mean lost bytes and are as
 * final as a failure of ffu_sys_sync; return 0 for all other errors, which
 * say that the file system cannot do this.
 */
int
ffu_sys_write_behind(int fd, int64 offset, int64 done)
{
#ifdef SYNC_FILE_RANGE_WRITE
	int			fault = FFU_FAULT_ERRNO("write-behind");

	if (fault != 0)
		return fault;
	if (sync_file_range(fd, offset, FFU_SLICE, SYNC_FILE_RANGE_WRITE) < 0 ||
		(done >= 0 &&
		 sync_file_range(fd, done, FFU_SLICE,
						 SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
						 SYNC_FILE_RANGE_WAIT_AFTER) < 0))
		return errno == EIO || errno == ENOSPC || errno == EDQUOT ? errno : 0;
#endif
	return 0;
}

/*
 * Call a function that waits for the disk.  pg_stat_activity shows the wait
 * event "Extension" meanwhile.
 */
static int
waited(int (*sync) (int fd), int fd)
{
	int			result;

	pgstat_report_wait_start(PG_WAIT_EXTENSION);
	result = sync(fd) < 0 ? errno : 0;
	pgstat_report_wait_end();
	return result;
}

/*
 * Write the bytes of a file out and wait for the end.  Return -1 and set errno
 * on failure, like a system call.
 */
static int
write_out(int fd)
{
#ifdef SYNC_FILE_RANGE_WRITE
	int			result = sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE |
										 SYNC_FILE_RANGE_WRITE |
										 SYNC_FILE_RANGE_WAIT_AFTER);

	/* Some sandboxes do not have this call. */
	if (result == 0 || errno != ENOSYS)
		return result;
#endif
	return fsync(fd);
}

/*
 * Write the bytes of a file to the disk and wait.  Metadata and the disk's own
 * cache are left out, so a sync must follow.  After a failure the file is
 * lost, as after a failed ffu_sys_sync.
 */
int
ffu_sys_write_out(int fd)
{
	int			fault = FFU_FAULT_ERRNO("write-out");

	if (fault != 0)
		return fault;
	return waited(write_out, fd);
}

/*
 * Set the times of a file or directory to now, so that the next sync has a
 * change to make durable.
 */
int
ffu_sys_touch(int fd)
{
	return futimens(fd, NULL) < 0 ? errno : 0;
}

/*
 * Make a file, or the names in a directory, durable.  After a failure the file
 * is lost: the kernel may have dropped the pages that failed, so a second
 * attempt would succeed without writing them.
 */
int
ffu_sys_sync(int fd)
{
	int			fault = FFU_FAULT_ERRNO("fsync");

	if (fault != 0)
		return fault;
	return waited(fsync, fd);
}

/*
 * Make the names in an open directory durable.  Return ENOENT if the directory
 * has been removed: its sync does nothing then, and the caller must sync the
 * directory above.
 */
int
ffu_sys_sync_dir(int fd)
{
	struct stat st;
	int			result = ffu_sys_sync(fd);

	if (result == 0 && fstat(fd, &st) < 0)
		result = errno;
	else if (result == 0 && st.st_nlink == 0)
		result = ENOENT;
	return result;
}

/*
 * Make everything on the file system of fd durable.  From Linux 5.8 on, the
 * result reports every write error since fd was opened.
 */
int
ffu_sys_sync_all(int fd)
{
	int			fault = FFU_FAULT_ERRNO("syncfs");

	if (fault != 0)
		return fault;
#ifdef __linux__
	return waited(syncfs, fd);
#else
	return ENOSYS;
#endif
}

/*
 * Give a file a second name.  Return EEXIST if that name is taken (I3).
 */
int
ffu_sys_link(int from_dir, const char *from, int to_dir, const char *to)
{
	int			fault = FFU_FAULT_ERRNO("link");

	if (fault != 0)
		return fault;
	return linkat(from_dir, from, to_dir, to, 0) < 0 ? errno : 0;
}

/*
 * Rename within one directory.
 */
int
ffu_sys_rename(int dir, const char *from, const char *to)
{
	int			fault = FFU_FAULT_ERRNO("rename");

	if (fault != 0)
		return fault;
	return renameat(dir, from, dir, to) < 0 ? errno : 0;
}

/*
 * Rename from one directory to another.
 */
int
ffu_sys_move(int from_dir, const char *from, int to_dir, const char *to)
{
	int			fault = FFU_FAULT_ERRNO("move");

	if (fault != 0)
		return fault;
	return renameat(from_dir, from, to_dir, to) < 0 ? errno : 0;
}

/*
 * Remove a file.  A missing file is success (I7).
 */
int
ffu_sys_unlink(int dir, const char *name)
{
	int			fault = FFU_FAULT_ERRNO("unlink");

	if (fault != 0)
		return fault;
	return unlinkat(dir, name, 0) < 0 && errno != ENOENT ? errno : 0;
}

/*
 * Let the empty file "to" share the blocks of the file "from" (reflink).  On
 * any error the caller copies the bytes: few file systems can share blocks.
 */
int
ffu_sys_clone(int to, int from)
{
#ifdef FICLONE
	return ioctl(to, FICLONE, from) < 0 ? errno : 0;
#else
	return ENOSYS;
#endif
}

/*
 * Close *fd if it is open and set it to -1.
 */
void
ffu_sys_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
