/*-------------------------------------------------------------------------
 *
 * keys.c
 *	  Lists and removes the objects of a bucket.
 *
 * A store that is asked to remove many keys answers with status 200 and an
 * error for each key that it did not remove.  A key counts as removed only if
 * the answer names it as removed (I8).
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "common/base64.h"
#include "common/cryptohash.h"
#include "common/md5.h"
#include "common/sha2.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "store/s3/http.h"
#include "store/s3/keys.h"
#include "store/s3/reply.h"
#include "store/s3/request.h"
#include "store/s3/trouble.h"
#include "store/s3/unfinished.h"

/* The most keys that stores list or remove in one request */
#define KEYS_MAX	1000

/* Minimum number of keys in a request to a store that is slow to remove many */
#define KEYS_FEW	16

/* A page of a listing */
typedef struct Page
{
	const FfuPlace *place;
	bool		is_listing;		/* the reply is a listing */
	bool		encoded;		/* keys are encoded as in a URL */
	bool		more;
	char	   *token;			/* of the next page */
	char	   *keys[KEYS_MAX];
	int64		sizes[KEYS_MAX];
	int			n;
} Page;

/* A key of a removal that the answer is to name */
typedef struct Expected
{
	char		key[FFU_BUCKET_PREFIX_MAX + FFU_BUCKET_KEY_MAX];
	FfuKeyRemoval *removal;
} Expected;

/* The answer to a removal, while it is read */
typedef struct Removed
{
	HTAB	   *expected;
	char	   *key;			/* of the current element */
} Removed;

/*
 * Take a text of a listing over into the page.
 */
static void
take_listed(const FfuReplyText *element, void *arg)
{
	Page	   *page = arg;

	if (strcmp(element->outer, "ListBucketResult") == 0)
	{
		page->is_listing = true;
		if (strcmp(element->name, "IsTruncated") == 0)
			page->more = strcmp(element->text, "true") == 0;
		else if (strcmp(element->name, "NextContinuationToken") == 0)
			page->token = pstrdup(element->text);
		else if (strcmp(element->name, "EncodingType") == 0)
			page->encoded = strcmp(element->text, "url") == 0;
	}
	else if (strcmp(element->outer, "Contents") == 0)
	{
		if (strcmp(element->name, "Key") == 0 && page->n < KEYS_MAX)
			page->keys[page->n++] = pstrdup(element->text);
		else if (strcmp(element->name, "Size") == 0 && page->n > 0)
			page->sizes[page->n - 1] = strtoll(element->text, NULL, 10);
	}
}

/*
 * Ask for the page of a listing after token; NULL is the first.
 */
static void
list_page(const FfuPlace *place, const char *prefix, const char *token,
		  Page *page)
{
	FfuCall		call = {0};
	volatile bool good = false;

	call.method = "GET";
	call.sha256 = FFU_CALL_NO_BYTES;
	ffu_request_query(&call, "list-type", "2");
	ffu_request_query(&call, "encoding-type", "url");
	ffu_request_query(&call, "prefix", prefix);
	if (token != NULL)
		ffu_request_query(&call, "continuation-token", token);
	ffu_http_run(place, &call, 1);
	PG_TRY();
	{
		if (!ffu_trouble_is_none(&call))
			ffu_trouble_raise(place, &call, "list bucket");
		good = call.reply != NULL &&
			ffu_reply_read(call.reply, call.reply_len, take_listed, page) &&
			page->is_listing && (!page->more || page->token != NULL);
	}
	PG_FINALLY();
	{
		ffu_http_free(&call, 1);
	}
	PG_END_TRY();
	if (!good)
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("could not list bucket \"%s\"", place->bucket),
				 errdetail("The answer of \"%s\" is not a listing.", place->url),
				 errhint("Look whether an object store answers there.")));
}

/*
 * Visit the keys of a page.
 */
static void
visit_page(Page *page, FfuKeyVisitor visit, void *arg)
{
	size_t		prefix_len = strlen(page->place->prefix);
	int			i;

	for (i = 0; i < page->n; i++)
	{
		if (page->encoded)
			ffu_reply_decode(page->keys[i]);
		if (strncmp(page->keys[i], page->place->prefix, prefix_len) == 0)
			visit(page->keys[i] + prefix_len, page->sizes[i], arg);
	}
}

/*
 * Visit all keys that begin with start, in the order of bytes.  visit may
 * raise an error.
 */
void
ffu_keys_walk(const FfuPlace *place, const char *start, FfuKeyVisitor visit,
			  void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "ffu listing",
												  ALLOCSET_DEFAULT_SIZES);
	char	   *prefix = psprintf("%s%s", place->prefix, start);
	char	   *token = NULL;
	bool		more = true;

	while (more)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		Page	   *page = palloc0(sizeof(Page));

		page->place = place;
		list_page(place, prefix, token, page);
		MemoryContextSwitchTo(old);
		visit_page(page, visit, arg);
		more = page->more;
		token = more ? pstrdup(page->token) : NULL;
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
	pfree(prefix);
}

