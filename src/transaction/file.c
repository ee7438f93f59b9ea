/*-------------------------------------------------------------------------
 *
 * file.c
 *	  The life of a file that this transaction staged.
 *
 *	 stage (upload.c)
 *	       |
 *	       v
 *	  +---------+  append (pieces.c)
 *	  | GROWING |-----+
 *	  |         |<----+
 *	  +---------+
 *	       |  the last byte is written; the bytes of an upload in pieces end
 *	       v  when a trigger sees the upload
 *	  +---------+
 *	  |  WHOLE  |
 *	  +---------+
 *	       |  LINK: a BEFORE trigger chooses the path
 *	       v
 *	  +---------+  relink: the path of another row (ON CONFLICT)
 *	  | CHOSEN  |-----+
 *	  |         |<----+
 *	  |         |---------------------+
 *	  +---------+                     |
 *	       |  the AFTER trigger       |  DOOM: a trigger of the user has
 *	       v  sees the path           |  replaced or deleted the row, before
 *	  +---------+                     |  ffu's AFTER trigger
 *	  |  OWNED  |                     |
 *	  +---------+                     |
 *	       |  DOOM: the row lets      |
 *	       v  the path go             |
 *	  +---------+                     |
 *	  | DOOMED  |<--------------------+
 *	  +---------+
 *
 * Every arrow carries the nesting level of its subtransaction.  An arrow needs
 * the arrow before, so the levels never fall on the way down.  An abort of a
 * level takes the file back up, past all arrows of that level or an inner
 * level, to the first state reached further outside; past GROWING the file is
 * removed.  A commit of a level gives its arrows to the parent.
 *
 * What becomes of the file at COMMIT (an ABORT removes every file):
 *
 *	OWNED				published, unless the disk has lost bytes: then COMMIT
 *						fails
 *	any other state		removed.  If the file was expected to be assigned, the
 *						bytes would be lost silently: COMMIT fails or warns, as
 *						ffu.unused_upload says
 *
 * A file is expected to be assigned unless a trigger has seen the file, or a
 * statement made the file for a row (statement.c): the client still has the
 * bytes.  Nobody else has the bytes of a finished resumable upload, so that
 * file must have been owned.
 *
 * The store knows how far the names on the disk got (FfuStep): until publish.c
 * begins, a staging name without a path.  From then on only OWNED files are
 * left.
 *
 * Callbacks of COMMIT and ABORT reach this file, so no function here raises an
 * error or allocates memory (I6).
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "common/cryptohash.h"

#include "transaction/file_private.h"

/* See ffu_file_staged_bytes() */
static int64 staged_bytes = 0;

/*
 * Check, in a build with assertions, that a state is one of the picture.
 */
static void
check(const FfuFile *file)
{
#ifdef USE_ASSERT_CHECKING
	const FfuExtent *extent = file->pieces ? file->pieces->extents : NULL;
	int			outer = 1;
	int			i;

	for (i = FFU_LIFE_GROWING; i <= FFU_LIFE_DOOMED; i++)
	{
		bool		skipped = i == FFU_LIFE_OWNED && file->levels[i] == 0;

		Assert(i > file->life ? file->levels[i] == 0 :
			   file->levels[i] >= outer || (skipped && i < file->life));
		outer = Max(outer, file->levels[i]);
	}
	Assert((file->life >= FFU_LIFE_CHOSEN) == (file->staged.path[0] != '\0'));
	Assert((file->life >= FFU_LIFE_CHOSEN) ==
		   (OidIsValid(file->assignment.table) || file->assignment.moved));
	Assert(file->life >= FFU_LIFE_WHOLE || file->facts.mime == NULL);
	Assert(file->facts.mime != NULL || file->assignment.name == NULL);
	Assert((file->birth.kind == FFU_ORIGIN_RESUMABLE) ==
		   (file->birth.resumable_key != 0));
	Assert(file->pieces == NULL || file->birth.kind == FFU_ORIGIN_CALLER);
	for (; extent; extent = extent->outer)
	{
		Assert(extent->level > file->levels[FFU_LIFE_GROWING]);
		Assert(extent->outer == NULL || extent->outer->level < extent->level);
	}
#endif
}

