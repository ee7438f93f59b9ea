/*-------------------------------------------------------------------------
 *
 * column.c
 *	  The file columns of a table, as declared by the table's triggers.
 *
 * There is no catalog of file columns: the triggers are the declaration.  The
 * column list of the BEFORE trigger is the mapping, by attribute number: first
 * the column, then the companions that the policy argument lists.  So renames,
 * dumps and partitions need no bookkeeping.  All triggers of a column have the
 * same key as first argument.
 *
 *	ffu.before_row('my_video', '{"companions": ["file_name", ...],
 *		"allowed_extensions": ["mp4"], "allowed_mime_types": ["video/mp4"],
 *		"max_size": 1000000, "path_template": "...",
 *		"content_check": "warning", "private": true}')
 *
 * declaration.c reads the triggers.  column.c caches the result until the
 * relcache entry of the table changes.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/settings.h"
#include "column/column.h"
#include "column/former.h"
#include "column/proof.h"
#include "text/mime.h"
#include "text/path.h"
#include "text/template.h"

/* The columns of one table */
typedef struct TableEntry
{
	Oid			relid;			/* key */
	bool		valid;
	bool		reading;		/* cleared by an invalidation during a read */
	bool		top;			/* partitions with an entry have its name */
	MemoryContext context;		/* holds columns */
	List	   *columns;		/* of FfuColumn */
} TableEntry;

static HTAB *tables = NULL;

/*
 * Relcache callback: mark the entry of a table (or all entries, for
 * InvalidOid) as invalid.  The next lookup discards the entry, which may be in
 * use now.  Partitions have the name of their topmost table, and renaming that
 * table invalidates no partition.  Raise no error.
 */
static void
invalidate(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS seq;
	TableEntry *entry;

	if (OidIsValid(relid))
	{
		entry = hash_search(tables, &relid, HASH_FIND, NULL);
		if (entry)
			entry->valid = entry->reading = false;
		if (entry == NULL || !entry->top)
			return;
	}
	hash_seq_init(&seq, tables);
	while ((entry = hash_seq_search(&seq)) != NULL)
		entry->valid = entry->reading = false;
}

/*
 * Syscache callback: mark all entries as invalid.  A schema may have another
 * name, which invalidates no table.  Raise no error.
 */
static void
invalidate_schemas(Datum arg, int cacheid, uint32 hash)
{
	invalidate(arg, InvalidOid);
}

/*
 * Make the cache.  Called once in a backend.
 */
void
ffu_column_init(void)
{
	HASHCTL		ctl;

	memset(&ctl, 0, sizeof(ctl));
	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(TableEntry);
	tables = hash_create("ffu tables", 16, &ctl, HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(invalidate, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, invalidate_schemas, (Datum) 0);
}

/*
 * Return the cache entry of a table, made if there is none.
 */
static TableEntry *
get_entry(Oid relid)
{
	bool		found;
	TableEntry *entry = hash_search(tables, &relid, HASH_ENTER, &found);

	if (!found)
	{
		entry->valid = entry->reading = entry->top = false;
		entry->context = NULL;
		entry->columns = NIL;
	}
	return entry;
}

/*
 * Tell whether a column holds strings, so that a value can be read as a text.
 * Raise no error.
 */
bool
ffu_column_is_text(TupleDesc desc, AttrNumber attnum)
{
	Form_pg_attribute att;
	Oid			type;

	if (attnum < 1 || attnum > desc->natts)
		return false;
	att = TupleDescAttr(desc, attnum - 1);
	type = att->attisdropped ? InvalidOid : getBaseType(att->atttypid);
	return type == TEXTOID || type == VARCHAROID;
}

/*
 * Find the values of {schema}, {table} and {pk}.
 */
static void
read_names(Relation rel, FfuColumn *column)
{
	Oid			top = ffu_top_of(RelationGetRelid(rel));
	Oid			pkindex;

	/* Mark before reading the name, to miss no invalidation. */
	if (top != RelationGetRelid(rel))
		get_entry(top)->top = true;
	column->top = top;
	column->table = get_rel_name(top);
	column->schema = get_namespace_name(get_rel_namespace(top));
	pkindex = FFU_PRIMARY_KEY_INDEX(rel);
	if (OidIsValid(pkindex))
	{
		Relation	index = index_open(pkindex, AccessShareLock);
		int			i;

		column->npk = index->rd_index->indnkeyatts;
		column->pk = palloc(column->npk * sizeof(AttrNumber));
		for (i = 0; i < column->npk; i++)
			column->pk[i] = index->rd_index->indkey.values[i];
		index_close(index, AccessShareLock);
	}
}

/*
 * Read all file columns of a table into its cache entry.
 */
static void
read_table(Relation rel, TableEntry *entry)
{
	MemoryContext old;
	ListCell   *lc;

	if (entry->context)
		MemoryContextDelete(entry->context);
	entry->context = AllocSetContextCreate(CacheMemoryContext, "ffu table",
										   ALLOCSET_SMALL_SIZES);
	entry->columns = NIL;
	/* Detect an invalidation during the read. */
	entry->reading = true;
	old = MemoryContextSwitchTo(entry->context);
	entry->columns = ffu_declarations(RelationGetRelid(rel));
	foreach(lc, entry->columns)
	{
		FfuColumn  *column = lfirst(lc);

		if (column->complaint == NULL)
			read_names(rel, column);
	}
	MemoryContextSwitchTo(old);
	entry->valid = entry->reading;
}

/*
 * Return all file columns of a table, valid or not.  Raise 0A000 if the table
 * is not permanent.
 */
static List *
columns_of(Relation rel)
{
	TableEntry *entry;

	if (rel->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" cannot have files",
						RelationGetRelationName(rel)),
				 errdetail("It is temporary or unlogged: its rows can vanish without a trace."),
				 errhint("Make the table permanent, or drop the column with ffu.drop_column.")));
	entry = get_entry(RelationGetRelid(rel));
	if (!entry->valid)
		read_table(rel, entry);
	return entry->columns;
}

