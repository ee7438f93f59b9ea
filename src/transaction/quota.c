/*-------------------------------------------------------------------------
 *
 * quota.c
 *	  Holds transactions to quotas.
 *
 * A quota limits the stored bytes of a role's tables, or of the database
 * (usage.c).  A transaction that stores anything is refused as well if the
 * deleted files of earlier transactions that are still on the disk have more
 * bytes than the quota.  Else a role could fill the disk by storing and
 * deleting.
 *
 * A quota is checked twice.  The first check, when a row gets the file, gives
 * an early error and takes no lock.  The second check is the last step before
 * commit, under a lock for each quota for which the transaction stores, so that
 * no two transactions pass a quota together.  The lock is held from there to the
 * commit record, and in a prepared transaction to COMMIT PREPARED.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/xact.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/memutils.h"

#include "base/advisory.h"
#include "transaction/deletion.h"
#include "transaction/quota.h"
#include "transaction/usage.h"

/* Columns of ffu.quota */
#define Anum_quota_role			1
#define Anum_quota_bytes		2

/* The role of the quota of the database */
#define WHOLE_DATABASE		InvalidOid

/* A quota, and what counts for the quota */
typedef struct Quota
{
	Oid			role;			/* or WHOLE_DATABASE */
	int64		allowed;		/* in bytes */
	int64		used;			/* in bytes, committed */
	int64		doomed;			/* the same of deleted files */
	int64		added;			/* in bytes, by this transaction */
	int64		stored;			/* bytes of its new files */
} Quota;

/* The deleted files of a quota that are on the disk */
typedef struct Measure
{
	Oid			role;			/* of the quota */
	int64		doomed;			/* their bytes */
	Oid			relid;			/* the table of the last file, and its owner */
	Oid			owner;
} Measure;

/* The quotas of the early check; NULL until the first check */
static Quota *quotas = NULL;	/* in TopTransactionContext */
static int	nquotas = 0;

/*
 * Does a table of this owner count for a quota?
 */
static bool
is_for(const Quota *quota, Oid owner)
{
	return quota->role == owner || quota->role == WHOLE_DATABASE;
}

/*
 * FfuUsageRowVisitor: a row of ffu.quota.
 */
static void
visit_quota(TupleTableSlot *slot, void *arg)
{
	Quota	   *quota;

	quotas = repalloc(quotas, (nquotas + 1) * sizeof(Quota));
	quota = &quotas[nquotas++];
	quota->role = DatumGetObjectId(slot->tts_values[Anum_quota_role - 1]);
	quota->allowed = DatumGetInt64(slot->tts_values[Anum_quota_bytes - 1]);
	quota->used = quota->doomed = quota->added = quota->stored = 0;
}

/*
 * FfuUsageVisitor: bytes that are committed.
 */
static void
visit_committed(Oid owner, int64 bytes, int64 doomed)
{
	int			i;

	for (i = 0; i < nquotas; i++)
	{
		if (!is_for(&quotas[i], owner))
			continue;
		quotas[i].used += bytes;
		quotas[i].doomed += doomed;
	}
}

/*
 * FfuUsageVisitor: bytes of this transaction.
 */
static void
visit_added(Oid owner, int64 bytes, int64 stored)
{
	int			i;

	for (i = 0; i < nquotas; i++)
	{
		if (!is_for(&quotas[i], owner))
			continue;
		quotas[i].added += bytes;
		quotas[i].stored += stored;
	}
}

/*
 * Read all quotas, unless read before.
 */
static void
read_quotas(void)
{
	if (quotas)
		return;
	quotas = MemoryContextAlloc(TopTransactionContext, sizeof(Quota));
	nquotas = 0;
	ffu_usage_scan("quota", visit_quota, NULL);
}

/*
 * Read the committed bytes under each quota.
 */
static void
read_used(void)
{
	int			i;

	for (i = 0; i < nquotas; i++)
		quotas[i].used = quotas[i].doomed = 0;
	if (nquotas > 0)
		ffu_usage_visit_committed(visit_committed);
}

/*
 * Sum up the bytes that this transaction adds to each quota, and stores.
 */
static void
sum_added(void)
{
	int			i;

	for (i = 0; i < nquotas; i++)
		quotas[i].added = quotas[i].stored = 0;
	ffu_usage_visit_added(visit_added);
}

/*
 * FfuDoomedVisitor: measure a file if it counts for the quota.
 */
