/*-------------------------------------------------------------------------
 *
 * resumed.c
 *	  Files of resumable uploads that this transaction has touched.
 *
 *	 touch, of an upload that          touch, of a new upload
 *	 an earlier transaction began             |
 *	       |                                  |
 *	       v                                  v
 *	  +---------+   begin: the file       +-------+
 *	  | TOUCHED |------------------------>| BEGUN |
 *	  +---------+   was made              +-------+
 *	       |  write                           |  write
 *	       |            +---------+           |
 *	       +----------->| WRITTEN |<----------+
 *	       |            +---------+           |
 *	       |                 |                |
 *	       |  end            |  end           |  end: the upload is finished,
 *	       |                 v                |  or cancelled
 *	       |             +-------+            |
 *	       +------------>| ENDED |<-----------+
 *	                     +-------+
 *
 * The arrows carry the nesting levels of their subtransactions, as in file.c,
 * and aborts and commits of subtransactions move them in the same way.  An
 * abort of the level of BEGUN removes the file.
 *
 * What COMMIT does with the file: nothing after TOUCHED; makes the bytes
 * durable after BEGUN and WRITTEN, and fails if the disk has lost bytes;
 * removes the name after ENDED.  The row of ffu.upload is the truth
 * (resumable.c), so bytes beyond the row's size need no event.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/xact.h"
#include "lib/ilist.h"

#include "transaction/pending.h"
#include "transaction/resumed.h"

/* How far a file got in this transaction; see the picture */
typedef enum Life
{
	TOUCHED,
	BEGUN,
	WRITTEN,
	ENDED
} Life;

struct FfuResumableFile
{
	dlist_node	node;			/* in files */

	/* What the store knows */
	uint64		fxid;			/* names the file; see resumable_id.h */
	int64		key;
	FfuSpoolFile file;

	/* The fate; levels as in file_private.h, [TOUCHED] is not used */
	Life		life;
	int			levels[ENDED + 1];
	bool		lost;			/* the disk refused bytes: never commit */

	/* Bytes to sync, if WRITTEN */
	int64		from;			/* first byte */
	int64		to;				/* end of the bytes; 0: no bytes */
};

static dlist_head files = DLIST_STATIC_INIT(files);

/*
 * Check, in a build with assertions, that a state is one of the picture.
 */
static void
check(const FfuResumableFile *file)
{
#ifdef USE_ASSERT_CHECKING
	int			outer = 1;
	int			i;

	for (i = BEGUN; i <= ENDED; i++)
	{
		Assert(i > file->life ? file->levels[i] == 0 :
			   file->levels[i] >= outer || (file->levels[i] == 0 &&
											i < file->life));
		outer = Max(outer, file->levels[i]);
	}
	Assert(file->from <= file->to);
#endif
}

/*
 * Iterate over the files, the newest first.  To remove a file, ask for the
 * next file before.
 */
FfuResumableFile *
ffu_resumed_first(void)
{
	if (dlist_is_empty(&files))
		return NULL;
	return dlist_head_element(FfuResumableFile, node, &files);
}

FfuResumableFile *
ffu_resumed_next(const FfuResumableFile *file)
{
	if (!dlist_has_next(&files, unconstify(dlist_node *, &file->node)))
		return NULL;
	return dlist_container(FfuResumableFile, node, file->node.next);
}

/*
 * Return what COMMIT would do with a file now.
 */
FfuResumedOutcome
ffu_resumed_outcome(const FfuResumableFile *file)
{
	if (file->life == ENDED)
		return FFU_RESUMED_REMOVED;
	if (file->life == TOUCHED)
		return FFU_RESUMED_LEFT;
	return file->lost ? FFU_RESUMED_LOST : FFU_RESUMED_SYNCED;
}

/*
 * Did this transaction make the file?
 */
bool
ffu_resumed_is_begun(const FfuResumableFile *file)
{
	return file->levels[BEGUN] > 0;
}

/*
 * Has the disk refused bytes of the file?
 */
