/*-------------------------------------------------------------------------
 *
 * transfer.c
 *	  One attempt at a request, in terms of libcurl.
 *
 * libcurl calls the functions named on_... while signals are blocked and with
 * its own frames on the stack, so they raise no error and allocate with malloc.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <time.h>

#include "store/s3/request.h"
#include "store/s3/transfer.h"

#define CONNECT_SECONDS		5
/* A transfer that is slower than this for so long is dead. */
#define SLOW_BYTES			1000L
#define SLOW_SECONDS		10L
/* Bytes of a large body that libcurl asks for at a time */
#define SEND_BYTES			(512 * 1024L)
/* Below the time after which servers close idle connections */
#define IDLE_SECONDS		55L

/*
 * Give libcurl bytes of the body.
 */
static size_t
on_send(char *buf, size_t size, size_t n, void *arg)
{
	FfuTransfer *transfer = arg;
	FfuCall    *call = transfer->call;
	size_t		len = Min(size * n, call->body_len - transfer->sent);

	if (len == 0)
		return 0;
	if (call->body != NULL)
		memcpy(buf, call->body + transfer->sent, len);
	else
	{
		call->error = call->read(call->arg, buf, len, transfer->sent);
		if (call->error != 0)
			return CURL_READFUNC_ABORT;
	}
	transfer->sent += len;
	return len;
}

/*
 * Begin the body again: libcurl had sent some of it over a dead connection.
 */
static int
on_seek(void *arg, curl_off_t offset, int origin)
{
	FfuTransfer *transfer = arg;

	if (origin != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	transfer->sent = offset;
	return CURL_SEEKFUNC_OK;
}

/*
 * Count the times that libcurl sends the request.  If the store closes a
 * connection that was used before, libcurl sends the request again by itself,
 * and the first request may take effect all the same.
 */
static int
on_debug(CURL *easy, curl_infotype type, char *bytes, size_t len, void *arg)
{
	FfuTransfer *transfer = arg;
	const char *method = transfer->call->method;

	if (type == CURLINFO_HEADER_OUT && len > strlen(method) &&
		strncmp(bytes, method, strlen(method)) == 0)
		transfer->requests++;
	return 0;
}

/*
 * Append bytes to the reply of a call.  Return false if they do not fit.
 */
static bool
keep_reply(FfuCall *call, const char *bytes, size_t len)
{
	char	   *longer;

	if (call->reply_len + len > FFU_CALL_REPLY_MAX)
		return false;
	longer = realloc(call->reply, call->reply_len + len + 1);
	if (longer == NULL)
		return false;
	call->reply = longer;
	memcpy(call->reply + call->reply_len, bytes, len);
	call->reply_len += len;
	call->reply[call->reply_len] = '\0';
	return true;
}

/*
 * Take bytes of an answer: the bytes of a part go where the call wants them,
 * others are kept as text.  Take no bytes of a whole object.
 */
static size_t
on_receive(char *bytes, size_t size, size_t n, void *arg)
{
	FfuTransfer *transfer = arg;
	FfuCall    *call = transfer->call;
	size_t		len = size * n;
	long		status = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	if (call->into == NULL || status < 200 || status > 299)
		return keep_reply(call, bytes, len) ? len : 0;
	transfer->whole = status != FFU_CALL_PART;
	if (transfer->whole || len > call->into_size - call->into_len)
		return 0;
	memcpy(call->into + call->into_len, bytes, len);
	call->into_len += len;
	return len;
}

/*
 * Copy the value of a header to out, a buffer of size bytes, if the line of
 * len bytes begins with the name.
 */
static bool
take_header(char *out, size_t size, const char *line, size_t len,
			const char *name)
{
	size_t		name_len = strlen(name);

	if (len <= name_len || pg_strncasecmp(line, name, name_len) != 0 ||
		line[name_len] != ':')
		return false;
	line += name_len + 1;
	len -= name_len + 1;
	while (len > 0 && isspace((unsigned char) *line))
	{
		line++;
		len--;
	}
	while (len > 0 && isspace((unsigned char) line[len - 1]))
		len--;
	len = Min(len, size - 1);
	memcpy(out, line, len);
	out[len] = '\0';
	return true;
}

/*
 * Take a header of an answer.
 */
static size_t
on_header(char *line, size_t size, size_t n, void *arg)
{
	FfuTransfer *transfer = arg;
	FfuAnswer  *answer = &transfer->call->answer;
	size_t		len = size * n;
	char		value[40];

	if (take_header(value, sizeof(value), line, len, "content-length"))
		answer->length = strtoll(value, NULL, 10);
	else if (take_header(value, sizeof(value), line, len, "retry-after"))
		answer->retry_after = (int) strtol(value, NULL, 10);
	else if (take_header(value, sizeof(value), line, len, "date"))
		answer->date = Max(curl_getdate(value, NULL), 0);
#define TAKE(member, name) \
	(void) take_header(answer->member, sizeof(answer->member), line, len, name)
	TAKE(etag, "etag");
	TAKE(type, "content-type");
	TAKE(sha256, "x-amz-meta-ffu-sha256");
	TAKE(root_id, "x-amz-meta-ffu-root");
	TAKE(region, "x-amz-bucket-region");
#undef TAKE
	return len;
}

/*
 * Set the options for method and body.
 */
static void
set_method(FfuTransfer *transfer, const FfuCall *call)
{
	CURL	   *easy = transfer->easy;

	if (strcmp(call->method, "PUT") == 0 || strcmp(call->method, "POST") == 0)
	{
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
		curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
						 (curl_off_t) call->body_len);
		if (call->body_len > SEND_BYTES)
			curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, SEND_BYTES);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send);
		curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
		curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
		curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer);
	}
	else if (strcmp(call->method, "HEAD") == 0)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
}

