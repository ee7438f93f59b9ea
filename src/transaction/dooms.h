/*-------------------------------------------------------------------------
 *
 * dooms.h
 *	  Paths of earlier transactions that this transaction lets go.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_DOOMS_H
#define FFU_DOOMS_H

#include "base/ffu.h"

extern void ffu_dooms_add(const char *path, Oid deletion);
extern void ffu_dooms_doubt(Oid deletion);
extern void ffu_dooms_mark(void);
extern bool ffu_dooms_marked(void);
extern void ffu_dooms_forget(void);
extern void ffu_dooms_wish(const char *path);
extern bool ffu_dooms_take_wish(const char *path);

/* For the transaction callbacks: raise no error */
extern Oid	ffu_dooms_deletion(void);
extern int	ffu_dooms_count(void);
extern const char *ffu_dooms_path(int i);
extern TransactionId ffu_dooms_xid(void);
extern void ffu_dooms_subcommit(int level);
extern void ffu_dooms_subabort(int level);
extern void ffu_dooms_reset(void);

#endif							/* FFU_DOOMS_H */
