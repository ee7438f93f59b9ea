/*-------------------------------------------------------------------------
 *
 * transfer.h
 *	  One attempt at a request, in terms of libcurl.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_TRANSFER_H
#define FFU_TRANSFER_H

#include "base/ffu.h"

#include <curl/curl.h>

#include "store/s3/call.h"

/* A place for an attempt.  libcurl calls back into it. */
typedef struct FfuTransfer
{
	CURL	   *easy;			/* kept from attempt to attempt */
	struct curl_slist *headers;
	FfuCall    *call;			/* NULL between attempts */
	int64		sent;			/* bytes of the body that libcurl has taken */
	int			requests;		/* times that libcurl has sent the request */
	bool		whole;			/* the answer is no part, and was refused */
	char		error[CURL_ERROR_SIZE];
} FfuTransfer;

extern bool ffu_transfer_begin(FfuTransfer *transfer, const FfuPlace *place,
							   FfuCall *call);
extern void ffu_transfer_end(FfuTransfer *transfer, CURLcode result);
extern void ffu_transfer_drop(FfuTransfer *transfer);

#endif							/* FFU_TRANSFER_H */
