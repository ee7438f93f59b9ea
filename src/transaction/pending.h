/*-------------------------------------------------------------------------
 *
 * pending.h
 *	  What this transaction has done to its files: STAGE, LINK and DOOM.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_PENDING_H
#define FFU_PENDING_H

#include "base/ffu.h"

#include "transaction/file.h"

/* Ask and iterate */
extern bool ffu_pending_active(void);
extern uint32 ffu_pending_count(void);
extern FfuFile *ffu_pending_first(void);
extern FfuFile *ffu_pending_next(const FfuFile *file);
extern FfuFile *ffu_pending_first_nested(void);
extern FfuFile *ffu_pending_next_nested(const FfuFile *file);
extern FfuFile *ffu_pending_by_number(uint32 n);
extern FfuFile *ffu_pending_by_path(const char *path);
extern FfuFile *ffu_pending_by_resumable(int64 key);

/* Events */
extern void ffu_pending_require_open(void);
extern FfuFile *ffu_pending_stage(const FfuBirth *birth);
extern void ffu_pending_move(FfuFile *file, const FfuSource *source);
extern void ffu_pending_begin_pieces(FfuFile *file, int64 max_size);
extern void ffu_pending_append(FfuFile *file);
extern void ffu_pending_whole(FfuFile *file, const FfuFacts *facts);
extern void ffu_pending_link(FfuFile *file, const char *path,
							 const FfuAssignment *assignment);
extern bool ffu_pending_relink(FfuFile *file, const char *path);
extern void ffu_pending_own(FfuFile *file);
extern void ffu_pending_doom_own(FfuFile *file);
extern void ffu_pending_close(void);

/* Memory until the end of the transaction */
extern MemoryContext ffu_pending_context(void);
extern const FfuMime *ffu_pending_mime(const FfuMime *mime);

/* For the transaction callbacks: raise no error */
extern void ffu_pending_subcommit(int level);
extern bool ffu_pending_subabort(FfuFile *file, int level);
extern void ffu_pending_remove(FfuFile *file);
extern void ffu_pending_reset(void);

#endif							/* FFU_PENDING_H */
