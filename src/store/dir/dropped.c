/*-------------------------------------------------------------------------
 *
 * dropped.c
 *	  Removes the folders of dropped databases below ffu.folder_parent.
 *
 * The launcher looks at the folders that ffu named after this cluster and a
 * database.  The owner file must say the same: a folder that another cluster,
 * another host or another copy of this cluster claims is left alone.
 *
 *	first look			the file .ffu/dropped is made; its time begins the
 *						grace
 *	grace is over		the folder gets another name, in one step
 *	another name		the folder is removed, in batches
 *
 * No symbolic link is followed below the parent.  A database that gets the oid
 * of a dropped one does not take over a marked folder, and a sweeper takes the
 * mark away from a folder in use: a cluster may have gone back in time.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <dirent.h>
#include <sys/stat.h>
#include <time.h>

#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/lmgr.h"
#include "utils/syscache.h"

#include "base/error.h"
#include "base/settings.h"
#include "store/dir/dropped.h"
#include "store/dir/folder_list.h"
#include "store/dir/parent.h"
#include "store/dir/syscall.h"

/* File of .ffu that says since when the database is gone */
#define MARK		"dropped"

/* No folder of ffu has more levels. */
#define MAX_DEPTH	(FFU_PATH_MAX / 2 + 4)

/* A removal in progress */
typedef struct Removal
{
	int			parent;			/* descriptor of ffu.folder_parent */
	int			batch;			/* how many more names may be removed */
	int			depth;			/* number of open directories */
} Removal;

static int	remove_name(Removal *removal, int dir, const char *name);

/*
 * Tell whether a .ffu directory has the mark of a dropped database.
 */
bool
ffu_dropped_is_marked(const FfuControl *control)
{
	struct stat st;

	return ffu_sys_look(control->fd, MARK, &st) == 0;
}

/*
 * Take the mark away from the folder of the connected database.
 */
void
ffu_dropped_unmark(FfuStore *store)
{
	(void) ffu_sys_unlink(ffu_folder(store)->spool.staging_fd, "../" MARK);
}

/*
 * Tell whether a database exists.  If it does not, let no session connect to a
 * new database with this oid until the end of the transaction.
 */
static bool
exists(Oid database)
{
	if (SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(database)))
		return true;
	LockSharedObject(DatabaseRelationId, database, 0, AccessExclusiveLock);
	return SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(database));
}

/*
 * Tell whether the folder called name is of this database of this very
 * cluster.  If so, set *owner, and open the .ffu directory.
 */
static bool
is_ours(int parent, const char *name, Oid database, FfuOwner *owner,
		FfuControl *control)
{
	FfuOwner	self;
	struct stat st;
	int			folder;
	bool		ours = false;

	control->fd = -1;
	if (ffu_sys_open_dir(parent, name, &folder) != 0)
		return false;
	ffu_root_self(ffu_setting_folder_parent, &self);
	if (ffu_sys_look(folder, ".", &st) == 0 &&
		ffu_sys_open_dir(folder, FFU_CONTROL_DIR, &control->fd) == 0 &&
		ffu_root_read_owner(control, owner) == 0)
		ours = owner->system_identifier == self.system_identifier &&
			owner->control_inode == self.control_inode &&
			owner->folder_inode == st.st_ino &&
			strcmp(owner->machine, self.machine) == 0 &&
			owner->database == database;
	ffu_sys_close(&folder);
	if (!ours)
		ffu_sys_close(&control->fd);
	return ours;
}

/*
 * Tell whether the grace of a dropped database's folder is over.  The first
 * call begins the grace.
 */
static bool
grace_is_over(const FfuControl *control)
{
	struct stat st;
	int			fd = -1;
	int			result;

	if (ffu_setting_folder_grace == 0)
		return true;
	result = ffu_sys_create(control->fd, MARK, 0600, &fd);
	ffu_sys_close(&fd);
	if (result != 0 && result != EEXIST)
		return false;
	return ffu_sys_look(control->fd, MARK, &st) == 0 &&
		time(NULL) - st.st_mtime >= ffu_setting_folder_grace;
}

/*
 * Remove what the directory called name in dir holds, until the batch is
 * over.  Return 0 or an error number.
 */
