/*-------------------------------------------------------------------------
 *
 * unmanaged.h
 *	  Columns that have the type of a file column and are not one.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_UNMANAGED_H
#define FFU_UNMANAGED_H

#include "base/ffu.h"

extern void ffu_unmanaged_note(Oid relid);

#endif							/* FFU_UNMANAGED_H */
