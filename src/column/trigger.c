/*-------------------------------------------------------------------------
 *
 * trigger.c
 *	  The triggers of file columns: steps 2 and 3 of the protocol.
 *
 *	before_row		finds the file of the value, checks the column's policy,
 *					chooses the path, fills the companions
 *	after_row		the row is written: marks the new path owned, dooms the old
 *	before_truncate	dooms every path of the trigger's relation
 *
 * If an UPDATE sets the column, before_row runs twice: by the trigger's column
 * list, and by the WHEN clause, which also sees changes by the user's own
 * BEFORE triggers.  The second call finds a path that is chosen and not owned
 * yet, and leaves the path unchanged.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/error.h"
#include "base/fault.h"
#include "base/query.h"
#include "base/settings.h"
#include "column/column.h"
#include "column/copies.h"
#include "column/policy.h"
#include "column/scan.h"
#include "column/value.h"
#include "store/bucket/both.h"
#include "store/dir/root.h"
#include "sweep/sweep.h"
#include "text/file_name.h"
#include "text/path.h"
#include "transaction/deletion.h"
#include "transaction/dooms.h"
#include "transaction/quota.h"
#include "transaction/statement.h"
#include "transaction/usage.h"
#include "upload/upload.h"

FFU_FUNCTION(ffu_sql_before_row);
FFU_FUNCTION(ffu_sql_after_row);
FFU_FUNCTION(ffu_sql_before_truncate);
FFU_FUNCTION(ffu_sql_copy_values);

/* The table whose rows get copies now; these rows let no file go */
static Oid	copying = InvalidOid;

/* A row that before_row is working on */
typedef struct RowChange
{
	Relation	rel;
	const FfuColumn *column;
	HeapTuple	old;			/* NULL for INSERT */
	HeapTuple	new;
	/* Values to set in the new row, by attribute number - 1 */
	Datum	   *values;
	bool	   *isnull;
	bool	   *replace;
} RowChange;

/*
 * Return the data of the calling trigger.  Raise 39P01 unless the trigger is
 * ffu's and of the right kind: for each row or statement, before or after, and
 * for DELETE only if delete is set.
 */
static TriggerData *
trigger_data(FunctionCallInfo fcinfo, const char *function, bool row,
			 bool before, bool delete)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		(TRIGGER_FIRED_FOR_ROW(data->tg_event) != 0) != row ||
		(TRIGGER_FIRED_BEFORE(data->tg_event) != 0) != before ||
		(TRIGGER_FIRED_BY_DELETE(data->tg_event) && !delete) ||
		data->tg_trigger->tgnargs < 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"ffu.%s\" was not called by a trigger of ffu",
						function),
				 errdetail("It can only be called by the triggers of a file column."),
				 errhint("Declare file columns with ffu.add_column or ffu.manage_column.")));
	return data;
}

/*
 * Return a column of a row as a palloc'd text, or NULL.  The column must have
 * a string type.
 */
static char *
get_text(Relation rel, HeapTuple tuple, AttrNumber attnum)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attnum, RelationGetDescr(rel),
									 &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/*
 * Set a string column of the new row.  Raise 22001 if a varchar is too short:
 * the server does not check values that a trigger sets.
 */
static void
set_text(RowChange *change, AttrNumber attnum, const char *text)
{
	Form_pg_attribute att;

	if (attnum == InvalidAttrNumber)
		return;
	att = TupleDescAttr(RelationGetDescr(change->rel), attnum - 1);
	change->replace[attnum - 1] = true;
	change->isnull[attnum - 1] = text == NULL;

	if (text == NULL)
		return;
	if (att->atttypid == VARCHAROID && att->atttypmod >= VARHDRSZ &&
		pg_mbstrlen(text) > att->atttypmod - VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
				 errmsg("value too long for column \"%s\"",
						NameStr(att->attname)),
				 errdetail("The value \"%s\" has %d characters; the column has room for %d.",
						   ffu_shown(text, strlen(text)), pg_mbstrlen(text),
						   att->atttypmod - (int32) VARHDRSZ),
				 errhint("Change the type of the column to text."),
				 errtablecol(change->rel, attnum)));
	change->values[attnum - 1] = CStringGetTextDatum(text);
}

