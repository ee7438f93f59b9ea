/*-------------------------------------------------------------------------
 *
 * remote.c
 *	  Uploads whose bytes are in the bucket, and stay there.
 *
 *	a copy of a file		in the bucket, for a column of the bucket
 *	a direct upload			a browser has stored the bytes by a signed URL
 *
 * The store copies the bytes to the final key at COMMIT.  Only bytes that tell
 * the type come to this server.  Until COMMIT an empty staged file has the key
 * (FfuStaged.remote), and a reader of the file reads the object.
 *
 * A direct upload is a resumable upload without bytes: the row of ffu.upload
 * has the digest that the client has given.  The signature of the URL is good
 * for bytes of this digest and length alone, and ffu.use_bucket has tried that
 * the store refuses other bytes.  So the bytes cannot change between the look
 * and the copy, and have the digest of the row.
 *
 * A client may use the URL until the URL expires, whatever happens to the
 * upload.  So ffu.intent has the key from the beginning, and keeps the key if
 * the transaction aborts: the sweep removes the object after the upload has
 * expired.  The end of an upload lets the sweep remove the object at once, and
 * once more after that time.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <sys/stat.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/digest.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/settings.h"
#include "base/shared.h"
#include "store/bucket/intent.h"
#include "store/bucket/place.h"
#include "store/bucket/reader.h"
#include "store/dir/root.h"
#include "text/path.h"
#include "text/resumable_id.h"
#include "upload/limit.h"
#include "upload/remote.h"
#include "upload/upload.h"

/* Number of bytes to ask for at a time, for finding the type */
#define WINDOW		(1024 * 1024)

/* Object stores refuse a longer life of a URL, in seconds: 7 days */
#define LIFE_MAX	(7 * 24 * 60 * 60)

/*
 * Find the type of an object.
 */
static void
detect(const FfuPlace *place, const char *key, int64 size, FfuMime *mime)
{
	FfuReader	reader = {0};
	char	   *head = palloc(FFU_MAGIC_BYTES);
	size_t		got = 0;
	int			result;

	ffu_bucket_begin(place, key, size, WINDOW, &reader);
	result = ffu_reader_read(&reader, head, FFU_MAGIC_BYTES, 0, &got);
	if (result != 0)
		ffu_raise_io(result, "read object", key);
	ffu_limit_detect(head, got, size, ffu_reader_piece, &reader, mime);
	ffu_reader_close(&reader);
	pfree(head);
}

/*
 * Stage a file with the bytes of an object.
 */
static FfuFile *
stage(const FfuPlace *place, const char *key, const FfuBirth *birth,
	  int64 size, const char *sha256)
{
	FfuFacts	facts = {.size = size};
	FfuMime		mime;
	FfuFile    *file;

	detect(place, key, size, &mime);
	strlcpy(facts.sha256, sha256, sizeof(facts.sha256));
	ffu_writer_choose_ext(birth, &mime, facts.ext);
	file = ffu_upload_remote(birth, key, key);
	facts.mime = ffu_pending_mime(&mime);
	ffu_upload_trust(file, &facts);
	ffu_shared_count(FFU_COUNT_STORED_FILES, 1);
	ffu_shared_count(FFU_COUNT_STORED_BYTES, size);
	return file;
}

/*
 * Stage a copy of a file that is in the bucket alone, for the bucket.  Return
 * NULL if the file is in the folder, or not known well enough: then the bytes
 * must be copied.
 */
FfuFile *
ffu_remote_copy(const char *path)
{
	FfuBirth	birth = {.kind = FFU_ORIGIN_PATH,.ext_fixed = true};
	FfuPlace	place;
	FfuObject	object;
	FfuLook		look;

	if (ffu_folder_methods.look(ffu_root_use(), path, &look) != ENOENT ||
		!ffu_place_find(&place) ||
		!ffu_place_methods()->look(&place, path, &object) ||
		strcmp(object.root_id, ffu_root_id()) != 0 ||
		strlen(object.sha256) != FFU_SHA256_HEX_LEN)
		return NULL;
	ffu_extension_of(path, birth.ext);
	return stage(&place, path, &birth, object.size, object.sha256);
}

/*
 * Write the bytes of a reader into the spool.  Return whether they have the
 * digest of the file.
 */
static bool
fetch_bytes(FfuFile *file, FfuReader *reader)
{
	FfuSpoolFile *spooled = &ffu_file_staged(file)->file;
	struct pg_cryptohash_ctx *hash = ffu_digest_begin();
	char	   *buf = palloc(FFU_CHUNK);
	uint8		bytes[FFU_SHA256_LEN];
	char		hex[FFU_SHA256_HEX_LEN + 1];
	int64		done = 0;
	size_t		got;

	do
	{
		int			result = ffu_reader_read(reader, buf, FFU_CHUNK, done, &got);

		CHECK_FOR_INTERRUPTS();
		if (result == 0)
			result = ffu_spool_write(spooled, buf, got, done);
		if (result != 0)
			ffu_raise_io(result, "copy object to staging file",
						 ffu_file_staged(file)->remote);
		ffu_digest_add(hash, buf, got);
		done += got;
	} while (got > 0);
	ffu_digest_end(hash, bytes);
	ffu_digest_to_hex(bytes, hex);
	pfree(buf);
	return strcmp(hex, ffu_file_facts(file)->sha256) == 0;
}

