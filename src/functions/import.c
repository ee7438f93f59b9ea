/*-------------------------------------------------------------------------
 *
 * import.c
 *	  SQL functions that take files from this server: ffu.import_file, the list
 *	  of a directory tree for ffu.import_directory, and for ffu.adopt.
 *
 * The file is opened once and everything is found out through that
 * descriptor, so that what is checked is what is read.  The last component of
 * the path is never a symbolic link; the directories above may be, as for the
 * operating system, and the real path is what counts for the places that are
 * not to be read.
 *
 * What is moved is linked where that can be: the file is ours and has this one
 * name, so nobody else changes the stored file later.  Its name goes after
 * commit (step 8); until then, and for ever if the transaction aborts, it is
 * where it was.
 *
 * ffu.adopt takes files from a directory that rows name, and so perhaps
 * strangers.  What is found there is looked for component by component without
 * following links, and never above.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "base/error.h"
#include "base/fault.h"
#include "base/settings.h"
#include "store/dir/root.h"
#include "store/dir/syscall.h"
#include "sweep/sweep.h"
#include "text/file_name.h"
#include "upload/upload.h"

FFU_FUNCTION(ffu_import_file);
FFU_FUNCTION(ffu_list_files);
FFU_FUNCTION(ffu_adopt_file);
FFU_FUNCTION(ffu_adopt_list);

/* A file on this server, and what it was when it was opened */
typedef struct Outsider
{
	const char *path;			/* as it was given */
	const char *name;			/* the last component; points into path */
	char		dir_path[MAXPGPATH];	/* real path of its directory */
	int			dir;
	int			fd;
	struct stat dir_st;
	struct stat st;
} Outsider;

static void refuse_system(const char *action, const char *path) pg_attribute_noreturn();
static void refuse_place(const Outsider *file, const char *detail, const char *hint) pg_attribute_noreturn();
static void refuse_change(const Outsider *file) pg_attribute_noreturn();
static void refuse_below(const char *action, const char *path) pg_attribute_noreturn();

/*
 * Refuse the caller if it does not have the privileges of a role.
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
 * Refuse the place that a file is in.
 */
static void
refuse_place(const Outsider *file, const char *detail, const char *hint)
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
refuse_change(const Outsider *file)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("file \"%s\" changed while it was being read",
					file->path),
			 errdetail("Its size, its times or its name are others than before. Nothing was stored."),
			 errhint("Import it when nobody writes to it any more.")));
}

/*
 * What kind of file a mode says, in words.
 */
static const char *
kind_of(mode_t mode)
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
 * Split a path, open its directory, and find that directory's real path.
 */
static void
open_directory_of(Outsider *file)
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
 * Open the file itself, which must be a regular one.  What is something else
 * is not even opened: that could do something to a device.
 */
static void
open_file(Outsider *file)
{
	struct stat st;
	int			result;

	/* A path that ends in a slash, "." or ".." is a directory's. */
	if (fstatat(file->dir, *file->name ? file->name : ".", &st,
				AT_SYMLINK_NOFOLLOW) < 0)
		refuse_system("find file", file->path);
	if (!S_ISREG(st.st_mode))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a regular file", file->path),
				 errdetail("It is %s.", kind_of(st.st_mode)),
				 errhint("Only regular files can be imported; give the path of the file itself.")));
	result = ffu_durable_open(file->dir, file->name, &file->fd);
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
 * Is the real path in the directory at dir, which may be a symbolic link?
 */
static bool
is_in(const char *path, const char *dir)
{
	char		real[PATH_MAX];
	size_t		len;

	if (realpath(dir, real) == NULL)
		return false;
	len = strlen(real);
	return strncmp(path, real, len) == 0 &&
		(path[len] == '\0' || path[len] == '/');
}

/*
 * Refuse files of the server's own.
 */
