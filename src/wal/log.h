/*-------------------------------------------------------------------------
 *
 * log.h
 *	  Writes the records of ffu.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_LOG_H
#define FFU_LOG_H

#include "access/xlogdefs.h"

#include "base/ffu.h"
#include "store/store.h"

extern void ffu_log_piece(const FfuStaged *staged, mode_t mode, int64 size,
						  bool durable, int64 offset, const char *bytes,
						  uint32 len);
extern void ffu_log_removals(const FfuRemoval *removals, int n);
extern void ffu_log_moves(const FfuRemoval *removals, int n);
extern void ffu_log_sync(Oid database, XLogRecPtr upto);

#endif							/* FFU_LOG_H */
