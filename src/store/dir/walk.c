/*-------------------------------------------------------------------------
 *
 * walk.c
 *	  Reads the names in the folder.
 *
 * The walk starts at the descriptor through which the root's id was read, and
 * goes down one component at a time, through no symbolic link.  The walk holds
 * one open directory for each level and no list of names, so its memory does
 * not grow with the number of files.  A name that exists for the whole walk is
 * visited; a name that is made or removed meanwhile may be missed.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <dirent.h>

#include "access/xlog.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/error.h"
#include "store/dir/control.h"
#include "store/dir/folder.h"
#include "store/dir/root.h"
#include "store/dir/spool.h"
#include "store/dir/syscall.h"
#include "store/dir/walk.h"
#include "text/path.h"

/* No valid path has more levels. */
#define MAX_DEPTH	(FFU_PATH_MAX / 2 + 1)

/* State of a walk.  A memory context callback closes the directories. */
typedef struct Walk
{
	int			depth;			/* number of open directories */
	DIR		   *dirs[MAX_DEPTH];
	int			lens[MAX_DEPTH];	/* length of each directory's path */
	StringInfoData path;		/* of the current name */
	MemoryContextCallback callback;
} Walk;

/*
 * Raise 25006 on a standby, where transactions in progress are not known and
 * the folder cannot be judged.
 */
void
ffu_walk_prevent(const char *function)
{
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot execute %s during recovery", function),
				 errdetail("A standby does not know which transactions are at work on files."),
				 errhint("Run it on the primary server.")));
}

/*
 * Memory context callback: close all open directories.  Raise no error.
 */
static void
close_walk(void *arg)
{
	Walk	   *walk = arg;

	while (walk->depth > 0)
		closedir(walk->dirs[--walk->depth]);
}

/*
 * Enter the directory called name in dir.  walk->path is the path of the new
 * directory.  Return 0 or an error number.
 */
static int
enter(Walk *walk, int dir, const char *name)
{
	int			result;

	if (walk->depth == MAX_DEPTH)
		return ENAMETOOLONG;
	result = ffu_sys_open_list(dir, name, &walk->dirs[walk->depth]);
	if (result != 0)
		return result;
	if (walk->path.len > 0)
		appendStringInfoChar(&walk->path, '/');
	walk->lens[walk->depth++] = walk->path.len;
	return 0;
}

/*
 * Tell whether the walk leaves out a name: ., .., .ffu and lost+found.
 */
static bool
is_left_out(const Walk *walk, const char *name)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	return walk->depth == 1 &&
		(strcmp(name, FFU_CONTROL_DIR) == 0 || strcmp(name, "lost+found") == 0);
}

/*
 * Visit one name in the deepest open directory, or enter a directory.
 */
static void
look_at(Walk *walk, const char *name, FfuNameVisitor visit, void *arg)
{
	int			dir = dirfd(walk->dirs[walk->depth - 1]);
	int			len = walk->lens[walk->depth - 1];
	struct stat st;
	FfuLook		look = {0};
	int			result;

	walk->path.len = len;
	walk->path.data[len] = '\0';
	appendStringInfoString(&walk->path, name);
	result = ffu_sys_look(dir, name, &st);
	if (result == 0 && S_ISDIR(st.st_mode))
	{
		result = enter(walk, dir, name);
		if (result == 0)
			return;
	}
	/* ENOTDIR: the name was removed and made again as another kind. */
	if (result == ENOENT || result == ENOTDIR)
		return;
	if (result == 0)
		ffu_folder_describe_file(&st, &look);
	visit(walk->path.data, &look, result, arg);
}

/*
 * Call visit with every name below the root outside .ffu; see FfuNameVisitor.
 * An unreadable directory is visited as an error; an unreadable root raises.
 */
