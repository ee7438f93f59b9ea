/*-------------------------------------------------------------------------
 *
 * url.h
 *	  The URL of a file.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_URL_FUNCTION_H
#define FFU_URL_FUNCTION_H

#include "base/ffu.h"

extern char *ffu_url_path(const text *value);

#endif							/* FFU_URL_FUNCTION_H */
