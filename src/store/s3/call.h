/*-------------------------------------------------------------------------
 *
 * call.h
 *	  One request to an object store and its answer.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_CALL_H
#define FFU_CALL_H

#include "base/ffu.h"
#include "utils/timestamp.h"

#include "store/bucket.h"
#include "store/s3/sign.h"

/* The SHA-256 of no bytes */
#define FFU_CALL_NO_BYTES \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define FFU_CALL_QUERY_MAX		8
#define FFU_CALL_HEADERS_MAX	12

/* Attempts at a request, the first included */
#define FFU_CALL_ATTEMPTS		4

/* Size of the largest answer that is kept, above a listing of 1000 keys */
#define FFU_CALL_REPLY_MAX		(4 * 1024 * 1024)

/* Status of HTTP for a part of an object */
#define FFU_CALL_PART			206

typedef enum FfuCallState
{
	FFU_CALL_WAITING,			/* for its next attempt */
	FFU_CALL_RUNNING,
	FFU_CALL_DONE
} FfuCallState;

/* Headers of an answer */
typedef struct FfuAnswer
{
	char		etag[128];
	char		type[FFU_MIME_MAX + 1];
	char		sha256[FFU_SHA256_HEX_LEN + 1];
	char		root_id[FFU_ROOT_ID_LEN + 1];
	char		region[64];
	int64		length;			/* -1 if not known */
	int64		date;			/* the store's clock, in seconds since 1970; 0
								 * if not known */
	int			retry_after;	/* in seconds */
} FfuAnswer;

typedef struct FfuCall
{
	/* The request */
	const char *method;
	const char *key;			/* without the prefix; NULL: the bucket */
	FfuPair		query[FFU_CALL_QUERY_MAX];
	int			nquery;
	FfuPair		headers[FFU_CALL_HEADERS_MAX];
	int			nheaders;
	const char *sha256;			/* of the body, as hex digits */
	const char *body;			/* the body, or NULL if read gives it */
	int64		body_len;
	FfuBodyReader read;
	void	   *arg;
	char	   *into;			/* for the bytes of a part of an object */
	size_t		into_size;
	bool		wants_etag;		/* every answer without an error has one */
	const char *wants_reply;	/* an element of every reply without an error;
								 * NULL: none */
	int			patience;		/* seconds without a byte after which the
								 * store is dead; 0: the usual */
	bool		once;			/* one attempt */
	bool		by_url;			/* signed in the URL, as others would use it */

	/* The answer */
	int			status;			/* of HTTP; 0 without an answer */
	FfuAnswer	answer;
	char	   *reply;			/* malloc'd, ends in a zero byte; or NULL */
	size_t		reply_len;
	size_t		into_len;
	char		code[64];		/* of the store's error, or "" */
	char		said[256];		/* why there is no answer, or what the store
								 * says of its error */
	int			error;			/* error number of read */
	int			unanswered;		/* attempts without an answer */
	bool		untrusted;		/* the store's certificate cannot be verified */

	/* For http.c */
	FfuCallState state;
	int			attempts;
	TimestampTz begun;
	TimestampTz next_try;
} FfuCall;

#endif							/* FFU_CALL_H */