static void
check_not_database(const Outsider *file)
{
	struct dirent *de;
	DIR		   *dir;
	bool		found;

	found = is_in(file->dir_path, DataDir) || is_in(file->dir_path, "pg_wal");
	dir = AllocateDir("pg_tblspc");
	while (!found &&
		   (de = ReadDirExtended(dir, "pg_tblspc", LOG)) != NULL)
	{
		char		link[MAXPGPATH];

		snprintf(link, sizeof(link), "pg_tblspc/%s", de->d_name);
		found = de->d_name[0] != '.' && is_in(file->dir_path, link);
	}
	FreeDir(dir);
	if (found)
		refuse_place(file, "It is in the data directory of the server, or in a tablespace.",
					 "Copy the file to another directory first.");
}

/*
 * Refuse what lies in a folder of ffu: anything in its .ffu, and to move what
 * may be a row's file, of whatever database.
 */
static void
check_not_folder(const Outsider *file, bool move)
{
	char		prefix[MAXPGPATH];
	char	   *end;

	strlcpy(prefix, file->dir_path, sizeof(prefix));
	for (end = prefix + strlen(prefix); end != NULL; end = strrchr(prefix, '/'))
	{
		char	   *owner;

		*end = '\0';
		owner = psprintf("%s/%s/%s", prefix, FFU_OWN_DIR, FFU_OWNER_FILE);
		if (access(owner, F_OK) < 0)
			continue;
		if (is_in(file->dir_path, psprintf("%s/%s", prefix, FFU_OWN_DIR)))
			refuse_place(file, "It is in the \".ffu\" directory of a folder.",
						 "ffu.undelete brings back files that were deleted.");
		if (move)
			refuse_place(file, "It is in a folder of ffu, and may be the file of a row.",
						 "Import it without \"move\".");
	}
}

/*
 * Is the file still what it was when st was taken, but for what its access
 * time says?
 */
static bool
is_unchanged(const Outsider *file)
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
 * May we give our own file to this group?
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
 * Can a file become one of the folder at this place as it is?  It must be ours
 * alone, on the same file system, and we must be able to give it, when it is
 * published, the permissions and the group that a new file would have.
 */
static bool
is_linkable(const Outsider *file, const FfuPlace *place)
{
	struct stat staging;
	gid_t		group;

	return file->st.st_uid == geteuid() && file->st.st_nlink == 1 &&
		fstat(place->staging_fd, &staging) == 0 &&
		staging.st_dev == file->st.st_dev &&
		ffu_durable_group(place->staging_fd, &group) == 0 &&
		(group == file->st.st_gid || may_give_to(group));
}

/*
 * Make the file itself an upload, by a second name.  NULL if it is not ours
 * alone, or lies on another file system.
 */
static FfuFile *
take_link(Outsider *file, const char *file_name)
{
	FfuFile    *upload;

	if (!is_linkable(file, ffu_root_use()))
		return NULL;
	ffu_upload_check_size(file->st.st_size, false);
	upload = ffu_upload_link(file_name, file->dir, file->name, file->path);
	if (upload == NULL)
		return NULL;
	/* Its second name is the first thing that happened to it, and ours. */
	if (fstat(file->fd, &file->st) < 0 || file->st.st_nlink != 2)
		refuse_change(file);
	ffu_upload_learn(upload, file->path);
	upload->linked = true;
	return upload;
}

/*
 * Upload an opened file, by a link if that is allowed and can be, and note it
 * for removal after commit if it is moved.
 */
