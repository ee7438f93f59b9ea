/*-------------------------------------------------------------------------
 *
 * reply.h
 *	  Reads the XML that an object store answers.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_REPLY_H
#define FFU_REPLY_H

#include "base/ffu.h"

/* An element of a reply that holds text.  Valid during the call. */
typedef struct FfuReplyText
{
	const char *name;			/* of the element, without namespace */
	const char *outer;			/* of the element around it, or "" */
	const char *text;
} FfuReplyText;

typedef void (*FfuReplyVisitor) (const FfuReplyText *element, void *arg);

extern bool ffu_reply_read(const char *xml, size_t len, FfuReplyVisitor visit,
						   void *arg);
extern void ffu_reply_decode(char *text);

#endif							/* FFU_REPLY_H */
