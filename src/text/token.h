/*-------------------------------------------------------------------------
 *
 * token.h
 *	  Tokens: 128 bits as 26 letters and digits.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_TOKEN_H
#define FFU_TOKEN_H

#include "base/ffu.h"

/* A token in binary form */
#define FFU_TOKEN_BYTES		16

extern void ffu_token_random(void *bytes, size_t len);
extern void ffu_token_write(const uint8 *bytes, char *token);
extern void ffu_token_make(char *token);
extern const char *ffu_token_find(const char *p, uint8 *bytes);

#endif							/* FFU_TOKEN_H */
