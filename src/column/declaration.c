/*-------------------------------------------------------------------------
 *
 * declaration.c
 *	  Reads the triggers that declare file columns.
 *
 * A declaration is a trigger of ffu.before_row() with two arguments, the key
 * and the policy, and a column list.  A role that may create such triggers can
 * write anything into the arguments.  So an invalid declaration is no error
 * here.  The declaration gets a complaint, which ffu.check() reports and which
 * the triggers of the column raise.  Other columns are not affected.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/error.h"
#include "base/settings.h"
#include "column/declaration.h"
#include "text/path.h"
#include "text/template.h"

FFU_FUNCTION(ffu_sql_policy);
FFU_FUNCTION(ffu_sql_complaint);
FFU_FUNCTION(ffu_sql_trigger_arguments);

static void refuse_policy(const char *why) pg_attribute_noreturn();

/* Maximum length and depth of a policy */
#define POLICY_MAX			(1024 * 1024)
#define POLICY_DEPTH		8

static const char *const companion_names[FFU_COMPANIONS] = {
	"file_name", "mime_type", "ext", "size", "sha256"
};

/*
 * Raise an error that try_read_column turns into a complaint.
 */
static void
refuse_policy(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
			 errmsg("trigger of a file column is not valid"),
			 errdetail_internal("%s", why)));
}

/*
 * Return the member of a policy with this name, or NULL if the member is
 * missing or null.
 */
static JsonbValue *
policy_member(Jsonb *policy, const char *name)
{
	JsonbValue *value = getKeyJsonValueFromContainer(&policy->root, name,
													 strlen(name), NULL);

	return value && value->type != jbvNull ? value : NULL;
}

/*
 * Read a list of strings from a policy.
 */
static void
read_words(Jsonb *policy, const char *name, FfuWords *words)
{
	JsonbValue *value = policy_member(policy, name);
	uint32		n;
	uint32		i;

	if (value == NULL)
		return;
	if (value->type != jbvBinary ||
		!JsonContainerIsArray(value->val.binary.data))
		refuse_policy(psprintf("\"%s\" is not a list.", name));
	n = JsonContainerSize(value->val.binary.data);
	words->given = true;
	words->words = palloc(Max(n, 1) * sizeof(char *));
	for (i = 0; i < n; i++)
	{
		JsonbValue *word = getIthJsonbValueFromContainer(value->val.binary.data,
														 i);

		if (word->type != jbvString)
			refuse_policy(psprintf("\"%s\" has an element that is not a string.",
								   name));
		words->words[words->n++] = pnstrdup(word->val.string.val,
											word->val.string.len);
	}
}

/*
 * Return the type of a column, or InvalidOid if there is no such column.  With
 * base, return the base type of a domain.
 */
static Oid
column_type(Oid relid, AttrNumber attnum, bool base)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid),
										Int16GetDatum(attnum));
	Oid			type = InvalidOid;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	if (attnum > 0 && !((Form_pg_attribute) GETSTRUCT(tuple))->attisdropped)
		type = ((Form_pg_attribute) GETSTRUCT(tuple))->atttypid;
	ReleaseSysCache(tuple);
	return base && OidIsValid(type) ? getBaseType(type) : type;
}

/*
 * Tell whether a column can hold the companion.
 */
static bool
is_companion_type(Oid relid, AttrNumber attnum, FfuCompanion companion)
{
	Oid			type = column_type(relid, attnum,
								   companion != FFU_COMPANION_SIZE);

	return companion == FFU_COMPANION_SIZE ? type == INT8OID :
		type == TEXTOID || type == VARCHAROID;
}

/*
 * Map the companions.  The policy lists the companions that follow the column
 * itself in the trigger's column list.
 */
static void
map_companions(Oid relid, FfuColumn *column, const int2vector *attnums,
			   Jsonb *policy)
{
	FfuWords	listed = {0};
	int			i;
	int			j;

	read_words(policy, "companions", &listed);
	if (!listed.given || listed.n != attnums->dim1 - 1)
		refuse_policy("Its column list does not have the companions that its policy lists.");
	for (i = 0; i < listed.n; i++)
	{
		for (j = 0; j < FFU_COMPANIONS; j++)
		{
			if (strcmp(listed.words[i], companion_names[j]) == 0)
				break;
		}
		if (j == FFU_COMPANIONS)
			refuse_policy(psprintf("There is no companion \"%s\".",
								   ffu_shown(listed.words[i],
											 strlen(listed.words[i]))));
		if (column->companions[j] != InvalidAttrNumber)
			refuse_policy(psprintf("Its policy lists companion \"%s\" twice.",
								   listed.words[i]));
		if (!is_companion_type(relid, attnums->values[i + 1],
							   (FfuCompanion) j))
			refuse_policy(psprintf("The column for companion \"%s\" has another type.",
								   listed.words[i]));
		column->companions[j] = attnums->values[i + 1];
	}
}

