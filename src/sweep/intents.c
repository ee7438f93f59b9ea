/*-------------------------------------------------------------------------
 *
 * intents.c
 *	  Removes the objects of transactions that did not commit.
 *
 * A row of ffu.intent whose deletion is in progress belongs to a transaction
 * that is open or prepared: the row cannot be locked.  A row that can be locked
 * and is visible belongs to a transaction that did not commit (I4b):
 *
 *	not removed yet				remove the key, and note the time
 *	removed, time not over		wait: a late request may still store the key
 *	removed, time over			remove the key again, and strike the row off
 *	uncertain, time over		strike the row off
 *
 * Before a key is removed, or a row struck off, multipart uploads of the key
 * are ended if the row says that there may be some.
 *
 * Nothing is listed, so the cost is proportional to the rows.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/catalog.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/settings.h"
#include "base/shared.h"
#include "store/bucket/claim.h"
#include "store/bucket/intent.h"
#include "store/bucket/place.h"
#include "store/dir/root.h"
#include "sweep/intents.h"
#include "sweep/sweep.h"

/* Number of keys that are removed together */
#define BATCH	1000

/* Locked rows, and the keys to remove */
typedef struct Batch
{
	Relation	rel;
	TupleTableSlot *slot;
	int			n;
	FfuIntent	intents[BATCH];
	FfuKeyRemoval keys[BATCH];
} Batch;

/*
 * Is the time over in which a request can take effect that was sent before
 * this time?
 */
static bool
is_settled(TimestampTz since)
{
	return GetCurrentTimestamp() >= since +
		ffu_setting_settle_time * USECS_PER_SEC;
}

/*
 * Look at a row: strike it off, leave it, or add it to the batch.
 */
static void
visit_row(Batch *batch, HeapTuple tuple, FfuSweep *sweep)
{
	FfuIntent	intent;
	bool		removed;
	bool		over;

	ffu_intent_read(batch->rel, tuple, &intent);
	removed = intent.removed_at != DT_NOBEGIN;
	over = is_settled(removed ? intent.removed_at : intent.noted_at);
	if (!over && (removed || intent.uncertain))
		sweep->waiting++;
	else if (!ffu_catalog_lock_row(batch->rel, tuple, batch->slot))
		sweep->open++;
	else if (intent.uncertain && !removed && !intent.multipart)
		simple_heap_delete(batch->rel, &intent.tid);
	else
		batch->intents[batch->n++] = intent;
}

/*
 * Settle a row whose key was removed: strike it off after the second removal,
 * or note the first.
 */
static void
settle_row(Batch *batch, int i)
{
	FfuIntent  *intent = &batch->intents[i];
	HeapTuple	tuple;

	if (batch->keys[i].stays && batch->keys[i].unanswered)
		return;
	if (batch->keys[i].stays ||
		(intent->removed_at != DT_NOBEGIN && !batch->keys[i].unanswered))
	{
		simple_heap_delete(batch->rel, &intent->tid);
		return;
	}
	if (!table_tuple_fetch_row_version(batch->rel, &intent->tid, SnapshotAny,
									   batch->slot))
		elog(ERROR, "intent of \"%s\" is gone", intent->key);
	tuple = ExecCopySlotHeapTuple(batch->slot);
	ffu_intent_set_removed(batch->rel, tuple);
	ExecClearTuple(batch->slot);
	heap_freetuple(tuple);
}

/*
 * Count and report a failure.
 */
static void
fail(FfuSweep *sweep, const char *key, const char *error)
{
	int			level = ffu_sweep_warning_level(sweep, FFU_SWEPT_INTENT);

	ffu_shared_count(FFU_COUNT_FAILED, 1);
	sweep->failed++;
	if (level != 0)
		ffu_warn_store(level, error, "remove object", key);
}

/*
 * Remove the keys of a batch, and settle their rows.
 */
static void
do_batch(Batch *batch, FfuSweep *sweep)
{
	FfuPlace	place;
	char	   *why = NULL;
	int			i;

	if (batch->n == 0)
		return;
	if (!ffu_place_find(&place))
		why = pstrdup("this database has no bucket");
	if (why != NULL || !ffu_bucket_claim_fence(&place, ffu_root_id(), &why))
	{
		for (i = 0; i < batch->n; i++)
			fail(sweep, batch->intents[i].key, why);
		return;
	}
	memset(batch->keys, 0, sizeof(batch->keys));
	for (i = 0; i < batch->n; i++)
	{
		const FfuIntent *intent = &batch->intents[i];

		batch->keys[i].key = intent->key;
		batch->keys[i].multipart = intent->multipart;
		batch->keys[i].stays = intent->uncertain &&
			intent->removed_at == DT_NOBEGIN;
	}
	ffu_place_methods()->remove(&place, batch->keys, batch->n);
	FFU_FAULT("bucket-before-settle");
	for (i = 0; i < batch->n; i++)
	{
		if (batch->keys[i].error[0] != '\0')
			fail(sweep, batch->keys[i].key, batch->keys[i].error);
		else
		{
			sweep->undone += !batch->keys[i].stays &&
				batch->intents[i].removed_at == DT_NOBEGIN;
			settle_row(batch, i);
		}
	}
	FFU_FAULT("bucket-after-settle");
}

/*
 * Read the rows of ffu.intent, as of now, until the batch is full.
 */
static void
read_rows(Batch *batch, FfuSweep *sweep)
{
	TableScanDesc scan = FFU_BEGINSCAN(batch->rel, SnapshotSelf);
	HeapTuple	tuple;

	while (batch->n < BATCH &&
		   HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		CHECK_FOR_INTERRUPTS();
		visit_row(batch, tuple, sweep);
	}
	table_endscan(scan);
}

/*
 * Sweep the intents of the bucket, if any, in the caller's transaction.
 */
void
ffu_intents_sweep(FfuSweep *sweep)
{
	Relation	rel = table_open(ffu_catalog_relation("intent"), RowExclusiveLock);
	int64		failed = sweep->failed;
	bool		more = RelationGetNumberOfBlocks(rel) > 0;
	Batch	   *batch = more ? palloc(sizeof(Batch)) : NULL;

	while (more)
	{
		batch->rel = rel;
		batch->slot = table_slot_create(rel, NULL);
		batch->n = 0;
		read_rows(batch, sweep);
		do_batch(batch, sweep);
		ExecDropSingleTupleTableSlot(batch->slot);
		if (sweep->pause)
			sweep->pause();
		more = batch->n == BATCH && sweep->failed == failed;
	}
	if (batch)
		pfree(batch);
	table_close(rel, NoLock);
}
