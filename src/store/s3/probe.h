/*-------------------------------------------------------------------------
 *
 * probe.h
 *	  Tries what ffu needs of an object store.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_PROBE_H
#define FFU_PROBE_H

#include "base/ffu.h"

#include "store/bucket.h"

extern void ffu_probe(const FfuPlace *place, const char *root_id,
					  FfuProbe *probe);

#endif							/* FFU_PROBE_H */
