/*-------------------------------------------------------------------------
 *
 * resumable.h
 *	  Resumable uploads: the rows of ffu.upload, and their files.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_RESUMABLE_H
#define FFU_RESUMABLE_H

#include "base/ffu.h"
#include "datatype/timestamp.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"

#include "text/resumable_id.h"
#include "transaction/file.h"
#include "transaction/resumed.h"

/* Columns of ffu.upload */
#define Anum_upload_id				1
#define Anum_upload_sha256			2
#define Anum_upload_root			3
#define Anum_upload_owner			4
#define Anum_upload_begun_by		5
#define Anum_upload_file_name		6
#define Anum_upload_max_size		7
#define Anum_upload_size			8
#define Anum_upload_begun_at		9
#define Anum_upload_expires_at		10
#define Anum_upload_content			11
#define Natts_upload				11

/* A row of ffu.upload; the texts are palloc'd */
typedef struct FfuResumable
{
	ItemPointerData tid;
	int64		key;
	char	   *sha256;
	char	   *root_id;
	Oid			owner;
	uint64		fxid;			/* the transaction that began the upload */
	char	   *file_name;		/* NULL without a name */
	int64		max_size;		/* in bytes; -1: the database's limit only */
	int64		size;			/* in bytes */
	TimestampTz begun_at;
	TimestampTz expires_at;
	char	   *content;		/* SHA-256 of the bytes of a direct upload,
								 * which has max_size bytes; NULL for others */
	FfuResumableFile *file;		/* set by ffu_resumable_open */
} FfuResumable;

extern char *ffu_resumable_begin(const char *file_name, int64 max_size,
								 const char *content);
extern void ffu_resumable_use(const char *id, FfuResumable *resume);
extern void ffu_resumable_look(const char *id, FfuResumable *resume);
extern int	ffu_resumable_open(FfuResumable *resume);
extern int64 ffu_resumable_append(FfuResumable *resume, const char *data,
								  size_t len);
extern FfuFile *ffu_resumable_finish(FfuResumable *resume);
extern void ffu_resumable_end(FfuResumable *resume);

/* For the sweep, and for checks */
extern bool ffu_resumable_lock(int64 key, bool wait);
extern void ffu_resumable_unlock(int64 key);
extern bool ffu_resumable_find(int64 key, FfuResumable *resume);
extern void ffu_resumable_read(Relation rel, HeapTuple tuple, FfuResumable *resume);

#endif							/* FFU_RESUMABLE_H */
