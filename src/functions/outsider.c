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

#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "base/error.h"
#include "base/fault.h"
#include "functions/outsider.h"
#include "store/dir/server_place.h"
#include "store/dir/root.h"
#include "sweep/sweep.h"
#include "text/file_name.h"
#include "upload/upload.h"

static void refuse_system(int error, const char *action, const char *path) pg_attribute_noreturn();
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
 * Raise an error for a system call on a file outside the folder.
 */
static void
refuse_system(int error, const char *action, const char *path)
{
	errno = error;
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
open_directory_of(FfuOutsider *outsider)
{
	const char *path = outsider->path;
	const char *slash;
	const char *action;
	char	   *parent;
	int			result;

	Assert(path != NULL);
	if (!is_absolute_path(path))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("path of a file to import must be absolute"),
				 errdetail("The path is \"%s\".", ffu_shown(path, strlen(path))),
				 errhint("Write it from the root of the file system on.")));
	slash = strrchr(path, '/');
	outsider->file.name = slash + 1;
	parent = slash == path ? pstrdup("/") : pnstrdup(path, slash - path);
	result = ffu_outside_enter(&outsider->file, parent, &action);
	if (result == ESTALE)
		refuse_change(outsider);
	if (result != 0)
		refuse_system(result, action, parent);
}

/*
 * Open the file itself, which must be regular.
 */
static void
open_file(FfuOutsider *outsider)
{
	FfuOutside *file = &outsider->file;
	const char *action;
	int			result = ffu_outside_look(file);

	if (result != 0)
		refuse_system(result, "find file", outsider->path);
	if (!S_ISREG(file->st.st_mode))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a regular file", outsider->path),
				 errdetail("It is %s.", ffu_outsider_kind(file->st.st_mode)),
				 errhint("Only regular files can be imported; give the path of the file itself.")));
	result = ffu_outside_open(file, &action);
	if (result == ESTALE)
		refuse_change(outsider);
	if (result != 0)
		refuse_system(result, action, outsider->path);
}

/*
 * Refuse the files of the server itself.
 */
static void
check_not_database(const FfuOutsider *file)
{
	if (ffu_server_place(file->file.dir_path, false) != FFU_SERVER_PLACE_NONE)
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

	strlcpy(prefix, file->file.dir_path, sizeof(prefix));
	for (end = prefix + strlen(prefix); end != NULL; end = strrchr(prefix, '/'))
	{
		char	   *owner;

		*end = '\0';
		owner = psprintf("%s/%s/%s", prefix, FFU_CONTROL_DIR, FFU_OWNER_FILE);
		if (!ffu_outside_exists(owner))
			continue;
		if (ffu_server_place_is_in(file->file.dir_path,
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
 * Upload an open file, by a link if link is set and the file is linkable.
 * With move, note the old name for removal after commit.
 */
static FfuFile *
take_file(FfuOutsider *outsider, const char *file_name, bool link, bool move)
{
	FfuOutside *file = &outsider->file;
	FfuOrigin	origin = {.kind = FFU_ORIGIN_OUTSIDE,.outside = file};
	FfuBirth	birth = {.kind = FFU_ORIGIN_OUTSIDE,.file_name = file_name};
	FfuFile    *upload;
	FfuSource	source;
	int			result;

	origin.may_link = link && ffu_outside_is_linkable(file, ffu_root_use());
	result = origin.may_link ? 0 : ffu_outside_refresh(file);
	if (result != 0)
		refuse_system(result, "read file", outsider->path);
	ffu_writer_check_size(file->st.st_size, false);
	upload = ffu_upload_stage(&origin, &birth, outsider->path);
	/* Only the second name may have changed the file since. */
	if (origin.linked &&
		(ffu_outside_refresh(file) != 0 || file->st.st_nlink != 2))
		refuse_change(outsider);
	ffu_upload_learn(upload, outsider->path);
	FFU_FAULT("import-after-read");
	if (!ffu_outside_is_unchanged(file) ||
		ffu_file_facts(upload)->size != file->st.st_size)
		refuse_change(outsider);
	if (!move)
		return upload;
	ffu_outside_source(file, &source);
	ffu_pending_move(upload, &source);
	return upload;
}

/*
 * Raise an error for a system call in a directory whose files are adopted.
 */
void
ffu_outsider_refuse_below(int error, const char *action, const char *path)
{
	bool		denied = error == EACCES;

	errno = error;
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
 * Open the directory of a file below root, as open_directory_of does for other
 * files.
 */
static void
open_directory_below(FfuOutsider *outsider, const char *root,
					 const char *below)
{
	const char *slash = strrchr(below, '/');
	char	   *parent = slash ? pnstrdup(below, slash - below) : pstrdup("");
	const char *action;
	int			result;

	if (!is_absolute_path(root) || !ffu_outsider_is_downward(below))
		refuse_place(outsider, "The path is not absolute, or leads out of the directory.",
					 "Import it by ffu.import_file, if it is what it should be.");
	outsider->file.name = strrchr(outsider->path, '/') + 1;
	result = ffu_outside_enter_below(&outsider->file, root, parent, &action);
	if (result != 0)
		ffu_outsider_refuse_below(result, action, outsider->path);
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
	if (move && !ffu_outside_may_remove(&file->file))
		refuse_system(errno, "remove file from directory", file->file.dir_path);
}

/*
 * Close the descriptors that ffu_outsider_open has opened so far.
 */
void
ffu_outsider_close(FfuOutsider *file)
{
	ffu_outside_close(&file->file);
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
		file_name = file->file.name;
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
