/*-------------------------------------------------------------------------
 *
 * statement.c
 *	  Which statement is running, and may its uploads go unused?
 *
 * An upload that no file column has taken by commit is an error: the bytes
 * would be lost.  But a statement may evaluate ffu.file() for a row that it
 * then does not write: ON CONFLICT DO NOTHING, two matches of an UPDATE ...
 * FROM, an action of a MERGE, a filter above the call, a BEFORE trigger that
 * skips the row, a row that another session changed meanwhile (EvalPlanQual
 * evaluates the expression again).  PostgreSQL promises nothing about how often
 * an expression is evaluated, so no client can be blamed.  The rule is:
 *
 *	An upload may go unused if it was made while a statement that assigns a
 *	file column made its rows, by the statement itself or by a function or a
 *	BEFORE trigger that the statement calls.  The innermost statement that
 *	writes decides.
 *
 * An INSERT, UPDATE, MERGE or COPY assigns a file column if the statement names
 * the column, or if a default or a BEFORE trigger may give the value.  Of a view
 * with INSTEAD OF triggers nobody can say, so such a statement counts as well.
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

/* What is known of the uploads of a statement */
typedef enum Verdict
{
	NOT_ASKED,
	SILENT,						/* the statement writes nothing */
	EXCUSED,					/* they may go unused */
	EXPECTED					/* they must be assigned by commit */
} Verdict;

/* A statement that is running; lives on the stack of at_run(). */
typedef struct Running
{
	QueryDesc  *query;
	Verdict		verdict;
	struct Running *outer;
} Running;

static ExecutorRun_hook_type next_run = NULL;

/* The innermost statement that is running */
static Running *running = NULL;

/*
 * Is a column of the relation assigned by this statement, or may it get its
 * value from a default?
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
 * May rows of this relation get a file, by the statement or by a trigger of the
 * user's?  state is NULL where nothing is known of the statement but that it
 * writes the relation.
 */
static bool
may_assign(ModifyTableState *state, ResultRelInfo *target,
		   const TriggerDesc *triggers)
{
	Oid			ours = ffu_own_function("before_row");
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
 * What does a ModifyTable node say?
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
 * What does a running statement say?
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
 * The table that the client's own statement writes, if the executor's hook has
 * not seen that statement begin: a COPY, or the statement that made this
 * library load.  InvalidOid if there is none.
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
 * May uploads that are made now go unused?
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
 * Note of a new upload whether it may go unused.
 */
void
ffu_statement_note(FfuFile *file)
{
	file->excused = is_excused();
}

/*
 * Is an INSERT or a COPY running?  A row that an UPDATE moves to another
 * partition fires INSERT triggers as well.  No hook sees a COPY, or the
 * statement that makes this library load.  Raises no error.
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
 * Hang ourselves into the executor; called once in a backend.
 */
void
ffu_statement_init(void)
{
	next_run = ExecutorRun_hook;
	ExecutorRun_hook = at_run;
}
