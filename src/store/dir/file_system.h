/*-------------------------------------------------------------------------
 *
 * file_system.h
 *	  The kind and the abilities of a folder's file system.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_FILE_SYSTEM_H
#define FFU_FILE_SYSTEM_H

#include "base/ffu.h"

extern const char *ffu_file_system_name(int fd, bool *in_order);
extern bool ffu_file_system_has_sync_all(void);
extern bool ffu_file_system_may_sync_all(int fd);

#endif							/* FFU_FILE_SYSTEM_H */
