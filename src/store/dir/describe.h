/*-------------------------------------------------------------------------
 *
 * describe.h
 *	  Describes the folder of a database, for ffu.status.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_DESCRIBE_H
#define FFU_DESCRIBE_H

#include "base/ffu.h"

#include "store/dir/root.h"

typedef struct FfuDescription
{
	const char *file_system;
	const char *durability;		/* how files are made durable */
	int64		staged;			/* staging names; -1 if unknown */
	int64		free_bytes;		/* -1 if unknown */
	const char *owner;			/* "user:group", or NULL */
	const char *mode;			/* or NULL */
	bool		writable;
} FfuDescription;

extern bool ffu_describe_folder(const FfuClaim *claim, FfuDescription *place,
								FfuTrouble *trouble);

#endif							/* FFU_DESCRIBE_H */
