/*-------------------------------------------------------------------------
 *
 * log.c
 *	  Writes the records of ffu.
 *
 * No record is flushed here: the commit record comes later, and its flush makes
 * the records before it durable.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/transam.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "wal/log.h"
#include "wal/record.h"

/*
 * Write the record of len bytes at offset of a published file of size bytes.
 * durable says that the file is durable in the folder.
 */
void
ffu_log_piece(const FfuStaged *staged, mode_t mode, int64 size, bool durable,
			  int64 offset, const char *bytes, uint32 len)
{
	FfuRecordFile file;

	memset(&file, 0, sizeof(file));
	file.fxid = staged->fxid;
	file.n = staged->n;
	file.database = MyDatabaseId;
	file.form = FFU_RECORD_FORM;
	file.mode = mode;
	file.path_len = strlen(staged->path);
	file.size = size;
	file.offset = offset;
	file.len = len;
	file.flags = durable ? FFU_FILE_DURABLE : 0;
	XLogBeginInsert();
	FFU_REGISTER_DATA(&file, sizeof(file));
	FFU_REGISTER_DATA(staged->path, file.path_len);
	if (len > 0)
		FFU_REGISTER_DATA(bytes, len);
	(void) XLogInsert(FFU_RMGR_ID, FFU_RECORD_FILE);
}

/*
 * Write a record of the files that were removed, or with keep of the files that
 * were only kept.  Snapshots before next_fxid may see rows that need the files.
 */
static void
log_removals(const FfuRemoval *removals, int n, bool keep, uint64 next_fxid)
{
	FfuRecordRemove removal;
	StringInfoData paths;
	int			i;

	memset(&removal, 0, sizeof(removal));
	initStringInfo(&paths);
	for (i = 0; i < n; i++)
	{
		if (removals[i].error != 0 || removals[i].keep != keep)
			continue;
		appendBinaryStringInfo(&paths, removals[i].path,
							   strlen(removals[i].path) + 1);
		removal.count++;
	}
	if (removal.count > 0)
	{
		removal.next_fxid = next_fxid;
		removal.database = MyDatabaseId;
		removal.form = FFU_RECORD_FORM;
		removal.len = paths.len;
		removal.flags = keep ? FFU_REMOVE_KEEP : 0;
		XLogBeginInsert();
		FFU_REGISTER_DATA(&removal, sizeof(removal));
		FFU_REGISTER_DATA(paths.data, paths.len);
		(void) XLogInsert(FFU_RMGR_ID, FFU_RECORD_REMOVE);
	}
	pfree(paths.data);
}

/*
 * Write what became of the files of these removals.
 */
void
ffu_log_removals(const FfuRemoval *removals, int n)
{
	uint64		next = U64FromFullTransactionId(ReadNextFullTransactionId());

	log_removals(removals, n, false, next);
	log_removals(removals, n, true, next);
}

/*
 * Write that these files were removed from the folder and are in the bucket.
 * No snapshot needs them in the folder.  A standby must not wait for snapshots
 * either: a file may come back to the folder under its path.
 */
void
ffu_log_moves(const FfuRemoval *removals, int n)
{
	log_removals(removals, n, false, 0);
}

/*
 * Write that all files of a database whose records begin before upto are
 * durable.  The record alone is no reason for a checkpoint.
 */
void
ffu_log_sync(Oid database, XLogRecPtr upto)
{
	FfuRecordSync sync;

	memset(&sync, 0, sizeof(sync));
	sync.upto = upto;
	sync.database = database;
	sync.form = FFU_RECORD_FORM;
	XLogBeginInsert();
	FFU_REGISTER_DATA(&sync, sizeof(sync));
	XLogSetRecordFlags(XLOG_MARK_UNIMPORTANT);
	(void) XLogInsert(FFU_RMGR_ID, FFU_RECORD_SYNC);
}
