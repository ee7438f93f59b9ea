/*-------------------------------------------------------------------------
 *
 * caught.c
 *	  Errors of an object store that somebody catches.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "base/caught.h"

/*
 * In PG_CATCH around requests to an object store: return the message of the
 * error, palloc'd in a memory context, and go on without the error.  Raise any
 * other error again, such as a cancel.  A failed request leaves no lock and no
 * open file, so its error needs no subtransaction.
 */
char *
ffu_caught_store(MemoryContext context)
{
	ErrorData  *error;
	char	   *message;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	if (error->sqlerrcode != ERRCODE_IO_ERROR &&
		error->sqlerrcode != ERRCODE_DISK_FULL &&
		error->sqlerrcode != ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE)
		PG_RE_THROW();
	FlushErrorState();
	message = pstrdup(error->message);
	FreeErrorData(error);
	return message;
}
