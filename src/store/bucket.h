/*-------------------------------------------------------------------------
 *
 * bucket.h
 *	  The interface of the library ffu_s3: bytes in an object store.
 *
 * The library is loaded by sessions that use a bucket, and by no others: the
 * library that it needs for HTTP takes memory and time in each session.
 *
 * A key is the path of a file, or a name below .ffu/; the prefix of the place
 * stands before it in the bucket.
 *
 * Every function may wait, raise an error and be cancelled.  So none may be
 * reached from the COMMIT, ABORT and release callbacks (I6).
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_BUCKET_H
#define FFU_BUCKET_H

#include "base/ffu.h"
#include "lib/stringinfo.h"

/* Name of the library, and of the function that returns the table */
#define FFU_BUCKET_LIBRARY		"$libdir/ffu_s3"
#define FFU_BUCKET_FUNCTION		"ffu_bucket_methods"

/* Raised when the table below changes */
#define FFU_BUCKET_VERSION		4

/* Limits of a place; the texts of a place are shorter */
#define FFU_BUCKET_PREFIX_MAX	200
#define FFU_BUCKET_KEY_MAX		(FFU_PATH_MAX + 64)
#define FFU_CONNECTIONS_MAX		32

/* Where the objects are, and how to get there */
typedef struct FfuPlace
{
	const char *url;			/* for messages: has no secret */
	const char *scheme;			/* "https" or "http" */
	const char *host;			/* with the port, if a port was given */
	const char *bucket;
	const char *prefix;			/* "", or ends in a slash */
	const char *region;
	bool		host_style;		/* the name of the bucket is part of the host */
	const char *profile;
	const char *credentials_file;
	const char *ca_file;		/* "": the certificates of the system */
	int			connections;
	int			timeout;		/* in seconds, for all attempts together */
	int			batch;			/* keys in one request of removal; 1: one
								 * request a key */
	bool		direct;			/* the store takes direct uploads */
	int64		whole_max;		/* a larger object is a multipart upload */
} FfuPlace;

/* Facts about an object */
typedef struct FfuObject
{
	int64		size;			/* in bytes */
	char		type[FFU_MIME_MAX + 1];
	char		sha256[FFU_SHA256_HEX_LEN + 1]; /* "" if not known */
	char		root_id[FFU_ROOT_ID_LEN + 1];	/* "" if not known */
} FfuObject;

/* An object to look at */
typedef struct FfuKeyLook
{
	const char *key;
	bool		found;			/* set: there is such an object */
	FfuObject	object;			/* set if found */
} FfuKeyLook;

/*
 * Reads len bytes at offset of a file into buf.  Returns 0 or an error number,
 * and raises no error.
 */
typedef int (*FfuBodyReader) (void *arg, char *buf, size_t len, int64 offset);

/* An object to store */
typedef struct FfuPut
{
	const char *key;
	int64		size;			/* in bytes */
	const char *sha256;			/* as hex digits */
	const char *type;
	const char *disposition;	/* NULL for none */
	const char *root_id;
	const char *from;			/* key of an object with the bytes; or NULL */
	FfuBodyReader read;			/* gives the bytes unless from does */
	void	   *arg;
	int			unanswered;		/* set: attempts that may still take effect */
	bool		missing;		/* set: there is no object from */
} FfuPut;

/* A key to remove; error is "" if the store has answered that it is gone */
typedef struct FfuKeyRemoval
{
	const char *key;
	bool		multipart;		/* end multipart uploads of the key, too */
	bool		stays;			/* do no more than that */
	char		error[128];
	bool		unanswered;
} FfuKeyRemoval;

/* An object to copy within the bucket */
typedef struct FfuKeyCopy
{
	const char *from;
	const char *to;
	bool		missing;		/* set: there is no such object */
	char		error[128];		/* set: "" if the store has the copy */
	bool		unanswered;		/* set: an attempt may still take effect */
} FfuKeyCopy;

/* What a store can do beyond what ffu needs */
typedef struct FfuProbe
{
	bool		batch;			/* removes many keys in one request */
	bool		once;			/* can refuse to overwrite an object */
	bool		direct;			/* a signed URL takes only bytes of a digest */
} FfuProbe;

typedef void (*FfuKeyVisitor) (const char *key, int64 size, void *arg);

typedef struct FfuBucketMethods
{
	int			version;
	/* Store objects.  Return when all that are not missing are durable. */
	void		(*put) (const FfuPlace *place, FfuPut *puts, int n);
	/* Look at an object; false: no such object */
	bool		(*look) (const FfuPlace *place, const char *key,
						 FfuObject *object);
	/* Look at objects, several at a time */
	void		(*look_all) (const FfuPlace *place, FfuKeyLook *looks, int n);

	/*
	 * Read len bytes at offset into buf; the object has at least offset + len
	 * bytes.  False: there is no object.
	 */
	bool		(*read) (const FfuPlace *place, const char *key, char *buf,
						 size_t len, int64 offset);
	/* Copy objects, and set the outcome of each */
	void		(*copy) (const FfuPlace *place, FfuKeyCopy *copies, int n);
	/* Remove keys.  A key that is not there counts as removed. */
	void		(*remove) (const FfuPlace *place, FfuKeyRemoval *removals, int n);
	/* Visit the keys that begin with start, in the order of bytes */
	void		(*walk) (const FfuPlace *place, const char *start,
						 FfuKeyVisitor visit, void *arg);
	/* Append a URL that reads the object, for expires seconds from time on */
	void		(*sign) (const FfuPlace *place, const char *key,
						 const char *disposition, int64 time, int expires,
						 StringInfo url);
	/* The same for a URL that stores size bytes with this digest */
	void		(*sign_put) (const FfuPlace *place, const char *key, int64 size,
							 const char *sha256, int64 time, int expires,
							 StringInfo url);
	/* Try what ffu needs of the store; raise an error that names what lacks */
	void		(*probe) (const FfuPlace *place, const char *root_id,
						  FfuProbe *probe);
} FfuBucketMethods;

typedef const FfuBucketMethods *(*FfuBucketFunction) (void);

#endif							/* FFU_BUCKET_H */
