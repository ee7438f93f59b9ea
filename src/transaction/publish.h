/*-------------------------------------------------------------------------
 *
 * publish.h
 *	  Steps 4 to 6 of the protocol: before the commit record.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_PUBLISH_H
#define FFU_PUBLISH_H

#include "base/ffu.h"
#include "store/store.h"
#include "transaction/pending.h"

extern bool ffu_publish_may_log(FfuStore *store, const FfuFile *file,
								int64 size);
extern bool ffu_publish_expects_bucket(void);
extern void ffu_publish(bool prepare);

#endif							/* FFU_PUBLISH_H */
