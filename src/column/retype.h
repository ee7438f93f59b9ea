/*-------------------------------------------------------------------------
 *
 * retype.h
 *	  ALTER TABLE ... ALTER COLUMN ... TYPE of file columns and companions.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_RETYPE_H
#define FFU_RETYPE_H

#include "base/ffu.h"
#include "nodes/parsenodes.h"

extern void ffu_retype_prepare(AlterTableStmt *command);
extern void ffu_retype_finish(const AlterTableStmt *command);

#endif							/* FFU_RETYPE_H */
