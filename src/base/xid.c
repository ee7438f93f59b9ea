/*-------------------------------------------------------------------------
 *
 * xid.c
 *	  What became of a transaction, by the server's commit log alone (I5).
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/transam.h"
#include "access/twophase.h"
#include "miscadmin.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/snapmgr.h"

#include "base/xid.h"

/*
 * Is the transaction still in the commit log?  The caller holds
 * XactTruncationLock, without which the answer would be out of date at once.
 */
static bool
is_in_commit_log(FullTransactionId fxid, FullTransactionId next)
{
	TransactionId oldest = TransamVariables->oldestClogXid;
	TransactionId next_xid = XidFromFullTransactionId(next);
	uint32		epoch = EpochFromFullTransactionId(next);

	/* Give the oldest id the epoch that puts it before the next one. */
	if (oldest > next_xid)
		epoch--;
	return !FullTransactionIdPrecedes(fxid,
									  FullTransactionIdFromEpochAndXid(epoch, oldest));
}

/*
 * What became of the transaction with this full id.  Prepared counts as in
 * progress.  In progress must be asked before committed: a transaction is
 * marked committed before it stops being in progress.
 *
 * The caller must have learnt of the id, for example from a file's name,
 * before calling: then a FUTURE id belongs to no transaction of this cluster.
 */
FfuFate
ffu_xid_fate(uint64 fxid)
{
	FullTransactionId full = FullTransactionIdFromU64(fxid);
	FullTransactionId next = ReadNextFullTransactionId();
	TransactionId xid = XidFromFullTransactionId(full);
	FfuFate		fate;

	if (!TransactionIdIsNormal(xid))
		return FFU_FATE_TOO_OLD;
	if (!FullTransactionIdPrecedes(full, next))
		return FFU_FATE_FUTURE;
	LWLockAcquire(XactTruncationLock, LW_SHARED);
	if (!is_in_commit_log(full, next))
		fate = FFU_FATE_TOO_OLD;
	else if (TransactionIdIsInProgress(xid))
		fate = FFU_FATE_OPEN;
	else if (TransactionIdDidCommit(xid))
		fate = FFU_FATE_COMMITTED;
	else
		fate = FFU_FATE_ABORTED;
	LWLockRelease(XactTruncationLock);
	return fate;
}

/*
 * The older of two transaction ids, of which one may be invalid.
 */
static TransactionId
older(TransactionId a, TransactionId b)
{
	if (!TransactionIdIsValid(a))
		return b;
	if (!TransactionIdIsValid(b))
		return a;
	return TransactionIdPrecedes(a, b) ? a : b;
}

/*
 * What a process has to do with the horizon of this database's tables: its
 * xmin, or its transaction id, or nothing.
 */
static TransactionId
held_by(const PGPROC *proc)
{
	uint8		flags = proc->statusFlags;

	if (proc == MyProc || (flags & (PROC_IN_VACUUM | PROC_IN_LOGICAL_DECODING)))
		return InvalidTransactionId;
	if (proc->databaseId != MyDatabaseId && !(flags & PROC_AFFECTS_ALL_HORIZONS))
		return InvalidTransactionId;
	return older(*((volatile const TransactionId *) &proc->xmin),
				 *((volatile const TransactionId *) &proc->xid));
}

/*
 * The horizon of a table of this database: what was deleted by an older
 * transaction no snapshot can see, but for the snapshot of the statement that
 * asks, which the caller must look at itself.
 *
 * That one counts in the server's own answer, and it is as old as the oldest
 * transaction that is writing anything in any database: a sweep would wait for
 * that one, though nothing here has to do with it.  So where this session has
 * no other snapshot, it is computed again, in the server's way
 * (ComputeXidHorizons), without this process.
 */
TransactionId
ffu_xid_horizon(Relation rel)
{
	TransactionId horizon = GetOldestNonRemovableTransactionId(rel);
	TransactionId slots;
	TransactionId catalog;
	TransactionId result;
	int			nprocs = MaxBackends + NUM_AUXILIARY_PROCS;
	int			i;

	/* The catalog's snapshot counts among them, and can be had again. */
	InvalidateCatalogSnapshot();
	if (!ThereAreNoPriorRegisteredSnapshots())
		return horizon;
	ProcArrayGetReplicationSlotXmin(&slots, &catalog);
	LWLockAcquire(ProcArrayLock, LW_SHARED);
	result = XidFromFullTransactionId(TransamVariables->latestCompletedXid);
	TransactionIdAdvance(result);
	for (i = 0; i < nprocs; i++)
		result = older(result, held_by(&ProcGlobal->allProcs[i]));
	LWLockRelease(ProcArrayLock);
	/* Prepared transactions come after them, and stay there when finished. */
	for (; i < nprocs + max_prepared_xacts; i++)
	{
		TransactionId xid = held_by(&ProcGlobal->allProcs[i]);

		if (TransactionIdIsValid(xid) && TransactionIdIsInProgress(xid))
			result = older(result, xid);
	}
	return older(result, slots);
}
