/*-------------------------------------------------------------------------
 *
 * sign.h
 *	  Signs requests to an object store (AWS Signature Version 4).
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_SIGN_H
#define FFU_SIGN_H

#include "base/ffu.h"
#include "lib/stringinfo.h"

/* The payload of a request whose body is not signed */
#define FFU_SIGN_ANY_BODY	"UNSIGNED-PAYLOAD"

/* A time as "20130524T000000Z"; the first FFU_SIGN_DAY_LEN bytes are the day */
#define FFU_SIGN_TIME_LEN	16
#define FFU_SIGN_DAY_LEN	8

/* The end of the life of a signed URL, in seconds after its signing */
#define FFU_SIGN_LIFE_MAX	(7 * 24 * 60 * 60)

/* A parameter of the query, or a header with its name in lower case */
typedef struct FfuPair
{
	const char *name;
	const char *value;
} FfuPair;

/*
 * Return a pair.
 */
static inline FfuPair
ffu_pair(const char *name, const char *value)
{
	FfuPair		pair = {name, value};

	return pair;
}

/* What signs */
typedef struct FfuSignKey
{
	const char *key_id;
	const char *secret;
	const char *token;			/* of a session, or NULL */
	const char *region;
} FfuSignKey;

/* A request to sign */
typedef struct FfuSignee
{
	const char *method;
	const char *path;			/* encoded */
	const FfuPair *query;		/* not encoded */
	int			nquery;
	const FfuPair *headers;
	int			nheaders;
	const char *payload;		/* SHA-256 of the body as hex digits, or
								 * FFU_SIGN_ANY_BODY */
	int64		time;			/* in seconds from 1970 */
} FfuSignee;

extern void ffu_sign_encode(StringInfo buf, const char *text, bool keep_slash);
extern void ffu_sign_digest(StringInfo buf, const char *data, size_t len);
extern void ffu_sign_time(char *out, int64 time);
extern void ffu_sign_query(StringInfo buf, const FfuPair *query, int nquery);
extern void ffu_sign_authorization(StringInfo buf, const FfuSignKey *key,
								   const FfuSignee *what);
extern void ffu_sign_url(StringInfo query, const FfuSignKey *key,
						 const FfuSignee *what, int expires);

#endif							/* FFU_SIGN_H */