static FfuFile *
take_file(Outsider *file, const char *file_name, bool link, bool move)
{
	FfuFile    *upload = NULL;
	FfuSource	source;

	if (move && faccessat(file->dir, ".", W_OK | X_OK, 0) < 0)
		refuse_system("remove file from directory", file->dir_path);
	if (link)
		upload = take_link(file, file_name);
	if (upload == NULL)
	{
		if (fstat(file->fd, &file->st) < 0)
			refuse_system("read file", file->path);
		upload = ffu_upload_outside(file_name, file->fd, file->path);
	}
	FFU_POINT("import-after-read");
	if (!is_unchanged(file) || upload->size != file->st.st_size)
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
static void
refuse_below(const char *action, const char *path)
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
 * Is below a path that leads nowhere but down?
 */
static bool
is_downward(const char *below)
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
 * Open a directory below root; "" for root itself.  Links are followed up to
 * root and no longer below it.  Returns a descriptor, or -1 and errno.
 */
static int
open_below(const char *root, const char *below)
{
	int			fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *p = below;

	while (fd >= 0 && *p)
	{
		size_t		len = strcspn(p, "/");
		char	   *part = pnstrdup(p, len);
		int			next = openat(fd, part, O_PATH | O_DIRECTORY | O_NOFOLLOW |
								  O_CLOEXEC);
		int			error = errno;

		ffu_durable_close(&fd);
		errno = error;
		fd = next;
		pfree(part);
		p += p[len] ? len + 1 : len;
	}
	return fd;
}

/*
 * The same as open_directory_of for a file that is to be adopted.
 */
static void
open_directory_below(Outsider *file, const char *root, const char *below)
{
	const char *slash = strrchr(below, '/');
	char	   *parent = slash ? pnstrdup(below, slash - below) : pstrdup("");
	char		link[64];
	ssize_t		len;

	if (!is_absolute_path(root) || !is_downward(below))
		refuse_place(file, "The path is not absolute, or leads out of the directory.",
					 "Import it by ffu.import_file, if it is what it should be.");
	file->name = strrchr(file->path, '/') + 1;
	file->dir = open_below(root, parent);
	if (file->dir < 0 || fstat(file->dir, &file->dir_st) < 0)
		refuse_below("open directory of file", file->path);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", file->dir);
	len = readlink(link, file->dir_path, MAXPGPATH - 1);
	if (len < 0)
		refuse_below("find directory of file", file->path);
	file->dir_path[len] = '\0';
}

/*
 * Open, check and upload a file, which says its path, and close what was
 * opened.  below is NULL, or the path below root of a file that is to be
 * adopted.
 */
static FfuFile *
import_file(Outsider *file, const char *root, const char *below,
			const char *file_name, bool move)
{
	FfuFile    *upload = NULL;

	PG_TRY();
	{
		if (below)
			open_directory_below(file, root, below);
		else
			open_directory_of(file);
		open_file(file);
		check_not_database(file);
		check_not_folder(file, move);
		upload = take_file(file,
						   ffu_file_name_read(file_name ? file_name : file->name,
											  strlen(file_name ? file_name : file->name)),
						   move || below, move);
	}
	PG_CATCH();
	{
		ffu_durable_close(&file->fd);
		ffu_durable_close(&file->dir);
		PG_RE_THROW();
	}
	PG_END_TRY();
	ffu_durable_close(&file->fd);
	ffu_durable_close(&file->dir);
	return upload;
}

/*
 * ffu.import_file(server_path text, file_name text, move boolean) RETURNS
 * text: an upload of a file that is on this server.
 */
Datum
ffu_import_file(PG_FUNCTION_ARGS)
{
	Outsider	file = {.dir = -1,.fd = -1};
	bool		move = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	char	   *name = NULL;
	FfuFile    *upload;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	ffu_upload_prevent("ffu.import_file()");
	check_role(ROLE_PG_READ_SERVER_FILES, "pg_read_server_files", "read");
	if (move)
		check_role(ROLE_PG_WRITE_SERVER_FILES, "pg_write_server_files",
				   "move");
	file.path = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (!PG_ARGISNULL(1))
		name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	ffu_sweep_first_use();
	(void) ffu_root_use();
	upload = import_file(&file, NULL, NULL, name, move);
	PG_RETURN_TEXT_P(cstring_to_text(ffu_upload_to_text(upload)));
}

/*
 * Is an entry of a directory a file or directory that can be imported?
 * Symbolic links are left out, and so is what cannot be a text here.
 */
static bool
is_listed(const char *path, const struct dirent *de, bool *is_dir)
{
	struct stat st;

	if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0 ||
		lstat(path, &st) < 0)
		return false;
	*is_dir = S_ISDIR(st.st_mode);
	if (!*is_dir && !S_ISREG(st.st_mode))
		return false;
	if (pg_verify_mbstr(GetDatabaseEncoding(), path, strlen(path), true))
		return true;
	ereport(WARNING,
			(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
			 errmsg("file name in directory is not valid in the database's encoding"),
			 errdetail("The directory is \"%.*s\"; the entry is left out.",
					   (int) (strrchr(path, '/') - path), path),
			 errhint("Rename the file, and import it by ffu.import_file.")));
	return false;
}

