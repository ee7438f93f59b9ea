/*-------------------------------------------------------------------------
 *
 * unfinished.c
 *	  Ends multipart uploads that nobody finishes.
 *
 * A transaction that does not commit, and a request to begin an upload whose
 * answer was lost, leave an upload that takes space in the store and that no
 * listing of objects shows.  The stores list the uploads of a key.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "nodes/pg_list.h"

#include "store/s3/http.h"
#include "store/s3/reply.h"
#include "store/s3/request.h"
#include "store/s3/trouble.h"
#include "store/s3/unfinished.h"

/* An upload of a key */
typedef struct Found
{
	FfuKeyRemoval *removal;
	char	   *id;
} Found;

/* The uploads of a key, while the reply is read */
typedef struct Listing
{
	const char *key;			/* with the prefix */
	FfuKeyRemoval *removal;
	bool		is_listing;		/* the reply is a listing */
	bool		more;
	bool		encoded;		/* keys are encoded as in a URL */
	char	   *listed;			/* key of the current upload */
	List	   *found;			/* of Found */
} Listing;

/*
 * FfuReplyVisitor: take a text of a listing over.  Other keys may begin with
 * the key.
 */
static void
take_listed(const FfuReplyText *element, void *arg)
{
	Listing    *listing = arg;

	if (strcmp(element->outer, "ListMultipartUploadsResult") == 0)
	{
		listing->is_listing = true;
		if (strcmp(element->name, "IsTruncated") == 0)
			listing->more = strcmp(element->text, "true") == 0;
		else if (strcmp(element->name, "EncodingType") == 0)
			listing->encoded = strcmp(element->text, "url") == 0;
	}
	else if (strcmp(element->outer, "Upload") == 0 &&
			 strcmp(element->name, "Key") == 0)
	{
		listing->listed = pstrdup(element->text);
		if (listing->encoded)
			ffu_reply_decode(listing->listed);
	}
	else if (strcmp(element->outer, "Upload") == 0 &&
			 strcmp(element->name, "UploadId") == 0 &&
			 listing->listed != NULL &&
			 strcmp(listing->listed, listing->key) == 0)
	{
		Found	   *found = palloc(sizeof(Found));

		found->removal = listing->removal;
		found->id = pstrdup(element->text);
		listing->found = lappend(listing->found, found);
	}
}

/*
 * Fill in the call that lists the uploads of a key.
 */
static void
ask_listing(FfuCall *call, const char *key)
{
	call->method = "GET";
	call->sha256 = FFU_CALL_NO_BYTES;
	call->wants_reply = "ListMultipartUploadsResult";
	ffu_request_query(call, "uploads", "");
	ffu_request_query(call, "prefix", key);
}

/*
 * Give a removal the error of a call.
 */
static void
fail(FfuKeyRemoval *removal, const FfuCall *call)
{
	strlcpy(removal->error, ffu_trouble_word(call), sizeof(removal->error));
}

/*
 * List the uploads of the keys, and set the error of a removal whose uploads
 * could not be listed.  Return a list of Found; set *more if there are more.
 */
static List *
list_uploads(const FfuPlace *place, FfuKeyRemoval *removals, int n, bool *more)
{
	FfuCall    *calls = palloc0(n * sizeof(FfuCall));
	char	  **keys = palloc(n * sizeof(char *));
	List	   *found = NIL;
	int			i;

	*more = false;
	for (i = 0; i < n; i++)
	{
		keys[i] = psprintf("%s%s", place->prefix, removals[i].key);
		ask_listing(&calls[i], keys[i]);
	}
	ffu_http_run(place, calls, n);
	PG_TRY();
	{
		for (i = 0; i < n; i++)
		{
			Listing		listing = {.key = keys[i],.removal = &removals[i]};

			if (!ffu_trouble_is_none(&calls[i]))
			{
				fail(&removals[i], &calls[i]);
				continue;
			}
			if (!ffu_reply_read(calls[i].reply, calls[i].reply_len, take_listed,
								&listing) || !listing.is_listing)
				strlcpy(removals[i].error, "not a listing",
						sizeof(removals[i].error));
			found = list_concat(found, listing.found);
			*more = *more || listing.more;
		}
	}
	PG_FINALLY();
	{
		ffu_http_free(calls, n);
	}
	PG_END_TRY();
	pfree(calls);
	return found;
}

/*
 * End uploads.  Set the error of a removal if one of its uploads goes on.
 * Return the number of uploads that have ended.
 */
static int
end_uploads(const FfuPlace *place, List *found)
{
	int			n = list_length(found);
	FfuCall    *calls = palloc0(Max(n, 1) * sizeof(FfuCall));
	int			ended = 0;
	int			i;

	for (i = 0; i < n; i++)
	{
		Found	   *upload = list_nth(found, i);

		calls[i].method = "DELETE";
		calls[i].key = upload->removal->key;
		calls[i].sha256 = FFU_CALL_NO_BYTES;
		ffu_request_query(&calls[i], "uploadId", upload->id);
	}
	ffu_http_run(place, calls, n);
	ffu_http_free(calls, n);
	for (i = 0; i < n; i++)
	{
		FfuKeyRemoval *removal = ((Found *) list_nth(found, i))->removal;

		removal->unanswered |= calls[i].unanswered > 0;
		if (ffu_trouble_is_none(&calls[i]) || calls[i].status == 404)
			ended++;
		else
			fail(removal, &calls[i]);
	}
	pfree(calls);
	return ended;
}

/*
 * End an upload of a key whose id is known, and do not look whether it has
 * ended.
 */
void
ffu_unfinished_end_one(const FfuPlace *place, FfuKeyRemoval *removal,
					   char *id)
{
	Found		found = {.removal = removal,.id = id};

	(void) end_uploads(place, list_make1(&found));
}

/*
 * End all multipart uploads of the keys of removals, and set the error of
 * each.  Return the number of uploads.
 */
int
ffu_unfinished_end(const FfuPlace *place, FfuKeyRemoval *removals, int n)
{
	int			ended = 0;
	bool		more = true;
	int			i;

	for (i = 0; i < n; i++)
	{
		removals[i].error[0] = '\0';
		removals[i].unanswered = false;
	}
	while (more)
	{
		List	   *found = list_uploads(place, removals, n, &more);
		int			now = end_uploads(place, found);

		ended += now;
		more = more && now > 0;
	}
	return ended;
}
