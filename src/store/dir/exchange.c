/*-------------------------------------------------------------------------
 *
 * exchange.c
 *	  The claim of a folder, and of another one in its place.
 *
 * A database has one folder.  Another one may take its place without a word
 * where that loses nothing: nothing was stored in the old one, or the old one
 * is another database's, as in a copy made by CREATE DATABASE ... TEMPLATE,
 * and no row has a path.  Else somebody has to say that the files are to be
 * left behind.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <dirent.h>

#include "storage/fd.h"
#include "utils/builtins.h"

#include "store/dir/exchange.h"
#include "store/dir/walk.h"
#include "base/catalog.h"
#include "store/dir/stranded.h"

/*
 * Is there nothing in the folder but, perhaps, our own directory and
 * lost+found?
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
			strcmp(de->d_name, FFU_OWN_DIR) == 0 ||
			strcmp(de->d_name, "lost+found") == 0;
	FreeDir(dir);
	return empty;
}

/*
 * Is there nothing in an open folder that is ours: no file, staged, published
 * or put aside?
 */
static bool
has_stored_nothing(const FfuClaim *claim, FfuPlace *place)
{
	return ffu_exchange_is_empty(claim->path) &&
		ffu_inspect_staging(place) == NIL &&
		ffu_inspect_own(place, "../kept") == NIL &&
		ffu_inspect_own(place, "../quarantine") == NIL &&
		ffu_inspect_own(place, "../uploads") == NIL;
}

/*
 * Find out whether this database may take another folder than the one it has,
 * and what becomes of the old one.
 */
void
ffu_exchange_find(FfuExchange *exchange, bool abandon)
{
	FfuPlace	place;
	FfuTrouble	trouble;
	Oid			relid;
	AttrNumber	attnum;

	exchange->how = FFU_EXCHANGE_NONE;
	if (!ffu_root_read_claim(&exchange->old, false))
		return;
	exchange->how = FFU_EXCHANGE_REFUSED;
	if (ffu_root_open(&exchange->old, &place, &trouble))
	{
		if (has_stored_nothing(&exchange->old, &place))
			exchange->how = FFU_EXCHANGE_EMPTY;
		ffu_root_close(&place);
	}
	else if (trouble.foreign && !ffu_stranded_find(0, &relid, &attnum))
		exchange->how = FFU_EXCHANGE_FOREIGN;
	if (exchange->how == FFU_EXCHANGE_REFUSED && abandon)
		exchange->how = FFU_EXCHANGE_ABANDON;
}

/*
 * Record the claim in the table.  Deletions of rows that were deleted while
 * no folder was claimed are of this root; what there is to do for the folder
 * that this one takes the place of, see FfuExchange.
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
				 errdetail("The old one is another database's, and no row of this one has a file.")));
	if (how == FFU_EXCHANGE_EMPTY)
		ffu_own_execute("UPDATE ffu.deletion SET root = $1 WHERE root = $2",
						root_id, exchange->old.root_id);
	else if (how == FFU_EXCHANGE_FOREIGN)
		ffu_own_execute("DELETE FROM ffu.deletion WHERE $1 <> '' AND root = $2",
						root_id, exchange->old.root_id);
	if (how == FFU_EXCHANGE_EMPTY || how == FFU_EXCHANGE_FOREIGN)
		ffu_own_execute("DELETE FROM ffu.upload WHERE $1 <> '' AND root = $2",
						root_id, exchange->old.root_id);
	ffu_own_execute("DELETE FROM ffu.root WHERE id <> $1 OR path <> $2",
					root_id, path);
	ffu_own_execute("INSERT INTO ffu.root (id, path) SELECT $1, $2"
					" WHERE NOT EXISTS (SELECT FROM ffu.root)", root_id, path);
	ffu_own_execute("UPDATE ffu.root SET key = $1 WHERE key IS DISTINCT FROM $1",
					owner->key, NULL);
	ffu_own_execute("UPDATE ffu.deletion SET root = $1 WHERE root = '' AND $2 <> ''",
					root_id, path);
}
