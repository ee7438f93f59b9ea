/*-------------------------------------------------------------------------
 *
 * file_private.h
 *	  The members of FfuFile, for file.c and pending.c only.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_FILE_PRIVATE_H
#define FFU_FILE_PRIVATE_H

#include "lib/ilist.h"

#include "transaction/file.h"

/* Must a row get the file by COMMIT?  The answer only moves down this list. */
typedef enum FfuDuty
{
	FFU_DUTY_EXPECTED,			/* yes */
	FFU_DUTY_EXCUSED,			/* no, the file was made for a row of a
								 * statement; see statement.c */
	FFU_DUTY_SEEN				/* no, a trigger of a file column has seen the
								 * file, so that the client has the bytes */
} FfuDuty;

struct FfuFile
{
	/* Lists of pending.c */
	dlist_node	node;			/* in the order of staging */
	dlist_node	nested_node;	/* zero if not in the list of nested files */

	FfuStaged	staged;			/* what the store knows */
	FfuBirth	birth;
	uint64		secret;			/* in the upload's text; 0: it has none yet */

	/*
	 * The fate.  levels has the subtransaction nesting level in which each
	 * state was reached; 0 for a state that was not reached.
	 */
	int			levels[FFU_LIFE_DOOMED + 1];
	FfuLife		life:8;
	FfuDuty		duty:8;
	bool		lost;			/* the disk refused bytes, perhaps of an outer
								 * level: never commit */

	FfuFacts	facts;
	FfuPieces  *pieces;			/* NULL: all bytes came at once */
	FfuAssignment assignment;	/* from CHOSEN on */
};

/* palloc() rounds sizes up to a power of 2: a transaction may have many files. */
StaticAssertDecl(sizeof(struct FfuFile) <= 512, "FfuFile is too large");

#endif							/* FFU_FILE_PRIVATE_H */
