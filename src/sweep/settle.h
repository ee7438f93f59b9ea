/*-------------------------------------------------------------------------
 *
 * settle.h
 *	  Settles a staging name: the last step of a file, after commit or abort.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_SETTLE_H
#define FFU_SETTLE_H

#include "base/ffu.h"
#include "base/xid.h"
#include "store/store.h"

extern bool ffu_settle_read(const char *name, FfuStaged *staged,
							FfuFate *fate);
extern int	ffu_settle(FfuStore *store, FfuStaged *staged, bool committed);

#endif							/* FFU_SETTLE_H */
