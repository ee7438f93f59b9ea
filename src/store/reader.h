/*-------------------------------------------------------------------------
 *
 * reader.h
 *	  Files that are open for reading, in the spool or in any store.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_READER_H
#define FFU_READER_H

#include "base/ffu.h"

struct FfuReader;

typedef struct FfuReaderMethods
{
	/*
	 * Read len bytes at offset.  *got is less than len only at the end of the
	 * file.  Return 0 or an error number.
	 */
	int			(*read) (struct FfuReader *reader, char *buf, size_t len,
						 int64 offset, size_t *got);
	/* Close the file, unless the reader borrows the file.  Raise no error. */
	void		(*close) (struct FfuReader *reader);
} FfuReaderMethods;

/* A reader; all zeros if not open */
typedef struct FfuReader
{
	const FfuReaderMethods *methods;	/* NULL if not open */
	int64		size;			/* in bytes, when the file was opened; 0 if
								 * the reader borrows a staged file */

	/* For the methods only */
	union
	{
		int			fd;
		void	   *state;
	}			source;
} FfuReader;

extern int	ffu_reader_read(FfuReader *reader, char *buf, size_t len,
							int64 offset, size_t *got);
extern size_t ffu_reader_piece(void *reader, char *buf, size_t len,
							   int64 offset);
extern int	ffu_reader_digest(FfuReader *reader, char *sha256, int64 *size);
extern void ffu_reader_close(FfuReader *reader);

#endif							/* FFU_READER_H */
