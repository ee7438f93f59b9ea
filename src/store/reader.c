/*-------------------------------------------------------------------------
 *
 * reader.c
 *	  Files that are open for reading, in the spool or in any store.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "miscadmin.h"

#include "base/digest.h"
#include "base/fault.h"
#include "store/reader.h"

/*
 * Read len bytes at offset; see FfuReaderMethods.
 */
int
ffu_reader_read(FfuReader *reader, char *buf, size_t len, int64 offset,
				size_t *got)
{
	return reader->methods->read(reader, buf, len, offset, got);
}

/*
 * Read up to len bytes at offset, and return the number of bytes; 0 also if
 * the file cannot be read.  reader is an FfuReader.  (An FfuReadPiece.)
 */
size_t
ffu_reader_piece(void *reader, char *buf, size_t len, int64 offset)
{
	size_t		got;

	return ffu_reader_read(reader, buf, len, offset, &got) == 0 ? got : 0;
}

/*
 * Compute the SHA-256 of a file, in hex digits, and its size in bytes.  Return
 * 0 or the error number of reading the file; raise all other errors.
 */
static int
hash_file(FfuReader *reader, char *sha256, int64 *size)
{
	uint8		digest[FFU_SHA256_LEN];
	struct pg_cryptohash_ctx *hash = ffu_digest_begin();
	char	   *buf = palloc(FFU_CHUNK);
	size_t		got;
	int			result;

	*size = 0;
	while ((result = ffu_reader_read(reader, buf, FFU_CHUNK, *size,
									 &got)) == 0 && got > 0)
	{
		CHECK_FOR_INTERRUPTS();
		ffu_digest_add(hash, buf, got);
		*size += got;
		FFU_FAULT("digest-after-chunk");
	}
	pfree(buf);
	ffu_digest_end(hash, digest);
	ffu_digest_to_hex(digest, sha256);
	return result;
}

/*
 * Compute the SHA-256 and the size of a file as hash_file does, and close the
 * reader, also if there is an error.
 */
int
ffu_reader_digest(FfuReader *reader, char *sha256, int64 *size)
{
	volatile int result = 0;

	PG_TRY();
	{
		result = hash_file(reader, sha256, size);
	}
	PG_CATCH();
	{
		ffu_reader_close(reader);
		PG_RE_THROW();
	}
	PG_END_TRY();
	ffu_reader_close(reader);
	return result;
}

/*
 * Close a reader if it is open.  Raise no error.
 */
void
ffu_reader_close(FfuReader *reader)
{
	if (reader->methods)
		reader->methods->close(reader);
	reader->methods = NULL;
}
