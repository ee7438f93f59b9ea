/*-------------------------------------------------------------------------
 *
 * library.c
 *	  The libraries beside ffu, which only those sessions load that need them.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "fmgr.h"

#include "base/library.h"

/*
 * Error context callback: say what to do if the library cannot be loaded.  The
 * class is not that of a missing file of a row.
 */
static void
explain_load(void *arg)
{
	errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE);
	errhint("%s", (const char *) arg);
}

/*
 * Load a library, and return its function of this name.  If that fails, hint
 * says what to install.
 */
void *
ffu_library_function(const char *library, const char *function,
					 const char *hint)
{
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = explain_load,
		.arg = unconstify(char *, hint)
	};
	void	   *found;

	error_context_stack = &callback;
	found = load_external_function(library, function, true, NULL);
	error_context_stack = callback.previous;
	return found;
}

/*
 * Refuse a library whose interface has another version than ffu wants.
 */
void
ffu_library_check(const char *name, int wanted, int found)
{
	if (found != wanted)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the libraries ffu and %s are of different versions",
						name),
				 errdetail("ffu needs version %d of the interface, and %s has version %d.",
						   wanted, name, found),
				 errhint("Install both libraries of one version. Connect again, after a restart if the server preloads ffu.")));
}
