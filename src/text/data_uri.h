/*-------------------------------------------------------------------------
 *
 * data_uri.h
 *	  "data:" URIs (RFC 2397): how a client that has only text sends bytes.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_DATA_URI_H
#define FFU_DATA_URI_H

#include "base/ffu.h"

/* A data: URI taken apart; it points into the value it was made from. */
typedef struct FfuDataUri
{
	char	   *file_name;		/* decoded, cleaned; NULL if it has none */
	bool		base64;
	const char *payload;		/* what follows the comma, still encoded */
	size_t		payload_len;
	/* How far decoding has got */
	size_t		pos;			/* in payload */
	uint32		bits;			/* base64: the last two digits */
	int			nbits;			/* base64: how many of these are to come */
	int			quantum;		/* base64: digits seen, modulo 4 */
	int			pads;			/* base64: '='s seen, at most 2 */
} FfuDataUri;

extern bool ffu_datauri_is(const char *value, size_t len);
extern void ffu_datauri_parse(const char *value, size_t len, FfuDataUri *uri);
extern uint64 ffu_datauri_max_size(const FfuDataUri *uri);
extern size_t ffu_datauri_read(FfuDataUri *uri, char *buf, size_t size);

#endif							/* FFU_DATA_URI_H */
