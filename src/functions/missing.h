/*-------------------------------------------------------------------------
 *
 * missing.h
 *	  Rows whose files are missing in the folder.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_MISSING_H
#define FFU_MISSING_H

#include "base/ffu.h"

#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "utils/portal.h"

/* A row, and its file */
typedef struct FfuMissing
{
	Oid			relid;
	AttrNumber	attnum;
	AttrNumber	size_attnum;	/* companions, or InvalidAttrNumber */
	AttrNumber	sha256_attnum;
	ItemPointerData tid;
	char		path[FFU_PATH_MAX + 1];

	/* Set by ffu_missing_read() */
	int64		size;			/* as the row says; -1 if the row does not */
	char		sha256[FFU_SHA256_HEX_LEN + 1]; /* the same; "" */
} FfuMissing;

extern Portal ffu_missing_open(void);
extern List *ffu_missing_next(Portal portal, int n);
extern void ffu_missing_close(Portal portal);
extern bool ffu_missing_read(FfuMissing *file);
extern void ffu_missing_lock(const FfuMissing *file);
extern bool ffu_missing_is_current(const FfuMissing *file);

#endif							/* FFU_MISSING_H */
