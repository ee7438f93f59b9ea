/*-------------------------------------------------------------------------
 *
 * xid.c
 *	  What became of a transaction, by the server's commit log alone (I5).
 *
 * Layer 2.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "ffu.h"

#include "access/transam.h"
#include "storage/lwlock.h"
#include "storage/procarray.h"

#include "xid.h"

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
