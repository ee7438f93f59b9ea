/*-------------------------------------------------------------------------
 *
 * drop_column.h
 *	  ALTER TABLE ... DROP COLUMN of file columns.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_DROP_COLUMN_H
#define FFU_DROP_COLUMN_H

#include "base/ffu.h"
#include "nodes/parsenodes.h"

extern void ffu_drop_column_keep_companions(bool keep);
extern void ffu_drop_column_prepare(AlterTableStmt *command);

#endif							/* FFU_DROP_COLUMN_H */
