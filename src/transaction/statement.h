/*-------------------------------------------------------------------------
 *
 * statement.h
 *	  The running statement, and whether uploads may go unused.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_STATEMENT_H
#define FFU_STATEMENT_H

#include "base/ffu.h"
#include "transaction/pending.h"

extern void ffu_statement_note(FfuFile *file);
extern bool ffu_statement_is_insert(void);
extern void ffu_statement_init(void);

#endif							/* FFU_STATEMENT_H */
