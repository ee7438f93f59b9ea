/*-------------------------------------------------------------------------
 *
 * guard.c
 *	  The trigger of ffu.adopt, which guards an adopted column.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/catalog.h"
#include "base/error.h"
#include "base/settings.h"
#include "column/column.h"

FFU_FUNCTION(ffu_sql_refuse_companions);

static void refuse_companion(const TriggerData *data, const FfuColumn *column, AttrNumber attnum, const char *value) pg_attribute_noreturn();

/*
 * Tell whether the table has a file column with this key.
 */
static bool
has_file_column(Relation rel, const char *key)
{
	Oid			function = ffu_catalog_function("before_row");
	int			i;

	for (i = 0; i < rel->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &rel->trigdesc->triggers[i];

		if (trigger->tgfoid == function && trigger->tgnargs == 2 &&
			strcmp(trigger->tgargs[0], key) == 0)
			return true;
	}
	return false;
}

/*
 * Return a string column of a row, palloc'd.  NULL and a missing row give "".
 */
static char *
get_string(Relation rel, HeapTuple tuple, AttrNumber attnum)
{
	bool		isnull = true;
	Datum		value = 0;

	if (tuple)
		value = heap_getattr(tuple, attnum, RelationGetDescr(rel), &isnull);
	return isnull ? pstrdup("") : TextDatumGetCString(value);
}

/*
 * Refuse a companion that a statement writes without a file.
 */
static void
refuse_companion(const TriggerData *data, const FfuColumn *column,
				 AttrNumber attnum, const char *value)
{
	Relation	rel = data->tg_relation;
	TupleDesc	desc = RelationGetDescr(rel);
	const char *name = NameStr(TupleDescAttr(desc, attnum - 1)->attname);
	const char *file = NameStr(TupleDescAttr(desc,
											 column->attnum - 1)->attname);

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("column \"%s\" cannot be written without a file in column \"%s\"",
					name, file),
			 errdetail("Its value would be \"%s\". Only flask-file-upload writes this column by itself, and its files are not in the database.",
					   ffu_shown(value, strlen(value))),
			 errhint("Let the application import flask_ffu instead of flask_file_upload. If flask-file-upload writes to this table no more, DROP TRIGGER %s ON %s allows this.",
					 quote_identifier(data->tg_trigger->tgname),
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												RelationGetRelationName(rel))),
			 errtablecol(rel, attnum)));
}

/*
 * ffu.refuse_companions(): BEFORE INSERT OR UPDATE, FOR EACH ROW, on an
 * adopted table.  The argument is the key of the file column.  An application
 * that still uses flask-file-upload writes companions without a file, and must
 * not continue unnoticed.  Without the file column the trigger does nothing.
 */
Datum
ffu_sql_refuse_companions(PG_FUNCTION_ARGS)
{
	static const FfuCompanion guarded[] = {
		FFU_COMPANION_FILE_NAME, FFU_COMPANION_MIME_TYPE, FFU_COMPANION_EXT
	};
	TriggerData *data = (TriggerData *) fcinfo->context;
	const FfuColumn *column;
	HeapTuple	old = NULL;
	HeapTuple	new;
	int			i;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		!TRIGGER_FIRED_BEFORE(data->tg_event) ||
		TRIGGER_FIRED_BY_DELETE(data->tg_event) ||
		data->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"ffu.refuse_companions\" was not called by a trigger of ffu.adopt"),
				 errhint("Only ffu.adopt makes its triggers.")));
	new = data->tg_trigtuple;
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
	{
		old = data->tg_trigtuple;
		new = data->tg_newtuple;
	}
	if (ffu_setting_restore ||
		!has_file_column(data->tg_relation, data->tg_trigger->tgargs[0]))
		return PointerGetDatum(new);
	column = ffu_column_find(data->tg_relation, data->tg_trigger->tgargs[0]);
	if (strcmp(get_string(data->tg_relation, new, column->attnum),
			   get_string(data->tg_relation, old, column->attnum)) != 0)
		return PointerGetDatum(new);
	for (i = 0; i < lengthof(guarded); i++)
	{
		AttrNumber	attnum = column->companions[guarded[i]];
		char	   *value;

		if (attnum == InvalidAttrNumber)
			continue;
		value = get_string(data->tg_relation, new, attnum);
		if (strcmp(value, get_string(data->tg_relation, old, attnum)) != 0)
			refuse_companion(data, column, attnum, value);
	}
	return PointerGetDatum(new);
}
