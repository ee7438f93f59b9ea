/*-------------------------------------------------------------------------
 *
 * limit.c
 *	  Limits of what a role can do to the disk before COMMIT.
 *
 * ffu.max_staged limits the bytes of a transaction, ffu.max_uploads the open
 * resumable uploads of a role.  Quotas limit what is stored (usage.c).  Without
 * a limit no function here costs more than a comparison.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/table.h"
#include "access/tableam.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/catalog.h"
#include "base/settings.h"
#include "transaction/pending.h"
#include "transaction/resumed.h"
#include "upload/limit.h"
#include "upload/resumable.h"

/* Field 4 of the advisory locks of roles; see LOCK_CLASS in resumable.c */
#define LOCK_CLASS			0x6678

/*
 * Return the number of bytes that this transaction has staged or appended.  A
 * finished resumable upload counted when its bytes came.
 */
static int64
staged_bytes(void)
{
	int64		total = 0;
	FfuFile    *file;
	FfuResumableFile *resumed;

	if (!ffu_pending_active())
		return 0;
	for (file = ffu_pending_first(); file; file = ffu_pending_next(file))
	{
		if (ffu_file_birth(file)->kind != FFU_ORIGIN_RESUMABLE)
			total += ffu_file_facts(file)->size;
	}
	for (resumed = ffu_resumed_first(); resumed; resumed = ffu_resumed_next(resumed))
	{
		int64		from;
		int64		to;

		ffu_resumed_range(resumed, &from, &to);
		total += Max(to - from, 0);
	}
	return total;
}

/*
 * Raise 53400 if this transaction would stage more than ffu.max_staged with
 * this number of bytes more.
 */
void
ffu_limit_check_staged(int64 more)
{
	int64		allowed = (int64) ffu_setting_max_staged * 1024;
	int64		staged;

	if (ffu_setting_max_staged < 0 || more <= 0)
		return;
	staged = staged_bytes();
	if (staged + more <= allowed)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("transaction stores too many bytes"),
			 errdetail("It has stored " INT64_FORMAT " bytes and would store " INT64_FORMAT " more; \"ffu.max_staged\" allows " INT64_FORMAT ".",
					   staged, more, allowed),
			 errhint("Commit more often, or let a superuser raise \"ffu.max_staged\" for the role.")));
}

/*
 * Check a file that is whole now, of this size.  The bytes of a linked file
 * count as stored, except those of a resumable upload.
 */
void
ffu_limit_check_linked(const FfuFile *file, int64 size)
{
	if (ffu_file_birth(file)->kind != FFU_ORIGIN_RESUMABLE)
		ffu_limit_check_staged(size - ffu_file_facts(file)->size);
}

/*
 * Count the rows of ffu.upload that belong to a role.
 */
static int64
count_uploads(Oid role)
{
	Relation	rel = table_open(ffu_catalog_relation("upload"), AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = FFU_BEGINSCAN(rel, snapshot);
	int64		count = 0;
	bool		isnull;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		if (DatumGetObjectId(slot_getattr(slot, Anum_upload_owner, &isnull)) == role)
			count++;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	table_close(rel, AccessShareLock);
	return count;
}

/*
 * Raise 53400 if the role has ffu.max_uploads open resumable uploads.  The
 * lock, held until the end of the transaction, keeps two transactions of the
 * role from passing the limit together.
 */
void
ffu_limit_check_uploads(void)
{
	Oid			role = GetUserId();
	LOCKTAG		tag;
	int64		open;

	if (ffu_setting_max_uploads < 0)
		return;
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, role, 0, LOCK_CLASS);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
	open = count_uploads(role);
	if (open < ffu_setting_max_uploads)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("too many resumable uploads"),
			 errdetail("Role \"%s\" has " INT64_FORMAT " open; \"ffu.max_uploads\" allows %d.",
					   GetUserNameFromId(role, true), open,
					   ffu_setting_max_uploads),
			 errhint("Finish or cancel an upload, or wait until one expires.")));
}
