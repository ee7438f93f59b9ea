/*-------------------------------------------------------------------------
 *
 * signing.h
 *	  The right to private files: EXECUTE on ffu.signed_url.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_SIGNING_H
#define FFU_SIGNING_H

#include "base/ffu.h"

extern void ffu_signing_require(const char *message, const char *what);

#endif							/* FFU_SIGNING_H */
