/*-------------------------------------------------------------------------
 *
 * query.c
 *	  Commands in SQL that ffu runs, through SPI.
 *
 * Rights, search path and snapshot are the caller's: see rights.c.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "executor/spi.h"
#include "utils/guc.h"

#include "base/query.h"
#include "base/rights.h"

/*
 * Run a command with nargs parameters of these types, of which nulls may be
 * NULL, and leave SPI open.  The caller reads SPI_processed and SPI_tuptable,
 * and then calls SPI_finish().
 */
void
ffu_query_open(const char *command, int nargs, Oid *types, Datum *values,
			   const char *nulls, bool read_only)
{
	int			result;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	result = SPI_execute_with_args(command, nargs, types, values, nulls,
								   read_only, 0);
	if (result < 0)
		elog(ERROR, "could not run \"%s\": %s", command,
			 SPI_result_code_string(result));
}

/*
 * Run a command with nargs parameters, none of which is null, and return the
 * number of rows that the command changed or returned.
 */
uint64
ffu_query_run(const char *command, int nargs, Oid *types, Datum *values)
{
	uint64		processed;

	ffu_query_open(command, nargs, types, values, NULL, false);
	processed = SPI_processed;
	SPI_finish();
	return processed;
}

/*
 * Run a command on a table with the rights of the table's owner, and with this
 * value of a setting.
 */
void
ffu_query_run_as_owner(Oid relid, const char *setting, const char *value,
					   const char *command)
{
	FfuRights	saved;
	int			level = NewGUCNestLevel();

	ffu_rights_become(relid, &saved);
	ffu_rights_set(setting, value);
	(void) ffu_query_run(command, 0, NULL, NULL);
	ffu_rights_back(&saved);
	AtEOXact_GUC(false, level);
}
