/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  Differences between the PostgreSQL versions ffu is built for.
 *
 * Every version test of ffu stands here, with what changed.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_COMPAT_H
#define FFU_COMPAT_H

#include "postgres.h"

#include "fmgr.h"

/* Before 16 PGDLLEXPORT is empty, so hidden visibility would hide us. */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

/* Declares a function for SQL; before 16 the macro does not export it. */
#define FFU_FUNCTION(name) PGDLLEXPORT PG_FUNCTION_INFO_V1(name)

/* 16 declares _PG_init in fmgr.h; declaring it again does no harm. */
extern PGDLLEXPORT void _PG_init(void);

/* 15 renamed EmitWarningsOnPlaceholders. */
#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

/* 17 renamed ShmemVariableCache to TransamVariables. */
#if PG_VERSION_NUM < 170000
#define TransamVariables ShmemVariableCache
#endif

/* 17 moved the local transaction id of a backend. */
#if PG_VERSION_NUM >= 170000
#define FFU_LXID (MyProc->vxid.lxid)
#else
#define FFU_LXID (MyProc->lxid)
#endif

#endif							/* FFU_COMPAT_H */
