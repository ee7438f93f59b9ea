/*-------------------------------------------------------------------------
 *
 * standby.c
 *	  Have the standbys all that this server has written?
 *
 * A standby shares the bucket with its primary.  If a standby were promoted
 * that has not received a committed deletion, its rows would name an object
 * that the primary has removed.  So an object is removed only after every
 * physical standby has flushed the deletion: standbys that are connected, and
 * standbys for which a replication slot waits.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/pg_lsn.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

#include "base/catalog.h"
#include "base/query.h"
#include "base/rights.h"
#include "store/bucket/standby.h"

/* Number of times to look, and the pause between two looks */
#define TRIES		20
#define PAUSE_MS	100

/*
 * A standby that lags behind a position.  A connection that copies a base
 * backup has no position, and pg_receivewal need not tell its own.
 */
#define LAGGING_STANDBY \
	"SELECT format('standby %L', r.application_name)" \
	" FROM pg_catalog.pg_stat_replication r" \
	" LEFT JOIN pg_catalog.pg_replication_slots s ON s.active_pid = r.pid" \
	" WHERE s.slot_type IS DISTINCT FROM 'logical'" \
	" AND r.state IN ('streaming', 'catchup', 'startup')" \
	" AND r.application_name <> 'pg_receivewal'" \
	" AND coalesce(r.flush_lsn, '0/0') < $1" \
	" UNION ALL" \
	" SELECT format('replication slot %L', s.slot_name)" \
	" FROM pg_catalog.pg_replication_slots s" \
	" WHERE s.slot_type = 'physical' AND NOT s.active" \
	" AND s.restart_lsn < $1" \
	" LIMIT 1"

/*
 * Return the name of a standby that lags behind a position, palloc'd, or NULL.
 * Only the owner of the extension surely sees the positions.
 */
static char *
find_lagging(XLogRecPtr position)
{
	Oid			type = PG_LSNOID;
	Datum		value = LSNGetDatum(position);
	MemoryContext old = CurrentMemoryContext;
	char	   *name = NULL;
	int			level = ffu_rights_settings();
	Oid			user;
	int			security;

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(ffu_rights_owner(ffu_catalog_relation("root")),
						   security | SECURITY_LOCAL_USERID_CHANGE);
	ffu_query_open(LAGGING_STANDBY, 1, &type, &value, NULL, true);
	if (SPI_processed > 0)
		name = MemoryContextStrdup(old,
								   SPI_getvalue(SPI_tuptable->vals[0],
												SPI_tuptable->tupdesc, 1));
	SPI_finish();
	SetUserIdAndSecContext(user, security);
	AtEOXact_GUC(true, level);
	return name;
}

/*
 * Tell whether the standbys have all that this server has written so far.  Wait
 * for a short time.  If not, set *why to a sentence that names a standby.
 */
bool
ffu_standby_has_all(char **why)
{
	XLogRecPtr	position = GetXLogWriteRecPtr();
	char	   *name = find_lagging(position);
	int			tries;

	for (tries = 0; name != NULL && tries < TRIES; tries++)
	{
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 PAUSE_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		name = find_lagging(position);
	}
	if (name == NULL)
		return true;
	*why = psprintf("%s has not received the deletion", name);
	return false;
}
