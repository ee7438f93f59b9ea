/*-------------------------------------------------------------------------
 *
 * object.c
 *	  Describes, reads and looks at single objects.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "store/s3/http.h"
#include "store/s3/object.h"
#include "store/s3/request.h"
#include "store/s3/trouble.h"

/*
 * Add the headers that describe an object.
 */
void
ffu_object_describe(FfuCall *call, const FfuPut *put)
{
	ffu_request_header(call, "content-type", put->type);
	if (put->disposition != NULL)
		ffu_request_header(call, "content-disposition", put->disposition);
	ffu_request_header(call, "x-amz-meta-ffu-root", put->root_id);
	ffu_request_header(call, "x-amz-meta-ffu-sha256", put->sha256);
}

/*
 * Fill in a call that stores an object.
 */
void
ffu_object_ask_put(FfuCall *call, const FfuPut *put)
{
	call->method = "PUT";
	call->key = put->key;
	call->sha256 = put->sha256;
	call->body_len = put->size;
	call->read = put->read;
	call->arg = put->arg;
	call->wants_etag = true;
	ffu_object_describe(call, put);
}

/*
 * Raise an error if the bucket itself is not there: the answer to a HEAD does
 * not tell that from a missing object.
 */
static void
require_bucket(const FfuPlace *place)
{
	FfuCall		call = {0};

	call.method = "HEAD";
	call.sha256 = FFU_CALL_NO_BYTES;
	ffu_http_run(place, &call, 1);
	ffu_http_free(&call, 1);
	if (call.status == 404)
		strlcpy(call.code, "NoSuchBucket", sizeof(call.code));
	if (!ffu_trouble_is_none(&call))
		ffu_trouble_raise(place, &call, "look at bucket");
}

/*
 * Take the answer to a look over.
 */
static void
take_look(const FfuPlace *place, const FfuCall *call, FfuKeyLook *look)
{
	look->found = call->status != 404;
	if (!look->found)
		return;
	if (!ffu_trouble_is_none(call))
		ffu_trouble_raise(place, call, "look at object");
	look->object.size = call->answer.length;
	strlcpy(look->object.type, call->answer.type, sizeof(look->object.type));
	strlcpy(look->object.sha256, call->answer.sha256,
			sizeof(look->object.sha256));
	strlcpy(look->object.root_id, call->answer.root_id,
			sizeof(look->object.root_id));
}

/*
 * Look at objects, several at a time, and say of each whether it is there.
 */
void
ffu_object_look_all(const FfuPlace *place, FfuKeyLook *looks, int n)
{
	FfuCall    *calls = palloc0(n * sizeof(FfuCall));
	bool		missing = false;
	int			i;

	for (i = 0; i < n; i++)
	{
		calls[i].method = "HEAD";
		calls[i].key = looks[i].key;
		calls[i].sha256 = FFU_CALL_NO_BYTES;
		calls[i].wants_etag = true;
	}
	ffu_http_run(place, calls, n);
	ffu_http_free(calls, n);
	for (i = 0; i < n; i++)
	{
		take_look(place, &calls[i], &looks[i]);
		missing = missing || !looks[i].found;
	}
	pfree(calls);
	if (missing)
		require_bucket(place);
}

/*
 * Look at an object.  Return false if there is no object.
 */
bool
ffu_object_look(const FfuPlace *place, const char *key, FfuObject *object)
{
	FfuKeyLook	look = {.key = key};

	ffu_object_look_all(place, &look, 1);
	if (look.found)
		*object = look.object;
	return look.found;
}

/*
 * Raise an error for an object that ends too early.
 */
static void
refuse_short(const FfuPlace *place, const char *key, size_t len, size_t got)
{
	ereport(ERROR,
			(errcode(ERRCODE_IO_ERROR),
			 errmsg("could not read object \"%s\": it is too short", key),
			 errdetail("\"%s\" gave %zu bytes of %zu.", place->url, got, len),
			 errhint("Look into the log of the store.")));
}

/*
 * Read len bytes at offset of an object into buf.  Return false if there is no
 * object.  Raise an error if the object is shorter.
 */
bool
ffu_object_read(const FfuPlace *place, const char *key, char *buf, size_t len,
				int64 offset)
{
	FfuCall		call = {0};
	char		range[64];

	if (len == 0)
		return true;
	snprintf(range, sizeof(range), "bytes=" INT64_FORMAT "-" INT64_FORMAT,
			 offset, offset + (int64) len - 1);
	call.method = "GET";
	call.key = key;
	call.sha256 = FFU_CALL_NO_BYTES;
	call.into = buf;
	call.into_size = len;
	call.wants_etag = true;
	ffu_request_header(&call, "range", range);
	ffu_http_run(place, &call, 1);
	ffu_http_free(&call, 1);
	if (call.status == 404 && strcmp(call.code, "NoSuchKey") == 0)
		return false;
	if (!ffu_trouble_is_none(&call))
		ffu_trouble_raise(place, &call, "read object");
	if (call.into_len < len)
		refuse_short(place, key, len, call.into_len);
	return true;
}

/*
 * Return the name of an object for the header of a copy, palloc'd.
 */
char *
ffu_object_source(const FfuPlace *place, const char *key)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoChar(&buf, '/');
	ffu_sign_encode(&buf, place->bucket, false);
	appendStringInfoChar(&buf, '/');
	ffu_sign_encode(&buf, place->prefix, true);
	ffu_sign_encode(&buf, key, true);
	return buf.data;
}

/*
 * Append a URL that reads the object, good for expires seconds from a time in
 * seconds from 1970.  disposition may be NULL.
 */
void
ffu_object_sign(const FfuPlace *place, const char *key,
				const char *disposition, int64 time, int expires,
				StringInfo url)
{
	FfuCall		call = {0};

	call.method = "GET";
	call.key = key;
	if (disposition != NULL)
		ffu_request_query(&call, "response-content-disposition", disposition);
	ffu_request_sign_url(place, &call, time, expires, url);
}

/*
 * Fill in a call that stores bytes by a signed URL: the signature is good for
 * these bytes alone.
 */
void
ffu_object_ask_direct(FfuCall *call, const char *key, const char *length,
					  const char *sha256)
{
	call->method = "PUT";
	call->key = key;
	call->sha256 = sha256;
	ffu_request_header(call, "content-length", length);
	ffu_request_header(call, "x-amz-content-sha256", sha256);
}

/*
 * Append a URL that stores size bytes with this digest, good for expires
 * seconds from a time in seconds from 1970.
 */
void
ffu_object_sign_put(const FfuPlace *place, const char *key, int64 size,
					const char *sha256, int64 time, int expires,
					StringInfo url)
{
	FfuCall		call = {0};
	char		length[24];

	snprintf(length, sizeof(length), INT64_FORMAT, size);
	ffu_object_ask_direct(&call, key, length, sha256);
	ffu_request_sign_url(place, &call, time, expires, url);
}
