/*-------------------------------------------------------------------------
 *
 * directory.c
 *	  The directories of paths, opened and cached.
 *
 * A directory below the root is opened component by component, from the
 * descriptor of the root, without following symbolic links.  The directories
 * above the path opened last are cached as open descriptors, since the files
 * of a transaction often share their directories.
 *
 * No function here raises an error or allocates memory (I6).
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "base/error.h"
#include "base/fault.h"
#include "store/dir/directory.h"
#include "store/dir/syscall.h"

/*
 * Return the last component of a path, as a pointer into the path.
 */
const char *
ffu_leaf_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/*
 * Close all cached directories except the outermost n.
 */
void
ffu_directories_close(FfuStore *store, int n)
{
	while (store->ndirectories > n)
		ffu_sys_close(&store->directory_fds[--store->ndirectories]);
}

/*
 * Count the cached directories that lie above path.
 */
static int
count_kept(const FfuStore *store, const char *path)
{
	size_t		len = ffu_leaf_of(path) - path;
	int			n = 0;

	while (n < store->ndirectories && store->directory_ends[n] < len &&
		   path[store->directory_ends[n]] == '/' &&
		   memcmp(store->directory, path, store->directory_ends[n]) == 0)
		n++;
	return n;
}

/*
 * Cache the directory named by the first len bytes of path as the innermost
 * directory.  The cache owns fd from here on.
 */
static void
keep_directory(FfuStore *store, const char *path, size_t len, int fd)
{
	if (store->ndirectories == FFU_DIRECTORIES_KEPT)
		ffu_directories_close(store, FFU_DIRECTORIES_KEPT - 1);
	store->directory_fds[store->ndirectories] = fd;
	store->directory_ends[store->ndirectories++] = len;
	memcpy(store->directory, path, len);
}

/*
 * Tell whether a lookup with this result is worth a second try.  A cached
 * directory may have been removed and made again under the same name; kept
 * tells whether the lookup used the cache.  If so, empty the cache.
 */
bool
ffu_directories_look_again(FfuStore *store, int result, bool kept)
{
	if (result != ENOENT || !kept)
		return false;
	ffu_directories_close(store, 0);
	return true;
}

/*
 * Open the directory called name in dir.  If the directory is missing and make
 * is true, make the directory first.
 */
static int
enter_directory(FfuStore *store, int dir, const char *name, bool make,
				int *fd)
{
	int			result = ffu_sys_open_dir(dir, name, fd);

	if (result != ENOENT || !make)
		return result;
	result = ffu_sys_make_dir(dir, name, store->directory_mode);
	if (result != 0 && result != EEXIST)
		return result;
	FFU_FAULT_SAFE("publish-after-mkdir");
	return ffu_sys_open_dir(dir, name, fd);
}

/*
 * Open the directory of a path.  If make is true, make missing directories.
 * *fd belongs to the store or to its cache; the caller must not close *fd.
 */
int
ffu_directory_open(FfuStore *store, const char *path, bool make, int *fd)
{
	size_t		len = ffu_leaf_of(path) - path;
	int			kept = count_kept(store, path);
	char		name[FFU_PATH_MAX + 1];
	size_t		start = 0;
	size_t		end;

	*fd = store->root_fd;
	if (kept > 0)
	{
		*fd = store->directory_fds[kept - 1];
		start = store->directory_ends[kept - 1] + 1;
	}
	if (start < len)
		ffu_directories_close(store, kept);
	for (; start < len; start = end + 1)
	{
		int			next;
		int			result;

		for (end = start; path[end] != '/'; end++)
			continue;
		memcpy(name, path + start, end - start);
		name[end - start] = '\0';
		result = enter_directory(store, *fd, name, make, &next);
		if (result != 0)
		{
			ffu_report_directory(path, end);
			return result;
		}
		keep_directory(store, path, end, next);
		*fd = next;
	}
	return 0;
}

/*
 * Remove the empty directories above path, from the bottom up; the root stays.
 * Ignore failures: the directory is not empty, or another session works in it.
 */
void
ffu_directories_remove_empty(FfuStore *store, const char *path)
{
	char		parent[FFU_PATH_MAX + 1];
	char	   *slash;

	strlcpy(parent, path, sizeof(parent));
	while ((slash = strrchr(parent, '/')) != NULL)
	{
		int			dir;

		*slash = '\0';
		if (ffu_directory_open(store, parent, false, &dir) != 0 ||
			ffu_sys_remove_dir(dir, ffu_leaf_of(parent)) != 0)
			break;
		ffu_directories_close(store, count_kept(store, parent));
	}
}
