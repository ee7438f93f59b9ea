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

#include "base/ffu.h"
#include "nodes/pg_list.h"

extern PGDLLEXPORT void ffu_worker_launch(Datum arg);
extern PGDLLEXPORT void ffu_worker_sweep(Datum arg);
extern void ffu_worker_init(void);
extern List *ffu_worker_databases(void);

#endif							/* FFU_WORKER_H */
