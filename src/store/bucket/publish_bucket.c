/*-------------------------------------------------------------------------
 *
 * publish_bucket.c
 *	  Steps 4 to 6 of the protocol in a folder and a bucket.
 *
 *	4	record the keys in ffu.intent
 *	5	store each file of the bucket under its final key
 *	6	the answer of the store says that the object is durable (I1)
 *
 * The staging name of a file of the bucket never has a path: after a crash the
 * sweep removes the name, and ffu.intent leads the sweep to the key.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/error.h"
#include "base/fault.h"
#include "base/settings.h"
#include "store/bucket/both.h"
#include "store/bucket/claim.h"
#include "store/bucket/intent.h"
#include "store/bucket/moving.h"
#include "store/bucket/place.h"
#include "store/dir/root.h"
#include "store/dir/spool.h"
#include "text/path.h"
#include "text/shown.h"

/* Number of files that are handed to the client of the store at a time */
#define BATCH			1000

/* Where the bytes of an object come from */
typedef struct Body
{
	FfuStore   *store;
	const FfuStaged *staged;
} Body;

/*
 * Raise 55000 unless this database owns the bucket: the owner would find the
 * objects of a copy of the database without rows.  A session asks once.  A
 * primary that was replaced meanwhile stores under its own keys, and does no
 * harm.
 */
static void
check_owner(void)
{
	static char known_root[FFU_ROOT_ID_LEN + 1] = "";
	static char known_url[MAXPGPATH] = "";
	FfuPlace	place;
	char	   *detail;

	if (!ffu_place_find(&place))
		elog(ERROR, "the bucket of this database is gone");
	if (strcmp(known_root, ffu_root_id()) == 0 &&
		strcmp(known_url, place.url) == 0)
		return;
	if (ffu_bucket_claim_look(&place, ffu_root_id(), &detail) != FFU_BUCKET_OURS)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("bucket \"%s\" cannot be used", place.url),
				 errdetail_internal("%s", detail),
				 errhint("After a failover or a restore call ffu.claim_bucket. In a copy of a database call ffu.use_bucket with another bucket or prefix.")));
	strlcpy(known_root, ffu_root_id(), sizeof(known_root));
	strlcpy(known_url, place.url, sizeof(known_url));
}

/*
 * Does a file become a multipart upload?
 */
static bool
is_large(const FfuOutgoing *file)
{
	return file->size > (int64) ffu_setting_multipart_threshold * 1024;
}

/*
 * Record the keys of the files of one kind.
 */
static void
announce_kind(const FfuOutgoing *files, uint32 n, bool moved, bool large)
{
	List	   *keys = NIL;
	uint32		i;

	for (i = 0; i < n; i++)
	{
		if (files[i].to_bucket && files[i].moved == moved &&
			is_large(&files[i]) == large)
			keys = lappend(keys, files[i].staged->path);
	}
	ffu_intent_announce(keys, moved, large);
	list_free(keys);
}

/*
 * Step 4: record the keys of the files for the bucket.  Return false if there
 * are no such files.
 */
bool
ffu_both_announce(FfuStore *store, FfuOutgoing *files, uint32 n)
{
	uint32		i;
	int			kind;

	ffu_moving_add(files, n);
	for (i = 0; i < n && !files[i].to_bucket; i++)
		;
	if (i == n)
		return false;
	check_owner();
	for (kind = 0; kind < 4; kind++)
		announce_kind(files, n, (kind & 1) != 0, (kind & 2) != 0);
	FFU_FAULT("bucket-after-intent");
	return true;
}

/*
 * FfuBodyReader: read bytes of a staged file.  Open the file for each call, so
 * that a commit of many files needs few descriptors.
 */
static int
read_body(void *arg, char *buf, size_t len, int64 offset)
{
	Body	   *body = arg;
	FfuReader	reader = {0};
	size_t		got = 0;
	int			result = ffu_spool_read(body->store, body->staged, &reader);

	if (result == 0)
		result = ffu_reader_read(&reader, buf, len, offset, &got);
	ffu_reader_close(&reader);
	if (result == 0 && got < len)
		result = EIO;
	return result;
}

/*
 * FfuBodyReader: read bytes of an open file.
 */
static int
read_moved(void *arg, char *buf, size_t len, int64 offset)
{
	size_t		got = 0;
	int			result = ffu_reader_read(arg, buf, len, offset, &got);

	return result == 0 && got < len ? EIO : result;
}

/*
 * Return the header Content-Disposition for a path, palloc'd: browsers show
 * only files of harmless types.
 */
static const char *
disposition_of(const char *path)
{
	char	   *name = ffu_file_name_clean(path, strlen(path));

	if (name == NULL)
		return "attachment";
	return ffu_shown_disposition(name, ffu_shown_type(path) == NULL);
}

/*
 * Describe an object.
 */
