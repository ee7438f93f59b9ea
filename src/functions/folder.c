/*-------------------------------------------------------------------------
 *
 * folder.c
 *	  SQL functions that claim a folder: ffu.use_folder, ffu.claim_folder.
 *
 * use_folder claims an empty folder, or a folder whose owner file names this
 * database.  claim_folder takes over the folder of a database that no longer
 * uses the folder: of a copy of the cluster, a restored dump, another host.
 * The transaction ids in the staging names of such a folder mean nothing here.
 * So claim_folder settles staging names by the rows: if a row has the path,
 * the file is published; otherwise the file is removed.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/rights.h"
#include "base/settings.h"
#include "base/version.h"
#include "column/scan.h"
#include "store/bucket/place.h"
#include "store/dir/claim.h"
#include "store/dir/exchange.h"
#include "store/dir/prepare.h"
#include "store/dir/root.h"
#include "store/dir/spool.h"
#include "store/dir/stranded.h"
#include "store/dir/walk.h"
#include "sweep/expire.h"
#include "text/path.h"
#include "text/token.h"
#include "transaction/deletion.h"
#include "upload/upload.h"

FFU_FUNCTION(ffu_sql_use_folder);
FFU_FUNCTION(ffu_sql_claim_folder);

/* Longest wait for a lock, in milliseconds and as a setting */
#define MAX_WAIT			10000
#define MAX_WAIT_SETTING	"10s"

/*
 * Lock ffu.root against other claims and against use of the folder.  While the
 * caller has the lock or waits for it, nobody can store.  So begin a level of
 * settings in which no wait for a lock is long: the owner of a table can lock
 * the table for ever.  Return the level for AtEOXact_GUC().
 */
static int
lock_claim(const char *function)
{
	Oid			relid = ffu_catalog_relation("root");
	int			level;

	ffu_version_check();
	if (ffu_root_in_use() != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot choose a folder in a transaction that has used files"),
				 errdetail("Folder \"%s\" is in use.", ffu_root_path()),
				 errhint("Call %s in a separate transaction.", function)));
	level = NewGUCNestLevel();
	if (LockTimeout <= 0 || LockTimeout > MAX_WAIT)
		ffu_rights_set("lock_timeout", MAX_WAIT_SETTING);
	LockRelationOid(relid, AccessExclusiveLock);
	return level;
}

/*
 * Tell whether the owner file names another existing database of this cluster.
 * A copy of the other database's folder does not count.
 */
static bool
is_neighbours_folder(const char *path, const FfuOwner *owner)
{
	FfuOwner	self;

	ffu_root_self(path, &self);
	return owner->system_identifier == self.system_identifier &&
		owner->control_inode == self.control_inode &&
		owner->folder_inode == self.folder_inode &&
		owner->database != self.database &&
		SearchSysCacheExists1(DATABASEOID,
							  ObjectIdGetDatum(owner->database));
}

/*
 * Refuse a folder if the files of this database are in another folder.
 */
static void
check_no_other_claim(const char *path, const FfuExchange *exchange)
{
	if (exchange->how == FFU_EXCHANGE_REFUSED &&
		strcmp(exchange->old.path, path) != 0)
		ffu_prepare_refuse(path,
						   psprintf("This database's files are in folder \"%s\".",
									exchange->old.path),
						   "To move them, copy that folder with everything in it, including .ffu, and call ffu.claim_folder with the new path. To leave that folder and its files for good, pass abandon_files => true.");
}

/*
 * Refuse a new root in a database with a bucket: the bucket belongs to the old
 * root.  old is the claim before; an empty id says that there was no claim.
 */
static void
check_bucket(const char *path, const FfuClaim *old, const char *root_id)
{
	if (old->root_id[0] != '\0' && strcmp(old->root_id, root_id) != 0 &&
		ffu_place_exists())
		ffu_prepare_refuse(path,
						   "It would be a new root, and the bucket of this database belongs to the old root.",
						   "Call ffu.leave_bucket() first.");
}

/*
 * ffu.use_folder(path text, abandon_files boolean DEFAULT false) RETURNS void
 */
