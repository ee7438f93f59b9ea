/*-------------------------------------------------------------------------
 *
 * redo.c
 *	  The resource manager of ffu: replays the records of files.
 *
 * After a crash:
 *
 *	FILE, REMOVE	append the record to the salvage of the database, but not
 *					the FILE record of a durable file
 *	SYNC			drop the entries before: their files need no salvage
 *	end of redo		make the salvages durable.  The checkpoint that ends a
 *					recovery comes after that, so the WAL is needed until then
 *
 * On a standby that keeps files, and in a recovery from a backup
 * (ffu.standby_files), the folder has nothing that the WAL has not brought:
 *
 *	FILE, REMOVE	append the record to the inbox of the database
 *	SYNC			nothing
 *	checkpoint		make the inboxes durable before the record is replayed: a
 *					restartpoint can be made from the record, and then the WAL
 *					before is not needed any more
 *	end of redo		make the inboxes durable
 *
 * There is no hook for checkpoint records, so the redo function of the server's
 * own resource manager is wrapped.
 *
 * No folder is touched (salvage.c, inbox.c), and the fate of the transactions
 * is not decided here.  A failure is of the data directory's own disk, and ends
 * recovery as for a table.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/xlog_internal.h"
#include "catalog/pg_control.h"

#include "base/error.h"
#include "base/settings.h"
#include "store/dir/inbox.h"
#include "store/dir/salvage.h"
#include "wal/arrived.h"
#include "wal/record.h"
#include "wal/redo.h"

/* The redo function of the server's own records */
static void (*next_xlog_redo) (XLogReaderState *record) = NULL;

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
 * Raise an error unless result is 0.
 */
static void
check_inbox(int result)
{
	if (result != 0)
		ffu_raise_io(result, "write directory", FFU_INBOX_DIR);
}

/*
 * Does this recovery keep the files of the WAL for a folder of its own?
 */
static bool
keeps_files(void)
{
	return ffu_setting_standby_files && ArchiveRecoveryRequested;
}

/*
 * Keep a record for the folder.  durable says that a folder that has been in
 * use until a crash needs no record.
 */
static void
keep(Oid database, const XLogReaderState *record, uint8 info, bool durable)
{
	const char *data = XLogRecGetData(record);
	uint32		len = XLogRecGetDataLen(record);

	if (keeps_files())
	{
		check_inbox(ffu_inbox_append(database, record->ReadRecPtr, info, data,
									 len));
		ffu_arrived_note(database);
	}
	else if (!durable)
		check_salvage(ffu_salvage_append(database, record->ReadRecPtr, info,
										 data, len));
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
		keep(file.database, record, info,
			 (file.flags & FFU_FILE_DURABLE) != 0);
	else if (info == FFU_RECORD_REMOVE &&
			 ffu_record_remove(data, len, &removal, &text))
		keep(removal.database, record, info,
			 (removal.flags & FFU_REMOVE_KEEP) != 0);
	else if (info == FFU_RECORD_SYNC && ffu_record_sync(data, len, &sync))
	{
		if (!keeps_files())
			check_salvage(ffu_salvage_drop(sync.database, sync.upto));
	}
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
	check_inbox(ffu_inbox_end());
}

/*
 * Replay a record of the server itself.
 */
static void
redo_xlog(XLogReaderState *record)
{
	uint8		info = XLogRecGetInfo(record) & ~XLR_INFO_MASK;

	if (info == XLOG_CHECKPOINT_ONLINE || info == XLOG_CHECKPOINT_SHUTDOWN)
		check_inbox(ffu_inbox_sync());
	next_xlog_redo(record);
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
	next_xlog_redo = RmgrTable[RM_XLOG_ID].rm_redo;
	RmgrTable[RM_XLOG_ID].rm_redo = redo_xlog;
}
