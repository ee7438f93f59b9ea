/*-------------------------------------------------------------------------
 *
 * data_uri.h
 *	  "data:" URIs (RFC 2397), by which a client that can only send text
 *	  sends bytes.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_DATA_URI_H
#define FFU_DATA_URI_H

#include "base/ffu.h"

/* A parsed data: URI, which points into the caller's value */
typedef struct FfuDataUri
{
	char	   *file_name;		/* decoded, cleaned; NULL without a name */
	bool		base64;
	const char *payload;		/* the text after the comma, still encoded */
	size_t		payload_len;
	/* State of decoding */
	size_t		pos;			/* in payload */
	uint32		bits;			/* base64: the last two digits */
	int			nbits;			/* base64: number of bits still to write */
	int			quantum;		/* base64: digits seen, modulo 4 */
	int			pads;			/* base64: '='s seen, at most 2 */
} FfuDataUri;

extern bool ffu_data_uri_is(const char *value, size_t len);
extern void ffu_data_uri_parse(const char *value, size_t len, FfuDataUri *uri);
extern size_t ffu_data_uri_read(FfuDataUri *uri, char *buf, size_t size);

#endif							/* FFU_DATA_URI_H */
