/*-------------------------------------------------------------------------
 *
 * complete.h
 *	  Completes DDL commands, which do not know of file columns.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_COMPLETE_H
#define FFU_COMPLETE_H

#include "base/ffu.h"

extern void ffu_attached(void);
extern void ffu_refuse_rewrite(Oid parent);
extern void ffu_require_event_trigger(FunctionCallInfo fcinfo, const char *function);

#endif							/* FFU_COMPLETE_H */
