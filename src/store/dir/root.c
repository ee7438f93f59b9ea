/*-------------------------------------------------------------------------
 *
 * root.c
 *	  Opens the folder of this database and checks its owner.
 *
 * The claim has two halves.  The table ffu.root has one row with a random root
 * id and the folder's path; the file .ffu/owner in the folder has the same id,
 * and names the owner: host, cluster and database.  A transaction that uses
 * files opens the root once, reads the owner file through that descriptor, and
 * then reaches every file from the same descriptor (I7): a later mount, move
 * or exchange has no effect.  The root is closed at the end of the
 * transaction, so that an idle session does not keep a file system busy.
 *
 *	no row					no folder was chosen
 *	no folder, no owner		not mounted, or removed
 *	another root id			another database's folder is there
 *	another host, cluster,
 *	database or pg_control	the database or the folder is a copy: a human must
 *							say whose files these are
 *
 * In all these cases ffu writes, sweeps and unlinks nothing (55000).
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/catalog.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/settings.h"
#include "base/version.h"
#include "store/dir/file_system.h"
#include "store/dir/folder.h"
#include "store/dir/root.h"
#include "store/dir/stranded.h"
#include "store/dir/syscall.h"

/* Columns of ffu.root */
#define Anum_root_id		1
#define Anum_root_path		2
#define Anum_root_key		4
#define Anum_root_counted	5

/* Details about an unusable directory; the reason follows. */
#define CANNOT_OPEN		"The folder cannot be opened"
#define CANNOT_USE_OWN	"The folder's \".ffu\" directory cannot be used"

/* Rows per table to search for the hint of an error */
#define HINT_ROWS			1000

/* The root of this transaction; root_fd is -1 if the root is not open. */
static FfuFolder current = {.root_fd = -1,.spool.staging_fd = -1};
static FfuClaim current_claim;

/* Asked for the methods of the store; NULL: a folder has no second place */
static FfuMethodsFinder find_methods = NULL;

/*
 * The root that this or an earlier transaction opened last.  As long as its
 * directory and its owner file are unchanged, a transaction need not read the
 * owner file and examine the file system again.
 */
typedef struct KnownRoot
{
	FfuClaim	claim;
	struct stat root;
	struct stat owner;
	bool		in_order;
	bool		can_sync_all;
} KnownRoot;

static KnownRoot known_root;
static bool has_known_root = false;

/* The hook has not returned true yet if the hook is not NULL. */
FfuRootOpenedHook ffu_root_opened_hook = NULL;

/*
 * Copy a text column of a row of ffu.root to a buffer; null becomes "".
 */
static void
copy_text(HeapTuple tuple, TupleDesc desc, int attnum, char *buf, size_t size)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attnum, desc, &isnull);

	buf[0] = '\0';
	if (!isnull)
		text_to_cstring_buffer(DatumGetTextPP(value), buf, size);
}

/*
 * Does a row of ffu.root say that ffu counts?
 */
static bool
is_counted(HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, Anum_root_counted, desc, &isnull);

	return !isnull && DatumGetBool(value);
}

/*
 * Read the current row of ffu.root, independent of the transaction's snapshot.
 * Return false if there is no row.  If hold is true, keep the table's lock
 * until the end of the transaction, so that no session can claim the folder
 * while it is in use.  May raise an error.
 *
 * The scan takes a catalog snapshot.  GetLatestSnapshot() would raise an error
 * in the leader of a parallel query that runs a function that reads files.
 */
