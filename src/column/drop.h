/*-------------------------------------------------------------------------
 *
 * drop.h
 *	  DROP of objects with file columns: the files go with the object.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_DROP_H
#define FFU_DROP_H

#include "base/ffu.h"

extern void ffu_drop_init(void);

#endif							/* FFU_DROP_H */
