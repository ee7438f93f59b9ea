/*-------------------------------------------------------------------------
 *
 * remove_bucket.c
 *	  Removes files from a folder and a bucket.
 *
 * Every batch of removals first reads the owner object of the bucket, so that
 * a primary that was replaced removes nothing (I4).  If the bucket cannot be
 * asked, the removals fail one by one and the caller tries them again later.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "miscadmin.h"

#include "base/fault.h"
#include "store/bucket/both.h"
#include "store/bucket/claim.h"
#include "store/bucket/intent.h"
#include "store/bucket/move.h"
#include "store/bucket/place.h"
#include "store/bucket/standby.h"
#include "store/dir/root.h"

/* Number of files between two owner objects, and two pauses */
#define BATCH	500

/*
 * Give a removal an error of the bucket.
 */
static void
fail(FfuRemoval *removal, const char *why)
{
	removal->error = EIO;
	removal->why = pstrdup(why);
}

/*
 * Give all removals of a batch an error.
 */
static void
fail_all(FfuRemoval *removals, int n, const char *why)
{
	int			i;

	for (i = 0; i < n; i++)
	{
		if (removals[i].error == 0)
			fail(&removals[i], why);
	}
}

/*
 * Copy the objects of the removals that keep to names that no URL reaches.  A
 * missing object is success (I7).
 */
static void
copy_kept(const FfuPlace *place, FfuRemoval *removals, int n)
{
	FfuKeyCopy *copies = palloc0(n * sizeof(FfuKeyCopy));
	int		   *of = palloc(n * sizeof(int));
	List	   *uncertain = NIL;
	int			count = 0;
	int			i;

	for (i = 0; i < n; i++)
	{
		if (!removals[i].keep || removals[i].error != 0)
			continue;
		copies[count].from = removals[i].path;
		copies[count].to = psprintf("%s%s", FFU_BUCKET_KEPT, removals[i].path);
		of[count++] = i;
	}
	if (count > 0)
		ffu_place_methods()->copy(place, copies, count);
	for (i = 0; i < count; i++)
	{
		if (copies[i].error[0] != '\0')
			fail(&removals[of[i]], copies[i].error);
		if (copies[i].unanswered)
			uncertain = lappend(uncertain, unconstify(char *, copies[i].to));
	}
	ffu_intent_note_uncertain(uncertain, true);
	pfree(copies);
	pfree(of);
}

/*
 * Note the keys of a removal: the path, and the name of a kept file unless the
 * removal keeps the file.
 */
static void
add_keys(FfuRemoval *removal, FfuKeyRemoval *keys, FfuRemoval **of, int *count)
{
	if (removal->error != 0)
		return;
	of[*count] = removal;
	keys[(*count)++].key = removal->path;
	if (removal->keep)
		return;
	of[*count] = removal;
	keys[(*count)++].key = psprintf("%s%s", FFU_BUCKET_KEPT, removal->path);
}

/*
 * Remove the objects of removals that have no error so far.
 */
static void
remove_objects(const FfuPlace *place, FfuRemoval *removals, int n)
{
	FfuKeyRemoval *keys = palloc0(2 * n * sizeof(FfuKeyRemoval));
	FfuRemoval **of = palloc(2 * n * sizeof(FfuRemoval *));
	List	   *removed = NIL;
	int			count = 0;
	int			i;

	for (i = 0; i < n; i++)
		add_keys(&removals[i], keys, of, &count);
	if (count > 0)
		ffu_place_methods()->remove(place, keys, count);
	FFU_FAULT("bucket-after-remove");
	for (i = 0; i < count; i++)
	{
		if (keys[i].error[0] != '\0')
			fail(of[i], keys[i].error);
		else
			removed = lappend(removed, unconstify(char *, keys[i].key));
	}
	if (removed != NIL)
		ffu_intent_removed(removed);
	list_free(removed);
	pfree(keys);
	pfree(of);
}

/*
 * Remove or keep files of a folder and a bucket; see FfuStoreMethods.  The
 * removals have been committed, so a standby that takes over must know them
 * before an object goes.
 */
void
ffu_both_remove(FfuStore *store, FfuRemoval *removals, int n,
				void (*pause) (void))
{
	FfuPlace	place;
	int			i;

	ffu_move_lock(false);
	ffu_folder_methods.remove(store, removals, n, pause);
	if (!ffu_place_find(&place))
		return;
	for (i = 0; i < n; i += BATCH)
	{
		int			count = Min(BATCH, n - i);
		char	   *why = NULL;

		CHECK_FOR_INTERRUPTS();
		if (pause)
			pause();
		if (!ffu_standby_has_all(&why) ||
			!ffu_bucket_claim_fence(&place, ffu_root_id(), &why))
		{
			fail_all(removals + i, n - i, why);
			return;
		}
		copy_kept(&place, removals + i, count);
		remove_objects(&place, removals + i, count);
	}
}

/*
 * Move an object without a row out of URL reach.  A second call finishes a
 * first call that was cut off (I7).
 */
static int
quarantine_object(const char *path)
{
	FfuKeyCopy	copy = {.from = path};
	FfuKeyRemoval removal = {.key = path};
	FfuPlace	place;
	char	   *why;

	if (!ffu_place_find(&place))
		return ENOENT;
	copy.to = psprintf("%s%s", FFU_BUCKET_QUARANTINE, path);
	if (ffu_bucket_claim_look(&place, ffu_root_id(), &why) != FFU_BUCKET_OURS)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("bucket \"%s\" cannot be used", place.url),
				 errdetail_internal("%s", why),
				 errhint("If only this database uses the bucket from now on, call ffu.claim_bucket.")));
	ffu_place_methods()->copy(&place, &copy, 1);
	if (copy.missing)
		return ENOENT;
	if (copy.error[0] == '\0')
		ffu_place_methods()->remove(&place, &removal, 1);
	if (copy.error[0] == '\0' && removal.error[0] == '\0')
		return 0;
	ereport(ERROR,
			(errcode(ERRCODE_IO_ERROR),
			 errmsg("could not quarantine object \"%s\": %s", path,
					copy.error[0] ? copy.error : removal.error),
			 errdetail("The bucket is \"%s\".", place.url),
			 errhint("Look into the log of the store, and call ffu.repair again.")));
	return EIO;
}

/*
 * Move a file without a row out of URL reach; see FfuStoreMethods.
 */
int
ffu_both_quarantine(FfuStore *store, const char *path)
{
	int			result = ffu_folder_methods.quarantine(store, path);

	return result == ENOENT ? quarantine_object(path) : result;
}
