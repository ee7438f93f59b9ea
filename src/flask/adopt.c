/*-------------------------------------------------------------------------
 *
 * adopt.c
 *	  SQL functions of ffu.adopt: inspect a file below a directory, upload the
 *	  file, and list a directory.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "base/error.h"
#include "column/column.h"
#include "column/policy.h"
#include "functions/outsider.h"
#include "text/file_name.h"
#include "text/mime.h"
#include "text/path.h"
#include "upload/upload.h"

FFU_FUNCTION(ffu_sql_adopt_file);
FFU_FUNCTION(ffu_sql_adopt_list);
FFU_FUNCTION(ffu_sql_adopt_look);

/*
 * ffu._adopt_file(directory text, below text, file_name text, move boolean)
 * RETURNS text: upload a file below a directory.  Without move the file stays;
 * a linkable file also becomes the stored file.
 */
Datum
ffu_sql_adopt_file(PG_FUNCTION_ARGS)
{
	FfuOutsider file = {.file = FFU_OUTSIDE_CLOSED};
	char	   *root;
	char	   *below;
	bool		move = PG_GETARG_BOOL(3);
	FfuFile    *upload;

	ffu_outsider_prepare("ffu.adopt()", move);
	root = text_to_cstring(PG_GETARG_TEXT_PP(0));
	below = text_to_cstring(PG_GETARG_TEXT_PP(1));
	file.path = psprintf("%s/%s", root, below);
	upload = ffu_outsider_upload(&file, root, below,
								 text_to_cstring(PG_GETARG_TEXT_PP(2)), move);
	PG_RETURN_TEXT_P(cstring_to_text(ffu_upload_to_text(upload)));
}

/*
 * FfuEntryVisitor: add an entry to a tuplestore: name, kind ("file", or another
 * kind in words), size, and whether the server can read the entry.  arg is the
 * ReturnSetInfo.
 */
static void
put_entry(const FfuEntry *entry, void *arg)
{
	ReturnSetInfo *result = arg;
	Datum		values[4];
	bool		isnull[4] = {false};

	if (!pg_verify_mbstr(GetDatabaseEncoding(), entry->name,
						 strlen(entry->name), true))
		return;
	values[0] = CStringGetTextDatum(entry->name);
	values[1] = CStringGetTextDatum(S_ISREG(entry->mode) ? "file" :
									ffu_outsider_kind(entry->mode));
	values[2] = Int64GetDatum(entry->size);
	values[3] = BoolGetDatum(entry->readable);
	tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
}

/*
 * ffu._adopt_list(directory text, below text) RETURNS SETOF record: list the
 * entries of a directory below another directory.  A missing directory has no
 * entries.
 */
Datum
ffu_sql_adopt_list(PG_FUNCTION_ARGS)
{
	char	   *root = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *below = text_to_cstring(PG_GETARG_TEXT_PP(1));
	const char *action;
	int			error;

	ffu_outsider_check_read();
	InitMaterializedSRF(fcinfo, 0);
	if (!is_absolute_path(root) || (*below && !ffu_outsider_is_downward(below)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("path of a directory to adopt must be absolute"),
				 errdetail("The path is \"%s\".",
						   ffu_shown(root, strlen(root))),
				 errhint("Write it from the root of the file system on.")));
	error = ffu_outside_list(root, below, put_entry, fcinfo->resultinfo,
							 &action);
	if (error != 0 && (error != ENOENT || *below == '\0'))
		ffu_outsider_refuse_below(error, action, *below ?
								  psprintf("%s/%s", root, below) : root);
	return (Datum) 0;
}

/*
 * Find the size, type and extension that an open file would have as an upload,
 * from the first bytes of the file.
 */
