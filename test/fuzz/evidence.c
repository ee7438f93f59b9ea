/*-------------------------------------------------------------------------
 *
 * evidence.c
 *	  Harness: no bytes of a file lead the search for types out of the bytes.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "shim.h"

#include "text/evidence.h"

static const char *const mime_types[] = {
	"text/plain", "application/zip", "application/pdf", "application/x-ole-storage",
	"application/CDFV2", "application/octet-stream", "audio/mpeg", "video/mp4",
	"video/x-matroska", "application/x-dosexec", "application/json", "text/html",
};

/*
 * The first byte chooses how many of the bytes are the head.  Head and tail
 * are copied, so that the address sanitizer knows their ends.
 */
void
fuzz(const char *data, size_t len)
{
	FfuBytes	bytes;
	char	   *head;
	char	   *tail;
	int			i;

	if (len < 1)
		return;
	bytes.head_len = (len - 1) * (unsigned char) *data / 255;
	bytes.tail_len = len - 1;
	bytes.size = len - 1;
	head = palloc(bytes.head_len);
	memcpy(head, data + 1, bytes.head_len);
	tail = palloc(bytes.tail_len);
	memcpy(tail, data + 1, bytes.tail_len);
	bytes.head = head;
	bytes.tail = tail;
	for (i = 0; i < lengthof(mime_types); i++)
	{
		(void) ffu_evidence_find(&bytes, mime_types[i]);
		(void) ffu_evidence_needs_tail(&bytes, mime_types[i]);
	}
	insist(ffu_evidence_markup(&bytes) <= bytes.head_len);
	(void) ffu_evidence_after_id3(&bytes);
	(void) ffu_evidence_ole_directory(&bytes);
	(void) ffu_evidence_ole_type(tail, bytes.tail_len);
}
