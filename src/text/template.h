/*-------------------------------------------------------------------------
 *
 * template.h
 *	  Path templates: their grammar, and the paths made from templates.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_TEMPLATE_H
#define FFU_TEMPLATE_H

#include "base/ffu.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

/* The template of a file column without one */
#define FFU_TEMPLATE_DEFAULT	"{table}/{pk}/{column}-{token}{ext}"

/* Values for the placeholders of a path template */
typedef struct FfuPathFields
{
	const char *schema;			/* {schema} */
	const char *table;			/* {table}: the topmost partitioned table */
	const char *column;			/* {column} */
	const char *pk;				/* {pk}: NULL without a key */
	const char *ext;			/* {ext}: without a dot; NULL or "" for none */
	const char *token;			/* {token}, {token:2} */
	TimestampTz now;			/* {yyyy}, {mm}, {dd}, in UTC */
} FfuPathFields;

extern const char *ffu_template_complaint(const char *path_template,
										  bool is_private);
extern char *ffu_template_full(const char *path_template, bool is_private);
extern char *ffu_path_make(const char *path_template,
						   const FfuPathFields *fields);
extern bool ffu_path_fits(const char *path, const char *path_template,
						  const FfuPathFields *fields);
extern List *ffu_template_placeholders(void);

#endif							/* FFU_TEMPLATE_H */
