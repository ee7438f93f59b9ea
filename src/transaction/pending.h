/*-------------------------------------------------------------------------
 *
 * pending.h
 *	  What this transaction has done to files: STAGE, LINK and DOOM.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_PENDING_H
#define FFU_PENDING_H

#include "base/ffu.h"
#include "lib/ilist.h"
#include "storage/block.h"
#include "utils/relcache.h"

#include "store/dir/syscall.h"
#include "store/store.h"
#include "text/mime.h"

/* So many doomed paths are kept in memory, to be removed right after commit. */
#define FFU_DOOMS_MAX		100

/*
 * How large an upload in pieces was when a subtransaction first appended to
 * it; inner ones come first.
 */
typedef struct FfuExtent
{
	struct FfuExtent *outer;
	int			level;
	int64		size;			/* in bytes */
} FfuExtent;

/* What an upload is that gets its bytes in pieces. */
typedef struct FfuPieces
{
	int64		max_size;		/* in bytes; -1: the database's limit only */
	struct pg_cryptohash_ctx *hash; /* NULL: bytes were taken back, and the
									 * digest will be that of the file */
	bool		torn;			/* bytes that were taken back are still there */
	int			closed_level;	/* assigned: no more bytes; 0 if not */
	FfuExtent  *extents;
} FfuPieces;

/*
 * One file that this transaction staged.  The levels are subtransaction
 * nesting levels; 0 says that it has not happened.
 */
typedef struct FfuFile
{
	dlist_node	node;			/* in the order of staging */
	dlist_node	nested_node;	/* among those with an event above level 1 */
	bool		nested;			/* is it there? */
	FfuStaged	staged;
	uint64		secret;			/* in the upload's text; 0: it has none yet */
	int			stage_level;	/* STAGE: the bytes were handed over */
	int			link_level;		/* LINK: staged.path was chosen */
	int			owned_level;	/* a row has the path */
	int			doomed_level;	/* DOOM: no row has it any more */
	bool		seen;			/* a file column's trigger has seen it */
	bool		excused;		/* no row need take it; see statement.c */
	bool		fixed_ext;		/* a copy: its extension is that of its path */
	bool		linked;			/* a file from outside itself, not a copy */
	bool		lost;			/* the disk has refused bytes, perhaps of an
								 * outer level: never to be committed */
	bool		relocated;		/* under a new path; the companions stay */
	FfuSource  *source;			/* to be removed after commit; NULL if none */
	FfuPieces  *pieces;			/* NULL: its bytes came all at once */
	int64		resumed_key;	/* the resumable upload that it finishes; 0 */
	/* What is known of it, from when its last byte was written */
	bool		complete;
	int64		size;			/* in bytes */
	char		sha256[FFU_SHA256_HEX_LEN + 1];
	char	   *file_name;		/* the client's, cleaned; NULL if none */
	char		ext[FFU_EXT_MAX + 1];	/* "" if none */
	/* From LINK on: whose value it is, and under which name */
	Oid			link_table;
	const char *link_key;		/* FfuColumn.key, interned */
	char	   *chosen_name;
	const FfuMime *mime;		/* shared by all files of the same kind */
} FfuFile;

/*
 * The file of a resumable upload that this transaction has touched.
 */
typedef struct FfuResumed
{
	dlist_node	node;
	uint64		fxid;			/* its name; see resumable_id.h */
	int64		key;
	int			fd;				/* -1 if not open */
	int			dirty_level;	/* is to be made durable before commit, from */
	int64		from;			/* here on, */
	int64		to;				/* to here; 0 if not written to */
	bool		lost;			/* the disk has refused bytes of it */
	int			made_level;		/* begun; 0 if not in this transaction */
	int			gone_level;		/* finished or given up; 0 if not */
} FfuResumed;

/* A path of an earlier transaction that goes if this one commits. */
typedef struct FfuDoom
{
	char		path[FFU_PATH_MAX + 1];
	int			level;
} FfuDoom;

/* Everything pending in this transaction. */
typedef struct FfuPending
{
	bool		active;			/* anything at all since it began? */
	bool		closed;			/* step 6 is done: nothing may be added */
	dlist_head	files;			/* of FfuFile */
	dlist_head	nested;			/* those with an event above level 1 */
	uint32		nfiles;
	uint32		last_n;			/* the number given last */
	dlist_head	resumed;		/* of FfuResumed */
	/* DOOM */
	FfuDoom		dooms[FFU_DOOMS_MAX];
	int			ndooms;			/* how many of them are used */
	bool		too_many_dooms; /* there were more: the sweep has work */
	bool		marked;			/* a path was detached, or dangles */
	TransactionId doom_xid;		/* newest transaction id that doomed */
	Oid			deletion_relid; /* ffu.deletion; InvalidOid without dooms */
	/* Between PRE_COMMIT and release */
	Relation	deletion_rel;	/* open, for its horizon */
	TransactionId horizon;
} FfuPending;

extern FfuPending ffu_pending;

extern void ffu_pending_require_open(void);
extern FfuFile *ffu_pending_stage(const char *file_name);
extern FfuFile *ffu_pending_by_number(uint32 n);
extern FfuFile *ffu_pending_by_path(const char *path);
extern void ffu_pending_link(FfuFile *file, const char *path);
extern void ffu_pending_own(FfuFile *file);
extern void ffu_pending_doom_own(FfuFile *file);
extern void ffu_pending_doom(const char *path, Oid deletion_relid);
extern void ffu_pending_forget_dooms(void);
extern void ffu_pending_wish(const char *path);
extern bool ffu_pending_take_wish(const char *path);
extern void ffu_pending_move(FfuFile *file, const FfuSource *source);
extern FfuResumed *ffu_pending_resume(uint64 fxid, int64 key);
extern void ffu_pending_resume_made(FfuResumed *resumed);
extern void ffu_pending_resume_written(FfuResumed *resumed, int64 from,
									   int64 to);
extern void ffu_pending_resume_gone(FfuResumed *resumed);
extern void ffu_pending_begin_pieces(FfuFile *file, int64 max_size);
extern struct pg_cryptohash_ctx *ffu_pending_hash(void);
extern void ffu_pending_append(FfuFile *file);
extern void ffu_pending_close_pieces(FfuFile *file);
extern char *ffu_pending_strdup(const char *text);
extern const char *ffu_pending_intern(const char *text);
extern const FfuMime *ffu_pending_mime(const FfuMime *mime);

/* For the transaction callbacks: raise no error */
extern bool ffu_pending_lives(const FfuFile *file);
extern void ffu_pending_subcommit(int level);
extern bool ffu_pending_subabort(FfuFile *file, int level);
extern bool ffu_pending_subabort_resumed(FfuResumed *resumed, int level);
extern void ffu_pending_subabort_dooms(int level);
extern void ffu_pending_remove(FfuFile *file);
extern void ffu_pending_reset(void);

#endif							/* FFU_PENDING_H */
