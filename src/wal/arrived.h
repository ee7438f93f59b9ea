/*-------------------------------------------------------------------------
 *
 * arrived.h
 *	  What redo has put into the inbox, and what has been delivered from there.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_ARRIVED_H
#define FFU_ARRIVED_H

#include "storage/latch.h"
#include "storage/lock.h"

#include "base/ffu.h"

/* A place in the inbox of a database; segment 0: before the first */
typedef struct FfuInboxPlace
{
	uint64		segment;
	int64		offset;
} FfuInboxPlace;

extern void ffu_arrived_init(void);

/* For redo */
extern void ffu_arrived_note(Oid database);

/* For sessions */
extern bool ffu_arrived_is_pending(Oid database);
extern bool ffu_arrived_is_pending_elsewhere(Oid database);

/* For the launcher of a standby */
extern uint64 ffu_arrived_count(Oid database);
extern bool ffu_arrived_is_delivered(Oid database, uint64 count);
extern void ffu_arrived_set_latch(Latch *latch);

/* For whoever delivers */
extern void ffu_arrived_lock(const LOCKTAG *tag);
extern void ffu_arrived_unlock(const LOCKTAG *tag);

/* For whoever delivers, and has the lock */
extern uint64 ffu_arrived_begin(Oid database, FfuInboxPlace *place);
extern void ffu_arrived_keep(Oid database, const FfuInboxPlace *place);
extern void ffu_arrived_end(Oid database, uint64 arrived,
							const FfuInboxPlace *place);

/* Staging names may wait for the end of their transactions. */
extern void ffu_arrived_set_unsettled(Oid database, bool unsettled);
extern bool ffu_arrived_is_unsettled(Oid database);

#endif							/* FFU_ARRIVED_H */
