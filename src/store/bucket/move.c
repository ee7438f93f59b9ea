/*-------------------------------------------------------------------------
 *
 * move.c
 *	  Files that move between folder and bucket.
 *
 * A path means the same bytes in both places, so a move touches no row:
 *
 *	1	a transaction stages the file again, and publishes it under the same
 *		path in the other place, as every file is published
 *	2	a later transaction finds the file in both places, and removes the old
 *		copy
 *
 * Whatever ends a move early leaves the file in the old place or in both.  Who
 * reads looks into both places; a deletion removes from both; and a move that
 * finds the file in both goes on with step 2.
 *
 * Two movers at a time could each remove what the other has just made, and a
 * deletion could remove a file before a mover stores it once more.  So a mover
 * holds a lock for itself until the end of its transaction, and reads the rows
 * under the lock; who removes the files of deletions shares the lock.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <sys/stat.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/lock.h"

#include "base/advisory.h"
#include "base/error.h"
#include "base/fault.h"
#include "store/bucket/claim.h"
#include "store/bucket/intent.h"
#include "store/bucket/move.h"
#include "store/bucket/place.h"
#include "store/dir/root.h"

/* A file of which the old copy is to go */
typedef struct Moved
{
	FfuStore   *store;
	FfuKeyLook *looks;			/* at the objects */
	int			n;
} Moved;

/*
 * Lock until the end of the transaction.  moves tells that the transaction
 * moves files; otherwise it removes files of deletions.
 */
void
ffu_move_lock(bool moves)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0, 0, FFU_LOCK_MOVE);
	(void) LockAcquire(&tag, moves ? ExclusiveLock : ShareLock, false, false);
}

/*
 * Find the bucket.  Raise 55000 unless this database owns the bucket.
 */
static void
find_own(FfuPlace *place)
{
	char	   *why;

	if (!ffu_place_find(place))
		elog(ERROR, "the bucket of this database is gone");
	if (ffu_bucket_claim_look(place, ffu_root_id(), &why) == FFU_BUCKET_OURS)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("bucket \"%s\" cannot be used", place->url),
			 errdetail_internal("%s", why),
			 errhint("If only this database uses the bucket from now on, call ffu.claim_bucket.")));
}

/*
 * Raise 55000 unless this database owns the bucket.
 */
void
ffu_move_require_owner(void)
{
	FfuPlace	place;

	find_own(&place);
}

/*
 * Is a file in both places, with the same size?  Warn of two sizes.
 */
static bool
is_in_both(FfuStore *store, const FfuKeyLook *look)
{
	FfuLook		file;

	if (!look->found ||
		ffu_folder_methods.look(store, look->key, &file) != 0 ||
		!S_ISREG(file.mode))
		return false;
	if (file.size == look->object.size)
		return true;
	ereport(WARNING,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("file \"%s\" is not moved: folder and bucket have different files",
					look->key),
			 errdetail("The folder has " INT64_FORMAT " bytes, and the bucket " INT64_FORMAT ".",
					   file.size, look->object.size),
			 errhint("Compare both with the row, and remove the wrong file.")));
	return false;
}

/*
 * Remove the files of the folder whose objects ffu has stored, and pass them to
 * note.  Return the number of files.
 */
static int64
leave_folder(const Moved *moved, FfuMoveNote note)
{
	FfuRemoval *removals = palloc0(moved->n * sizeof(FfuRemoval));
	int64		removed = 0;
	int			n = 0;
	int			i;

	for (i = 0; i < moved->n; i++)
	{
		const FfuKeyLook *look = &moved->looks[i];

		if (is_in_both(moved->store, look) &&
			strcmp(look->object.root_id, ffu_root_id()) == 0)
			removals[n++].path = look->key;
	}
	FFU_FAULT("bucket-move-before-remove");
	ffu_folder_methods.remove(moved->store, removals, n, NULL);
	FFU_FAULT("bucket-move-after-remove");
	note(removals, n);
	for (i = 0; i < n; i++)
	{
		if (removals[i].error != 0)
			ffu_warn_io(WARNING, removals[i].error, "delete file",
						removals[i].path);
		else
			removed++;
	}
	return removed;
}

/*
 * Remove objects whose files are in the folder.  A request without an answer
 * could remove the object after the file has come back to the bucket; a row of
 * ffu.intent keeps the file from coming back.  Return the number of objects.
 */
static int64
leave_bucket(const FfuPlace *place, const Moved *moved)
{
	FfuKeyRemoval *removals = palloc0(moved->n * sizeof(FfuKeyRemoval));
	List	   *keys = NIL;
	List	   *unanswered = NIL;
	int			n = 0;
	int			i;

	for (i = 0; i < moved->n; i++)
	{
		if (!is_in_both(moved->store, &moved->looks[i]))
			continue;
		removals[n++].key = moved->looks[i].key;
		keys = lappend(keys, unconstify(char *, moved->looks[i].key));
	}
	if (n == 0)
		return 0;
	ffu_intent_announce_removal(keys);
	XLogFlush(XactLastRecEnd);
	FFU_FAULT("bucket-move-before-remove");
	ffu_place_methods()->remove(place, removals, n);
	FFU_FAULT("bucket-move-after-remove");
	for (i = 0; i < n; i++)
	{
		if (removals[i].error[0] != '\0')
			ffu_warn_store(WARNING, removals[i].error, "remove object",
						   removals[i].key);
		if (removals[i].error[0] != '\0' || removals[i].unanswered)
			unanswered = lappend(unanswered,
								 unconstify(char *, removals[i].key));
	}
	ffu_intent_note_removal(unanswered);
	return n - list_length(unanswered);
}

/*
 * Step 2: remove the old copies of files that are in both places.  The caller
 * holds the lock of movers.  Return the number of files.
 */
int64
ffu_move_leave(FfuStore *store, List *paths, bool to_bucket,
			   FfuMoveNote note)
{
	Moved		moved = {.store = store};
	FfuPlace	place;
	ListCell   *lc;

	if (paths == NIL)
		return 0;
	find_own(&place);
	moved.looks = palloc0(list_length(paths) * sizeof(FfuKeyLook));
	foreach(lc, paths)
		moved.looks[moved.n++].key = lfirst(lc);
	ffu_place_methods()->look_all(&place, moved.looks, moved.n);
	return to_bucket ? leave_folder(&moved, note) :
		leave_bucket(&place, &moved);
}
