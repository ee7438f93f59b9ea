/*-------------------------------------------------------------------------
 *
 * put.c
 *	  The sides of the benchmark that store objects without ffu.
 *
 *	put				no database: one request for each object, over a connection
 *					that stays open
 *	put_row			the same, then a row
 *
 * libcurl signs the requests.  The signature covers the SHA-256 of the bytes,
 * as in ffu: so the store does the same work.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>
#include <openssl/evp.h>

#include "bench.h"

#define SIGNATURE	"aws:amz:us-east-1:s3"
#define DIGEST_LEN	32

/* What a worker keeps for its requests */
struct Sender
{
	CURL	   *easy;
	int64_t		sent;			/* bytes of the object */
	char		error[CURL_ERROR_SIZE];
};

/*
 * libcurl wants bytes of the object.
 */
static size_t
on_send(char *buf, size_t size, size_t n, void *arg)
{
	Worker	   *worker = arg;
	int64_t		left = worker->job->size - worker->sender->sent;
	size_t		len = size * n;

	if (len > (size_t) left)
		len = left;
	memcpy(buf, worker->bytes + worker->sender->sent, len);
	worker->sender->sent += len;
	return len;
}

/*
 * libcurl begins again.
 */
static int
on_seek(void *arg, curl_off_t offset, int origin)
{
	Worker	   *worker = arg;

	if (origin != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	worker->sender->sent = offset;
	return CURL_SEEKFUNC_OK;
}

/*
 * Nobody reads what the store answers.
 */
static size_t
on_receive(char *bytes, size_t size, size_t n, void *arg)
{
	(void) bytes;
	(void) arg;
	return size * n;
}

/*
 * The header with the SHA-256 of the bytes.
 */
static void
write_digest(const Worker *worker, char *header, size_t size)
{
	unsigned char digest[DIGEST_LEN];
	int			done;
	int			i;

	if (EVP_Digest(worker->bytes, worker->job->size, digest, NULL, EVP_sha256(), NULL) != 1)
		die("could not compute a checksum");
	done = snprintf(header, size, "x-amz-content-sha256: ");
	for (i = 0; i < DIGEST_LEN; i++)
		done += snprintf(header + done, size - done, "%02x", digest[i]);
}

/*
 * Store the object number i under a key that is new in each run.
 */
static void
put(Worker *worker, int i)
{
	struct Sender *sender = worker->sender;
	struct curl_slist *headers = NULL;
	char		url[1024];
	char		digest[128];
	long		status = 0;

	snprintf(url, sizeof(url), "%s/%d-%d-%d.png", worker->job->url, (int) getpid(), worker->number, i);
	write_digest(worker, digest, sizeof(digest));
	headers = curl_slist_append(headers, digest);
	headers = curl_slist_append(headers, "content-type: image/png");
	sender->sent = 0;
	curl_easy_setopt(sender->easy, CURLOPT_URL, url);
	curl_easy_setopt(sender->easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(sender->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t) worker->job->size);
	if (curl_easy_perform(sender->easy) != CURLE_OK)
		die("could not store object: %s", sender->error);
	curl_easy_getinfo(sender->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		die("could not store object: the store answers %ld", status);
	curl_slist_free_all(headers);
}

/*
 * Get a worker ready for requests.
 */
static void
begin_put(Worker *worker)
{
	struct Sender *sender = calloc(1, sizeof(struct Sender));

	if (worker->job->url == NULL || worker->job->keys == NULL)
		die("an object store needs url=... and keys=...");
	if (sender == NULL || (sender->easy = curl_easy_init()) == NULL)
		die("out of memory");
	worker->sender = sender;
	curl_easy_setopt(sender->easy, CURLOPT_ERRORBUFFER, sender->error);
	curl_easy_setopt(sender->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(sender->easy, CURLOPT_AWS_SIGV4, SIGNATURE);
	curl_easy_setopt(sender->easy, CURLOPT_USERPWD, worker->job->keys);
	/* Before more than a megabyte libcurl asks first; it does not wait long. */
	curl_easy_setopt(sender->easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 1L);
	curl_easy_setopt(sender->easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(sender->easy, CURLOPT_READFUNCTION, on_send);
	curl_easy_setopt(sender->easy, CURLOPT_READDATA, worker);
	curl_easy_setopt(sender->easy, CURLOPT_SEEKFUNCTION, on_seek);
	curl_easy_setopt(sender->easy, CURLOPT_SEEKDATA, worker);
	curl_easy_setopt(sender->easy, CURLOPT_WRITEFUNCTION, on_receive);
}

static void
begin_put_row(Worker *worker)
{
	begin_row(worker);
	begin_put(worker);
}

static void
one_put_row(Worker *worker, int i)
{
	put(worker, i);
	one_row(worker, i);
}

const Side	put_sides[] = {
	{"put", false, begin_put, put, NULL},
	{"put_row", true, begin_put_row, one_put_row, NULL},
	{NULL, false, NULL, NULL, NULL}
};
