/*-------------------------------------------------------------------------
 *
 * standby.c
 *	  The SQL function adopt_folder: a standby takes a folder.
 *
 * The row of ffu.root comes from the primary.  So does a copy of the folder,
 * whose owner file names the primary.  Only an administrator knows that the
 * folder at this path is the standby's.  ffu.adopt_folder() writes the standby's
 * name into the owner file, and nothing into the database.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/error.h"
#include "base/fault.h"
#include "base/settings.h"
#include "base/version.h"
#include "store/dir/claim.h"
#include "store/dir/exchange.h"
#include "store/dir/prepare.h"
#include "store/dir/root.h"
#include "wal/arrived.h"

FFU_FUNCTION(ffu_sql_adopt_folder);

/*
 * Refuse unless this is a standby that keeps files.
 */
static void
check_standby(void)
{
	if (!RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("ffu.adopt_folder() is for a standby"),
				 errdetail("This server is not in recovery."),
				 errhint("Use ffu.claim_folder().")));
	if (!ffu_setting_standby_files)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this standby does not keep files"),
				 errdetail("ffu.standby_files is off."),
				 errhint("Turn it on before the standby is started for the first time, with ffu in shared_preload_libraries.")));
}

/*
 * Refuse a folder that is not a copy of the folder of this database.  is_copy
 * says that the caller vouches for a copy with the same inode, such as a
 * snapshot of the volume.
 */
static void
check_copy(const char *path, const FfuOwner *owner, const FfuOwner *self,
		   bool is_copy)
{
	if (strcmp(owner->root_id, self->root_id) != 0)
		ffu_prepare_refuse(path,
						   psprintf("It belongs to root \"%s\", but this database's files are in root \"%s\".",
									owner->root_id, self->root_id),
						   "Copy the folder of the primary to this path, or choose another path with ffu.folder_map.");
	if (owner->folder_inode == self->folder_inode && !is_copy)
		ffu_prepare_refuse(path,
						   "It is the folder of another server itself, not a copy.",
						   "Copy the folder, with everything in it, and name the copy in ffu.folder_map. If this is a snapshot of the primary's volume, or each folder is the top directory of a volume, pass is_copy => true.");
}

/*
 * Write this server into the owner file of a folder.  control is the open .ffu
 * directory.
 */
static void
adopt(const FfuClaim *claim, const char *path, const FfuControl *control,
	  bool is_copy)
{
	FfuOwner	owner;
	FfuOwner	self;
	int			result = ffu_root_read_owner(control, &owner);

	ffu_root_self(path, &self);
	strlcpy(self.root_id, claim->root_id, sizeof(self.root_id));
	strlcpy(self.key, claim->key, sizeof(self.key));
	if (result == FFU_OWNER_NEWER)
		ffu_prepare_refuse(path, ffu_root_newer_detail(&owner),
						   FFU_OWNER_NEWER_HINT);
	if (result == ENOENT && !ffu_exchange_is_empty(path))
		ffu_prepare_refuse(path,
						   "It is not empty, and has no \".ffu/owner\" of its own.",
						   "Copy the folder of the primary with everything in it, or choose an empty folder.");
	if (result == 0 && (owner.control_inode != self.control_inode ||
						owner.system_identifier != self.system_identifier ||
						strcmp(owner.machine, self.machine) != 0 ||
						strcmp(owner.root_id, self.root_id) != 0))
		check_copy(path, &owner, &self, is_copy);
	if (result == 0)
		ffu_prepare_sync(path, control);
	if (result == 0 || result == ENOENT)
		result = ffu_root_write_owner(control, &self, true);
	if (result != 0)
		ffu_prepare_refuse_error(path, result,
								 "The .ffu directory of the folder must belong to the operating system user of the server.");
}

/*
 * ffu.adopt_folder(is_copy boolean DEFAULT false) RETURNS text
 */
Datum
ffu_sql_adopt_folder(PG_FUNCTION_ARGS)
{
	FfuClaim	claim;
	FfuControl	control;
	char	   *path;

	ffu_version_check();
	check_standby();
	if (!ffu_root_read_claim(&claim, false))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no folder for files is set in this database"),
				 errdetail("The table ffu.root is empty."),
				 errhint("Call ffu.use_folder() on the primary.")));
	path = ffu_prepare_path(claim.path);
	ffu_claim_check_location(path);
	ffu_prepare_folder(path, &control);
	PG_TRY();
	{
		adopt(&claim, path, &control, PG_GETARG_BOOL(0));
	}
	PG_FINALLY();
	{
		ffu_prepare_close(&control);
	}
	PG_END_TRY();
	/* The folder was copied with the staging names of open transactions. */
	ffu_arrived_set_unsettled(MyDatabaseId, true);
	PG_RETURN_TEXT_P(cstring_to_text(path));
}
