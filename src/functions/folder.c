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

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/settings.h"
#include "base/version.h"
#include "column/scan.h"
#include "functions/server_place.h"
#include "store/dir/exchange.h"
#include "store/dir/root.h"
#include "store/dir/stranded.h"
#include "store/dir/syscall.h"
#include "store/dir/walk.h"
#include "sweep/expire.h"
#include "text/path.h"
#include "text/token.h"
#include "transaction/deletion.h"
#include "upload/upload.h"

static void refuse_folder(const char *path, const char *detail, const char *hint) pg_attribute_noreturn();
static void refuse_error(const char *path, int error, const char *hint) pg_attribute_noreturn();

FFU_FUNCTION(ffu_sql_use_folder);
FFU_FUNCTION(ffu_sql_claim_folder);

/*
 * Refuse a folder: raise 55000 with this detail and hint.
 */
static void
refuse_folder(const char *path, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("folder \"%s\" cannot be used", path),
			 errdetail_internal("%s", detail),
			 errhint("%s", hint)));
}

/*
 * Raise an error for a system call on a folder.
 */
static void
refuse_error(const char *path, int error, const char *hint)
{
	refuse_folder(path, psprintf("The operating system says: %s.",
								 strerror(error)), hint);
}

/*
 * Refuse a folder in a directory of the server, or above such a directory.
 */
static void
check_location(const char *path)
{
	FfuServerPlace place = ffu_server_place(path, true);

	if (place == FFU_SERVER_PLACE_DATA)
		refuse_folder(path, "It is in the data directory of the server, or contains it.",
					  "Choose a folder outside the data directory, such as /srv/ffu.");
	if (place == FFU_SERVER_PLACE_TABLESPACE)
		refuse_folder(path, "It is in a tablespace, or contains one.",
					  "Choose a folder outside all tablespaces, such as /srv/ffu.");
}

/*
 * Return the real path of a folder, palloc'd.  If only the last component is
 * missing, make the directory.
 */
static char *
make_folder(const char *path)
{
	char		real[PATH_MAX];
	mode_t		mask;
	int			result = 0;

	if (!is_absolute_path(path))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("path of a folder must be absolute"),
				 errdetail("The path is \"%s\".",
						   ffu_shown(path, strlen(path))),
				 errhint("Write it from the root of the file system on, such as /srv/ffu.")));
	mask = umask(0);
	if (mkdir(path, ffu_setting_directory_mode & 0777) < 0 && errno != EEXIST)
		result = errno;
	else if (errno != EEXIST)
		(void) chmod(path, ffu_setting_directory_mode);
	umask(mask);
	if (result != 0 || realpath(path, real) == NULL)
		refuse_error(path, result ? result : errno,
					 "Make the folder, and give it to the operating system user of the server: install -d -o postgres -g www-data -m 2750 /path.");
	if (strlen(real) >= MAXPGPATH)
		refuse_error(path, ENAMETOOLONG, "Choose a shorter path.");
	return pstrdup(real);
}

/*
 * Refuse a folder that the server cannot write to, or that other users can.
 */
static void
check_permissions(const char *path, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		refuse_error(path, errno, "Choose another folder.");
	if (st.st_mode & (S_IWOTH | S_IWGRP))
		refuse_folder(path,
					  psprintf("It may be written by others: its mode is %04o.",
							   (unsigned) st.st_mode & 07777),
					  "Take the right away: chmod g-w,o-w.");
	if (faccessat(fd, ".", R_OK | W_OK | X_OK, AT_EACCESS) < 0)
		refuse_error(path, errno,
					 "Give the folder to the operating system user of the server: chown postgres.");
}

/*
 * Try to make a hard link.  Return 0, or an error number on a file system
 * without hard links.
 */
static int
try_hard_link(int dir)
{
	char		from[32];
	char		to[32];
	int			fd;
	int			result;

	snprintf(from, sizeof(from), "try.%d", MyProcPid);
	snprintf(to, sizeof(to), "try.%d.link", MyProcPid);
	result = ffu_sys_create(dir, from, 0600, &fd);
	if (result != 0)
		return result;
	ffu_sys_close(&fd);
	result = ffu_sys_link(dir, from, dir, to);
	(void) ffu_sys_unlink(dir, to);
	(void) ffu_sys_unlink(dir, from);
	return result;
}

/*
 * Make a directory with mode 0700 unless the directory exists, and open the
 * directory.  Return 0 or an error number.
 */
static int
enter_control(int dir, const char *name, int *fd)
{
	int			result = ffu_sys_make_dir(dir, name, 0700);

	if (result != 0 && result != EEXIST)
		return result;
	result = ffu_sys_open_dir(dir, name, fd);
	return result ? result : ffu_sys_sync(dir);
}

