/*-------------------------------------------------------------------------
 *
 * policy.h
 *	  What a file column accepts: size, extension, type and content of a file.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_POLICY_H
#define FFU_POLICY_H

#include "base/ffu.h"

#include "utils/relcache.h"

#include "column/declaration.h"
#include "transaction/file.h"

extern void ffu_policy_check(Relation rel, const FfuColumn *column,
							 const FfuFacts *facts, const char *ext);
extern void ffu_policy_check_size(Relation rel, const FfuColumn *column,
								  int64 size, bool at_least);
extern void ffu_policy_choose_extension(const FfuColumn *column,
										const FfuMime *mime, char *ext);

#endif							/* FFU_POLICY_H */