/*
 * Set the options that say how a connection is made.  The two last attempts
 * use a new connection: the old connection may be broken.
 */
static void
set_connection(CURL *easy, const FfuPlace *place, const FfuCall *call)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS,
					 (long) (CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	if (place->ca_file[0])
		curl_easy_setopt(easy, CURLOPT_CAINFO, place->ca_file);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long) CONNECT_SECONDS);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
					 Max(SLOW_SECONDS, (long) call->patience));
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_SECONDS);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	if (call->attempts >= FFU_CALL_ATTEMPTS - 2)
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
}

/*
 * Set the headers of a request.  Return false if memory is short.
 */
static bool
set_headers(FfuTransfer *transfer, const FfuRequest *request)
{
	/* libcurl would add these by itself. */
	static const char *const without[] = {"Expect:", "Accept:",
	"Transfer-Encoding:", "Content-Type:"};
	int			total = lengthof(without) + request->nheaders;
	int			i;

	for (i = 0; i < total; i++)
	{
		const char *line = i < lengthof(without) ? without[i] :
		request->headers[i - lengthof(without)];
		struct curl_slist *longer = curl_slist_append(transfer->headers, line);

		if (longer == NULL)
			return false;
		transfer->headers = longer;
	}
	curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
	return true;
}

/*
 * Forget the answer of an earlier attempt.
 */
static void
clear_answer(FfuCall *call)
{
	call->status = 0;
	memset(&call->answer, 0, sizeof(call->answer));
	call->answer.length = -1;
	call->reply_len = 0;
	call->into_len = 0;
	call->untrusted = false;
	call->code[0] = '\0';
	call->said[0] = '\0';
	call->error = 0;
}

/*
 * Prepare an attempt at a call.  Signals are blocked only by the caller, after
 * this.  Return false if memory is short.  Raise an error if the keys cannot
 * be read.
 */
bool
ffu_transfer_begin(FfuTransfer *transfer, const FfuPlace *place, FfuCall *call)
{
	FfuRequest	request;

	ffu_request_make(place, call, (int64) time(NULL), &request);
	clear_answer(call);
	if (transfer->easy == NULL)
		transfer->easy = curl_easy_init();
	else
		curl_easy_reset(transfer->easy);
	if (transfer->easy == NULL)
		return false;
	transfer->call = call;
	transfer->sent = 0;
	transfer->requests = 0;
	transfer->whole = false;
	transfer->error[0] = '\0';
	curl_easy_setopt(transfer->easy, CURLOPT_URL, request.url);
	curl_easy_setopt(transfer->easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(transfer->easy, CURLOPT_ERRORBUFFER, transfer->error);
	curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, on_receive);
	curl_easy_setopt(transfer->easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(transfer->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(transfer->easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(transfer->easy, CURLOPT_DEBUGFUNCTION, on_debug);
	curl_easy_setopt(transfer->easy, CURLOPT_DEBUGDATA, transfer);
	curl_easy_setopt(transfer->easy, CURLOPT_VERBOSE, 1L);
	set_method(transfer, call);
	set_connection(transfer->easy, place, call);
	return set_headers(transfer, &request);
}

/*
 * Take the outcome of an attempt over into the call, and be free for another.
 */
void
ffu_transfer_end(FfuTransfer *transfer, CURLcode result)
{
	FfuCall    *call = transfer->call;
	long		status = 0;

	if (result == CURLE_OK || transfer->whole)
		curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	else
		strlcpy(call->said, transfer->error[0] ? transfer->error :
				curl_easy_strerror(result), sizeof(call->said));
	call->status = (int) status;
	if (transfer->requests > 1)
		call->unanswered += transfer->requests - 1;
	call->untrusted = result == CURLE_PEER_FAILED_VERIFICATION ||
		result == CURLE_SSL_CACERT_BADFILE;
	ffu_transfer_drop(transfer);
}

/*
 * Be free for another attempt.  Raise no error.
 */
void
ffu_transfer_drop(FfuTransfer *transfer)
{
	if (transfer->headers != NULL)
		curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
	transfer->call = NULL;
}
