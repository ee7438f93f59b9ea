/*-------------------------------------------------------------------------
 *
 * value.h
 *	  What may be assigned to a file column, and which file it means.
 *
 * Layer 10.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_VALUE_H
#define FFU_VALUE_H

#include "ffu.h"
#include "column.h"

/* Before a path: a copy, also of the row's own file. */
#define FFU_COPY_PREFIX		"copy:"

extern FfuFile *ffu_value_relocate(Relation rel, const FfuColumn *column,
								   const char *path);
extern FfuFile *ffu_value_resolve(Relation rel, const FfuColumn *column,
								  const char *value, size_t len,
								  bool insert);

#endif							/* FFU_VALUE_H */
