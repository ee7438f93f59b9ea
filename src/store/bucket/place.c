/*-------------------------------------------------------------------------
 *
 * place.c
 *	  The bucket of this database, and the library that speaks to it.
 *
 * The table ffu.bucket has one row, or no row if the database has no bucket.
 * The keys of the store are not in it: the row names a profile of the
 * credentials file.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "base/catalog.h"
#include "base/error.h"
#include "base/library.h"
#include "base/settings.h"
#include "store/bucket/place.h"

/* Columns of ffu.bucket */
#define Anum_bucket_url			1
#define Anum_bucket_region		2
#define Anum_bucket_style		3
#define Anum_bucket_profile		4
#define Anum_bucket_ca_file		5
#define Anum_bucket_insecure	6
#define Anum_bucket_batch		7
#define Anum_bucket_direct		8

/* Lengths that stores allow for the name of a bucket */
#define BUCKET_MIN		3
#define BUCKET_MAX		63

static void refuse_url(const char *url, const char *detail) pg_attribute_noreturn();

/*
 * Return the table of the library ffu_s3, and load the library at first use.  An
 * error is one of the bucket, which the sweep of a folder goes on without.
 */
const FfuBucketMethods *
ffu_place_methods(void)
{
	static const FfuBucketMethods *methods = NULL;

	if (methods == NULL)
	{
		FfuBucketFunction function;
		const FfuBucketMethods *found;

		function = (FfuBucketFunction)
			ffu_library_function(FFU_BUCKET_LIBRARY, FFU_BUCKET_FUNCTION,
								 "Install the library ffu_s3 that was built together with ffu for this server, and the libraries libcurl and libxml2.");
		found = function();
		ffu_library_check("ffu_s3", FFU_BUCKET_VERSION, found->version);
		methods = found;
	}
	return methods;
}

/*
 * Refuse the URL of a bucket.
 */
static void
refuse_url(const char *url, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid URL of a bucket"),
			 errdetail("%s", detail),
			 errhint("Write for example \"https://s3.example.com/bucket/prefix\", or with style \"host\" \"https://bucket.s3.example.com/prefix\".")));
}

/*
 * Tell whether a text consists of letters, digits and the other characters.
 */
static bool
consists_of(const char *text, const char *others)
{
	const char *p;

	for (p = text; *p; p++)
	{
		if (!isalnum((unsigned char) *p) && strchr(others, *p) == NULL)
			return false;
		if (IS_HIGHBIT_SET(*p))
			return false;
	}
	return true;
}

/*
 * Tell whether a host, with or without a port, is this machine.
 */
static bool
is_loopback(const char *host)
{
	static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
	int			i;

	for (i = 0; i < lengthof(names); i++)
	{
		size_t		len = strlen(names[i]);

		if (strncmp(host, names[i], len) == 0 &&
			(host[len] == '\0' || host[len] == ':'))
			return true;
	}
	return false;
}

/*
 * Take the scheme off a URL.  Return the rest.
 */
static const char *
take_scheme(const FfuBucketRow *row, FfuPlace *place)
{
	if (strncmp(row->url, "https://", 8) == 0)
	{
		place->scheme = "https";
		return row->url + 8;
	}
	if (strncmp(row->url, "http://", 7) != 0)
		refuse_url(row->url, "It does not begin with https:// or http://.");
	place->scheme = "http";
	if (!row->insecure && !is_loopback(row->url + 7))
		refuse_url(row->url, "It has http://, and the host is not this machine: all could read and change what is sent. Allow that with insecure => true.");
	return row->url + 7;
}

/*
 * Take the name of the bucket off the front of a text, up to the character
 * end.  Return the rest.
 */
static const char *
take_bucket(const FfuBucketRow *row, const char *text, char end,
			FfuPlace *place)
{
	const char *stop = strchrnul(text, end);
	size_t		len = stop - text;
	char	   *bucket = pnstrdup(text, len);

	if (len < BUCKET_MIN || len > BUCKET_MAX || !consists_of(bucket, "-_."))
		refuse_url(row->url, place->host_style ?
				   "With style \"host\" the host begins with the name of the bucket and a dot." :
				   "With style \"path\" the name of the bucket follows the host: 3 to 63 letters, digits and \"-._\".");
	place->bucket = bucket;
	return *stop ? stop + 1 : stop;
}

/*
 * Set the prefix of a place from the rest of the URL.
 */
