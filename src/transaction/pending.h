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

/* Doomed paths kept in memory, to be removed right after commit */
#define FFU_DOOMS_MAX		100

/*
 * Size of an upload in pieces before the first append of a subtransaction.  A
 * list; inner subtransactions come first.
 */
typedef struct FfuExtent
{
	struct FfuExtent *outer;
	int			level;
	int64		size;			/* in bytes */
} FfuExtent;

/* State of an upload that gets its bytes in pieces. */
typedef struct FfuPieces
{
	int64		max_size;		/* -1: the database's limit only */
	struct pg_cryptohash_ctx *hash; /* NULL: bytes were taken back; digest the
									 * whole file at the end */
	bool		torn;			/* bytes taken back are still on the disk */
	int			closed_level;	/* assigned: no more bytes; 0: not assigned */
	FfuExtent  *extents;
} FfuPieces;

/*
 * A file that this transaction staged.  Levels are subtransaction nesting
 * levels; 0 says that the event has not happened.
 */
typedef struct FfuFile
{
	dlist_node	node;			/* in the order of staging */
	dlist_node	nested_node;	/* in FfuPending.nested */
	bool		nested;			/* nested_node is in the list */
	FfuStaged	staged;
	uint64		secret;			/* in the upload's text; 0: it has none yet */
	int			stage_level;	/* STAGE: the bytes were handed over */
	int			link_level;		/* LINK: staged.path was chosen */
	int			owned_level;	/* a row has the path */
	int			doomed_level;	/* DOOM: the row let the path go */
	bool		seen;			/* by a trigger of a file column */
	bool		excused;		/* may go unused; see statement.c */
	bool		fixed_ext;		/* a copy: keep the extension of the path */
	bool		linked;			/* a link to a file outside, not a copy */
	bool		lost;			/* the disk refused bytes, perhaps of an outer
								 * level: never commit */
	bool		relocated;		/* a new path; the companions stay */
	FfuSource  *source;			/* remove after commit; NULL: no source */
	FfuPieces  *pieces;			/* NULL: all bytes came at once */
	int64		resumed_key;	/* of the finished resumable upload; 0: none */
	/* Set when the last byte was written */
	bool		complete;
	int64		size;			/* in bytes */
	char		sha256[FFU_SHA256_HEX_LEN + 1];
	char	   *file_name;		/* the client's name, cleaned; NULL: no name */
	char		ext[FFU_EXT_MAX + 1];	/* "" for no extension */
	/* Set by LINK: column and file name */
	Oid			link_table;
	const char *link_key;		/* FfuColumn.key, interned */
	char	   *chosen_name;
	const FfuMime *mime;		/* shared by all files of the same kind */
} FfuFile;

/*
 * The file of a resumable upload that this transaction has touched.
 */
typedef struct FfuResumableFile
{
	dlist_node	node;
	uint64		fxid;			/* names the file; see resumable_id.h */
	int64		key;
	int			fd;				/* -1 if not open */
	int			dirty_level;	/* 0: nothing to sync before commit */
	int64		from;			/* first byte to sync */
	int64		to;				/* end of the bytes to sync; 0: no bytes */
	bool		lost;			/* the disk refused bytes: never commit */
	int			made_level;		/* begun; 0: by an earlier transaction */
	int			gone_level;		/* finished or cancelled; 0: neither */
} FfuResumableFile;

/* An older path, to be removed if this transaction commits */
typedef struct FfuDoom
{
	char		path[FFU_PATH_MAX + 1];
	int			level;
} FfuDoom;

/* Everything pending in this transaction. */
typedef struct FfuPending
{
	bool		active;			/* an event happened in this transaction */
	bool		closed;			/* step 6 is done: refuse new events */
	dlist_head	files;			/* of FfuFile */
	dlist_head	nested;			/* of FfuFile with an event above level 1 */
	uint32		nfiles;
	uint32		last_n;			/* number of the newest file */
	dlist_head	resumed;		/* of FfuResumableFile */
	/* DOOM */
	FfuDoom		dooms[FFU_DOOMS_MAX];
	int			ndooms;			/* used entries of dooms */
	bool		too_many_dooms; /* more dooms happened: the sweep has work */
	bool		marked;			/* a path was detached, or dangles */
	TransactionId doom_xid;		/* newest (sub)transaction id with a doom */
	Oid			deletion_relid; /* ffu.deletion; InvalidOid without dooms */
	/* Between PRE_COMMIT and release */
	Relation	deletion_rel;	/* ffu.deletion, open for its horizon */
	TransactionId horizon;
} FfuPending;

extern FfuPending ffu_pending;

extern void ffu_pending_require_open(void);
extern FfuFile *ffu_pending_stage(const char *file_name);
extern FfuFile *ffu_pending_by_number(uint32 n);
extern FfuFile *ffu_pending_by_path(const char *path);
extern void ffu_pending_link(FfuFile *file, const char *path);
extern bool ffu_pending_relink(FfuFile *file, const char *path);
extern void ffu_pending_own(FfuFile *file);
extern void ffu_pending_doom_own(FfuFile *file);
extern void ffu_pending_doom(const char *path, Oid deletion_relid);
extern void ffu_pending_doubt(Oid deletion_relid);
extern void ffu_pending_forget_dooms(void);
extern void ffu_pending_wish(const char *path);
extern bool ffu_pending_take_wish(const char *path);
extern void ffu_pending_move(FfuFile *file, const FfuSource *source);
extern FfuResumableFile *ffu_pending_resume(uint64 fxid, int64 key);
extern void ffu_pending_resume_made(FfuResumableFile *resumed);
extern void ffu_pending_resume_written(FfuResumableFile *resumed, int64 from,
									   int64 to);
extern void ffu_pending_resume_gone(FfuResumableFile *resumed);
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
extern bool ffu_pending_subabort_resumed(FfuResumableFile *resumed, int level);
extern void ffu_pending_subabort_dooms(int level);
extern void ffu_pending_remove(FfuFile *file);
extern void ffu_pending_reset(void);

#endif							/* FFU_PENDING_H */
