/*-------------------------------------------------------------------------
 *
 * open_limit.c
 *	  The limit of the open resumable uploads of a role: ffu.max_uploads.
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

#include "base/advisory.h"
#include "base/catalog.h"
#include "base/settings.h"
#include "upload/open_limit.h"
#include "upload/resumable.h"

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
ffu_open_limit_check(void)
{
	Oid			role = GetUserId();
	LOCKTAG		tag;
	int64		open;

	if (ffu_setting_max_uploads < 0)
		return;
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, role, 0, FFU_LOCK_UPLOADS);
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
			 errhint("Finish or cancel an upload, wait until one expires, or let a superuser raise \"ffu.max_uploads\" for the role.")));
}