/*
 * Put the files of one directory below root into a tuplestore, relative to
 * root, and its directories into a list.
 */
static List *
list_directory(const char *root, const char *below, List *dirs,
			   Tuplestorestate *store, TupleDesc desc)
{
	char	   *path = *below ? psprintf("%s/%s", root, below) : pstrdup(root);
	struct dirent *de;
	DIR		   *dir = AllocateDir(path);

	while ((de = ReadDir(dir, path)) != NULL)
	{
		char	   *relative = *below ? psprintf("%s/%s", below, de->d_name) :
		pstrdup(de->d_name);
		char	   *full = psprintf("%s/%s", path, de->d_name);
		bool		is_dir;

		CHECK_FOR_INTERRUPTS();
		if (is_listed(full, de, &is_dir))
		{
			Datum		value = CStringGetTextDatum(relative);
			bool		isnull = false;

			if (is_dir)
				dirs = lcons(pstrdup(relative), dirs);
			else
				tuplestore_putvalues(store, desc, &value, &isnull);
			pfree(DatumGetPointer(value));
		}
		pfree(relative);
		pfree(full);
	}
	FreeDir(dir);
	pfree(path);
	return dirs;
}

/*
 * ffu._list_files(server_directory text) RETURNS SETOF text: the regular files
 * in a directory and below, relative to it.  What there are many of, files,
 * goes to disk; directories are kept in memory.
 */
Datum
ffu_list_files(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *root = text_to_cstring(PG_GETARG_TEXT_PP(0));
	MemoryContext old;
	List	   *dirs;

	check_role(ROLE_PG_READ_SERVER_FILES, "pg_read_server_files", "read");
	if (!is_absolute_path(root))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("path of a directory to import must be absolute"),
				 errdetail("The path is \"%s\".",
						   ffu_shown(root, strlen(root))),
				 errhint("Write it from the root of the file system on.")));
	if (result == NULL || !IsA(result, ReturnSetInfo) ||
		(result->allowedModes & SFRM_Materialize) == 0)
		elog(ERROR, "materialize mode required");
	old = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
	result->returnMode = SFRM_Materialize;
	result->setResult = tuplestore_begin_heap(true, false, work_mem);
	result->setDesc = CreateTemplateTupleDesc(1);
	TupleDescInitEntry(result->setDesc, 1, "path", TEXTOID, -1, 0);
	MemoryContextSwitchTo(old);
	dirs = list_make1(pstrdup(""));
	while (dirs != NIL)
	{
		char	   *below = linitial(dirs);

		dirs = list_directory(root, below, list_delete_first(dirs),
							  result->setResult, result->setDesc);
		pfree(below);
	}
	return (Datum) 0;
}

/*
 * ffu._adopt_file(directory text, below text, file_name text, move boolean)
 * RETURNS text: an upload of a file below a directory.  Without move the file
 * stays, and if it is ours alone it becomes the stored file as well.
 */
