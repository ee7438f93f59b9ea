/*-------------------------------------------------------------------------
 *
 * arrived.c
 *	  What redo has put into the inbox, and what has been delivered from there.
 *
 * Redo counts the records in the inbox of a database; a delivery notes the
 * count from before the delivery.  As long as the counts differ, there is
 * something to deliver.  A row becomes visible on a standby when redo has
 * replayed the commit, so the records of the row's file have been counted by
 * then.
 *
 * The counts are in shared memory, which the server makes anew at each start.
 * Then the whole inbox is delivered again.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/condition_variable.h"
#include "storage/lwlock.h"

#include "base/area.h"
#include "store/dir/inbox.h"
#include "wal/arrived.h"

/* Number of databases; a further one is delivered from the beginning each time */
#define DATABASES_MAX	256

/* A waiting session looks again after this time, in ms, if nobody wakes it up */
#define LOOK_PAUSE		100

/* A database */
typedef struct Slot
{
	Oid			database;
	uint64		arrived;		/* from 1 on: there may be segments */
	uint64		delivered;
	FfuInboxPlace place;		/* of the first entry that is not delivered */
	bool		unsettled;		/* files were delivered, with staging names */
} Slot;

typedef struct Arrived
{
	LWLock	   *lock;			/* protects all members but over */
	ConditionVariable over;		/* a delivery has ended */
	Latch	   *latch;			/* of the launcher, or NULL */
	int			nslots;
	Slot		slots[DATABASES_MAX];
} Arrived;

static Arrived *arrived = NULL;

/*
 * Attach the shared memory.
 */
static void
attach(void *memory, LWLock *lock, bool is_new)
{
	arrived = memory;
	if (is_new)
	{
		arrived->lock = lock;
		ConditionVariableInit(&arrived->over);
	}
}

/*
 * Request shared memory.  _PG_init calls this in the postmaster.
 */
void
ffu_arrived_init(void)
{
	static const FfuArea area = {"ffu arrived", sizeof(Arrived), attach};

	ffu_area_add(&area);
}

/*
 * Return the slot of a database, or NULL.  The caller has the lock.
 */
static Slot *
find_slot(Oid database)
{
	int			i;

	for (i = 0; i < arrived->nslots; i++)
	{
		if (arrived->slots[i].database == database)
			return &arrived->slots[i];
	}
	return NULL;
}

/*
 * Return the slot of a database, a new one if need be, or NULL if there is no
 * room.  The caller has the lock exclusively.  Of a new slot nothing is known,
 * so something may have arrived.
 */
static Slot *
enter_slot(Oid database)
{
	Slot	   *slot = find_slot(database);

	if (slot != NULL || arrived->nslots == DATABASES_MAX)
		return slot;
	slot = &arrived->slots[arrived->nslots++];
	memset(slot, 0, sizeof(*slot));
	slot->database = database;
	slot->arrived = 1;
	return slot;
}

/*
 * Note that redo has put a record into the inbox of a database.  Wake up the
 * launcher if all earlier ones are delivered; else the launcher knows.
 */
void
ffu_arrived_note(Oid database)
{
	Latch	   *latch = NULL;
	Slot	   *slot;

	if (arrived == NULL)
		return;
	LWLockAcquire(arrived->lock, LW_EXCLUSIVE);
	slot = enter_slot(database);
	if (slot == NULL || slot->arrived++ == slot->delivered)
		latch = arrived->latch;
	LWLockRelease(arrived->lock);
	if (latch)
		SetLatch(latch);
}

/*
 * Is there something to deliver for a database?
 */
bool
ffu_arrived_is_pending(Oid database)
{
	FfuInboxRange range;
	bool		known = false;
	bool		pending = false;
	Slot	   *slot;

	if (arrived)
	{
		LWLockAcquire(arrived->lock, LW_SHARED);
		slot = find_slot(database);
		known = slot != NULL;
		pending = known && slot->arrived != slot->delivered;
		LWLockRelease(arrived->lock);
	}
	if (known)
		return pending;
	return ffu_inbox_range(database, &range) != 0 || range.first > 0;
}

/*
 * Return the count of what has arrived for a database, or 0 if nothing is known
 * of the database.
 */
uint64
ffu_arrived_count(Oid database)
{
	uint64		count = 0;
	Slot	   *slot;

	if (arrived == NULL)
		return 0;
	LWLockAcquire(arrived->lock, LW_SHARED);
	slot = find_slot(database);
	if (slot)
		count = slot->arrived;
	LWLockRelease(arrived->lock);
	return count;
}

/*
 * Is everything delivered that had arrived when ffu_arrived_count() returned
 * this count?
 */
