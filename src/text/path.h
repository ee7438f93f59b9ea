/*-------------------------------------------------------------------------
 *
 * path.h
 *	  The grammar of paths, staging names, templates, tokens, file names.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_PATH_H
#define FFU_PATH_H

#include "base/ffu.h"
#include "datatype/timestamp.h"

/* What the placeholders of a path template stand for. */
typedef struct FfuPathParts
{
	const char *schema;			/* {schema} */
	const char *table;			/* {table}: the topmost partitioned table */
	const char *column;			/* {column} */
	const char *pk;				/* {pk}: NULL where there is no key */
	const char *ext;			/* {ext}: without its dot; NULL or "" for none */
	const char *token;			/* {token}, {token:2} */
	TimestampTz now;			/* {yyyy}, {mm}, {dd}, in UTC */
} FfuPathParts;

extern bool ffu_path_valid(const char *path, size_t len);
extern const char *ffu_template_complaint(const char *path_template);
extern char *ffu_path_make(const char *path_template,
						   const FfuPathParts *parts);
extern char *ffu_file_name_clean(const char *name, size_t len);
extern bool ffu_extension_of(const char *name, char *ext);
extern void ffu_staging_part(char *name, int part);
extern void ffu_staging_name(char *name, uint64 fxid, uint32 n,
							 const char *path);
extern const char *ffu_upload_parse(const char *p, uint64 *fxid, uint32 *n);
extern bool ffu_staging_parse(const char *name, uint64 *fxid, uint32 *n,
							  char *path);

#endif							/* FFU_PATH_H */
