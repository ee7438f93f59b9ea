/*-------------------------------------------------------------------------
 *
 * trouble.c
 *	  Errors of an object store, and the messages about them.
 *
 * A message names the store by its URL, the object by its key, and the store's
 * code for the error.  It never quotes the store's own text, which may have the
 * id of the key in it, nor a signed URL.
 *
 * No error is of class 08: drivers would drop the connection to the database.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <time.h>

#include "store/s3/reply.h"
#include "store/s3/trouble.h"

/* Difference of the clocks, in seconds, beyond which stores refuse a signature */
#define SKEW_MAX	(15 * 60)

/* What to do about an error of the store */
typedef struct Advice
{
	const char *code;
	int			sqlstate;
	const char *hint;
} Advice;

#define HINT_KEYS \
	"Look at the keys in the credentials file, and at what the store allows them to do."
#define HINT_BUCKET \
	"Make the bucket in the store, or give the right URL to ffu.use_bucket."
#define HINT_CLOCK \
	"Set the clocks of this server and of the store."
#define HINT_SPACE \
	"Free some space in the store, or raise the quota there."
#define HINT_LARGE \
	"Free some space in the store, raise the quota there, or let the store take larger objects."
#define HINT_REGION \
	"Give the region of the bucket to ffu.use_bucket."

static const Advice advices[] = {
	{"AccessDenied", ERRCODE_IO_ERROR, HINT_KEYS},
	{"AuthorizationHeaderMalformed", ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
	HINT_REGION},
	/* Swift says so of a full quota. */
	{"EntityTooLarge", ERRCODE_DISK_FULL, HINT_LARGE},
	{"ExpiredToken", ERRCODE_IO_ERROR, HINT_KEYS},
	{"InvalidAccessKeyId", ERRCODE_IO_ERROR, HINT_KEYS},
	{"InvalidBucketName", ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, HINT_BUCKET},
	{"NoSuchBucket", ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, HINT_BUCKET},
	{"PermanentRedirect", ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, HINT_REGION},
	{"QuotaExceeded", ERRCODE_DISK_FULL, HINT_SPACE},
	{"RequestTimeTooSkewed", ERRCODE_IO_ERROR, HINT_CLOCK},
	{"SignatureDoesNotMatch", ERRCODE_IO_ERROR, HINT_KEYS},
	{"TemporaryRedirect", ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, HINT_REGION}
};

/* Codes of errors that may be gone at the next attempt */
static const char *const passing[] = {
	"InternalError", "OperationAborted", "RequestTimeout", "ServiceUnavailable",
	"SlowDown"
};

/*
 * Take the code, and the region, out of the XML of an error.  Keep only what a
 * code consists of.
 */
