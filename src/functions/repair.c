/*-------------------------------------------------------------------------
 *
 * repair.c
 *	  SQL functions behind ffu.repair() that change files.
 *
 * Each function does one thing to one file, so that a repair can be
 * interrupted between any two calls.  No function unlinks bytes: an orphan is
 * moved.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "base/error.h"
#include "store/dir/root.h"
#include "store/dir/walk.h"
#include "transaction/deletion.h"

FFU_FUNCTION(ffu_sql_digest);
FFU_FUNCTION(ffu_sql_quarantine);
FFU_FUNCTION(ffu_sql_reset_mode);

/*
 * Return argument 0, a name below the root as ffu._check_files() returns.
 * Raise an error if the name leads out of the folder or into the .ffu
 * directory.
 */
static char *
path_argument(FunctionCallInfo fcinfo)
{
	char	   *path = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const char *p = path;
	bool		good = strlen(path) <= FFU_PATH_MAX;

	while (good)
	{
		size_t		len = strcspn(p, "/");

		good = len > 0 && strncmp(p, ".", len) != 0 &&
			strncmp(p, "..", Max(len, 2)) != 0 &&
			(p != path || strncmp(p, FFU_CONTROL_DIR, Max(len, 4)) != 0);
		if (p[len] == '\0')
			break;
		p += len + 1;
	}
	if (!good)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot repair file \"%s\"",
						ffu_shown(path, strlen(path))),
				 errdetail("The name has over %d bytes, or cannot be the name of a file in the folder.",
						   FFU_PATH_MAX),
				 errhint("Move or rename it by hand.")));
	return path;
}

/*
 * ffu._digest(path text, OUT size bigint, OUT sha256 text): return size and
 * checksum of a file.
 */
Datum
ffu_sql_digest(PG_FUNCTION_ARGS)
{
	char	   *path = path_argument(fcinfo);
	char		sha256[FFU_SHA256_HEX_LEN + 1];
	FfuStore   *store = ffu_root_use();
	FfuReader	reader = {0};
	int64		size;
	int			result = store->methods->open(store, FFU_ORIGIN_PATH, path,
											  &reader);
	Datum		values[2];
	bool		isnull[2] = {false};
	TupleDesc	desc;

	if (result == 0)
		result = ffu_reader_digest(&reader, sha256, &size);
	if (result != 0)
		ffu_raise_io(result, "read file", path);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int64GetDatum(size);
	values[1] = CStringGetTextDatum(sha256);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, isnull)));
}

/*
 * ffu._quarantine(path text): move an orphan to .ffu/quarantine, durably.
 * Since the check, no row can have gained the path: a path is not used again
 * (I3; a restore aside).  But a deletion may have been recorded meanwhile;
 * then raise 55000.
 */
Datum
ffu_sql_quarantine(PG_FUNCTION_ARGS)
{
	char	   *path = path_argument(fcinfo);
	FfuStore   *store = ffu_root_use();
	int			result;

	ffu_walk_prevent("ffu.repair()");
	if (ffu_deletion_has(path))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("file \"%s\" is about to be deleted", path),
				 errdetail("ffu.deletion has a row for it."),
				 errhint("Leave it to the sweep.")));
	result = store->methods->quarantine(store, path);
	if (result != 0)
		ffu_raise_io(result, "quarantine file", path);
	PG_RETURN_VOID();
}

/*
 * ffu._reset_mode(path text): give a file the mode of ffu.file_mode.
 */
Datum
ffu_sql_reset_mode(PG_FUNCTION_ARGS)
{
	char	   *path = path_argument(fcinfo);
	FfuStore   *store = ffu_root_use();
	int			result;

	ffu_walk_prevent("ffu.repair()");
	result = store->methods->set_mode ?
		store->methods->set_mode(store, path) : ENOTSUP;
	if (result != 0)
		ffu_raise_io(result, "set mode of file", path);
	PG_RETURN_VOID();
}
