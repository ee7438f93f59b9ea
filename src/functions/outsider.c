/*-------------------------------------------------------------------------
 *
 * outsider.c
 *	  A file of this server outside the folder: opening, checking, importing.
 *
 * The file is opened once.  Every check, and the reading, goes through the
 * same descriptor.  The last component of the path is never a symbolic link.
 * The directories above may be links; the real path decides whether the file
 * may be imported.
 *
 * A moved file is linked if possible: the server's user owns the file, and the
 * file has no second name, so nobody else changes the stored file later.  The
 * old name is removed after commit (step 8).  Until then, and for ever if the
 * transaction aborts, the file keeps the old name.
 *
 * A path below a root may be the work of strangers, since rows name the files
 * that ffu.adopt takes.  Such a path is followed component by component,
 * without following links, and never upwards.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "base/error.h"
#include "base/fault.h"
#include "functions/outsider.h"
#include "functions/server_place.h"
#include "store/dir/root.h"
#include "store/dir/syscall.h"
#include "sweep/sweep.h"
#include "text/file_name.h"
#include "upload/upload.h"

static void refuse_system(const char *action, const char *path) pg_attribute_noreturn();
static void refuse_place(const FfuOutsider *file, const char *detail, const char *hint) pg_attribute_noreturn();
static void refuse_change(const FfuOutsider *file) pg_attribute_noreturn();

/*
 * Raise 42501 if the caller lacks the privileges of a role.
 */
static void
check_role(Oid role, const char *name, const char *action)
{
	if (has_privs_of_role(GetUserId(), role))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to %s files of the server", action),
			 errdetail("Only roles with privileges of role \"%s\" may.", name),
			 errhint("Have a superuser run GRANT %s TO %s.", name,
					 quote_identifier(GetUserNameFromId(GetUserId(), false)))));
}

/*
 * Raise 42501 if the caller may not read files of the server.
 */
void
ffu_outsider_check_read(void)
{
	check_role(ROLE_PG_READ_SERVER_FILES, "pg_read_server_files", "read");
}

/*
 * Check for a function that the caller may upload files of the server, and with
 * move also take the files away, and get ready for an upload.
 */
void
ffu_outsider_prepare(const char *function, bool move)
{
	ffu_upload_prevent(function);
	ffu_outsider_check_read();
	if (move)
		check_role(ROLE_PG_WRITE_SERVER_FILES, "pg_write_server_files", "move");
	ffu_sweep_first_use();
	(void) ffu_root_use();
}

/*
 * Raise an error for a system call on a file outside the folder, from errno.
 */
static void
refuse_system(const char *action, const char *path)
{
	ereport(ERROR,
			(errcode_for_file_access(),
			 errmsg("could not %s \"%s\": %m", action, path),
			 errdetail("The operating system user of the server has to be able to do this."),
			 errhint("The path is one on the server, not on the client.")));
}

/*
 * Refuse the directory of a file.
 */
static void
refuse_place(const FfuOutsider *file, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("file \"%s\" cannot be imported from where it is",
					file->path),
			 errdetail_internal("%s", detail),
			 errhint("%s", hint)));
}

/*
 * Refuse a file that somebody is changing.
 */
static void
refuse_change(const FfuOutsider *file)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("file \"%s\" changed while it was being read",
					file->path),
			 errdetail("Size, times or name of the file changed. Nothing was stored."),
			 errhint("Import it when nobody writes to it any more.")));
}

/*
 * Describe the kind of a file that is not regular.  The result is a constant.
 */
const char *
ffu_outsider_kind(mode_t mode)
{
	if (S_ISLNK(mode))
		return "a symbolic link";
	if (S_ISDIR(mode))
		return "a directory";
	if (S_ISFIFO(mode))
		return "a pipe";
	if (S_ISSOCK(mode))
		return "a socket";
	return "a device";
}

/*
 * Split a path, open the directory, and find the real path of the directory.
 */
static void
open_directory_of(FfuOutsider *file)
{
	const char *slash;
	char	   *parent;
	char		real[PATH_MAX];
	struct stat st;

	Assert(file->path != NULL);
	if (!is_absolute_path(file->path))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("path of a file to import must be absolute"),
				 errdetail("The path is \"%s\".",
						   ffu_shown(file->path, strlen(file->path))),
				 errhint("Write it from the root of the file system on.")));
	slash = strrchr(file->path, '/');
	file->name = slash + 1;
	parent = slash == file->path ? pstrdup("/") :
		pnstrdup(file->path, slash - file->path);
	file->dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (file->dir < 0 || fstat(file->dir, &file->dir_st) < 0)
		refuse_system("open directory", parent);
	if (realpath(parent, real) == NULL || stat(real, &st) < 0)
		refuse_system("find directory", parent);
	if (st.st_dev != file->dir_st.st_dev || st.st_ino != file->dir_st.st_ino)
		refuse_change(file);
	if (strlcpy(file->dir_path, real, MAXPGPATH) >= MAXPGPATH)
	{
		errno = ENAMETOOLONG;
		refuse_system("find directory", parent);
	}
}

