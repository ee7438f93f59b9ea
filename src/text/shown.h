/*-------------------------------------------------------------------------
 *
 * shown.h
 *	  What a browser may show, and under which name a browser saves a file.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_SHOWN_H
#define FFU_SHOWN_H

#include "base/ffu.h"

extern const char *ffu_shown_type(const char *path);
extern char *ffu_shown_disposition(const char *name, bool attachment);

#endif							/* FFU_SHOWN_H */
