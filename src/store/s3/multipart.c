/*-------------------------------------------------------------------------
 *
 * multipart.c
 *	  Multipart uploads: objects that several requests store.
 *
 *	1	the store gives the upload an id
 *	2	the parts are stored, several at a time, each with its own digest
 *	3	the upload is completed: now, and not before, there is the object
 *
 * A store answers to step 3 with an error if the upload was completed before,
 * by a request whose answer was lost, and it may answer with status 200 and an
 * error.  So whenever the answer is not plain, a look at the object decides.
 *
 * An upload that an error cuts off stays with the store; ffu.intent has its
 * key, and unfinished.c ends the upload.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "miscadmin.h"

#include "base/digest.h"
#include "store/s3/http.h"
#include "store/s3/multipart.h"
#include "store/s3/object.h"
#include "store/s3/reply.h"
#include "store/s3/request.h"
#include "store/s3/trouble.h"
#include "store/s3/unfinished.h"

/* Size of a part, unless the object would have more than PARTS_MAX */
#define PART_SIZE		(INT64CONST(16) * 1024 * 1024)
#define PARTS_MAX		9000

/* Size of a part that is copied: no bytes of it come here */
#define COPIED_SIZE		(INT64CONST(512) * 1024 * 1024)

/* An upload */
typedef struct Upload
{
	const FfuPlace *place;
	const FfuPut *put;			/* describes the object */
	const char *action;			/* for messages */
	char	   *id;
	int			unanswered;		/* requests that may take effect later */
	int64		part_size;
	int			n;				/* number of parts */
	struct Part *parts;
	FfuCall    *calls;			/* that store the parts */
} Upload;

/* A part */
typedef struct Part
{
	const FfuPut *put;
	int64		start;
	int64		size;
	char		number[12];
	char		sha256[FFU_SHA256_HEX_LEN + 1];
	char		range[64];		/* in the source of a copy */
	char		etag[128];
} Part;

/*
 * Make a call, and visit the elements of its reply.  Raise the error of the
 * call.
 */
static void
ask(const Upload *upload, FfuCall *call, FfuReplyVisitor visit, void *arg)
{
	ffu_http_run(upload->place, call, 1);
	PG_TRY();
	{
		if (!ffu_trouble_is_none(call))
			ffu_trouble_raise(upload->place, call, upload->action);
		(void) ffu_reply_read(call->reply, call->reply_len, visit, arg);
	}
	PG_FINALLY();
	{
		ffu_http_free(call, 1);
	}
	PG_END_TRY();
}

/*
 * FfuReplyVisitor: take the id of the upload.
 */
static void
take_id(const FfuReplyText *element, void *arg)
{
	Upload	   *upload = arg;

	if (strcmp(element->name, "UploadId") == 0)
		upload->id = pstrdup(element->text);
}

/*
 * Step 1: begin the upload.
 */
static void
begin(Upload *upload)
{
	FfuCall		call = {0};

	call.method = "POST";
	call.key = upload->put->key;
	call.sha256 = FFU_CALL_NO_BYTES;
	call.body = "";
	call.wants_reply = "UploadId>";
	ffu_request_query(&call, "uploads", "");
	ffu_object_describe(&call, upload->put);
	ask(upload, &call, take_id, upload);
	upload->unanswered += call.unanswered;
	if (upload->id == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("could not %s \"%s\"", upload->action, call.key),
				 errdetail("The answer of \"%s\" has no id of an upload.",
						   upload->place->url),
				 errhint("Look whether an object store answers there.")));
}

/*
 * Divide an object into parts of at least part_size bytes.
 */
static void
divide(Upload *upload, int64 size, int64 part_size)
{
	int			i;

	upload->part_size = Max(part_size, (size + PARTS_MAX - 1) / PARTS_MAX);
	upload->n = (int) ((size + upload->part_size - 1) / upload->part_size);
	upload->parts = palloc0(upload->n * sizeof(Part));
	for (i = 0; i < upload->n; i++)
	{
		Part	   *part = &upload->parts[i];

		part->put = upload->put;
		part->start = i * upload->part_size;
		part->size = Min(upload->part_size, size - part->start);
		snprintf(part->number, sizeof(part->number), "%d", i + 1);
	}
}

/*
 * Raise an error: the bytes of this server could not be read, or are not those
 * of the digest.
 */
