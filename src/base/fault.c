/*-------------------------------------------------------------------------
 *
 * fault.c
 *	  Named points at which a test can cause a fault.
 *
 * The setting ffu.fault holds "name:action" or "name:action:skip", where skip
 * is the number of times that the point is passed before the action.  The
 * actions:
 *
 *	error	raise an error (where an error is allowed)
 *	kill	kill this backend with SIGKILL; the server recovers
 *	crash	kill the postmaster with SIGKILL and then this backend
 *	wait	wait for advisory lock 4660 (where an error is allowed)
 *	slow	take 50 ms each time, like a slow disk (where an error is allowed)
 *	cancel	cancel this statement and go on; raise an error if the point is
 *			reached again (where an error is allowed), which finds loops that
 *			do not look for a cancel
 *	E...	ENOSPC, EIO, ...: an error number of the list below: the named
 *			system call fails with this number, every time from then on
 *
 * The whole file is empty in a release build.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#ifdef FFU_FAULTS

#include <signal.h>
#include <unistd.h>

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "base/fault.h"

/* The advisory lock of the action "wait" */
#define WAIT_LOCK	4660

/* The duration of "slow", in microseconds */
#define SLOW_TIME	50000

static char *fault = NULL;

bool		ffu_fault_in_order = false;

/* Number of times that the point of the setting was passed */
static int	passed = 0;

/* The action "cancel" was taken. */
static bool cancelled = false;

/*
 * Assign hook of ffu.fault: count from 0 again.  Raise no error.
 */
static void
assign_fault(const char *newval, void *extra)
{
	passed = 0;
	cancelled = false;
}

/*
 * Define ffu.fault.  ffu_setting_init calls this once.
 */
void
ffu_fault_init(void)
{
	DefineCustomStringVariable("ffu.fault",
							   "Where and how a test makes things go wrong.",
							   NULL,
							   &fault,
							   "",
							   PGC_SUSET, 0,
							   NULL, assign_fault, NULL);
	DefineCustomBoolVariable("ffu.pretend_in_order",
							 "Take any file system for one that keeps things in order.",
							 NULL,
							 &ffu_fault_in_order,
							 false,
							 PGC_SUSET, 0,
							 NULL, NULL, NULL);
}

/*
 * Return the action that the setting demands at this point, this time, or
 * NULL.  The result points into the setting and may be followed by ":skip".
 * Raise no error.
 */
static const char *
action_at(const char *name)
{
	size_t		len = strlen(name);
	const char *action;
	const char *skip;

	if (fault == NULL || strncmp(fault, name, len) != 0 || fault[len] != ':')
		return NULL;
	action = fault + len + 1;
	skip = strchr(action, ':');
	if (passed++ < (skip ? atoi(skip + 1) : 0))
		return NULL;
	return action;
}

/*
 * Tell whether an action has this name.  Raise no error.
 */
static bool
action_is(const char *action, const char *name)
{
	size_t		len = strlen(name);

	return strncmp(action, name, len) == 0 &&
		(action[len] == '\0' || action[len] == ':');
}

/*
 * Die if the action is "crash" or "kill".  Raise no error.
 */
static void
die_if_asked(const char *action)
{
	if (action_is(action, "crash"))
		kill(PostmasterPid, SIGKILL);
	if (action_is(action, "crash") || action_is(action, "kill"))
	{
		kill(MyProcPid, SIGKILL);
		pause();
	}
}

/*
 * Cancel the statement as pg_cancel_backend does, without a wait.
 */
static void
cancel_once(const char *name)
{
	if (cancelled)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("fault point \"%s\" was reached after a cancel", name)));
	cancelled = true;
	kill(MyProcPid, SIGINT);
}

/*
 * Reach a point where an error is allowed.
 */
void
ffu_fault_reach(const char *name)
{
	const char *action = action_at(name);

	if (action == NULL)
		return;
	die_if_asked(action);
	if (action_is(action, "wait"))
	{
		Datum		key = Int64GetDatum(WAIT_LOCK);

		DirectFunctionCall1(pg_advisory_lock_int8, key);
		DirectFunctionCall1(pg_advisory_unlock_int8, key);
	}
	if (action_is(action, "slow"))
		pg_usleep(SLOW_TIME);
	if (action_is(action, "cancel"))
		cancel_once(name);
	if (action_is(action, "error"))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("fault point \"%s\" was reached", name)));
}

/*
 * Reach a point where no error is allowed.  Raise no error.
 */
void
ffu_fault_reach_safe(const char *name)
{
	const char *action = action_at(name);

	if (action != NULL)
		die_if_asked(action);
}

/*
 * Return the error number that a system call shall pretend, or 0.  Raise no
 * error.
 */
int
ffu_fault_errno(const char *name)
{
	static const struct
	{
		const char *name;
		int			number;
	}			errors[] = {
		{"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EMLINK", EMLINK},
		{"EXDEV", EXDEV}, {"EPERM", EPERM}, {"EACCES", EACCES},
		{"EROFS", EROFS}, {"ENOSYS", ENOSYS}, {"ENOENT", ENOENT},
		{"ENOTDIR", ENOTDIR}, {"ELOOP", ELOOP}, {"EMFILE", EMFILE},
		{"ENFILE", ENFILE}, {"ENOMEM", ENOMEM}, {"ESTALE", ESTALE}
	};
	const char *action = action_at(name);
	int			i;

	if (action == NULL)
		return 0;
	die_if_asked(action);
	for (i = 0; i < lengthof(errors); i++)
	{
		if (action_is(action, errors[i].name))
			return errors[i].number;
	}
	return 0;
}

#endif							/* FFU_FAULTS */