/*
 * Set the companion with the name.  Shorten the name if the column is too
 * short.
 */
static void
set_name(RowChange *change, const char *name)
{
	AttrNumber	attnum = change->column->companions[FFU_COMPANION_FILE_NAME];
	Form_pg_attribute att;
	char	   *shorter = NULL;

	if (attnum == InvalidAttrNumber)
		return;
	att = TupleDescAttr(RelationGetDescr(change->rel), attnum - 1);
	if (att->atttypid == VARCHAROID && att->atttypmod >= VARHDRSZ)
		shorter = ffu_file_name_shorten(name, att->atttypmod - VARHDRSZ);
	set_text(change, attnum, shorter ? shorter : name);
}

/*
 * Set the companion with the size in bytes; -1 sets NULL.
 */
static void
set_size(RowChange *change, AttrNumber attnum, int64 size)
{
	if (attnum == InvalidAttrNumber)
		return;
	change->replace[attnum - 1] = true;
	change->isnull[attnum - 1] = size < 0;
	change->values[attnum - 1] = Int64GetDatum(size);
}

/*
 * Set column and companions to NULL: the row has no file.
 */
static void
set_no_file(RowChange *change)
{
	int			i;

	set_text(change, change->column->attnum, NULL);
	for (i = 0; i < FFU_COMPANIONS; i++)
	{
		if (i == FFU_COMPANION_SIZE)
			set_size(change, change->column->companions[i], -1);
		else
			set_text(change, change->column->companions[i], NULL);
	}
}

/*
 * Return the file name that the statement sends beside the file: the value of
 * the companion, if the value is new.  Return NULL otherwise.  The result is
 * palloc'd.
 */
static char *
sent_name(RowChange *change)
{
	AttrNumber	attnum = change->column->companions[FFU_COMPANION_FILE_NAME];
	char	   *name;
	char	   *old;

	if (attnum == InvalidAttrNumber)
		return NULL;
	name = get_text(change->rel, change->new, attnum);
	old = change->old ? get_text(change->rel, change->old, attnum) : NULL;
	if (name == NULL || *name == '\0' || (old && strcmp(name, old) == 0))
		return NULL;
	return ffu_file_name_read(name, strlen(name));
}

/*
 * Choose name and extension of a new file.  The name of the upload comes
 * first, then the name in the statement, then the name of the column.  A name
 * without an extension gets the extension of the content.
 */
static void
choose_name(RowChange *change, const FfuFile *file, FfuAssignment *assignment)
{
	const FfuFacts *facts = ffu_file_facts(file);
	char		ext[FFU_EXT_MAX + 1];
	const FfuBirth *birth = ffu_file_birth(file);
	const char *name = birth->file_name;
	bool		has_ext = name && ffu_extension_of(name, ext);

	strlcpy(assignment->ext, facts->ext, sizeof(assignment->ext));
	if (name == NULL)
	{
		name = sent_name(change);
		has_ext = name && ffu_extension_of(name, ext);
		if (has_ext && strcmp(ext, facts->ext) != 0)
		{
			if (birth->ext_fixed)
				name = NULL;
			else
				memcpy(assignment->ext, ext, sizeof(ext));
		}
	}
	if (!has_ext && !birth->ext_fixed)
		ffu_policy_choose_extension(change->column, facts->mime,
									assignment->ext);
	if (name == NULL)
		name = NameStr(TupleDescAttr(RelationGetDescr(change->rel),
									 change->column->attnum - 1)->attname);
	if (!ffu_extension_of(name, ext) && *assignment->ext)
		name = ffu_file_name_extend(name, assignment->ext);
	assignment->name = name;
}

/*
 * Keep the file.  Ignore companions that the client sent, except the name: a
 * new name renames the download, and the extension must stay.
 */
