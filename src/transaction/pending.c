/*-------------------------------------------------------------------------
 *
 * pending.c
 *	  What this transaction has done to files: STAGE, LINK and DOOM.
 *
 * As in PostgreSQL's storage.c, every event carries the nesting level of its
 * subtransaction.  When the subtransaction commits, the event passes to the
 * parent; when the subtransaction aborts, the event is taken back.
 *
 *	STAGE	bytes were handed over and lie under a staging name
 *	LINK	a BEFORE trigger chose a path; the file is *owned* once the AFTER
 *			trigger has seen the path in the row
 *	DOOM	a row let a path go.  For a path made in this transaction, the DOOM
 *			is a mark on the file.  For an older path, the DOOM is a row of
 *			ffu.deletion; this file notes up to FFU_DOOMS_MAX of such paths
 *
 * An upload may get its bytes in pieces.  The first append in a subtransaction
 * notes the size before, so that an abort can take the bytes back.
 *
 * A file lives, and is published at commit, if the file is owned and not
 * doomed.  All other files are removed.
 *
 * No function here touches a disk or a table.  Adding an event allocates
 * memory, which is freed when the transaction is over.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/transam.h"
#include "access/xact.h"
#include "common/cryptohash.h"
#include "common/hashfn.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "text/path.h"
#include "transaction/pending.h"

/* Half of a larger last block would be idle. */
#define MAX_BLOCK	(256 * 1024)

/* Entries of the hash tables */
typedef struct NumberEntry
{
	uint32		n;				/* key */
	FfuFile    *file;
} NumberEntry;

typedef struct PathEntry
{
	const char *path;			/* key: the file's staged.path */
	FfuFile    *file;
} PathEntry;

typedef struct WishEntry
{
	char		path[FFU_PATH_MAX + 1]; /* key */
	SubTransactionId subid;
} WishEntry;

FfuPending	ffu_pending;

static MemoryContext context = NULL;
static HTAB *by_number = NULL;
static HTAB *by_path = NULL;
static HTAB *wishes = NULL;		/* NULL until the first wish */

/* Types of files (const FfuMime) and keys of columns seen so far */
static List *mimes = NIL;
static List *texts = NIL;

/*
 * Hash and compare entries of by_path, whose key is a pointer to the text.
 */
static uint32
path_hash(const void *key, Size keysize)
{
	const char *path = *(const char *const *) key;

	return hash_bytes((const unsigned char *) path, strlen(path));
}

static int
path_match(const void *a, const void *b, Size keysize)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/*
 * Make the memory context and the hash tables of a transaction.
 */
static void
begin(void)
{
	HASHCTL		ctl;

	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "ffu pending",
										0, ALLOCSET_DEFAULT_INITSIZE,
										MAX_BLOCK);
	memset(&ctl, 0, sizeof(ctl));
	ctl.keysize = sizeof(uint32);
	ctl.entrysize = sizeof(NumberEntry);
	ctl.hcxt = context;
	by_number = hash_create("ffu uploads", 64, &ctl,
							HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	ctl.keysize = sizeof(char *);
	ctl.entrysize = sizeof(PathEntry);
	ctl.hash = path_hash;
	ctl.match = path_match;
	by_path = hash_create("ffu paths", 64, &ctl,
						  HASH_ELEM | HASH_FUNCTION | HASH_COMPARE |
						  HASH_CONTEXT);
	dlist_init(&ffu_pending.files);
	dlist_init(&ffu_pending.nested);
	dlist_init(&ffu_pending.resumed);
	ffu_pending.active = true;
}

/*
 * Raise an error if this transaction is past the point where its files were
 * made durable; else prepare for an event.
 */
void
ffu_pending_require_open(void)
{
	if (ffu_pending.closed)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot store or delete files in a transaction that is being committed")));
	if (!ffu_pending.active)
		begin();
}

/*
 * Copies that live as long as the transaction.  ffu_pending_intern and
 * ffu_pending_mime return the same copy for equal texts and types.
 */
char *
ffu_pending_strdup(const char *text)
{
	return text ? MemoryContextStrdup(context, text) : NULL;
}

const char *
ffu_pending_intern(const char *text)
{
	MemoryContext old;
	char	   *copy;
	ListCell   *lc;

	foreach(lc, texts)
	{
		if (strcmp(lfirst(lc), text) == 0)
			return lfirst(lc);
	}
	copy = ffu_pending_strdup(text);
	old = MemoryContextSwitchTo(context);
	texts = lappend(texts, copy);
	MemoryContextSwitchTo(old);
	return copy;
}