/*
 * Tell whether a policy is short and flat enough for the JSON parser, which
 * recurses.  A valid policy is an object of lists.
 */
static bool
is_bounded(const char *policy)
{
	bool		quoted = false;
	int			depth = 0;
	const char *p;

	if (strlen(policy) > POLICY_MAX)
		return false;
	for (p = policy; *p; p++)
	{
		if (*p == '"')
			quoted = !quoted;
		else if (quoted)
			p += (*p == '\\' && p[1] != '\0');
		else if (*p == '[' || *p == '{')
			depth++;
		else if (*p == ']' || *p == '}')
			depth--;
		if (depth > POLICY_DEPTH)
			return false;
	}
	return true;
}

/*
 * Read the item "content_check" of a policy: a FfuContentCheck, or -1 if the
 * setting decides.
 */
static int
read_content_check(Jsonb *policy)
{
	JsonbValue *value = policy_member(policy, "content_check");
	int			check = -1;

	if (value == NULL)
		return -1;
	if (value->type == jbvString)
		check = ffu_setting_content_check_value(pnstrdup(value->val.string.val,
														 value->val.string.len));
	if (check < 0)
		refuse_policy("\"content_check\" is not error, warning or off.");
	return check;
}

/*
 * Read the item "max_size" of a policy: a number of bytes, or -1 if there is
 * none.  The number must be written without a fraction, since ffu.columns
 * reads the policy too.
 */
static int64
read_max_size(Jsonb *policy)
{
	JsonbValue *value = policy_member(policy, "max_size");
	const char *digits;
	int64		size;

	if (value == NULL)
		return -1;
	if (value->type != jbvNumeric)
		refuse_policy("\"max_size\" is not a number.");
	digits = DatumGetCString(DirectFunctionCall1(numeric_out,
												 NumericGetDatum(value->val.numeric)));
	if (digits[strspn(digits, "-0123456789")] != '\0')
		refuse_policy("\"max_size\" is not a whole number.");
	size = DatumGetInt64(DirectFunctionCall1(numeric_int8,
											 NumericGetDatum(value->val.numeric)));
	if (size <= 0)
		refuse_policy("\"max_size\" is not greater than zero.");
	return size;
}

/*
 * Read the items "private" and "path_template" of a policy.
 */
static void
read_template(FfuColumn *column, Jsonb *policy)
{
	JsonbValue *value = policy_member(policy, "private");
	const char *path_template = FFU_TEMPLATE_DEFAULT;
	const char *complaint;

	if (value && value->type != jbvBool)
		refuse_policy("\"private\" is not a boolean.");
	column->is_private = value && value->val.boolean;
	value = policy_member(policy, "path_template");
	if (value && value->type != jbvString)
		refuse_policy("\"path_template\" is not a string.");
	if (value)
		path_template = pnstrdup(value->val.string.val, value->val.string.len);
	complaint = ffu_template_complaint(path_template, column->is_private);
	if (complaint)
		refuse_policy(complaint);
	column->path_template = ffu_template_full(path_template,
											  column->is_private);
}

/*
 * Read the item "store" of a policy: tell whether new files go into the bucket.
 */
static bool
read_store(Jsonb *policy)
{
	JsonbValue *value = policy_member(policy, "store");
	const char *name;

	if (value == NULL)
		return false;
	name = value->type != jbvString ? "" :
		pnstrdup(value->val.string.val, value->val.string.len);
	if (strcmp(name, "folder") != 0 && strcmp(name, "bucket") != 0)
		refuse_policy("\"store\" is not folder or bucket.");
	return strcmp(name, "bucket") == 0;
}

/*
 * Read the items of a policy, which must be a JSON object, into a column.  Raise
 * an error if an item is not valid.
 */
void
ffu_declaration_read_policy(FfuColumn *column, Jsonb *policy)
{

	read_words(policy, "allowed_extensions",
			   &column->allowed_extensions);
	read_words(policy, "allowed_mime_types",
			   &column->allowed_mime_types);
	column->max_size = read_max_size(policy);
	column->content_check = read_content_check(policy);
	column->to_bucket = read_store(policy);
	read_template(column, policy);
}

/*
 * Read a column from the trigger that declares the column.  Raise an error of
 * class 22 or 42P17 if the declaration is not valid.
 */
