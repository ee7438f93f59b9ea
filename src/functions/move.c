/*-------------------------------------------------------------------------
 *
 * move.c
 *	  SQL functions behind ffu.move_files(): files move between folder and
 *	  bucket.
 *
 * A transaction copies the files of some blocks of a table to the other place,
 * under their paths; see store/bucket/move.c for what keeps them safe.  The
 * copies are staged and published like all files of a transaction: so a move
 * that ends early leaves no more than a transaction that aborts.
 *
 * A file whose path is in a staging name stays: a transaction that is not
 * settled yet may take the path back from the folder.  A file whose key the
 * sweep may remove does not come back to the bucket.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <sys/stat.h>

#include "access/relation.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "base/error.h"
#include "base/fault.h"
#include "base/query.h"
#include "base/rights.h"
#include "base/settings.h"
#include "column/column.h"
#include "functions/move.h"
#include "store/bucket/both.h"
#include "store/bucket/intent.h"
#include "store/bucket/move.h"
#include "store/bucket/moving.h"
#include "store/dir/root.h"
#include "store/dir/spool.h"
#include "store/dir/walk.h"
#include "sweep/sweep.h"
#include "text/path.h"
#include "upload/upload.h"
#include "wal/log.h"
#include "wal/queue.h"

FFU_FUNCTION(ffu_sql_move_part);
FFU_FUNCTION(ffu_sql_move_rest);
FFU_FUNCTION(ffu_sql_move_due);

/* A column whose files move */
typedef struct MoveColumn
{
	Oid			relid;
	AttrNumber	attnum;
	AttrNumber	sha256;			/* companion, or InvalidAttrNumber */
} MoveColumn;

/* A file of a row */
typedef struct MovedFile
{
	const char *path;
	const char *sha256;			/* as the row says; NULL if the row does not */
} MovedFile;

/* A move of some files */
typedef struct Move
{
	FfuStore   *store;
	bool		to_bucket;
	HTAB	   *staged;			/* paths in staging names */
	HTAB	   *removable;		/* keys that the sweep may remove */
	List	   *paths;			/* of files that are, or will be, in both
								 * places */
} Move;

/*
 * Lock out other movers.  Raise 55000 without a bucket.
 */
static void
begin_move(Move *move, bool to_bucket)
{
	ffu_upload_prevent("ffu.move_files()");
	memset(move, 0, sizeof(*move));
	move->to_bucket = to_bucket;
	move->store = ffu_root_use();
	if (!ffu_both_has_bucket(move->store))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this database has no bucket"),
				 errdetail("Files move between the folder and the bucket of a database."),
				 errhint("Call ffu.use_bucket first.")));
	ffu_move_lock(true);
}

/*
 * Find the paths that stay where they are.
 */
static void
find_staying(Move *move)
{
	FfuSweep	sweep = {0};
	List	   *names;

	ffu_sweep_staging(&sweep, true);
	names = ffu_spool_staged_names(move->store);
	move->staged = ffu_walk_staged_paths(names);
	list_free_deep(names);
	move->removable = ffu_intent_removable();
}

/*
 * Return the quoted name of a column of texts that are stored, or NULL.  To
 * read any other column could run code of the table's owner: a cast, or the
 * expression of a generated column.
 */
static const char *
stored_text(Relation rel, AttrNumber attnum)
{
	TupleDesc	desc = RelationGetDescr(rel);
	Form_pg_attribute attr;

	if (!ffu_column_is_text(desc, attnum))
		return NULL;
	attr = TupleDescAttr(desc, attnum - 1);
	return attr->attgenerated != '\0' ? NULL :
		quote_identifier(NameStr(attr->attname));
}

/*
 * Return the query for the files of some blocks, palloc'd, or NULL if the
 * column is gone.  The lock stays until the end of the transaction.
 */
static char *
make_query(const MoveColumn *column)
{
	Relation	rel = try_relation_open(column->relid, AccessShareLock);
	const char *name = NULL;
	const char *sha256 = NULL;
	char	   *query = NULL;

	if (rel == NULL)
		return NULL;
	if (rel->rd_rel->relkind == RELKIND_RELATION)
	{
		name = stored_text(rel, column->attnum);
		sha256 = stored_text(rel, column->sha256);
	}
	if (name != NULL)
		query = psprintf("SELECT %s, %s FROM ONLY %s"
						 " WHERE ctid >= $1 AND ctid < $2"
						 " AND %s::pg_catalog.text OPERATOR(pg_catalog.<>) ''",
						 name, sha256 ? sha256 : "NULL",
						 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
													RelationGetRelationName(rel)),
						 name);
	relation_close(rel, NoLock);
	return query;
}

/*
 * Read the files of the rows in some blocks, with a snapshot of now.  The
 * result is in the context of the caller.
 */
