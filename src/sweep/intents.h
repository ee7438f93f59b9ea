/*-------------------------------------------------------------------------
 *
 * intents.h
 *	  Removes the objects of transactions that did not commit.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_INTENTS_H
#define FFU_INTENTS_H

#include "base/ffu.h"

struct FfuSweep;

extern void ffu_intents_sweep(struct FfuSweep *sweep);

#endif							/* FFU_INTENTS_H */
