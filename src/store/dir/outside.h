/*-------------------------------------------------------------------------
 *
 * outside.h
 *	  Files of this server outside the folder.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_OUTSIDE_H
#define FFU_OUTSIDE_H

#include "base/ffu.h"

#include <sys/stat.h>
#include <time.h>

#include "store/reader.h"
#include "store/store.h"

/*
 * A file and its directory, and their state when opened.  Only store/dir
 * touches the descriptors.
 */
typedef struct FfuOutside
{
	const char *name;			/* of the file in the directory */
	char		dir_path[MAXPGPATH];	/* real path of the directory */
	int			dir_fd;			/* -1 if not open */
	int			fd;				/* -1 if not open */
	struct stat dir_st;
	struct stat st;
} FfuOutside;

#define FFU_OUTSIDE_CLOSED	{.dir_fd = -1,.fd = -1}

/*
 * Identity of a file at the time of its import, to detect a replacement before
 * unlinking the file
 */
typedef struct FfuSource
{
	const char *dir;			/* real path of the file's directory */
	const char *name;			/* name of the file there */
	dev_t		dir_device;
	ino_t		dir_inode;
	dev_t		device;
	ino_t		inode;
	off_t		size;
	struct timespec mtime;
} FfuSource;

/* An entry of a directory */
typedef struct FfuEntry
{
	const char *name;
	mode_t		mode;
	int64		size;			/* in bytes */
	bool		readable;
} FfuEntry;

/* May raise errors. */
typedef void (*FfuEntryVisitor) (const FfuEntry *entry, void *arg);

/*
 * These functions raise no error and allocate no memory.  Those that return
 * int return 0 or an error number; those with an action also set *action to
 * what failed, for a message.
 */
extern int	ffu_outside_enter(FfuOutside *file, const char *directory,
							  const char **action);
extern int	ffu_outside_enter_below(FfuOutside *file, const char *root,
									const char *below, const char **action);
extern int	ffu_outside_open_below(const char *root, const char *below, int *fd);
extern int	ffu_outside_look(FfuOutside *file);
extern int	ffu_outside_open(FfuOutside *file, const char **action);
extern int	ffu_outside_refresh(FfuOutside *file);
extern bool ffu_outside_is_unchanged(const FfuOutside *file);
extern bool ffu_outside_is_linkable(const FfuOutside *file,
									const FfuStore *store);
extern bool ffu_outside_may_remove(const FfuOutside *file);
extern void ffu_outside_borrow(const FfuOutside *file, FfuReader *reader);
extern void ffu_outside_source(const FfuOutside *file, FfuSource *source);
extern int	ffu_outside_remove(const FfuSource *source);
extern void ffu_outside_close(FfuOutside *file);
extern bool ffu_outside_exists(const char *path);

/* list.c */
extern int	ffu_outside_list(const char *root, const char *below,
							 FfuEntryVisitor visit, void *arg,
							 const char **action);

#endif							/* FFU_OUTSIDE_H */
