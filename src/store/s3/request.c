/*-------------------------------------------------------------------------
 *
 * request.c
 *	  Makes requests to an object store: their URL and headers.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "store/s3/credentials.h"
#include "store/s3/request.h"

/* Life of a URL that ffu uses at once, in seconds */
#define URL_LIFE	600

/*
 * Add a parameter of the query.
 */
void
ffu_request_query(FfuCall *call, const char *name, const char *value)
{
	if (call->nquery == FFU_CALL_QUERY_MAX)
		elog(ERROR, "too many parameters in a request to the object store");
	call->query[call->nquery++] = ffu_pair(name, value);
}

/*
 * Add a header, with its name in lower case.  The header is signed.
 */
void
ffu_request_header(FfuCall *call, const char *name, const char *value)
{
	if (call->nheaders == FFU_CALL_HEADERS_MAX)
		elog(ERROR, "too many headers in a request to the object store");
	call->headers[call->nheaders++] = ffu_pair(name, value);
}

/*
 * Append a text as the content of an element of XML.
 */
void
ffu_request_escape(StringInfo buf, const char *text)
{
	const char *p;

	for (p = text; *p; p++)
	{
		if (*p == '&')
			appendStringInfoString(buf, "&amp;");
		else if (*p == '<')
			appendStringInfoString(buf, "&lt;");
		else if (*p == '>')
			appendStringInfoString(buf, "&gt;");
		else
			appendStringInfoChar(buf, *p);
	}
}

/*
 * Append the host of a request.
 */
static void
append_host(StringInfo buf, const FfuPlace *place)
{
	if (place->host_style)
	{
		appendStringInfoString(buf, place->bucket);
		appendStringInfoChar(buf, '.');
	}
	appendStringInfoString(buf, place->host);
}

/*
 * Append the path of a request, encoded.
 */
static void
append_path(StringInfo buf, const FfuPlace *place, const char *key)
{
	appendStringInfoChar(buf, '/');
	if (!place->host_style)
	{
		ffu_sign_encode(buf, place->bucket, false);
		if (key != NULL)
			appendStringInfoChar(buf, '/');
	}
	if (key == NULL)
		return;
	ffu_sign_encode(buf, place->prefix, true);
	ffu_sign_encode(buf, key, true);
}

/*
 * Read the keys of a place.
 */
static void
find_key(const FfuPlace *place, FfuSignKey *key)
{
	const FfuCredentials *found =
	ffu_credentials_read(place->credentials_file, place->profile);

	key->key_id = found->key_id;
	key->secret = found->secret;
	key->token = found->token[0] ? found->token : NULL;
	key->region = place->region;
}

/*
 * Add the headers of a signed request to the headers of the call.
 */
static int
all_headers(const FfuCall *call, const FfuSignKey *key, const char *host,
			const char *time, FfuPair *headers)
{
	int			n = call->nheaders;

	memcpy(headers, call->headers, n * sizeof(FfuPair));
	headers[n++] = ffu_pair("host", host);
	headers[n++] = ffu_pair("x-amz-content-sha256", call->sha256);
	headers[n++] = ffu_pair("x-amz-date", time);
	if (key->token != NULL)
		headers[n++] = ffu_pair("x-amz-security-token", key->token);
	return n;
}

/*
 * Append a signed URL of a call, good for expires seconds from a time.
 */
void
ffu_request_sign_url(const FfuPlace *place, const FfuCall *call, int64 time,
					 int expires, StringInfo url)
{
	FfuSignee	what = {0};
	FfuPair		headers[FFU_CALL_HEADERS_MAX + 1];
	FfuSignKey	key;
	StringInfoData host;
	StringInfoData path;

	find_key(place, &key);
	initStringInfo(&host);
	append_host(&host, place);
	memcpy(headers, call->headers, call->nheaders * sizeof(FfuPair));
	headers[call->nheaders] = ffu_pair("host", host.data);
	initStringInfo(&path);
	append_path(&path, place, call->key);
	what.method = call->method;
	what.path = path.data;
	what.query = call->query;
	what.nquery = call->nquery;
	what.headers = headers;
	what.nheaders = call->nheaders + 1;
	what.payload = call->sha256 ? call->sha256 : FFU_SIGN_ANY_BODY;
	what.time = time;
	appendStringInfoString(url, place->scheme);
	appendStringInfoString(url, "://");
	appendStringInfoString(url, host.data);
	appendStringInfoString(url, path.data);
	appendStringInfoChar(url, '?');
	ffu_sign_url(url, &key, &what, expires);
	pfree(host.data);
	pfree(path.data);
}

/*
 * Make the request of a call as somebody makes it who has the URL.  libcurl
 * sends the length by itself.
 */
static void
make_by_url(const FfuPlace *place, const FfuCall *call, int64 time,
			FfuRequest *request)
{
	StringInfoData url;
	int			i;

	initStringInfo(&url);
	ffu_request_sign_url(place, call, time, URL_LIFE, &url);
	request->url = url.data;
	request->nheaders = 0;
	for (i = 0; i < call->nheaders; i++)
	{
		if (strcmp(call->headers[i].name, "content-length") != 0)
			request->headers[request->nheaders++] =
				psprintf("%s: %s", call->headers[i].name,
						 call->headers[i].value);
	}
}

/*
 * Make the request of a call, signed at a time in seconds from 1970.
 */
void
ffu_request_make(const FfuPlace *place, const FfuCall *call, int64 time,
				 FfuRequest *request)
{
	FfuPair		headers[FFU_CALL_HEADERS_MAX + 4];
	char		now[FFU_SIGN_TIME_LEN + 1];
	FfuSignee	what = {0};
	FfuSignKey	key;
	StringInfoData host;
	StringInfoData path;
	StringInfoData query;
	StringInfoData authorization;
	int			i;

	if (call->by_url)
	{
		make_by_url(place, call, time, request);
		return;
	}
	find_key(place, &key);
	ffu_sign_time(now, time);
	initStringInfo(&host);
	append_host(&host, place);
	initStringInfo(&path);
	append_path(&path, place, call->key);
	what.method = call->method;
	what.path = path.data;
	what.query = call->query;
	what.nquery = call->nquery;
	what.headers = headers;
	what.nheaders = all_headers(call, &key, host.data, now, headers);
	what.payload = call->sha256;
	what.time = time;
	initStringInfo(&authorization);
	appendStringInfoString(&authorization, "authorization: ");
	ffu_sign_authorization(&authorization, &key, &what);
	initStringInfo(&query);
	ffu_sign_query(&query, call->query, call->nquery);
	request->url = psprintf("%s://%s%s%s%s", place->scheme, host.data,
							path.data, query.len > 0 ? "?" : "", query.data);
	request->nheaders = 0;
	for (i = 0; i < what.nheaders; i++)
		request->headers[request->nheaders++] =
			psprintf("%s: %s", headers[i].name, headers[i].value);
	request->headers[request->nheaders++] = authorization.data;
}
