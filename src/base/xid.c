/*-------------------------------------------------------------------------
 *
 * xid.c
 *	  The fate of a transaction, by the server's commit log alone (I5).
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
 * Tell whether the commit log still covers a transaction.  The caller holds
 * XactTruncationLock, without which the answer would be out of date at once.
 */
static bool
is_in_commit_log(FullTransactionId fxid, FullTransactionId next)
{
	TransactionId oldest = TransamVariables->oldestClogXid;
	TransactionId next_xid = XidFromFullTransactionId(next);
	uint32		epoch = EpochFromFullTransactionId(next);

	/* A larger oldest id belongs to the previous epoch. */
	if (oldest > next_xid)
		epoch--;
	return !FullTransactionIdPrecedes(fxid,
									  FullTransactionIdFromEpochAndXid(epoch, oldest));
}

/*
 * Return the fate of the transaction with this full id.  A prepared
 * transaction is OPEN.  The order of the questions matters: the server marks a
 * transaction as committed before the transaction stops being in progress.
 *
 * The caller must have read the id, for example from a file's name, before the
 * call: then a FUTURE id belongs to no transaction of this cluster.
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
 * Return the older of two transaction ids, either of which may be invalid.
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
 * Return the oldest transaction id that a process holds for tables of this
 * database: the process's xmin or transaction id.  Return InvalidTransactionId
 * if the process does not count.
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
 * Return the horizon of a table of this database.  Rows deleted by a
 * transaction before the horizon are invisible to every snapshot except the
 * snapshot of the calling statement, which the caller must check.
 *
 * The server's own answer includes the calling statement's snapshot, which is
 * as old as the oldest writing transaction of any database.  A sweep would
 * wait for that transaction without need.  So if this session has no other
 * snapshot, compute the horizon again as ComputeXidHorizons does, without this
 * process.
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

	/* A catalog snapshot would count; the server takes another on demand. */
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

	/* Prepared transactions follow in allProcs, finished ones included. */
	for (; i < nprocs + max_prepared_xacts; i++)
	{
		TransactionId xid = held_by(&ProcGlobal->allProcs[i]);

		if (TransactionIdIsValid(xid) && TransactionIdIsInProgress(xid))
			result = older(result, xid);
	}
	return older(result, slots);
}
