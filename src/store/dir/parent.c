/*-------------------------------------------------------------------------
 *
 * parent.c
 *	  The directory of ffu.folder_parent, and the names in the directory.
 *
 *	name		= system-identifier "-" oid-of-the-database [ ".dropped" ]
 *
 * A name says nothing about the owner of a folder: .ffu/owner does.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "access/xlog.h"

#include "base/error.h"
#include "store/dir/parent.h"
#include "store/dir/syscall.h"

/*
 * Write the name of the folder of a database of this cluster.  name has
 * FFU_PARENT_NAME_MAX bytes.
 */
void
ffu_parent_name(char *name, Oid database)
{
	snprintf(name, FFU_PARENT_NAME_MAX, UINT64_FORMAT "-%u",
			 GetSystemIdentifier(), database);
}

/*
 * Tell whether the name of a folder is of this cluster.  If so, set *database
 * and *removed: whether the folder is being removed.
 */
bool
ffu_parent_parse(const char *name, Oid *database, bool *removed)
{
	const char *number = strchr(name, '-');
	char		expected[FFU_PARENT_NAME_MAX];
	size_t		len;

	if (number == NULL)
		return false;
	*database = (Oid) strtoul(number + 1, NULL, 10);
	ffu_parent_name(expected, *database);
	len = strlen(expected);
	*removed = strcmp(name + Min(len, strlen(name)), FFU_PARENT_REMOVED) == 0;
	return strncmp(name, expected, len) == 0 && (name[len] == '\0' || *removed);
}

/*
 * Open the directory, in which only the server may put names.  Return a
 * descriptor, or -1 after a message in the log.
 */
int
ffu_parent_open(const char *path)
{
	struct stat st;
	int			fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int			result = fd < 0 ? errno : 0;

	if (result == 0 && fstat(fd, &st) < 0)
		result = errno;
	if (result == 0 && (st.st_mode & (S_IWOTH | S_IWGRP)) != 0)
		result = EPERM;
	if (result == 0)
		return fd;
	ffu_sys_close(&fd);
	ffu_warn_io(LOG, result, "read directory of ffu.folder_parent", path);
	return -1;
}