bool
ffu_root_read_claim(FfuClaim *claim, bool hold)
{
	Oid			relid = ffu_catalog_relation("root");
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found;

	if (hold)
		ffu_catalog_hold(relid);
	rel = table_open(relid, AccessShareLock);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple);
	if (found)
	{
		TupleDesc	desc = RelationGetDescr(rel);

		copy_text(tuple, desc, Anum_root_id, claim->root_id,
				  sizeof(claim->root_id));
		copy_text(tuple, desc, Anum_root_path, claim->path,
				  sizeof(claim->path));
		ffu_setting_map_folder(claim->path, sizeof(claim->path));
		copy_text(tuple, desc, Anum_root_key, claim->key,
				  sizeof(claim->key));
		claim->counted = is_counted(tuple, desc);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * Return the inode number of a file, or 0 if the number is unknown.
 */
static uint64
inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_ino : 0;
}

/*
 * Fill *owner, except the root id, with the values that .ffu/owner in the
 * folder at path must have.  Unknown values are empty or 0, here and in the
 * file.  May raise an error.
 */
void
ffu_root_self(const char *path, FfuOwner *owner)
{
	char		control[MAXPGPATH];
	int			fd;

	memset(owner, 0, sizeof(*owner));
	owner->system_identifier = GetSystemIdentifier();
	owner->database = MyDatabaseId;
	snprintf(control, sizeof(control), "%s/global/pg_control", DataDir);
	owner->control_inode = inode_of(control);
	owner->folder_inode = inode_of(path);
	fd = OpenTransientFile("/etc/machine-id", O_RDONLY);
	if (fd >= 0)
	{
		ssize_t		len = read(fd, owner->machine, FFU_MACHINE_MAX);

		owner->machine[Max(len, 0)] = '\0';
		owner->machine[strcspn(owner->machine, " \r\n")] = '\0';
		CloseTransientFile(fd);
	}
}

/*
 * Read the owner file in a .ffu directory.  Return 0, an error number, EINVAL
 * for a malformed file, or FFU_OWNER_NEWER with only owner->form set.  Raise no
 * error.
 */
int
ffu_root_read_owner(const FfuControl *control, FfuOwner *owner)
{
	char		buf[FFU_OWNER_TEXT_MAX];
	size_t		len;
	int64		size;
	int			fd;
	int			result;

	memset(owner, 0, sizeof(*owner));
	result = ffu_sys_open(control->fd, FFU_OWNER_FILE, &fd, &size);
	if (result != 0)
		return result;
	result = ffu_sys_read(fd, buf, sizeof(buf) - 1, 0, &len);
	ffu_sys_close(&fd);
	if (result != 0)
		return result;
	buf[len] = '\0';
	return ffu_owner_parse(buf, owner);
}

/*
 * Write the owner file in a .ffu directory, durably and atomically.  If replace is
 * false and the file exists, return EEXIST.  Return 0 or an error number.
 * Raise no error.
 */
int
ffu_root_write_owner(const FfuControl *control, const FfuOwner *owner,
					 bool replace)
{
	int			dir = control->fd;
	char		buf[FFU_OWNER_TEXT_MAX];
	char		name[32];
	int			fd;
	int			result;

	ffu_owner_write(buf, owner);
	snprintf(name, sizeof(name), "%s.%d", FFU_OWNER_FILE, MyProcPid);
	(void) ffu_sys_unlink(dir, name);
	result = ffu_sys_create(dir, name, 0600, &fd);
	if (result != 0)
		return result;
	result = ffu_sys_write(fd, buf, strlen(buf), 0);
	if (result == 0)
		result = ffu_sys_sync(fd);
	ffu_sys_close(&fd);
	if (result == 0 && replace)
		result = ffu_sys_rename(dir, name, FFU_OWNER_FILE);
	else if (result == 0)
		result = ffu_sys_link(dir, name, dir, FFU_OWNER_FILE);
	(void) ffu_sys_unlink(dir, name);
	if (result == 0)
		result = ffu_sys_sync(dir);
	return result;
}

/*
 * Describe FFU_OWNER_NEWER for a message.  The result is palloc'd.
 */
char *
ffu_root_newer_detail(const FfuOwner *owner)
{
	return psprintf("A later version of ffu has used the folder: \".ffu/owner\" has form " UINT64_FORMAT ", and this version reads forms up to %d.",
					owner->form, FFU_OWNER_FORM);
}