bool
ffu_arrived_is_delivered(Oid database, uint64 count)
{
	bool		delivered = false;
	Slot	   *slot;

	if (arrived == NULL)
		return false;
	LWLockAcquire(arrived->lock, LW_SHARED);
	slot = find_slot(database);
	if (slot)
		delivered = slot->delivered >= count;
	LWLockRelease(arrived->lock);
	return delivered;
}

/*
 * Is there something to deliver for a database other than this one?
 */
bool
ffu_arrived_is_pending_elsewhere(Oid database)
{
	bool		pending = false;
	int			i;

	if (arrived == NULL)
		return false;
	LWLockAcquire(arrived->lock, LW_SHARED);
	for (i = 0; i < arrived->nslots; i++)
	{
		Slot	   *slot = &arrived->slots[i];

		if (slot->database != database && slot->arrived != slot->delivered)
			pending = true;
	}
	LWLockRelease(arrived->lock);
	return pending;
}

/*
 * Take the lock under which files are delivered, until the end of the
 * transaction or ffu_arrived_unlock().
 *
 * The caller may have pinned a page of a table.  If a session waits for a lock
 * of the server while redo waits for the page, the server takes that for a
 * deadlock and cancels the session's query.  So the session waits for a
 * condition variable.
 */
void
ffu_arrived_lock(const LOCKTAG *tag)
{
	if (arrived == NULL)
	{
		(void) LockAcquire(tag, ExclusiveLock, false, false);
		return;
	}
	ConditionVariablePrepareToSleep(&arrived->over);
	while (LockAcquire(tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		(void) ConditionVariableTimedSleep(&arrived->over, LOOK_PAUSE,
										   PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
}

/*
 * Release the lock under which files are delivered.
 */
void
ffu_arrived_unlock(const LOCKTAG *tag)
{
	LockRelease(tag, ExclusiveLock, false);
	if (arrived)
		ConditionVariableBroadcast(&arrived->over);
}

/*
 * A delivery begins.  Set *place to the place from which to deliver, and return
 * the count for ffu_arrived_end().
 */
uint64
ffu_arrived_begin(Oid database, FfuInboxPlace *place)
{
	uint64		count = 0;
	Slot	   *slot;

	memset(place, 0, sizeof(*place));
	if (arrived == NULL)
		return 0;
	LWLockAcquire(arrived->lock, LW_EXCLUSIVE);
	slot = enter_slot(database);
	if (slot)
	{
		count = slot->arrived;
		*place = slot->place;
	}
	LWLockRelease(arrived->lock);
	return count;
}

/*
 * A delivery has come to this place, and no further.
 */
void
ffu_arrived_keep(Oid database, const FfuInboxPlace *place)
{
	Slot	   *slot;

	if (arrived == NULL)
		return;
	LWLockAcquire(arrived->lock, LW_EXCLUSIVE);
	slot = find_slot(database);
	if (slot)
		slot->place = *place;
	LWLockRelease(arrived->lock);
}

/*
 * A delivery has come to this place, and all records of this count are
 * delivered.
 */
void
ffu_arrived_end(Oid database, uint64 count, const FfuInboxPlace *place)
{
	Slot	   *slot;

	if (arrived == NULL)
		return;
	LWLockAcquire(arrived->lock, LW_EXCLUSIVE);
	slot = find_slot(database);
	if (slot)
	{
		slot->delivered = count;
		slot->place = *place;
	}
	LWLockRelease(arrived->lock);
}

/*
 * Note whether the folder of a database may have staging names whose
 * transactions were not over.
 */
void
ffu_arrived_set_unsettled(Oid database, bool unsettled)
{
	Slot	   *slot;

	if (arrived == NULL)
		return;
	LWLockAcquire(arrived->lock, LW_EXCLUSIVE);
	slot = enter_slot(database);
	if (slot)
		slot->unsettled = unsettled;
	LWLockRelease(arrived->lock);
}

bool
ffu_arrived_is_unsettled(Oid database)
{
	Slot	   *slot;
	bool		unsettled = false;

	if (arrived == NULL)
		return false;
	LWLockAcquire(arrived->lock, LW_SHARED);
	slot = find_slot(database);
	if (slot)
		unsettled = slot->unsettled;
	LWLockRelease(arrived->lock);
	return unsettled;
}

/*
 * Register the latch of the launcher, or NULL.
 */
void
ffu_arrived_set_latch(Latch *latch)
{
	if (arrived == NULL)
		return;
	LWLockAcquire(arrived->lock, LW_EXCLUSIVE);
	arrived->latch = latch;
	LWLockRelease(arrived->lock);
}
