/*-------------------------------------------------------------------------
 *
 * computed.h
 *	  The computed fields of file columns.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_COMPUTED_H
#define FFU_COMPUTED_H

#include "base/ffu.h"

extern bool ffu_computed_is(Oid func, Oid *relid, AttrNumber *attnum);
extern Oid	ffu_computed_attachments(Oid func);
extern void ffu_computed_tie(Oid func, Oid relid);

#endif							/* FFU_COMPUTED_H */