const FfuMime *
ffu_pending_mime(const FfuMime *mime)
{
	MemoryContext old;
	FfuMime    *copy;
	ListCell   *lc;

	foreach(lc, mimes)
	{
		const FfuMime *known = lfirst(lc);

		if (strcmp(known->mime_type, mime->mime_type) == 0 &&
			strcmp(known->extensions, mime->extensions) == 0 &&
			known->evidence == mime->evidence)
			return known;
	}
	old = MemoryContextSwitchTo(context);
	copy = palloc(sizeof(FfuMime));
	*copy = *mime;
	mimes = lappend(mimes, copy);
	MemoryContextSwitchTo(old);
	return copy;
}

/*
 * Return the level of an event that happens to a file now.  If a
 * subtransaction may take the event back, remember the file.
 */
static int
event_level(FfuFile *file)
{
	int			level = GetCurrentTransactionNestLevel();

	if (level > 1 && !file->nested)
	{
		dlist_push_tail(&ffu_pending.nested, &file->nested_node);
		file->nested = true;
	}
	return level;
}

/*
 * STAGE: add a file with a new number and without bytes.  Assign the
 * transaction an id.  The result lives as long as the transaction, or until
 * the subtransaction aborts.
 */
FfuFile *
ffu_pending_stage(const char *file_name)
{
	FfuFile    *file;
	NumberEntry *entry;
	uint64		fxid = U64FromFullTransactionId(GetTopFullTransactionId());
	uint32		n;

	ffu_pending_require_open();
	n = ++ffu_pending.last_n;
	file = MemoryContextAllocZero(context, sizeof(FfuFile));
	file->staged.fxid = fxid;
	file->staged.n = n;
	file->staged.fd = -1;
	file->file_name = ffu_pending_strdup(file_name);
	entry = hash_search(by_number, &n, HASH_ENTER, NULL);
	entry->file = file;
	/* Nothing can fail from here on. */
	dlist_push_tail(&ffu_pending.files, &file->node);
	file->stage_level = event_level(file);
	ffu_pending.nfiles++;
	return file;
}

/*
 * Return the file with this number, or NULL.
 */
FfuFile *
ffu_pending_by_number(uint32 n)
{
	NumberEntry *entry = NULL;

	if (ffu_pending.active)
		entry = hash_search(by_number, &n, HASH_FIND, NULL);
	return entry ? entry->file : NULL;
}

/*
 * Return the file of this transaction with this path, or NULL.
 */
FfuFile *
ffu_pending_by_path(const char *path)
{
	PathEntry  *entry = NULL;

	if (ffu_pending.active)
		entry = hash_search(by_path, &path, HASH_FIND, NULL);
	return entry ? entry->file : NULL;
}

/*
 * LINK: choose the path of a staged file.
 */
void
ffu_pending_link(FfuFile *file, const char *path)
{
	PathEntry  *entry;
	const char *key = file->staged.path;
	bool		found;

	ffu_pending_require_open();
	Assert(file->link_level == 0);
	strlcpy(file->staged.path, path, sizeof(file->staged.path));
	entry = hash_search(by_path, &key, HASH_ENTER, &found);
	if (found)
		elog(ERROR, "path \"%s\" was chosen twice", path);
	entry->file = file;
	file->link_level = event_level(file);
}

/*
 * Choose another path for a file that no row owns.  Return false and change
 * nothing if an outer subtransaction chose the path: an abort of this
 * subtransaction would have to restore the old path.
 */
bool
ffu_pending_relink(FfuFile *file, const char *path)
{
	const char *key = file->staged.path;

	if (file->owned_level > 0 ||
		file->link_level != GetCurrentTransactionNestLevel())
		return false;
	hash_search(by_path, &key, HASH_REMOVE, NULL);
	file->link_level = 0;
	ffu_pending_link(file, path);
	return true;
}

/*
 * Note the source of a file that is being moved into the folder.  After commit
 * the source is removed if the file lives.  The source is copied.
 */
