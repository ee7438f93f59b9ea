/*-------------------------------------------------------------------------
 *
 * sign.c
 *	  Harness: requests are signed as AWS documents, whatever the key is.
 *
 * The examples are those of AWS's documentation of Signature Version 4 for S3:
 * "GET Object" with a header, "PUT Object", "GET Bucket (List Objects)", and
 * the signed URL.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "shim.h"

#include "store/s3/sign.h"

/* 2013-05-24 00:00:00 UTC */
#define DOCUMENTED_TIME		INT64CONST(1369353600)

#define NO_BYTES \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HOST		{"host", "examplebucket.s3.amazonaws.com"}
#define DATE		{"x-amz-date", "20130524T000000Z"}

static const FfuSignKey key = {
	"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", NULL,
	"us-east-1"
};

/*
 * Sign a request, and look for the documented signature.
 */
static void
check_header(const char *method, const char *path, const FfuPair *query,
			 int nquery, const FfuPair *headers, int nheaders,
			 const char *payload, const char *signature)
{
	FfuSignee	what = {method, path, query, nquery, headers, nheaders,
	payload, DOCUMENTED_TIME};
	StringInfoData buf;

	initStringInfo(&buf);
	ffu_sign_authorization(&buf, &key, &what);
	insist(strstr(buf.data, signature) != NULL);
	insist(strstr(buf.data, key.secret) == NULL);
}

/*
 * Sign the documented requests.
 */
static void
check_documented(void)
{
	const FfuPair get[] = {HOST, {"range", "bytes=0-9"},
	{"x-amz-content-sha256", NO_BYTES}, DATE};
	const char *digest = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
	const FfuPair put[] = {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, HOST,
	{"x-amz-content-sha256", digest}, DATE,
	{"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
	const FfuPair list[] = {HOST, {"x-amz-content-sha256", NO_BYTES}, DATE};
	const FfuPair query[] = {{"prefix", "J"}, {"max-keys", "2"}};
	const FfuPair host[] = {HOST};
	FfuSignee	what = {"GET", "/test.txt", NULL, 0, host, 1,
	FFU_SIGN_ANY_BODY, DOCUMENTED_TIME};
	StringInfoData url;

	check_header("GET", "/test.txt", NULL, 0, get, 4, NO_BYTES,
				 "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
	check_header("PUT", "/test%24file.text", NULL, 0, put, 5, digest,
				 "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
	check_header("GET", "/", query, 2, list, 3, NO_BYTES,
				 "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
	initStringInfo(&url);
	ffu_sign_url(&url, &key, &what, 86400);
	insist(strstr(url.data, "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404") != NULL);
}

void
fuzz(const char *data, size_t len)
{
	StringInfoData buf;
	const char *p;

	check_documented();
	initStringInfo(&buf);
	ffu_sign_encode(&buf, data, true);
	insist(buf.len <= 3 * strlen(data));
	for (p = buf.data; *p; p++)
		insist(isalnum((unsigned char) *p) || strchr("-_.~/%", *p) != NULL);
}
