/*-------------------------------------------------------------------------
 *
 * bucket.c
 *	  SQL functions that claim a bucket: ffu.use_bucket, ffu.claim_bucket.
 *
 * A bucket is a second place for the files of a folder: a path means the same
 * bytes in both.  So the bucket has the id of the folder's root.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "base/catalog.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/settings.h"
#include "base/version.h"
#include "store/bucket/claim.h"
#include "store/bucket/intent.h"
#include "store/bucket/place.h"
#include "store/dir/root.h"

#define Natts_bucket	8

/* Arguments of ffu.use_bucket, in the order of the columns of ffu.bucket */
#define ARG_URL			0
#define ARG_REGION		1
#define ARG_STYLE		2
#define ARG_PROFILE		3
#define ARG_CA_FILE		4
#define ARG_INSECURE	5

static void refuse_bucket(const FfuPlace *place, const char *detail, const char *hint) pg_attribute_noreturn();

FFU_FUNCTION(ffu_sql_use_bucket);
FFU_FUNCTION(ffu_sql_claim_bucket);
FFU_FUNCTION(ffu_sql_leave_bucket);

/*
 * Refuse a bucket: raise 55000 with this detail and hint.
 */
static void
refuse_bucket(const FfuPlace *place, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("bucket \"%s\" cannot be used", place->url),
			 errdetail_internal("%s", detail),
			 errhint("%s", hint)));
}

/*
 * Lock folder and bucket against use, and read the claim of the folder.
 */
static void
lock_claims(FfuClaim *claim)
{
	ffu_version_check();
	if (ffu_root_in_use() != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot choose a bucket in a transaction that has used files"),
				 errdetail("Folder \"%s\" is in use.", ffu_root_path()),
				 errhint("Call this function in a separate transaction.")));
	LockRelationOid(ffu_catalog_relation("root"), AccessExclusiveLock);
	LockRelationOid(ffu_catalog_relation("bucket"), AccessExclusiveLock);
	if (!ffu_root_read_claim(claim, true))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no folder for files is set in this database"),
				 errdetail("A bucket is a second place for the files of a folder."),
				 errhint("Call ffu.use_folder() first.")));
}

/*
 * Return a text argument, palloc'd, or "".
 */
static const char *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/*
 * Read the arguments of ffu.use_bucket.
 */
static void
read_arguments(FunctionCallInfo fcinfo, FfuBucketRow *row)
{
	row->url = text_argument(fcinfo, ARG_URL);
	row->region = text_argument(fcinfo, ARG_REGION);
	row->style = text_argument(fcinfo, ARG_STYLE);
	row->profile = text_argument(fcinfo, ARG_PROFILE);
	row->ca_file = text_argument(fcinfo, ARG_CA_FILE);
	row->insecure = !PG_ARGISNULL(ARG_INSECURE) &&
		PG_GETARG_BOOL(ARG_INSECURE);
	row->batch = true;
	row->direct = false;
	if (strcmp(row->style, "path") != 0 && strcmp(row->style, "host") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown style \"%s\" of a bucket's URL",
						ffu_shown(row->style, strlen(row->style))),
				 errdetail("The styles are \"path\" and \"host\"."),
				 errhint("With \"path\" the name of the bucket is in the path, with \"host\" in the name of the host.")));
	if (row->region[0] == '\0' || row->profile[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("region and profile of a bucket must not be empty"),
				 errdetail("Every request to a store is signed for a region, with the keys of a profile."),
				 errhint("Leave them out for \"us-east-1\" and \"default\".")));
}

/*
 * Record a bucket: the row of ffu.bucket.
 */
static void
record(const FfuBucketRow *row)
{
	Relation	rel = table_open(ffu_catalog_relation("bucket"), RowExclusiveLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0,
										  NULL);
	HeapTuple	old = systable_getnext(scan);
	HeapTuple	new;
	Datum		values[Natts_bucket];
	bool		nulls[Natts_bucket] = {false};

