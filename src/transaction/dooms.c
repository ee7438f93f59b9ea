/*-------------------------------------------------------------------------
 *
 * dooms.c
 *	  Paths of earlier transactions that this transaction lets go.
 *
 * The row of ffu.deletion is the deletion (deletion.c).  Here is a note of the
 * first DOOMS_MAX paths, so that the files can be removed right after commit;
 * the sweep removes the other files.  The notes carry the nesting levels of
 * their subtransactions, as the events of pending.c do.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/transam.h"
#include "access/xact.h"
#include "utils/hsearch.h"

#include "transaction/dooms.h"
#include "transaction/pending.h"

/* Number of paths to note */
#define DOOMS_MAX	100

typedef struct Doom
{
	char		path[FFU_PATH_MAX + 1];
	int			level;
} Doom;

/* Entry of wishes */
typedef struct WishEntry
{
	char		path[FFU_PATH_MAX + 1]; /* key */
	SubTransactionId subid;
} WishEntry;

static Doom dooms[DOOMS_MAX];
static int	ndooms = 0;			/* used entries of dooms */

/* Newest (sub)transaction id with a doom */
static TransactionId doom_xid = InvalidTransactionId;

/* OID of ffu.deletion; InvalidOid without dooms */
static Oid	deletion_relid = InvalidOid;

/* A path was detached, or dangles. */
static bool marked = false;

static HTAB *wishes = NULL;		/* NULL until the first wish */

/*
 * DOOM of a path that an earlier transaction made.  The caller is inserting
 * the row of ffu.deletion in this subtransaction; deletion is the OID of the
 * table.
 */
void
ffu_dooms_add(const char *path, Oid deletion)
{
	TransactionId xid = GetCurrentTransactionId();
	Doom	   *doom;

	ffu_pending_require_open();
	deletion_relid = deletion;
	if (!TransactionIdIsValid(doom_xid) ||
		TransactionIdFollows(xid, doom_xid))
		doom_xid = xid;
	if (ndooms == DOOMS_MAX)
		return;
	doom = &dooms[ndooms++];
	strlcpy(doom->path, path, sizeof(doom->path));
	doom->level = GetCurrentTransactionNestLevel();
}

/*
 * Note a doubtful deletion.  The commit does not remove the file, but the row
 * must become as durable as any other deletion.
 */
void
ffu_dooms_doubt(Oid deletion)
{
	ffu_pending_require_open();
	deletion_relid = deletion;
}

/*
 * Note that a path was marked as detached or dangling.
 */
void
ffu_dooms_mark(void)
{
	ffu_pending_require_open();
	marked = true;
}

/*
 * Has this transaction marked a path as detached or dangling?
 */
bool
ffu_dooms_marked(void)
{
	return marked;
}

/*
 * Forget all dooms: ffu.deletion is being dropped with the extension, and
 * files stay.  A rollback to a savepoint brings the rows back, and the sweep
 * then removes their files.
 */
void
ffu_dooms_forget(void)
{
	ndooms = 0;
	deletion_relid = InvalidOid;
}

/*
 * Note the wish that the file stays when its row lets go of this path.  The
 * wish holds until the row has been written, and only in the same
 * subtransaction: an abort of the subtransaction ends the wish.
 */
void
ffu_dooms_wish(const char *path)
{
	MemoryContext context = ffu_pending_context();
	WishEntry  *entry;
	HASHCTL		ctl;

	if (wishes == NULL)
	{
		memset(&ctl, 0, sizeof(ctl));
		ctl.keysize = FFU_PATH_MAX + 1;
		ctl.entrysize = sizeof(WishEntry);
		ctl.hcxt = context;
		wishes = hash_create("ffu wishes", 64, &ctl,
							 HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}
	entry = hash_search(wishes, path, HASH_ENTER, NULL);
	entry->subid = GetCurrentSubTransactionId();
}

/*
 * Is there a wish that the file of a path stays, now that a row has let go of
 * the path?  The call ends the wish.
 */
bool
ffu_dooms_take_wish(const char *path)
{
	WishEntry  *entry = NULL;
	bool		wished;

	if (wishes != NULL && strlen(path) <= FFU_PATH_MAX)
		entry = hash_search(wishes, path, HASH_FIND, NULL);
	wished = entry && entry->subid == GetCurrentSubTransactionId();
	if (entry)
		hash_search(wishes, path, HASH_REMOVE, NULL);
	return wished;
}

/*
 * Return the OID of ffu.deletion if this transaction has inserted a deletion,
 * else InvalidOid.
 */
Oid
ffu_dooms_deletion(void)
{
	return deletion_relid;
}

/*
 * Return the number of noted paths, path number i, and the newest
 * (sub)transaction id with a doom.
 */
int
ffu_dooms_count(void)
{
	return ndooms;
}

const char *
ffu_dooms_path(int i)
{
	Assert(i < ndooms);
	return dooms[i].path;
}

TransactionId
ffu_dooms_xid(void)
{
	return doom_xid;
}

/*
 * Pass the dooms of a subtransaction to the parent.  Raise no error.
 */
void
ffu_dooms_subcommit(int level)
{
	int			i;

	for (i = 0; i < ndooms; i++)
		dooms[i].level = Min(dooms[i].level, level - 1);
}

/*
 * Forget the dooms of an aborting subtransaction.  Raise no error.
 */
void
ffu_dooms_subabort(int level)
{
	int			kept = 0;
	int			i;

	for (i = 0; i < ndooms; i++)
	{
		if (dooms[i].level < level)
			dooms[kept++] = dooms[i];
	}
	ndooms = kept;
}

/*
 * The transaction is over: forget everything.  ffu_pending_reset frees the
 * memory of the wishes.  Raise no error.
 */
void
ffu_dooms_reset(void)
{
	ndooms = 0;
	doom_xid = InvalidTransactionId;
	deletion_relid = InvalidOid;
	marked = false;
	wishes = NULL;
}
