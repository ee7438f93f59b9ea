/*-------------------------------------------------------------------------
 *
 * upload.h
 *	  Stages files from every origin: step 1 of the protocol.
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
#include "store/dir/spool.h"
#include "upload/writer.h"

/* The beginning of an upload's text, before the upload is assigned */
#define FFU_UPLOAD_PREFIX	"upload:"

extern void ffu_upload_prevent(const char *function);

/* Bytes that the caller has */
extern FfuFile *ffu_upload_bytes(const char *file_name, const char *data,
								 size_t len);
extern void ffu_upload_begin(FfuWriter *writer, const char *file_name);
extern void ffu_upload_write(FfuWriter *writer, const char *data, size_t len);
extern FfuFile *ffu_upload_end(FfuWriter *writer);

/* Bytes of every origin */
extern FfuFile *ffu_upload_stage(FfuOrigin *origin, const FfuBirth *birth,
								 const char *shown);
extern FfuFile *ffu_upload_remote(const FfuBirth *birth, const char *key,
								  const char *shown);
extern FfuFile *ffu_upload_empty(const char *file_name);
extern FfuFile *ffu_upload_again(FfuFile *from);
extern FfuFile *ffu_upload_copy(FfuOriginKind kind, const char *path);
extern void ffu_upload_learn(FfuFile *file, const char *shown);
extern void ffu_upload_trust(FfuFile *file, const FfuFacts *facts);

/* The text of an upload in SQL */
extern char *ffu_upload_to_text(FfuFile *file);
extern FfuFile *ffu_upload_from_text(const char *value, Relation rel,
									 AttrNumber attnum);

#endif							/* FFU_UPLOAD_H */