static void
describe(FfuStore *store, const FfuOutgoing *file, FfuPut *put)
{
	Body	   *body = palloc(sizeof(Body));

	if (file->mime_type == NULL || file->sha256[0] == '\0')
		elog(ERROR, "content of file \"%s\" is not known", file->staged->path);
	body->store = store;
	body->staged = file->staged;
	memset(put, 0, sizeof(FfuPut));
	put->key = file->staged->path;
	put->size = file->size;
	put->sha256 = file->sha256;
	put->type = file->mime_type;
	put->disposition = disposition_of(file->staged->path);
	put->root_id = ffu_root_id();
	put->from = file->staged->remote;
	put->read = read_body;
	put->arg = body;
}

/*
 * Raise 23503 for a copy whose source has gone.
 */
static void
refuse_missing(const FfuPut *put)
{
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("file was replaced or deleted meanwhile"),
			 errdetail("The path is \"%s\".", put->from),
			 errhint("Repeat the transaction."),
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME,
								FFU_CONSTRAINT_FILE)));
}

/*
 * Store an object from the folder instead of a copy: the file of the source
 * has moved there.
 */
static void
store_moved(FfuStore *store, const FfuPlace *place, FfuPut *put)
{
	FfuReader	reader = {0};
	int			unanswered = put->unanswered;

	if (!ffu_path_valid(put->from, strlen(put->from)) ||
		ffu_folder_methods.open(store, FFU_ORIGIN_PATH, put->from,
								&reader) != 0)
		refuse_missing(put);
	put->from = NULL;
	put->read = read_moved;
	put->arg = &reader;
	PG_TRY();
	{
		ffu_place_methods()->put(place, put, 1);
	}
	PG_FINALLY();
	{
		ffu_reader_close(&reader);
	}
	PG_END_TRY();
	put->unanswered += unanswered;
}

/*
 * Store objects, and record those whose first request may still take effect.
 */
static void
store_objects(FfuStore *store, const FfuPlace *place, FfuPut *puts, int n)
{
	List	   *uncertain = NIL;
	List	   *multipart = NIL;
	int			i;

	FFU_FAULT("bucket-before-put");
	ffu_place_methods()->put(place, puts, n);
	for (i = 0; i < n; i++)
	{
		if (puts[i].missing)
			store_moved(store, place, &puts[i]);
	}
	FFU_FAULT("bucket-after-put");
	for (i = 0; i < n; i++)
	{
		if (puts[i].unanswered > 0 && puts[i].size > place->whole_max)
			multipart = lappend(multipart, unconstify(char *, puts[i].key));
		else if (puts[i].unanswered > 0)
			uncertain = lappend(uncertain, unconstify(char *, puts[i].key));
	}
	ffu_intent_note_uncertain(uncertain, false);
	ffu_intent_note_uncertain(multipart, true);
	list_free(uncertain);
	list_free(multipart);
}

/*
 * Steps 5 and 6 of the files for the bucket.
 */
static void
publish_objects(FfuStore *store, FfuOutgoing *files, uint32 n)
{
	FfuPlace	place;
	MemoryContext batch;
	uint32		done;

	if (!ffu_place_find(&place))
		elog(ERROR, "the bucket of this database is gone");
	batch = AllocSetContextCreate(CurrentMemoryContext, "ffu batch",
								  ALLOCSET_DEFAULT_SIZES);
	for (done = 0; done < n; done += BATCH)
	{
		MemoryContext old = MemoryContextSwitchTo(batch);
		int			count = Min(n - done, BATCH);
		FfuPut	   *puts = palloc(count * sizeof(FfuPut));
		int			i;

		for (i = 0; i < count; i++)
			describe(store, &files[done + i], &puts[i]);
		store_objects(store, &place, puts, count);
		MemoryContextSwitchTo(old);
		MemoryContextReset(batch);
	}
	MemoryContextDelete(batch);
}

/*
 * Steps 5 and 6; see FfuStoreMethods.
 */
void
ffu_both_publish(FfuStore *store, FfuOutgoing *files, uint32 n)
{
	FfuOutgoing *ours = MemoryContextAllocHuge(CurrentMemoryContext,
											   n * sizeof(FfuOutgoing));
	uint32		folder = 0;
	uint32		bucket = 0;
	uint32		i;

	/* The folder's files are at the front, the bucket's at the back. */
	for (i = 0; i < n; i++)
	{
		if (!files[i].to_bucket && files[i].staged->remote != NULL)
			elog(ERROR, "file \"%s\" is not in the folder",
				 files[i].staged->path);
		if (files[i].to_bucket)
			ours[n - ++bucket] = files[i];
		else
			ours[folder++] = files[i];
	}
	if (bucket > 0)
		publish_objects(store, ours + folder, bucket);
	if (folder > 0)
		ffu_folder_methods.publish(store, ours, folder);
	pfree(ours);
}