void
ffu_folder_walk(FfuStore *store, FfuNameVisitor visit, void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "ffu walk",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Walk	   *walk = palloc0(sizeof(Walk));
	int			result;

	initStringInfo(&walk->path);
	walk->callback.func = close_walk;
	walk->callback.arg = walk;
	MemoryContextRegisterResetCallback(context, &walk->callback);
	MemoryContextSwitchTo(old);
	result = enter(walk, ffu_folder(store)->root_fd, ".");
	if (result != 0)
		ffu_raise_io(result, "read folder", ffu_root_path());
	while (walk->depth > 0)
	{
		struct dirent *de;

		CHECK_FOR_INTERRUPTS();
		errno = 0;
		de = readdir(walk->dirs[walk->depth - 1]);
		if (de != NULL)
		{
			if (!is_left_out(walk, de->d_name))
				look_at(walk, de->d_name, visit, arg);
			continue;
		}
		if (errno != 0)
			ffu_raise_io(errno, "read directory of file", walk->path.data);
		closedir(walk->dirs[--walk->depth]);
	}
	MemoryContextDelete(context);
}

/*
 * Tell whether a name is a part of the staging directory.
 */
static bool
is_part(const char *name)
{
	char		part[FFU_STAGING_PART_LEN + 1];
	int			i;

	for (i = 0; i < FFU_STAGING_PARTS; i++)
	{
		ffu_staging_part(part, i);
		if (strcmp(name, part) == 0)
			return true;
	}
	return false;
}

/*
 * List the names in the staging directory and its parts, relative to the
 * staging directory, as palloc'd strings.  Names that ffu did not make are
 * included.
 */
List *
ffu_spool_staged_names(FfuStore *store)
{
	List	   *names = ffu_walk_control(store->spool->staging_fd, ".");
	List	   *staged = NIL;
	ListCell   *lc;

	foreach(lc, names)
	{
		char	   *name = lfirst(lc);
		List	   *below = NIL;
		ListCell   *lc2;

		if (!is_part(name))
		{
			staged = lappend(staged, name);
			continue;
		}
		below = ffu_walk_control(store->spool->staging_fd, name);
		foreach(lc2, below)
			staged = lappend(staged, psprintf("%s/%s", name,
											  (char *) lfirst(lc2)));
		list_free_deep(below);
		pfree(name);
	}
	list_free(names);
	return staged;
}

/*
 * Collect the paths in staging names in a hash table of FfuStagedPath, in the
 * current memory context.
 */
HTAB *
ffu_walk_staged_paths(List *names)
{
	HASHCTL		ctl = {
		.keysize = FFU_PATH_MAX + 1,
		.entrysize = sizeof(FfuStagedPath),
		.hcxt = CurrentMemoryContext
	};
	HTAB	   *table = hash_create("ffu staged paths", 64, &ctl,
									HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	ListCell   *lc;

	foreach(lc, names)
	{
		char		path[FFU_PATH_MAX + 1];
		uint64		fxid;
		uint64		run;
		uint32		n;
		FfuStagedPath *entry;

		if (!ffu_staging_parse(lfirst(lc), &fxid, &n, &run, path) ||
			path[0] == '\0')
			continue;
		entry = hash_search(table, path, HASH_ENTER, NULL);
		entry->owned = false;
	}
	return table;
}

/*
 * List the names in a directory, given relative to the staging directory, as
 * palloc'd strings.  Names with a leading dot are left out: ffu makes no such
 * name, and NFS does.
 */
List *
ffu_walk_control(int staging_fd, const char *name)
{
	List	   *volatile names = NIL;
	DIR		   *dir;
	int			result = ffu_sys_open_list(staging_fd, name, &dir);

	if (result == ENOENT)
		return NIL;
	if (result != 0)
		ffu_raise_io(result, "read staging directory of folder",
					 ffu_root_path());
	PG_TRY();
	{
		struct dirent *de;

		while (errno = 0, (de = readdir(dir)) != NULL)
		{
			if (de->d_name[0] != '.')
				names = lappend(names, pstrdup(de->d_name));
		}
		if (errno != 0)
			ffu_raise_io(errno, "read staging directory of folder",
						 ffu_root_path());
	}
	PG_FINALLY();
	{
		closedir(dir);
	}
	PG_END_TRY();
	return names;
}

/*
 * List the names of the files of resumable uploads, as palloc'd strings.
 */
List *
ffu_spool_upload_names(FfuStore *store)
{
	return ffu_walk_control(store->spool->staging_fd, FFU_CONTROL_UPLOADS);
}