/*
 * Return how far the life of a file got.
 */
FfuLife
ffu_file_life(const FfuFile *file)
{
	return file->life;
}

/*
 * Has a row ever had the path?
 */
bool
ffu_file_was_owned(const FfuFile *file)
{
	return file->levels[FFU_LIFE_OWNED] > 0;
}

/*
 * May COMMIT drop the bytes of a file that no row has?
 */
static bool
is_expendable(const FfuFile *file)
{
	return file->birth.kind == FFU_ORIGIN_RESUMABLE ?
		ffu_file_was_owned(file) : file->duty != FFU_DUTY_EXPECTED;
}

/*
 * Return what COMMIT would do with a file now.
 */
FfuOutcome
ffu_file_outcome(const FfuFile *file)
{
	if (file->life == FFU_LIFE_OWNED)
		return file->lost ? FFU_OUTCOME_LOST : FFU_OUTCOME_PUBLISHED;
	return is_expendable(file) ? FFU_OUTCOME_REMOVED : FFU_OUTCOME_UNUSED;
}

/*
 * Has the disk refused bytes of the file?
 */
bool
ffu_file_is_lost(const FfuFile *file)
{
	return file->lost;
}

/*
 * Return the path that was chosen, "" before CHOSEN.
 */
const char *
ffu_file_path(const FfuFile *file)
{
	return file->staged.path;
}

/*
 * Return the client's name for messages, "" if there is no name.
 */
const char *
ffu_file_shown(const FfuFile *file)
{
	return file->birth.file_name ? file->birth.file_name : "";
}

/*
 * Return the secret in the text of an upload, 0 if there is no text yet.
 */
uint64
ffu_file_secret(const FfuFile *file)
{
	return file->secret;
}

/*
 * Return members of a file, which live as long as the file.  The pieces
 * are NULL for a file whose bytes came at once.
 */
const FfuBirth *
ffu_file_birth(const FfuFile *file)
{
	return &file->birth;
}

const FfuFacts *
ffu_file_facts(const FfuFile *file)
{
	return &file->facts;
}

const FfuAssignment *
ffu_file_assignment(const FfuFile *file)
{
	return &file->assignment;
}

const FfuPieces *
ffu_file_pieces(const FfuFile *file)
{
	return file->pieces;
}

FfuStaged *
ffu_file_staged(FfuFile *file)
{
	return &file->staged;
}

/*
 * Note that the bytes of a file from outside were copied.
 */
void
ffu_file_copied(FfuFile *file)
{
	Assert(file->birth.kind == FFU_ORIGIN_OUTSIDE);
	file->birth.kind = FFU_ORIGIN_CALLER;
}

/*
 * Note that no row needs to get the file.
 */
void
ffu_file_excuse(FfuFile *file)
{
	file->duty = Max(file->duty, FFU_DUTY_EXCUSED);
}

/*
 * Note that a trigger of a file column has seen the file.  An abort does not
 * take the note back: the client has the bytes.
 */
void
ffu_file_see(FfuFile *file)
{
	file->duty = FFU_DUTY_SEEN;
}

/*
 * Set the secret of an upload.
 */
void
ffu_file_set_secret(FfuFile *file, uint64 secret)
{
	Assert(file->secret == 0 && secret != 0);
	file->secret = secret;
}

/*
 * Set the size of a file, in bytes.
 */
static void
set_size(FfuFile *file, int64 size)
{
	if (file->birth.kind != FFU_ORIGIN_RESUMABLE)
		staged_bytes += size - file->facts.size;
	file->facts.size = size;
}

/*
 * Count len bytes that were written at the end of a file.
 */
void
ffu_file_grow(FfuFile *file, size_t len)
{
	Assert(file->life == FFU_LIFE_GROWING);
	set_size(file, file->facts.size + len);
}

/*
 * Set the facts about a file, which are copied.
 */
void
ffu_file_set_facts(FfuFile *file, const FfuFacts *facts)
{
	set_size(file, facts->size);
	file->facts = *facts;
}

