/*-------------------------------------------------------------------------
 *
 * store.h
 *	  The interface of a store: where published files are kept.
 *
 * A store has a table of methods, so that another kind of store (an object
 * store) is another table.  Until COMMIT the bytes of a file are in the spool,
 * which is always a directory of this host (spool.h).
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_STORE_H
#define FFU_STORE_H

#include <sys/types.h>

#include "base/ffu.h"

struct FfuReader;
struct FfuSpool;
struct FfuStoreMethods;

/* An open store; the first member of the struct of each kind of store */
typedef struct FfuStore
{
	const struct FfuStoreMethods *methods;
	struct FfuSpool *spool;
} FfuStore;

/* An open file of the spool; only store/dir touches the member */
typedef struct FfuSpoolFile
{
	int			fd;				/* -1 if not open */
} FfuSpoolFile;

#define FFU_SPOOL_CLOSED	((FfuSpoolFile) {-1})

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
	uint64		run;			/* of the server, in a name with a path; 0 if
								 * fxid was in flushed WAL before (I9) */
	const char *remote;			/* the bytes are in the bucket, under this
								 * key, and not in the spool; else NULL */
	uint32		n;				/* the file's number in the transaction */
	FfuStep		step;
	FfuSpoolFile file;
	char		path[FFU_PATH_MAX + 1]; /* "" until a path is chosen */
} FfuStaged;

/* Where the bytes of a staged file come from */
typedef enum FfuOriginKind
{
	FFU_ORIGIN_CALLER,			/* the caller writes the bytes */
	FFU_ORIGIN_STAGED,			/* a staged file of this transaction */
	FFU_ORIGIN_PATH,			/* a published file */
	FFU_ORIGIN_DELETED,			/* a deleted file, kept or still to be kept */
	FFU_ORIGIN_RESUMABLE,		/* the file of a resumable upload */
	FFU_ORIGIN_OBJECT,			/* an object of the bucket, by its key */
	FFU_ORIGIN_OUTSIDE			/* a file of this server outside the store */
} FfuOriginKind;

/* A file to publish */
typedef struct FfuOutgoing
{
	FfuStaged  *staged;
	int64		size;			/* in bytes */
	bool		from_outside;	/* give the file the mode of new files */
	bool		later;			/* leave the sync to the syncer (wal/queue.c) */
	bool		to_bucket;		/* the column wants its files in the bucket */
	bool		move_later;		/* the column wants them there after some time */
	bool		moved;			/* a row has had the path before, and keeps it
								 * if the transaction aborts */
	const char *sha256;			/* of the bytes; "" if not known */
	const char *mime_type;		/* found in the bytes; NULL if not known */
} FfuOutgoing;

/* A published file to remove */
typedef struct FfuRemoval
{
	const char *path;
	bool		keep;			/* only move the file out of URL reach */
	int			error;			/* set by the store: 0 or an error number */
	const char *why;			/* set by the store: words for the error; NULL
								 * for those of the error number */
} FfuRemoval;

/* What a store knows of a file */
typedef struct FfuLook
{
	int64		size;			/* in bytes */
	mode_t		mode;			/* kind of file; also permissions, if the
								 * store has modes */
	uid_t		uid;			/* owner, if the store has modes */
} FfuLook;

/*
 * Called with each name in the store that is not a directory, and with each
 * unreadable directory.  For the latter error is not 0 and *look is undefined.
 * May raise errors.
 */
typedef void (*FfuNameVisitor) (const char *path, const FfuLook *look,
								int error, void *arg);

/* The functions that return int return 0 or an error number. */
typedef struct FfuStoreMethods
{
	/* In a statement or before the commit record: may wait, be cancelled */

	/*
	 * Step 4: record what publish will do, where an abort does not take the
	 * record back.  Return true if there is a record: then the WAL must be
	 * flushed before publish.  NULL if publish needs no record.
	 */
	bool		(*announce) (FfuStore *store, FfuOutgoing *files, uint32 n);

	/*
	 * Steps 5 and 6: give every file its path, durably.  Raise an error if
	 * that fails.  Continue from the step of each file.
	 */
	void		(*publish) (FfuStore *store, FfuOutgoing *files, uint32 n);

	/*
	 * Remove or keep files, and set the error of each.  Removals are durable
	 * on return (I8); raise an error otherwise.  A missing file is success
	 * (I7).  Call pause, unless NULL, between two files.
	 */
	void		(*remove) (FfuStore *store, FfuRemoval *removals, int n,
						   void (*pause) (void));

	/* Visit all names. */
	void		(*walk) (FfuStore *store, FfuNameVisitor visit, void *arg);

	/*
	 * Open a file for reading: PATH, DELETED or OBJECT.  Look at a path,
	 * which may be the name of anything.
	 */
	int			(*open) (FfuStore *store, FfuOriginKind kind,
						 const char *path, struct FfuReader *reader);
	int			(*look) (FfuStore *store, const char *path, FfuLook *look);

	/* Move a file without a row out of URL reach, never over another file. */
	int			(*quarantine) (FfuStore *store, const char *path);

	/*
	 * Capabilities, NULL if a store lacks one.  link: let the staged file
	 * share the bytes of a file, PATH or DELETED; return EXDEV, EMLINK or
	 * EPERM if the bytes must be copied.  set_mode: give a file the mode of
	 * new files.
	 */
	int			(*link) (FfuStore *store, FfuStaged *staged,
						 FfuOriginKind kind, const char *path);
	int			(*set_mode) (FfuStore *store, const char *path);

	/*
	 * From the callbacks of the transaction: no error, no allocation, no
	 * waiting (I6).  After a failure the sweep does the rest.
	 */

	/* Remove all names of a file, the path first (I2). */
	int			(*undo) (FfuStore *store, FfuStaged *staged);
	/* Remove the staging name, after commit. */
	int			(*finish) (FfuStore *store, FfuStaged *staged);
	/* Remove or keep a published file, without making that durable. */
	int			(*remove_now) (FfuStore *store, const char *path, bool keep);
} FfuStoreMethods;

#endif							/* FFU_STORE_H */
