/*-------------------------------------------------------------------------
 *
 * pieces.h
 *	  Uploads of this transaction whose bytes arrive in pieces.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_PIECES_H
#define FFU_PIECES_H

#include "base/ffu.h"

#include "transaction/pending.h"

extern FfuFile *ffu_pieces_begin(const char *file_name, int64 max_size);
extern void ffu_pieces_check_start(int64 size, int64 start);
extern void ffu_pieces_check_size(int64 size, int64 max_size);
extern int64 ffu_pieces_append(FfuFile *file, const char *data, size_t len);
extern void ffu_pieces_settle(FfuFile *file);
extern void ffu_pieces_close(FfuFile *file);

#endif							/* FFU_PIECES_H */