static void
keep_file(RowChange *change)
{
	const FfuColumn *column = change->column;
	AttrNumber	ext_attnum = column->companions[FFU_COMPANION_EXT];
	char		ext[FFU_EXT_MAX + 1];
	char	   *name = sent_name(change);
	char	   *old_ext;
	int			i;

	Assert(change->old != NULL);
	for (i = 0; i < FFU_COMPANIONS; i++)
	{
		AttrNumber	attnum = column->companions[i];

		if (attnum == InvalidAttrNumber)
			continue;
		change->replace[attnum - 1] = true;
		change->values[attnum - 1] =
			heap_getattr(change->old, attnum, RelationGetDescr(change->rel),
						 &change->isnull[attnum - 1]);
	}
	if (name == NULL)
		return;
	if (ext_attnum != InvalidAttrNumber)
		old_ext = get_text(change->rel, change->old, ext_attnum);
	else
		old_ext = ffu_extension_of(get_text(change->rel, change->old,
											column->attnum), ext) ?
			pstrdup(ext) : NULL;
	if (!ffu_extension_of(name, ext))
		name = old_ext ? ffu_file_name_extend(name, old_ext) : name;
	else if (old_ext == NULL || strcmp(ext, old_ext) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("extension of a stored file cannot be changed"),
				 errdetail("The new name is \"%s\", but the file's extension is \"%s\".",
						   ffu_shown(name, strlen(name)),
						   old_ext ? old_ext : ""),
				 errhint("Keep the extension, or store the file again under the new name."),
				 ffu_err_column(change->rel,
								column->companions[FFU_COMPANION_FILE_NAME],
								FFU_CONSTRAINT_CONTENT)));
	set_name(change, name);
}

/*
 * Set the path of a file, and fill the companions.
 */
static void
set_file(RowChange *change, const FfuFile *file)
{
	const AttrNumber *companions = change->column->companions;
	const FfuAssignment *assignment = ffu_file_assignment(file);
	const FfuFacts *facts = ffu_file_facts(file);

	set_text(change, change->column->attnum, ffu_file_path(file));
	if (assignment->name == NULL)
	{
		keep_file(change);
		return;
	}
	set_name(change, assignment->name);
	set_text(change, companions[FFU_COMPANION_MIME_TYPE],
			 facts->mime->mime_type);
	set_text(change, companions[FFU_COMPANION_EXT],
			 *assignment->ext ? assignment->ext : NULL);
	set_size(change, companions[FFU_COMPANION_SIZE], facts->size);
	set_text(change, companions[FFU_COMPANION_SHA256], facts->sha256);
}

/*
 * Raise 55000 if new files of a column go into the bucket, and this database
 * has no bucket.
 */
static void
require_bucket(const RowChange *change)
{
	if (!change->column->to_bucket || ffu_both_has_bucket(ffu_root_use()))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("this database has no bucket"),
			 errdetail("New files of the column go into the bucket."),
			 errhint("Call ffu.use_bucket, or ffu.alter_column with store => 'folder'."),
			 ffu_err_column(change->rel, change->column->attnum,
							FFU_CONSTRAINT_FILE)));
}

/*
 * Choose the path of a file for this row.  The caller has set name and
 * extension of the assignment.
 */
static void
link_file(RowChange *change, FfuFile *file, FfuAssignment *assignment)
{
	assignment->table = change->column->top;
	assignment->key = change->column->key;
	/* Bytes that are in the bucket already stay there. */
	assignment->to_bucket = change->column->to_bucket &&
		(ffu_setting_move_after < 0 || ffu_file_staged(file)->remote != NULL);
	assignment->move_later = change->column->to_bucket &&
		!assignment->to_bucket;
	require_bucket(change);
	ffu_pending_link(file, ffu_column_path(change->rel, change->column,
										   change->new, assignment->ext),
					 assignment);
	FFU_FAULT("link-after-choose");
}

/*
 * Tell whether a value is this prefix and the path in the row.
 */
