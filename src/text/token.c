/*-------------------------------------------------------------------------
 *
 * token.c
 *	  Tokens: 128 bits as 26 letters and digits.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "text/path.h"
#include "text/token.h"

/* A digit has 5 bits. */
static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

/*
 * Fill len bytes with random bits.  Raise an error if the system has no random
 * bits.
 */
void
ffu_token_random(void *bytes, size_t len)
{
	if (!pg_strong_random(bytes, len))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
}

/*
 * Write a token, FFU_TOKEN_LEN characters and a zero byte, into token.  Raise
 * no error and allocate nothing.
 */
void
ffu_token_write(const uint8 *bytes, char *token)
{
	uint32		bits = 0;
	int			nbits = 0;
	int			next = 0;

	StaticAssertStmt((FFU_TOKEN_BYTES * 8 + 4) / 5 == FFU_TOKEN_LEN,
					 "a token must hold all bits");

	for (int i = 0; i < FFU_TOKEN_LEN; i++)
	{
		if (nbits < 5)
		{
			/* The last digit has 3 bits of the last byte and two zeros. */
			bits = (bits << 8) | (next < FFU_TOKEN_BYTES ? bytes[next++] : 0);
			nbits += 8;
		}
		nbits -= 5;
		token[i] = alphabet[(bits >> nbits) & 0x1f];
	}
	token[FFU_TOKEN_LEN] = '\0';
}

/*
 * Make a new random token: write FFU_TOKEN_LEN characters and a zero byte into
 * token.  Raise an error if the system has no random bits.
 */
void
ffu_token_make(char *token)
{
	uint8		bytes[FFU_TOKEN_BYTES];

	ffu_token_random(bytes, sizeof(bytes));
	ffu_token_write(bytes, token);
}

/*
 * Read the digits of a token at p into bytes, FFU_TOKEN_BYTES of them.
 */
static void
read_digits(const char *p, uint8 *bytes)
{
	uint32		bits = 0;
	int			i;

	for (i = 0; i < FFU_TOKEN_LEN; i++)
	{
		int			before = 5 * i;
		int			after = before + 5;

		bits = (bits << 5) | (strchr(alphabet, p[i]) - alphabet);
		if (after / 8 > before / 8)
			bytes[before / 8] = bits >> (after % 8);
	}
}

/*
 * Find the first word at or after p that can be a token, and read the word
 * into bytes.  Return the end of the word, or NULL if there is no token.
 * Raise no error and allocate nothing.
 */
const char *
ffu_token_find(const char *p, uint8 *bytes)
{
	while (*p != '\0')
	{
		size_t		digits = 0;
		size_t		len;

		for (len = 0; ffu_is_alnum(p[len]); len++)
		{
			if (len < FFU_TOKEN_LEN && strchr(alphabet, p[len]) != NULL)
				digits++;
		}
		if (len == FFU_TOKEN_LEN && digits == len)
		{
			read_digits(p, bytes);
			return p + len;
		}
		p += Max(len, 1);
	}
	return NULL;
}
