/*-------------------------------------------------------------------------
 *
 * pending.c
 *	  What this transaction has done to its files: STAGE, LINK and DOOM.
 *
 * As in PostgreSQL's storage.c, every event carries the nesting level of its
 * subtransaction.  When the subtransaction commits, the event passes to the
 * parent; when the subtransaction aborts, the event is taken back.
 *
 *	STAGE	bytes were handed over and lie under a staging name
 *	LINK	a BEFORE trigger chose a path; the file is *owned* once the AFTER
 *			trigger has seen the path in the row
 *	DOOM	a row let the path go.  dooms.c has the paths that an earlier
 *			transaction made
 *
 * file.c has the states of a file, and decides what becomes of the file.  Here
 * are the lists of files, the levels and the memory.
 *
 * An upload may get its bytes in pieces.  The first append in a subtransaction
 * notes the size before, so that an abort can take the bytes back.
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
#include "common/hashfn.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "base/digest.h"
#include "text/path.h"
#include "transaction/file_private.h"
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

/* Everything pending in this transaction */
static struct
{
	bool		active;			/* an event happened in this transaction */
	bool		closed;			/* step 6 is done: refuse new events */
	dlist_head	files;			/* of FfuFile */
	dlist_head	nested;			/* of FfuFile with an event above level 1 */
	uint32		nfiles;
	uint32		last_n;			/* number of the newest file */
}			pending;

static MemoryContext context = NULL;
static HTAB *by_number = NULL;
static HTAB *by_path = NULL;

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
	dlist_init(&pending.files);
	dlist_init(&pending.nested);
	pending.active = true;
}

/*
 * Raise an error if this transaction is past the point where its files were
 * made durable; else prepare for an event.
 */
void
ffu_pending_require_open(void)
{
	if (pending.closed)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot store or delete files in a transaction that is being committed")));
	if (!pending.active)
		begin();
}

/*
 * Is there any event in this transaction?
 */
bool
ffu_pending_active(void)
{
	return pending.active;
}

/*
 * Refuse new events from now on: step 6 is done.
 */
void
ffu_pending_close(void)
{
	pending.closed = true;
}

/*
 * Return a memory context that lives until the end of the transaction.
 */
MemoryContext
ffu_pending_context(void)
{
	ffu_pending_require_open();
	return context;
}

/*
 * Copies that live as long as the transaction.  intern_text and
 * ffu_pending_mime return the same copy for equal texts and types.
 */
static char *
copy_text(const char *text)
{
	return text ? MemoryContextStrdup(context, text) : NULL;
}

