/*-------------------------------------------------------------------------
 *
 * walk.c
 *	  Looking at what is in the folder: all names, and a file's bytes.
 *
 * The walk goes down from the descriptor of the root, which the root's id was
 * read through, one component at a time and through no symbolic link.  It
 * holds one open directory a level and no list of names, so its memory does
 * not grow with the number of files.  What vanishes under its feet was never
 * there; a name that is there the whole time is seen.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <dirent.h>
#include <unistd.h>

#include "access/xlog.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/error.h"
#include "base/fault.h"
#include "store/dir/root.h"
#include "store/dir/syscall.h"
#include "store/dir/walk.h"
#include "text/path.h"

/* More levels than any valid path has. */
#define MAX_DEPTH	(FFU_PATH_MAX / 2 + 1)

/* Where a walk has got; its directories are closed when its memory goes. */
typedef struct Walk
{
	int			depth;			/* how many directories are open */
	DIR		   *dirs[MAX_DEPTH];
	int			lens[MAX_DEPTH];	/* length of each one's path */
	StringInfoData path;		/* of the name looked at */
	MemoryContextCallback callback;
} Walk;

/*
 * Refuse to judge what is in the folder where nothing is known of what is in
 * flight.
 */
void
ffu_inspect_prevent(const char *function)
{
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot execute %s during recovery", function),
				 errdetail("A standby does not know which transactions are at work on files."),
				 errhint("Run it on the primary server.")));
}

/*
 * Memory context callback: close what is open.  Raises no error.
 */
static void
close_walk(void *arg)
{
	Walk	   *walk = arg;

	while (walk->depth > 0)
		closedir(walk->dirs[--walk->depth]);
}

/*
 * Go into the directory called name in dir, whose path is walk->path.  Returns
 * 0 or an error number.
 */
static int
enter(Walk *walk, int dir, const char *name)
{
	int			fd;
	int			result;

	if (walk->depth == MAX_DEPTH)
		return ENAMETOOLONG;
	result = ffu_durable_open_dir(dir, name, &fd);
	if (result != 0)
		return result;
	walk->dirs[walk->depth] = fdopendir(fd);
	if (walk->dirs[walk->depth] == NULL)
	{
		result = errno;
		ffu_durable_close(&fd);
		return result;
	}
	if (walk->path.len > 0)
		appendStringInfoChar(&walk->path, '/');
	walk->lens[walk->depth++] = walk->path.len;
	return 0;
}

/*
 * Is this a name that the walk leaves out?
 */
static bool
is_left_out(const Walk *walk, const char *name)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	return walk->depth == 1 &&
		(strcmp(name, FFU_OWN_DIR) == 0 || strcmp(name, "lost+found") == 0);
}

/*
 * Look at one name in the deepest directory that is open.
 */
static void
look_at(Walk *walk, const char *name, FfuNameVisitor visit, void *arg)
{
	int			dir = dirfd(walk->dirs[walk->depth - 1]);
	int			len = walk->lens[walk->depth - 1];
	struct stat st;
	int			result;

	walk->path.len = len;
	walk->path.data[len] = '\0';
	appendStringInfoString(&walk->path, name);
	result = ffu_durable_look(dir, name, &st);
	if (result == 0 && S_ISDIR(st.st_mode))
	{
		result = enter(walk, dir, name);
		if (result == 0)
			return;
	}
	/* ENOTDIR: it was removed, and made again as something else. */
	if (result != ENOENT && result != ENOTDIR)
		visit(walk->path.data, &st, result, arg);
}

/*
 * Call visit with every name below the root but ffu's own directory; see
 * FfuNameVisitor.  Directories that cannot be read are visited as errors, but
 * a root that cannot be read is raised.
 */
void
ffu_inspect_walk(FfuPlace *place, FfuNameVisitor visit, void *arg)
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
	result = enter(walk, place->root_fd, ".");
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
 * Is this a directory that staging is made of?
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
 * The names in the staging directory and its parts, relative to it, as a list
 * of palloc'd strings; what is there without being ours, too.
 */
List *
ffu_inspect_staging(FfuPlace *place)
{
	List	   *names = ffu_inspect_own(place, ".");
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
		below = ffu_inspect_own(place, name);
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
 * The names in a directory of ours, whose own name is relative to that of
 * staging, as a list of palloc'd strings.  None of ours begins with a dot; NFS
 * has such.
 */
List *
ffu_inspect_own(FfuPlace *place, const char *name)
{
	List	   *volatile names = NIL;
	int			fd;
	int			result = ffu_durable_open_dir(place->staging_fd, name, &fd);
	DIR		   *dir = result == 0 ? fdopendir(fd) : NULL;

	if (result == ENOENT)
		return NIL;
	if (dir == NULL)
		ffu_raise_io(result ? result : errno, "read staging directory of folder",
					 ffu_root_path());
	PG_TRY();
	{
		struct dirent *de;

		while ((de = readdir(dir)) != NULL)
		{
			if (de->d_name[0] != '.')
				names = lappend(names, pstrdup(de->d_name));
		}
	}
	PG_FINALLY();
	{
		closedir(dir);
	}
	PG_END_TRY();
	return names;
}

/*
 * Read all of an open file; hash it.  Returns 0 or an error number.
 */
static int
hash_file(int fd, pg_cryptohash_ctx *hash, int64 *size)
{
	char	   *buf = palloc(FFU_CHUNK);
	size_t		got;
	int			result;

	*size = 0;
	while ((result = ffu_durable_read(fd, buf, FFU_CHUNK, *size, &got)) == 0 &&
		   got > 0)
	{
		CHECK_FOR_INTERRUPTS();
		if (pg_cryptohash_update(hash, (const uint8 *) buf, got) < 0)
			elog(ERROR, "could not update SHA-256");
		*size += got;
		FFU_POINT("digest-after-chunk");
	}
	pfree(buf);
	return result;
}

/*
 * The SHA-256 of a published file, in hex digits, and its size in bytes.
 * Returns 0 or an error number; raises errors that are not the file's.
 */
int
ffu_inspect_digest(FfuPlace *place, const char *path, char *sha256,
				   int64 *size)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	pg_cryptohash_ctx *hash;
	volatile int result;
	int			fd;

	result = place->store->open(place, path, &fd, size);
	if (result != 0)
		return result;
	hash = pg_cryptohash_create(PG_SHA256);
	PG_TRY();
	{
		if (hash == NULL || pg_cryptohash_init(hash) < 0)
			elog(ERROR, "could not initialize SHA-256");
		result = hash_file(fd, hash, size);
		if (pg_cryptohash_final(hash, digest, sizeof(digest)) < 0)
			elog(ERROR, "could not finalize SHA-256");
	}
	PG_FINALLY();
	{
		pg_cryptohash_free(hash);
		ffu_durable_close(&fd);
	}
	PG_END_TRY();
	hex_encode((const char *) digest, sizeof(digest), sha256);
	sha256[FFU_SHA256_HEX_LEN] = '\0';
	return result;
}
