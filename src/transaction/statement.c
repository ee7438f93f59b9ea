/*-------------------------------------------------------------------------
 *
 * statement.c
 *	  Which statement made an upload, and whether its row was written.
 *
 * An upload that no file column's trigger has seen by commit is an error: its
 * bytes would be lost.  But a statement can call ffu.file() for a row that it
 * then does not write, and that is no fault of the client's:
 *
 *	UPDATE waits for another session's change of the row and computes the new
 *	row again (EvalPlanQual): the first upload is superseded.  Or the row no
 *	longer matches and is not updated at all.
 *
 *	A BEFORE trigger of the user's that sorts before ours skips the row, or
 *	assigns another value.
 *
 * The executor knows.  Each upload is marked with the statement that is
 * running; when the statement is finished, and it rechecked rows, wrote none,
 * or had such triggers, its unseen uploads are excused.  They are removed like any other that
 * no row owns.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "catalog/pg_trigger.h"
#include "executor/executor.h"
#include "tcop/pquery.h"
#include "utils/reltrigger.h"

#include "base/catalog.h"
#include "transaction/statement.h"

/*
 * A statement that has made uploads.  Lives in its executor state, and takes
 * itself from the list when that goes.
 */
typedef struct Statement
{
	dlist_node	node;
	QueryDesc  *query;
	uint64		id;
	uint32		uploads;		/* how many it made */
	MemoryContextCallback callback;
} Statement;

static ExecutorRun_hook_type next_run = NULL;
static ExecutorFinish_hook_type next_finish = NULL;

/* The innermost statement that is running */
static QueryDesc *running = NULL;

static dlist_head statements = DLIST_STATIC_INIT(statements);
static uint64 last_id = 0;

/*
 * Memory context callback: the statement's executor state goes.  Raises no
 * error.
 */
static void
forget_statement(void *arg)
{
	dlist_delete(&((Statement *) arg)->node);
}

/*
 * The entry of a statement, or NULL if it has made no uploads.
 */
static Statement *
find_statement(QueryDesc *query)
{
	dlist_iter	iter;

	dlist_foreach(iter, &statements)
	{
		Statement  *statement = dlist_container(Statement, node, iter.cur);

		if (statement->query == query)
			return statement;
	}
	return NULL;
}

/*
 * Mark a new upload with the statement that is running.
 */
void
ffu_statement_note(FfuFile *file)
{
	Statement  *statement;

	if (running == NULL)
		return;
	statement = find_statement(running);
	if (statement == NULL)
	{
		MemoryContext context = running->estate->es_query_cxt;

		statement = MemoryContextAllocZero(context, sizeof(Statement));
		statement->query = running;
		statement->id = ++last_id;
		statement->callback.func = forget_statement;
		statement->callback.arg = statement;
		MemoryContextRegisterResetCallback(context, &statement->callback);
		dlist_push_head(&statements, &statement->node);
	}
	file->statement = statement->id;
	statement->uploads++;
}

/*
 * Is an INSERT or a COPY running?  A row that an UPDATE moves to another
 * partition fires INSERT triggers as well.  Nothing that we have seen begin
 * is running in a COPY, and in the statement that made this library load.
 * Raises no error.
 */
bool
ffu_statement_is_insert(void)
{
	if (running)
		return running->operation == CMD_INSERT;
	return ActivePortal && (ActivePortal->commandTag == CMDTAG_COPY ||
							ActivePortal->commandTag == CMDTAG_INSERT);
}

/*
 * Has this ModifyTable node rechecked a row that another session changed?
 */
static bool
has_rechecked(PlanState *state)
{
	return IsA(state, ModifyTableState) &&
		((ModifyTableState *) state)->mt_epqstate.recheckestate != NULL;
}

/*
 * Has a table with file columns BEFORE triggers of the user's as well?
 */
static bool
has_other_triggers(const TriggerDesc *triggers)
{
	Oid			ours;
	bool		managed = false;
	bool		others = false;
	int			i;

	if (triggers == NULL || !(triggers->trig_insert_before_row ||
							  triggers->trig_update_before_row))
		return false;
	ours = ffu_own_function("before_row");
	for (i = 0; i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (trigger->tgfoid == ours)
			managed = true;
		else if (TRIGGER_FOR_ROW(trigger->tgtype) &&
				 TRIGGER_FOR_BEFORE(trigger->tgtype))
			others = true;
	}
	return managed && others;
}

/*
 * Did the statement recheck rows, write none although it could have, or leave
 * it to triggers what it wrote?
 */
static bool
may_have_skipped(QueryDesc *query)
{
	ListCell   *lc;

	foreach(lc, query->estate->es_auxmodifytables)
	{
		if (has_rechecked(lfirst(lc)))
			return true;
	}
	if (query->planstate == NULL || !IsA(query->planstate, ModifyTableState))
		return false;
	return has_rechecked(query->planstate) ||
		query->estate->es_processed == 0 ||
		has_other_triggers(((ModifyTableState *) query->planstate)->resultRelInfo->ri_TrigDesc);
}

/*
 * A statement is finished: excuse its unseen uploads if their rows may not
 * have been written, otherwise hand them to the statement around it.
 */
static void
settle_uploads(Statement *statement, bool excuse)
{
	Statement  *outer = running ? find_statement(running) : NULL;
	uint32		left = statement->uploads;
	dlist_iter	iter;

	/* They are the newest, so this does not go through all of them. */
	dlist_reverse_foreach(iter, &ffu_pending.files)
	{
		FfuFile    *file = dlist_container(FfuFile, node, iter.cur);

		if (left == 0)
			break;
		if (file->statement != statement->id)
			continue;
		left--;
		if (excuse && !file->seen)
			file->excused = true;
		file->statement = outer ? outer->id : 0;
		if (outer)
			outer->uploads++;
	}
}

/*
 * ExecutorRun_hook
 */
static void
at_run(QueryDesc *query, ScanDirection direction, uint64 count,
	   bool execute_once)
{
	QueryDesc  *outer = running;

	running = query;
	PG_TRY();
	{
		if (next_run)
			next_run(query, direction, count, execute_once);
		else
			standard_ExecutorRun(query, direction, count, execute_once);
	}
	PG_FINALLY();
	{
		running = outer;
	}
	PG_END_TRY();
}

/*
 * ExecutorFinish_hook
 */
static void
at_finish(QueryDesc *query)
{
	Statement  *statement = dlist_is_empty(&statements) ? NULL :
	find_statement(query);

	if (statement && ffu_pending.active)
		settle_uploads(statement, may_have_skipped(query));
	if (next_finish)
		next_finish(query);
	else
		standard_ExecutorFinish(query);
}

/*
 * Hang ourselves into the executor; called once in a backend.
 */
void
ffu_statement_init(void)
{
	next_run = ExecutorRun_hook;
	ExecutorRun_hook = at_run;
	next_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = at_finish;
}
