/*-------------------------------------------------------------------------
 *
 * mime.h
 *	  The type of a file by its bytes, with libmagic.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_MIME_H
#define FFU_MIME_H

#include "base/ffu.h"

/* The result of ffu_mime_detect() */
typedef struct FfuMime
{
	char		mime_type[FFU_MIME_MAX + 1];	/* never empty */
	char		extension[FFU_EXT_MAX + 1]; /* the first in libmagic's list,
											 * or "" */
	char		extensions[256];	/* all extensions, "jpeg/jpg/jpe"; "" if
									 * libmagic has no list */
	int			evidence;		/* evidence for other types: FfuEvidence,
								 * or'ed */
} FfuMime;

/* Tell whether the caller accepts a type. */
typedef bool (*FfuMimeAccepts) (const char *mime_type, const void *arg);

/*
 * Read up to len bytes at offset of a file.  Return the number of bytes read;
 * 0 also if the file cannot be read, which means that there is no evidence.
 */
typedef size_t (*FfuReadPiece) (void *arg, char *buf, size_t len,
								int64 offset);

extern void ffu_mime_detect(const void *data, size_t len, int64 size,
							FfuReadPiece read, void *arg, FfuMime *mime);
extern bool ffu_mime_fits(const FfuMime *mime, const char *ext);
extern bool ffu_mime_may_be(const FfuMime *mime, const char *ext,
							FfuMimeAccepts accepts, const void *arg);
extern void ffu_mime_preload(void);

#endif							/* FFU_MIME_H */