static List *
read_files(const MoveColumn *column, BlockNumber first, BlockNumber next)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			types[2] = {TIDOID, TIDOID};
	ItemPointerData tids[2];
	Datum		values[2] = {PointerGetDatum(&tids[0]), PointerGetDatum(&tids[1])};
	char	   *query = make_query(column);
	List	   *files = NIL;
	int			level;
	uint64		i;

	if (query == NULL)
		return NIL;
	ItemPointerSet(&tids[0], first, 0);
	ItemPointerSet(&tids[1], next, 0);
	level = ffu_rights_settings();
	PushActiveSnapshot(GetLatestSnapshot());
	ffu_query_open(query, 2, types, values, NULL, true);
	for (i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		MemoryContext old = MemoryContextSwitchTo(context);
		MovedFile  *file = palloc(sizeof(MovedFile));

		file->path = SPI_getvalue(row, SPI_tuptable->tupdesc, 1);
		file->sha256 = SPI_getvalue(row, SPI_tuptable->tupdesc, 2);
		files = lappend(files, file);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	PopActiveSnapshot();
	AtEOXact_GUC(true, level);
	return files;
}

/*
 * May a path move?
 */
static bool
may_move(const Move *move, const char *path)
{
	bool		staged;
	bool		removable = false;

	if (!ffu_path_valid(path, strlen(path)))
		return false;
	(void) hash_search(move->staged, path, HASH_FIND, &staged);
	if (move->to_bucket)
		(void) hash_search(move->removable, path, HASH_FIND, &removable);
	return !staged && !removable;
}

/*
 * Is a file in the folder?
 */
static bool
is_in_folder(const Move *move, const char *path)
{
	FfuLook		look;

	return ffu_folder_methods.look(move->store, path, &look) == 0 &&
		S_ISREG(look.mode);
}

/*
 * Leave a file that has other bytes than the row says where it is.
 */
static void
refuse_checksum(FfuFile *file, const MovedFile *row)
{
	ffu_file_excuse(file);
	ereport(WARNING,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("file \"%s\" is not moved: its content does not have the checksum of its row",
					row->path),
			 errdetail("The content's SHA-256 is %s.",
					   ffu_file_facts(file)->sha256),
			 errhint("ffu.check(content => true) lists such files.")));
}

/*
 * Step 1 for one file: stage it again, for the same path in the other place.
 * Return false if there is no file, or if its bytes are wrong.
 */
static bool
copy_file(const Move *move, const MovedFile *row)
{
	FfuAssignment assignment = {
		.to_bucket = move->to_bucket,
		.moved = true,
		.key = ""
	};
	FfuFile    *file = ffu_upload_copy(FFU_ORIGIN_PATH, row->path);

	if (file == NULL)
		return false;
	ffu_upload_learn(file, row->path);
	if (row->sha256 != NULL &&
		strcmp(row->sha256, ffu_file_facts(file)->sha256) != 0)
	{
		refuse_checksum(file, row);
		return false;
	}
	strlcpy(assignment.ext, ffu_file_facts(file)->ext, sizeof(assignment.ext));
	ffu_pending_link(file, row->path, &assignment);
	ffu_pending_own(file);
	return true;
}

/*
 * Step 1 for the files of rows.  A file that is in both places already, since
 * an earlier move ended between the steps, is ready for step 2.
 */
static void
copy_files(Move *move, List *files)
{
	ListCell   *lc;

	foreach(lc, files)
	{
		const MovedFile *file = lfirst(lc);
		bool		in_folder;

		CHECK_FOR_INTERRUPTS();
		if (!may_move(move, file->path))
			continue;
		in_folder = is_in_folder(move, file->path);
		if (move->to_bucket != in_folder)
		{
			/* To the folder: the bucket may have the file, too. */
			if (in_folder)
				move->paths = lappend(move->paths, unconstify(char *, file->path));
			continue;
		}
		if (copy_file(move, file))
			move->paths = lappend(move->paths, unconstify(char *, file->path));
		FFU_FAULT("bucket-move-after-stage");
	}
}

/*
 * Switch the limits for users off.
 */
static void
lift_limits(void)
{
	ffu_rights_set("ffu.max_staged", "-1");
	ffu_rights_set("ffu.max_detection_time", "-1");
	ffu_rights_set("ffu.max_content_length", "1TB");
}

/*
 * Return a list of strings as an array of texts.
 */
static Datum
make_array(List *strings)
{
	Datum	   *texts = palloc(Max(list_length(strings), 1) * sizeof(Datum));
	ListCell   *lc;

	foreach(lc, strings)
		texts[foreach_current_index(lc)] = CStringGetTextDatum(lfirst(lc));
	return PointerGetDatum(construct_array(texts, list_length(strings), TEXTOID,
										   -1, false, TYPALIGN_INT));
}

/*
 * ffu._move_part(relation oid, attnum int2, sha256 int2, to_bucket boolean,
 * first_block bigint, next_block bigint) RETURNS text[]: copy the files of the
 * rows in some blocks to the other place, at commit.  Return the paths for
 * ffu._move_rest(), which is to be called in another transaction.
 */
