/*-------------------------------------------------------------------------
 *
 * trouble.h
 *	  Errors of an object store, and the messages about them.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_TROUBLE_H
#define FFU_TROUBLE_H

#include "base/ffu.h"

#include "store/s3/call.h"

extern void ffu_trouble_read(FfuCall *call);
extern bool ffu_trouble_is_passing(const FfuCall *call);
extern bool ffu_trouble_is_none(const FfuCall *call);
extern const char *ffu_trouble_word(const FfuCall *call);
extern void ffu_trouble_raise(const FfuPlace *place, const FfuCall *call,
							  const char *action) pg_attribute_noreturn();

#endif							/* FFU_TROUBLE_H */
