/*-------------------------------------------------------------------------
 *
 * shared.c
 *	  State shared by backends and background worker: run, counters, wake-ups.
 *
 * The shared state exists only if the library is in shared_preload_libraries.
 * Otherwise each session keeps its own counters and no commit wakes the
 * launcher.
 *
 * Only ffu_shared_init may raise an error: most callers run after the commit
 * record (I6).
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/spin.h"

#include "base/area.h"
#include "base/shared.h"

/* Number of databases with counters; the sweep of others is not hurried. */
#define DATABASES_MAX	256

/* A database that has used ffu since the server started */
typedef struct ShareSlot
{
	Oid			database;		/* protected by mutex; set once */
	pg_atomic_uint32 wanted;	/* 1 if a commit has left work for the sweep */
	pg_atomic_uint64 counters[FFU_COUNTERS];
} ShareSlot;

typedef struct Share
{
	uint64		run;			/* of the server; 0 if there is no number */
	slock_t		mutex;			/* protects launcher and slot assignment */
	Latch	   *launcher;		/* NULL if the launcher is not running */
	int			nslots;			/* number of used slots; never shrinks */
	ShareSlot	slots[DATABASES_MAX];
} Share;

static Share *share = NULL;
static ShareSlot *my_slot = NULL;
static int64 my_counters[FFU_COUNTERS];

/*
 * Make the number of a run of the server.  The server makes its shared memory
 * anew at each start, also after a crash of a single process.
 */
static uint64
make_run(void)
{
	uint64		run;

	return pg_strong_random(&run, sizeof(run)) ? run : 0;
}

/*
 * Attach the shared state.  A spinlock protects it, not the area's lock.
 */
static void
attach(void *memory, LWLock *lock, bool is_new)
{
	int			i;
	int			j;

	share = memory;
	if (!is_new)
		return;
	share->run = make_run();
	SpinLockInit(&share->mutex);
	for (i = 0; i < DATABASES_MAX; i++)
	{
		pg_atomic_init_u32(&share->slots[i].wanted, 0);
		for (j = 0; j < FFU_COUNTERS; j++)
			pg_atomic_init_u64(&share->slots[i].counters[j], 0);
	}
}

/*
 * Request shared memory.  _PG_init calls this in the postmaster.
 */
void
ffu_shared_init(void)
{
	static const FfuArea area = {"ffu", sizeof(Share), attach};

	ffu_area_add(&area);
}

/*
 * Return the slot of a database, or NULL.  The caller holds the mutex, or
 * accepts to miss a slot that another session adds meanwhile.
 */
static ShareSlot *
find_slot(Oid database)
{
	int			i;

	for (i = 0; i < share->nslots; i++)
	{
		if (share->slots[i].database == database)
			return &share->slots[i];
	}
	return NULL;
}

/*
 * Return the slot of this session's database.  Return NULL without shared
 * memory, or if all slots are taken.
 */
static ShareSlot *
slot_of_database(void)
{
	if (my_slot || share == NULL || !OidIsValid(MyDatabaseId))
		return my_slot;
	SpinLockAcquire(&share->mutex);
	my_slot = find_slot(MyDatabaseId);
	if (my_slot == NULL && share->nslots < DATABASES_MAX)
	{
		my_slot = &share->slots[share->nslots];
		my_slot->database = MyDatabaseId;
		pg_write_barrier();
		share->nslots++;
	}
	SpinLockRelease(&share->mutex);
	return my_slot;
}

/*
 * Return the number of this run of the server, or 0 without shared memory: a
 * random number that every start of the server makes anew, also the start
 * after a crash of one process.
 */
uint64
ffu_shared_run(void)
{
	return share ? share->run : 0;
}

/*
 * Add n to a counter.
 */
void
ffu_shared_count(FfuCounter counter, int64 n)
{
	ShareSlot  *slot = slot_of_database();

	my_counters[counter] += n;
	if (slot && n != 0)
		pg_atomic_fetch_add_u64(&slot->counters[counter], n);
}

/*
 * Read the counters of this database into values, an array of FFU_COUNTERS.
 * Without shared memory, read the counters of this session.
 */
void
ffu_shared_read(int64 *values)
{
	ShareSlot  *slot = slot_of_database();
	int			i;

	for (i = 0; i < FFU_COUNTERS; i++)
		values[i] = slot ? (int64) pg_atomic_read_u64(&slot->counters[i]) :
			my_counters[i];
}

/*
 * Note that this database has work for the sweep, and wake up the launcher.
 */
void
ffu_shared_want_sweep(void)
{
	ShareSlot  *slot = slot_of_database();

	if (slot && pg_atomic_exchange_u32(&slot->wanted, 1) == 0 &&
		share->launcher)
		SetLatch(share->launcher);
}

/*
 * Wake up the launcher.
 */
void
ffu_shared_wake_launcher(void)
{
	if (share && share->launcher)
		SetLatch(share->launcher);
}

/*
 * Register this process as the launcher, and unregister the launcher.
 */
void
ffu_shared_launcher_begin(void)
{
	SpinLockAcquire(&share->mutex);
	share->launcher = MyLatch;
	SpinLockRelease(&share->mutex);
}

void
ffu_shared_launcher_end(void)
{
	SpinLockAcquire(&share->mutex);
	share->launcher = NULL;
	SpinLockRelease(&share->mutex);
}

/*
 * Tell whether a database has used ffu since the server started.
 */
bool
ffu_shared_known(Oid database)
{
	return find_slot(database) != NULL;
}

/*
 * Tell whether a database wants a sweep, and clear the request.
 */
bool
ffu_shared_take_wanted(Oid database)
{
	ShareSlot  *slot = find_slot(database);

	return slot && pg_atomic_exchange_u32(&slot->wanted, 0) != 0;
}

/*
 * Restore a request taken by ffu_shared_take_wanted() if no sweep could start.
 */
void
ffu_shared_give_wanted(Oid database)
{
	ShareSlot  *slot = find_slot(database);

	if (slot)
		pg_atomic_write_u32(&slot->wanted, 1);
}