static const char *
intern_text(const char *text)
{
	MemoryContext old;
	char	   *copy;
	ListCell   *lc;

	foreach(lc, texts)
	{
		if (strcmp(lfirst(lc), text) == 0)
			return lfirst(lc);
	}
	copy = copy_text(text);
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
 * Iterate over the files of this transaction, in the order of staging.  To
 * remove a file, ask for the next file before.
 */
FfuFile *
ffu_pending_first(void)
{
	if (!pending.active || dlist_is_empty(&pending.files))
		return NULL;
	return dlist_head_element(FfuFile, node, &pending.files);
}

FfuFile *
ffu_pending_next(const FfuFile *file)
{
	if (!dlist_has_next(&pending.files, unconstify(dlist_node *, &file->node)))
		return NULL;
	return dlist_container(FfuFile, node, file->node.next);
}

/*
 * Return the number of files.
 */
uint32
ffu_pending_count(void)
{
	return pending.nfiles;
}

/*
 * Iterate over the files with an event above level 1.
 */
FfuFile *
ffu_pending_first_nested(void)
{
	if (!pending.active || dlist_is_empty(&pending.nested))
		return NULL;
	return dlist_head_element(FfuFile, nested_node, &pending.nested);
}

FfuFile *
ffu_pending_next_nested(const FfuFile *file)
{
	if (!dlist_has_next(&pending.nested,
						unconstify(dlist_node *, &file->nested_node)))
		return NULL;
	return dlist_container(FfuFile, nested_node, file->nested_node.next);
}

/*
 * Take a file off the list of nested files.
 */
static void
forget_nested(FfuFile *file)
{
	dlist_delete(&file->nested_node);
	memset(&file->nested_node, 0, sizeof(file->nested_node));
}

/*
 * Return the level of an event that happens to a file now.  If a
 * subtransaction may take the event back, remember the file.
 */
static int
event_level(FfuFile *file)
{
	int			level = GetCurrentTransactionNestLevel();

	if (level > 1 && file->nested_node.next == NULL)
		dlist_push_tail(&pending.nested, &file->nested_node);
	return level;
}

/*
 * STAGE: add a file with a new number and without bytes.  birth is copied,
 * without the source.  Assign the transaction an id.  The result lives as long
 * as the transaction, or until the subtransaction aborts.
 */
FfuFile *
ffu_pending_stage(const FfuBirth *birth)
{
	FfuFile    *file;
	NumberEntry *entry;
	uint64		fxid = U64FromFullTransactionId(GetTopFullTransactionId());
	uint32		n;

	ffu_pending_require_open();
	n = ++pending.last_n;
	file = MemoryContextAllocZero(context, sizeof(FfuFile));
	file->staged.fxid = fxid;
	file->staged.n = n;
	file->staged.file = FFU_SPOOL_CLOSED;
	file->birth = *birth;
	file->birth.file_name = copy_text(birth->file_name);
	file->birth.source = NULL;
	entry = hash_search(by_number, &n, HASH_ENTER, NULL);
	entry->file = file;
	/* Nothing can fail from here on. */
	dlist_push_tail(&pending.files, &file->node);
	ffu_file_reach(file, FFU_LIFE_GROWING, event_level(file));
	pending.nfiles++;
	return file;
}

/*
 * Return the file with this number, or NULL.
 */
FfuFile *
ffu_pending_by_number(uint32 n)
{
	NumberEntry *entry = NULL;

	if (pending.active)
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

	if (pending.active)
		entry = hash_search(by_path, &path, HASH_FIND, NULL);
	return entry ? entry->file : NULL;
}

/*
 * Return the newest file of this transaction that was made of the resumable
 * upload with this key and that no trigger has seen, or NULL.
 */
FfuFile *
ffu_pending_by_resumable(int64 key)
{
	dlist_iter	iter;

	if (!pending.active)
		return NULL;
	dlist_reverse_foreach(iter, &pending.files)
	{
		FfuFile    *file = dlist_container(FfuFile, node, iter.cur);

		if (file->birth.resumable_key == key && file->duty != FFU_DUTY_SEEN)
			return file;
	}
	return NULL;
}

/*
 * Set the path of a file, and enter the path into by_path.
 */
static void
set_path(FfuFile *file, const char *path)
{
	PathEntry  *entry;
	bool		found;

	entry = hash_search(by_path, &path, HASH_ENTER, &found);
	if (found)
		elog(ERROR, "path \"%s\" was chosen twice", path);
	strlcpy(file->staged.path, path, sizeof(file->staged.path));
	entry->path = file->staged.path;
	entry->file = file;
}

/*
 * LINK: choose the path of a whole file, for the column of assignment, which
 * is copied.
 */
void
ffu_pending_link(FfuFile *file, const char *path,
				 const FfuAssignment *assignment)
{
	ffu_pending_require_open();
	Assert(file->life == FFU_LIFE_WHOLE);
	set_path(file, path);
	file->assignment = *assignment;
	file->assignment.key = intern_text(assignment->key);
	file->assignment.name = copy_text(assignment->name);
	ffu_file_reach(file, FFU_LIFE_CHOSEN, event_level(file));
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

	ffu_pending_require_open();
	if (file->life != FFU_LIFE_CHOSEN ||
		file->levels[FFU_LIFE_CHOSEN] != GetCurrentTransactionNestLevel())
		return false;
	hash_search(by_path, &key, HASH_REMOVE, NULL);
	set_path(file, path);
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
	file->birth.source = copy;
}

/*
 * Make a new SHA-256 context.  The context lives until the end of the
 * transaction or until the caller frees it.
 */
static struct pg_cryptohash_ctx *
make_hash(void)
{
	ResourceOwner old = CurrentResourceOwner;
	MemoryContext old_context = MemoryContextSwitchTo(context);
	struct pg_cryptohash_ctx *hash;

	/* With OpenSSL the resource owner owns the hash, else the context. */
	CurrentResourceOwner = TopTransactionResourceOwner;
	hash = ffu_digest_begin();
	CurrentResourceOwner = old;
	MemoryContextSwitchTo(old_context);
	return hash;
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
	file->pieces->hash = make_hash();
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
	if (level <= file->levels[FFU_LIFE_GROWING] ||
		(pieces->extents && pieces->extents->level == level))
		return;
	extent = MemoryContextAlloc(context, sizeof(FfuExtent));
	extent->outer = pieces->extents;
	extent->level = level;
	extent->size = file->facts.size;
	pieces->extents = extent;
}

/*
 * Note that a file has all its bytes, and set the facts, which are copied.
 * facts->mime is a result of ffu_pending_mime, or NULL.
 */
void
ffu_pending_whole(FfuFile *file, const FfuFacts *facts)
{
	ffu_pending_require_open();
	ffu_file_set_facts(file, facts);
	ffu_file_reach(file, FFU_LIFE_WHOLE, event_level(file));
}

/*
 * Note that a row has the path of this file.
 */
void
ffu_pending_own(FfuFile *file)
{
	ffu_pending_require_open();
	ffu_file_reach(file, FFU_LIFE_OWNED, event_level(file));
}

/*
 * DOOM of a path made in this transaction.
 */
void
ffu_pending_doom_own(FfuFile *file)
{
	ffu_pending_require_open();
	if (file->life != FFU_LIFE_DOOMED)
		ffu_file_reach(file, FFU_LIFE_DOOMED, event_level(file));
}

/*
 * Pass the events of a subtransaction to the parent.  Raise no error.
 */
void
ffu_pending_subcommit(int level)
{
	dlist_mutable_iter iter;

	if (!pending.active)
		return;
	dlist_foreach_modify(iter, &pending.nested)
	{
		FfuFile    *file = dlist_container(FfuFile, nested_node, iter.cur);

		ffu_file_subcommit(file, level);
		if (level == 2)
			forget_nested(file);
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
	if (file->levels[FFU_LIFE_CHOSEN] >= level)
	{
		const char *key = file->staged.path;

		hash_search(by_path, &key, HASH_REMOVE, NULL);
	}
	return !ffu_file_subabort(file, level);
}

/*
 * Remove the entry of a file and free its memory.  Raise no error.
 */
void
ffu_pending_remove(FfuFile *file)
{
	const char *key = file->staged.path;

	hash_search(by_number, &file->staged.n, HASH_REMOVE, NULL);
	if (file->life >= FFU_LIFE_CHOSEN)
		hash_search(by_path, &key, HASH_REMOVE, NULL);
	dlist_delete(&file->node);
	if (file->nested_node.next)
		forget_nested(file);
	pending.nfiles--;
	ffu_file_discount(file);
	ffu_file_free_hash(file);
	ffu_file_forget_assignment(file);
	if (file->birth.file_name)
		pfree(unconstify(char *, file->birth.file_name));
	if (file->birth.source)
		pfree(file->birth.source);
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

	pending.closed = false;
	if (!pending.active)
		return;
	dlist_foreach(iter, &pending.files)
		ffu_file_free_hash(dlist_container(FfuFile, node, iter.cur));
	pending.active = false;
	pending.nfiles = 0;
	pending.last_n = 0;
	ffu_file_reset();
	by_number = by_path = NULL;
	mimes = NIL;
	texts = NIL;
	MemoryContextReset(context);
}
