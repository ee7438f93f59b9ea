/*-------------------------------------------------------------------------
 *
 * fetched.h
 *	  Files that come from another server, until they have their paths.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_FETCHED_H
#define FFU_FETCHED_H

#include "base/ffu.h"
#include "store/store.h"

/* Functions that return int return 0 or an error number. */
extern int	ffu_fetched_create(FfuStore *store, uint32 n, FfuSpoolFile *file);
extern int	ffu_fetched_finish(FfuSpoolFile *file);
extern int	ffu_fetched_publish(FfuStore *store, uint32 n, const char *path,
								bool replace);
extern int	ffu_fetched_remove(FfuStore *store, uint32 n);
extern void ffu_fetched_drop(FfuStore *store, uint32 n);
extern bool ffu_fetched_exist(FfuStore *store);

/* May raise errors */
extern void ffu_fetched_clear(FfuStore *store);

#endif							/* FFU_FETCHED_H */