void
ffu_pending_move(FfuFile *file, const FfuSource *source)
{
	size_t		dir_size = strlen(source->dir) + 1;
	size_t		name_size = strlen(source->name) + 1;
	FfuSource  *copy = MemoryContextAlloc(context, sizeof(FfuSource) +
										  dir_size + name_size);
	char	   *words = (char *) (copy + 1);

	*copy = *source;
	copy->dir = memcpy(words, source->dir, dir_size);
	copy->name = memcpy(words + dir_size, source->name, name_size);
	file->source = copy;
}

/*
 * Prepare a file for bytes in pieces.  max_size is in bytes, -1 for the
 * database's limit only.
 */
void
ffu_pending_begin_pieces(FfuFile *file, int64 max_size)
{
	file->pieces = MemoryContextAllocZero(context, sizeof(FfuPieces));
	file->pieces->max_size = max_size;
	file->pieces->hash = ffu_pending_hash();
}

/*
 * Make a new SHA-256 context.  The context lives until the end of the
 * transaction or until the caller frees it.
 */
pg_cryptohash_ctx *
ffu_pending_hash(void)
{
	ResourceOwner old = CurrentResourceOwner;
	MemoryContext old_context = MemoryContextSwitchTo(context);
	pg_cryptohash_ctx *hash;

	/* With OpenSSL the resource owner owns the hash, else the context. */
	CurrentResourceOwner = TopTransactionResourceOwner;
	hash = pg_cryptohash_create(PG_SHA256);
	CurrentResourceOwner = old;
	MemoryContextSwitchTo(old_context);
	if (hash == NULL || pg_cryptohash_init(hash) < 0)
		elog(ERROR, "could not initialize SHA-256");
	return hash;
}

/*
 * Note the size of a file before bytes are appended, for the case that the
 * subtransaction aborts.
 */
void
ffu_pending_append(FfuFile *file)
{
	FfuPieces  *pieces = file->pieces;
	FfuExtent  *extent;
	int			level;

	ffu_pending_require_open();
	level = event_level(file);
	if (level <= file->stage_level ||
		(pieces->extents && pieces->extents->level == level))
		return;
	extent = MemoryContextAlloc(context, sizeof(FfuExtent));
	extent->outer = pieces->extents;
	extent->level = level;
	extent->size = file->size;
	pieces->extents = extent;
}

/*
 * Note that the file is assigned and gets no more bytes.
 */
void
ffu_pending_close_pieces(FfuFile *file)
{
	file->pieces->closed_level = event_level(file);
}

/*
 * Free the digest of an incomplete file.  Raise no error.
 */
static void
free_hash(FfuFile *file)
{
	if (file->pieces == NULL || file->pieces->hash == NULL)
		return;
	pg_cryptohash_free(file->pieces->hash);
	file->pieces->hash = NULL;
}

/*
 * Pass the event of a level to the parent.
 */
static void
raise_level(int *event, int level)
{
	if (*event >= level)
		*event = level - 1;
}

/*
 * A subtransaction of this level commits: pass its bytes to the parent.
 */
static void
raise_pieces(FfuFile *file, int level)
{
	FfuPieces  *pieces = file->pieces;
	FfuExtent  *extent = pieces->extents;

	raise_level(&pieces->closed_level, level);
	if (extent == NULL || extent->level < level)
		return;
	extent->level = level - 1;
	if (extent->level <= file->stage_level ||
		(extent->outer && extent->outer->level == extent->level))
	{
		pieces->extents = extent->outer;
		pfree(extent);
	}
}

/*
 * A subtransaction of this level aborts: set the size back.  finish.c cuts the
 * bytes off on the disk.
 */
static void
take_back_pieces(FfuFile *file, int level)
{
	FfuPieces  *pieces = file->pieces;

	while (pieces->extents && pieces->extents->level >= level)
	{
		FfuExtent  *extent = pieces->extents;

		file->size = extent->size;
		pieces->torn = true;
		pieces->extents = extent->outer;
		pfree(extent);
	}
	if (pieces->torn)
		free_hash(file);
	if (pieces->closed_level >= level)
	{
		pieces->closed_level = 0;
		file->complete = false;
	}
}

/*
 * Return the entry of a resumable upload's file; make the entry if this
 * transaction has not touched the file before.  The entry lives as long as the
 * transaction, or until the subtransaction that began the upload aborts.
 */
