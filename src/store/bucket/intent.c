/*-------------------------------------------------------------------------
 *
 * intent.c
 *	  The table of intents: which keys a transaction may have stored.
 *
 * An object must be removed if the transaction that stored it does not commit.
 * So the intent to store a key is a row of ffu.intent that an abort does not
 * take back: the row is inserted frozen, as if a transaction of the past had
 * inserted it, and flushed before the first request for the key (I9).  At once
 * the same transaction deletes the row.  So the commit itself strikes the
 * intent off, and an abort, a crash or ROLLBACK PREPARED leaves the row:
 *
 *	row visible, deletion in progress	the transaction is open or prepared
 *	row visible otherwise				not committed: the sweep removes the key
 *	row not visible						committed, nothing to do
 *
 * A request without an answer may take effect later (I10).  An aborted
 * transaction may have such requests, so the sweep removes its keys twice, the
 * second time after ffu.settle_time; removed_at is the time of the first.  A
 * transaction that commits in spite of such a request, because a further
 * attempt was answered, leaves a row that is uncertain.  The sweep strikes this
 * row off after ffu.settle_time, unless the file is removed meanwhile: then the
 * sweep removes the key again.
 *
 * A large object is a multipart upload, which an abort, or a request without an
 * answer, leaves unfinished in the store; multipart says that whoever removes
 * the key, or strikes the row off, ends the uploads of the key first.
 *
 * A file that moves between folder and bucket (move.c) keeps its row, so that
 * no intent may lead to the removal of the only copy:
 *
 *	into the bucket		uncertain: an abort leaves the object beside the file of
 *						the folder, where it does no harm
 *	out of the bucket	uncertain and removed: the file is in the folder, and
 *						does not come back while there is such a row
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/catalog.h"
#include "base/fault.h"
#include "store/bucket/intent.h"

/* What kind of rows to insert */
typedef struct Note
{
	bool		uncertain;
	bool		removed;		/* the key is being removed now */
	bool		multipart;		/* there may be multipart uploads */
	bool		strike;			/* the commit strikes the rows off */
	TimestampTz until;			/* the key may be stored until then; 0: now */
} Note;

/*
 * Insert a frozen row for each key.  A note with strike deletes the row at
 * once, so that the row stays only if this transaction aborts.  A table whose
 * values may be toasted is written under a snapshot, which a commit has not.
 */
static void
insert_rows(List *keys, const Note *note)
{
	Snapshot	snapshot;
	Relation	rel;
	TupleTableSlot *slot;
	ListCell   *lc;

	if (keys == NIL)
		return;
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	rel = table_open(ffu_catalog_relation("intent"), RowExclusiveLock);
	slot = table_slot_create(rel, NULL);
	foreach(lc, keys)
	{
		TimestampTz now = note->until ? note->until : GetCurrentTimestamp();

		ExecClearTuple(slot);
		memset(slot->tts_isnull, false, Natts_intent * sizeof(bool));
		slot->tts_values[Anum_intent_key - 1] = CStringGetTextDatum(lfirst(lc));
		slot->tts_values[Anum_intent_uncertain - 1] =
			BoolGetDatum(note->uncertain);
		slot->tts_values[Anum_intent_noted_at - 1] = TimestampTzGetDatum(now);
		slot->tts_values[Anum_intent_removed_at - 1] = TimestampTzGetDatum(now);
		slot->tts_isnull[Anum_intent_removed_at - 1] = !note->removed;
		slot->tts_values[Anum_intent_multipart - 1] =
			BoolGetDatum(note->multipart);
		ExecStoreVirtualTuple(slot);
		table_tuple_insert(rel, slot, GetCurrentCommandId(true),
						   TABLE_INSERT_FROZEN | TABLE_INSERT_NO_LOGICAL, NULL);
		if (note->strike)
			simple_heap_delete(rel, &slot->tts_tid);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
	UnregisterSnapshot(snapshot);
}

/*
 * Record that this transaction will store objects with these keys.  moved
 * tells that rows have the files already.  The caller flushes the WAL before
 * the first request.
 */
void
ffu_intent_announce(List *keys, bool moved, bool multipart)
{
	Note		coming = {
		.uncertain = moved,
		.multipart = multipart,
		.strike = true
	};

	insert_rows(keys, &coming);
}

/*
 * Record that a request for these keys has no answer although the objects are
 * stored.
 */
void
ffu_intent_note_uncertain(List *keys, bool multipart)
{
	Note		uncertain = {.uncertain = true,.multipart = multipart};

	insert_rows(keys, &uncertain);
}

/*
 * Record that this transaction will remove objects whose files are in the
 * folder now.  The caller flushes the WAL before the first request.
 */
void
ffu_intent_announce_removal(List *keys)
{
	static const Note leaving = {
		.uncertain = true,
		.removed = true,
		.strike = true
	};

	insert_rows(keys, &leaving);
}

/*
 * Record that a request to remove such an object has no answer.
 */
void
ffu_intent_note_removal(List *keys)
{
	static const Note left = {.uncertain = true,.removed = true};

	insert_rows(keys, &left);
}

/*
 * Record that others may store an object with this key until a time, whatever
 * becomes of this transaction.  The sweep removes the key after that time.  The
 * caller flushes the WAL before the key is given away.
 */
void
ffu_intent_announce_incoming(char *key, TimestampTz until)
{
	Note		incoming = {.removed = true,.until = until};
	List	   *keys = list_make1(key);

	insert_rows(keys, &incoming);
	list_free(keys);
}

/*
 * Read a row.  The key is palloc'd.
 */
void
ffu_intent_read(Relation rel, HeapTuple tuple, FfuIntent *intent)
{
	Datum		values[Natts_intent];
	bool		isnull[Natts_intent];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, isnull);
	intent->tid = tuple->t_self;
	intent->key = TextDatumGetCString(values[Anum_intent_key - 1]);
	intent->uncertain = DatumGetBool(values[Anum_intent_uncertain - 1]);
	intent->noted_at = DatumGetTimestampTz(values[Anum_intent_noted_at - 1]);
	intent->removed_at = isnull[Anum_intent_removed_at - 1] ? DT_NOBEGIN :
		DatumGetTimestampTz(values[Anum_intent_removed_at - 1]);
	intent->multipart = DatumGetBool(values[Anum_intent_multipart - 1]);
}

