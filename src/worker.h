/*-------------------------------------------------------------------------
 *
 * worker.h
 *	  The background workers: a launcher, and sweepers.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_WORKER_H
#define FFU_WORKER_H

#include "nodes/pg_list.h"
#include "postmaster/bgworker.h"

#include "base/ffu.h"

extern PGDLLEXPORT void ffu_worker_launch(Datum arg);
extern PGDLLEXPORT void ffu_worker_sweep(Datum arg);
extern void ffu_worker_init(void);
extern List *ffu_worker_databases(void);

/* For all workers */
extern void ffu_worker_set_signals(void);
extern void ffu_worker_describe(BackgroundWorker *worker, const char *type,
								const char *function, BgWorkerStartTime start);
extern bool ffu_worker_run(BackgroundWorker *worker, Oid database);

#endif							/* FFU_WORKER_H */