/*
 * Return the value of the header Content-MD5 for a body, palloc'd.  Raise an
 * error if the server may not compute it.
 */
static char *
md5_header(const StringInfo body)
{
	uint8		digest[MD5_DIGEST_LENGTH];
	int			size = pg_b64_enc_len(sizeof(digest)) + 1;
	char	   *text = palloc0(size);
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_MD5);
	bool		good = ctx != NULL && pg_cryptohash_init(ctx) >= 0 &&
	pg_cryptohash_update(ctx, (uint8 *) body->data, body->len) >= 0 &&
	pg_cryptohash_final(ctx, digest, sizeof(digest)) >= 0;

	if (ctx != NULL)
		pg_cryptohash_free(ctx);
	/* 18 changed the type of the bytes. */
	good = good &&
		pg_b64_encode((const void *) digest, sizeof(digest), text, size) >= 0;
	if (!good)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this server cannot compute MD5"),
				 errdetail("Object stores want it to remove many objects in one request."),
				 errhint("Set ffu.store_delete_batch to 1.")));
	return text;
}

/*
 * Return the SHA-256 of a body as hex digits, palloc'd.
 */
static char *
sha256_header(const StringInfo body)
{
	StringInfoData hex;

	initStringInfo(&hex);
	ffu_sign_digest(&hex, body->data, body->len);
	return hex.data;
}

/*
 * Build the body of a removal, and the table of the keys that the answer is to
 * name.
 */
