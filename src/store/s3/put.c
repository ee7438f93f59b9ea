/*-------------------------------------------------------------------------
 *
 * put.c
 *	  Stores and copies objects, small and large.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "base/caught.h"
#include "store/s3/http.h"
#include "store/s3/multipart.h"
#include "store/s3/object.h"
#include "store/s3/put.h"
#include "store/s3/request.h"
#include "store/s3/trouble.h"

/*
 * Objects above this size are copied in parts.
 */
#define COPY_MAX	(INT64CONST(5) * 1024 * 1024 * 1024)

/*
 * Is an object stored in parts?
 */
static bool
is_large(const FfuPlace *place, const FfuPut *put)
{
	return put->size > (put->from ? COPY_MAX : place->whole_max);
}

/*
 * Fill in a call that copies an object, with its description.
 */
static void
ask_copy(const FfuPlace *place, FfuCall *call, const char *from,
		 const char *to)
{
	call->method = "PUT";
	call->key = to;
	call->sha256 = FFU_CALL_NO_BYTES;
	call->body = "";
	call->wants_reply = "CopyObjectResult";
	call->patience = place->timeout;
	ffu_request_header(call, "x-amz-copy-source",
					   ffu_object_source(place, from));
}

/*
 * Fill in a call that copies an object, with a new description.
 */
static void
ask_put_copy(const FfuPlace *place, FfuCall *call, const FfuPut *put)
{
	ask_copy(place, call, put->from, put->key);
	ffu_request_header(call, "x-amz-metadata-directive", "REPLACE");
	ffu_object_describe(call, put);
}

/*
 * Is the source of a copy missing?
 */
static bool
is_missing(const FfuCall *call)
{
	return call->status == 404 && strcmp(call->code, "NoSuchKey") == 0;
}

/*
 * Store the objects of a single request each, several at a time.  Raise the
 * error of the first failure.
 */
static void
put_whole(const FfuPlace *place, FfuPut *puts, int n)
{
	FfuCall    *calls = palloc0(n * sizeof(FfuCall));
	int		   *of = palloc(n * sizeof(int));
	int			count = 0;
	int			i;

	for (i = 0; i < n; i++)
	{
		if (is_large(place, &puts[i]))
			continue;
		of[count] = i;
		if (puts[i].from)
			ask_put_copy(place, &calls[count++], &puts[i]);
		else
			ffu_object_ask_put(&calls[count++], &puts[i]);
	}
	ffu_http_run(place, calls, count);
	ffu_http_free(calls, count);
	for (i = 0; i < count; i++)
	{
		FfuPut	   *put = &puts[of[i]];

		put->unanswered = calls[i].unanswered;
		put->missing = put->from && is_missing(&calls[i]);
		if (!put->missing && !ffu_trouble_is_none(&calls[i]))
			ffu_trouble_raise(place, &calls[i], "store object");
	}
	pfree(calls);
	pfree(of);
}

/*
 * Store objects.  Return when the store has answered that all objects are
 * durable.  Raise the error of the first failure.
 */
void
ffu_put_objects(const FfuPlace *place, FfuPut *puts, int n)
{
	int			i;

	put_whole(place, puts, n);
	for (i = 0; i < n; i++)
	{
		if (is_large(place, &puts[i]))
			ffu_multipart_put(place, &puts[i]);
	}
}

/*
 * Take the answer to a copy over.
 */
static void
take_copied(const FfuCall *call, FfuKeyCopy *copy)
{
	bool		good = ffu_trouble_is_none(call);

	copy->missing = is_missing(call);
	copy->unanswered = call->unanswered > 0;
	strlcpy(copy->error, good || copy->missing ? "" : ffu_trouble_word(call),
			sizeof(copy->error));
}

/*
 * Copy an object in parts.
 */
static void
copy_large(const FfuPlace *place, FfuKeyCopy *copy)
{
	MemoryContext context = CurrentMemoryContext;
	FfuObject	object;
	FfuPut		put = {
		.key = copy->to,
		.from = copy->from,
		.sha256 = object.sha256,
		.type = object.type,
		.root_id = object.root_id
	};

	copy->error[0] = '\0';
	PG_TRY();
	{
		copy->missing = !ffu_object_look(place, copy->from, &object);
		put.size = object.size;
		if (!copy->missing)
			ffu_multipart_put(place, &put);
		copy->unanswered |= put.unanswered > 0;
	}
	PG_CATCH();
	{
		strlcpy(copy->error, ffu_caught_store(context), sizeof(copy->error));
		/* A request may have been cut off without an answer. */
		copy->unanswered = true;
	}
	PG_END_TRY();
}

/*
 * Is an object too large for one request, as the store says?
 */
static bool
is_too_large(const FfuCall *call)
{
	return strcmp(call->code, "EntityTooLarge") == 0 ||
		strcmp(call->code, "InvalidRequest") == 0;
}

/*
 * Copy objects within the bucket, several at a time.  Set the outcome of each
 * copy.
 */
void
ffu_put_copies(const FfuPlace *place, FfuKeyCopy *copies, int n)
{
	FfuCall    *calls = palloc0(n * sizeof(FfuCall));
	int			i;

	for (i = 0; i < n; i++)
		ask_copy(place, &calls[i], copies[i].from, copies[i].to);
	ffu_http_run(place, calls, n);
	ffu_http_free(calls, n);
	for (i = 0; i < n; i++)
	{
		take_copied(&calls[i], &copies[i]);
		if (is_too_large(&calls[i]))
			copy_large(place, &copies[i]);
	}
	pfree(calls);
}
