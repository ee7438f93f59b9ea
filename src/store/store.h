/*-------------------------------------------------------------------------
 *
 * store.h
 *	  What a place for bytes can do.
 *
 * A store is a table of functions, so that another kind of place
 * (an object store) is one more table.  All of them return 0 or an error
 * number; none can raise an error or allocate memory (I6).
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

struct FfuStore;

/* So many nested directories are kept open. */
#define FFU_DIRECTORIES_KEPT	4

/* An open place: a root whose id has been read through root_fd. */
typedef struct FfuPlace
{
	const struct FfuStore *store;
	int			root_fd;
	int			staging_fd;
	mode_t		file_mode;
	mode_t		directory_mode;
	bool		in_order;		/* what is done to names and inodes becomes
								 * durable in the order it is done in */
	bool		can_sync_all;	/* one sync of the whole file system may be
								 * used instead of one a file */
	bool		has_sync_all;	/* it would flush the database as well, but
								 * can be done */
	/* The directories above the path opened last, kept open for the next */
	int			ndirectories;
	int			directory_fds[FFU_DIRECTORIES_KEPT];
	size_t		directory_ends[FFU_DIRECTORIES_KEPT];	/* lengths of their
														 * paths */
	char		directory[FFU_PATH_MAX + 1];	/* the innermost one's path */
} FfuPlace;

/* How far a file of this transaction has got. */
typedef enum FfuStep
{
	FFU_STEP_NONE,				/* nothing on the disk */
	FFU_STEP_STAGED,			/* staging name without a path */
	FFU_STEP_NAMED,				/* staging name with its path */
	FFU_STEP_PUBLISHED			/* that, and the final name */
} FfuStep;

/* One file that a transaction made. */
typedef struct FfuStaged
{
	uint64		fxid;			/* full id of the top transaction */
	uint32		n;				/* its number in that transaction */
	FfuStep		step;
	int			fd;				/* -1 if not open */
	char		path[FFU_PATH_MAX + 1]; /* "" as long as none is chosen */
} FfuStaged;

typedef struct FfuStore
{
	const char *name;

	/* Create the staging file of staged and open it as staged->fd. */
	int			(*stage) (FfuPlace *place, FfuStaged *staged);
	/* The same, with the bytes of another staged file, or of a path. */
	int			(*stage_same) (FfuPlace *place, FfuStaged *staged,
							   const FfuStaged *from);
	int			(*stage_copy) (FfuPlace *place, FfuStaged *staged,
							   const char *path);
	/* Stage the very file called name in dir, which is outside the place */
	int			(*stage_link) (FfuPlace *place, FfuStaged *staged,
							   int dir, const char *name);

	/*
	 * Files of resumable uploads, by name: open for writing, making it; stage
	 * one under a second name; remove the first; make the names durable
	 */
	int			(*open_resumed) (FfuPlace *place, const char *name, bool make,
								 int *fd);
	int			(*stage_resumed) (FfuPlace *place, FfuStaged *staged,
								  const char *name);
	int			(*remove_resumed) (FfuPlace *place, const char *name);
	int			(*sync_resumed) (FfuPlace *place);
	/* Open a staged file for writing, if it is not; cut it off at size bytes */
	int			(*reopen) (FfuPlace *place, FfuStaged *staged);
	int			(*cut) (FfuPlace *place, FfuStaged *staged, int64 size);
	/* Step 5: the staging name says the path; the path is made */
	int			(*announce) (FfuPlace *place, FfuStaged *staged);
	int			(*publish) (FfuPlace *place, FfuStaged *staged);
	/* Step 6; flush writes the slice at offset to the disk, in turn */
	int			(*flush) (FfuPlace *place, FfuStaged *staged, int64 offset);
	int			(*sync) (FfuPlace *place, FfuStaged *staged);
	/* Only the bytes; where a place is in order, a later sync does the rest */
	int			(*write_out) (FfuPlace *place, FfuStaged *staged);
	int			(*sync_staging) (FfuPlace *place, uint64 fxid);
	int			(*sync_directory) (FfuPlace *place, const char *path);
	int			(*sync_removal) (FfuPlace *place, const char *path);
	/* Where a place is in order: everything done to names up to now */
	int			(*sync_names) (FfuPlace *place);
	int			(*sync_all) (FfuPlace *place);
	/* Take back whatever there is, final name first (I2) */
	int			(*undo) (FfuPlace *place, FfuStaged *staged);
	/* Take away the staging name, after commit */
	int			(*finish) (FfuPlace *place, FfuStaged *staged);
	/* Remove a published file, and directories it leaves empty */
	int			(*remove) (FfuPlace *place, const char *path);
	/* Move a published file out of URL reach; remove what was moved there */
	int			(*keep) (FfuPlace *place, const char *path);
	int			(*remove_kept) (FfuPlace *place, const char *path);
	/* Stage the bytes of a file that was moved there, or is still to be */
	int			(*stage_kept) (FfuPlace *place, FfuStaged *staged,
							   const char *path);
	int			(*open_kept) (FfuPlace *place, const char *path, int *fd);
	/* What a path is; for a file, give it the mode that new ones have */
	int			(*look) (FfuPlace *place, const char *path, struct stat *st);
	int			(*set_mode) (FfuPlace *place, const char *path);
	/* Move what no row has out of URL reach, never over anything */
	int			(*quarantine) (FfuPlace *place, const char *path);
	/* Open for reading; *size is in bytes */
	int			(*open) (FfuPlace *place, const char *path, int *fd,
						 int64 *size);
	int			(*open_staged) (FfuPlace *place, const FfuStaged *staged,
								int *fd);
} FfuStore;

extern const FfuStore ffu_store_dir;

#endif							/* FFU_STORE_H */
