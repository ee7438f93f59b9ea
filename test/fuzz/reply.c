/*-------------------------------------------------------------------------
 *
 * reply.c
 *	  Harness: a reply of an object store is read without harm.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "shim.h"

#include "store/s3/reply.h"

/* What the visitor saw */
typedef struct Seen
{
	int			elements;
	size_t		bytes;
} Seen;

/*
 * FfuReplyVisitor: read all texts.
 */
static void
visit(const FfuReplyText *element, void *arg)
{
	Seen	   *seen = arg;

	insist(element->name[0] != '\0');
	seen->elements++;
	seen->bytes += strlen(element->name) + strlen(element->outer) +
		strlen(element->text);
}

void
fuzz(const char *data, size_t len)
{
	Seen		seen = {0};
	Seen		again = {0};
	bool		good = ffu_reply_read(data, len, visit, &seen);

	insist(good == (seen.elements > 0) || good);
	insist(!good || strstr(data, "<") != NULL || memchr(data, 0, len) != NULL);
	insist(ffu_reply_read(data, len, visit, &again) == good);
	insist(seen.elements == again.elements && seen.bytes == again.bytes);
	/* Entities are not expanded: no short reply becomes a long text. */
	insist(seen.bytes <= (size_t) seen.elements * 3 * (len + 1));
}
