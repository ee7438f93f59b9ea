/*-------------------------------------------------------------------------
 *
 * init.c
 *	  What happens when the library is loaded.
 *
 * Layer 13.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "ffu.h"

#include "miscadmin.h"

#include "column.h"
#include "drop.h"
#include "end.h"
#include "guc.h"
#include "mime.h"
#include "share.h"
#include "statement.h"
#include "worker.h"

PG_MODULE_MAGIC;

/*
 * Called once in a process: in a backend at the first use of ffu, or in the
 * postmaster if the library is in shared_preload_libraries.
 */
void
_PG_init(void)
{
	ffu_guc_init();
	ffu_column_init();
	ffu_drop_init();
	ffu_statement_init();
	ffu_end_init();
	if (process_shared_preload_libraries_in_progress)
	{
		ffu_guc_preloaded = true;
		ffu_share_init();
		ffu_worker_init();
		ffu_mime_preload();
	}
}
