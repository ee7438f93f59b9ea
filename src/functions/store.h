/*-------------------------------------------------------------------------
 *
 * store.h
 *	  What a client says of the bytes that it sends.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_FUNCTIONS_STORE_H
#define FFU_FUNCTIONS_STORE_H

#include "base/ffu.h"

extern char *ffu_store_sha256(const text *argument);

#endif							/* FFU_FUNCTIONS_STORE_H */
