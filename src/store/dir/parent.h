/*-------------------------------------------------------------------------
 *
 * parent.h
 *	  The directory of ffu.folder_parent, and the names in the directory.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_PARENT_H
#define FFU_PARENT_H

#include "base/ffu.h"

/* Size of a buffer for a name, with room for FFU_PARENT_REMOVED */
#define FFU_PARENT_NAME_MAX		64

/* End of the name of a folder that is being removed */
#define FFU_PARENT_REMOVED		".dropped"

extern void ffu_parent_name(char *name, Oid database);
extern bool ffu_parent_parse(const char *name, Oid *database, bool *removed);
extern int	ffu_parent_open(const char *path);

#endif							/* FFU_PARENT_H */
