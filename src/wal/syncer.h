/*-------------------------------------------------------------------------
 *
 * syncer.h
 *	  The background worker that makes queued files durable.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_SYNCER_H
#define FFU_SYNCER_H

#include "base/ffu.h"

extern PGDLLEXPORT void ffu_syncer_main(Datum arg);
extern void ffu_syncer_start_if_wanted(void);
extern void ffu_syncer_report(void);

#endif							/* FFU_SYNCER_H */
