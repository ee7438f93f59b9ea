/*-------------------------------------------------------------------------
 *
 * writer.h
 *	  Writes, hashes and sniffs bytes: step 1 of the protocol.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_WRITER_H
#define FFU_WRITER_H

#include "base/ffu.h"

#include "store/reader.h"
#include "transaction/file.h"
#include "transaction/resumed.h"

/* A writer; ffu_writer_begin or an initializer sets the members. */
typedef struct FfuWriter
{
	/* Where the bytes go; both NULL: only hash and sniff the bytes */
	FfuFile    *file;
	FfuResumableFile *resumed;
	const char *name;			/* for messages */
	int64		size;			/* in bytes; where the next byte goes */
	struct pg_cryptohash_ctx *hash; /* NULL: do not hash */
	bool		sniffs;			/* collect the first bytes */

	/*
	 * The first FFU_MAGIC_BYTES for libmagic, in head_buf or in the caller's
	 * memory
	 */
	const char *head;
	char	   *head_buf;
	size_t		head_len;
} FfuWriter;

extern void ffu_writer_check_size(int64 size, bool at_least);
extern void ffu_writer_begin(FfuWriter *writer, FfuFile *file);
extern void ffu_writer_put(FfuWriter *writer, const char *data, size_t len);
extern void ffu_writer_copy(FfuWriter *writer, FfuReader *reader,
							const char *path);
extern void ffu_writer_end(FfuWriter *writer, FfuFile *file,
						   FfuReader *reader);
extern void ffu_writer_choose_ext(const FfuBirth *birth, const FfuMime *mime,
								  char *ext);
extern void ffu_writer_park(FfuFile *file);

#endif							/* FFU_WRITER_H */