/*
 * Open the file itself.  The file must be regular: opening a device could have
 * an effect on the device, so the kind is checked first.
 */
static void
open_file(FfuOutsider *file)
{
	struct stat st;
	int			result;

	/* A path that ends in a slash, "." or ".." names a directory. */
	if (fstatat(file->dir, *file->name ? file->name : ".", &st,
				AT_SYMLINK_NOFOLLOW) < 0)
		refuse_system("find file", file->path);
	if (!S_ISREG(st.st_mode))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a regular file", file->path),
				 errdetail("It is %s.", ffu_outsider_kind(st.st_mode)),
				 errhint("Only regular files can be imported; give the path of the file itself.")));
	result = ffu_sys_open(file->dir, file->name, &file->fd);
	if (result != 0)
	{
		errno = result;
		refuse_system("open file", file->path);
	}
	if (fstat(file->fd, &file->st) < 0)
		refuse_system("read file", file->path);
	if (st.st_dev != file->st.st_dev || st.st_ino != file->st.st_ino)
		refuse_change(file);
}

/*
 * Refuse the files of the server itself.
 */
static void
check_not_database(const FfuOutsider *file)
{
	if (ffu_server_place(file->dir_path, false) != FFU_SERVER_PLACE_NONE)
		refuse_place(file, "It is in the data directory of the server, or in a tablespace.",
					 "Copy the file to another directory first.");
}

/*
 * Refuse a file in the .ffu directory of a folder.  Refuse to move any other
 * file in a folder: a row of some database may have the file.
 */
static void
check_not_folder(const FfuOutsider *file, bool move)
{
	char		prefix[MAXPGPATH];
	char	   *end;

	strlcpy(prefix, file->dir_path, sizeof(prefix));
	for (end = prefix + strlen(prefix); end != NULL; end = strrchr(prefix, '/'))
	{
		char	   *owner;

		*end = '\0';
		owner = psprintf("%s/%s/%s", prefix, FFU_CONTROL_DIR, FFU_OWNER_FILE);
		if (access(owner, F_OK) < 0)
			continue;
		if (ffu_server_place_is_in(file->dir_path,
								   psprintf("%s/%s", prefix, FFU_CONTROL_DIR),
								   false))
			refuse_place(file, "It is in the \".ffu\" directory of a folder.",
						 "ffu.undelete brings back files that were deleted.");
		if (move)
			refuse_place(file, "It is in a folder of ffu, and may be the file of a row.",
						 "Import it without \"move\".");
	}
}

/*
 * Tell whether a file has not changed since st was taken.  The access time may
 * differ.
 */
static bool
is_unchanged(const FfuOutsider *file)
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
 * Tell whether a file can become a stored file of the folder at this store by
 * a link.  The server's user must own the file alone, the file system must be
 * the same, and publishing must be able to set the permissions and the group
 * of a new file.
 */
static bool
is_linkable(const FfuOutsider *file, const FfuStore *store)
{
	struct stat staging;
	gid_t		group;

	return file->st.st_uid == geteuid() && file->st.st_nlink == 1 &&
		fstat(store->staging_fd, &staging) == 0 &&
		staging.st_dev == file->st.st_dev &&
		ffu_sys_group(store->staging_fd, &group) == 0 &&
		(group == file->st.st_gid || may_give_to(group));
}

/*
 * Upload an open file, by a link if link is set and the file is linkable.
 * With move, note the old name for removal after commit.
 */
static FfuFile *
take_file(FfuOutsider *file, const char *file_name, bool link, bool move)
{
	FfuOrigin	origin = {.kind = FFU_ORIGIN_OUTSIDE,.name = file->name,
	.dir = file->dir,.fd = file->fd};
	FfuBirth	birth = {.kind = FFU_ORIGIN_OUTSIDE,.file_name = file_name};
	FfuFile    *upload;
	FfuSource	source;

	origin.may_link = link && is_linkable(file, ffu_root_use());
	if (!origin.may_link && fstat(file->fd, &file->st) < 0)
		refuse_system("read file", file->path);
	ffu_writer_check_size(file->st.st_size, false);
	upload = ffu_upload_stage(&origin, &birth, file->path);
	/* Only the second name may have changed the file since. */
	if (origin.linked &&
		(fstat(file->fd, &file->st) < 0 || file->st.st_nlink != 2))
		refuse_change(file);
	ffu_upload_learn(upload, file->path);
	FFU_FAULT("import-after-read");
	if (!is_unchanged(file) || ffu_file_facts(upload)->size != file->st.st_size)
		refuse_change(file);
	if (!move)
		return upload;
	source.dir = file->dir_path;
	source.name = file->name;
	source.dir_device = file->dir_st.st_dev;
	source.dir_inode = file->dir_st.st_ino;
	source.device = file->st.st_dev;
	source.inode = file->st.st_ino;
	source.size = file->st.st_size;
	source.mtime = file->st.st_mtim;
	ffu_pending_move(upload, &source);
	return upload;
}

