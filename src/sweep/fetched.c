/*-------------------------------------------------------------------------
 *
 * fetched.c
 *	  Removes what a fetch of missing files has left.
 *
 * A session that was cut off while it fetched files leaves the files that had
 * no paths yet.  They are of no use: the next fetch asks for them again.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "miscadmin.h"
#include "storage/lock.h"

#include "base/advisory.h"
#include "base/fault.h"
#include "store/dir/fetched.h"
#include "sweep/fetched.h"

/*
 * Remove the files that a fetch has left, unless a session, this one included,
 * fetches files.  A session that begins to fetch meanwhile waits, see
 * lock_fetches().
 */
void
ffu_sweep_fetched(FfuStore *store)
{
	LOCKTAG		tag;

	if (!ffu_fetched_exist(store))
		return;
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0, 0, FFU_LOCK_FETCH);
	if (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return;
	/* This session fetches files if it has the lock in the other mode */
	if (LockAcquire(&tag, ShareUpdateExclusiveLock, false,
					true) == LOCKACQUIRE_OK)
	{
		FFU_FAULT("clear-fetched");
		ffu_fetched_clear(store);
	}
	LockRelease(&tag, ShareUpdateExclusiveLock, false);
	LockRelease(&tag, ExclusiveLock, false);
}
