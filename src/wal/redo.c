/*-------------------------------------------------------------------------
 *
 * redo.c
 *	  The resource manager of ffu: replays the records of files.
 *
 *	FILE, REMOVE	append the record to the salvage of the database
 *	SYNC			drop the entries before: their files need no salvage
 *	end of redo		make the salvages durable.  The checkpoint that ends a
 *					recovery comes after that, so the WAL is needed until then
 *
 * No folder is touched (salvage.c), and the fate of the transactions is not
 * decided here.  A failure is of the data directory's own disk, and ends
 * recovery as for a table.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/xlog_internal.h"

#include "base/error.h"
#include "store/dir/salvage.h"
#include "wal/record.h"
#include "wal/redo.h"

/*
 * Raise an error for a record that redo cannot read.
 */
static void
refuse_record(void)
{
	ereport(PANIC,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("cannot replay a record of ffu"),
			 errdetail("The record is malformed, or of a later version of ffu."),
			 errhint("Install the version of ffu that has written the WAL, or a later version.")));
}

/*
 * Raise an error unless result is 0.
 */
static void
check_salvage(int result)
{
	if (result != 0)
		ffu_raise_io(result, "write directory", FFU_SALVAGE_DIR);
}

/*
 * Replay a record.
 */
static void
redo(XLogReaderState *record)
{
	uint8		info = XLogRecGetInfo(record) & ~XLR_INFO_MASK;
	const char *data = XLogRecGetData(record);
	uint32		len = XLogRecGetDataLen(record);
	FfuRecordFile file;
	FfuRecordRemove removal;
	FfuRecordSync sync;
	const char *text;
	const char *bytes;

	if (info == FFU_RECORD_FILE &&
		ffu_record_file(data, len, &file, &text, &bytes))
		check_salvage(ffu_salvage_append(file.database, record->ReadRecPtr,
										 info, data, len));
	else if (info == FFU_RECORD_REMOVE &&
			 ffu_record_remove(data, len, &removal, &text))
		check_salvage(ffu_salvage_append(removal.database, record->ReadRecPtr,
										 info, data, len));
	else if (info == FFU_RECORD_SYNC && ffu_record_sync(data, len, &sync))
		check_salvage(ffu_salvage_drop(sync.database, sync.upto));
	else
		refuse_record();
}

/*
 * Redo is over.
 */
static void
end_redo(void)
{
	check_salvage(ffu_salvage_end());
}

static RmgrData ffu_rmgr = {
	.rm_name = FFU_RMGR_NAME,
	.rm_redo = redo,
	.rm_desc = ffu_record_desc,
	.rm_identify = ffu_record_identify,
	.rm_cleanup = end_redo
};

/*
 * Register the resource manager.  _PG_init calls this in the postmaster.
 */
void
ffu_redo_init(void)
{
	RegisterCustomRmgr(FFU_RMGR_ID, &ffu_rmgr);
}
