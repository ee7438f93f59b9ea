/*-------------------------------------------------------------------------
 *
 * sorted.h
 *	  Lists of tuples sorted by path, of any length.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_SORTED_H
#define FFU_SORTED_H

#include "base/ffu.h"
#include "executor/tuptable.h"

struct Tuplesortstate;

/* A list, in both phases: adding tuples, then reading them */
typedef struct FfuSorted
{
	struct Tuplesortstate *sort;
	TupleTableSlot *in;
	TupleTableSlot *out;		/* the current tuple */
	bool		more;			/* out holds a tuple */
	int64		count;			/* for the caller's use */
} FfuSorted;

extern void ffu_sorted_begin(FfuSorted *sorted, TupleDesc desc);
extern void ffu_sorted_put(FfuSorted *sorted, const Datum *values,
						   const bool *isnull);
extern void ffu_sorted_rewind(FfuSorted *sorted);
extern void ffu_sorted_next(FfuSorted *sorted);
extern void ffu_sorted_end(FfuSorted *sorted);

#endif							/* FFU_SORTED_H */