/*
 * Make the parts of the staging directory.  Return 0 or an error number.
 */
static int
make_parts(int staging)
{
	int			i;

	for (i = 0; i < FFU_STAGING_PARTS; i++)
	{
		char		name[FFU_STAGING_PART_LEN + 1];
		int			result;
		int			part = -1;

		ffu_staging_part(name, i);
		result = ffu_sys_make_dir(staging, name, 0700);
		if (result == EEXIST)
			result = ffu_sys_open_dir(staging, name, &part);
		ffu_sys_close(&part);
		if (result != 0)
			return result;
	}
	return ffu_sys_sync(staging);
}

/*
 * Open a folder and the .ffu directory, and make the missing parts of both.
 * Return the descriptor of .ffu.
 */
static int
prepare_folder(const char *path)
{
	int			root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int			control = -1;
	int			staging = -1;
	int			result;

	if (root < 0)
		refuse_error(path, errno, "Choose another folder.");
	PG_TRY();
	{
		check_permissions(path, root);
	}
	PG_CATCH();
	{
		close(root);
		PG_RE_THROW();
	}
	PG_END_TRY();
	result = enter_control(root, FFU_CONTROL_DIR, &control);
	close(root);
	if (result == 0)
		result = enter_control(control, FFU_STAGING_DIR, &staging);
	if (result == 0)
		result = make_parts(staging);
	ffu_sys_close(&staging);
	if (result == 0)
		result = try_hard_link(control);
	if (result != 0)
	{
		ffu_sys_close(&control);
		refuse_error(path, result,
					 "The folder must be on a file system with hard links, and its .ffu directory must belong to the operating system user of the server.");
	}
	return control;
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
static void
make_key(FfuOwner *owner)
{
	uint8		bytes[FFU_KEY_LEN / 2];

	if (owner->key[0] != '\0')
		return;
	ffu_token_random(bytes, sizeof(bytes));
	hex_encode((const char *) bytes, sizeof(bytes), owner->key);
	owner->key[FFU_KEY_LEN] = '\0';
}

/*
 * Lock ffu.root against other claims and against use of the folder.
 */
static void
lock_claim(const char *function)
{
	Oid			relid = ffu_catalog_relation("root");

	ffu_version_check();
	if (ffu_root_in_use() != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot choose a folder in a transaction that has used files"),
				 errdetail("Folder \"%s\" is in use.", ffu_root_path()),
				 errhint("Call %s in a separate transaction.", function)));
	LockRelationOid(relid, AccessExclusiveLock);
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
		refuse_folder(path,
					  psprintf("This database's files are in folder \"%s\".",
							   exchange->old.path),
					  "To move them, copy that folder with everything in it, including .ffu, and call ffu.claim_folder with the new path. To leave that folder and its files for good, pass abandon_files => true.");
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
		refuse_folder(path,
					  psprintf("It is empty, but column \"%s\" of table \"%s\" has paths of files.",
							   get_attname(relid, attnum, false),
							   get_rel_name(relid)),
					  "Call ffu.claim_folder with the path of the folder, or of a copy, that has these files. If they are lost, pass abandon_files => true.");
}

/*
 * Claim a folder for the first time, or accept a folder that this database has
 * claimed before.  control is the descriptor of the .ffu directory.
 */
static void
claim_new(const char *path, int control, const FfuExchange *exchange, bool abandon)
{
	FfuOwner	owner;
	int			result = ffu_root_read_owner(control, &owner);

	if (result == FFU_OWNER_NEWER)
		refuse_folder(path, ffu_root_newer_detail(&owner), FFU_OWNER_NEWER_HINT);
	if (result == ENOENT)
	{
		if (!ffu_exchange_is_empty(path))
			refuse_folder(path, "It is not empty, and has no \".ffu/owner\" of its own.",
						  "Choose an empty folder.");
		if (!abandon)
			check_no_stranded(path);
		ffu_root_self(path, &owner);
		make_root_id(owner.root_id);
		make_key(&owner);
		result = ffu_root_write_owner(control, &owner, false);
		FFU_FAULT("claim-after-owner");
	}
	else if (result == 0 && !is_own_folder(path, &owner))
		refuse_folder(path,
					  psprintf("It belongs to another database: root \"%s\", database %u of cluster " UINT64_FORMAT ".",
							   owner.root_id, owner.database,
							   owner.system_identifier),
					  "Choose another folder; if that database no longer uses it, call ffu.claim_folder with its path.");
	else if (result == 0 && owner.key[0] == '\0')
	{
		make_key(&owner);
		result = ffu_root_write_owner(control, &owner, true);
	}
	if (result != 0)
		refuse_error(path, result, "Choose another folder, or remove its .ffu directory if it is known to be unused.");
	ffu_exchange_record(&owner, path, exchange);
}