Datum
ffu_adopt_file(PG_FUNCTION_ARGS)
{
	Outsider	file = {.dir = -1,.fd = -1};
	char	   *root;
	char	   *below;
	bool		move = PG_GETARG_BOOL(3);
	FfuFile    *upload;

	ffu_upload_prevent("ffu.adopt()");
	check_role(ROLE_PG_READ_SERVER_FILES, "pg_read_server_files", "read");
	if (move)
		check_role(ROLE_PG_WRITE_SERVER_FILES, "pg_write_server_files",
				   "move");
	ffu_sweep_first_use();
	(void) ffu_root_use();
	root = text_to_cstring(PG_GETARG_TEXT_PP(0));
	below = text_to_cstring(PG_GETARG_TEXT_PP(1));
	file.path = psprintf("%s/%s", root, below);
	upload = import_file(&file, root, below,
						 text_to_cstring(PG_GETARG_TEXT_PP(2)), move);
	PG_RETURN_TEXT_P(cstring_to_text(ffu_upload_to_text(upload)));
}

/*
 * Put the entries of an open directory into a tuplestore: name, kind ("file",
 * or what else it is), size, whether it can be read.
 */
static void
put_entries(DIR *dir, ReturnSetInfo *result)
{
	struct dirent *de;

	while ((de = readdir(dir)) != NULL)
	{
		Datum		values[4];
		bool		isnull[4] = {false};
		struct stat st;

		if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0 ||
			fstatat(dirfd(dir), de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			!pg_verify_mbstr(GetDatabaseEncoding(), de->d_name,
							 strlen(de->d_name), true))
			continue;
		values[0] = CStringGetTextDatum(de->d_name);
		values[1] = CStringGetTextDatum(S_ISREG(st.st_mode) ? "file" :
										kind_of(st.st_mode));
		values[2] = Int64GetDatum((int64) st.st_size);
		values[3] = BoolGetDatum(faccessat(dirfd(dir), de->d_name, R_OK,
										   AT_EACCESS) == 0);
		tuplestore_putvalues(result->setResult, result->setDesc, values,
							 isnull);
	}
}

/*
 * Open a directory below root for reading its entries; NULL if it is not
 * there.
 */
static DIR *
open_list(const char *root, const char *below)
{
	char	   *path = *below ? psprintf("%s/%s", root, below) : pstrdup(root);
	int			fd = open_below(root, below);
	int			list_fd;
	int			error;
	DIR		   *dir;

	if (fd < 0 && errno == ENOENT && *below)
		return NULL;
	if (fd < 0)
		refuse_below("open directory", path);
	list_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	error = errno;
	ffu_durable_close(&fd);
	errno = error;
	dir = list_fd < 0 ? NULL : fdopendir(list_fd);
	if (dir == NULL)
	{
		error = errno;
		ffu_durable_close(&list_fd);
		errno = error;
		refuse_below("read directory", path);
	}
	return dir;
}

/*
 * ffu._adopt_list(directory text, below text) RETURNS SETOF record: the
 * entries of a directory below another; none if it is not there.
 */
Datum
ffu_adopt_list(PG_FUNCTION_ARGS)
{
	char	   *root = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *below = text_to_cstring(PG_GETARG_TEXT_PP(1));
	DIR		   *dir;

	check_role(ROLE_PG_READ_SERVER_FILES, "pg_read_server_files", "read");
	InitMaterializedSRF(fcinfo, 0);
	if (!is_absolute_path(root) || (*below && !is_downward(below)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("path of a directory to adopt must be absolute"),
				 errdetail("The path is \"%s\".",
						   ffu_shown(root, strlen(root))),
				 errhint("Write it from the root of the file system on.")));
	dir = open_list(root, below);
	if (dir == NULL)
		return (Datum) 0;
	PG_TRY();
	{
		put_entries(dir, (ReturnSetInfo *) fcinfo->resultinfo);
	}
	PG_FINALLY();
	{
		closedir(dir);
	}
	PG_END_TRY();
	return (Datum) 0;
}
