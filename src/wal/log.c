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

#include "access/xlog.h"
#include "access/xloginsert.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "wal/log.h"
#include "wal/record.h"

/*
 * Write the record of a published file, which has these size bytes.
 */
void
ffu_log_file(const FfuStaged *staged, mode_t mode, const char *bytes,
			 uint32 size)
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
	XLogBeginInsert();
	FFU_REGISTER_DATA(&file, sizeof(file));
	FFU_REGISTER_DATA(staged->path, file.path_len);
	FFU_REGISTER_DATA(bytes, size);
	(void) XLogInsert(FFU_RMGR_ID, FFU_RECORD_FILE);
}

/*
 * Write a record of the files that were removed, not only kept.
 */
void
ffu_log_removals(const FfuRemoval *removals, int n)
{
	FfuRecordRemove removal;
	StringInfoData paths;
	int			i;

	memset(&removal, 0, sizeof(removal));
	initStringInfo(&paths);
	for (i = 0; i < n; i++)
	{
		if (removals[i].error != 0 || removals[i].keep)
			continue;
		appendBinaryStringInfo(&paths, removals[i].path,
							   strlen(removals[i].path) + 1);
		removal.count++;
	}
	if (removal.count > 0)
	{
		removal.database = MyDatabaseId;
		removal.form = FFU_RECORD_FORM;
		removal.len = paths.len;
		XLogBeginInsert();
		FFU_REGISTER_DATA(&removal, sizeof(removal));
		FFU_REGISTER_DATA(paths.data, paths.len);
		(void) XLogInsert(FFU_RMGR_ID, FFU_RECORD_REMOVE);
	}
	pfree(paths.data);
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
