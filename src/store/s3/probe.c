/*-------------------------------------------------------------------------
 *
 * probe.c
 *	  Tries what ffu needs of an object store.
 *
 * Servers that speak the protocol of S3 differ, and the promises of ffu rest on
 * a few abilities.  Before a bucket is used, an object of a random name tells
 * whether the store refuses other bytes than were signed, keeps type and
 * metadata, lists the object at once, reads from the middle, and removes.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "utils/builtins.h"

#include "store/s3/http.h"
#include "store/s3/keys.h"
#include "store/s3/multipart.h"
#include "store/s3/object.h"
#include "store/s3/probe.h"
#include "store/s3/put.h"
#include "store/s3/request.h"
#include "store/s3/trouble.h"
#include "store/s3/unfinished.h"

/* The bytes of the object, and bytes of the same length */
static char bytes[] = "ffu looks what this store can do.";
static char others[] = "ffu looks what this store refuses";

/* Where the object is looked for in a listing */
typedef struct Search
{
	const char *key;
	int64		size;			/* -1 if not found */
} Search;

/*
 * Raise 55000: the store lacks what ffu needs.
 */
static void
refuse_store(const FfuPlace *place, const char *lacks)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the store at \"%s\" cannot keep ffu's promises",
					place->url),
			 errdetail("%s", lacks),
			 errhint("Use another store, or another version of this one.")));
}

/*
 * Give the bytes of a text to a request.
 */
static int
read_text(void *arg, char *buf, size_t len, int64 offset)
{
	memcpy(buf, (const char *) arg + offset, len);
	return 0;
}

/*
 * Describe the object, with the digest of bytes.  key is the name.
 */
static void
describe(FfuPut *put, const char *key, const char *root_id)
{
	StringInfoData digest;

	initStringInfo(&digest);
	ffu_sign_digest(&digest, bytes, strlen(bytes));
	memset(put, 0, sizeof(FfuPut));
	put->key = key;
	put->size = strlen(bytes);
	put->sha256 = digest.data;
	put->type = "text/plain";
	put->root_id = root_id;
	put->read = read_text;
	put->arg = bytes;
}

/*
 * Does the store refuse bytes that do not have the signed digest (I11)?
 */
static void
probe_digest(const FfuPlace *place, const FfuPut *right)
{
	FfuPut		wrong = *right;
	FfuCall		call = {0};

	wrong.arg = others;
	ffu_object_ask_put(&call, &wrong);
	call.once = true;
	ffu_http_run(place, &call, 1);
	ffu_http_free(&call, 1);
	if (ffu_trouble_is_none(&call))
		refuse_store(place, "It accepts bytes that do not have the signed digest.");
	if (call.status == 0 || call.status >= 500)
		ffu_trouble_raise(place, &call, "store object");
}

/*
 * Does the store remember what it was told about an object, and read from the
 * middle?
 */
static void
probe_object(const FfuPlace *place, const FfuPut *put)
{
	FfuObject	object;
	char		middle[4];

	if (!ffu_object_look(place, put->key, &object))
		refuse_store(place, "An object is not there after it was stored.");
	if (object.size != put->size || strcmp(object.sha256, put->sha256) != 0 ||
		strcmp(object.root_id, put->root_id) != 0 ||
		strcmp(object.type, put->type) != 0)
		refuse_store(place, "It forgets the size, the type or the metadata of an object.");
	if (!ffu_object_read(place, put->key, middle, sizeof(middle), 4) ||
		memcmp(middle, bytes + 4, sizeof(middle)) != 0)
		refuse_store(place, "It does not read from the middle of an object.");
}

/*
 * Visit a key of the listing.
 */
static void
find_key(const char *key, int64 size, void *arg)
{
	Search	   *search = arg;

	if (strcmp(key, search->key) == 0)
		search->size = size;
}

/*
 * Is the object in the listing?
 */
static void
probe_listing(const FfuPlace *place, const FfuPut *put)
{
	Search		search = {put->key, -1};

	ffu_keys_walk(place, put->key, find_key, &search);
	if (search.size != put->size)
		refuse_store(place, "It does not list an object that was stored.");
}

/*
 * Can the store refuse to overwrite an object?
 */
