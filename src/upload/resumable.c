/*-------------------------------------------------------------------------
 *
 * resumable.c
 *	  Resumable uploads: the rows of ffu.upload, and their files.
 *
 * A resumable upload lives longer than a transaction.  Its row is the truth:
 * the upload exists if the row exists, and has the size in the row.  The bytes
 * are in .ffu/uploads, in a file named after the beginning transaction and the
 * upload's key (resumable_id.c).  So rollback, savepoints, two-phase commit
 * and crashes need little code here:
 *
 *	begin		makes the file, then the row.  Without the commit there is no
 *				row, and the file is removed
 *	append		updates the row; writes bytes after the old size, and makes
 *				the bytes durable before the commit record.  Without the
 *				commit the file is longer than the row says: the next append
 *				cuts the file off
 *	finish		gives the file a second name in staging; from there on the
 *				file is an upload like any other.  Deletes the row, and after
 *				commit the first name
 *	give up		deletes the row, and after commit the file
 *
 * A session that works on an upload holds the upload's lock until the end of
 * the transaction.  So no two sessions change a row at the same time, and the
 * row can be looked up below the level of SQL, without a snapshot and without
 * ever causing a serialization failure (docs/design.md).
 * Without the lock a lookup could miss a row that another session is changing:
 * so a reader that finds no row without the lock looks again with a snapshot.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/advisory.h"
#include "base/catalog.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/settings.h"
#include "store/dir/claim.h"
#include "store/dir/root.h"
#include "store/dir/spool.h"
#include "upload/resumable.h"
#include "upload/upload.h"

/* Number of files of a transaction that stay open until their sync */
#define OPEN_FILES_MAX		4

static void refuse_unknown(void) pg_attribute_noreturn();

/*
 * Take the lock of an upload until the end of the transaction.  Return false
 * if another session holds the lock and wait is false.
 */
bool
ffu_resumable_lock(int64 key, bool wait)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) ((uint64) key >> 32),
						 (uint32) key, FFU_LOCK_UPLOAD);
	return LockAcquire(&tag, ExclusiveLock, false, !wait) !=
		LOCKACQUIRE_NOT_AVAIL;
}

/*
 * Release the lock of an upload early.  The caller must have changed nothing
 * under the lock.
 */
void
ffu_resumable_unlock(int64 key)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) ((uint64) key >> 32),
						 (uint32) key, FFU_LOCK_UPLOAD);
	LockRelease(&tag, ExclusiveLock, false);
}

/*
 * Convert a row of ffu.upload to *resume.
 */
void
ffu_resumable_read(Relation rel, HeapTuple tuple, FfuResumable *resume)
{
	Datum		values[Natts_upload];
	bool		isnull[Natts_upload];

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, isnull);
	memset(resume, 0, sizeof(*resume));
	resume->tid = tuple->t_self;
	resume->key = DatumGetInt64(values[Anum_upload_id - 1]);
	resume->sha256 = TextDatumGetCString(values[Anum_upload_sha256 - 1]);
	resume->root_id = TextDatumGetCString(values[Anum_upload_root - 1]);
	resume->owner = DatumGetObjectId(values[Anum_upload_owner - 1]);
	resume->fxid = (uint64) DatumGetInt64(values[Anum_upload_begun_by - 1]);
	if (!isnull[Anum_upload_file_name - 1])
		resume->file_name =
			TextDatumGetCString(values[Anum_upload_file_name - 1]);
	resume->max_size = isnull[Anum_upload_max_size - 1] ? -1 :
		DatumGetInt64(values[Anum_upload_max_size - 1]);
	resume->size = DatumGetInt64(values[Anum_upload_size - 1]);
	resume->begun_at = DatumGetTimestampTz(values[Anum_upload_begun_at - 1]);
	resume->expires_at =
		DatumGetTimestampTz(values[Anum_upload_expires_at - 1]);
	if (!isnull[Anum_upload_content - 1])
		resume->content = TextDatumGetCString(values[Anum_upload_content - 1]);
}

/*
 * Look for the row of a key in a snapshot.  NULL stands for a new MVCC
 * snapshot, which is possible in a parallel query as well.
 */
