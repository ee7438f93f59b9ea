/*-------------------------------------------------------------------------
 *
 * column.h
 *	  What a table's triggers declare about its file columns.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_COLUMN_H
#define FFU_COLUMN_H

#include "base/ffu.h"
#include "access/attnum.h"
#include "access/htup.h"
#include "access/tupdesc.h"
#include "utils/relcache.h"

#include "transaction/pending.h"

/* The companions, in the order in which everything lists them. */
typedef enum FfuCompanion
{
	FFU_COMPANION_FILE_NAME,
	FFU_COMPANION_MIME_TYPE,
	FFU_COMPANION_EXT,
	FFU_COMPANION_SIZE,
	FFU_COMPANION_SHA256,
	FFU_COMPANIONS				/* how many there are */
} FfuCompanion;

/* A list of words, or none given. */
typedef struct FfuWords
{
	bool		given;
	int			n;
	char	  **words;
} FfuWords;

/* A file column of one table, from its triggers. */
typedef struct FfuColumn
{
	char	   *key;			/* ties its triggers together; not its name */
	Oid			top;			/* the table, or the partitioned one above */
	AttrNumber	attnum;
	AttrNumber	companions[FFU_COMPANIONS]; /* InvalidAttrNumber: not there */
	/* Policy */
	FfuWords	allowed_extensions;
	FfuWords	allowed_mime_types;
	int64		max_size;		/* in bytes; -1 for none */
	char	   *path_template;
	/* For {schema}, {table} and {pk} */
	char	   *schema;
	char	   *table;
	int			npk;
	AttrNumber *pk;
} FfuColumn;

extern const FfuColumn *ffu_column_find(Relation rel, const char *key);
extern bool ffu_column_is_text(TupleDesc desc, AttrNumber attnum);
extern void ffu_column_check(Relation rel, const FfuColumn *column,
							 const FfuFile *file, const char *ext);
extern void ffu_column_check_size(Relation rel, const FfuColumn *column,
								  int64 size, bool at_least);
extern void ffu_column_choose_extension(const FfuColumn *column,
										const FfuMime *mime, char *ext);
extern char *ffu_column_path(Relation rel, const FfuColumn *column,
							 HeapTuple tuple, const char *ext);
extern bool ffu_column_proves(Relation rel, const FfuColumn *column,
							  HeapTuple tuple, const char *path);
extern FfuColumn *ffu_column_names(Relation rel);
extern void ffu_column_init(void);

#endif							/* FFU_COLUMN_H */