/*
 * Return the file column of a table with this key, or NULL if no BEFORE
 * trigger declares the column.  The result is good until control returns to
 * the server.
 */
const FfuColumn *
ffu_column_find_declared(Relation rel, const char *key)
{
	return ffu_declaration_of_key(columns_of(rel), key);
}

/*
 * Return the file column of a table with this key.  Raise an error if there is
 * no such column, or if the declaration is not valid.  The result is good
 * until control returns to the server.
 */
const FfuColumn *
ffu_column_find(Relation rel, const char *key)
{
	const FfuColumn *column = ffu_column_find_declared(rel, key);

	if (column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("file column \"%s\" of table \"%s\" has lost its BEFORE trigger",
						ffu_shown(key, strlen(key)),
						RelationGetRelationName(rel)),
				 errhint("Run a parallel pg_restore with PGOPTIONS='-c ffu.restore=on'; in any other case, drop the other triggers of this file column, then declare the column again with ffu.manage_column.")));
	if (column->complaint)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("trigger of file column \"%s\" is not valid",
						ffu_shown(key, strlen(key))),
				 errdetail_internal("%s", column->complaint),
				 errhint("Drop this trigger, and declare the column with ffu.manage_column.")));
	return column;
}

/*
 * Return the file column of a table with this name.  Raise 55000 if the column
 * is not a file column.  The result is good until control returns to the
 * server.
 */
const FfuColumn *
ffu_column_named(Relation rel, const char *name)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), name);
	ListCell   *lc;

	foreach(lc, columns_of(rel))
	{
		const FfuColumn *column = lfirst(lc);

		if (column->attnum == attnum && column->complaint == NULL)
			return column;
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("column \"%s\" of relation \"%s\" is not a file column",
					name, RelationGetRelationName(rel)),
			 errdetail("It does not have ffu's triggers."),
			 errhint("The view ffu.columns lists the file columns.")));
	return NULL;				/* keep compiler quiet */
}

/*
 * Return the current name of a file column.
 */
const char *
ffu_column_name(Relation rel, const FfuColumn *column)
{
	return NameStr(TupleDescAttr(RelationGetDescr(rel),
								 column->attnum - 1)->attname);
}

/*
 * Return the key of a row as a text, with "-" between columns.  Return NULL if
 * the table has no primary key, or if a key column is still NULL.
 */
static char *
key_to_text(Relation rel, const FfuColumn *column, HeapTuple tuple)
{
	TupleDesc	desc = RelationGetDescr(rel);
	StringInfoData buf;
	int			i;

	if (column->npk == 0)
		return NULL;
	initStringInfo(&buf);
	for (i = 0; i < column->npk; i++)
	{
		Oid			output;
		bool		varlena;
		bool		isnull;
		Datum		value = heap_getattr(tuple, column->pk[i], desc, &isnull);

		if (isnull)
			return NULL;
		getTypeOutputInfo(TupleDescAttr(desc, column->pk[i] - 1)->atttypid,
						  &output, &varlena);
		appendStringInfo(&buf, "%s%s", i ? "-" : "",
						 OidOutputFunctionCall(output, value));
	}
	return buf.data;
}

