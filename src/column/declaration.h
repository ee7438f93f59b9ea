/*-------------------------------------------------------------------------
 *
 * declaration.h
 *	  Reads the triggers that declare file columns.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_DECLARATION_H
#define FFU_DECLARATION_H

#include "base/ffu.h"
#include "access/attnum.h"
#include "access/htup.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/relcache.h"

/* The companions, in the order of all lists */
typedef enum FfuCompanion
{
	FFU_COMPANION_FILE_NAME,
	FFU_COMPANION_MIME_TYPE,
	FFU_COMPANION_EXT,
	FFU_COMPANION_SIZE,
	FFU_COMPANION_SHA256,
	FFU_COMPANIONS				/* number of companions */
} FfuCompanion;

/* A list of words, or given = false */
typedef struct FfuWords
{
	bool		given;
	int			n;
	char	  **words;
} FfuWords;

/*
 * A file column of a table, read from the triggers.  If complaint is not NULL,
 * the declaration is not valid: then only trigger, trigger_name, policy, key
 * and attnum are set, and key may be any text.
 */
typedef struct FfuColumn
{
	Oid			trigger;		/* the trigger that declares the column */
	char	   *trigger_name;
	char	   *complaint;		/* a sentence, or NULL */
	char	   *policy;			/* second argument of the trigger */
	char	   *key;			/* ties the triggers of the column together;
								 * not the name */
	Oid			top;			/* the table, or the topmost table above */
	AttrNumber	attnum;
	AttrNumber	companions[FFU_COMPANIONS]; /* InvalidAttrNumber: none */
	/* Policy */
	FfuWords	allowed_extensions;
	FfuWords	allowed_mime_types;
	int64		max_size;		/* in bytes; -1: no limit */
	int			content_check;	/* FfuContentCheck; -1: the setting decides */
	bool		is_private;		/* web servers want signed URLs */
	bool		to_bucket;		/* new files go into the bucket */
	char	   *path_template;	/* with the beginning of private paths */
	/* Values of {schema}, {table} and {pk} */
	char	   *schema;
	char	   *table;
	int			npk;
	AttrNumber *pk;
	/* Has another column had these names? */
	bool		contested;
	uint64		former_state;	/* when that was found; 0: not yet */
} FfuColumn;

extern List *ffu_declarations(Oid relid);
extern const FfuColumn *ffu_declaration_of_key(List *columns, const char *key);
extern const FfuColumn *ffu_declaration_of_name(Oid relid, const char *name);
extern void ffu_declaration_read_policy(FfuColumn *column, Jsonb *policy);
extern char *ffu_declaration_drop_command(Oid relid, const FfuColumn *column,
										  bool companions);
extern Oid	ffu_trigger_function(Oid trigger);
extern List *ffu_trigger_words(Relation pg_trigger, HeapTuple tuple);

#endif							/* FFU_DECLARATION_H */
