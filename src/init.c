/*-------------------------------------------------------------------------
 *
 * init.c
 *	  Initialization when the server loads the library.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "miscadmin.h"

#include "base/settings.h"
#include "base/shared.h"
#include "column/column.h"
#include "column/drop.h"
#include "column/former.h"
#include "store/bucket/both.h"
#include "standby_worker.h"
#include "sweep/put_back.h"
#include "text/mime.h"
#include "transaction/statement.h"
#include "transaction_end.h"
#include "wal/arrived.h"
#include "wal/queue.h"
#include "wal/redo.h"
#include "worker.h"

PG_MODULE_MAGIC;

/*
 * Initialize the library.  Called once in a process: in a backend at the first
 * use of ffu, or in the postmaster if shared_preload_libraries lists the
 * library.
 */
void
_PG_init(void)
{
	if (process_shared_preload_libraries_in_progress)
		ffu_setting_preloaded = true;
	ffu_setting_init();
	ffu_column_init();
	ffu_former_init();
	ffu_drop_init();
	ffu_statement_init();
	ffu_end_init();
	ffu_put_back_init();
	ffu_both_init();
	if (process_shared_preload_libraries_in_progress)
	{
		ffu_shared_init();
		ffu_queue_init();
		ffu_arrived_init();
		ffu_redo_init();
		ffu_worker_init();
		ffu_standby_init();
		ffu_mime_preload();
	}
}