/*
 * Open the directory at an absolute path.  If the process has no free
 * descriptor, the server closes a file to get a descriptor.  Return -1 and set
 * errno on failure.
 */
static int
open_folder(const char *path)
{
	int			fault = FFU_FAULT_ERRNO("open-folder");

	if (fault == 0)
		return BasicOpenFile(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	errno = fault;
	return -1;
}

/*
 * Note in *trouble why the root cannot be used.  Always return false.
 */
static bool
set_trouble(FfuTrouble *trouble, int error, char *detail, char *hint)
{
	trouble->error = error;
	trouble->detail = detail;
	trouble->hint = hint;
	return false;
}

/*
 * Tell whether this is a standby that keeps files, which adopts its folder.
 */
static bool
may_adopt(void)
{
	return ffu_setting_standby_files && RecoveryInProgress();
}

/*
 * Note in *trouble that the owner file names another database, described by
 * what, and how to proceed.  Always return false.
 */
static bool
set_foreign(FfuTrouble *trouble, const FfuOwner *owner, const char *what)
{
	char	   *name = NULL;

	if (owner->system_identifier == GetSystemIdentifier() &&
		owner->database != MyDatabaseId)
		name = get_database_name(owner->database);
	(void) set_trouble(trouble, 0,
					   psprintf("The folder was last used by %s.", what),
					   name ?
					   psprintf("Database \"%s\" uses it. Copy the folder with everything in it, and call ffu.claim_folder with the path of the copy; or, if no row of this database has a file, call ffu.use_folder with the path of a new folder.",
								name) :
					   pstrdup(may_adopt() ?
							   "If this is the standby's own copy of the folder, call ffu.adopt_folder(). Never let two databases use one folder." :
							   "If only this database uses the folder from now on, call ffu.claim_folder(). Never let two databases use one folder."));
	trouble->foreign = true;
	return false;
}

/*
 * Tell whether the owner matches the claim and this database.  If not, note
 * the reason in *trouble.  May raise an error.
 */
static bool
owner_fits(const FfuClaim *claim, const FfuOwner *owner, FfuTrouble *trouble)
{
	FfuOwner	self;
	const char *other = NULL;

	if (strcmp(owner->root_id, claim->root_id) != 0)
		return set_trouble(trouble, 0,
						   psprintf("The folder belongs to root \"%s\", but this database's files are in root \"%s\".",
									owner->root_id, claim->root_id),
						   pstrdup("Bring the right folder back to this path, or call ffu.claim_folder with the path where it is now."));
	ffu_root_self(claim->path, &self);
	if (owner->system_identifier != self.system_identifier)
		other = "another database cluster";
	else if (owner->database != self.database)
		other = "another database of this cluster";
	else if (strcmp(owner->machine, self.machine) != 0)
		other = "a database cluster on another host";
	else if (owner->control_inode != self.control_inode)
		other = "another copy of this database cluster";
	return other == NULL || set_foreign(trouble, owner, other);
}

/*
 * Tell whether two results of stat() are of the same directory, or of the same
 * file without a change.
 */
static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
		(S_ISDIR(a->st_mode) ||
		 (a->st_size == b->st_size &&
		  a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
		  a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
		  a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
		  a->st_ctim.tv_nsec == b->st_ctim.tv_nsec));
}

/*
 * Tell whether an opened and examined root is the known root and the claimed
 * root.
 */
static bool
is_known(const FfuClaim *claim, const KnownRoot *found)
{
	return has_known_root &&
		strcmp(claim->root_id, known_root.claim.root_id) == 0 &&
		strcmp(claim->path, known_root.claim.path) == 0 &&
		same_file(&found->root, &known_root.root) &&
		same_file(&found->owner, &known_root.owner);
}

