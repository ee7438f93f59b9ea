/*-------------------------------------------------------------------------
 *
 * end.h
 *	  The transaction callbacks.
 *
 * Layer 10.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_END_H
#define FFU_END_H

#include "ffu.h"

extern void ffu_end_init(void);

#endif							/* FFU_END_H */
