/*-------------------------------------------------------------------------
 *
 * unmanaged.h
 *	  Reports columns of type ffu.file without a declaration.
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