static bool
is_own_path(const char *value, const char *prefix, const char *old)
{
	size_t		len = strlen(prefix);

	return old && strncmp(value, prefix, len) == 0 &&
		strcmp(value + len, old) == 0;
}

/*
 * Tell whether a value asks for a new path for the file of the row.
 */
static bool
is_relocation(const char *value, const char *old)
{
	return is_own_path(value, FFU_COPY_PREFIX, old) &&
		ffu_path_valid(old, strlen(old)) &&
		ffu_pending_by_path(old) == NULL;
}

/*
 * Give the file of the row a new path.  The row keeps its companions.  A path
 * that was not made for the row may be of another row's private file: raise
 * 42501 if the file would become public, or if the row never had the file.
 */
static void
relocate_file(RowChange *change, const char *path)
{
	const FfuColumn *column = change->column;
	FfuAssignment assignment = {.name = NULL};
	FfuFile    *file;

	ffu_upload_prevent("UPDATE of a file column");
	ffu_sweep_first_use();
	if ((!column->is_private || column->top == copying) &&
		!ffu_column_proves(change->rel, column, change->old, path))
		ffu_value_require_right(path);
	file = ffu_value_relocate(change->rel, column, path);
	strlcpy(assignment.ext, ffu_file_facts(file)->ext, sizeof(assignment.ext));
	link_file(change, file, &assignment);
	set_file(change, file);
}

/*
 * Detach the path from the row: the file stays, unless the file is already
 * going.  The note becomes a mark once the row has been written.
 */
static void
detach_file(RowChange *change, const char *path)
{
	if (!ffu_deletion_goes(path))
		ffu_dooms_wish(path);
	set_no_file(change);
}

/*
 * Raise 55000 if the row is to keep a path, without the file, that was not
 * made for the row.  A verification would take the row for another row with
 * the file.
 */
static void
require_proof(RowChange *change, const char *path)
{
	if (ffu_column_proves(change->rel, change->column, change->old, path))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("file cannot go while its row keeps the path"),
			 errdetail("The path \"%s\" was not made for this row, or the table, the column or the key has changed since.",
					   ffu_shown(path, strlen(path))),
			 errhint("Give the row a new path first: assign 'copy:' and the path."),
			 ffu_err_column(change->rel, change->column->attnum,
							FFU_CONSTRAINT_FILE)));
}

/*
 * Doom the file, and let the row keep the path.  No AFTER trigger would fire,
 * since the path does not change.
 */
static void
dangle_file(RowChange *change, const char *path)
{
	if (!ffu_deletion_goes(path))
	{
		ffu_sweep_first_use();
		require_proof(change, path);
		ffu_deletion_doom(path, true, RelationGetRelid(change->rel));
		ffu_deletion_mark(path, FFU_STATE_DANGLING,
						  RelationGetRelid(change->rel));
	}
	set_text(change, change->column->attnum, path);
	keep_file(change);
}

/*
 * Do step 2 for a new value.
 */
static void
assign_file(RowChange *change, const char *value)
{
	FfuAssignment assignment = {.name = NULL};
	FfuFile    *file;

	ffu_upload_prevent("INSERT or UPDATE of a file column");
	ffu_sweep_first_use();
	file = ffu_value_resolve(change->rel, change->column, value,
							 strlen(value), change->old == NULL);
	if (ffu_file_life(file) == FFU_LIFE_WHOLE)
	{
		choose_name(change, file, &assignment);
		ffu_policy_check(change->rel, change->column, ffu_file_facts(file),
						 assignment.ext);
		link_file(change, file, &assignment);
	}
	else if (!ffu_column_proves(change->rel, change->column, change->new,
								ffu_file_path(file)))
	{
		/* ON CONFLICT: the path was made for the proposed row. */
		(void) ffu_pending_relink(file,
								  ffu_column_path(change->rel, change->column,
												  change->new,
												  ffu_file_assignment(file)->ext));
	}
	set_file(change, file);
}

/*
 * Tell whether a path in an inserted row is stored unchanged, with the
 * companions as sent.  Only ffu.restore does so, and never for a path that
 * this transaction made or let go: such a path is copied as always.
 */