/*
 * Raise an error for a system call in a directory whose files are adopted,
 * from errno.
 */
void
ffu_outsider_refuse_below(const char *action, const char *path)
{
	bool		denied = errno == EACCES;

	ereport(ERROR,
			(errcode_for_file_access(),
			 errmsg("could not %s \"%s\": %m", action, path),
			 errdetail("The operating system user of the server has to be able to do this."),
			 denied ?
			 errhint("Give it the right to read everything there, for example by setfacl -R -m u:postgres:rX, and, to move files, to write to the directories.") :
			 errhint("The path is one on the server, not on the client.")));
}

/*
 * Tell whether every component of a path leads downwards.
 */
bool
ffu_outsider_is_downward(const char *below)
{
	const char *p = below;

	for (;;)
	{
		size_t		len = strcspn(p, "/");

		if (len == 0 || (len <= 2 && strncmp(p, "..", len) == 0))
			return false;
		if (p[len] == '\0')
			return true;
		p += len + 1;
	}
}

/*
 * Open a directory below root, or root itself for "".  Links are followed up
 * to root, and not below root.  Return a descriptor, or -1 and errno.
 */
int
ffu_outsider_open_below(const char *root, const char *below)
{
	int			fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *p = below;

	while (fd >= 0 && *p)
	{
		size_t		len = strcspn(p, "/");
		char	   *component = pnstrdup(p, len);
		int			next = openat(fd, component, O_PATH | O_DIRECTORY | O_NOFOLLOW |
								  O_CLOEXEC);
		int			error = errno;

		ffu_sys_close(&fd);
		errno = error;
		fd = next;
		pfree(component);
		p += p[len] ? len + 1 : len;
	}
	return fd;
}

/*
 * Open the directory of a file below root, as open_directory_of does for other
 * files.
 */
static void
open_directory_below(FfuOutsider *file, const char *root, const char *below)
{
	const char *slash = strrchr(below, '/');
	char	   *parent = slash ? pnstrdup(below, slash - below) : pstrdup("");
	char		link[64];
	ssize_t		len;

	if (!is_absolute_path(root) || !ffu_outsider_is_downward(below))
		refuse_place(file, "The path is not absolute, or leads out of the directory.",
					 "Import it by ffu.import_file, if it is what it should be.");
	file->name = strrchr(file->path, '/') + 1;
	file->dir = ffu_outsider_open_below(root, parent);
	if (file->dir < 0 || fstat(file->dir, &file->dir_st) < 0)
		ffu_outsider_refuse_below("open directory of file", file->path);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", file->dir);
	len = readlink(link, file->dir_path, MAXPGPATH - 1);
	if (len < 0)
		ffu_outsider_refuse_below("find directory of file", file->path);
	file->dir_path[len] = '\0';
}


/*
 * Open a file, and check that the file may be read in its directory, and with
 * move also removed.  below is the path below root, or NULL.
 * The caller closes the file, also after an error.
 */
void
ffu_outsider_open(FfuOutsider *file, const char *root, const char *below,
				  bool move)
{
	if (below)
		open_directory_below(file, root, below);
	else
		open_directory_of(file);
	open_file(file);
	check_not_database(file);
	check_not_folder(file, move);
	if (move && faccessat(file->dir, ".", W_OK | X_OK, 0) < 0)
		refuse_system("remove file from directory", file->dir_path);
}

/*
 * Close the descriptors that ffu_outsider_open has opened so far.
 */
void
ffu_outsider_close(FfuOutsider *file)
{
	ffu_sys_close(&file->fd);
	ffu_sys_close(&file->dir);
}

/*
 * Open and upload a file.
 */
static FfuFile *
open_and_take(FfuOutsider *file, const char *root, const char *below,
			  const char *file_name, bool move)
{
	ffu_outsider_open(file, root, below, move);
	if (file_name == NULL)
		file_name = file->name;
	return take_file(file, ffu_file_name_read(file_name, strlen(file_name)),
					 move || (below && !file->copy), move);
}

/*
 * Upload a file that ffu_outsider_open accepts, and close all descriptors.
 * With move, a linkable file itself becomes the stored file; with below also
 * without move, unless file->copy is set.
 */
FfuFile *
ffu_outsider_upload(FfuOutsider *file, const char *root, const char *below,
					const char *file_name, bool move)
{
	FfuFile    *volatile upload = NULL;

	PG_TRY();
	{
		upload = open_and_take(file, root, below, file_name, move);
	}
	PG_CATCH();
	{
		ffu_outsider_close(file);
		PG_RE_THROW();
	}
	PG_END_TRY();
	ffu_outsider_close(file);
	return upload;
}
