/*-------------------------------------------------------------------------
 *
 * salvage.h
 *	  The salvage: records of files that redo has kept in the data directory.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_SALVAGE_H
#define FFU_SALVAGE_H

#include "access/xlogdefs.h"

#include "base/ffu.h"

/* The directory in the data directory, with a file for each database */
#define FFU_SALVAGE_DIR		"ffu.salvage"

/* An entry; the record's data follow */
typedef struct FfuSalvageEntry
{
	uint32		crc;			/* of the rest of the entry and the data */
	uint32		len;			/* of the data */
	XLogRecPtr	lsn;			/* start of the record */
	uint64		info;			/* kind of the record */
} FfuSalvageEntry;

/* A salvage that is open for reading; only store/dir touches the members */
typedef struct FfuSalvage
{
	int			fd;
	int64		offset;			/* of the next entry */
} FfuSalvage;

#define FFU_SALVAGE_CLOSED	((FfuSalvage) {-1, 0})

/* For inbox.c, which has files of the same form */
extern int	ffu_salvage_make_directory(const char *directory);
extern int	ffu_salvage_sync_names(const char *directory);
extern int	ffu_salvage_find_end(FfuSalvage *salvage, XLogRecPtr *last);
extern int	ffu_salvage_write(FfuSalvage *salvage, XLogRecPtr lsn, uint8 info,
							  const char *data, uint32 len);

/* For redo */
extern int	ffu_salvage_append(Oid database, XLogRecPtr lsn, uint8 info,
							   const char *data, uint32 len);
extern int	ffu_salvage_drop(Oid database, XLogRecPtr upto);
extern int	ffu_salvage_end(void);

/* For sessions */
extern bool ffu_salvage_has(Oid database);
extern int	ffu_salvage_open(Oid database, FfuSalvage *salvage);
extern int	ffu_salvage_next(FfuSalvage *salvage, FfuSalvageEntry *entry);
extern int	ffu_salvage_read(FfuSalvage *salvage, const FfuSalvageEntry *entry,
							 char *data);
extern void ffu_salvage_close(FfuSalvage *salvage);
extern int	ffu_salvage_remove(Oid database);

#endif							/* FFU_SALVAGE_H */