static int
empty_directory(Removal *removal, int dir, const char *name)
{
	DIR		   *list;
	int			result;

	if (removal->depth == MAX_DEPTH)
		return ENAMETOOLONG;
	result = ffu_sys_open_list(dir, name, &list);
	if (result != 0)
		return result;
	removal->depth++;
	while (result == 0 && removal->batch > 0)
	{
		struct dirent *de = (errno = 0, readdir(list));

		if (de == NULL)
		{
			result = errno;
			break;
		}
		if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
			result = remove_name(removal, dirfd(list), de->d_name);
	}
	removal->depth--;
	closedir(list);
	return result;
}

/*
 * Remove the file or directory called name in dir.  Return 0, also when the
 * batch was over before, or an error number.
 */
static int
remove_name(Removal *removal, int dir, const char *name)
{
	struct stat st;
	int			result = ffu_sys_look(dir, name, &st);

	/* The end of the launcher closes all directories. */
	CHECK_FOR_INTERRUPTS();
	if (result == 0 && S_ISDIR(st.st_mode))
	{
		result = empty_directory(removal, dir, name);
		if (result != 0 || removal->batch <= 0)
			return result;
		result = ffu_sys_remove_dir(dir, name);
	}
	else if (result == 0)
		result = ffu_sys_unlink(dir, name);
	removal->batch--;
	return result == ENOENT ? 0 : result;
}

/*
 * Go on with the removal of the folder that has got this name.
 */
static void
remove_folder(Removal *removal, const char *name)
{
	int			result = remove_name(removal, removal->parent, name);
	struct stat st;

	if (result != 0)
		ffu_warn_io(LOG, result, "remove folder", name);
	else if (ffu_sys_look(removal->parent, name, &st) == ENOENT)
		ereport(LOG,
				(errmsg("ffu has removed folder \"%s/%s\" of a dropped database",
						ffu_setting_folder_parent, name)));
}

/*
 * Give the folder of a dropped database its other name, if the grace is over.
 * Return true if the folder has it.
 */
static bool
rename_folder(int parent, const char *name, Oid database, const char *removed)
{
	FfuOwner	owner;
	FfuControl	control;
	bool		over;
	int			result;

	if (exists(database) ||
		!is_ours(parent, name, database, &owner, &control))
		return false;
	over = grace_is_over(&control);
	ffu_sys_close(&control.fd);
	if (!over)
		return false;
	ffu_folder_list_forget(database, owner.root_id);
	result = ffu_sys_rename(parent, name, removed);
	if (result != 0)
		ffu_warn_io(LOG, result, "rename folder", name);
	return result == 0;
}

/*
 * Look at a name below ffu.folder_parent, in a transaction of this function.
 */
static void
treat_name(Removal *removal, const char *name)
{
	MemoryContext context = CurrentMemoryContext;
	char		other[FFU_PARENT_NAME_MAX];
	Oid			database;
	bool		removed;

	if (!ffu_parent_parse(name, &database, &removed))
		return;
	if (!removed)
	{
		snprintf(other, sizeof(other), "%s" FFU_PARENT_REMOVED, name);
		StartTransactionCommand();
		removed = rename_folder(removal->parent, name, database, other);
		CommitTransactionCommand();
		MemoryContextSwitchTo(context);
		name = other;
	}
	if (removed)
		remove_folder(removal, name);
}

/*
 * List the names below ffu.folder_parent, as palloc'd strings.
 */
static List *
list_names(int parent)
{
	List	   *names = NIL;
	DIR		   *list;
	struct dirent *de;

	if (ffu_sys_open_list(parent, ".", &list) != 0)
		return NIL;
	while ((de = readdir(list)) != NULL)
		names = lappend(names, pstrdup(de->d_name));
	closedir(list);
	return names;
}

/*
 * Remove the folders of dropped databases, up to a number of files and
 * directories.  Return true if there is more to remove.  Failures are logged,
 * and the next call tries again.
 */
bool
ffu_dropped_remove(int batch)
{
	Removal		removal = {.batch = batch};
	ListCell   *lc;

	if (*ffu_setting_folder_parent == '\0' || ffu_setting_folder_grace < 0)
		return false;
	removal.parent = ffu_parent_open(ffu_setting_folder_parent);
	if (removal.parent < 0)
		return false;
	foreach(lc, list_names(removal.parent))
	{
		CHECK_FOR_INTERRUPTS();
		if (removal.batch > 0)
			treat_name(&removal, lfirst(lc));
	}
	ffu_sys_close(&removal.parent);
	return removal.batch <= 0;
}
