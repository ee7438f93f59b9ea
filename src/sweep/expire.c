/*-------------------------------------------------------------------------
 *
 * expire.c
 *	  Resumable uploads that no client continues.
 *
 * An upload expires at the time in the row.  A sweep deletes the row under the
 * upload's lock, and the commit of the sweep removes the file.
 *
 * A file without a row is left by a crash, or by COMMIT PREPARED, which calls
 * no extension.  Two kinds of files only seem to have no row:
 *
 *	A transaction in progress or prepared began the upload: the row is not
 *	visible yet.  The file name has the transaction id.  The order of the
 *	questions matters: read the names, then ask for the fate of the
 *	transaction, then look for the row.  A row that is not visible then will
 *	never be visible.
 *
 *	A row that is being changed: a scan of the table could miss the row, so
 *	look for the row under the upload's lock.
 *
 * The cost is proportional to the number of resumable uploads: one pass over
 * the table and one over the directory.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/catalog.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/shared.h"
#include "base/xid.h"
#include "store/dir/root.h"
#include "store/dir/spool.h"
#include "sweep/expire.h"
#include "upload/resumable.h"

/*
 * List the rows of uploads in this folder, as FfuResumable.
 */
static List *
read_rows(void)
{
	Relation	rel = table_open(ffu_catalog_relation("upload"), AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false,
										  SnapshotSelf, 0, NULL);
	List	   *rows = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		FfuResumable *resume = palloc(sizeof(FfuResumable));

		CHECK_FOR_INTERRUPTS();
		ffu_resumable_read(rel, tuple, resume);
		if (strcmp(resume->root_id, ffu_root_id()) == 0)
			rows = lappend(rows, resume);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return rows;
}

/*
 * Tell whether an upload has expired.
 */
static bool
is_expired(const FfuResumable *resume)
{
	return resume->expires_at < GetCurrentTimestamp();
}

/*
 * End an upload that looks expired.  Do nothing if another session has the
 * upload's lock, or if the upload has not expired any more.
 */
static void
expire_row(const FfuResumable *resume, FfuExpired *expired)
{
	FfuResumable now;

	if (!ffu_resumable_lock(resume->key, false))
		return;
	if (!ffu_resumable_find(resume->key, &now) || !is_expired(&now))
	{
		ffu_resumable_unlock(resume->key);
		return;
	}
	ffu_resumable_end(&now);
	expired->removed++;
	ffu_shared_count(FFU_COUNT_SWEPT_FILES, 1);
	FFU_FAULT("expire-after-row");
}

/*
 * Remove a file whose upload was not seen, unless the upload exists.  Do
 * nothing if another session has the upload's lock.
 */
static void
expire_name(FfuStore *store, const char *name, uint64 fxid, int64 key,
			FfuExpired *expired)
{
	FfuResumable resume;
	int			result = 0;

	if (ffu_xid_fate(fxid) == FFU_FATE_OPEN)
	{
		expired->open++;
		return;
	}
	if (!ffu_resumable_lock(key, false))
		return;
	if (!ffu_resumable_find(key, &resume) || resume.fxid != fxid)
	{
		result = ffu_spool_remove_upload(store, name);
		if (result == 0)
			expired->removed++;
		else if (expired->failed++ == 0)
			expired->error = result;
		ffu_shared_count(result == 0 ? FFU_COUNT_SWEPT_FILES : FFU_COUNT_FAILED,
						 1);
		FFU_FAULT("expire-after-name");
	}
	ffu_resumable_unlock(key);
}

/*
 * Return the names of files without a row, in a hash table.  rows are the
 * known uploads; files with a row must not be removed.
 */
