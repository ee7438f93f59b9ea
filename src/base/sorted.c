/*-------------------------------------------------------------------------
 *
 * sorted.c
 *	  Lists of tuples sorted by path, of any length.
 *
 * The server's tuplesort does the work in work_mem, and in temporary files
 * beyond work_mem.  Paths are compared by bytes, as strcmp() compares.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/tuplesort.h"

#include "base/sorted.h"

/*
 * Begin a sorted list.  The first column of desc must be a path.
 */
void
ffu_sorted_begin(FfuSorted *sorted, TupleDesc desc)
{
	AttrNumber	attnum = 1;
	Oid			operator = TextLessOperator;
	Oid			collation = C_COLLATION_OID;
	bool		nulls_first = false;

	sorted->sort = tuplesort_begin_heap(desc, 1, &attnum, &operator,
										&collation, &nulls_first,
										work_mem, NULL, 0);
	sorted->in = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	sorted->out = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	sorted->count = 0;
	sorted->more = false;
}

/*
 * Add a tuple to a list before ffu_sorted_rewind().
 */
void
ffu_sorted_put(FfuSorted *sorted, const Datum *values, const bool *isnull)
{
	int			natts = sorted->in->tts_tupleDescriptor->natts;

	ExecClearTuple(sorted->in);
	memcpy(sorted->in->tts_values, values, natts * sizeof(Datum));
	memcpy(sorted->in->tts_isnull, isnull, natts * sizeof(bool));
	ExecStoreVirtualTuple(sorted->in);
	tuplesort_puttupleslot(sorted->sort, sorted->in);
}

/*
 * Go to the next tuple of a sorted list; more is false after the last tuple.
 */
void
ffu_sorted_next(FfuSorted *sorted)
{
	sorted->more = tuplesort_gettupleslot(sorted->sort, true, false,
										  sorted->out, NULL);
}

/*
 * Sort a list after its last tuple was added, and go to the first tuple.
 */
void
ffu_sorted_rewind(FfuSorted *sorted)
{
	tuplesort_performsort(sorted->sort);
	ffu_sorted_next(sorted);
}

/*
 * End a sorted list.
 */
void
ffu_sorted_end(FfuSorted *sorted)
{
	ExecDropSingleTupleTableSlot(sorted->in);
	ExecDropSingleTupleTableSlot(sorted->out);
	tuplesort_end(sorted->sort);
}