	values[0] = CStringGetTextDatum(row->url);
	values[1] = CStringGetTextDatum(row->region);
	values[2] = CStringGetTextDatum(row->style);
	values[3] = CStringGetTextDatum(row->profile);
	values[4] = CStringGetTextDatum(row->ca_file);
	nulls[4] = row->ca_file[0] == '\0';
	values[5] = BoolGetDatum(row->insecure);
	values[6] = BoolGetDatum(row->batch);
	values[7] = BoolGetDatum(row->direct);
	new = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	if (HeapTupleIsValid(old))
		CatalogTupleUpdate(rel, &old->t_self, new);
	else
		CatalogTupleInsert(rel, new);
	systable_endscan(scan);
	table_close(rel, NoLock);
}

/*
 * Refuse another bucket than the one of this database, which may have files.
 * The row of a copy of a database names a bucket that is not the copy's.
 */
static void
check_no_other_bucket(const FfuPlace *place, const char *root_id)
{
	FfuPlace	old;
	char	   *detail;

	if (!ffu_place_find(&old) || strcmp(old.url, place->url) == 0 ||
		ffu_bucket_claim_look(&old, root_id, &detail) == FFU_BUCKET_FOREIGN)
		return;
	refuse_bucket(place,
				  psprintf("The bucket of this database is \"%s\".", old.url),
				  "A database has one bucket. When no file is in the bucket any more, call ffu.leave_bucket().");
}

/*
 * Claim a bucket that has no owner; accept a bucket of this database.
 */
static void
claim_new(const FfuPlace *place, const char *root_id)
{
	char	   *detail;

	switch (ffu_bucket_claim_look(place, root_id, &detail))
	{
		case FFU_BUCKET_OURS:
			return;
		case FFU_BUCKET_NO_OWNER:
			ffu_bucket_claim_write(place, root_id);
			FFU_FAULT("claim-after-owner-object");
			if (ffu_bucket_claim_look(place, root_id, &detail) != FFU_BUCKET_OURS)
				refuse_bucket(place, detail,
							  "Another database has claimed the bucket at the same time. Use another bucket or prefix.");
			return;
		case FFU_BUCKET_COPY:
			refuse_bucket(place, detail,
						  "If only this copy uses the bucket from now on, call ffu.claim_bucket with the same arguments.");
		case FFU_BUCKET_FOREIGN:
		case FFU_BUCKET_UNREADABLE:
			break;
	}
	refuse_bucket(place, detail,
				  "Use another bucket, or a prefix of its own for each database.");
}

/*
 * Take over a bucket that another copy of this cluster has claimed.
 */
static void
take_over(const FfuPlace *place, const char *root_id)
{
	char	   *detail;
	FfuBucketOwner owner = ffu_bucket_claim_look(place, root_id, &detail);

	if (owner == FFU_BUCKET_FOREIGN || owner == FFU_BUCKET_UNREADABLE)
		refuse_bucket(place, detail,
					  "Use another bucket, or a prefix of its own for each database.");
	if (owner != FFU_BUCKET_OURS)
		ffu_bucket_claim_write(place, root_id);
}

/*
 * Tell what a store cannot do that ffu can do without.
 */
static void
report(const FfuPlace *place, const FfuProbe *probe)
{
	if (!ffu_setting_preloaded)
		ereport(WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("nothing removes the files of deleted rows from the bucket"),
				 errdetail("No session speaks to the bucket to delete, and without shared_preload_libraries ffu has no background worker."),
				 errhint("Add ffu to shared_preload_libraries, or call ffu.sweep() regularly.")));
	if (!probe->batch)
		ereport(NOTICE,
				(errmsg("the store at \"%s\" does not remove many objects in one request",
						place->url),
				 errdetail("Deletions take a request for each file.")));
	if (!probe->direct)
		ereport(NOTICE,
				(errmsg("the store at \"%s\" does not take direct uploads",
						place->url),
				 errdetail("It does not take exactly the bytes that a URL is signed for: others, or none.")));
}

