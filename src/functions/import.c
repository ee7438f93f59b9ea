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
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "base/error.h"
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
	FfuOutsider file = {.dir = -1,.fd = -1};
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
	FfuOutsider file = {.dir = -1,.fd = -1,.copy = true};
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

/*
 * Tell whether a directory entry is a file or directory that can be imported.
 * Symbolic links cannot.  Warn of a name that is invalid in the database's
 * encoding.
 */
static bool
is_listed(const char *path, const struct dirent *de, bool *is_dir)
{
	struct stat st;

	if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0 ||
		lstat(path, &st) < 0)
		return false;
	*is_dir = S_ISDIR(st.st_mode);
	if (!*is_dir && !S_ISREG(st.st_mode))
		return false;
	if (pg_verify_mbstr(GetDatabaseEncoding(), path, strlen(path), true))
		return true;
	ereport(WARNING,
			(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
			 errmsg("file name in directory is not valid in the database's encoding"),
			 errdetail("The directory is \"%.*s\"; the entry is left out.",
					   (int) (strrchr(path, '/') - path), path),
			 errhint("Rename the file, and import it by ffu.import_file.")));
	return false;
}

/*
 * Add the files of one directory below root to a tuplestore, relative to root,
 * and the directories to the list dirs.  Return the list.
 */
static List *
list_directory(const char *root, const char *below, List *dirs,
			   Tuplestorestate *store, TupleDesc desc)
{
	char	   *path = *below ? psprintf("%s/%s", root, below) : pstrdup(root);
	struct dirent *de;
	DIR		   *dir = AllocateDir(path);

	while ((de = ReadDir(dir, path)) != NULL)
	{
		char	   *relative = *below ? psprintf("%s/%s", below, de->d_name) :
		pstrdup(de->d_name);
		char	   *full = psprintf("%s/%s", path, de->d_name);
		bool		is_dir;

		CHECK_FOR_INTERRUPTS();
		if (is_listed(full, de, &is_dir))
		{
			Datum		value = CStringGetTextDatum(relative);
			bool		isnull = false;

			if (is_dir)
				dirs = lcons(pstrdup(relative), dirs);
			else
				tuplestore_putvalues(store, desc, &value, &isnull);
			pfree(DatumGetPointer(value));
		}
		pfree(relative);
		pfree(full);
	}
	FreeDir(dir);
	pfree(path);
	return dirs;
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
	MemoryContext old;
	List	   *dirs;

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
	dirs = list_make1(pstrdup(""));
	while (dirs != NIL)
	{
		char	   *below = linitial(dirs);

		dirs = list_directory(root, below, list_delete_first(dirs),
							  result->setResult, result->setDesc);
		pfree(below);
	}
	return (Datum) 0;
}
