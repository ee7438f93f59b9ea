/*-------------------------------------------------------------------------
 *
 * evidence.h
 *	  Evidence in the bytes of a file that libmagic does not report.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_EVIDENCE_H
#define FFU_EVIDENCE_H

#include "base/ffu.h"

/* Number of bytes at the end of a file to examine; a zip comment fits. */
#define FFU_TAIL_BYTES		(64 * 1024 + 22)

/* Number of bytes to read behind an ID3 tag, or of an OLE directory */
#define FFU_PIECE_BYTES		(16 * 1024)

/* The bytes of a file that the caller has read */
typedef struct FfuBytes
{
	const char *head;			/* the first bytes */
	size_t		head_len;
	const char *tail;			/* the last bytes; may overlap with the head */
	size_t		tail_len;
	int64		size;			/* of the whole file */
} FfuBytes;

extern int	ffu_evidence_find(const FfuBytes *bytes, const char *mime_type);
extern bool ffu_evidence_needs_tail(const FfuBytes *bytes,
									const char *mime_type);
extern size_t ffu_evidence_markup(const FfuBytes *bytes);
extern int64 ffu_evidence_after_id3(const FfuBytes *bytes);
extern int64 ffu_evidence_ole_directory(const FfuBytes *bytes);
extern const char *ffu_evidence_ole_type(const char *directory, size_t len);

#endif							/* FFU_EVIDENCE_H */