static void
refuse_bytes(const Upload *upload, int error)
{
	errno = error;
	ereport(ERROR,
			(errcode(error ? ERRCODE_IO_ERROR : ERRCODE_DATA_CORRUPTED),
			 error ?
			 errmsg("could not %s \"%s\": %m", upload->action,
					upload->put->key) :
			 errmsg("could not %s \"%s\": the bytes have changed",
					upload->action, upload->put->key),
			 errdetail("The bytes are on this server, in the folder."),
			 errhint("Look for the reason in the log of the operating system, and at ffu.status.")));
}

/*
 * Compute the digest of a part, and add its bytes to the digest of the whole.
 */
static void
digest_part(const Upload *upload, Part *part, struct pg_cryptohash_ctx *whole,
			char *buf)
{
	struct pg_cryptohash_ctx *hash = ffu_digest_begin();
	uint8		bytes[FFU_SHA256_LEN];
	int64		done;

	for (done = 0; done < part->size; done += FFU_CHUNK)
	{
		size_t		len = Min(FFU_CHUNK, part->size - done);
		int			error;

		CHECK_FOR_INTERRUPTS();
		error = part->put->read(part->put->arg, buf, len, part->start + done);
		if (error != 0)
			refuse_bytes(upload, error);
		ffu_digest_add(hash, buf, len);
		ffu_digest_add(whole, buf, len);
	}
	ffu_digest_end(hash, bytes);
	ffu_digest_to_hex(bytes, part->sha256);
}

/*
 * Compute the digests of all parts, and compare the digest of the whole with
 * the digest of the file: the parts are signed, and the whole is not (I11).
 */
static void
digest_parts(Upload *upload)
{
	struct pg_cryptohash_ctx *whole = ffu_digest_begin();
	char	   *buf = palloc(FFU_CHUNK);
	uint8		bytes[FFU_SHA256_LEN];
	char		hex[FFU_SHA256_HEX_LEN + 1];
	int			i;

	for (i = 0; i < upload->n; i++)
		digest_part(upload, &upload->parts[i], whole, buf);
	ffu_digest_end(whole, bytes);
	ffu_digest_to_hex(bytes, hex);
	if (strcmp(hex, upload->put->sha256) != 0)
		refuse_bytes(upload, 0);
	pfree(buf);
}

/*
 * FfuBodyReader: read bytes of a part.
 */
static int
read_part(void *arg, char *buf, size_t len, int64 offset)
{
	const Part *part = arg;

	return part->put->read(part->put->arg, buf, len, part->start + offset);
}

/*
 * Make the calls that store the parts, without what is in them.
 */
static void
make_calls(Upload *upload)
{
	int			i;

	upload->calls = palloc0(upload->n * sizeof(FfuCall));
	for (i = 0; i < upload->n; i++)
	{
		FfuCall    *call = &upload->calls[i];

		call->method = "PUT";
		call->key = upload->put->key;
		ffu_request_query(call, "partNumber", upload->parts[i].number);
		ffu_request_query(call, "uploadId", upload->id);
	}
}

/*
 * Step 2: store the parts.  A late part finds the upload completed or ended,
 * and does nothing.
 */
static void
put_parts(Upload *upload)
{
	int			i;

	digest_parts(upload);
	make_calls(upload);
	for (i = 0; i < upload->n; i++)
	{
		FfuCall    *call = &upload->calls[i];

		call->sha256 = upload->parts[i].sha256;
		call->body_len = upload->parts[i].size;
		call->read = read_part;
		call->arg = &upload->parts[i];
		call->wants_etag = true;
	}
	ffu_http_run(upload->place, upload->calls, upload->n);
	ffu_http_free(upload->calls, upload->n);
	for (i = 0; i < upload->n; i++)
	{
		if (!ffu_trouble_is_none(&upload->calls[i]))
			ffu_trouble_raise(upload->place, &upload->calls[i], upload->action);
		strlcpy(upload->parts[i].etag, upload->calls[i].answer.etag,
				sizeof(upload->parts[i].etag));
	}
}

/*
 * FfuReplyVisitor: take the tag of a part that was copied.
 */
static void
take_etag(const FfuReplyText *element, void *arg)
{
	Part	   *part = arg;

	if (strcmp(element->name, "ETag") == 0)
		strlcpy(part->etag, element->text, sizeof(part->etag));
}

/*
 * Step 2 of a copy: let the store copy the parts from another object.
 */