Datum
ffu_sql_move_part(PG_FUNCTION_ARGS)
{
	MoveColumn	column = {
		.relid = PG_GETARG_OID(0),
		.attnum = PG_GETARG_INT16(1),
		.sha256 = PG_ARGISNULL(2) ? InvalidAttrNumber : PG_GETARG_INT16(2)
	};
	Move		move;
	int			level;

	begin_move(&move, PG_GETARG_BOOL(3));
	find_staying(&move);
	level = NewGUCNestLevel();
	lift_limits();
	copy_files(&move, read_files(&column, (BlockNumber) PG_GETARG_INT64(4),
								 (BlockNumber) PG_GETARG_INT64(5)));
	AtEOXact_GUC(true, level);
	if (ffu_pending_active() && ffu_pending_count() > 0)
		ffu_move_require_owner();
	PG_RETURN_DATUM(make_array(move.paths));
}

/*
 * FfuMoveNote: write the removal of files from the folder into the WAL.  The
 * commit does not flush the record if the transaction has no id.
 */
static void
note_removed(const FfuRemoval *removals, int n)
{
	if (!ffu_queue_was_used() && ffu_setting_wal != FFU_WAL_ALL)
		return;
	ffu_log_moves(removals, n);
	XLogFlush(XactLastRecEnd);
}

/*
 * ffu._move_rest(paths text[], to_bucket boolean) RETURNS bigint: remove the
 * old copies of files that are in both places, and return their number.
 */
Datum
ffu_sql_move_rest(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	List	   *paths = NIL;
	Datum	   *texts;
	bool	   *nulls;
	int			n;
	int			i;
	Move		move;

	begin_move(&move, PG_GETARG_BOOL(1));
	find_staying(&move);
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &texts, &nulls, &n);
	for (i = 0; i < n; i++)
	{
		char	   *path = nulls[i] ? NULL : TextDatumGetCString(texts[i]);

		if (path != NULL && may_move(&move, path))
			paths = lappend(paths, path);
	}
	PG_RETURN_INT64(ffu_move_leave(move.store, paths, move.to_bucket,
								   note_removed));
}

/*
 * FfuMovingFilter: may a file that waits move?
 */
static bool
may_move_now(const char *path, const void *arg)
{
	return may_move(arg, path);
}

/*
 * Step 1 for a file that waited, in a subtransaction.  A file that cannot be
 * read begins again, with a WARNING, so that others move.
 */
static bool
copy_waiting(const Move *move, FfuMoving *moving)
{
	MovedFile	file = {.path = moving->path,.sha256 = moving->sha256};
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool copied = false;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		copied = copy_file(move, &file);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error == NULL && copied)
		ffu_moving_set(moving, true);
	else if (error == NULL)
		ffu_moving_remove(moving);
	else if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION ||
			 ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_INSUFFICIENT_RESOURCES)
		ReThrowError(error);
	else
	{
		ffu_warn_store(WARNING, error->message, "move file", moving->path);
		ffu_moving_set(moving, false);
	}
	return error == NULL;
}

/*
 * Take the next step of the move of a file that waited in ffu.moving.  Add the
 * file to leaving if only its copy in the folder is left to remove.  Return
 * false if the file stays where it is.
 */
static bool
move_waiting(const Move *move, FfuMoving *moving, List **leaving)
{
	bool		is_there = is_in_folder(move, moving->path);

	if (is_there && !moving->copied)
		return copy_waiting(move, moving);
	if (is_there)
		*leaving = lappend(*leaving, moving);
	else
		ffu_moving_remove(moving);
	return true;
}

/*
 * Remove the files that the bucket has from the folder.  A file that stays
 * begins again.
 */
static void
leave_folder(const Move *move, List *leaving)
{
	List	   *paths = NIL;
	ListCell   *lc;

	foreach(lc, leaving)
		paths = lappend(paths, ((FfuMoving *) lfirst(lc))->path);
	(void) ffu_move_leave(move->store, paths, true, note_removed);
	foreach(lc, leaving)
	{
		const FfuMoving *moving = lfirst(lc);

		if (is_in_folder(move, moving->path))
			ffu_moving_set(moving, false);
		else
			ffu_moving_remove(moving);
	}
}

/*
 * Move files that have been in the folder for ffu.move_after, a step of at most
 * limit files.  Return whether a file has taken a step.
 */
bool
ffu_move_due(int limit)
{
	List	   *due;
	List	   *leaving = NIL;
	ListCell   *lc;
	bool		moved = false;
	Move		move;
	int			level;

	if (ffu_moving_due(1, NULL, NULL) == NIL)
		return false;
	begin_move(&move, true);
	find_staying(&move);
	/* Another mover may have changed the rows. */
	due = ffu_moving_due(limit, may_move_now, &move);
	level = NewGUCNestLevel();
	lift_limits();
	foreach(lc, due)
	{
		CHECK_FOR_INTERRUPTS();
		moved |= move_waiting(&move, lfirst(lc), &leaving);
	}
	AtEOXact_GUC(true, level);
	if (ffu_pending_active() && ffu_pending_count() > 0)
		ffu_move_require_owner();
	leave_folder(&move, leaving);
	return moved;
}

/*
 * ffu._move_due(batch int) RETURNS boolean: ffu_move_due() for tests, and for
 * servers without the worker.
 */
Datum
ffu_sql_move_due(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(ffu_move_due(PG_GETARG_INT32(0)));
}
