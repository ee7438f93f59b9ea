/*-------------------------------------------------------------------------
 *
 * statement.c
 *	  The running statement, and whether uploads may go unused.
 *
 * At commit, an upload that no file column has taken is an error: the bytes
 * would be lost.  But a statement may evaluate ffu.file() for a row and then
 * not write the row: ON CONFLICT DO NOTHING, two matches of an UPDATE ...
 * FROM, an action of a MERGE, a filter above the call, a BEFORE trigger that
 * skips the row, a row that another session changed meanwhile (EvalPlanQual
 * evaluates the expression again).  PostgreSQL does not promise how often an
 * expression is evaluated, so the client is not to blame.  The rule is:
 *
 *	An upload may go unused if a statement that assigns a file column was
 *	making its rows when the upload was made, by the statement itself or by a
 *	function or BEFORE trigger called from the statement.  The innermost
 *	writing statement decides.
 *
 * An INSERT, UPDATE, MERGE or COPY assigns a file column if the statement
 * names the column, or if a default or a BEFORE trigger may give the value.  A
 * statement on a view with INSTEAD OF triggers always counts, since the
 * triggers may assign any column.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_trigger.h"
#include "executor/executor.h"
#include "parser/parsetree.h"
#include "tcop/pquery.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"

#include "base/catalog.h"
#include "transaction/statement.h"

/* Rule for the uploads of a statement */
typedef enum Verdict
{
	NOT_ASKED,
	SILENT,						/* the statement writes nothing */
	EXCUSED,					/* uploads may go unused */
	EXPECTED					/* uploads must be assigned by commit */
} Verdict;

/* A running statement; lives on the stack of at_run(). */
typedef struct Running
{
	QueryDesc  *query;
	Verdict		verdict;
	struct Running *outer;
} Running;

static ExecutorRun_hook_type next_run = NULL;

/* The innermost running statement */
static Running *running = NULL;

/*
 * Does this statement assign a column of the relation, or may a default give
 * the value?
 */
static bool
is_assigned(ModifyTableState *state, ResultRelInfo *target, AttrNumber attnum)
{
	EState	   *estate = state->ps.state;
	int			member = attnum - FirstLowInvalidHeapAttributeNumber;
	TupleDesc	desc = RelationGetDescr(target->ri_RelationDesc);

	return bms_is_member(member, ExecGetInsertedCols(target, estate)) ||
		bms_is_member(member, ExecGetUpdatedCols(target, estate)) ||
		(state->operation != CMD_UPDATE &&
		 TupleDescAttr(desc, attnum - 1)->atthasdef);
}

/*
 * May rows of this relation get a file, from the statement or from a user's
 * trigger?  state is NULL if only the relation is known, and not the
 * statement.
 */
static bool
may_assign(ModifyTableState *state, ResultRelInfo *target,
		   const TriggerDesc *triggers)
{
	Oid			ours = ffu_catalog_function("before_row");
	bool		managed = false;
	bool		assigned = state == NULL;
	int			i;

	for (i = 0; triggers && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (!TRIGGER_FOR_ROW(trigger->tgtype))
			continue;
		if (trigger->tgfoid == ours)
		{
			managed = true;
			assigned = assigned || (trigger->tgnattr > 0 &&
									is_assigned(state, target,
												trigger->tgattr[0]));
		}
		else if (TRIGGER_FOR_INSTEAD(trigger->tgtype))
			return true;
		else if (TRIGGER_FOR_BEFORE(trigger->tgtype) &&
				 (trigger->tgtype & (TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE)))
			assigned = true;
	}
	return managed && assigned;
}

/*
 * Return the verdict for a ModifyTable node.
 */
static Verdict
judge_node(PlanState *node)
{
	ModifyTableState *state = (ModifyTableState *) node;
	ResultRelInfo *target;

	if (node == NULL || !IsA(node, ModifyTableState))
		return SILENT;
	target = state->rootResultRelInfo;
	return state->operation != CMD_DELETE &&
		may_assign(state, target, target->ri_TrigDesc) ? EXCUSED : EXPECTED;
}

/*
 * Return the verdict for a running statement.
 */
static Verdict
judge_query(QueryDesc *query)
{
	Verdict		verdict = judge_node(query->planstate);
	ListCell   *lc;

	foreach(lc, query->estate->es_auxmodifytables)
	{
		Verdict		other = judge_node(lfirst(lc));

		if (verdict != EXCUSED && other != SILENT)
			verdict = other;
	}
	return verdict;
}

/*
 * Return the target table of the client's statement, if the executor's hook
 * has not seen the beginning of the statement: a COPY, or the statement that
 * loaded this library.  Return InvalidOid if there is no such table.
 */
static Oid
portal_target(void)
{
	PlannedStmt *stmt;

	if (ActivePortal == NULL || ActivePortal->stmts == NIL)
		return InvalidOid;
	stmt = linitial_node(PlannedStmt, ActivePortal->stmts);
	if (stmt->utilityStmt && IsA(stmt->utilityStmt, CopyStmt))
	{
		CopyStmt   *copy = (CopyStmt *) stmt->utilityStmt;

		return copy->is_from && copy->relation ?
			RangeVarGetRelid(copy->relation, NoLock, true) : InvalidOid;
	}
	if (stmt->commandType == CMD_DELETE || FFU_FIRST_RESULT_RELATION(stmt) < 1)
		return InvalidOid;
	return rt_fetch(FFU_FIRST_RESULT_RELATION(stmt), stmt->rtable)->relid;
}

/*
 * May an upload made now go unused?
 */
static bool
is_excused(void)
{
	Running    *statement;
	Relation	rel;
	bool		excused;
	Oid			relid;

	for (statement = running; statement; statement = statement->outer)
	{
		if (statement->verdict == NOT_ASKED)
			statement->verdict = judge_query(statement->query);
		if (statement->verdict != SILENT)
			return statement->verdict == EXCUSED;
	}
	relid = portal_target();
	if (!OidIsValid(relid))
		return false;
	rel = table_open(relid, AccessShareLock);
	excused = may_assign(NULL, NULL, rel->trigdesc);
	table_close(rel, AccessShareLock);
	return excused;
}

/*
 * Excuse a new upload that may go unused.
 */
void
ffu_statement_note(FfuFile *file)
{
	if (is_excused())
		ffu_file_excuse(file);
}

/*
 * Is an INSERT or a COPY running?  A row that an UPDATE moves to another
 * partition fires INSERT triggers too.  No hook sees a COPY, or the statement
 * that loads this library; ask the portal for them.  Raise no error.
 */
bool
ffu_statement_is_insert(void)
{
	if (running)
		return running->query->operation == CMD_INSERT;
	return ActivePortal && (ActivePortal->commandTag == CMDTAG_COPY ||
							ActivePortal->commandTag == CMDTAG_INSERT);
}

/*
 * ExecutorRun_hook
 */
static void
at_run(QueryDesc *query, ScanDirection direction,
	   uint64 count FFU_EXECUTE_ONCE_PARAMETER)
{
	Running		self = {.query = query,.outer = running};

	running = &self;
	PG_TRY();
	{
		if (next_run)
			next_run(query, direction, count FFU_EXECUTE_ONCE);
		else
			standard_ExecutorRun(query, direction, count FFU_EXECUTE_ONCE);
	}
	PG_FINALLY();
	{
		running = self.outer;
	}
	PG_END_TRY();
}

/*
 * Install the executor hook; called once in a backend.
 */
void
ffu_statement_init(void)
{
	next_run = ExecutorRun_hook;
	ExecutorRun_hook = at_run;
}
