/*-------------------------------------------------------------------------
 *
 * file.h
 *	  The life of a file that this transaction staged.
 *
 * The members of FfuFile are in file_private.h, which only file.c and
 * pending.c include.  All other code reads const members, and changes
 * a file by the functions of file.h and pending.h.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_FILE_H
#define FFU_FILE_H

#include "base/ffu.h"

#include "store/dir/outside.h"
#include "store/store.h"
#include "text/mime.h"

typedef struct FfuFile FfuFile;

/* How far a file's life got; the picture is in file.c */
typedef enum FfuLife
{
	FFU_LIFE_GROWING,			/* STAGE: bytes may follow */
	FFU_LIFE_WHOLE,				/* all bytes are there */
	FFU_LIFE_CHOSEN,			/* LINK: has a path, for a row */
	FFU_LIFE_OWNED,				/* a row has the path */
	FFU_LIFE_DOOMED				/* DOOM: the row let the path go */
} FfuLife;

/* What COMMIT does with a file */
typedef enum FfuOutcome
{
	FFU_OUTCOME_PUBLISHED,
	FFU_OUTCOME_LOST,			/* published, if the disk had not lost bytes */
	FFU_OUTCOME_REMOVED,
	FFU_OUTCOME_UNUSED			/* removed, and nobody else has the bytes */
} FfuOutcome;

/* Where a file came from */
typedef struct FfuBirth
{
	FfuOriginKind kind;			/* CALLER also if bytes were copied from
								 * outside */
	bool		ext_fixed;		/* a copy: keep the extension of the path */
	char		ext[FFU_EXT_MAX + 1];	/* that extension, "" for none */
	const char *file_name;		/* the client's name, cleaned; NULL: no name */
	int64		resumable_key;	/* RESUMABLE: the finished upload; else 0 */
	FfuSource  *source;			/* remove after commit; NULL: no source */
} FfuBirth;

/* Facts about the bytes of a file */
typedef struct FfuFacts
{
	int64		size;			/* in bytes, so far */
	const FfuMime *mime;		/* NULL: the bytes have not been read */
	char		sha256[FFU_SHA256_HEX_LEN + 1];
	char		ext[FFU_EXT_MAX + 1];	/* "" for no extension */
} FfuFacts;

/* For which column a path was chosen, and what the row says of the file */
typedef struct FfuAssignment
{
	Oid			table;			/* FfuColumn.top */
	bool		to_bucket;		/* FfuColumn.to_bucket */
	bool		moved;			/* the path is of a row that stays as it is */
	bool		move_later;		/* the worker moves the file to the bucket */
	char		ext[FFU_EXT_MAX + 1];	/* "" for no extension */
	const char *key;			/* FfuColumn.key */
	const char *name;			/* file name; NULL: the row keeps its
								 * companions */
} FfuAssignment;

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

/* State of an upload that gets its bytes in pieces */
typedef struct FfuPieces
{
	int64		max_size;		/* -1: the database's limit only */
	struct pg_cryptohash_ctx *hash; /* NULL: bytes were taken back; digest the
									 * whole file at the end */
	bool		torn;			/* bytes taken back are still on the disk */
	FfuExtent  *extents;
} FfuPieces;

/* Ask */
extern FfuLife ffu_file_life(const FfuFile *file);
extern bool ffu_file_was_owned(const FfuFile *file);
extern FfuOutcome ffu_file_outcome(const FfuFile *file);
extern bool ffu_file_is_lost(const FfuFile *file);
extern const char *ffu_file_path(const FfuFile *file);
extern const char *ffu_file_shown(const FfuFile *file);
extern uint64 ffu_file_secret(const FfuFile *file);
extern const FfuBirth *ffu_file_birth(const FfuFile *file);
extern const FfuFacts *ffu_file_facts(const FfuFile *file);
extern const FfuAssignment *ffu_file_assignment(const FfuFile *file);
extern const FfuPieces *ffu_file_pieces(const FfuFile *file);
extern int64 ffu_file_staged_bytes(void);

/* What the store knows; only functions of the store change the answer */
extern FfuStaged *ffu_file_staged(FfuFile *file);

/* Tell */
extern void ffu_file_copied(FfuFile *file);
extern void ffu_file_excuse(FfuFile *file);
extern void ffu_file_see(FfuFile *file);
extern void ffu_file_set_secret(FfuFile *file, uint64 secret);
extern void ffu_file_grow(FfuFile *file, size_t len);
extern void ffu_file_set_facts(FfuFile *file, const FfuFacts *facts);
extern void ffu_file_lose(FfuFile *file);
extern void ffu_file_set_torn(FfuFile *file, bool torn);
extern struct pg_cryptohash_ctx *ffu_file_take_hash(FfuFile *file);

/* For pending.c */
extern void ffu_file_reach(FfuFile *file, FfuLife life, int level);
extern void ffu_file_subcommit(FfuFile *file, int level);
extern bool ffu_file_subabort(FfuFile *file, int level);
extern void ffu_file_free_hash(FfuFile *file);
extern void ffu_file_forget_assignment(FfuFile *file);
extern void ffu_file_discount(FfuFile *file);
extern void ffu_file_reset(void);

#endif							/* FFU_FILE_H */