bool
ffu_resumed_is_lost(const FfuResumableFile *file)
{
	return file->lost;
}

/*
 * Set *from and *to to the bytes [from, to) that must be synced.
 */
void
ffu_resumed_range(const FfuResumableFile *file, int64 *from, int64 *to)
{
	*from = file->from;
	*to = file->to;
}

/*
 * Set name, of FFU_RESUMED_MAX + 1 bytes, to the name of the file.
 */
void
ffu_resumed_name(const FfuResumableFile *file, char *name)
{
	ffu_resumable_id_name(name, file->fxid, file->key);
}

/*
 * Return the file in the spool, which may be open or not.
 */
FfuSpoolFile *
ffu_resumed_file(FfuResumableFile *file)
{
	return &file->file;
}

/*
 * Return the entry of a resumable upload's file; make the entry if this
 * transaction has not touched the file before.  The entry lives as long as the
 * transaction, or until the subtransaction that began the upload aborts.
 */
FfuResumableFile *
ffu_resumed_touch(uint64 fxid, int64 key)
{
	MemoryContext context = ffu_pending_context();
	FfuResumableFile *file;

	for (file = ffu_resumed_first(); file; file = ffu_resumed_next(file))
	{
		if (file->fxid == fxid && file->key == key)
			return file;
	}
	file = MemoryContextAllocZero(context, sizeof(FfuResumableFile));
	file->fxid = fxid;
	file->key = key;
	file->file = FFU_SPOOL_CLOSED;
	dlist_push_head(&files, &file->node);
	return file;
}

/*
 * Follow an arrow of the picture.
 */
static void
reach(FfuResumableFile *file, Life life)
{
	Assert(life > file->life);
	file->life = life;
	file->levels[life] = GetCurrentTransactionNestLevel();
	check(file);
}

/*
 * Note that the file of a resumable upload was just made.  Raise no error.
 */
void
ffu_resumed_begin(FfuResumableFile *file)
{
	reach(file, BEGUN);
}

/*
 * Note that the bytes [from, to) of a resumable upload will be written.
 */
void
ffu_resumed_write(FfuResumableFile *file, int64 from, int64 to)
{
	Assert(file->life < ENDED);
	if (file->to == 0)
		file->from = from;
	file->from = Min(file->from, from);
	file->to = Max(file->to, to);
	if (file->life < WRITTEN)
		reach(file, WRITTEN);
}

/*
 * Note that the disk has refused bytes of a file.
 */
void
ffu_resumed_lose(FfuResumableFile *file)
{
	file->lost = true;
}

/*
 * A resumable upload is over: remove the name of its file after commit.
 */
void
ffu_resumed_end(FfuResumableFile *file)
{
	reach(file, ENDED);
}

/*
 * Pass the events of a subtransaction to the parent.  Raise no error.
 */
void
ffu_resumed_subcommit(int level)
{
	FfuResumableFile *file;
	int			i;

	for (file = ffu_resumed_first(); file; file = ffu_resumed_next(file))
	{
		for (i = BEGUN; i <= ENDED; i++)
			file->levels[i] = Min(file->levels[i], level - 1);
		check(file);
	}
}

/*
 * A subtransaction of this level aborts: take back its events on a resumable
 * upload.  Return true if the subtransaction began the upload: the entry is
 * off the list then, its memory stays valid, and the caller removes the file.
 * Raise no error.
 */
bool
ffu_resumed_subabort(FfuResumableFile *file, int level)
{
	if (file->levels[BEGUN] >= level)
	{
		dlist_delete(&file->node);
		return true;
	}
	while (file->life != TOUCHED && (file->levels[file->life] >= level ||
									 file->levels[file->life] == 0))
		file->levels[file->life--] = 0;
	if (file->life < WRITTEN)
		file->from = file->to = 0;
	check(file);
	return false;
}

/*
 * The transaction is over: forget everything.  ffu_pending_reset frees the
 * memory.  Raise no error.
 */
void
ffu_resumed_reset(void)
{
	dlist_init(&files);
}