static void
read_column(FfuColumn *column, Form_pg_trigger form)
{
	Oid			type;
	Jsonb	   *policy;

	if (column->key[0] == '\0' || strlen(column->key) >= NAMEDATALEN)
		refuse_policy("Its key is not a name.");
	if (form->tgtype != (TRIGGER_TYPE_ROW | TRIGGER_TYPE_BEFORE |
						 TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE))
		refuse_policy("It does not fire BEFORE INSERT OR UPDATE, FOR EACH ROW.");
	if (column->attnum == InvalidAttrNumber)
		refuse_policy("It has no column list.");
	type = column_type(form->tgrelid, column->attnum, true);
	if (type != TEXTOID && type != VARCHAROID)
		refuse_policy("The column does not have a string type.");
	if (!is_bounded(column->policy))
		refuse_policy("Its policy is too long or nested too deeply.");
	policy = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
												CStringGetDatum(column->policy)));
	if (!JB_ROOT_IS_OBJECT(policy))
		refuse_policy("Its policy is not an object.");
	map_companions(form->tgrelid, column, &form->tgattr, policy);
	ffu_declaration_read_policy(column, policy);
}

/*
 * Call read_column, but set column->complaint instead of raising an error.
 * read_column only computes and reads system caches, so there is nothing to
 * roll back.
 */
static void
try_read_column(FfuColumn *column, Form_pg_trigger form)
{
	MemoryContext old = CurrentMemoryContext;

	PG_TRY();
	{
		read_column(column, form);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(old);
		error = CopyErrorData();
		if (error->sqlerrcode != ERRCODE_INVALID_OBJECT_DEFINITION &&
			ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_DATA_EXCEPTION)
			PG_RE_THROW();
		FlushErrorState();
		column->complaint =
			error->sqlerrcode == ERRCODE_INVALID_OBJECT_DEFINITION ?
			error->detail : psprintf("Its policy is not valid: %s.",
									 error->message);
	}
	PG_END_TRY();
}

/*
 * Return the arguments of a trigger as a list of palloc'd strings; NIL for no
 * arguments.
 */
List *
ffu_trigger_words(Relation pg_trigger, HeapTuple tuple)
{
	bool		isnull;
	Datum		args = heap_getattr(tuple, Anum_pg_trigger_tgargs,
									RelationGetDescr(pg_trigger), &isnull);
	int			n = ((Form_pg_trigger) GETSTRUCT(tuple))->tgnargs;
	List	   *words = NIL;
	const char *arg;

	if (isnull || n == 0)
		return NIL;
	for (arg = VARDATA_ANY(DatumGetByteaPP(args)); n > 0; n--)
	{
		words = lappend(words, pstrdup(arg));
		arg += strlen(arg) + 1;
	}
	return words;
}

/*
 * Read the declaration of a trigger.  Return NULL if the trigger declares
 * nothing.  before are the declarations of earlier triggers: a second
 * declaration of the same key or column gets a complaint.
 */
static FfuColumn *
read_trigger(Relation pg_trigger, HeapTuple tuple, List *before)
{
	Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
	FfuColumn  *column;
	List	   *words;
	ListCell   *lc;

	if (form->tgfoid != ffu_catalog_function("before_row") || form->tgnargs != 2)
		return NULL;
	words = ffu_trigger_words(pg_trigger, tuple);
	column = palloc0(sizeof(FfuColumn));
	column->trigger = form->oid;
	column->trigger_name = pstrdup(NameStr(form->tgname));
	column->key = linitial(words);
	column->policy = lsecond(words);
	column->attnum = form->tgattr.dim1 > 0 ? form->tgattr.values[0] :
		InvalidAttrNumber;
	try_read_column(column, form);
	foreach(lc, before)
	{
		const FfuColumn *other = lfirst(lc);

		if (other->complaint == NULL && column->complaint == NULL &&
			(other->attnum == column->attnum ||
			 strcmp(other->key, column->key) == 0))
			column->complaint = pstrdup("Another trigger declares the same column.");
	}
	return column;
}

/*
 * Return the declarations of a table's triggers, valid or not: a list of
 * FfuColumn, in the order of the triggers' names, in the current memory
 * context.  Read only the catalog, and take no lock on the table.
 */
List *
ffu_declarations(Oid relid)
{
	Relation	pg_trigger = table_open(TriggerRelationId, AccessShareLock);
	List	   *columns = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(pg_trigger, TriggerRelidNameIndexId, true, NULL,
							  1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		FfuColumn  *column = read_trigger(pg_trigger, tuple, columns);

		if (column)
			columns = lappend(columns, column);
	}
	systable_endscan(scan);
	table_close(pg_trigger, AccessShareLock);
	return columns;
}

/*
 * Return the valid declaration with this key, or else an invalid one, or NULL.
 */
const FfuColumn *
ffu_declaration_of_key(List *columns, const char *key)
{
	const FfuColumn *found = NULL;
	ListCell   *lc;

	foreach(lc, columns)
	{
		const FfuColumn *column = lfirst(lc);

		if (strcmp(column->key, key) == 0 &&
			(found == NULL || column->complaint == NULL))
			found = column;
	}
	return found;
}

