/*-------------------------------------------------------------------------
 *
 * request.h
 *	  Makes requests to an object store: their URL and headers.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_REQUEST_H
#define FFU_REQUEST_H

#include "base/ffu.h"

#include "store/s3/call.h"

/* A request as it is sent; palloc'd */
typedef struct FfuRequest
{
	char	   *url;
	char	   *headers[FFU_CALL_HEADERS_MAX + 6];	/* "name: value" */
	int			nheaders;
} FfuRequest;

extern void ffu_request_query(FfuCall *call, const char *name,
							  const char *value);
extern void ffu_request_header(FfuCall *call, const char *name,
							   const char *value);
extern void ffu_request_escape(StringInfo buf, const char *text);
extern void ffu_request_make(const FfuPlace *place, const FfuCall *call,
							 int64 time, FfuRequest *request);
extern void ffu_request_sign_url(const FfuPlace *place, const FfuCall *call,
								 int64 time, int expires, StringInfo url);

#endif							/* FFU_REQUEST_H */
