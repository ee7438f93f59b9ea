/*-------------------------------------------------------------------------
 *
 * exchange.c
 *	  The claim of a folder, and the exchange of one folder for another.
 *
 * A database has one folder.  Another folder may replace the first without a
 * question if no file is lost: if nothing was stored in the old folder, or if
 * the old folder belongs to another database, as in a copy made by CREATE
 * DATABASE ... TEMPLATE, and no row has a path.  Otherwise the caller must
 * state that the old files shall stay behind.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <dirent.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"

#include "base/catalog.h"
#include "store/dir/control.h"
#include "store/dir/exchange.h"
#include "store/dir/parent.h"
#include "store/dir/spool.h"
#include "store/dir/stranded.h"
#include "store/dir/walk.h"

/*
 * Tell whether a folder is empty, apart from ffu's own directory and
 * lost+found.
 */
bool
ffu_exchange_is_empty(const char *path)
{
	DIR		   *dir = AllocateDir(path);
	struct dirent *de;
	bool		empty = true;

	while (empty && (de = ReadDir(dir, path)) != NULL)
		empty = strcmp(de->d_name, ".") == 0 ||
			strcmp(de->d_name, "..") == 0 ||
			strcmp(de->d_name, FFU_CONTROL_DIR) == 0 ||
			strcmp(de->d_name, "lost+found") == 0;
	FreeDir(dir);
	return empty;
}

/*
 * Tell whether an open folder holds no file at all: published, staged, kept,
 * quarantined, or of a resumable upload.
 */
static bool
has_stored_nothing(const FfuClaim *claim, FfuFolder *folder)
{
	int			staging_fd = folder->spool.staging_fd;

	return ffu_exchange_is_empty(claim->path) &&
		ffu_spool_staged_names(&folder->store) == NIL &&
		ffu_walk_control(staging_fd, FFU_CONTROL_KEPT) == NIL &&
		ffu_walk_control(staging_fd, FFU_CONTROL_QUARANTINE) == NIL &&
		ffu_walk_control(staging_fd, FFU_CONTROL_UPLOADS) == NIL;
}

/*
 * Tell whether a folder below ffu.folder_parent is named after another
 * database of this cluster: a copy made by TEMPLATE knows the folder of the
 * original, which may be gone.
 */
static bool
is_of_other_database(const char *path)
{
	Oid			database;
	bool		removed;

	return ffu_parent_parse(last_dir_separator(path) + 1, &database, &removed) &&
		database != MyDatabaseId;
}

/*
 * Determine whether this database may exchange its folder, and the treatment
 * of the old folder.  abandon is the caller's consent to leave files behind.
 */
void
ffu_exchange_find(FfuExchange *exchange, bool abandon)
{
	FfuFolder	folder;
	FfuTrouble	trouble;
	volatile bool empty = false;
	Oid			relid;
	AttrNumber	attnum;

	exchange->how = FFU_EXCHANGE_NONE;
	if (!ffu_root_read_claim(&exchange->old, false))
		return;
	exchange->how = FFU_EXCHANGE_REFUSED;
	if (ffu_root_open(&exchange->old, &folder, &trouble))
	{
		PG_TRY();
		{
			empty = has_stored_nothing(&exchange->old, &folder);
		}
		PG_FINALLY();
		{
			ffu_root_close(&folder);
		}
		PG_END_TRY();
		if (empty)
			exchange->how = FFU_EXCHANGE_EMPTY;
	}
	else if ((trouble.foreign || is_of_other_database(exchange->old.path)) &&
			 !ffu_stranded_find(0, &relid, &attnum))
		exchange->how = FFU_EXCHANGE_FOREIGN;
	if (exchange->how == FFU_EXCHANGE_REFUSED && abandon)
		exchange->how = FFU_EXCHANGE_ABANDON;
}

/*
 * Record the claim in the table, and treat the rows of the old folder as
 * FfuExchange says.  Deletions of rows that were deleted without a claimed
 * folder belong to the new root.
 */
void
ffu_exchange_record(const FfuOwner *owner, const char *path,
					const FfuExchange *exchange)
{
	const char *root_id = owner->root_id;
	FfuExchangeHow how = exchange->how;

	if (how != FFU_EXCHANGE_NONE &&
		strcmp(exchange->old.root_id, root_id) == 0)
		how = FFU_EXCHANGE_NONE;
	if (how == FFU_EXCHANGE_EMPTY ||
		how == FFU_EXCHANGE_FOREIGN)
		ereport(NOTICE,
				(errmsg("folder \"%s\" takes the place of folder \"%s\"",
						path, exchange->old.path),
				 how == FFU_EXCHANGE_EMPTY ?
				 errdetail("Nothing was stored in the old one.") :
				 errdetail("The old folder is another database's, and no row of this database has a file.")));
	if (how == FFU_EXCHANGE_EMPTY)
		ffu_catalog_execute("UPDATE ffu.deletion SET root = $1 WHERE root = $2",
							root_id, exchange->old.root_id);
	else if (how == FFU_EXCHANGE_FOREIGN)
		ffu_catalog_execute("DELETE FROM ffu.deletion WHERE $1 <> '' AND root = $2",
							root_id, exchange->old.root_id);
	if (how == FFU_EXCHANGE_EMPTY || how == FFU_EXCHANGE_FOREIGN)
		ffu_catalog_execute("DELETE FROM ffu.upload WHERE $1 <> '' AND root = $2",
							root_id, exchange->old.root_id);
	ffu_catalog_execute("DELETE FROM ffu.root WHERE id <> $1 OR path <> $2",
						root_id, path);
	ffu_catalog_execute("INSERT INTO ffu.root (id, path, counted)"
						" SELECT $1, $2, EXISTS (SELECT FROM ffu.quota)"
						" WHERE NOT EXISTS (SELECT FROM ffu.root)", root_id, path);
	ffu_catalog_execute("UPDATE ffu.root SET key = $1 WHERE key IS DISTINCT FROM $1",
						owner->key, NULL);
	ffu_catalog_execute("UPDATE ffu.deletion SET root = $1 WHERE root = '' AND $2 <> ''",
						root_id, path);
}