static void
look_at_file(const FfuOutsider *outsider, const char *file_name,
			 FfuFacts *facts, FfuMime *mime)
{
	char	   *head = palloc(FFU_MAGIC_BYTES);
	FfuReader	reader;
	size_t		len;
	int			result;

	facts->size = outsider->file.st.st_size;
	ffu_writer_check_size(facts->size, false);
	ffu_outside_borrow(&outsider->file, &reader);
	result = ffu_reader_read(&reader, head, FFU_MAGIC_BYTES, 0, &len);
	if (result != 0)
		ffu_raise_io(result, "read file", outsider->path);
	ffu_mime_detect(head, len, facts->size, ffu_reader_piece, &reader, mime);
	facts->mime = mime;
	if (!ffu_extension_of(ffu_file_name_read(file_name, strlen(file_name)),
						  facts->ext))
		facts->ext[0] = '\0';
	pfree(head);
}

/*
 * Open a file below a directory for look_at_file, and close the file.
 */
static void
look_below(const char *root, const char *below, const char *file_name,
		   bool move, FfuFacts *facts, FfuMime *mime)
{
	FfuOutsider outsider = {.file = FFU_OUTSIDE_CLOSED};

	outsider.path = psprintf("%s/%s", root, below);
	PG_TRY();
	{
		ffu_outsider_open(&outsider, root, below, move);
		look_at_file(&outsider, file_name, facts, mime);
	}
	PG_FINALLY();
	{
		ffu_outsider_close(&outsider);
	}
	PG_END_TRY();
}

/*
 * Raise 22004, 22023 or 42703 for arguments that ffu._adopt_look cannot work
 * with.  The policy, argument 2, may be null.
 */
static void
check_look(FunctionCallInfo fcinfo)
{
	int			i;

	for (i = 0; i < PG_NARGS(); i++)
	{
		if (PG_ARGISNULL(i) && i != 2)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument %d of ffu._adopt_look() must not be null",
							i + 1),
					 errdetail("Only the policy may be null."),
					 errhint("Call ffu.adopt().")));
	}
	if (!PG_ARGISNULL(2) && !JB_ROOT_IS_OBJECT(PG_GETARG_JSONB_P(2)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("policy must be a JSON object"),
				 errdetail("It has the items of a file column's policy."),
				 errhint("Call ffu.adopt().")));
	if (PG_GETARG_INT16(1) < 1 ||
		get_attname(PG_GETARG_OID(0), PG_GETARG_INT16(1), true) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column %d of relation \"%s\" does not exist",
						PG_GETARG_INT16(1), get_rel_name(PG_GETARG_OID(0))),
				 errhint("Call ffu.adopt().")));
}

/*
 * ffu._adopt_look(relation regclass, column_number int2, policy jsonb,
 * directory text, below text, file_name text, move boolean) RETURNS record:
 * return the type and extension that a file would get in a column with this
 * policy.  Nothing is stored.  Messages name the column with column_number;
 * the file column may not exist yet.
 */
Datum
ffu_sql_adopt_look(PG_FUNCTION_ARGS)
{
	Relation	rel;
	FfuColumn	column = {.max_size = -1,.content_check = -1};
	FfuFacts	facts = {.size = 0};
	FfuMime		mime;
	TupleDesc	desc;
	Datum		values[2];
	bool		isnull[2] = {false};

	ffu_outsider_check_read();
	check_look(fcinfo);
	if (!PG_ARGISNULL(2))
		ffu_declaration_read_policy(&column, PG_GETARG_JSONB_P(2));
	column.attnum = PG_GETARG_INT16(1);
	look_below(text_to_cstring(PG_GETARG_TEXT_PP(3)),
			   text_to_cstring(PG_GETARG_TEXT_PP(4)),
			   text_to_cstring(PG_GETARG_TEXT_PP(5)),
			   PG_GETARG_BOOL(6), &facts, &mime);
	if (*facts.ext == '\0')
		ffu_policy_choose_extension(&column, &mime, facts.ext);
	rel = relation_open(PG_GETARG_OID(0), AccessShareLock);
	ffu_policy_check(rel, &column, &facts, facts.ext);
	relation_close(rel, NoLock);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(mime.mime_type);
	values[1] = CStringGetTextDatum(facts.ext);
	isnull[1] = *facts.ext == '\0';
	return HeapTupleGetDatum(heap_form_tuple(desc, values, isnull));
}