Datum
ffu_sql_use_folder(PG_FUNCTION_ARGS)
{
	bool		abandon = PG_GETARG_BOOL(1);
	FfuClaim	old = {.root_id = ""};
	FfuClaim	new;
	FfuExchange exchange;
	char	   *path;
	FfuControl	control;
	int			level;

	ffu_upload_prevent("ffu.use_folder()");
	level = lock_claim("ffu.use_folder()");
	(void) ffu_root_read_claim(&old, false);
	path = ffu_prepare_path(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	ffu_claim_check_location(path);
	ffu_exchange_find(&exchange, abandon);
	check_no_other_claim(path, &exchange);
	ffu_prepare_folder(path, &control);
	PG_TRY();
	{
		ffu_claim_new(path, &control, &exchange, abandon);
		CommandCounterIncrement();
		if (ffu_root_read_claim(&new, false))
			check_bucket(path, &old, new.root_id);
	}
	PG_FINALLY();
	{
		ffu_prepare_close(&control);
	}
	PG_END_TRY();
	AtEOXact_GUC(false, level);
	PG_RETURN_VOID();
}

/*
 * FfuPathVisitor: mark a staged path as owned by a row.
 */
static bool
mark_owned(const char *path, TupleTableSlot *slot, void *arg)
{
	FfuStagedPath *entry = NULL;

	if (strlen(path) <= FFU_PATH_MAX)
		entry = hash_search((HTAB *) arg, path, HASH_FIND, NULL);
	if (entry)
		entry->owned = true;
	return true;
}

/*
 * Look up the staged paths in all file columns of this database.
 */
static void
look_up_rows(HTAB *staged)
{
	ListCell   *lc;

	foreach(lc, ffu_stranded_columns())
	{
		const FfuPathColumn *column = lfirst(lc);
		Relation	rel = try_relation_open(column->relid, ShareLock);

		if (rel == NULL)
			continue;
		ffu_scan_paths(rel, column->attnum, mark_owned, staged);
		relation_close(rel, NoLock);
	}
}

/*
 * Mark the paths that were detached from a row: such a file is published, too.
 */
static void
look_up_detached(HTAB *staged)
{
	HASH_SEQ_STATUS status;
	FfuStagedPath *entry;

	hash_seq_init(&status, staged);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (!entry->owned &&
			(ffu_deletion_rows(entry->path) & FFU_DELETION_DETACHED) != 0)
			entry->owned = true;
	}
}

/*
 * Publish the file of a staging name with a path that a row has, unless the
 * file is published, and make the file durable.  Return 0 or an error number.
 */
static int
publish_owned(FfuStore *store, FfuStaged *staged)
{
	FfuOutgoing out = {.staged = staged};
	FfuReader	reader = {0};
	int			result = store->methods->open(store, FFU_ORIGIN_PATH,
											  staged->path, &reader);

	if (result == ENOENT)
	{
		staged->step = FFU_STEP_NAMED;
		result = ffu_spool_read(store, staged, &reader);
	}
	out.size = reader.size;
	ffu_reader_close(&reader);
	if (result != 0)
		return result;
	store->methods->publish(store, &out, 1);
	return store->methods->finish(store, staged);
}

/*
 * Settle a staging name of a folder that is taken over.  If a row has the
 * path, publish the file; otherwise remove the file.
 */
static void
settle_name(FfuStore *store, const char *name, HTAB *staged_paths)
{
	FfuStaged	staged = {.file = FFU_SPOOL_CLOSED};
	FfuStagedPath *entry = NULL;
	int			result;

	if (!ffu_staging_parse(name, &staged.fxid, &staged.n, &staged.run,
						   staged.path))
		return;
	staged.step = FFU_STEP_STAGED;
	if (staged.path[0] != '\0')
	{
		staged.step = FFU_STEP_PUBLISHED;
		entry = hash_search(staged_paths, staged.path, HASH_FIND, NULL);
	}
	if (entry && entry->owned)
		result = publish_owned(store, &staged);
	else
		result = store->methods->undo(store, &staged);
	if (result != 0)
		ffu_raise_io(result, "settle staging file", name);
}

/*
 * Settle all staging names of a folder just claimed.
 */
