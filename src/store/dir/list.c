/*-------------------------------------------------------------------------
 *
 * list.c
 *	  Lists a directory of this server outside the folder.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "miscadmin.h"

#include "store/dir/outside.h"
#include "store/dir/syscall.h"

/*
 * Visit the entries of an open directory.  An entry that vanishes meanwhile
 * may be left out.  Return 0 or an error number.
 */
static int
visit_entries(DIR *dir, FfuEntryVisitor visit, void *arg)
{
	struct dirent *de;

	while (errno = 0, (de = readdir(dir)) != NULL)
	{
		FfuEntry	entry = {.name = de->d_name};
		struct stat st;

		CHECK_FOR_INTERRUPTS();
		if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0 ||
			ffu_sys_look(dirfd(dir), de->d_name, &st) != 0)
			continue;
		entry.mode = st.st_mode;
		entry.size = st.st_size;
		entry.readable = faccessat(dirfd(dir), de->d_name, R_OK,
								   AT_EACCESS) == 0;
		visit(&entry, arg);
	}
	return errno;
}

/*
 * Visit the entries of a directory below root, or of root itself for "".
 * Links are followed up to root, and not below root.  Return 0 or an error
 * number, with *action for a message; ENOENT or ENOTDIR if there is no such
 * directory.
 */
int
ffu_outside_list(const char *root, const char *below, FfuEntryVisitor visit,
				 void *arg, const char **action)
{
	int			fd;
	volatile int result;
	DIR		   *dir;

	*action = "open directory";
	result = ffu_outside_open_below(root, below, &fd);
	if (result != 0)
		return result;
	*action = "read directory";
	result = ffu_sys_open_list(fd, ".", &dir);
	ffu_sys_close(&fd);
	if (result != 0)
		return result;
	PG_TRY();
	{
		result = visit_entries(dir, visit, arg);
	}
	PG_FINALLY();
	{
		closedir(dir);
	}
	PG_END_TRY();
	return result;
}
