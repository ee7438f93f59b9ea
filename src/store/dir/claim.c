/*-------------------------------------------------------------------------
 *
 * claim.c
 *	  Claims a new folder: on demand, or at the first use.
 *
 * With ffu.folder_parent a database without a folder gets a directory of its
 * own there, when the first file is stored.  So does a copy made by CREATE
 * DATABASE ... TEMPLATE, whose row of ffu.root names the folder of the
 * original.  Where rows have paths, a human must say where their files are.
 *
 * The first use locks ffu.root against other first uses, and not against
 * sessions that hold the table: they found no folder either.  If the
 * transaction or savepoint rolls back, the directory stays, and the next use
 * claims it again.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/catalog.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/settings.h"
#include "base/version.h"
#include "store/dir/claim.h"
#include "store/dir/dropped.h"
#include "store/dir/parent.h"
#include "store/dir/prepare.h"
#include "store/dir/root.h"
#include "store/dir/server_place.h"
#include "store/dir/stranded.h"
#include "text/token.h"

/*
 * Refuse a folder in a directory of the server, or above such a directory.
 */
void
ffu_claim_check_location(const char *path)
{
	FfuServerPlace place = ffu_server_place(path, true);

	if (place == FFU_SERVER_PLACE_DATA)
		ffu_prepare_refuse(path, "It is in the data directory of the server, or contains it.",
						   "Choose a folder outside the data directory, such as /srv/ffu.");
	if (place == FFU_SERVER_PLACE_TABLESPACE)
		ffu_prepare_refuse(path, "It is in a tablespace, or contains one.",
						   "Choose a folder outside all tablespaces, such as /srv/ffu.");
}

/*
 * Make a new root id: a random uuid.
 */
static void
make_root_id(char *root_id)
{
	Datum		uuid = gen_random_uuid(NULL);

	strlcpy(root_id, DatumGetCString(DirectFunctionCall1(uuid_out, uuid)),
			FFU_ROOT_ID_LEN + 1);
}

/*
 * Make a new key for the proofs in paths, unless the owner has a key.
 */
void
ffu_claim_make_key(FfuOwner *owner)
{
	uint8		bytes[FFU_KEY_LEN / 2];

	if (owner->key[0] != '\0')
		return;
	ffu_token_random(bytes, sizeof(bytes));
	hex_encode((const char *) bytes, sizeof(bytes), owner->key);
	owner->key[FFU_KEY_LEN] = '\0';
}

/*
 * Tell whether the owner file names this database.
 */
static bool
is_own_folder(const char *path, const FfuOwner *owner)
{
	FfuOwner	self;

	ffu_root_self(path, &self);
	return owner->system_identifier == self.system_identifier &&
		owner->database == self.database &&
		owner->control_inode == self.control_inode &&
		strcmp(owner->machine, self.machine) == 0;
}

/*
 * Refuse a new folder if rows have paths: the new folder lacks their files.
 */
static void
check_no_stranded(const char *path)
{
	Oid			relid;
	AttrNumber	attnum;

	if (ffu_stranded_find(0, &relid, &attnum))
		ffu_prepare_refuse(path,
						   psprintf("It is empty, but column \"%s\" of table \"%s\" has paths of files.",
									get_attname(relid, attnum, false),
									get_rel_name(relid)),
						   "Call ffu.claim_folder with the path of the folder, or of a copy, that has these files. If they are lost, pass abandon_files => true.");
}

/*
 * Claim a folder for the first time, or accept a folder that this database has
 * claimed before.  control is the open .ffu directory.
 */