/*
 * Look up the table and the function of a trigger.  Set both to InvalidOid if
 * there is no such trigger.
 */
static void
look_up_trigger(Oid oid, Oid *relid, Oid *function)
{
	Relation	pg_trigger = table_open(TriggerRelationId, AccessShareLock);
	HeapTuple	tuple = get_catalog_object_by_oid(pg_trigger,
												  Anum_pg_trigger_oid, oid);

	*relid = *function = InvalidOid;
	if (HeapTupleIsValid(tuple))
	{
		*relid = ((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid;
		*function = ((Form_pg_trigger) GETSTRUCT(tuple))->tgfoid;
	}
	table_close(pg_trigger, AccessShareLock);
}

/*
 * Return the function of a trigger, or InvalidOid if there is no such trigger.
 */
Oid
ffu_trigger_function(Oid trigger)
{
	Oid			relid;
	Oid			function;

	look_up_trigger(trigger, &relid, &function);
	return function;
}

/*
 * Return the declaration of the trigger with this oid, or NULL if the trigger
 * declares nothing.
 */
static const FfuColumn *
find_trigger(Oid oid)
{
	Oid			relid;
	Oid			function;
	ListCell   *lc;

	look_up_trigger(oid, &relid, &function);
	foreach(lc, OidIsValid(relid) ? ffu_declarations(relid) : NIL)
	{
		if (((FfuColumn *) lfirst(lc))->trigger == oid)
			return lfirst(lc);
	}
	return NULL;
}

/*
 * ffu._policy(trigger oid) RETURNS jsonb: return the policy of the file column
 * that a trigger declares, or NULL if there is no valid declaration.
 */
Datum
ffu_sql_policy(PG_FUNCTION_ARGS)
{
	const FfuColumn *column = find_trigger(PG_GETARG_OID(0));

	if (column == NULL || column->complaint != NULL)
		PG_RETURN_NULL();
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(column->policy));
}

/*
 * ffu._complaint(trigger oid) RETURNS text: return the fault of a declaration,
 * as a sentence.  Return NULL if the declaration is valid, or if the trigger
 * declares nothing.
 */
Datum
ffu_sql_complaint(PG_FUNCTION_ARGS)
{
	const FfuColumn *column = find_trigger(PG_GETARG_OID(0));

	if (column == NULL || column->complaint == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(column->complaint));
}

/*
 * ffu.trigger_arguments(trigger oid) RETURNS text[]: return the arguments of a
 * trigger, which pg_trigger stores as bytes.  Return NULL if there is no such
 * trigger.
 */
Datum
ffu_sql_trigger_arguments(PG_FUNCTION_ARGS)
{
	Relation	pg_trigger = table_open(TriggerRelationId, AccessShareLock);
	HeapTuple	tuple = get_catalog_object_by_oid(pg_trigger,
												  Anum_pg_trigger_oid,
												  PG_GETARG_OID(0));
	ArrayBuildState *result = NULL;
	ListCell   *lc;

	if (HeapTupleIsValid(tuple))
	{
		result = initArrayResult(TEXTOID, CurrentMemoryContext, false);
		foreach(lc, ffu_trigger_words(pg_trigger, tuple))
			accumArrayResult(result, CStringGetTextDatum(lfirst(lc)), false,
							 TEXTOID, CurrentMemoryContext);
	}
	table_close(pg_trigger, AccessShareLock);
	if (result == NULL)
		PG_RETURN_NULL();
	return makeArrayResult(result, CurrentMemoryContext);
}

/*
 * Return the valid declaration of the column with this name, or NULL.
 */
const FfuColumn *
ffu_declaration_of_name(Oid relid, const char *name)
{
	AttrNumber	attnum = get_attnum(relid, name);
	ListCell   *lc;

	foreach(lc, ffu_declarations(relid))
	{
		const FfuColumn *column = lfirst(lc);

		if (column->complaint == NULL && column->attnum == attnum)
			return column;
	}
	return NULL;
}

/*
 * Return the command that drops a file column, with or without companions,
 * palloc'd.
 */
char *
ffu_declaration_drop_command(Oid relid, const FfuColumn *column,
							 bool companions)
{
	StringInfoData buf;
	int			i;

	initStringInfo(&buf);
	/* CASCADE drops the row triggers. */
	appendStringInfo(&buf, "ALTER TABLE %s DROP COLUMN %s CASCADE",
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
												get_rel_name(relid)),
					 quote_identifier(get_attname(relid, column->attnum,
												  false)));
	for (i = 0; companions && i < FFU_COMPANIONS; i++)
	{
		if (column->companions[i] != InvalidAttrNumber)
			appendStringInfo(&buf, ", DROP COLUMN %s",
							 quote_identifier(get_attname(relid,
														  column->companions[i],
														  false)));
	}
	return buf.data;
}
