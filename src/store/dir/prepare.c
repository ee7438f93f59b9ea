/*-------------------------------------------------------------------------
 *
 * prepare.c
 *	  Prepares a folder for its claim.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"

#include "base/error.h"
#include "base/settings.h"
#include "store/dir/prepare.h"
#include "store/dir/root.h"
#include "store/dir/syscall.h"
#include "text/path.h"

/*
 * Refuse a folder: raise 55000 with this detail and hint.
 */
void
ffu_prepare_refuse(const char *path, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("folder \"%s\" cannot be used", path),
			 errdetail_internal("%s", detail),
			 errhint("%s", hint)));
}

/*
 * Raise an error for a system call on a folder.
 */
void
ffu_prepare_refuse_error(const char *path, int error, const char *hint)
{
	ffu_prepare_refuse(path, psprintf("The operating system says: %s.",
									  strerror(error)), hint);
}

/*
 * Make a directory with the mode of ffu.directory_mode, unless path exists.
 * Return 0 or an error number.
 *
 * mkdir() ignores the set-group-ID bit, but the parent may hand the bit down.
 * A chmod() by an owner outside the group of the directory would drop it.
 */
static int
make_directory(const char *path)
{
	mode_t		special = ffu_setting_directory_mode & ~0777;
	mode_t		mask = umask(0);
	int			result = 0;
	struct stat st;

	if (mkdir(path, ffu_setting_directory_mode & 0777) < 0)
		result = errno;
	umask(mask);
	if (result == 0 && stat(path, &st) == 0 && (st.st_mode & special) != special)
		(void) chmod(path, ffu_setting_directory_mode);
	return result == EEXIST ? 0 : result;
}

/*
 * Return the real path of a folder, palloc'd.  If only the last component is
 * missing, make the directory.
 */
char *
ffu_prepare_path(const char *path)
{
	char		real[PATH_MAX];
	int			result;

	if (!is_absolute_path(path))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("path of a folder must be absolute"),
				 errdetail("The path is \"%s\".",
						   ffu_shown(path, strlen(path))),
				 errhint("Write it from the root of the file system on, such as /srv/ffu.")));
	result = make_directory(path);
	if (result != 0 || realpath(path, real) == NULL)
		ffu_prepare_refuse_error(path, result ? result : errno,
								 "Make the folder, and give it to the operating system user of the server: install -d -o postgres -g www-data -m 2750 /path.");
	if (strlen(real) >= MAXPGPATH)
		ffu_prepare_refuse_error(path, ENAMETOOLONG, "Choose a shorter path.");
	return pstrdup(real);
}

/*
 * Refuse a folder that the server cannot write to, or that other users can.
 */
static void
check_permissions(const char *path, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		ffu_prepare_refuse_error(path, errno, "Choose another folder.");
	if (st.st_mode & (S_IWOTH | S_IWGRP))
		ffu_prepare_refuse(path,
						   psprintf("It may be written by others: its mode is %04o.",
									(unsigned) st.st_mode & 07777),
						   "Take the right away: chmod g-w,o-w.");
	if (faccessat(fd, ".", R_OK | W_OK | X_OK, AT_EACCESS) < 0)
		ffu_prepare_refuse_error(path, errno,
								 "Give the folder to the operating system user of the server: chown postgres.");
}

/*
 * Try to make a hard link.  Return 0, or an error number on a file system
 * without hard links.
 */
static int
try_hard_link(int dir)
{
	char		from[32];
	char		to[32];
	int			fd;
	int			result;

	snprintf(from, sizeof(from), "try.%d", MyProcPid);
	snprintf(to, sizeof(to), "try.%d.link", MyProcPid);
	result = ffu_sys_create(dir, from, 0600, &fd);
	if (result != 0)
		return result;
	ffu_sys_close(&fd);
	result = ffu_sys_link(dir, from, dir, to);
	(void) ffu_sys_unlink(dir, to);
	(void) ffu_sys_unlink(dir, from);
	return result;
}

/*
 * Make a directory with mode 0700 unless the directory exists, and open the
 * directory.  Return 0 or an error number.
 */
static int
enter_control(int dir, const char *name, int *fd)
{
	int			result = ffu_sys_make_dir(dir, name, 0700);

	if (result != 0 && result != EEXIST)
		return result;
	result = ffu_sys_open_dir(dir, name, fd);
	return result ? result : ffu_sys_sync(dir);
}

/*
 * Make the parts of the staging directory.  Return 0 or an error number.
 */
static int
make_parts(int staging)
{
	int			i;

	for (i = 0; i < FFU_STAGING_PARTS; i++)
	{
		char		name[FFU_STAGING_PART_LEN + 1];
		int			result;
		int			part = -1;

		ffu_staging_part(name, i);
		result = ffu_sys_make_dir(staging, name, 0700);
		if (result == EEXIST)
			result = ffu_sys_open_dir(staging, name, &part);
		ffu_sys_close(&part);
		if (result != 0)
			return result;
	}
	return ffu_sys_sync(staging);
}

/*
 * Open a folder that the server can write to, and other users cannot.  hint
 * says what to do if the folder cannot be opened.  The caller closes the
 * descriptor.
 */
static int
open_checked(const char *path, const char *hint)
{
	int			fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		ffu_prepare_refuse_error(path, errno, hint);
	PG_TRY();
	{
		check_permissions(path, fd);
	}
	PG_CATCH();
	{
		close(fd);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return fd;
}

/*
 * Refuse a directory for the folders of databases if the server cannot write
 * to the directory, or if other users can: they could put links there.
 */
void
ffu_prepare_parent(const char *path)
{
	close(open_checked(path, "Make the directory of ffu.folder_parent: install -d -o postgres -g www-data -m 2750 /path."));
}

/*
 * Open a folder and the .ffu directory, and make the missing parts of both.
 * *directory is .ffu; the caller closes it.
 */
void
ffu_prepare_folder(const char *path, FfuControl *directory)
{
	int			root = open_checked(path, "Choose another folder.");
	int			control = -1;
	int			staging = -1;
	int			result;

	result = enter_control(root, FFU_CONTROL_DIR, &control);
	close(root);
	if (result == 0)
		result = enter_control(control, FFU_STAGING_DIR, &staging);
	if (result == 0)
		result = make_parts(staging);
	ffu_sys_close(&staging);
	if (result == 0)
		result = try_hard_link(control);
	if (result != 0)
	{
		ffu_sys_close(&control);
		ffu_prepare_refuse_error(path, result,
								 "The folder must be on a file system with hard links, and its .ffu directory must belong to the operating system user of the server.");
	}
	directory->fd = control;
}

/*
 * Close the .ffu directory.
 */
void
ffu_prepare_close(FfuControl *directory)
{
	ffu_sys_close(&directory->fd);
}

/*
 * Make everything in a folder durable.  control is the open .ffu directory.
 * The tool that has copied the folder may not have synced the copy, and the
 * owner file must not name this server before the copy is durable (W14).
 */
void
ffu_prepare_sync(const char *path, const FfuControl *control)
{
	int			result = ffu_setting_fsync == FFU_FSYNC_OFF ?
	0 : ffu_sys_sync_all(control->fd);

	if (result != 0 && result != ENOSYS)
		ffu_prepare_refuse_error(path, result, "See what is wrong with its disk.");
}