/*
 * Open the .ffu and staging directories of a root, and read its owner file
 * unless the root is known_root.  *owner_error is 0 or the errno of reading
 * the owner file.  *found has the stat of root and owner file, taken before
 * the read.  Without a staging directory folder->spool.staging_fd stays -1: the
 * caller may create the directory only after the check of the owner.  Raise no
 * error.
 */
static int
open_control_directories(FfuFolder *folder, const FfuClaim *claim, FfuOwner *owner,
						 int *owner_error, KnownRoot *found)
{
	FfuControl	control;
	int			result = FFU_FAULT_ERRNO("open-own");

	if (result == 0)
		result = ffu_sys_open_dir(folder->root_fd, FFU_CONTROL_DIR, &control.fd);
	if (result != 0)
		return result;
	if (fstat(folder->root_fd, &found->root) < 0)
		*owner_error = errno;
	else
		*owner_error = ffu_sys_look(control.fd, FFU_OWNER_FILE,
									&found->owner);
	if (*owner_error == 0 && is_known(claim, found))
		*found = known_root;
	else
	{
		*owner_error = ffu_root_read_owner(&control, owner);
		found->claim.root_id[0] = '\0';
	}
	result = ffu_sys_open_dir(control.fd, FFU_STAGING_DIR,
							  &folder->spool.staging_fd);
	ffu_sys_close(&control.fd);
	return result == ENOENT && *owner_error == 0 ? 0 : result;
}

/*
 * Make the missing staging directory of an open root of this database.  A copy
 * of the folder may lack empty directories.  Return 0 or an error number.
 */
static int
make_staging(FfuFolder *folder)
{
	int			control_dir;
	int			result = ffu_sys_open_dir(folder->root_fd, FFU_CONTROL_DIR,
										  &control_dir);

	if (result == 0)
		result = ffu_sys_make_dir(control_dir, FFU_STAGING_DIR, 0700);
	if (result == 0)
		result = ffu_sys_sync(control_dir);
	if (result == 0 || result == EEXIST)
		result = ffu_sys_open_dir(control_dir, FFU_STAGING_DIR,
								  &folder->spool.staging_fd);
	ffu_sys_close(&control_dir);
	return result;
}

/*
 * Complete *folder after all checks of its root.  If *found is not known_root
 * already, examine the file system and remember the root.  May raise an error.
 */
static void
learn_root(FfuFolder *folder, const FfuClaim *claim, KnownRoot *found)
{
	if (found->claim.root_id[0] == '\0')
	{
		ffu_file_system_name(folder->root_fd, &found->in_order);
		found->can_sync_all = ffu_file_system_may_sync_all(folder->root_fd);
		found->claim = *claim;
		known_root = *found;
		has_known_root = true;
	}
	folder->spool.in_order = (found->in_order || FFU_FAULT_IN_ORDER()) &&
		ffu_setting_fsync != FFU_FSYNC_STRICT;
	folder->can_sync_all = found->can_sync_all;
	folder->has_sync_all = ffu_file_system_has_sync_all();
}

/*
 * Set up *folder as a store that is not open yet.
 */
static void
set_up(FfuFolder *folder)
{
	memset(folder, 0, sizeof(*folder));
	folder->store.methods = &ffu_folder_methods;
	folder->store.spool = &folder->spool;
	folder->spool.staging_fd = -1;
	folder->root_fd = -1;
}

/*
 * Note in *trouble that the folder, or its .ffu directory, cannot be used,
 * because of this error number.  Always return false.
 */
static bool
set_unusable(FfuTrouble *trouble, int error, const char *what)
{
	const char *hint = ffu_hint_for(error);

	return set_trouble(trouble, error, psprintf("%s: %s.", what, strerror(error)),
					   pstrdup(hint ? hint :
							   "Mount the folder, or bring it back."));
}

/*
 * Open the folder of a claim.  If the folder is missing or not this
 * database's, return false, with the reason in *trouble and all descriptors
 * closed.  May raise an error, also with all descriptors closed.
 */