/*
 * Try a bucket, claim it, and record it.
 */
static void
use_bucket(FunctionCallInfo fcinfo, bool copy)
{
	FfuBucketRow row;
	FfuPlace	place;
	FfuProbe	probe;
	FfuClaim	claim;

	lock_claims(&claim);
	read_arguments(fcinfo, &row);
	ffu_place_make(&row, &place);
	check_no_other_bucket(&place, claim.root_id);
	ffu_place_methods()->probe(&place, claim.root_id, &probe);
	if (copy)
		take_over(&place, claim.root_id);
	else
		claim_new(&place, claim.root_id);
	row.batch = probe.batch;
	row.direct = probe.direct;
	record(&row);
	report(&place, &probe);
}

/*
 * ffu.use_bucket(url text, region text DEFAULT 'us-east-1', style text DEFAULT
 * 'path', profile text DEFAULT 'default', ca_file text DEFAULT NULL, insecure
 * boolean DEFAULT false) RETURNS void
 */
Datum
ffu_sql_use_bucket(PG_FUNCTION_ARGS)
{
	use_bucket(fcinfo, false);
	PG_RETURN_VOID();
}

/*
 * ffu.claim_bucket(...) RETURNS void, with the arguments of ffu.use_bucket
 */
Datum
ffu_sql_claim_bucket(PG_FUNCTION_ARGS)
{
	use_bucket(fcinfo, true);
	PG_RETURN_VOID();
}

/*
 * FfuKeyVisitor: refuse to leave a bucket with an object.
 */
static void
refuse_key(const char *key, int64 size, void *arg)
{
	if (strcmp(key, FFU_BUCKET_OWNER) != 0)
		refuse_bucket((const FfuPlace *) arg,
					  psprintf("The object \"%s\" is in it.", key),
					  "Call ffu.alter_column with store => 'folder' for all columns, ffu.move_files('bucket', 'folder') and ffu.sweep(), and remove what ffu.check() finds.");
}

/*
 * Strike the bucket off: delete the row of ffu.bucket.
 */
static void
forget(void)
{
	Relation	rel = table_open(ffu_catalog_relation("bucket"), RowExclusiveLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0,
										  NULL);
	HeapTuple	tuple = systable_getnext(scan);

	if (HeapTupleIsValid(tuple))
		CatalogTupleDelete(rel, &tuple->t_self);
	systable_endscan(scan);
	table_close(rel, NoLock);
}

/*
 * ffu.leave_bucket() RETURNS void: leave an empty bucket, or a bucket that
 * another database has claimed.
 */
Datum
ffu_sql_leave_bucket(PG_FUNCTION_ARGS)
{
	FfuKeyRemoval removal = {.key = FFU_BUCKET_OWNER};
	FfuClaim	claim;
	FfuPlace	place;
	FfuBucketOwner owner;
	char	   *detail;

	lock_claims(&claim);
	if (!ffu_place_find(&place))
		PG_RETURN_VOID();
	owner = ffu_bucket_claim_look(&place, claim.root_id, &detail);
	if (owner == FFU_BUCKET_FOREIGN)
	{
		forget();
		PG_RETURN_VOID();
	}
	if (owner != FFU_BUCKET_OURS)
		refuse_bucket(&place, detail,
					  "If only this database uses the bucket from now on, call ffu.claim_bucket first.");
	ffu_place_methods()->walk(&place, "", refuse_key, &place);
	if (ffu_intent_keys() != NIL)
		refuse_bucket(&place,
					  "Late requests may still bring back objects of transactions that did not commit.",
					  "Call ffu.sweep() after ffu.settle_time, and then this function again.");
	ffu_place_methods()->remove(&place, &removal, 1);
	if (removal.error[0] != '\0')
		refuse_bucket(&place,
					  psprintf("Its owner object cannot be removed: %s.",
							   removal.error),
					  "Look into the log of the store.");
	forget();
	PG_RETURN_VOID();
}
