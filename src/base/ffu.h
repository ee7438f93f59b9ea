/*-------------------------------------------------------------------------
 *
 * ffu.h
 *	  Names and limits that every file of ffu shares.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_H
#define FFU_H

#include "base/compat.h"

/* The schema of the extension, created by the install script */
#define FFU_EXTENSION		"ffu"
#define FFU_SCHEMA			"ffu"

/* A path, relative to the root and also the tail of the URL, in bytes */
#define FFU_PATH_MAX		200

/* The random part of a path: 128 bits in lower-case base32 */
#define FFU_TOKEN_LEN		26

/* An extension without its dot: lower case, [a-z0-9] */
#define FFU_EXT_MAX			16

/* A client's file name after cleaning, in characters */
#define FFU_FILE_NAME_MAX	255

/* A mime type, in bytes */
#define FFU_MIME_MAX		127

/*
 * The number of parts of the staging directory; a hexadecimal digit names each
 * part.  Sessions that wait for a journal in one part do not delay sessions in
 * the other parts.
 */
#define FFU_STAGING_PARTS	16
#define FFU_STAGING_PART_LEN	1

/*
 * A staging name: "<part>/<fxid>.<n>", "<part>/<fxid>.<n>:<path>", or
 * "<part>/<fxid>.<n>.<run>:<path>"
 */
#define FFU_STAGING_MAX		(FFU_STAGING_PART_LEN + 1 + 20 + 1 + 10 + 1 + 20 + 1 + \
								 FFU_PATH_MAX)

/* A root id: a random uuid as text */
#define FFU_ROOT_ID_LEN		36

/* Length in bytes to which messages shorten a client's value */
#define FFU_SHOWN_MAX		60

/* Number of bytes per write, read or hash step */
#define FFU_CHUNK			(256 * 1024)

/*
 * A large file goes to the disk in slices of FFU_SLICE bytes, of which
 * FFU_SLICES may be in flight.
 */
#define FFU_SLICE			(INT64CONST(4) * 1024 * 1024)
#define FFU_SLICES			8

/* Number of bytes of a file that libmagic sees */
#define FFU_MAGIC_BYTES		(1024 * 1024)

/* SHA-256, as bytes and as the hex digits of a companion column */
#define FFU_SHA256_LEN		32
#define FFU_SHA256_HEX_LEN	64

/* Values of an error's constraint name field, for applications */
#define FFU_CONSTRAINT_SIZE			"ffu_max_size"
#define FFU_CONSTRAINT_EXTENSION	"ffu_allowed_extensions"
#define FFU_CONSTRAINT_MIME			"ffu_allowed_mime_types"
#define FFU_CONSTRAINT_CONTENT		"ffu_content"
#define FFU_CONSTRAINT_FILE			"ffu_file"

#endif							/* FFU_H */