bool
ffu_root_open(const FfuClaim *claim, FfuFolder *folder, FfuTrouble *trouble)
{
	FfuOwner	owner = {0};
	KnownRoot	found = {0};
	int			owner_error = 0;
	int			result = 0;
	volatile bool fits = false;

	memset(trouble, 0, sizeof(*trouble));
	set_up(folder);
	if (!ffu_version_fits(&trouble->detail, &trouble->hint))
		return false;
	folder->root_fd = open_folder(claim->path);
	if (folder->root_fd < 0)
		return set_unusable(trouble, errno, CANNOT_OPEN);
	PG_TRY();
	{
		result = open_control_directories(folder, claim, &owner, &owner_error,
										  &found);
		if (result == 0)
			result = owner_error;
		if (result == ENOENT)
			set_trouble(trouble, 0,
						pstrdup("There is no \".ffu/owner\" in the folder: it is not mounted, or not the folder of this database."),
						pstrdup(may_adopt() ?
								"Mount the folder, or bring it back. If the standby is to begin with this folder, and it is empty, call ffu.adopt_folder()." :
								"Mount the folder, or bring it back."));
		else if (result == FFU_OWNER_NEWER)
			set_trouble(trouble, 0, ffu_root_newer_detail(&owner),
						pstrdup(FFU_OWNER_NEWER_HINT));
		else if (result != 0)
			set_unusable(trouble, result, CANNOT_USE_OWN);
		else
			fits = found.claim.root_id[0] != '\0' ||
				owner_fits(claim, &owner, trouble);
		if (fits && folder->spool.staging_fd < 0)
		{
			result = make_staging(folder);
			fits = result == 0 || set_unusable(trouble, result, CANNOT_USE_OWN);
		}
		if (fits)
			learn_root(folder, claim, &found);
	}
	PG_CATCH();
	{
		ffu_root_close(folder);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (!fits)
		ffu_root_close(folder);
	return fits;
}

/* Close an open store.  Raises no error. */
void
ffu_root_close(FfuFolder *folder)
{
	ffu_sys_close(&folder->spool.staging_fd);
	ffu_sys_close(&folder->root_fd);
}

/*
 * Set the function that finds the methods for the store of this database.
 */
void
ffu_root_set_methods(FfuMethodsFinder find)
{
	find_methods = find;
}

/*
 * Return the methods for the store of this database.  May raise an error.
 */
static const FfuStoreMethods *
methods_of_store(void)
{
	return find_methods ? find_methods() : &ffu_folder_methods;
}

/*
 * Tell whether the root of this transaction is open for all uses, not for
 * reading only.  Raise no error.
 */
static bool
is_open(void)
{
	return current.root_fd >= 0 && current.spool.staging_fd >= 0;
}

/*
 * Open the claimed root for all uses.  Close a root that is open for reading
 * only.  Return false, with *trouble, if the root cannot be used.  An error is
 * raised before the root is open.
 */
static bool
open_claimed(FfuTrouble *trouble)
{
	const FfuStoreMethods *methods = methods_of_store();

	ffu_root_close(&current);
	if (!ffu_root_open(&current_claim, &current, trouble))
		return false;
	current.store.methods = methods;
	return true;
}

/*
 * The root is open: let the hook do its work.  On a standby that is not only
 * once, since redo goes on.
 */
static FfuStore *
opened(void)
{
	if (ffu_root_opened_hook && ffu_root_opened_hook(&current.store))
		ffu_root_opened_hook = NULL;
	return &current.store;
}

/*
 * Return the root of this database, open for the rest of this transaction.
 * Raise 55000 if there is no root or the root is not this database's, and
 * 53000, 53200 or 58030 for other errors of the system.
 */
FfuStore *
ffu_root_use(void)
{
	FfuTrouble	trouble;

	if (is_open())
		return opened();
	if (!ffu_root_read_claim(&current_claim, true))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no folder for files is set in this database"),
				 errdetail("The table ffu.root is empty."),
				 errhint("%s", ffu_stranded_hint(HINT_ROWS))));
	if (!open_claimed(&trouble))
		ereport(ERROR,
				(ffu_errcode_for_folder(trouble.error),
				 errmsg("folder \"%s\" cannot be used", current_claim.path),
				 errdetail_internal("%s", trouble.detail),
				 errhint("%s", trouble.hint)));
	return opened();
}