static void
settle_staging(void)
{
	FfuStore   *store = ffu_root_use();
	List	   *names = ffu_spool_staged_names(store);
	HTAB	   *staged = ffu_walk_staged_paths(names);
	ListCell   *lc;

	if (hash_get_num_entries(staged) > 0)
	{
		look_up_rows(staged);
		look_up_detached(staged);
	}
	foreach(lc, names)
		settle_name(store, lfirst(lc), staged);
	list_free_deep(names);
	hash_destroy(staged);
	ffu_expire_settle();
}

/*
 * Take over a folder.  control is the open .ffu directory.
 */
static void
take_over(const char *path, const FfuControl *control, bool abandon)
{
	FfuOwner	owner;
	FfuOwner	self;
	FfuClaim	old;
	FfuExchange exchange;
	int			result = ffu_root_read_owner(control, &owner);

	if (result == FFU_OWNER_NEWER)
		ffu_prepare_refuse(path, ffu_root_newer_detail(&owner), FFU_OWNER_NEWER_HINT);
	if (result != 0)
		ffu_prepare_refuse(path, "It has no \".ffu/owner\", so it is not a folder of ffu.",
						   "Use ffu.use_folder for a new folder.");
	if (is_neighbours_folder(path, &owner))
		ffu_prepare_refuse(path,
						   psprintf("It belongs to database %u of this very cluster.",
									owner.database),
						   "Two databases cannot use one folder. Drop that database first, or copy the folder with everything in it and claim the copy.");
	ffu_exchange_find(&exchange, abandon);
	if (exchange.how == FFU_EXCHANGE_REFUSED &&
		strcmp(exchange.old.root_id, owner.root_id) != 0)
		ffu_prepare_refuse(path,
						   psprintf("Its root id is \"%s\", but this database's files are in root \"%s\".",
									owner.root_id, exchange.old.root_id),
						   "Bring back the folder with this database's files. To leave those for good, pass abandon_files => true.");
	if (ffu_root_read_claim(&old, false))
		check_bucket(path, &old, owner.root_id);
	ffu_root_self(path, &self);
	memcpy(self.root_id, owner.root_id, sizeof(self.root_id));
	memcpy(self.key, owner.key, sizeof(self.key));
	ffu_claim_make_key(&self);
	ffu_prepare_sync(path, control);
	ffu_exchange_record(&self, path, &exchange);
	CommandCounterIncrement();
	result = ffu_root_write_owner(control, &self, true);
	if (result != 0)
		ffu_prepare_refuse_error(path, result, "The .ffu directory of the folder must belong to the operating system user of the server.");
	FFU_FAULT("claim-after-owner");
	settle_staging();
}

/*
 * ffu.claim_folder(path text DEFAULT NULL, abandon_files boolean DEFAULT
 * false) RETURNS void
 */
Datum
ffu_sql_claim_folder(PG_FUNCTION_ARGS)
{
	FfuClaim	claim;
	char	   *path;
	FfuControl	control;
	int			level;

	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot execute %s during recovery",
						"ffu.claim_folder()"),
				 errhint("Call it on the primary, or use ffu.adopt_folder() for a folder of the standby's own.")));
	ffu_upload_prevent("ffu.claim_folder()");
	level = lock_claim("ffu.claim_folder()");
	if (!PG_ARGISNULL(0))
		path = ffu_prepare_path(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	else if (ffu_root_read_claim(&claim, false))
		path = pstrdup(claim.path);
	else
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no folder for files is set in this database"),
				 errdetail("The table ffu.root is empty."),
				 errhint("Pass the path of the folder to claim.")));
	ffu_claim_check_location(path);
	ffu_prepare_folder(path, &control);
	PG_TRY();
	{
		take_over(path, &control, !PG_ARGISNULL(1) && PG_GETARG_BOOL(1));
	}
	PG_FINALLY();
	{
		ffu_prepare_close(&control);
	}
	PG_END_TRY();
	/* A dump or a copy may have lost the ties of file columns. */
	(void) ffu_catalog_execute("SELECT ffu._tie_all()", NULL, NULL);
	AtEOXact_GUC(false, level);
	PG_RETURN_VOID();
}
