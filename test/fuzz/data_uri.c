/*-------------------------------------------------------------------------
 *
 * data_uri.c
 *	  Harness: a data: URI decodes to the same bytes in any pieces.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "shim.h"

#include "text/data_uri.h"

/* Decode with a buffer of this size.  Return the number of bytes. */
static size_t
decode(const FfuDataUri *parsed, size_t size, char *out)
{
	FfuDataUri	uri = *parsed;
	char	   *buf = palloc(size);
	size_t		total = 0;
	size_t		got;

	while ((got = ffu_data_uri_read(&uri, buf, size)) > 0)
	{
		insist(got <= size && total + got <= FUZZ_INPUT_MAX);
		memcpy(out + total, buf, got);
		total += got;
	}
	return total;
}

void
fuzz(const char *data, size_t len)
{
	char		whole[FUZZ_INPUT_MAX];
	char		pieces[FUZZ_INPUT_MAX];
	FfuDataUri	uri;
	size_t		total;

	if (!fuzz_is_text(data, len) || !ffu_data_uri_is(data, len))
		return;
	ffu_data_uri_parse(data, len, &uri);
	insist(uri.payload >= data && uri.payload + uri.payload_len == data + len);
	insist(uri.file_name == NULL ||
		   (*uri.file_name && strpbrk(uri.file_name, "/\\\n") == NULL));
	total = decode(&uri, FUZZ_INPUT_MAX, whole);
	insist(total <= uri.payload_len);
	insist(decode(&uri, 4, pieces) == total);
	insist(memcmp(whole, pieces, total) == 0);
	insist(decode(&uri, 7, pieces) == total);
	insist(memcmp(whole, pieces, total) == 0);
}