FfuResumableFile *
ffu_pending_resume(uint64 fxid, int64 key)
{
	FfuResumableFile *resumed;
	dlist_iter	iter;

	ffu_pending_require_open();
	dlist_foreach(iter, &ffu_pending.resumed)
	{
		resumed = dlist_container(FfuResumableFile, node, iter.cur);
		if (resumed->fxid == fxid && resumed->key == key)
			return resumed;
	}
	resumed = MemoryContextAllocZero(context, sizeof(FfuResumableFile));
	resumed->fxid = fxid;
	resumed->key = key;
	resumed->fd = -1;
	dlist_push_head(&ffu_pending.resumed, &resumed->node);
	return resumed;
}

/*
 * Note that the file of a resumable upload was just made.  Raise no error.
 */
void
ffu_pending_resume_made(FfuResumableFile *resumed)
{
	resumed->made_level = resumed->dirty_level =
		GetCurrentTransactionNestLevel();
}

/*
 * Note that the bytes [from, to) of a resumable upload will be written.
 */
void
ffu_pending_resume_written(FfuResumableFile *resumed, int64 from, int64 to)
{
	int			level = GetCurrentTransactionNestLevel();

	if (resumed->to == 0)
		resumed->from = from;
	resumed->from = Min(resumed->from, from);
	resumed->to = Max(resumed->to, to);
	if (resumed->dirty_level == 0 || resumed->dirty_level > level)
		resumed->dirty_level = level;
}

/*
 * A resumable upload is over: remove the name of its file after commit.
 */
void
ffu_pending_resume_gone(FfuResumableFile *resumed)
{
	resumed->gone_level = GetCurrentTransactionNestLevel();
}

/*
 * A subtransaction of this level aborts: take back its events on a resumable
 * upload.  Return true if the subtransaction began the upload: the entry is
 * off the list then, its memory stays valid, and the caller removes the file.
 * Raise no error.
 */
bool
ffu_pending_subabort_resumed(FfuResumableFile *resumed, int level)
{
	if (resumed->gone_level >= level)
		resumed->gone_level = 0;
	if (resumed->dirty_level >= level)
		resumed->dirty_level = resumed->to = 0;
	if (resumed->made_level < level)
		return false;
	dlist_delete(&resumed->node);
	return true;
}

/*
 * Note that a row has the path of this file.
 */
void
ffu_pending_own(FfuFile *file)
{
	ffu_pending_require_open();
	file->owned_level = event_level(file);
}

/*
 * DOOM of a path made in this transaction.
 */
void
ffu_pending_doom_own(FfuFile *file)
{
	ffu_pending_require_open();
	if (file->doomed_level == 0)
		file->doomed_level = event_level(file);
}

/*
 * DOOM of a path that an earlier transaction made.  The caller is inserting
 * the row of ffu.deletion in this subtransaction.
 */
void
ffu_pending_doom(const char *path, Oid deletion_relid)
{
	TransactionId xid = GetCurrentTransactionId();
	FfuDoom    *doom;

	ffu_pending_require_open();
	ffu_pending.deletion_relid = deletion_relid;
	if (!TransactionIdIsValid(ffu_pending.doom_xid) ||
		TransactionIdFollows(xid, ffu_pending.doom_xid))
		ffu_pending.doom_xid = xid;
	if (ffu_pending.ndooms == FFU_DOOMS_MAX)
	{
		ffu_pending.too_many_dooms = true;
		return;
	}
	doom = &ffu_pending.dooms[ffu_pending.ndooms++];
	strlcpy(doom->path, path, sizeof(doom->path));
	doom->level = GetCurrentTransactionNestLevel();
}

/*
 * Note a doubtful deletion.  The commit does not remove the file, but the row
 * must become as durable as any other deletion.
 */
void
ffu_pending_doubt(Oid deletion_relid)
{
	ffu_pending_require_open();
	ffu_pending.deletion_relid = deletion_relid;
}

/*
 * Forget all dooms: ffu.deletion is being dropped with the extension, and
 * files stay.  A rollback to a savepoint brings the rows back, and the sweep
 * then removes their files.
 */
void
ffu_pending_forget_dooms(void)
{
	ffu_pending.ndooms = 0;
	ffu_pending.deletion_relid = InvalidOid;
	ffu_pending.too_many_dooms = false;
}

/*
 * Note the wish that the file stays when its row lets go of this path.  The
 * wish holds until the row has been written, and only in the same
 * subtransaction: an abort of the subtransaction ends the wish.
 */
