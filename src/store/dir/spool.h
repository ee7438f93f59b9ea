/*-------------------------------------------------------------------------
 *
 * spool.h
 *	  The spool of a store: where bytes are until COMMIT.
 *
 * The spool is always a directory of this host, with the staged files and the
 * files of resumable uploads.  store/dir has the functions.  Functions that
 * return int return 0 or an error number; unless stated otherwise, no function
 * here raises an error or allocates memory (I6).
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_SPOOL_H
#define FFU_SPOOL_H

#include "base/ffu.h"
#include "nodes/pg_list.h"

#include "store/reader.h"
#include "store/store.h"

struct FfuOutside;

/* An origin of bytes, and the result of staging these bytes */
typedef struct FfuOrigin
{
	FfuOriginKind kind;
	const FfuStaged *staged;	/* STAGED */
	const char *name;			/* PATH, DELETED: the path; RESUMABLE: name of
								 * the file */
	const struct FfuOutside *outside;	/* OUTSIDE: the open file */
	bool		may_link;		/* OUTSIDE: the file itself may become the
								 * staged file */
	/* Set by ffu_spool_stage */
	bool		linked;			/* both are the same file */
	FfuReader	rest;			/* open if the caller must copy the bytes */
} FfuOrigin;

/* Staged files */
extern int	ffu_spool_stage(FfuStore *store, FfuStaged *staged,
							FfuOrigin *origin);
extern int	ffu_spool_reopen(FfuStore *store, FfuStaged *staged);
extern int	ffu_spool_cut(FfuStore *store, FfuStaged *staged, int64 size);
extern int	ffu_spool_read(FfuStore *store, const FfuStaged *staged,
						   FfuReader *reader);
extern int	ffu_spool_borrow(FfuStore *store, const FfuStaged *staged,
							 FfuReader *reader);
extern int	ffu_spool_size(FfuStore *store, const FfuStaged *staged,
						   int64 *size);

/* Open files, staged or of resumable uploads */
extern bool ffu_spool_is_open(const FfuSpoolFile *file);
extern int	ffu_spool_write(FfuSpoolFile *file, const char *data, size_t len,
							int64 offset);
extern int	ffu_spool_write_behind(FfuSpoolFile *file, int64 slice);
extern bool ffu_spool_may_sync_later(const FfuStore *store);
extern void ffu_spool_start_writeback(FfuSpoolFile *file);
extern void ffu_spool_close(FfuSpoolFile *file);

/* Files of resumable uploads, by name */
extern int	ffu_spool_begin_upload(FfuStore *store, const char *name,
								   FfuSpoolFile *file);
extern int	ffu_spool_open_upload(FfuStore *store, const char *name,
								  FfuSpoolFile *file);
extern int	ffu_spool_look_upload(const FfuSpoolFile *file, int64 *size,
								  int *names);
extern int	ffu_spool_cut_upload(FfuSpoolFile *file, int64 size);
extern int	ffu_spool_remove_upload(FfuStore *store, const char *name);
extern int	ffu_spool_sync_upload_names(FfuStore *store);
extern int64 ffu_spool_upload_size(FfuStore *store, const char *name);

/* May be cancelled: publish_dir.c */
extern int	ffu_spool_sync_upload(FfuStore *store, FfuSpoolFile *file,
								  int64 from, int64 to, bool begun);

/* Names.  Lists raise errors and are palloc'd: walk.c */
extern List *ffu_spool_staged_names(FfuStore *store);
extern List *ffu_spool_upload_names(FfuStore *store);
extern bool ffu_spool_has(FfuStore *store, const char *name);

#endif							/* FFU_SPOOL_H */
