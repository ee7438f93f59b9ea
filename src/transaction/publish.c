/*-------------------------------------------------------------------------
 *
 * publish.c
 *	  Steps 4 to 6 of the protocol: before the commit record.
 *
 * PRE_COMMIT and PRE_PREPARE call this file after deferred triggers.  Every
 * function may raise an error; the ABORT callback then takes each file back
 * from the step reached.
 *
 *	4	unlink the files that no row owns.  After a crash the server could give
 *		an unflushed transaction id to another transaction, which would then
 *		decide the fate of the staging names (I9).  So flush the WAL; or if ffu
 *		is preloaded, let the names say in which run of the server they were
 *		made, so that the id decides nothing after a crash
 *	5	the store gives the files their paths (I2, I3)
 *	6	the store makes files and names durable (I1).  From now on the
 *		transaction is closed.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "miscadmin.h"
#include "replication/message.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "base/error.h"
#include "base/fault.h"
#include "base/settings.h"
#include "base/shared.h"
#include "store/dir/claim.h"
#include "store/dir/root.h"
#include "store/dir/spool.h"
#include "text/resumable_id.h"
#include "transaction/dooms.h"
#include "transaction/finish.h"
#include "transaction/pending.h"
#include "transaction/publish.h"
#include "transaction/resumed.h"
#include "wal/log.h"
#include "wal/queue.h"

/*
 * Number of files of a transaction up to which their bytes may go into the
 * WAL
 */
#define LOGGED_MAX	8

/* Number of bytes in a record of the WAL of a file that is durable */
#define PIECE		(256 * 1024)

/*
 * Did all files of the last transaction of this session go to the bucket?
 */
static bool last_to_bucket = false;

/*
 * Raise an error or warn, as ffu.unused_upload says, if an upload was never
 * assigned to a file column: the bytes would be lost silently.
 */
static void
check_unused_uploads(void)
{
	const char *name = NULL;
	int			count = 0;
	FfuFile    *file;

	if (ffu_setting_unused_upload == FFU_UNUSED_IGNORE)
		return;
	for (file = ffu_pending_first(); file; file = ffu_pending_next(file))
	{
		if (ffu_file_outcome(file) == FFU_OUTCOME_UNUSED && count++ == 0)
			name = ffu_file_birth(file)->file_name;
	}
	if (count == 0)
		return;
	ereport(ffu_setting_unused_upload == FFU_UNUSED_ERROR ? ERROR : WARNING,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg_plural("%d upload was not assigned to a file column",
						   "%d uploads were not assigned to a file column",
						   count, count),
			 name ?
			 errdetail("The first has the file name \"%s\"; its bytes would be lost.",
					   name) :
			 errdetail("The first has no file name; its bytes would be lost."),
			 errhint("Assign the result of ffu.file() to a file column in the same transaction, or have a superuser set ffu.unused_upload.")));
}

/*
 * I9: no staging name may include a path before the transaction id is in
 * flushed WAL, unless the name says in which run of the server the id was
 * given out.  If the transaction has written no WAL, write a message, so that
 * there is something to flush, here or at the commit.  announced says that the
 * store has made a record, which must be in flushed WAL in any case.
 */
static void
protect_transaction_id(bool announced)
{
	uint64		run = ffu_shared_run();
	FfuFile    *file;

	if (XactLastRecEnd == InvalidXLogRecPtr)
		(void) FFU_LOG_MESSAGE("ffu");
	if (run == 0 || announced)
		XLogFlush(XactLastRecEnd);
	for (file = ffu_pending_first(); file; file = ffu_pending_next(file))
		ffu_file_staged(file)->run = run;
}

/*
 * May the bytes of a file of this size go into the WAL, instead of a sync?  A
 * file that shares its bytes with another is synced, and so is every file of a
 * transaction with many files, which need one sync together.
 */
bool
ffu_publish_may_log(FfuStore *store, const FfuFile *file, int64 size)
{
	return ffu_setting_wal != FFU_WAL_OFF &&
		size <= (int64) ffu_setting_wal_max_file * 1024 &&
		ffu_pending_count() <= LOGGED_MAX &&
		ffu_file_birth(file)->kind == FFU_ORIGIN_CALLER &&
		ffu_spool_may_sync_later(store) && ffu_queue_is_open();
}

/*
 * Will the bytes of the next file probably go from the spool to the bucket?
 * Then nothing waits for the disk, and early writing would only keep the disk
 * busy.  An upload does not know its column yet; a session that has stored in
 * the bucket goes on doing so.  A wrong guess costs time at COMMIT.
 */
bool
ffu_publish_expects_bucket(void)
{
	return last_to_bucket;
}