/*
 * Return the root of this database like ffu_root_use(), or NULL if there is no
 * usable root.  May still raise errors of the server.
 */
FfuStore *
ffu_root_try(void)
{
	FfuTrouble	trouble;

	if (is_open())
		return opened();
	if (!ffu_root_read_claim(&current_claim, true) ||
		!open_claimed(&trouble))
		return NULL;
	return opened();
}

/*
 * Open the known root, if the known root is still the claimed root, only for
 * reading published files.  For this purpose an unchanged owner file suffices.
 * May raise errors of the server.
 */
static bool
open_known(void)
{
	KnownRoot	found;
	FfuTrouble	trouble;
	const FfuStoreMethods *methods;

	if (!has_known_root || ffu_root_opened_hook != NULL ||
		!ffu_version_fits(&trouble.detail, &trouble.hint) ||
		!ffu_root_read_claim(&current_claim, true))
		return false;
	methods = methods_of_store();
	set_up(&current);
	current.store.methods = methods;
	current.root_fd = open_folder(current_claim.path);
	found.root = known_root.root;
	if (current.root_fd >= 0 &&
		ffu_sys_look(current.root_fd, FFU_CONTROL_DIR "/" FFU_OWNER_FILE,
					 &found.owner) == 0 &&
		is_known(&current_claim, &found))
		return true;
	ffu_sys_close(&current.root_fd);
	return false;
}

/*
 * Return the root, open for the rest of this transaction to read published
 * files.  This takes fewer system calls than ffu_root_use(), which does the
 * work if this session does not know the root yet.  Raise the errors of
 * ffu_root_use().
 */
FfuStore *
ffu_root_read(void)
{
	if (ffu_root_opened_hook == NULL &&
		(current.root_fd >= 0 || open_known()))
		return &current.store;
	return ffu_root_use();
}

/*
 * Return the root if this transaction has opened it, else NULL.  Raise no
 * error.
 */
FfuStore *
ffu_root_in_use(void)
{
	return current.root_fd >= 0 ? &current.store : NULL;
}

/*
 * Raise 55000 if the root in use is no longer the claimed root: the
 * transaction chose the root in a savepoint and rolled the savepoint back.
 */
void
ffu_root_check_claim(void)
{
	FfuClaim	claim;

	if (ffu_root_read_claim(&claim, true) &&
		strcmp(claim.root_id, current_claim.root_id) == 0 &&
		strcmp(claim.path, current_claim.path) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("folder \"%s\" is no longer claimed", current_claim.path),
			 errdetail("The savepoint in which it was chosen was rolled back."),
			 errhint("Call ffu.use_folder() in a separate transaction.")));
}

/*
 * Does ffu count files and bytes in this database?
 */
bool
ffu_root_counted(void)
{
	FfuClaim	claim;

	if (is_open())
		return current_claim.counted;
	return ffu_root_read_claim(&claim, false) && claim.counted;
}

/*
 * Return id, path and key of the root in use.  Raise no error.
 */
const char *
ffu_root_id(void)
{
	return current_claim.root_id;
}

const char *
ffu_root_path(void)
{
	return current_claim.path;
}

const char *
ffu_root_key(void)
{
	return current_claim.key;
}

/*
 * Close the root at the end of the transaction.  Raise no error.
 */
void
ffu_root_release(void)
{
	ffu_root_close(&current);
}
