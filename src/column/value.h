/*-------------------------------------------------------------------------
 *
 * value.h
 *	  The values that a file column accepts, and the file of each value.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_VALUE_H
#define FFU_VALUE_H

#include "base/ffu.h"
#include "column/column.h"

/* Prefix of a path: a copy, also of the row's own file. */
#define FFU_COPY_PREFIX		"copy:"

/* Prefix of the text of a bytea value: the bytes themselves, in hex */
#define FFU_HEX_PREFIX		"\\x"

/* Prefixes of the path in the row: detach the path, or let the file go. */
#define FFU_DETACH_PREFIX	"detach:"
#define FFU_DANGLE_PREFIX	"dangle:"

extern void ffu_value_require_right(const char *path);
extern FfuFile *ffu_value_relocate(Relation rel, const FfuColumn *column,
								   const char *path);
extern FfuFile *ffu_value_resolve(Relation rel, const FfuColumn *column,
								  const char *value, size_t len,
								  bool insert);

#endif							/* FFU_VALUE_H */
