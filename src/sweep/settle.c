/*-------------------------------------------------------------------------
 *
 * settle.c
 *	  Settles a staging name: the last step of a file, after commit or abort.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "base/fault.h"
#include "base/shared.h"
#include "sweep/settle.h"
#include "text/path.h"

/*
 * Parse a staging name into *staged, and set *fate to the fate of its
 * transaction.  Return false if the name is not a staging name of ffu.
 */
bool
ffu_settle_read(const char *name, FfuStaged *staged, FfuFate *fate)
{
	memset(staged, 0, sizeof(*staged));
	staged->file = FFU_SPOOL_CLOSED;
	if (!ffu_staging_parse(name, &staged->fxid, &staged->n, &staged->run,
						   staged->path))
		return false;
	staged->step = staged->path[0] == '\0' ?
		FFU_STEP_STAGED : FFU_STEP_PUBLISHED;
	*fate = ffu_xid_fate_in_run(staged->fxid, staged->run);
	return true;
}

/*
 * Remove the staging name of a file; if the file's transaction did not commit,
 * remove the file first.  Return 0 or an error number.
 */
int
ffu_settle(FfuStore *store, FfuStaged *staged, bool committed)
{
	int			result;

	if (committed)
		result = store->methods->finish(store, staged);
	else
		result = store->methods->undo(store, staged);
	ffu_shared_count(result == 0 ? FFU_COUNT_SWEPT_FILES : FFU_COUNT_FAILED, 1);
	FFU_FAULT("sweep-after-name");
	return result;
}