static bool
probe_once(const FfuPlace *place, const FfuPut *put)
{
	FfuCall		call = {0};

	ffu_object_ask_put(&call, put);
	ffu_request_header(&call, "if-none-match", "*");
	call.once = true;
	ffu_http_run(place, &call, 1);
	ffu_http_free(&call, 1);
	return call.status == 412;
}

/*
 * Does the store take bytes by a signed URL?
 */
static bool
takes_by_url(const FfuPlace *place, const FfuPut *put, char *body, size_t len)
{
	FfuCall		call = {0};
	char		length[24];

	snprintf(length, sizeof(length), INT64_FORMAT, put->size);
	ffu_object_ask_direct(&call, put->key, length, put->sha256);
	call.body = body;
	call.body_len = len;
	call.by_url = true;
	call.once = true;
	ffu_http_run(place, &call, 1);
	ffu_http_free(&call, 1);
	return ffu_trouble_is_none(&call);
}

/*
 * Does a signed URL store the bytes with the signed length and digest, and no
 * other bytes?
 */
static bool
probe_direct(const FfuPlace *place, const FfuPut *put)
{
	return !takes_by_url(place, put, others, strlen(others)) &&
		!takes_by_url(place, put, bytes, strlen(bytes) - 1) &&
		takes_by_url(place, put, bytes, strlen(bytes));
}

/*
 * Remove the object, and look that it is gone.  Return whether the store
 * removes many keys in one request.
 */
static bool
probe_removal(const FfuPlace *place, const FfuPut *put)
{
	FfuPlace	single = *place;
	FfuPlace	many = *place;
	FfuKeyRemoval removal = {.key = put->key};
	FfuObject	object;
	bool		batch;

	many.batch = 2;
	ffu_keys_remove(&many, &removal, 1);
	batch = removal.error[0] == '\0' &&
		!ffu_object_look(place, put->key, &object);
	single.batch = 1;
	ffu_keys_remove(&single, &removal, 1);
	if (removal.error[0] == '\0' &&
		!ffu_object_look(place, put->key, &object))
		return batch;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the store at \"%s\" does not remove objects", place->url),
			 errdetail("Removing \"%s\" gave: %s.", put->key,
					   removal.error[0] ? removal.error : "the object stayed"),
			 errhint("Let the keys in the credentials file also delete objects.")));
}

/*
 * Try everything with one object, and remove the object.
 */
static void
try_all(const FfuPlace *place, const FfuPut *put, FfuProbe *probe)
{
	FfuPut		stored = *put;

	probe_digest(place, put);
	ffu_put_objects(place, &stored, 1);
	probe_object(place, put);
	probe_listing(place, put);
	probe->once = probe_once(place, put);
	probe->direct = probe_direct(place, put);
	if (!ffu_multipart_probe(place, put))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the store at \"%s\" cannot keep ffu's promises",
						place->url),
				 errdetail("It does not list a multipart upload that was begun, or does not end it."),
				 errhint("Let the keys in the credentials file also list and end multipart uploads, or use another store.")));
	probe->batch = probe_removal(place, put);
}

/*
 * Remove what a trial that failed may have left: multipart uploads first, which
 * could still make the object, then the object.  Make each request once, and
 * raise no error but a cancel: the caller has the error to raise.
 */
static void
clean_up(const FfuPlace *place, const char *key)
{
	FfuPlace	once = *place;
	FfuKeyRemoval removal = {.key = key};

	once.timeout = 0;
	once.batch = 1;
	(void) ffu_unfinished_end(&once, &removal, 1);
	ffu_keys_remove(&once, &removal, 1);
}

/*
 * Try what ffu needs of a store.  Raise an error that says what lacks, or what
 * the store answered.  Set *probe to what the store can do beyond that.
 */
void
ffu_probe(const FfuPlace *place, const char *root_id, FfuProbe *probe)
{
	Datum		random = DirectFunctionCall1(gen_random_uuid, (Datum) 0);
	char	   *name = DatumGetCString(DirectFunctionCall1(uuid_out, random));
	MemoryContext context = CurrentMemoryContext;
	FfuPut		put;

	describe(&put, psprintf(".ffu/probe/%s", name), root_id);
	PG_TRY();
	{
		try_all(place, &put, probe);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		clean_up(place, put.key);
		ReThrowError(error);
	}
	PG_END_TRY();
}
