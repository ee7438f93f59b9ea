/*-------------------------------------------------------------------------
 *
 * inbox.h
 *	  The inbox of a standby: records of files that are not in its folder yet.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_INBOX_H
#define FFU_INBOX_H

#include "access/xlogdefs.h"

#include "base/ffu.h"
#include "store/dir/salvage.h"

/* The directory in the data directory */
#define FFU_INBOX_DIR	"ffu.inbox"

/* Numbers of the segments of a database; both 0 without a segment */
typedef struct FfuInboxRange
{
	uint64		first;
	uint64		last;
} FfuInboxRange;

/* Called with each database that has a segment or waiting removals */
typedef void (*FfuInboxVisitor) (Oid database, void *arg);

/* For redo */
extern int	ffu_inbox_append(Oid database, XLogRecPtr lsn, uint8 info,
							 const char *data, uint32 len);
extern int	ffu_inbox_sync(void);
extern int	ffu_inbox_end(void);

/* For whoever delivers */
extern int	ffu_inbox_visit(FfuInboxVisitor visit, void *arg);
extern int	ffu_inbox_range(Oid database, FfuInboxRange *range);
extern int	ffu_inbox_open(Oid database, uint64 number, FfuSalvage *segment);
extern int	ffu_inbox_remove(Oid database, uint64 number);

/* Removals that wait for old snapshots */
extern bool ffu_inbox_has_removals(Oid database);
extern int	ffu_inbox_open_removals(Oid database, FfuSalvage *removals);
extern int	ffu_inbox_begin_removals(Oid database, bool append,
									 FfuSalvage *removals);
extern int	ffu_inbox_end_removals(Oid database, bool append,
								   FfuSalvage *removals);

#endif							/* FFU_INBOX_H */
