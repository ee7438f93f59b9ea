/*-------------------------------------------------------------------------
 *
 * both.c
 *	  The store that is a folder and a bucket.
 *
 * A database with a bucket has a folder too.  A path means the same bytes in
 * both: reading looks into the folder first, removing removes from both, and
 * the column decides where a new file goes.  The key of an object is the prefix
 * of the bucket followed by the path.
 *
 * The store is the folder of root.c with the methods of this file.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/settings.h"
#include "store/bucket/both.h"
#include "store/bucket/place.h"
#include "store/bucket/reader.h"
#include "store/dir/root.h"

/* A walk through the bucket */
typedef struct Walk
{
	FfuNameVisitor visit;
	void	   *arg;
} Walk;

/*
 * Describe an object as the folder describes a file of this server.
 */
static void
describe_object(int64 size, FfuLook *look)
{
	look->size = size;
	look->mode = S_IFREG | ffu_setting_file_mode;
	look->uid = geteuid();
}

/*
 * FfuKeyVisitor: visit a key as a name of the store.
 */
static void
visit_key(const char *key, int64 size, void *arg)
{
	Walk	   *walk = arg;
	FfuLook		look;

	if (strncmp(key, FFU_CONTROL_DIR "/", strlen(FFU_CONTROL_DIR "/")) == 0)
		return;
	describe_object(size, &look);
	walk->visit(key, &look, 0, walk->arg);
}

/*
 * Visit all names of the folder, and all keys of the bucket.
 */
static void
walk_both(FfuStore *store, FfuNameVisitor visit, void *arg)
{
	Walk		walk = {visit, arg};
	FfuPlace	place;

	ffu_folder_methods.walk(store, visit, arg);
	if (ffu_place_find(&place))
		ffu_place_methods()->walk(&place, "", visit_key, &walk);
}

/*
 * Open a file of the folder, or else of the bucket.  A file may move from the
 * bucket to the folder between the two: look there again.
 */
static int
open_file(FfuStore *store, FfuOriginKind kind, const char *path,
		  FfuReader *reader)
{
	int			result;

	if (kind == FFU_ORIGIN_OBJECT)
		return ffu_bucket_open(path, reader);
	result = ffu_folder_methods.open(store, kind, path, reader);
	if (result == ENOENT && kind == FFU_ORIGIN_DELETED)
		result = ffu_bucket_open(psprintf("%s%s", FFU_BUCKET_KEPT, path),
								 reader);
	if (result != ENOENT)
		return result;
	result = ffu_bucket_open(path, reader);
	return result == ENOENT ?
		ffu_folder_methods.open(store, kind, path, reader) : result;
}

/*
 * Look at a path in the folder, or else in the bucket, like open_file().
 */
static int
look_at(FfuStore *store, const char *path, FfuLook *look)
{
	int			result = ffu_folder_methods.look(store, path, look);
	FfuPlace	place;
	FfuObject	object;

	if (result != ENOENT || !ffu_place_find(&place))
		return result;
	if (!ffu_place_methods()->look(&place, path, &object))
		return ffu_folder_methods.look(store, path, look);
	describe_object(object.size, look);
	return 0;
}

/*
 * Link a file of the folder.  Return EXDEV for a file of the bucket: its bytes
 * must be copied.
 */
static int
link_file(FfuStore *store, FfuStaged *staged, FfuOriginKind kind,
		  const char *path)
{
	int			result = ffu_folder_methods.link(store, staged, kind, path);

	return result == ENOENT ? EXDEV : result;
}

/*
 * Set the mode of a file of the folder.  An object has no mode.
 */
static int
set_mode(FfuStore *store, const char *path)
{
	FfuLook		look;
	int			result = ffu_folder_methods.set_mode(store, path);

	return result == ENOENT ? look_at(store, path, &look) : result;
}

static const FfuStoreMethods both_methods = {
	.announce = ffu_both_announce,
	.publish = ffu_both_publish,
	.remove = ffu_both_remove,
	.walk = walk_both,
	.open = open_file,
	.look = look_at,
	.quarantine = ffu_both_quarantine,
	.link = link_file,
	.set_mode = set_mode,
	.undo = ffu_both_undo,
	.finish = ffu_both_finish,
	.remove_now = ffu_both_remove_now,
};

/*
 * Return the methods for the store of this database.
 */
static const FfuStoreMethods *
find_methods(void)
{
	return ffu_place_exists() ? &both_methods : &ffu_folder_methods;
}

/*
 * Let root.c ask for the methods.  Called once in a process.
 */
void
ffu_both_init(void)
{
	ffu_root_set_methods(find_methods);
}

/*
 * Tell whether an open store has a bucket.
 */
bool
ffu_both_has_bucket(const FfuStore *store)
{
	return store->methods == &both_methods;
}
