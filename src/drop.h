/*-------------------------------------------------------------------------
 *
 * drop.h
 *	  DROP of what has file columns: the files go with it.
 *
 * Layer 11.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_DROP_H
#define FFU_DROP_H

#include "ffu.h"

extern void ffu_drop_init(void);

#endif							/* FFU_DROP_H */