static bool
is_restored(const char *path)
{
	return ffu_setting_restore && ffu_path_valid(path, strlen(path)) &&
		ffu_pending_by_path(path) == NULL && !ffu_deletion_is_ours(path);
}

/*
 * Accept the row of a dump.  Raise 23503 if the file is about to be removed
 * because another row let the file go.
 */
static void
restore_file(Relation rel, const FfuColumn *column, const char *path)
{
	if (ffu_deletion_admits_restore(path))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("file of a restored row is going to be removed"),
			 errdetail("A row that had the path \"%s\" was deleted, and its file is not removed yet.",
					   ffu_shown(path, strlen(path))),
			 errhint("Run ffu.sweep() until ffu.pending_deletions is empty, put the files back from the backup, and restore again."),
			 ffu_err_column(rel, column->attnum, FFU_CONSTRAINT_FILE)));
}

/*
 * ffu.before_row(): BEFORE INSERT OR UPDATE, FOR EACH ROW.
 */
Datum
ffu_sql_before_row(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_data(fcinfo, "before_row", true, true, false);
	Relation	rel = data->tg_relation;
	int			natts = RelationGetDescr(rel)->natts;
	RowChange	change = {.rel = rel};
	char	   *value;
	char	   *old = NULL;

	change.column = ffu_column_find(rel, data->tg_trigger->tgargs[0]);
	change.new = data->tg_trigtuple;
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
	{
		change.old = data->tg_trigtuple;
		change.new = data->tg_newtuple;
		old = get_text(rel, change.old, change.column->attnum);
	}
	change.values = palloc0(natts * sizeof(Datum));
	change.isnull = palloc0(natts * sizeof(bool));
	change.replace = palloc0(natts * sizeof(bool));

	value = get_text(rel, change.new, change.column->attnum);
	if (value == NULL || *value == '\0')
		set_no_file(&change);
	else if (old && strcmp(old, value) == 0)
		keep_file(&change);
	else if (is_relocation(value, old))
		relocate_file(&change, old);
	else if (is_own_path(value, FFU_DETACH_PREFIX, old))
		detach_file(&change, old);
	else if (is_own_path(value, FFU_DANGLE_PREFIX, old))
		dangle_file(&change, old);
	else if (change.old == NULL && is_restored(value) &&
			 ffu_statement_is_insert())
		restore_file(rel, change.column, value);
	else
		assign_file(&change, value);
	return PointerGetDatum(heap_modify_tuple(change.new, RelationGetDescr(rel),
											 change.values, change.isnull,
											 change.replace));
}

/*
 * Own the new path of a row (step 3).  Only a path that the BEFORE trigger
 * chose for a row is allowed.
 */
static void
own_path(Relation rel, const FfuColumn *column, const char *path)
{
	FfuFile    *file = ffu_pending_by_path(path);
	bool		owned = file == NULL || ffu_file_was_owned(file);

	/*
	 * An AFTER trigger of the user that ran before may have replaced or
	 * deleted the row, and so doomed the path.
	 */
	if (!owned && ffu_file_life(file) == FFU_LIFE_DOOMED)
		return;
	if (owned)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("file column was changed after ffu had chosen its value"),
				 errdetail("The value is now \"%s\".",
						   ffu_shown(path, strlen(path))),
				 errhint("Change a file column only in BEFORE triggers whose names sort before \"zz_ffu_\"."),
				 errtablecol(rel, column->attnum)));
	ffu_pending_own(file);
	ffu_usage_stored(RelationGetRelid(rel), file);
	FFU_FAULT("own-after-mark");
}

/*
 * Does this row of a restore have an AFTER trigger but no BEFORE trigger yet?
 * A parallel pg_restore makes the triggers of a partitioned table while it
 * loads the partitions.
 */
static bool
is_half_restored(const TriggerData *data)
{
	return ffu_setting_restore && TRIGGER_FIRED_BY_INSERT(data->tg_event) &&
		ffu_column_find_declared(data->tg_relation,
								 data->tg_trigger->tgargs[0]) == NULL;
}

