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
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "base/shared.h"
#include "base/xid.h"

/*
 * Return the fate of the transaction with this full id.  A prepared
 * transaction is OPEN.  pg_xact_status() holds the lock on the commit log's
 * end and asks in the order that the server's commit demands.
 *
 * The caller must have read the id, for example from a file's name, before the
 * call: then a FUTURE id belongs to no transaction of this cluster.
 */
FfuFate
ffu_xid_fate(uint64 fxid)
{
	FullTransactionId full = FullTransactionIdFromU64(fxid);
	Datum		status;
	char	   *word;
	FfuFate		fate;

	LOCAL_FCINFO(fcinfo, 1);

	if (!TransactionIdIsNormal(XidFromFullTransactionId(full)))
		return FFU_FATE_TOO_OLD;
	/* pg_xact_status() would raise an error. */
	if (!FullTransactionIdPrecedes(full, ReadNextFullTransactionId()))
		return FFU_FATE_FUTURE;
	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = FullTransactionIdGetDatum(full);
	fcinfo->args[0].isnull = false;
	status = pg_xact_status(fcinfo);
	if (fcinfo->isnull)
		return FFU_FATE_TOO_OLD;
	word = TextDatumGetCString(status);
	/* No fate is guessed from an unknown answer: the sweep leaves the file. */
	fate = strcmp(word, "in progress") == 0 ? FFU_FATE_OPEN :
		strcmp(word, "committed") == 0 ? FFU_FATE_COMMITTED :
		strcmp(word, "aborted") == 0 ? FFU_FATE_ABORTED : FFU_FATE_TOO_OLD;
	pfree(word);
	pfree(DatumGetPointer(status));
	return fate;
}

/*
 * Return the fate of a transaction whose id was given out in this run of the
 * server, or 0 if the id was in flushed WAL before anything depended on it
 * (I9).  After a run that a crash has ended, the server gives the ids out again
 * that were not in flushed WAL.  So what the commit log says of an id of an
 * earlier run may be about another transaction.  Only "aborted" is certain: a
 * transaction that has committed keeps its id.
 */
FfuFate
ffu_xid_fate_in_run(uint64 fxid, uint64 run)
{
	FfuFate		fate = ffu_xid_fate(fxid);

	if (run == 0 || run == ffu_shared_run() || fate == FFU_FATE_OPEN ||
		fate == FFU_FATE_ABORTED)
		return fate;
	return FFU_FATE_DOUBTFUL;
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