/*
 * A file is to go to the folder: bring its bytes from the bucket.
 */
void
ffu_remote_fetch(FfuFile *file)
{
	FfuStore   *store = ffu_root_use();
	FfuStaged  *staged = ffu_file_staged(file);
	FfuReader	reader = {0};
	int			result;

	if (staged->remote == NULL)
		return;
	result = ffu_spool_read(store, staged, &reader);
	if (result == 0)
		result = ffu_spool_cut(store, staged, 0);
	if (result == 0)
		result = ffu_spool_reopen(store, staged);
	if (result != 0)
		ffu_raise_io(result, "copy object to staging file", staged->remote);
	if (!fetch_bytes(file, &reader))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("object \"%s\" does not have its checksum",
						staged->remote),
				 errdetail("The checksum is %s.", ffu_file_facts(file)->sha256),
				 errhint("ffu.check(content => true) lists such files.")));
	ffu_reader_close(&reader);
	staged->remote = NULL;
	ffu_writer_park(file);
}

/*
 * Return the key of a direct upload, palloc'd.
 */
static char *
key_of(uint64 fxid, int64 key)
{
	char		name[FFU_RESUMED_MAX + 1];

	ffu_resumable_id_name(name, fxid, key);
	return psprintf("%s%s", FFU_REMOTE_INCOMING, name);
}

/*
 * Find the bucket.  Raise 55000 without a bucket.
 */
static void
find_place(FfuPlace *place)
{
	if (!ffu_place_find(place))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this database has no bucket"),
				 errdetail("A direct upload goes to the bucket of the database."),
				 errhint("Have a superuser call ffu.use_bucket.")));
	if (!place->direct)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the store does not take direct uploads"),
				 errdetail("The store at \"%s\" does not take exactly the bytes that a URL is signed for: others, or none.",
						   place->url),
				 errhint("Send the bytes to the database: ffu.upload_begin(file_name, resumable => true).")));
}

/*
 * Begin a direct upload of size bytes with this digest.  Append the URL to
 * url, set *expires_at to the end of its life, and return the id, palloc'd.
 */
char *
ffu_remote_begin(const char *file_name, int64 size, const char *sha256,
				 StringInfo url, TimestampTz *expires_at)
{
	int			life = Min(ffu_setting_url_expiry, ffu_setting_upload_expiry);
	TimestampTz now = GetCurrentTimestamp();
	FfuPlace	place;
	FfuResumable resume;
	char	   *id;
	char	   *key;

	find_place(&place);
	ffu_writer_check_size(size, false);
	life = Min(life, LIFE_MAX);
	id = ffu_resumable_begin(file_name, size, sha256);
	ffu_resumable_use(id, &resume);
	key = key_of(resume.fxid, resume.key);
	ffu_intent_announce_incoming(key, resume.expires_at);
	XLogFlush(XactLastRecEnd);
	FFU_FAULT("bucket-after-incoming");
	ffu_place_methods()->sign_put(&place, key, size, sha256,
								  timestamptz_to_time_t(now), life, url);
	*expires_at = now + life * USECS_PER_SEC;
	return id;
}

/*
 * Raise an error: the bytes of a direct upload are not in the bucket.
 */
static void
refuse_absent(const FfuResumable *resume)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the bytes of the direct upload are not there"),
			 errdetail("The client has not sent them to the store yet, or has sent others."),
			 errhint("Let the client send the bytes to the URL that ffu.upload_begin returned, with its headers.")));
}

/*
 * Finish a direct upload: return an upload of this transaction.
 */
FfuFile *
ffu_remote_finish(FfuResumable *resume)
{
	FfuBirth	birth = {.kind = FFU_ORIGIN_RESUMABLE,
	.file_name = resume->file_name,.resumable_key = resume->key};
	char	   *key = key_of(resume->fxid, resume->key);
	FfuPlace	place;
	FfuObject	object;
	FfuFile    *file;

	find_place(&place);
	if (!ffu_place_methods()->look(&place, key, &object) ||
		object.size != resume->max_size)
		refuse_absent(resume);
	ffu_writer_check_size(object.size, false);
	ffu_limit_check_staged(object.size);
	file = stage(&place, key, &birth, object.size, resume->content);
	ffu_remote_end(resume);
	ffu_resumable_end(resume);
	return file;
}

/*
 * A direct upload is finished or given up: the object goes after the commit.
 */
void
ffu_remote_end(const FfuResumable *resume)
{
	if (resume->content != NULL)
		ffu_intent_hasten(key_of(resume->fxid, resume->key));
}