/*
 * Change the time in a row at which its key was removed; DT_NOBEGIN is null.
 */
static void
set_removed_at(Relation rel, HeapTuple tuple, TimestampTz time)
{
	Datum		values[Natts_intent] = {0};
	bool		isnull[Natts_intent] = {false};
	bool		replace[Natts_intent] = {false};
	HeapTuple	new;

	values[Anum_intent_removed_at - 1] = TimestampTzGetDatum(time);
	isnull[Anum_intent_removed_at - 1] = time == DT_NOBEGIN;
	replace[Anum_intent_removed_at - 1] = true;
	new = heap_modify_tuple(tuple, RelationGetDescr(rel), values, isnull,
							replace);
	CatalogTupleUpdate(rel, &tuple->t_self, new);
	heap_freetuple(new);
}

/*
 * Note in a row that its key was removed just now.  If others may store the
 * key for some time, the next removal comes after that time.
 */
void
ffu_intent_set_removed(Relation rel, HeapTuple tuple)
{
	FfuIntent	intent;

	ffu_intent_read(rel, tuple, &intent);
	set_removed_at(rel, tuple, Max(GetCurrentTimestamp(), intent.noted_at));
	pfree(intent.key);
}

/*
 * Nobody needs the object of an incoming key any more if this transaction
 * commits: let the sweep remove the key at once, besides later.
 */
void
ffu_intent_hasten(const char *key)
{
	Relation	rel = table_open(ffu_catalog_relation("intent"), RowExclusiveLock);
	TableScanDesc scan = FFU_BEGINSCAN(rel, SnapshotSelf);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		FfuIntent	intent;

		ffu_intent_read(rel, tuple, &intent);
		if (intent.removed_at != DT_NOBEGIN && strcmp(intent.key, key) == 0)
			set_removed_at(rel, tuple, DT_NOBEGIN);
		pfree(intent.key);
	}
	table_endscan(scan);
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

/*
 * Make a hash table of keys, in the current memory context.
 */
static HTAB *
hash_keys(List *keys)
{
	HASHCTL		ctl = {
		.keysize = 2 * FFU_PATH_MAX,
		.entrysize = 2 * FFU_PATH_MAX,
		.hcxt = CurrentMemoryContext
	};
	HTAB	   *table = hash_create("ffu removed keys", 64, &ctl,
									HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	ListCell   *lc;

	foreach(lc, keys)
		(void) hash_search(table, lfirst(lc), HASH_ENTER, NULL);
	return table;
}

/*
 * The sweep has removed these keys of committed transactions: let the uncertain
 * rows remove the keys once more.
 */
void
ffu_intent_removed(List *keys)
{
	Relation	rel = table_open(ffu_catalog_relation("intent"), RowExclusiveLock);
	HTAB	   *table = hash_keys(keys);
	TableScanDesc scan = FFU_BEGINSCAN(rel, SnapshotSelf);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		FfuIntent	intent;
		bool		found;

		ffu_intent_read(rel, tuple, &intent);
		if (!intent.uncertain || intent.removed_at != DT_NOBEGIN)
			continue;
		(void) hash_search(table, intent.key, HASH_FIND, &found);
		if (found)
			ffu_intent_set_removed(rel, tuple);
	}
	table_endscan(scan);
	hash_destroy(table);
	table_close(rel, NoLock);
}

/*
 * Add the key of each row that the caller wants, palloc'd, to a list.
 */
static List *
read_keys(bool (*wants) (const FfuIntent *intent))
{
	Relation	rel = table_open(ffu_catalog_relation("intent"), AccessShareLock);
	TableScanDesc scan = FFU_BEGINSCAN(rel, SnapshotSelf);
	List	   *keys = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		FfuIntent	intent;

		ffu_intent_read(rel, tuple, &intent);
		if (wants(&intent))
			keys = lappend(keys, intent.key);
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	return keys;
}

/*
 * May the sweep remove the key of a row?
 */
static bool
is_removable(const FfuIntent *intent)
{
	return !intent->uncertain || intent->removed_at != DT_NOBEGIN;
}

/*
 * List the keys that a transaction may have stored and that is not known to
 * have committed, as palloc'd strings.
 */
List *
ffu_intent_keys(void)
{
	return read_keys(is_removable);
}

/*
 * Return a hash table of these keys, which a late request may still remove.
 */
HTAB *
ffu_intent_removable(void)
{
	return hash_keys(read_keys(is_removable));
}