void
ffu_pending_wish(const char *path)
{
	WishEntry  *entry;
	HASHCTL		ctl;

	ffu_pending_require_open();
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
ffu_pending_take_wish(const char *path)
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
 * Must commit keep the file?  Raise no error.
 */
bool
ffu_pending_lives(const FfuFile *file)
{
	return file->owned_level > 0 && file->doomed_level == 0;
}

/*
 * Pass the events of a subtransaction to the parent.  Raise no error.
 */
void
ffu_pending_subcommit(int level)
{
	dlist_mutable_iter iter;
	int			i;

	if (!ffu_pending.active)
		return;
	dlist_foreach_modify(iter, &ffu_pending.nested)
	{
		FfuFile    *file = dlist_container(FfuFile, nested_node, iter.cur);

		raise_level(&file->stage_level, level);
		raise_level(&file->link_level, level);
		raise_level(&file->owned_level, level);
		raise_level(&file->doomed_level, level);
		if (file->pieces)
			raise_pieces(file, level);
		if (level == 2)
		{
			dlist_delete(&file->nested_node);
			file->nested = false;
		}
	}
	for (i = 0; i < ffu_pending.ndooms; i++)
		raise_level(&ffu_pending.dooms[i].level, level);
	dlist_foreach_modify(iter, &ffu_pending.resumed)
	{
		FfuResumableFile *resumed = dlist_container(FfuResumableFile, node, iter.cur);

		raise_level(&resumed->made_level, level);
		raise_level(&resumed->gone_level, level);
		raise_level(&resumed->dirty_level, level);
	}
}

/*
 * A subtransaction of this level aborts: take back its events on one file.
 * Return true if the subtransaction staged the file: the caller must then undo
 * the file on the disk and remove the entry.  Raise no error.
 */
bool
ffu_pending_subabort(FfuFile *file, int level)
{
	if (file->stage_level >= level)
		return true;
	if (file->pieces)
		take_back_pieces(file, level);
	if (file->link_level >= level)
	{
		const char *key = file->staged.path;

		hash_search(by_path, &key, HASH_REMOVE, NULL);
		file->staged.path[0] = '\0';
		file->link_table = InvalidOid;
		file->link_level = file->owned_level = file->doomed_level = 0;
	}
	if (file->owned_level >= level)
		file->owned_level = 0;
	if (file->doomed_level >= level)
		file->doomed_level = 0;
	return false;
}

/*
 * Forget the dooms of an aborting subtransaction.  Raise no error.
 */
void
ffu_pending_subabort_dooms(int level)
{
	int			kept = 0;
	int			i;

	for (i = 0; i < ffu_pending.ndooms; i++)
	{
		if (ffu_pending.dooms[i].level < level)
			ffu_pending.dooms[kept++] = ffu_pending.dooms[i];
	}
	ffu_pending.ndooms = kept;
}

/*
 * Remove the entry of a file and free its memory.  Raise no error.
 */
void
ffu_pending_remove(FfuFile *file)
{
	const char *key = file->staged.path;

	hash_search(by_number, &file->staged.n, HASH_REMOVE, NULL);
	if (file->link_level > 0)
		hash_search(by_path, &key, HASH_REMOVE, NULL);
	dlist_delete(&file->node);
	if (file->nested)
		dlist_delete(&file->nested_node);
	ffu_pending.nfiles--;
	free_hash(file);
	if (file->file_name)
		pfree(file->file_name);
	if (file->chosen_name)
		pfree(file->chosen_name);
	if (file->source)
		pfree(file->source);
	if (file->pieces)
		pfree(file->pieces);
	pfree(file);
}

/*
 * The transaction is over: forget everything.  Raise no error.
 */
void
ffu_pending_reset(void)
{
	dlist_iter	iter;

	ffu_pending.closed = false;
	if (!ffu_pending.active)
		return;
	dlist_foreach(iter, &ffu_pending.files)
		free_hash(dlist_container(FfuFile, node, iter.cur));
	ffu_pending.active = false;
	ffu_pending.nfiles = 0;
	ffu_pending.last_n = 0;
	ffu_pending.ndooms = 0;
	ffu_pending.too_many_dooms = false;
	ffu_pending.marked = false;
	ffu_pending.doom_xid = InvalidTransactionId;
	ffu_pending.deletion_relid = InvalidOid;
	ffu_pending.deletion_rel = NULL;
	ffu_pending.horizon = InvalidTransactionId;
	by_number = by_path = wishes = NULL;
	mimes = NIL;
	texts = NIL;
	MemoryContextReset(context);
}
