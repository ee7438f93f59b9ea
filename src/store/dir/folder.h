/*-------------------------------------------------------------------------
 *
 * folder.h
 *	  The members of an open folder, for the files of store/dir only.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_FOLDER_H
#define FFU_FOLDER_H

#include "base/ffu.h"

#include <sys/stat.h>

#include "store/reader.h"
#include "store/store.h"

/* The spool of a store */
typedef struct FfuSpool
{
	int			staging_fd;
	bool		in_order;		/* changes of names and inodes become durable
								 * in the order of their making */
} FfuSpool;

/* The store that is a folder: a root whose id has been read through root_fd */
typedef struct FfuFolder
{
	FfuStore	store;			/* first */
	FfuSpool	spool;			/* .ffu/staging in the folder */
	int			root_fd;
	bool		can_sync_all;	/* one sync of the whole file system may
								 * replace the syncs of files */
	bool		has_sync_all;	/* such a sync works, but may flush the
								 * database as well */
} FfuFolder;

/*
 * Return the folder of a store whose methods are ffu_folder_methods.
 */
static inline FfuFolder *
ffu_folder(FfuStore *store)
{
	return (FfuFolder *) store;
}

/* spool.c, store_dir.c: no error, no allocation (I6) */
extern const FfuReaderMethods ffu_folder_reader;
extern const FfuReaderMethods ffu_borrowing_reader;
extern void ffu_spool_name(const FfuStaged *staged, char *name);
extern int	ffu_spool_link(const FfuSpool *spool, FfuStaged *staged, int dir,
						   const char *from);

extern const FfuStoreMethods ffu_folder_methods;
extern void ffu_folder_describe_file(const struct stat *st, FfuLook *look);
extern int	ffu_folder_set_mode(FfuStore *store, const char *path);
extern int	ffu_folder_remove_now(FfuStore *store, const char *path, bool keep);
extern int	ffu_folder_remove_kept(FfuFolder *folder, const char *path);
extern int	ffu_folder_sync_removal(FfuFolder *folder, const char *path);

/* The methods that may raise errors: publish_dir.c, remove_dir.c, walk.c */
extern void ffu_folder_publish(FfuStore *store, FfuOutgoing *files, uint32 n);
extern void ffu_folder_remove(FfuStore *store, FfuRemoval *removals, int n,
							  void (*pause) (void));
extern void ffu_folder_walk(FfuStore *store, FfuNameVisitor visit, void *arg);

#endif							/* FFU_FOLDER_H */