/*
 * Append a value of a key: the length and the stored bytes.  The text of a
 * value depends on settings.  Only an enum value is appended as a text: the
 * OID of an enum value differs in a restored database.
 */
static void
append_value(StringInfo whose, Form_pg_attribute att, Datum value)
{
	const char *bytes;
	int			len;

	if (type_is_enum(att->atttypid))
	{
		bytes = DatumGetCString(DirectFunctionCall1(enum_out, value));
		len = strlen(bytes);
	}
	else if (att->attbyval)
	{
		bytes = (const char *) &value;
		len = sizeof(value);
	}
	else if (att->attlen == -1)
	{
		struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);

		bytes = VARDATA_ANY(packed);
		len = VARSIZE_ANY_EXHDR(packed);
	}
	else
	{
		bytes = DatumGetPointer(value);
		len = att->attlen > 0 ? att->attlen : strlen(bytes);
	}
	appendBinaryStringInfo(whose, (const char *) &len, sizeof(len));
	appendBinaryStringInfo(whose, bytes, len);
}

/*
 * Describe a column and row, for the proof in a path: the names of schema,
 * table and column, and the primary key.
 */
static void
describe_row(StringInfo whose, Relation rel, const FfuColumn *column,
			 HeapTuple tuple)
{
	TupleDesc	desc = RelationGetDescr(rel);
	const char *name = ffu_column_name(rel, column);
	int			i;

	initStringInfo(whose);
	appendStringInfo(whose, "%s%c%s%c%s%c", column->schema, '\0',
					 column->table, '\0', name, '\0');
	for (i = 0; i < column->npk; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, column->pk[i] - 1);
		bool		isnull;
		Datum		value;

		/* A BEFORE trigger does not see generated values. */
		if (att->attgenerated)
			continue;
		value = heap_getattr(tuple, column->pk[i], desc, &isnull);
		appendStringInfoChar(whose, isnull ? 'n' : 'v');
		if (!isnull)
			append_value(whose, att, value);
	}
}

/*
 * Tell whether the names of this column belonged to another column before.
 * Look the names up once, and again when the former names have changed.
 */
static bool
is_contested(Relation rel, const FfuColumn *column)
{
	FfuColumn  *cached = (FfuColumn *) column;
	uint64		state = ffu_former_state();

	if (column->former_state != state)
	{
		cached->contested =
			ffu_former_is_contested(column->schema, column->table,
									ffu_column_name(rel, column), column->top);
		cached->former_state = state;
	}
	return column->contested;
}

/*
 * Tell whether the path was made for this column and row.  If not, another row
 * may have the file.
 */
bool
ffu_column_proves(Relation rel, const FfuColumn *column, HeapTuple tuple,
				  const char *path)
{
	StringInfoData whose;
	bool		holds;

	describe_row(&whose, rel, column, tuple);
	holds = ffu_proof_holds(&whose, path) && !is_contested(rel, column);
	pfree(whose.data);
	return holds;
}

/*
 * Return a column with the names that ffu_column_proves needs, for a column
 * whose triggers are being dropped.  The caller sets the attribute number.
 * The result is palloc'd.
 */
FfuColumn *
ffu_column_names(Relation rel)
{
	FfuColumn  *column = palloc0(sizeof(FfuColumn));

	read_names(rel, column);
	return column;
}

/*
 * Make a new path for a file of this row, by the column's template.  The
 * result is palloc'd.
 */
char *
ffu_column_path(Relation rel, const FfuColumn *column, HeapTuple tuple,
				const char *ext)
{
	char		token[FFU_TOKEN_LEN + 1];
	StringInfoData whose;
	FfuPathFields fields = {0};

	describe_row(&whose, rel, column, tuple);
	ffu_proof_token(&whose, token);
	fields.schema = column->schema;
	fields.table = column->table;
	fields.column = ffu_column_name(rel, column);
	fields.pk = key_to_text(rel, column, tuple);
	fields.ext = ext;
	fields.token = token;
	fields.now = GetCurrentTransactionStartTimestamp();
	return ffu_path_make(column->path_template, &fields);
}