/*
 * Leave a file out of the sum of ffu_file_staged_bytes(), before the file is
 * forgotten.
 */
void
ffu_file_discount(FfuFile *file)
{
	set_size(file, 0);
}

/*
 * Return the sum of the sizes of this transaction's files, in bytes.  Finished
 * resumable uploads are left out: their bytes came before.
 */
int64
ffu_file_staged_bytes(void)
{
	return staged_bytes;
}

/*
 * The transaction is over: no file is left.
 */
void
ffu_file_reset(void)
{
	staged_bytes = 0;
}

/*
 * Note that the disk has refused bytes of a file.
 */
void
ffu_file_lose(FfuFile *file)
{
	file->lost = true;
}

/*
 * Note whether bytes that were taken back are still on the disk.
 */
void
ffu_file_set_torn(FfuFile *file, bool torn)
{
	file->pieces->torn = torn;
}

/*
 * Take the running digest of an upload in pieces away.  The caller frees the
 * digest.
 */
pg_cryptohash_ctx *
ffu_file_take_hash(FfuFile *file)
{
	pg_cryptohash_ctx *hash = file->pieces->hash;

	file->pieces->hash = NULL;
	return hash;
}

/*
 * Free the running digest of an upload in pieces, if any.
 */
void
ffu_file_free_hash(FfuFile *file)
{
	if (file->pieces && file->pieces->hash)
		pg_cryptohash_free(ffu_file_take_hash(file));
}

/*
 * Forget the column for which a path was chosen.
 */
void
ffu_file_forget_assignment(FfuFile *file)
{
	if (file->assignment.name)
		pfree(unconstify(char *, file->assignment.name));
	memset(&file->assignment, 0, sizeof(file->assignment));
}

/*
 * Follow an arrow of the picture in a subtransaction of this level.
 */
void
ffu_file_reach(FfuFile *file, FfuLife life, int level)
{
	Assert(life == FFU_LIFE_GROWING || life == file->life + 1 ||
		   (life == FFU_LIFE_DOOMED && file->life == FFU_LIFE_CHOSEN));
	file->life = life;
	file->levels[life] = level;
	check(file);
}

/*
 * A subtransaction of this level commits: give the bytes that the
 * subtransaction appended to the parent.
 */
static void
raise_pieces(FfuFile *file, int level)
{
	FfuPieces  *pieces = file->pieces;
	FfuExtent  *extent = pieces->extents;

	if (extent == NULL || extent->level < level)
		return;
	extent->level = level - 1;
	if (extent->level <= file->levels[FFU_LIFE_GROWING] ||
		(extent->outer && extent->outer->level == extent->level))
	{
		pieces->extents = extent->outer;
		pfree(extent);
	}
}

/*
 * A subtransaction of this level commits: give its arrows to the parent.
 */
void
ffu_file_subcommit(FfuFile *file, int level)
{
	int			i;

	for (i = FFU_LIFE_GROWING; i <= file->life; i++)
		file->levels[i] = Min(file->levels[i], level - 1);
	if (file->pieces)
		raise_pieces(file, level);
	check(file);
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

		set_size(file, extent->size);
		pieces->torn = true;
		pieces->extents = extent->outer;
		pfree(extent);
	}
	if (pieces->torn)
		ffu_file_free_hash(file);
}

/*
 * A subtransaction of this level aborts: take the file back to the last state
 * that an outer level has reached.  Return false if an outer level has reached
 * no state: then the caller removes the file, which is unchanged.
 */
bool
ffu_file_subabort(FfuFile *file, int level)
{
	if (file->levels[FFU_LIFE_GROWING] >= level)
		return false;
	while (file->levels[file->life] >= level || file->levels[file->life] == 0)
		file->levels[file->life--] = 0;
	if (file->pieces)
		take_back_pieces(file, level);
	if (file->life < FFU_LIFE_CHOSEN)
	{
		file->staged.path[0] = '\0';
		ffu_file_forget_assignment(file);
	}
	if (file->life < FFU_LIFE_WHOLE)
		file->facts.mime = NULL;
	check(file);
	return true;
}
