/*-------------------------------------------------------------------------
 *
 * standby_worker.h
 *	  The background workers of a standby.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_STANDBY_WORKER_H
#define FFU_STANDBY_WORKER_H

#include "base/ffu.h"

extern PGDLLEXPORT void ffu_standby_launch(Datum arg);
extern PGDLLEXPORT void ffu_standby_deliver(Datum arg);
extern void ffu_standby_init(void);

#endif							/* FFU_STANDBY_WORKER_H */
