/*-------------------------------------------------------------------------
 *
 * claim.h
 *	  Claims a new folder: on demand, or at the first use.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_CLAIM_H
#define FFU_CLAIM_H

#include "base/ffu.h"

#include "store/dir/exchange.h"
#include "store/dir/owner.h"
#include "store/store.h"

extern void ffu_claim_check_location(const char *path);
extern void ffu_claim_make_key(FfuOwner *owner);
extern void ffu_claim_new(const char *path, const FfuControl *control,
						  const FfuExchange *exchange, bool abandon);
extern FfuStore *ffu_claim_use(void);
extern void ffu_claim_check(void);

#endif							/* FFU_CLAIM_H */