static bool
find_with(Snapshot snapshot, int64 key, FfuResumable *resume)
{
	Relation	rel = table_open(ffu_catalog_relation("upload"), AccessShareLock);
	ScanKeyData scan_key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found;

	ScanKeyInit(&scan_key, Anum_upload_id, BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(key));
	scan = systable_beginscan(rel, ffu_catalog_relation("upload_pkey"), true,
							  snapshot, 1, &scan_key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple);
	if (found)
		ffu_resumable_read(rel, tuple, resume);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * Find the current row of a key, either committed or of this transaction.
 * Return false if there is no row; the answer is reliable even while another
 * session is changing the row.
 */
bool
ffu_resumable_find(int64 key, FfuResumable *resume)
{
	return find_with(SnapshotSelf, key, resume) ||
		find_with(NULL, key, resume);
}

/*
 * Raise 42704 for an unknown id.  The message must not repeat the id, which is
 * a secret.
 */
static void
refuse_unknown(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("resumable upload does not exist"),
			 errdetail("It was never begun, or is finished, given up or expired."),
			 errhint("Begin another one with ffu.upload_begin(file_name, resumable => true).")));
}

/*
 * Parse an id.  Raise 22023 if the id is invalid.
 */
static void
read_id(const char *id, FfuResumableId *secret)
{
	if (!ffu_resumable_id_read(id, secret))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid id of a resumable upload"),
				 errdetail("An id is \"%s\" and %d letters and digits.",
						   FFU_RESUMABLE_ID_PREFIX, FFU_TOKEN_LEN),
				 errhint("Pass what ffu.upload_begin() returned as it is.")));
}

/*
 * Refuse a row of another id or of another role, and an expired row.  Raise
 * 42704 or 42501.
 */
static void
check_row(const FfuResumableId *secret, const FfuResumable *resume)
{
	if (strcmp(resume->sha256, secret->sha256) != 0 ||
		resume->expires_at < GetCurrentTimestamp())
		refuse_unknown();
	if (!has_privs_of_role(GetUserId(), resume->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for resumable upload"),
				 errdetail("It was begun by another role."),
				 errhint("Only the role that began the upload, and roles with its privileges, can continue.")));
}

/*
 * Find the upload with this id for a change: no other session can change the
 * upload until the end of the transaction.  Raise 22023, 42704 or 42501.
 */
void
ffu_resumable_use(const char *id, FfuResumable *resume)
{
	FfuResumableId secret;

	read_id(id, &secret);
	(void) ffu_root_use();
	(void) ffu_resumable_lock(secret.key, true);
	if (!find_with(SnapshotSelf, secret.key, resume) ||
		strcmp(resume->root_id, ffu_root_id()) != 0)
		refuse_unknown();
	check_row(&secret, resume);
}

/*
 * Find the upload with this id for reading, in the state of the last commit
 * and of this transaction.  Wait for no lock; work on a standby as well.
 */
void
ffu_resumable_look(const char *id, FfuResumable *resume)
{
	FfuResumableId secret;

	read_id(id, &secret);
	if (!ffu_resumable_find(secret.key, resume))
		refuse_unknown();
	check_row(&secret, resume);
}

/*
 * Return the expiry of an upload that gets bytes now.
 */
static TimestampTz
expiry(void)
{
	return GetCurrentTimestamp() + ffu_setting_upload_expiry * USECS_PER_SEC;
}

/*
 * Insert the row of a new upload.
 */