/*
 * Write the bytes of a published file into the WAL, in pieces if the file is
 * durable.
 */
static void
log_pieces(const FfuStaged *staged, FfuReader *reader, bool durable)
{
	int64		piece = durable ? Min(reader->size, PIECE) : reader->size;
	char	   *buf = palloc(Max(piece, 1));
	int64		offset = 0;

	do
	{
		size_t		len = Min(reader->size - offset, piece);
		size_t		got = 0;
		int			result = 0;

		CHECK_FOR_INTERRUPTS();
		if (len > 0)
			result = ffu_reader_read(reader, buf, len, offset, &got);
		if (result == 0 && got != len)
			result = EIO;
		if (result != 0)
			ffu_raise_io(result, "read file", staged->path);
		ffu_log_piece(staged, ffu_setting_file_mode, reader->size, durable,
					  offset, buf, len);
		offset += len;
		FFU_FAULT("publish-after-log");
	} while (offset < reader->size);
	pfree(buf);
}

/*
 * Write a published file of the folder into the WAL.  A file that is not
 * durable is small, and takes a single record, as the salvage needs.
 */
static void
log_file(FfuStore *store, const FfuOutgoing *out, bool durable)
{
	const FfuStaged *staged = out->staged;
	FfuReader	reader = {0};
	int			result = ffu_spool_read(store, staged, &reader);

	if (result == 0 && reader.size != out->size)
		result = EIO;
	if (result != 0)
	{
		ffu_reader_close(&reader);
		ffu_raise_io(result, "read file", staged->path);
	}
	PG_TRY();
	{
		log_pieces(staged, &reader, durable);
	}
	PG_FINALLY();
	{
		ffu_reader_close(&reader);
	}
	PG_END_TRY();
}

/*
 * Step 6 for a file that the store has left to the syncer: give the file to the
 * queue, then write the bytes into the WAL (W1).  If the queue does not accept
 * the file, let the store sync the file now, and return false.
 */
static bool
publish_later(FfuStore *store, FfuOutgoing *file)
{
	if (ffu_queue_add(ffu_root_id(), ffu_root_path(), file->staged->path))
	{
		FFU_FAULT("publish-after-queue");
		log_file(store, file, false);
		return true;
	}
	file->later = false;
	store->methods->publish(store, file, 1);
	return false;
}

/*
 * Write files into the WAL, as ffu.wal says.  All others are durable.
 */
static void
publish_logged(FfuStore *store, FfuOutgoing *files, uint32 n)
{
	uint32		i;

	for (i = 0; i < n; i++)
	{
		if (files[i].later && publish_later(store, &files[i]))
			continue;
		if (ffu_setting_wal == FFU_WAL_ALL && !files[i].to_bucket)
			log_file(store, &files[i], true);
	}
}

/*
 * Describe a file for the store.
 */
static void
describe_file(FfuStore *store, FfuFile *file, FfuOutgoing *out)
{
	const FfuFacts *facts = ffu_file_facts(file);

	out->staged = ffu_file_staged(file);
	out->size = facts->size;
	out->from_outside = ffu_file_birth(file)->kind == FFU_ORIGIN_OUTSIDE;
	out->to_bucket = ffu_file_assignment(file)->to_bucket;
	out->moved = ffu_file_assignment(file)->moved;
	out->move_later = ffu_file_assignment(file)->move_later;
	out->later = !out->to_bucket &&
		ffu_publish_may_log(store, file, facts->size);
	out->sha256 = facts->sha256;
	out->mime_type = facts->mime ? facts->mime->mime_type : NULL;
}

/*
 * Describe the files of the transaction for the store.  Refuse a file whose
 * bytes are lost before any file has its path.  The result is palloc'd.
 */
static FfuOutgoing *
describe_files(FfuStore *store)
{
	FfuOutgoing *files = MemoryContextAllocHuge(CurrentMemoryContext,
												ffu_pending_count() *
												sizeof(FfuOutgoing));
	FfuOutgoing *out = files;
	FfuFile    *file;

	last_to_bucket = true;
	for (file = ffu_pending_first(); file; file = ffu_pending_next(file))
	{
		if (ffu_file_outcome(file) == FFU_OUTCOME_LOST)
			ffu_raise_io(EIO, "sync file", ffu_file_path(file));
		describe_file(store, file, out);
		last_to_bucket = last_to_bucket && out->to_bucket;
		out++;
	}
	return files;
}

/*
 * Steps 4 to 6 for all files of the transaction.
 */
