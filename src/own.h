/*-------------------------------------------------------------------------
 *
 * own.h
 *	  Where ffu's own tables and functions are in the catalog.
 *
 * Layer 2.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_OWN_H
#define FFU_OWN_H

#include "ffu.h"

extern Oid	ffu_own_relation(const char *name);
extern Oid	ffu_own_relation_if_any(const char *name);
extern void ffu_own_hold(Oid relid);
extern Oid	ffu_own_function(const char *name);

#endif							/* FFU_OWN_H */