static void
measure(Oid relid, int64 size, void *arg)
{
	Measure    *m = arg;

	if (m->role != WHOLE_DATABASE && m->relid != relid)
	{
		m->relid = relid;
		m->owner = ffu_usage_owner(relid);
	}
	if (m->role == WHOLE_DATABASE || m->role == m->owner)
		m->doomed += size;
}

/*
 * Raise 53400 if the transaction stores files, and the deleted files of others
 * have more bytes than the quota.  ffu.counted has a deleted file until a sweep
 * strikes it off, maybe long after the file: so look at the files as well.
 */
static void
check_doomed(Quota *quota)
{
	bool		role = quota->role != WHOLE_DATABASE;
	Measure		m = {.role = quota->role};

	if (quota->stored <= 0 || quota->doomed <= quota->allowed)
		return;
	ffu_deletion_visit_doomed(measure, &m);
	quota->doomed = m.doomed;
	if (quota->doomed <= quota->allowed)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 role ? errmsg("quota of role \"%s\" exceeded by deleted files",
						   GetUserNameFromId(quota->role, true)) :
			 errmsg("quota of the database exceeded by deleted files"),
			 errdetail("Deleted files that are still on the disk have " INT64_FORMAT " bytes, and " INT64_FORMAT " are allowed.",
					   quota->doomed, quota->allowed),
			 errhint("The view ffu.pending_deletions says what holds the deletions up.")));
}

/*
 * Raise 53400 if the transaction adds to a quota and passes the quota.
 */
static void
check_quota(Quota *quota)
{
	bool		role = quota->role != WHOLE_DATABASE;

	check_doomed(quota);
	if (quota->added <= 0 || quota->used + quota->added <= quota->allowed)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 role ? errmsg("quota of role \"%s\" exceeded",
						   GetUserNameFromId(quota->role, true)) :
			 errmsg("quota of the database exceeded"),
			 role ?
			 errdetail("The files of its tables have " INT64_FORMAT " bytes, this transaction adds " INT64_FORMAT ", and " INT64_FORMAT " are allowed.",
					   quota->used, quota->added, quota->allowed) :
			 errdetail("Its files have " INT64_FORMAT " bytes, this transaction adds " INT64_FORMAT ", and " INT64_FORMAT " are allowed.",
					   quota->used, quota->added, quota->allowed),
			 errhint("Delete files first, or let a superuser raise the quota with ffu.set_quota().")));
}

/*
 * Check every quota without a lock, after the new file of a row was counted and
 * the old file was taken back.  What other transactions commit after the first
 * check of this transaction counts at the last check only.  Raise 53400.
 */
void
ffu_quota_check(void)
{
	bool		first = quotas == NULL;
	int			i;

	if (!ffu_usage_counting())
		return;
	read_quotas();
	if (first)
		read_used();
	sum_added();
	for (i = 0; i < nquotas; i++)
		check_quota(&quotas[i]);
}

/*
 * Order quotas by role, so that all transactions take locks in one order.
 */
static int
compare_quotas(const void *a, const void *b)
{
	Oid			x = ((const Quota *) a)->role;
	Oid			y = ((const Quota *) b)->role;

	return x < y ? -1 : x > y;
}

/*
 * Do the last check, under the locks, with the bytes committed by now.  Before
 * the record of COMMIT or PREPARE, after everything that can take long.
 */
void
ffu_quota_check_last(void)
{
	LOCKTAG		tag;
	int			locked = 0;
	int			i;

	/* DROP EXTENSION ends the counting. */
	if (!ffu_usage_has_sums())
		return;
	quotas = NULL;
	read_quotas();
	sum_added();
	qsort(quotas, nquotas, sizeof(Quota), compare_quotas);
	for (i = 0; i < nquotas; i++)
	{
		if (quotas[i].added <= 0 && quotas[i].stored <= 0)
			continue;
		SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, quotas[i].role, 0,
							 FFU_LOCK_QUOTA);
		(void) LockAcquire(&tag, ExclusiveLock, false, false);
		locked++;
	}
	if (locked == 0)
		return;
	read_used();
	for (i = 0; i < nquotas; i++)
		check_quota(&quotas[i]);
}

/*
 * The transaction is over: forget the quotas.  The server frees the memory.
 * Raise no error.
 */
void
ffu_quota_reset(void)
{
	quotas = NULL;
	nquotas = 0;
}
