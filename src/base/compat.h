/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  Differences between the PostgreSQL versions ffu is built for.
 *
 * This file has every version test of ffu, each with the change in PostgreSQL.
 * The oldest version is 15.  The code keeps the names of 15 wherever possible.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_COMPAT_H
#define FFU_COMPAT_H

#include "postgres.h"

#include "fmgr.h"

#if PG_VERSION_NUM < 150000
#error "ffu needs PostgreSQL 15 or later; name another server with make PG_CONFIG=/path/to/pg_config"
#endif

/* 16 moved VARDATA, SET_VARSIZE and their kind out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* Before 16 PGDLLEXPORT is empty, and hidden visibility would hide ffu. */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

/* Declare a function for SQL; before 16 the macro does not export it. */
#define FFU_FUNCTION(name) PGDLLEXPORT PG_FUNCTION_INFO_V1(name)

/* 16 declares _PG_init in fmgr.h; a second declaration does no harm. */
extern PGDLLEXPORT void _PG_init(void);

/* 16 replaced the functions pg_*_ownercheck by one. */
#if PG_VERSION_NUM >= 160000
#define pg_class_ownercheck(relid, roleid) \
	object_ownercheck(RelationRelationId, relid, roleid)
#define pg_proc_ownercheck(funcid, roleid) \
	object_ownercheck(ProcedureRelationId, funcid, roleid)
#endif

/*
 * Insert the index entries of a new row.  16 added onlySummarizing, 19 made
 * flags of all choices and changed the order.
 */
#if PG_VERSION_NUM >= 190000
#define FFU_INSERT_INDEX_TUPLES(result_rel, slot, estate) \
	ExecInsertIndexTuples(result_rel, estate, 0, slot, NIL, NULL)
#elif PG_VERSION_NUM >= 160000
#define FFU_INSERT_INDEX_TUPLES(result_rel, slot, estate) \
	ExecInsertIndexTuples(result_rel, slot, estate, false, false, NULL, NIL, false)
#else
#define FFU_INSERT_INDEX_TUPLES(result_rel, slot, estate) \
	ExecInsertIndexTuples(result_rel, slot, estate, false, false, NULL, NIL)
#endif

/* 16 returns the number of the server's settings together with the settings. */
#if PG_VERSION_NUM >= 160000
#define FFU_GUC_VARIABLES(number) get_guc_variables(&(number))
#else
#define FFU_GUC_VARIABLES(number) \
	((number) = GetNumConfigOptions(), get_guc_variables())
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

/* 17 added flush to LogLogicalMessage.  The caller flushes. */
#if PG_VERSION_NUM >= 170000
#define FFU_LOG_MESSAGE(prefix) LogLogicalMessage(prefix, "", 0, true, false)
#else
#define FFU_LOG_MESSAGE(prefix) LogLogicalMessage(prefix, "", 0, true)
#endif

/* 18 made the data of XLogRegisterData const. */
#if PG_VERSION_NUM >= 180000
#define FFU_REGISTER_DATA(data, len) XLogRegisterData(data, len)
#else
#define FFU_REGISTER_DATA(data, len) \
	XLogRegisterData(unconstify(char *, (const char *) (data)), len)
#endif

/* 18 replaced pg_attribute_noreturn() by pg_noreturn, at another position. */
#if PG_VERSION_NUM >= 180000
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

/* 18 took the parameter execute_once from ExecutorRun and its hook. */
#if PG_VERSION_NUM >= 180000
#define FFU_EXECUTE_ONCE_PARAMETER
#define FFU_EXECUTE_ONCE
#else
#define FFU_EXECUTE_ONCE_PARAMETER , bool execute_once
#define FFU_EXECUTE_ONCE , execute_once
#endif

/* 18 added deferrable_ok.  ffu ignores a deferrable key, as before 18. */
#if PG_VERSION_NUM >= 180000
#define FFU_PRIMARY_KEY_INDEX(rel) RelationGetPrimaryKeyIndex(rel, false)
#else
#define FFU_PRIMARY_KEY_INDEX(rel) RelationGetPrimaryKeyIndex(rel)
#endif

/*
 * Return the first table that a statement writes to, as an index of its range
 * table, or a number below 1 if the statement writes to no table.  19 replaced
 * the list by a set.
 */
#if PG_VERSION_NUM >= 190000
#define FFU_FIRST_RESULT_RELATION(stmt) \
	bms_next_member((stmt)->resultRelationRelids, -1)
#else
#define FFU_FIRST_RESULT_RELATION(stmt) \
	((stmt)->resultRelations == NIL ? 0 : linitial_int((stmt)->resultRelations))
#endif

/* 19 added flags to table_beginscan. */
#if PG_VERSION_NUM >= 190000
#define FFU_BEGINSCAN(rel, snapshot) table_beginscan(rel, snapshot, 0, NULL, 0)
#else
#define FFU_BEGINSCAN(rel, snapshot) table_beginscan(rel, snapshot, 0, NULL)
#endif

/*
 * 19 requires TupleDescFinalize() for each tuple descriptor before its first
 * use; without the call the server crashes while reading a tuple.
 */
#if PG_VERSION_NUM < 190000
#define TupleDescFinalize(desc) ((void) 0)
#endif

/* 19 has a word for a case that goes on with the next, and warns without it. */
#ifndef pg_fallthrough
#define pg_fallthrough __attribute__((fallthrough))
#endif

/*
 * A beta of 19 had MERGE PARTITIONS and SPLIT PARTITION in ALTER TABLE, and its
 * release candidate has not.  The Makefile looks into the headers.
 */
#ifdef FFU_SERVER_MERGES_PARTITIONS
#define FFU_REWRITES_PARTITIONS(subtype) \
	((subtype) == AT_MergePartitions || (subtype) == AT_SplitPartition)
#else
#define FFU_REWRITES_PARTITIONS(subtype) false
#endif

/* 17 made a resource owner of the memory context of a set of wait events. */
#if PG_VERSION_NUM >= 170000
#define FFU_CREATE_WAIT_EVENT_SET(n) CreateWaitEventSet(NULL, n)
#else
#define FFU_CREATE_WAIT_EVENT_SET(n) CreateWaitEventSet(TopMemoryContext, n)
#endif

/* 17 lets an extension name its wait events. */
#if PG_VERSION_NUM >= 170000
#define FFU_WAIT_EVENT(name) WaitEventExtensionNew(name)
#else
#define FFU_WAIT_EVENT(name) PG_WAIT_EXTENSION
#endif

#endif							/* FFU_COMPAT_H */