static void
insert_row(const FfuResumableId *secret, uint64 fxid, const char *file_name,
		   int64 max_size, const char *content)
{
	Relation	rel = table_open(ffu_catalog_relation("upload"), RowExclusiveLock);
	Datum		values[Natts_upload];
	bool		isnull[Natts_upload] = {false};

	values[Anum_upload_id - 1] = Int64GetDatum(secret->key);
	values[Anum_upload_sha256 - 1] = CStringGetTextDatum(secret->sha256);
	values[Anum_upload_root - 1] = CStringGetTextDatum(ffu_root_id());
	values[Anum_upload_owner - 1] = ObjectIdGetDatum(GetUserId());
	values[Anum_upload_begun_by - 1] = Int64GetDatum((int64) fxid);
	values[Anum_upload_file_name - 1] =
		CStringGetTextDatum(file_name ? file_name : "");
	isnull[Anum_upload_file_name - 1] = file_name == NULL;
	values[Anum_upload_max_size - 1] = Int64GetDatum(max_size);
	isnull[Anum_upload_max_size - 1] = max_size < 0;
	values[Anum_upload_size - 1] = Int64GetDatum(0);
	values[Anum_upload_begun_at - 1] =
		TimestampTzGetDatum(GetCurrentTimestamp());
	values[Anum_upload_expires_at - 1] = TimestampTzGetDatum(expiry());
	values[Anum_upload_content - 1] = CStringGetTextDatum(content ? content : "");
	isnull[Anum_upload_content - 1] = content == NULL;
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values,
											isnull));
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

/*
 * Make room before opening the file of an upload: keep fewer than
 * OPEN_FILES_MAX files open until their sync, and close the others.  The sync
 * opens closed files again.
 */
static void
make_room(void)
{
	int			open = 0;
	FfuResumableFile *file;

	for (file = ffu_resumed_first(); file; file = ffu_resumed_next(file))
	{
		FfuSpoolFile *spooled = ffu_resumed_file(file);

		if (ffu_spool_is_open(spooled) && ++open >= OPEN_FILES_MAX)
			ffu_spool_close(spooled);
	}
}

/*
 * Begin a resumable upload and return its id, palloc'd.  file_name is a clean
 * name, or NULL; max_size is in bytes, or -1 for no limit; content is the
 * digest of a direct upload, or NULL.
 */
char *
ffu_resumable_begin(const char *file_name, int64 max_size, const char *content)
{
	FfuStore   *store = ffu_claim_use();
	uint64		fxid = U64FromFullTransactionId(GetTopFullTransactionId());
	char	   *id = palloc(FFU_RESUMABLE_ID_LEN + 1);
	FfuResumableId secret;
	FfuResumableFile *file;
	char		name[FFU_RESUMED_MAX + 1];
	int			result;

	ffu_resumable_id_make(id, &secret);
	(void) ffu_resumable_lock(secret.key, true);
	file = ffu_resumed_touch(fxid, secret.key);
	ffu_resumed_name(file, name);
	make_room();
	result = ffu_spool_begin_upload(store, name, ffu_resumed_file(file));
	if (result != 0)
		ffu_raise_io(result, "create file for resumable upload",
					 file_name ? file_name : "");
	ffu_resumed_begin(file);
	FFU_FAULT("resume-after-create");
	insert_row(&secret, fxid, file_name, max_size, content);
	FFU_FAULT("resume-after-insert");
	return id;
}

/*
 * Return the name of an upload for messages.
 */
static const char *
shown(const FfuResumable *resume)
{
	return resume->file_name ? resume->file_name : "";
}

/*
 * Raise an error for a system call on the file of an upload.
 */
static void
check_result(int result, const char *action, const FfuResumable *resume)
{
	if (result != 0)
		ffu_raise_io(result, action, shown(resume));
}

/*
 * Raise XX001 for an upload whose file is shorter than the row says.
 */
static void
refuse_damaged(const FfuResumable *resume, int64 size)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("bytes of a resumable upload are missing"),
			 errdetail("It has " INT64_FORMAT " bytes, but " INT64_FORMAT " are in the folder.",
					   resume->size, size),
			 errhint("Give it up with ffu.upload_cancel(), and begin another one.")));
}

/*
 * Open the file of an upload and cut the file off at the size in the row.
 * Return the number of the file's names; if there is more than one, change
 * nothing.
 */
