/*-------------------------------------------------------------------------
 *
 * xid.h
 *	  The fate of a transaction, by the server's commit log alone (I5).
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_XID_H
#define FFU_XID_H

#include "base/ffu.h"
#include "utils/relcache.h"

typedef enum FfuFate
{
	FFU_FATE_OPEN,				/* in progress or prepared */
	FFU_FATE_COMMITTED,
	FFU_FATE_ABORTED,			/* or lost in a crash */
	FFU_FATE_TOO_OLD,			/* no longer in the commit log */
	FFU_FATE_FUTURE,			/* not begun: an id of another cluster */
	FFU_FATE_DOUBTFUL			/* the id may be another transaction's now */
} FfuFate;

extern FfuFate ffu_xid_fate(uint64 fxid);
extern FfuFate ffu_xid_fate_in_run(uint64 fxid, uint64 run);
extern TransactionId ffu_xid_horizon(Relation rel);

#endif							/* FFU_XID_H */