static void
take_error(const FfuReplyText *element, void *arg)
{
	FfuCall    *call = arg;
	size_t		len = strspn(element->text,
							 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

	if (strcmp(element->outer, "Error") != 0)
		return;
	if (strcmp(element->name, "Code") == 0)
		strlcpy(call->code, element->text, Min(len + 1, sizeof(call->code)));
	else if (strcmp(element->name, "Region") == 0 &&
			 call->answer.region[0] == '\0')
		strlcpy(call->answer.region, element->text,
				Min(len + 1, sizeof(call->answer.region)));
}

/*
 * Has the store refused a request whose answer has no body for the reason that
 * the clocks differ?
 */
static bool
is_skewed(const FfuCall *call)
{
	return call->status == 403 && strcmp(call->method, "HEAD") == 0 &&
		call->answer.date > 0 &&
		llabs(call->answer.date - (int64) time(NULL)) > SKEW_MAX;
}

/*
 * Read the error in an answer into code, also an error in an answer of status
 * 200.  The errors for single keys of a removal do not belong to the whole answer.
 */
void
ffu_trouble_read(FfuCall *call)
{
	if (is_skewed(call))
		strlcpy(call->code, "RequestTimeTooSkewed", sizeof(call->code));
	if (call->reply_len == 0 ||
		(call->status < 300 && strstr(call->reply, "<Error>") == NULL) ||
		strstr(call->reply, "<DeleteResult") != NULL)
		return;
	(void) ffu_reply_read(call->reply, call->reply_len, take_error, call);
}

/*
 * May the error be gone at the next attempt, whatever the status is?
 */
bool
ffu_trouble_is_passing(const FfuCall *call)
{
	int			i;

	for (i = 0; i < lengthof(passing); i++)
	{
		if (strcmp(call->code, passing[i]) == 0)
			return true;
	}
	return false;
}

/*
 * Was the call answered, and without an error?
 */
bool
ffu_trouble_is_none(const FfuCall *call)
{
	return call->status >= 200 && call->status <= 299 && call->code[0] == '\0';
}

/*
 * Return what to do about the code of an error, or NULL.
 */
static const Advice *
find_advice(const FfuCall *call)
{
	int			i;

	for (i = 0; i < lengthof(advices); i++)
	{
		if (strcmp(call->code, advices[i].code) == 0)
			return &advices[i];
	}
	return NULL;
}

/*
 * Return a word for the error, palloc'd.
 */
const char *
ffu_trouble_word(const FfuCall *call)
{
	if (call->error != 0)
		return pstrdup(strerror(call->error));
	if (call->untrusted)
		return "its certificate cannot be verified";
	if (call->status == 0)
		return "no answer";
	if (call->code[0])
		return pstrdup(call->code);
	return psprintf("HTTP status %d", call->status);
}

/*
 * Raise an error for bytes of this server that could not be read.
 */
static void
pg_attribute_noreturn()
raise_unread(const FfuCall *call, const char *action, const char *object)
{
	errno = call->error;
	ereport(ERROR,
			(errcode(ERRCODE_IO_ERROR),
			 errmsg("could not %s \"%s\": %m", action, object),
			 errdetail("The bytes could not be read on this server."),
			 errhint("Look for the reason in the log of the operating system, and at ffu.status.")));
}

/*
 * Raise an error for a store that did not answer.
 */
static void
pg_attribute_noreturn()
raise_silence(const FfuPlace *place, const FfuCall *call, const char *action,
			  const char *object)
{
	ereport(ERROR,
			(errcode(ERRCODE_IO_ERROR),
			 errmsg("could not %s \"%s\": the object store does not answer",
					action, object),
			 errdetail("%s (\"%s\", %d attempts).", call->said, place->url,
					   call->attempts),
			 errhint("Look whether the store works and this server reaches it.")));
}

/*
 * Raise an error for a store that does not prove to be the host of the URL.
 */
static void
pg_attribute_noreturn()
raise_untrusted(const FfuPlace *place, const FfuCall *call,
				const char *action, const char *object)
{
	ereport(ERROR,
			(errcode(ERRCODE_IO_ERROR),
			 errmsg("could not %s \"%s\": the certificate of the object store cannot be verified",
					action, object),
			 errdetail("%s (\"%s\").", call->said, place->url),
			 errhint("Give ffu.use_bucket a URL with a host that the certificate names, and with ca_file the certificate of the authority unless the system knows the authority.")));
}

/*
 * Raise an error for a redirect.
 */
static void
pg_attribute_noreturn()
raise_redirect(const FfuPlace *place, const FfuCall *call, const char *action,
			   const char *object)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("could not %s \"%s\": the bucket is elsewhere", action,
					object),
			 call->answer.region[0] ?
			 errdetail("\"%s\" says that the bucket is in region \"%s\".",
					   place->url, call->answer.region) :
			 errdetail("\"%s\" answers with HTTP status %d.", place->url,
					   call->status),
			 errhint("Give the URL and the region of the bucket to ffu.use_bucket.")));
}

/*
 * Raise the error of a call that is done: could not <action> "<key>".
 */
void
ffu_trouble_raise(const FfuPlace *place, const FfuCall *call,
				  const char *action)
{
	const char *object = call->key ? call->key : place->bucket;
	const Advice *advice = find_advice(call);

	if (call->error != 0)
		raise_unread(call, action, object);
	if (call->untrusted)
		raise_untrusted(place, call, action, object);
	if (call->status == 0)
		raise_silence(place, call, action, object);
	if (call->status >= 300 && call->status <= 399)
		raise_redirect(place, call, action, object);
	ereport(ERROR,
			(errcode(advice ? advice->sqlstate :
					 call->status == 507 ? ERRCODE_DISK_FULL : ERRCODE_IO_ERROR),
			 errmsg("could not %s \"%s\": %s", action, object,
					ffu_trouble_word(call)),
			 errdetail("\"%s\" answers with HTTP status %d (%d attempts).",
					   place->url, call->status, call->attempts),
			 errhint("%s", advice ? advice->hint : call->status == 507 ?
					 HINT_SPACE : call->status == 403 ? HINT_KEYS :
					 "Look into the log of the store.")));
}
