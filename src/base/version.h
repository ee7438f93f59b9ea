/*-------------------------------------------------------------------------
 *
 * version.h
 *	  The versions of the library and of the SQL in this database.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_VERSION_H
#define FFU_VERSION_H

#include "base/ffu.h"

extern const char *ffu_version_library(void);
extern bool ffu_version_fits(char **detail, char **hint);
extern void ffu_version_check(void);

#endif							/* FFU_VERSION_H */