void
ffu_claim_new(const char *path, const FfuControl *control,
			  const FfuExchange *exchange, bool abandon)
{
	FfuOwner	owner;
	int			result = ffu_root_read_owner(control, &owner);

	if (result == FFU_OWNER_NEWER)
		ffu_prepare_refuse(path, ffu_root_newer_detail(&owner), FFU_OWNER_NEWER_HINT);
	if (result == ENOENT)
	{
		if (!ffu_exchange_is_empty(path))
			ffu_prepare_refuse(path, "It is not empty, and has no \".ffu/owner\" of its own.",
							   "Choose an empty folder.");
		if (!abandon)
			check_no_stranded(path);
		ffu_root_self(path, &owner);
		make_root_id(owner.root_id);
		ffu_claim_make_key(&owner);
		result = ffu_root_write_owner(control, &owner, false);
		FFU_FAULT("claim-after-owner");
	}
	else if (result == 0 && !is_own_folder(path, &owner))
		ffu_prepare_refuse(path,
						   psprintf("It belongs to another database: root \"%s\", database %u of cluster " UINT64_FORMAT ".",
									owner.root_id, owner.database,
									owner.system_identifier),
						   "Choose another folder; if that database no longer uses it, call ffu.claim_folder with its path.");
	else if (result == 0 && owner.key[0] == '\0')
	{
		ffu_claim_make_key(&owner);
		result = ffu_root_write_owner(control, &owner, true);
	}
	if (result != 0)
		ffu_prepare_refuse_error(path, result, "Choose another folder, or remove its .ffu directory if it is known to be unused.");
	ffu_exchange_record(&owner, path, exchange);
}

/*
 * Refuse the folder of a dropped database that had the oid of this database.
 */
static void
check_not_marked(const char *path, const FfuControl *control)
{
	if (ffu_dropped_is_marked(control))
		ffu_prepare_refuse(path, "It is of a dropped database with the same OID.",
						   "Remove the folder if its files are needed no more, or choose another folder with ffu.use_folder.");
}

/*
 * Make the directory of this database below ffu.folder_parent, unless it
 * exists, and return its path.
 */
static char *
make_below_parent(void)
{
	char		name[FFU_PARENT_NAME_MAX];
	char	   *path;

	ffu_prepare_parent(ffu_setting_folder_parent);
	ffu_parent_name(name, MyDatabaseId);
	path = ffu_prepare_path(psprintf("%s/%s", ffu_setting_folder_parent, name));
	ffu_claim_check_location(path);
	return path;
}

/*
 * Claim a new directory below ffu.folder_parent, unless this database has a
 * folder, or rows have paths.  If again is true, the paths are in the folder
 * that this transaction uses.
 */
static void
claim_below_parent(bool again)
{
	FfuExchange exchange;
	char	   *path;
	FfuControl	control;
	Oid			relid;
	AttrNumber	attnum;

	if (XactReadOnly || IsInParallelMode() || RecoveryInProgress())
		return;
	ffu_version_check();
	LockRelationOid(ffu_catalog_relation("root"), ShareUpdateExclusiveLock);
	ffu_exchange_find(&exchange, false);
	if ((exchange.how != FFU_EXCHANGE_NONE &&
		 exchange.how != FFU_EXCHANGE_FOREIGN) ||
		(!again && ffu_stranded_find(0, &relid, &attnum)))
		return;
	path = make_below_parent();
	ffu_prepare_folder(path, &control);
	PG_TRY();
	{
		check_not_marked(path, &control);
		ffu_claim_new(path, &control, &exchange, false);
	}
	PG_FINALLY();
	{
		ffu_prepare_close(&control);
	}
	PG_END_TRY();
	CommandCounterIncrement();
}

/*
 * Return the root of this database like ffu_root_use(), for storing.  With
 * ffu.folder_parent, make and claim a folder if this database has none.  Raise
 * 55000 also if the folder cannot be made.
 */
FfuStore *
ffu_claim_use(void)
{
	if (*ffu_setting_folder_parent != '\0' && ffu_root_try() == NULL)
		claim_below_parent(false);
	return ffu_root_use();
}

/*
 * Raise 55000 if the root in use is no longer the claimed root.  Claim a folder
 * of ffu.folder_parent again whose savepoint was rolled back.
 */
void
ffu_claim_check(void)
{
	FfuClaim	claim;

	if (*ffu_setting_folder_parent != '\0' &&
		!ffu_root_read_claim(&claim, false))
	{
		/* The commit has none any more. */
		PushActiveSnapshot(GetTransactionSnapshot());
		claim_below_parent(true);
		PopActiveSnapshot();
	}
	ffu_root_check_claim();
}
