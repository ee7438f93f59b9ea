/*-------------------------------------------------------------------------
 *
 * upload.h
 *	  Writes new bytes: step 1 of the protocol.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_UPLOAD_H
#define FFU_UPLOAD_H

#include "base/ffu.h"
#include "access/attnum.h"
#include "utils/relcache.h"

#include "transaction/pending.h"

/* The beginning of an upload's text, before the upload is assigned */
#define FFU_UPLOAD_PREFIX	"upload:"

/* An upload in progress, which takes bytes piece by piece */
typedef struct FfuWriter FfuWriter;

extern void ffu_upload_prevent(const char *function);
extern void ffu_upload_check_size(int64 size, bool at_least);
extern FfuWriter *ffu_upload_begin(const char *file_name);
extern void ffu_upload_write(FfuWriter *writer, const char *data, size_t len);
extern FfuFile *ffu_upload_end(FfuWriter *writer);
extern FfuFile *ffu_upload_bytes(const char *file_name, const char *data,
								 size_t len);
extern FfuFile *ffu_upload_stage(const char *file_name);
extern void ffu_upload_put(FfuFile *file, struct pg_cryptohash_ctx *hash,
						   const char *data, size_t len);
extern void ffu_upload_park(FfuFile *file);
extern void ffu_upload_complete(const FfuFile *file, FfuFacts *facts,
								struct pg_cryptohash_ctx *hash,
								const char *head, size_t head_len, int fd);
extern FfuFile *ffu_upload_again(FfuFile *from);
extern FfuFile *ffu_upload_copy(const char *path);
extern FfuFile *ffu_upload_deleted(const char *path);
extern FfuFile *ffu_upload_relocated(const char *path);
extern FfuFile *ffu_upload_outside(const char *file_name, FfuOrigin *origin,
								   const char *path);
extern FfuFile *ffu_upload_resumed(const char *file_name, const char *name,
								   int64 key);
extern void ffu_upload_learn(FfuFile *file, const char *path);
extern char *ffu_upload_to_text(FfuFile *file);
extern FfuFile *ffu_upload_from_text(const char *value, Relation rel,
									 AttrNumber attnum);

#endif							/* FFU_UPLOAD_H */
