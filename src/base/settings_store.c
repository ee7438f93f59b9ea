/*-------------------------------------------------------------------------
 *
 * settings_store.c
 *	  The settings of ffu for object stores.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <limits.h>

#include "utils/guc.h"

#include "base/settings.h"

/* The keys of object stores */
char	   *ffu_setting_credentials_file;

/* Requests of a session to an object store at a time */
int			ffu_setting_store_connections = 8;

/* Time for all attempts at a request */
int			ffu_setting_store_timeout = 60;

/* Number of objects that are removed in one request */
int			ffu_setting_store_delete_batch = 1000;

/* Size above which several requests store an object */
int			ffu_setting_multipart_threshold = 64 * 1024;

/*
 * Time that new files of a column for the bucket stay in the folder; negative:
 * COMMIT stores them in the bucket
 */
int			ffu_setting_move_after = -1;

/*
 * Time after which a request without an answer takes effect no more.  Stores
 * refuse a signature that is older than 15 minutes.
 */
int			ffu_setting_settle_time = 60 * 60;

/*
 * Define the settings of object stores.
 */
void
ffu_setting_define_store(void)
{
	DefineCustomStringVariable("ffu.credentials_file",
							   "File with the keys of object stores.",
							   "In the format of AWS's tools. A relative path is relative to the data directory.",
							   &ffu_setting_credentials_file,
							   "",
							   PGC_SIGHUP, GUC_SUPERUSER_ONLY,
							   NULL, NULL, NULL);
	DefineCustomIntVariable("ffu.store_connections",
							"How many requests a session has at an object store at a time.",
							NULL,
							&ffu_setting_store_connections,
							8, 1, 32,
							PGC_SUSET, 0,
							NULL, NULL, NULL);
	DefineCustomIntVariable("ffu.store_timeout",
							"How long a request to an object store is tried again.",
							"Grows by one second for each megabyte.",
							&ffu_setting_store_timeout,
							60, 1, 3600,
							PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomIntVariable("ffu.store_delete_batch",
							"How many objects are removed from an object store in one request.",
							NULL,
							&ffu_setting_store_delete_batch,
							1000, 1, 1000,
							PGC_SIGHUP, 0,
							NULL, NULL, NULL);
	DefineCustomIntVariable("ffu.multipart_threshold",
							"Size above which an object is stored by several requests.",
							"Also the size of the parts, up to 16 MB.",
							&ffu_setting_multipart_threshold,
							64 * 1024, 5 * 1024, 5 * 1024 * 1024,
							PGC_SUSET, GUC_UNIT_KB,
							NULL, NULL, NULL);
	DefineCustomIntVariable("ffu.move_after",
							"How long new files for a bucket stay in the folder.",
							"-1 stores them in the bucket at once.",
							&ffu_setting_move_after,
							-1, -1, INT_MAX,
							PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomIntVariable("ffu.settle_time",
							"After what time a request to an object store without an answer takes effect no more.",
							NULL,
							&ffu_setting_settle_time,
							60 * 60, 1, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_S,
							NULL, NULL, NULL);
}