static void
copy_parts(Upload *upload)
{
	char	   *source = ffu_object_source(upload->place, upload->put->from);
	int			i;

	make_calls(upload);
	for (i = 0; i < upload->n; i++)
	{
		FfuCall    *call = &upload->calls[i];
		Part	   *part = &upload->parts[i];

		snprintf(part->range, sizeof(part->range),
				 "bytes=" INT64_FORMAT "-" INT64_FORMAT, part->start,
				 part->start + part->size - 1);
		call->sha256 = FFU_CALL_NO_BYTES;
		call->body = "";
		call->wants_reply = "CopyPartResult";
		call->patience = upload->place->timeout;
		ffu_request_header(call, "x-amz-copy-source", source);
		ffu_request_header(call, "x-amz-copy-source-range", part->range);
	}
	ffu_http_run(upload->place, upload->calls, upload->n);
	PG_TRY();
	{
		for (i = 0; i < upload->n; i++)
		{
			FfuCall    *call = &upload->calls[i];

			if (!ffu_trouble_is_none(call))
				ffu_trouble_raise(upload->place, call, upload->action);
			(void) ffu_reply_read(call->reply, call->reply_len, take_etag,
								  &upload->parts[i]);
		}
	}
	PG_FINALLY();
	{
		ffu_http_free(upload->calls, upload->n);
	}
	PG_END_TRY();
}

/*
 * Is the object there, as it was described?
 */
static bool
is_there(const Upload *upload, int64 size)
{
	FfuObject	object;

	return ffu_object_look(upload->place, upload->put->key, &object) &&
		object.size == size &&
		strcmp(object.sha256, upload->put->sha256) == 0 &&
		strcmp(object.root_id, upload->put->root_id) == 0;
}

/*
 * Return the body that completes the upload.
 */
static StringInfo
completion(const Upload *upload)
{
	StringInfo	body = makeStringInfo();
	int			i;

	appendStringInfoString(body, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (i = 0; i < upload->n; i++)
	{
		appendStringInfo(body, "<Part><PartNumber>%s</PartNumber><ETag>",
						 upload->parts[i].number);
		ffu_request_escape(body, upload->parts[i].etag);
		appendStringInfoString(body, "</ETag></Part>");
	}
	appendStringInfoString(body, "</CompleteMultipartUpload>");
	return body;
}

/*
 * Step 3: complete the upload.
 */
static void
complete(Upload *upload, int64 size)
{
	StringInfo	body = completion(upload);
	FfuCall		call = {0};
	StringInfoData digest;

	initStringInfo(&digest);
	ffu_sign_digest(&digest, body->data, body->len);
	call.method = "POST";
	call.key = upload->put->key;
	call.sha256 = digest.data;
	call.body = body->data;
	call.body_len = body->len;
	call.wants_reply = "CompleteMultipartUploadResult";
	call.patience = upload->place->timeout + (int) (size / (1024 * 1024));
	ffu_request_header(&call, "content-type", "application/xml");
	ffu_request_query(&call, "uploadId", upload->id);
	ffu_http_run(upload->place, &call, 1);
	ffu_http_free(&call, 1);
	upload->unanswered += call.unanswered;
	if (!ffu_trouble_is_none(&call) &&
		(call.unanswered == 0 || !is_there(upload, size)))
		ffu_trouble_raise(upload->place, &call, upload->action);
}

/*
 * Store an object.  A copy that was cut off may be made again under the same
 * key: end the uploads of the first attempt.
 */
void
ffu_multipart_put(const FfuPlace *place, FfuPut *put)
{
	FfuKeyRemoval earlier = {.key = put->key};
	Upload		upload = {
		.place = place,
		.put = put,
		.action = put->from ? "copy object" : "store object"
	};

	if (put->from)
		(void) ffu_unfinished_end(place, &earlier, 1);
	divide(&upload, put->size, put->from ? COPIED_SIZE :
		   Min(PART_SIZE, place->whole_max));
	begin(&upload);
	if (put->from)
		copy_parts(&upload);
	else
		put_parts(&upload);
	complete(&upload, put->size);
	put->unanswered = upload.unanswered;
	pfree(upload.calls);
	pfree(upload.parts);
}

/*
 * Try whether the store begins a multipart upload, lists it and ends it.
 * Return false if not, and end an upload that is not listed by its id.  Raise
 * an error if the store refuses.
 */
bool
ffu_multipart_probe(const FfuPlace *place, const FfuPut *put)
{
	FfuKeyRemoval removal = {.key = put->key};
	Upload		upload = {
		.place = place,
		.put = put,
		.action = "store object"
	};

	begin(&upload);
	if (ffu_unfinished_end(place, &removal, 1) == 1 &&
		removal.error[0] == '\0')
		return true;
	ffu_unfinished_end_one(place, &removal, upload.id);
	return false;
}