static void
take_prefix(const FfuBucketRow *row, const char *rest, FfuPlace *place)
{
	size_t		len = strlen(rest);

	while (len > 0 && rest[len - 1] == '/')
		len--;
	if (len >= FFU_BUCKET_PREFIX_MAX)
		refuse_url(row->url, psprintf("The prefix has more than %d bytes.",
									  FFU_BUCKET_PREFIX_MAX - 1));
	place->prefix = len == 0 ? "" : psprintf("%.*s/", (int) len, rest);
	if (!consists_of(place->prefix, "-_./") || *rest == '/' ||
		strstr(place->prefix, "//") != NULL ||
		strstr(psprintf("/%s", place->prefix), "/.") != NULL)
		refuse_url(row->url, "The prefix has letters, digits, \"-_.\" and slashes, and no part of it begins with a dot or is empty.");
}

/*
 * Return the absolute path of the credentials file, palloc'd.
 */
static const char *
credentials_file(void)
{
	const char *file = ffu_setting_credentials_file;

	if (file[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no credentials file is set"),
				 errdetail("The keys of an object store come from a file of this server."),
				 errhint("Set ffu.credentials_file in the configuration file of the server.")));
	if (is_absolute_path(file))
		return pstrdup(file);
	return psprintf("%s/%s", DataDir, file);
}

/*
 * Make the place of a row of ffu.bucket.  The texts are palloc'd, or
 * texts of the row.  Raise 22023 for an invalid URL.
 */
void
ffu_place_make(const FfuBucketRow *row, FfuPlace *place)
{
	const char *rest;
	const char *slash;
	char	   *host;

	memset(place, 0, sizeof(FfuPlace));
	place->url = row->url;
	place->region = row->region;
	place->profile = row->profile;
	place->ca_file = row->ca_file;
	place->host_style = strcmp(row->style, "host") == 0;
	rest = take_scheme(row, place);
	slash = strchrnul(rest, '/');
	host = pnstrdup(rest, slash - rest);
	if (*host == '\0' || !consists_of(host, "-.:[]"))
		refuse_url(row->url, "The host is missing, or has other characters than letters, digits and \"-.:[]\".");
	rest = *slash ? slash + 1 : slash;
	place->host = host;
	if (place->host_style)
		place->host = take_bucket(row, host, '.', place);
	else
		rest = take_bucket(row, rest, '/', place);
	if (*place->host == '\0')
		refuse_url(row->url, "With style \"host\" the host begins with the name of the bucket and a dot.");
	take_prefix(row, rest, place);
	place->credentials_file = credentials_file();
	place->connections = ffu_setting_store_connections;
	place->timeout = ffu_setting_store_timeout;
	place->batch = row->batch ? ffu_setting_store_delete_batch : 1;
	place->direct = row->direct;
	place->whole_max = (int64) ffu_setting_multipart_threshold * 1024;
}

/*
 * Return a text column of a row, palloc'd; null becomes "".
 */
static const char *
text_of(HeapTuple tuple, TupleDesc desc, int attnum)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attnum, desc, &isnull);

	return isnull ? "" : TextDatumGetCString(value);
}

/*
 * Return a column of a row that is true or false.
 */
static bool
flag_of(HeapTuple tuple, TupleDesc desc, int attnum)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attnum, desc, &isnull);

	return !isnull && DatumGetBool(value);
}

/*
 * Has this database a bucket?  A database without a bucket pays for one look at
 * the size of ffu.bucket.
 */
bool
ffu_place_exists(void)
{
	Relation	rel = table_open(ffu_catalog_relation("bucket"), AccessShareLock);
	bool		found = false;

	if (RelationGetNumberOfBlocks(rel) > 0)
	{
		SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0,
											  NULL);

		found = HeapTupleIsValid(systable_getnext(scan));
		systable_endscan(scan);
	}
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * Find the bucket of this database.  Return false if the database has no bucket.  The texts
 * are palloc'd.
 */
bool
ffu_place_find(FfuPlace *place)
{
	Relation	rel = table_open(ffu_catalog_relation("bucket"), AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0,
										  NULL);
	HeapTuple	tuple = systable_getnext(scan);
	bool		found = HeapTupleIsValid(tuple);
	FfuBucketRow row;

	if (found)
	{
		TupleDesc	desc = RelationGetDescr(rel);

		row.url = text_of(tuple, desc, Anum_bucket_url);
		row.region = text_of(tuple, desc, Anum_bucket_region);
		row.style = text_of(tuple, desc, Anum_bucket_style);
		row.profile = text_of(tuple, desc, Anum_bucket_profile);
		row.ca_file = text_of(tuple, desc, Anum_bucket_ca_file);
		row.insecure = flag_of(tuple, desc, Anum_bucket_insecure);
		row.batch = flag_of(tuple, desc, Anum_bucket_batch);
		row.direct = flag_of(tuple, desc, Anum_bucket_direct);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (found)
		ffu_place_make(&row, place);
	return found;
}
