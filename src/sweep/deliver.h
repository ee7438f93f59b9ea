/*-------------------------------------------------------------------------
 *
 * deliver.h
 *	  Delivers the files of the inbox to the folder.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_DELIVER_H
#define FFU_DELIVER_H

#include "base/ffu.h"
#include "store/store.h"

/* On a standby */
extern void ffu_deliver(FfuStore *store);
extern void ffu_deliver_check(void);
extern void ffu_deliver_settle(FfuStore *store);

/* After the recovery */
extern void ffu_deliver_rest(FfuStore *store);

/* On both */
extern void ffu_deliver_removals(FfuStore *store);

/* For ffu.check() on a standby */
extern bool ffu_deliver_may_check(void);
extern bool ffu_deliver_will_remove(FfuStore *store, const char *path);

#endif							/* FFU_DELIVER_H */
