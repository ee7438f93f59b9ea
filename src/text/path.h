/*-------------------------------------------------------------------------
 *
 * path.h
 *	  The grammar of paths, staging names, tokens, file names.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_PATH_H
#define FFU_PATH_H

#include "base/ffu.h"

/* How the path of a file of a private column begins */
#define FFU_PRIVATE_DIR		"private"
#define FFU_PRIVATE_PREFIX	FFU_PRIVATE_DIR "/"

/* isalnum() for ASCII, independent of the locale */
static inline bool
ffu_is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9');
}

/* Tell whether a byte may be part of a segment of a path. */
static inline bool
ffu_is_segment_byte(char c)
{
	return ffu_is_alnum(c) || c == '.' || c == '_' || c == '~' || c == '-';
}

/* Tell whether a byte is a digit of a token. */
static inline bool
ffu_is_token_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7');
}

extern bool ffu_path_valid(const char *path, size_t len);
extern bool ffu_path_is_private(const char *path);
extern char *ffu_file_name_clean(const char *name, size_t len);
extern bool ffu_extension_of(const char *name, char *ext);
extern void ffu_staging_part(char *name, int part);
extern void ffu_staging_name(char *name, uint64 fxid, uint32 n, uint64 run,
							 const char *path);
extern const char *ffu_number_parse(const char *p, uint64 max, uint64 *number);
extern const char *ffu_upload_parse(const char *p, uint64 *fxid, uint32 *n);
extern bool ffu_staging_parse(const char *name, uint64 *fxid, uint32 *n,
							  uint64 *run, char *path);

#endif							/* FFU_PATH_H */
