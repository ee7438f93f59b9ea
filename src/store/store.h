/*-------------------------------------------------------------------------
 *
 * store.h
 *	  The interface of a store: where bytes are kept.
 *
 * A store has a table of methods, so that another kind of store (an object
 * store) is another table.  Every function returns 0 or an error number; no
 * function may raise an error or allocate memory (I6).
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_STORE_H
#define FFU_STORE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "base/ffu.h"

struct FfuStoreMethods;

/* An open store: a root whose id has been read through root_fd */
typedef struct FfuStore
{
	const struct FfuStoreMethods *methods;
	int			root_fd;
	int			staging_fd;
	mode_t		file_mode;
	mode_t		directory_mode;
	bool		in_order;		/* changes of names and inodes become durable
								 * in the order of their making */
	bool		can_sync_all;	/* one sync of the whole file system may
								 * replace the syncs of files */
	bool		has_sync_all;	/* such a sync works, but may flush the
								 * database as well */
} FfuStore;

/* Progress of a file of this transaction */
typedef enum FfuStep
{
	FFU_STEP_NONE,				/* nothing on the disk */
	FFU_STEP_STAGED,			/* staging name without a path */
	FFU_STEP_NAMED,				/* staging name with the path */
	FFU_STEP_PUBLISHED			/* staging name with the path, and the final
								 * name */
} FfuStep;

/* A file made by a transaction */
typedef struct FfuStaged
{
	uint64		fxid;			/* full id of the top transaction */
	uint32		n;				/* the file's number in the transaction */
	FfuStep		step;
	int			fd;				/* -1 if not open */
	char		path[FFU_PATH_MAX + 1]; /* "" until a path is chosen */
} FfuStaged;

/* A file that is open for reading */
typedef struct FfuReader
{
	int			fd;				/* -1 if not open */
	int64		size;			/* in bytes */
} FfuReader;

/* Where the bytes of a staged file come from */
typedef enum FfuOriginKind
{
	FFU_ORIGIN_CALLER,			/* the caller writes the bytes */
	FFU_ORIGIN_STAGED,			/* a staged file of this transaction */
	FFU_ORIGIN_PATH,			/* a published file */
	FFU_ORIGIN_DELETED,			/* a deleted file, kept or still to be kept */
	FFU_ORIGIN_RESUMABLE,		/* the file of a resumable upload */
	FFU_ORIGIN_OUTSIDE			/* a file of this server outside the store */
} FfuOriginKind;

typedef struct FfuOrigin
{
	FfuOriginKind kind;
	const FfuStaged *staged;	/* STAGED */
	const char *name;			/* PATH, DELETED: the path; RESUMABLE,
								 * OUTSIDE: name of the file */
	int			dir;			/* OUTSIDE: directory of the file */
	int			fd;				/* OUTSIDE: the open file */
	bool		may_link;		/* OUTSIDE: the file itself may become the
								 * staged file */
	/* Set by stage */
	bool		linked;			/* both are the same file */
	FfuReader	rest;			/* open if the caller must copy the bytes */
} FfuOrigin;

typedef struct FfuStoreMethods
{
	const char *name;

	/*
	 * Create the staging file of staged, with the bytes of origin.  If the
	 * store cannot share or copy the bytes, leave the file empty and open,
	 * and open origin->rest: the caller copies the bytes, and closes
	 * origin->rest. Return EEXIST if the staging name is taken, ENOENT if
	 * there are no bytes.
	 */
	int			(*stage) (FfuStore *store, FfuStaged *staged,
						  FfuOrigin *origin);

	/*
	 * Files of resumable uploads, by name: open for writing, and create if
	 * make; remove the name; make the names durable
	 */
	int			(*open_resumed) (FfuStore *store, const char *name, bool make,
								 int *fd);
	int			(*remove_resumed) (FfuStore *store, const char *name);
	int			(*sync_resumed) (FfuStore *store);

	/* Open a staged file for writing if not open; cut off at size bytes */
	int			(*reopen) (FfuStore *store, FfuStaged *staged);
	int			(*cut) (FfuStore *store, FfuStaged *staged, int64 size);
	/* Step 5: put the path into the staging name; make the path */
	int			(*announce) (FfuStore *store, FfuStaged *staged);
	int			(*publish) (FfuStore *store, FfuStaged *staged);

	/* Step 6; flush writes the slice at offset to the disk, in turn */
	int			(*flush) (FfuStore *store, FfuStaged *staged, int64 offset);
	int			(*sync) (FfuStore *store, FfuStaged *staged);
	/* Write the bytes only; in a store in order, a later sync does the rest */
	int			(*write_out) (FfuStore *store, FfuStaged *staged);
	int			(*sync_staging) (FfuStore *store, uint64 fxid);
	int			(*sync_directory) (FfuStore *store, const char *path);
	int			(*sync_removal) (FfuStore *store, const char *path);
	/* In a store in order: make all earlier changes of names durable */
	int			(*sync_names) (FfuStore *store);
	int			(*sync_all) (FfuStore *store);
	/* Remove all names of a file, final name first (I2) */
	int			(*undo) (FfuStore *store, FfuStaged *staged);
	/* Remove the staging name, after commit */
	int			(*finish) (FfuStore *store, FfuStaged *staged);
	/* Remove a published file, and the directories that become empty */
	int			(*remove) (FfuStore *store, const char *path);
	/* Move a published file out of URL reach; remove a kept file */
	int			(*keep) (FfuStore *store, const char *path);
	int			(*remove_kept) (FfuStore *store, const char *path);
	/* Look at a path; give a file the mode of new files */
	int			(*look) (FfuStore *store, const char *path, struct stat *st);
	int			(*set_mode) (FfuStore *store, const char *path);
	/* Move a file without a row out of URL reach, never over another file */
	int			(*quarantine) (FfuStore *store, const char *path);
	/* Open for reading; *size is in bytes */
	int			(*open) (FfuStore *store, const char *path, int *fd,
						 int64 *size);
	int			(*open_staged) (FfuStore *store, const FfuStaged *staged,
								int *fd);
} FfuStoreMethods;

extern const FfuStoreMethods ffu_store_dir;

#endif							/* FFU_STORE_H */