static HTAB *
names_without_rows(List *names, List *rows)
{
	HASHCTL		ctl;
	HTAB	   *left;
	ListCell   *lc;

	memset(&ctl, 0, sizeof(ctl));
	ctl.keysize = ctl.entrysize = FFU_RESUMED_MAX + 1;
	ctl.hcxt = CurrentMemoryContext;
	left = hash_create("ffu uploads", 64, &ctl,
					   HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	foreach(lc, names)
	{
		if (strlen(lfirst(lc)) <= FFU_RESUMED_MAX)
			(void) hash_search(left, lfirst(lc), HASH_ENTER, NULL);
	}
	foreach(lc, rows)
	{
		const FfuResumable *resume = lfirst(lc);
		char		name[FFU_RESUMED_MAX + 1];

		ffu_resumable_id_name(name, resume->fxid, resume->key);
		(void) hash_search(left, name, HASH_REMOVE, NULL);
	}
	return left;
}

/*
 * End at most limit expired uploads: each upload takes a lock until the end of
 * the transaction.  Remove the files of no upload.  The caller's transaction
 * must be READ COMMITTED and writable; the files of expired uploads are
 * removed after the commit.
 */
void
ffu_expire(FfuExpired *expired, int limit)
{
	FfuStore   *store = ffu_root_use();
	List	   *names = ffu_spool_upload_names(store);
	List	   *rows = read_rows();
	HTAB	   *left = names_without_rows(names, rows);
	HASH_SEQ_STATUS seq;
	ListCell   *lc;
	char	   *name;

	foreach(lc, rows)
	{
		CHECK_FOR_INTERRUPTS();
		if (expired->pause)
			expired->pause();
		if (!is_expired(lfirst(lc)))
			continue;
		expired->more = expired->removed >= limit;
		if (expired->more)
			break;
		expire_row(lfirst(lc), expired);
	}
	hash_seq_init(&seq, left);
	while ((name = hash_seq_search(&seq)) != NULL)
	{
		uint64		fxid;
		int64		key;

		CHECK_FOR_INTERRUPTS();
		if (expired->pause)
			expired->pause();
		if (ffu_resumable_id_parse_name(name, &fxid, &key))
			expire_name(store, name, fxid, key, expired);
		else
			expired->unclear++;
	}
	hash_destroy(left);
	list_free_deep(names);
	list_free_deep(rows);
}

/*
 * Tell whether an upload has the number of bytes that the row says.  Set *size
 * to the size of the file, or to -1 if the file is missing.
 */
static bool
has_bytes(FfuStore *store, const FfuResumable *resume, int64 *size)
{
	char		name[FFU_RESUMED_MAX + 1];

	ffu_resumable_id_name(name, resume->fxid, resume->key);
	*size = ffu_spool_upload_size(store, name);
	return *size >= resume->size;
}

/*
 * Settle the uploads of a folder that is taken over, with no other session in
 * the folder.  Keep an upload if all bytes are there, whatever the transaction
 * id in the name, and end all other uploads.
 */
void
ffu_expire_settle(void)
{
	FfuStore   *store = ffu_root_use();
	List	   *rows = read_rows();
	HTAB	   *left;
	HASH_SEQ_STATUS seq;
	ListCell   *lc;
	char	   *name;

	foreach(lc, rows)
	{
		int64		size;

		if (has_bytes(store, lfirst(lc), &size))
			continue;
		ffu_resumable_end(lfirst(lc));
	}
	left = names_without_rows(ffu_spool_upload_names(store), rows);
	hash_seq_init(&seq, left);
	while ((name = hash_seq_search(&seq)) != NULL)
	{
		int			result = ffu_spool_remove_upload(store, name);

		if (result != 0)
			ffu_raise_io(result, "settle file of resumable upload", name);
	}
	hash_destroy(left);
}

/*
 * List the names of all files of resumable uploads, palloc'd: of existing
 * files, and of missing files that have a row.
 */
List *
ffu_expire_names(void)
{
	List	   *names = ffu_spool_upload_names(ffu_root_use());
	ListCell   *lc;

	foreach(lc, read_rows())
	{
		const FfuResumable *resume = lfirst(lc);
		char	   *name = palloc(FFU_RESUMED_MAX + 1);
		int64		size;

		ffu_resumable_id_name(name, resume->fxid, resume->key);
		if (!has_bytes(ffu_root_use(), resume, &size) && size < 0)
			names = lappend(names, name);
	}
	return names;
}

/*
 * Return a sentence that tells the fault of a file of a resumable upload, or
 * NULL if there is no fault.  Set *ended if a sweep would remove the file.
 */
const char *
ffu_expire_complaint(const char *name, bool *ended)
{
	FfuResumable resume;
	uint64		fxid;
	int64		key;
	int64		size;

	*ended = false;
	if (!ffu_resumable_id_parse_name(name, &fxid, &key))
		return "It is not a name of a resumable upload.";
	if (ffu_xid_fate(fxid) == FFU_FATE_OPEN)
		return NULL;
	if (!ffu_resumable_find(key, &resume) || resume.fxid != fxid)
	{
		*ended = true;
		return "There is no resumable upload with it; a sweep removes it.";
	}
	if (!has_bytes(ffu_root_use(), &resume, &size) &&
		ffu_resumable_find(key, &resume) && size < resume.size)
		return size < 0 ? "The file of this resumable upload is missing." :
			psprintf("The resumable upload has " INT64_FORMAT " bytes, but the file has " INT64_FORMAT ".",
					 resume.size, size);
	return NULL;
}