int
ffu_resumable_open(FfuResumable *resume)
{
	FfuStore   *store = ffu_root_use();
	FfuResumableFile *file = ffu_resumed_touch(resume->fxid, resume->key);
	FfuSpoolFile *spooled = ffu_resumed_file(file);
	char		name[FFU_RESUMED_MAX + 1];
	int64		size = 0;
	int			names = 0;
	int			result = 0;

	resume->file = file;
	ffu_resumed_name(file, name);
	if (ffu_resumed_is_lost(file))
		check_result(EIO, "sync file of resumable upload", resume);
	if (!ffu_spool_is_open(spooled))
	{
		make_room();
		result = ffu_spool_open_upload(store, name, spooled);
	}
	if (result == ENOENT)
		refuse_damaged(resume, 0);
	check_result(result, "open file of resumable upload", resume);
	check_result(ffu_spool_look_upload(spooled, &size, &names),
				 "read file of resumable upload", resume);
	if (size < resume->size)
		refuse_damaged(resume, size);
	if (names == 1 && size > resume->size)
		check_result(ffu_spool_cut_upload(spooled, resume->size),
					 "truncate file of resumable upload", resume);
	return names;
}

/*
 * Set the size in the row, and extend the expiry.
 */
static void
update_row(FfuResumable *resume, int64 size)
{
	Relation	rel = table_open(ffu_catalog_relation("upload"), RowExclusiveLock);
	Datum		values[Natts_upload];
	bool		isnull[Natts_upload] = {false};
	bool		replace[Natts_upload] = {false};
	ScanKeyData scan_key;
	SysScanDesc scan;
	HeapTuple	tuple;

	values[Anum_upload_size - 1] = Int64GetDatum(size);
	values[Anum_upload_expires_at - 1] = TimestampTzGetDatum(expiry());
	replace[Anum_upload_size - 1] = true;
	replace[Anum_upload_expires_at - 1] = true;
	ScanKeyInit(&scan_key, Anum_upload_id, BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(resume->key));
	scan = systable_beginscan(rel, ffu_catalog_relation("upload_pkey"), true,
							  SnapshotSelf, 1, &scan_key);
	tuple = systable_getnext(scan);
	if (!HeapTupleIsValid(tuple))
		refuse_unknown();
	tuple = heap_modify_tuple(tuple, RelationGetDescr(rel), values, isnull,
							  replace);
	CatalogTupleUpdate(rel, &tuple->t_self, tuple);
	systable_endscan(scan);
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

/*
 * Append bytes to an open upload, and return the new size.
 */
int64
ffu_resumable_append(FfuResumable *resume, const char *data, size_t len)
{
	FfuWriter	writer = {.resumed = resume->file,.name = shown(resume),
	.size = resume->size};

	ffu_resumed_write(resume->file, resume->size, resume->size + (int64) len);
	ffu_writer_put(&writer, data, len);
	update_row(resume, writer.size);
	resume->size = writer.size;
	FFU_FAULT("resume-after-append");
	return writer.size;
}

/*
 * End an upload that is finished or given up: delete the row now, and the name
 * of its file after commit.
 */
void
ffu_resumable_end(FfuResumable *resume)
{
	Relation	rel = table_open(ffu_catalog_relation("upload"), RowExclusiveLock);

	CatalogTupleDelete(rel, &resume->tid);
	table_close(rel, NoLock);
	CommandCounterIncrement();
	ffu_resumed_end(ffu_resumed_touch(resume->fxid, resume->key));
	FFU_FAULT("resume-after-end");
}

/*
 * Finish an open upload: return an upload of this transaction with the same
 * bytes.  The commit ends the resumable upload.
 */
FfuFile *
ffu_resumable_finish(FfuResumable *resume)
{
	char		name[FFU_RESUMED_MAX + 1];
	FfuOrigin	origin = {.kind = FFU_ORIGIN_RESUMABLE,.name = name};
	FfuBirth	birth = {.kind = FFU_ORIGIN_RESUMABLE,
	.file_name = resume->file_name,.resumable_key = resume->key};
	FfuFile    *file;

	ffu_writer_check_size(resume->size, false);
	ffu_resumed_name(resume->file, name);
	file = ffu_upload_stage(&origin, &birth, shown(resume));
	FFU_FAULT("resume-after-link");
	ffu_upload_learn(file, shown(resume));
	ffu_resumable_end(resume);
	return file;
}
