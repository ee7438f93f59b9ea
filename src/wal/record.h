/*-------------------------------------------------------------------------
 *
 * record.h
 *	  The records of ffu in the WAL.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_RECORD_H
#define FFU_RECORD_H

#include "access/rmgr.h"
#include "access/xlogdefs.h"
#include "access/xlogreader.h"
#include "lib/stringinfo.h"

#include "base/ffu.h"

/*
 * The id of ffu's resource manager, the same on all servers and for ever.
 * RM_EXPERIMENTAL_ID is for development only: before the release reserve an id
 * at https://wiki.postgresql.org/wiki/CustomWALResourceManagers.
 */
#define FFU_RMGR_ID			RM_EXPERIMENTAL_ID
#define FFU_RMGR_NAME		"ffu"

/* The kinds of records */
#define FFU_RECORD_FILE		0x10	/* a file, or a piece of a file */
#define FFU_RECORD_REMOVE	0x20	/* files whose removal is durable, or that
									 * are out of reach of URLs */
#define FFU_RECORD_SYNC		0x30	/* files that are durable in the folder */

/* The form of all records; redo refuses a higher one */
#define FFU_RECORD_FORM		1

/* The file was durable in its folder before the record was written. */
#define FFU_FILE_DURABLE	0x01

/*
 * FILE: written after the file has its path, before the commit record.  The
 * path and len bytes of the file follow, from offset on.  A larger file has
 * several records, in the order of the offsets.
 */
typedef struct FfuRecordFile
{
	uint64		fxid;			/* full id of the top transaction */
	uint64		size;			/* of the whole file, in bytes */
	uint64		offset;			/* of the first byte here */
	uint32		n;				/* the file's number in the transaction */
	Oid			database;
	uint32		form;
	uint32		mode;			/* permissions */
	uint32		path_len;
	uint32		len;			/* number of bytes here */
	uint32		flags;
	uint32		padding;		/* 0 */
} FfuRecordFile;

/* The files are only out of reach of URLs, for ffu.deletion_delay. */
#define FFU_REMOVE_KEEP		0x01

/*
 * REMOVE: written after the removal, before the commit that strikes the
 * deletions off.  The paths follow, each with a zero byte at the end.  A
 * standby removes the files once no snapshot there is older than next_fxid:
 * all transactions that have deleted a row with one of the paths are older.
 */
typedef struct FfuRecordRemove
{
	uint64		next_fxid;		/* the next full transaction id; 0: no
								 * snapshot needs the files */
	Oid			database;
	uint32		form;
	uint32		count;			/* of the paths */
	uint32		len;			/* of all paths */
	uint32		flags;
	uint32		padding;		/* 0 */
} FfuRecordRemove;

/*
 * SYNC: every file of the database whose record begins before upto is durable
 * in its folder.
 */
typedef struct FfuRecordSync
{
	XLogRecPtr	upto;
	Oid			database;
	uint32		form;
} FfuRecordSync;

extern bool ffu_record_file(const char *data, uint32 len, FfuRecordFile *file,
							const char **path, const char **bytes);
extern bool ffu_record_remove(const char *data, uint32 len,
							  FfuRecordRemove *removal, const char **paths);
extern bool ffu_record_sync(const char *data, uint32 len, FfuRecordSync *sync);
extern bool ffu_record_is_whole(const FfuRecordFile *file);
extern void ffu_record_desc(StringInfo buf, XLogReaderState *record);
extern const char *ffu_record_identify(uint8 info);

#endif							/* FFU_RECORD_H */