static HTAB *
expect_removals(const FfuPlace *place, FfuKeyRemoval *removals, int n,
				StringInfo body)
{
	HASHCTL		ctl;
	HTAB	   *expected;
	int			i;

	memset(&ctl, 0, sizeof(ctl));
	ctl.keysize = sizeof(((Expected *) 0)->key);
	ctl.entrysize = sizeof(Expected);
	ctl.hcxt = CurrentMemoryContext;
	expected = hash_create("ffu removals", n, &ctl,
						   HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	appendStringInfoString(body, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (i = 0; i < n; i++)
	{
		char	   *key = psprintf("%s%s", place->prefix, removals[i].key);
		Expected   *entry = hash_search(expected, key, HASH_ENTER, NULL);

		entry->removal = &removals[i];
		appendStringInfoString(body, "<Object><Key>");
		ffu_request_escape(body, key);
		appendStringInfoString(body, "</Key></Object>");
		pfree(key);
	}
	appendStringInfoString(body, "</Delete>");
	return expected;
}

/*
 * Take the fate of a key out of the answer to a removal.
 */
static void
take_removed(const FfuReplyText *element, void *arg)
{
	Removed    *removed = arg;
	Expected   *entry;

	if (strcmp(element->name, "Key") == 0)
		removed->key = pstrdup(element->text);
	if (removed->key == NULL)
		return;
	entry = hash_search(removed->expected, removed->key, HASH_FIND, NULL);
	if (entry == NULL)
		return;
	if (strcmp(element->outer, "Deleted") == 0 &&
		strcmp(element->name, "Key") == 0)
		entry->removal->error[0] = '\0';
	else if (strcmp(element->outer, "Error") == 0 &&
			 strcmp(element->name, "Code") == 0)
		strlcpy(entry->removal->error, element->text,
				sizeof(entry->removal->error));
}

/*
 * Give all removals of a call its error.
 */
static void
fail_removals(const FfuCall *call, FfuKeyRemoval *removals, int n)
{
	int			i;

	for (i = 0; i < n; i++)
		strlcpy(removals[i].error, ffu_trouble_word(call),
				sizeof(removals[i].error));
}

/*
 * Remove up to KEYS_MAX keys in one request.  Return whether the store has
 * answered.
 */
static bool
remove_batch(const FfuPlace *place, FfuKeyRemoval *removals, int n)
{
	FfuCall		call = {0};
	Removed		removed = {0};
	StringInfoData body;
	int			i;

	initStringInfo(&body);
	removed.expected = expect_removals(place, removals, n, &body);
	call.method = "POST";
	call.sha256 = sha256_header(&body);
	call.body = body.data;
	call.body_len = body.len;
	call.patience = place->timeout;
	ffu_request_query(&call, "delete", "");
	ffu_request_header(&call, "content-md5", md5_header(&body));
	ffu_request_header(&call, "content-type", "application/xml");
	for (i = 0; i < n; i++)
		strlcpy(removals[i].error, "not in the answer",
				sizeof(removals[i].error));
	ffu_http_run(place, &call, 1);
	PG_TRY();
	{
		if (!ffu_trouble_is_none(&call))
			fail_removals(&call, removals, n);
		else if (call.reply_len > 0)
			(void) ffu_reply_read(call.reply, call.reply_len, take_removed,
								  &removed);
	}
	PG_FINALLY();
	{
		ffu_http_free(&call, 1);
	}
	PG_END_TRY();
	for (i = 0; i < n; i++)
		removals[i].unanswered = call.unanswered > 0;
	hash_destroy(removed.expected);
	pfree(body.data);
	return call.status > 0 && call.status < 500;
}

/*
 * Give removals for which no request was sent the error of the removal before
 * them.
 */
static void
skip_removals(FfuKeyRemoval *removals, int n)
{
	int			i;

	for (i = 0; i < n; i++)
	{
		strlcpy(removals[i].error, removals[-1].error,
				sizeof(removals[i].error));
		removals[i].unanswered = false;
	}
}

/*
 * Remove keys with a request for each batch.  A store, or a proxy before it,
 * that does not answer may have needed too long for the batch: make batches
 * smaller then.  Give up when few keys get no answer either.
 */
static void
remove_in_batches(const FfuPlace *place, FfuKeyRemoval *removals, int n,
				  int batch)
{
	int			unanswered = 0; /* keys of requests without an answer */
	int			done = 0;
	int			i;

	while (done < n)
	{
		int			len = Min(batch, n - done);
		bool		answered = remove_batch(place, removals + done, len);

		if (!answered && len > KEYS_FEW)
		{
			unanswered = Max(unanswered, done + len);
			batch = Max(len / 4, KEYS_FEW);
			continue;
		}
		done += len;
		if (!answered)
			break;
	}
	skip_removals(removals + done, n - done);
	for (i = 0; i < unanswered; i++)
		removals[i].unanswered = true;
}

/*
 * Remove keys with a request for each.
 */
static void
remove_singly(const FfuPlace *place, FfuKeyRemoval *removals, int n)
{
	FfuCall    *calls = palloc0(n * sizeof(FfuCall));
	int			i;

	for (i = 0; i < n; i++)
	{
		calls[i].method = "DELETE";
		calls[i].key = removals[i].key;
		calls[i].sha256 = FFU_CALL_NO_BYTES;
	}
	ffu_http_run(place, calls, n);
	for (i = 0; i < n; i++)
	{
		bool		gone = ffu_trouble_is_none(&calls[i]) ||
		(calls[i].status == 404 && strcmp(calls[i].code, "NoSuchKey") == 0);

		strlcpy(removals[i].error, gone ? "" : ffu_trouble_word(&calls[i]),
				sizeof(removals[i].error));
		removals[i].unanswered = calls[i].unanswered > 0;
	}
	ffu_http_free(calls, n);
	pfree(calls);
}

/*
 * Remove the objects with these keys.
 */
static void
remove_objects(const FfuPlace *place, FfuKeyRemoval *removals, int n)
{
	int			batch = Min(place->batch, KEYS_MAX);
	int			i;

	for (i = 0; i < n; i += KEYS_MAX)
	{
		int			len = Min(KEYS_MAX, n - i);

		if (batch <= 1)
			remove_singly(place, removals + i, len);
		else
			remove_in_batches(place, removals + i, len, batch);
	}
}

/*
 * End the multipart uploads of the keys of which that is wanted, and then
 * remove the objects that are to go: an upload that has ended makes no object.
 */
static void
end_and_remove(const FfuPlace *place, FfuKeyRemoval *removals, int n)
{
	FfuKeyRemoval *some = palloc(n * sizeof(FfuKeyRemoval));
	int		   *of = palloc(n * sizeof(int));
	int			count = 0;
	int			i;

	for (i = 0; i < n; i++)
	{
		if (!removals[i].multipart)
			continue;
		of[count] = i;
		some[count++] = removals[i];
	}
	(void) ffu_unfinished_end(place, some, count);
	for (i = 0; i < count; i++)
		removals[of[i]] = some[i];
	count = 0;
	for (i = 0; i < n; i++)
	{
		if (removals[i].stays ||
			(removals[i].multipart && removals[i].error[0] != '\0'))
			continue;
		of[count] = i;
		some[count++] = removals[i];
	}
	remove_objects(place, some, count);
	for (i = 0; i < count; i++)
	{
		some[i].unanswered |= removals[of[i]].unanswered;
		removals[of[i]] = some[i];
	}
	pfree(some);
	pfree(of);
}

/*
 * Remove keys, and set the error of each; "" says that the key is gone.
 */
void
ffu_keys_remove(const FfuPlace *place, FfuKeyRemoval *removals, int n)
{
	bool		multipart = false;
	int			i;

	for (i = 0; i < n; i++)
		multipart |= removals[i].multipart || removals[i].stays;
	if (multipart)
		end_and_remove(place, removals, n);
	else
		remove_objects(place, removals, n);
}