static void
publish_files(FfuStore *store)
{
	uint32		n = ffu_pending_count();
	FfuOutgoing *files = describe_files(store);

	protect_transaction_id(store->methods->announce != NULL &&
						   store->methods->announce(store, files, n));
	FFU_FAULT("publish-after-flush");
	store->methods->publish(store, files, n);
	publish_logged(store, files, n);
	pfree(files);
}

/*
 * Step 4: remove unowned files.  Warn of a failure; the sweep removes the file
 * later.
 */
static void
remove_unowned(void)
{
	FfuLeftover left = {0};

	ffu_finish_unowned(&left);
	if (left.count > 0)
		ffu_warn_io(WARNING, left.error, "remove staging file", left.path);
}

/*
 * Refuse to prepare a transaction that has moved files into the folder: nobody
 * would remove the sources after COMMIT PREPARED, and a linked source would
 * stay the same file as the stored file.
 */
static void
refuse_moves(void)
{
	FfuFile    *file;

	for (file = ffu_pending_first(); file; file = ffu_pending_next(file))
	{
		const FfuSource *source = ffu_file_birth(file)->source;

		if (source)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot prepare a transaction that has moved files into the folder"),
					 errdetail("The file \"%s\" in \"%s\" could not be removed by COMMIT PREPARED.",
							   source->name, source->dir),
					 errhint("Call ffu.import_file without \"move\".")));
	}
}

/*
 * Open ffu.deletion for its horizon.  The COMMIT callback closes the relation,
 * so the resource owner must still exist then.
 */
static void
open_deletion(void)
{
	ResourceOwner old = CurrentResourceOwner;

	CurrentResourceOwner = TopTransactionResourceOwner;
	ffu_finish_watch(table_open(ffu_dooms_deletion(), AccessShareLock));
	CurrentResourceOwner = old;
}

/*
 * Make the bytes of a resumable upload durable.
 */
static void
sync_resumed(FfuResumableFile *resumed)
{
	char		name[FFU_RESUMED_MAX + 1];
	FfuStore   *store = ffu_root_use();
	FfuSpoolFile *file = ffu_resumed_file(resumed);
	int64		from;
	int64		to;
	int			result;

	result = ffu_resumed_outcome(resumed) == FFU_RESUMED_LOST ? EIO : 0;
	ffu_resumed_name(resumed, name);
	ffu_resumed_range(resumed, &from, &to);
	if (result == 0 && !ffu_spool_is_open(file))
		result = ffu_spool_open_upload(store, name, file);
	if (result == 0)
		result = ffu_spool_sync_upload(store, file, from, to,
									   ffu_resumed_is_begun(resumed));
	if (result != 0)
		ffu_raise_io(result, "sync file of resumable upload", name);
	FFU_FAULT("resume-after-sync");
}

/*
 * Make bytes appended to resumable uploads durable, before the commit of their
 * rows.  A finished upload is synced like every file.  Return true if the
 * commit must remove the name of a finished or cancelled upload.
 */
static bool
publish_resumed(void)
{
	bool		gone = false;
	FfuResumableFile *resumed;

	for (resumed = ffu_resumed_first(); resumed; resumed = ffu_resumed_next(resumed))
	{
		FfuResumedOutcome outcome = ffu_resumed_outcome(resumed);

		if (outcome == FFU_RESUMED_REMOVED)
			gone = true;
		else if (outcome != FFU_RESUMED_LEFT &&
				 ffu_setting_fsync != FFU_FSYNC_OFF)
			sync_resumed(resumed);
	}
	return gone;
}

/*
 * Do steps 4 to 6.  prepare says that the transaction is being prepared.
 */
void
ffu_publish(bool prepare)
{
	bool		gone;

	if (!ffu_pending_active())
	{
		ffu_pending_close();
		return;
	}
	if (ffu_pending_count() > 0 || ffu_resumed_first() != NULL)
	{
		(void) ffu_root_use();
		ffu_claim_check();
	}
	if (ffu_pending_count() > 0)
	{
		FfuStore   *store = ffu_root_use();

		check_unused_uploads();
		remove_unowned();
		if (prepare)
			refuse_moves();
		FFU_FAULT("publish-begin");
		if (ffu_pending_count() > 0)
			publish_files(store);
	}
	gone = publish_resumed();
	/* Rows may go while the folder is unusable; the sweep does the rest. */
	if (OidIsValid(ffu_dooms_deletion()) && !prepare &&
		ffu_root_try() != NULL)
		open_deletion();
	if (ffu_pending_count() > 0 || gone ||
		OidIsValid(ffu_dooms_deletion()))
		ffu_finish_force_flush();
	ffu_pending_close();
	FFU_FAULT("publish-end");
}
