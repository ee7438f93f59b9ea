/*-------------------------------------------------------------------------
 *
 * usage.c
 *	  SQL functions: count stored files, for quotas, and tell limits.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <sys/stat.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "base/settings.h"
#include "column/scan.h"
#include "store/dir/root.h"
#include "transaction/deletion.h"
#include "transaction/pending.h"
#include "transaction/quota.h"
#include "transaction/usage.h"
#include "upload/limit.h"

FFU_FUNCTION(ffu_sql_count_files);
FFU_FUNCTION(ffu_sql_count_folder);
FFU_FUNCTION(ffu_sql_size_on_disk);
FFU_FUNCTION(ffu_sql_reset_counting);
FFU_FUNCTION(ffu_sql_limits);

/* The result of count() and count_name() */
typedef struct Count
{
	int64		files;
	int64		bytes;
	MemoryContext context;		/* of count_name() */
} Count;

/*
 * FfuPathVisitor: count the file of a path, unless the removal is certain.
 */
static bool
count(const char *path, TupleTableSlot *slot, void *arg)
{
	Count	   *count = arg;
	int64		size;

	if (ffu_deletion_is_removed(path))
		return true;
	size = ffu_usage_size(path);
	if (size >= 0)
	{
		count->files++;
		count->bytes += size;
	}
	return true;
}

/*
 * FfuNameVisitor: count a file of the folder, unless the removal is certain.
 */
static void
count_name(const char *path, const FfuLook *look, int error, void *arg)
{
	Count	   *counted = arg;
	MemoryContext old = MemoryContextSwitchTo(counted->context);

	if (error == 0 && S_ISREG(look->mode) && !ffu_deletion_is_removed(path))
	{
		counted->files++;
		counted->bytes += look->size;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(counted->context);
}

/*
 * Return a row of two numbers.
 */
static Datum
form_count(FunctionCallInfo fcinfo, const Count *counted)
{
	TupleDesc	desc;
	Datum		values[2];
	bool		isnull[2] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int64GetDatum(counted->files);
	values[1] = Int64GetDatum(counted->bytes);
	return HeapTupleGetDatum(heap_form_tuple(desc, values, isnull));
}

/*
 * ffu._count_folder(): the number and bytes of all published files, whether a
 * row has them or not.  Raise 55000 without a usable folder.
 */
Datum
ffu_sql_count_folder(PG_FUNCTION_ARGS)
{
	FfuStore   *store = ffu_root_use();
	Count		counted = {0};

	counted.context = AllocSetContextCreate(CurrentMemoryContext, "ffu count",
											ALLOCSET_SMALL_SIZES);
	store->methods->walk(store, count_name, &counted);
	MemoryContextDelete(counted.context);
	PG_RETURN_DATUM(form_count(fcinfo, &counted));
}

/*
 * ffu._count_files(relation oid, attnum int2): the number and bytes of the
 * files that the rows of a table have in a column.
 */
Datum
ffu_sql_count_files(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(PG_GETARG_OID(0), AccessShareLock);
	Count		counted = {0};

	(void) ffu_root_use();
	ffu_scan_paths(rel, PG_GETARG_INT16(1), count, &counted);
	table_close(rel, NoLock);
	PG_RETURN_DATUM(form_count(fcinfo, &counted));
}

/*
 * ffu._size_on_disk(path text): the size of a published file in bytes, or NULL
 * if there is no such file.
 */
Datum
ffu_sql_size_on_disk(PG_FUNCTION_ARGS)
{
	int64		size = ffu_usage_size(text_to_cstring(PG_GETARG_TEXT_PP(0)));

	if (size < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(size);
}

/*
 * ffu._reset_counting(): forget whether ffu counts.  A transaction that has
 * stored or deleted files has not counted the files, and cannot change the
 * answer.  An old snapshot would miss sums of other transactions.  Raise 25001.
 */
Datum
ffu_sql_reset_counting(PG_FUNCTION_ARGS)
{
	if (XactIsoLevel != XACT_READ_COMMITTED)
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("files must be counted in a READ COMMITTED transaction"),
				 errhint("Call the function after BEGIN ISOLATION LEVEL READ COMMITTED.")));
	if (ffu_pending_active())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("files cannot be counted in a transaction that has stored or deleted files"),
				 errhint("Commit first, and call the function in a separate transaction.")));
	ffu_root_release();
	ffu_usage_reset();
	ffu_quota_reset();
	PG_RETURN_VOID();
}

/*
 * ffu._limits(): what this transaction has used of its limits, and the limits
 * of this role; NULL for no limit.
 */
Datum
ffu_sql_limits(PG_FUNCTION_ARGS)
{
	Datum		values[5];
	bool		isnull[5] = {false};
	TupleDesc	desc;

	values[0] = Int64GetDatum(ffu_limit_staged());
	values[1] = Int64GetDatum((int64) ffu_setting_max_staged * 1024);
	isnull[1] = ffu_setting_max_staged < 0;
	values[2] = Float8GetDatum(ffu_limit_detection() / 1000.0);
	values[3] = Int32GetDatum(ffu_setting_max_detection_time);
	isnull[3] = ffu_setting_max_detection_time < 0;
	values[4] = Int32GetDatum(ffu_setting_max_uploads);
	isnull[4] = ffu_setting_max_uploads < 0;
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, isnull)));
}
