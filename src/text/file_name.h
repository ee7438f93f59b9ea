/*-------------------------------------------------------------------------
 *
 * file_name.h
 *	  The names of files for people: cleaned, of a limited length.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_FILE_NAME_H
#define FFU_FILE_NAME_H

#include "base/ffu.h"

extern char *ffu_file_name_read(const char *name, size_t len);
extern char *ffu_file_name_shorten(const char *name, int max);
extern char *ffu_file_name_extend(const char *name, const char *ext);
extern char *ffu_file_name_download(const char *name, size_t len,
									const char *path);

#endif							/* FFU_FILE_NAME_H */
