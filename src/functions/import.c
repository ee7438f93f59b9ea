/*-------------------------------------------------------------------------
 *
 * import.c
 *	  SQL functions that import files of this server: ffu.import_file, and the
 *	  list of a directory tree for ffu.import_directory.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <sys/stat.h>

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "base/error.h"
#include "base/fault.h"
#include "functions/outsider.h"
#include "upload/upload.h"

FFU_FUNCTION(ffu_sql_import_file);
FFU_FUNCTION(ffu_sql_import_below);
FFU_FUNCTION(ffu_sql_list_files);

/*
 * ffu.import_file(server_path text, file_name text, move boolean) RETURNS
 * text: upload a file of this server.
 */
Datum
ffu_sql_import_file(PG_FUNCTION_ARGS)
{
	FfuOutsider file = {.file = FFU_OUTSIDE_CLOSED};
	bool		move = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	char	   *name = NULL;
	FfuFile    *upload;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	ffu_outsider_prepare("ffu.import_file()", move);
	file.path = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (!PG_ARGISNULL(1))
		name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	upload = ffu_outsider_upload(&file, NULL, NULL, name, move);
	PG_RETURN_TEXT_P(cstring_to_text(ffu_upload_to_text(upload)));
}

/*
 * ffu._import_below(server_directory text, below text, move boolean) RETURNS
 * text: upload a file found by ffu._list_files.  A role that may write to the
 * directory may have put a link in place of a directory since, so no link below
 * the directory is followed.
 */
Datum
ffu_sql_import_below(PG_FUNCTION_ARGS)
{
	FfuOutsider file = {.file = FFU_OUTSIDE_CLOSED,.copy = true};
	char	   *root = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *below = text_to_cstring(PG_GETARG_TEXT_PP(1));
	bool		move = PG_GETARG_BOOL(2);
	FfuFile    *upload;

	ffu_outsider_prepare("ffu.import_file()", move);
	canonicalize_path(root);
	file.path = psprintf("%s/%s", strcmp(root, "/") == 0 ? "" : root, below);
	upload = ffu_outsider_upload(&file, root, below, NULL, move);
	PG_RETURN_TEXT_P(cstring_to_text(ffu_upload_to_text(upload)));
}

/* A list of a directory tree in progress */
typedef struct Listing
{
	const char *root;
	const char *below;			/* the current directory, below root */
	List	   *dirs;			/* palloc'd; still to be listed */
	Tuplestorestate *files;		/* of paths below the root */
	TupleDesc	desc;
} Listing;

/*
 * Return the current directory, palloc'd.
 */
static char *
current_directory(const Listing *listing)
{
	return *listing->below ?
		psprintf("%s/%s", listing->root, listing->below) :
		pstrdup(listing->root);
}

/*
 * Tell whether a path is valid in the database's encoding.  Warn if not.
 */
static bool
is_valid(const char *path, const Listing *listing)
{
	if (pg_verify_mbstr(GetDatabaseEncoding(), path, strlen(path), true))
		return true;
	ereport(WARNING,
			(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
			 errmsg("file name in directory is not valid in the database's encoding"),
			 errdetail("The directory is \"%s\"; the entry is left out.",
					   current_directory(listing)),
			 errhint("Rename the file, and import it by ffu.import_file.")));
	return false;
}

/*
 * FfuEntryVisitor: add a file or directory to a listing.  Symbolic links cannot
 * be imported.
 */
static void
list_entry(const FfuEntry *entry, void *arg)
{
	Listing    *listing = arg;
	char	   *path;

	if (!S_ISDIR(entry->mode) && !S_ISREG(entry->mode))
		return;
	path = *listing->below ?
		psprintf("%s/%s", listing->below, entry->name) : pstrdup(entry->name);
	if (!is_valid(path, listing))
		pfree(path);
	else if (S_ISDIR(entry->mode))
		listing->dirs = lcons(path, listing->dirs);
	else
	{
		Datum		value = CStringGetTextDatum(path);
		bool		isnull = false;

		tuplestore_putvalues(listing->files, listing->desc, &value, &isnull);
		pfree(DatumGetPointer(value));
		pfree(path);
	}
}

/*
 * List a directory tree.  A directory below root that vanishes meanwhile, or
 * is replaced by a link, is left out.
 */
static void
list_tree(Listing *listing)
{
	listing->dirs = list_make1(pstrdup(""));
	while (listing->dirs != NIL)
	{
		char	   *below = linitial(listing->dirs);
		const char *action;
		int			result;

		listing->dirs = list_delete_first(listing->dirs);
		listing->below = below;
		result = ffu_outside_list(listing->root, below, list_entry, listing,
								  &action);
		if (result != 0 &&
			(*below == '\0' || (result != ENOENT && result != ENOTDIR)))
			ffu_outsider_refuse_below(result, action,
									  current_directory(listing));
		FFU_FAULT("import-after-directory");
		pfree(below);
	}
}

/*
 * ffu._list_files(server_directory text) RETURNS SETOF text: list the regular
 * files in a directory and below, relative to the directory.  The files, which
 * are many, go to disk; the directories stay in memory.
 */
Datum
ffu_sql_list_files(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *root = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Listing		listing = {.root = root};
	MemoryContext old;

	ffu_outsider_check_read();
	if (!is_absolute_path(root))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("path of a directory to import must be absolute"),
				 errdetail("The path is \"%s\".",
						   ffu_shown(root, strlen(root))),
				 errhint("Write it from the root of the file system on.")));
	if (result == NULL || !IsA(result, ReturnSetInfo) ||
		(result->allowedModes & SFRM_Materialize) == 0)
		elog(ERROR, "materialize mode required");
	old = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
	result->returnMode = SFRM_Materialize;
	result->setResult = tuplestore_begin_heap(true, false, work_mem);
	result->setDesc = CreateTemplateTupleDesc(1);
	TupleDescInitEntry(result->setDesc, 1, "path", TEXTOID, -1, 0);
	TupleDescFinalize(result->setDesc);
	MemoryContextSwitchTo(old);
	listing.files = result->setResult;
	listing.desc = result->setDesc;
	list_tree(&listing);
	return (Datum) 0;
}