/*
 * ffu.use_folder(path text, abandon_files boolean DEFAULT false) RETURNS void
 */
Datum
ffu_sql_use_folder(PG_FUNCTION_ARGS)
{
	bool		abandon = PG_GETARG_BOOL(1);
	FfuExchange exchange;
	char	   *path;
	int			control;

	ffu_upload_prevent("ffu.use_folder()");
	lock_claim("ffu.use_folder()");
	path = make_folder(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	check_location(path);
	ffu_exchange_find(&exchange, abandon);
	check_no_other_claim(path, &exchange);
	control = prepare_folder(path);
	PG_TRY();
	{
		claim_new(path, control, &exchange, abandon);
	}
	PG_FINALLY();
	{
		ffu_sys_close(&control);
	}
	PG_END_TRY();
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
 * Settle a staging name of a folder that is taken over.  If a row has the
 * path, publish the file; otherwise remove the file.
 */
static void
settle_name(FfuStore *store, const char *name, HTAB *staged_paths)
{
	FfuStaged	staged = {.fd = -1};
	FfuStagedPath *entry = NULL;
	int			result;

	if (!ffu_staging_parse(name, &staged.fxid, &staged.n, staged.path))
		return;
	staged.step = FFU_STEP_STAGED;
	if (staged.path[0] != '\0')
	{
		staged.step = FFU_STEP_PUBLISHED;
		entry = hash_search(staged_paths, staged.path, HASH_FIND, NULL);
	}
	if (entry && entry->owned)
	{
		int			fd;
		int64		size;

		result = store->methods->open(store, staged.path, &fd, &size);
		ffu_sys_close(&fd);
		if (result == ENOENT)
		{
			staged.step = FFU_STEP_NAMED;
			result = store->methods->publish(store, &staged);
		}
		if (result == 0)
			result = store->methods->sync(store, &staged);
		if (result == 0)
			result = store->methods->finish(store, &staged);
	}
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
	List	   *names = ffu_walk_staging(store);
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
 * Take over a folder.  control is the descriptor of the .ffu directory.
 */
static void
take_over(const char *path, int control, bool abandon)
{
	FfuOwner	owner;
	FfuOwner	self;
	FfuExchange exchange;
	int			result = ffu_root_read_owner(control, &owner);

	if (result == FFU_OWNER_NEWER)
		refuse_folder(path, ffu_root_newer_detail(&owner), FFU_OWNER_NEWER_HINT);
	if (result != 0)
		refuse_folder(path, "It has no \".ffu/owner\", so it is not a folder of ffu.",
					  "Use ffu.use_folder for a new folder.");
	if (is_neighbours_folder(path, &owner))
		refuse_folder(path,
					  psprintf("It belongs to database %u of this very cluster.",
							   owner.database),
					  "Two databases cannot use one folder. Drop that database first, or copy the folder with everything in it and claim the copy.");
	ffu_exchange_find(&exchange, abandon);
	if (exchange.how == FFU_EXCHANGE_REFUSED &&
		strcmp(exchange.old.root_id, owner.root_id) != 0)
		refuse_folder(path,
					  psprintf("Its root id is \"%s\", but this database's files are in root \"%s\".",
							   owner.root_id, exchange.old.root_id),
					  "Bring back the folder with this database's files. To leave those for good, pass abandon_files => true.");
	ffu_root_self(path, &self);
	memcpy(self.root_id, owner.root_id, sizeof(self.root_id));
	memcpy(self.key, owner.key, sizeof(self.key));
	make_key(&self);
	ffu_exchange_record(&self, path, &exchange);
	CommandCounterIncrement();
	result = ffu_root_write_owner(control, &self, true);
	if (result != 0)
		refuse_error(path, result, "The .ffu directory of the folder must belong to the operating system user of the server.");
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
	int			control;

	ffu_upload_prevent("ffu.claim_folder()");
	lock_claim("ffu.claim_folder()");
	if (!PG_ARGISNULL(0))
		path = make_folder(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	else if (ffu_root_read_claim(&claim, false))
		path = pstrdup(claim.path);
	else
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no folder for files is set in this database"),
				 errdetail("The table ffu.root is empty."),
				 errhint("Pass the path of the folder to claim.")));
	check_location(path);
	control = prepare_folder(path);
	PG_TRY();
	{
		take_over(path, control, !PG_ARGISNULL(1) && PG_GETARG_BOOL(1));
	}
	PG_FINALLY();
	{
		ffu_sys_close(&control);
	}
	PG_END_TRY();
	/* A dump or a copy may have lost the ties of file columns. */
	(void) ffu_catalog_execute("SELECT ffu._tie_all()", NULL, NULL);
	PG_RETURN_VOID();
}