/*
 * ffu.after_row(): AFTER INSERT, UPDATE or DELETE, FOR EACH ROW.
 */
Datum
ffu_sql_after_row(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_data(fcinfo, "after_row", true, false, true);
	Relation	rel = data->tg_relation;
	const FfuColumn *column;
	char	   *old = NULL;
	char	   *new = NULL;

	if (is_half_restored(data))
		return PointerGetDatum(NULL);
	column = ffu_column_find(rel, data->tg_trigger->tgargs[0]);
	if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
		new = get_text(rel, data->tg_trigtuple, column->attnum);
	else
		old = get_text(rel, data->tg_trigtuple, column->attnum);
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		new = get_text(rel, data->tg_newtuple, column->attnum);

	if (old && new && strcmp(old, new) == 0)
		return PointerGetDatum(NULL);
	if (new && TRIGGER_FIRED_BY_INSERT(data->tg_event) && is_restored(new))
		ffu_usage_restored(RelationGetRelid(rel), new);
	else if (new)
		own_path(rel, column, new);
	if (old && column->top != copying)
	{
		ffu_sweep_first_use();
		if (ffu_dooms_take_wish(old))
			ffu_deletion_mark(old, FFU_STATE_DETACHED, RelationGetRelid(rel));
		else
			ffu_deletion_doom(old, ffu_column_proves(rel, column,
													 data->tg_trigtuple, old),
							  RelationGetRelid(rel));
	}
	if (new)
		ffu_quota_check();
	return PointerGetDatum(NULL);
}

/*
 * ffu.before_truncate(): BEFORE TRUNCATE, FOR EACH STATEMENT.
 */
Datum
ffu_sql_before_truncate(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_data(fcinfo, "before_truncate", false, true, false);
	const FfuColumn *column;
	Form_pg_attribute attr;
	FfuLost		lost;

	column = ffu_column_find(data->tg_relation, data->tg_trigger->tgargs[0]);
	lost.owner = data->tg_relation->rd_rel->relowner;
	lost.table = RelationGetRelationName(data->tg_relation);
	lost.column = column->key;
	attr = TupleDescAttr(RelationGetDescr(data->tg_relation), column->attnum - 1);
	lost.name = NameStr(attr->attname);
	lost.type = attr->atttypid;
	lost.since = GetCurrentCommandId(false);
	ffu_scan_doom(data->tg_relation, column);
	ffu_copies_refuse(list_make1(&lost));
	return PointerGetDatum(NULL);
}

/*
 * Run an UPDATE that gives each value of a column a new path.  The UPDATE runs
 * with the rights of the table's owner, because the owner's triggers and
 * expressions run.  Row-level security must not hide any row.
 */
static void
copy_values(Relation rel, const char *column)
{
	const char *name = quote_identifier(column);
	char	   *command;

	command = psprintf("UPDATE %s SET %s = '" FFU_COPY_PREFIX "' || %s"
					   " WHERE %s OPERATOR(pg_catalog.<>) ''",
					   quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												  RelationGetRelationName(rel)),
					   name, name, name);
	ffu_query_run_as_owner(RelationGetRelid(rel), "row_security", "off", command);
}

/*
 * ffu._copy_values(relation regclass, column_name name): give each row of a
 * table with a newly declared file column a copy of the file that the value
 * names.  The row did not own the old file, so the old file is not let go.
 * The caller must own the table, and holds a lock against writers.
 */
Datum
ffu_sql_copy_values(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	Relation	rel;

	if (!pg_class_ownercheck(relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relid));
	rel = table_open(relid, ShareRowExclusiveLock);
	copying = relid;
	PG_TRY();
	{
		copy_values(rel, NameStr(*PG_GETARG_NAME(1)));
	}
	PG_FINALLY();
	{
		copying = InvalidOid;
	}
	PG_END_TRY();
	table_close(rel, NoLock);
	PG_RETURN_VOID();
}
