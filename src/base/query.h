/*-------------------------------------------------------------------------
 *
 * query.h
 *	  Commands in SQL that ffu runs.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_QUERY_H
#define FFU_QUERY_H

#include "base/ffu.h"

extern void ffu_query_open(const char *command, int nargs, Oid *types,
						   Datum *values, const char *nulls, bool read_only);
extern uint64 ffu_query_run(const char *command, int nargs, Oid *types,
							Datum *values);
extern void ffu_query_run_as_owner(Oid relid, const char *setting,
								   const char *value, const char *command);

#endif							/* FFU_QUERY_H */
