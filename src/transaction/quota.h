/*-------------------------------------------------------------------------
 *
 * quota.h
 *	  Holds transactions to quotas.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_QUOTA_H
#define FFU_QUOTA_H

#include "base/ffu.h"

extern void ffu_quota_check(void);
extern void ffu_quota_check_last(void);

/* For the transaction callbacks: raises no error */
extern void ffu_quota_reset(void);

#endif							/* FFU_QUOTA_H */
