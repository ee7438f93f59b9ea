/*-------------------------------------------------------------------------
 *
 * transaction_end.h
 *	  The transaction callbacks.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_TRANSACTION_END_H
#define FFU_TRANSACTION_END_H

#include "base/ffu.h"

extern void ffu_end_init(void);

#endif							/* FFU_TRANSACTION_END_H */
