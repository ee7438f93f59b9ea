/*-------------------------------------------------------------------------
 *
 * connection.c
 *	  Connections to another server.
 *
 * While libpq waits for the other server, this process waits for its latch as
 * well: a cancel, or the end of the server, ends the wait at once.
 *
 * No message has a part of the connection string, which may have a password.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "storage/latch.h"

#include "store/peer/connection.h"

/* Parameters that are added to those of the connection string */
#define ADDED_PARAMETERS	4

static void raise_unreachable(const char *detail) pg_attribute_noreturn();
static void raise_lost(const char *detail) pg_attribute_noreturn();

/*
 * Raise an error: the other server cannot be reached.
 */
static void
raise_unreachable(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
			 errmsg("could not connect to the other server"),
			 errdetail_internal("%s", detail),
			 errhint("Name the other server by a connection string of libpq, for example 'service=primary'.")));
}

/*
 * Raise an error: the connection has ended.
 */
static void
raise_lost(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_CONNECTION_FAILURE),
			 errmsg("lost the connection to the other server"),
			 errdetail_internal("%s", detail),
			 errhint("Call again: files that have arrived are not fetched a second time.")));
}

/*
 * Wait until the socket of a connection is ready, or raise the error of a
 * cancel.  event is WL_SOCKET_READABLE or WL_SOCKET_WRITEABLE.
 */
static void
wait_for_socket(PGconn *conn, int event)
{
	static uint32 wait_event = 0;
	int			ready;

	if (wait_event == 0)
		wait_event = FFU_WAIT_EVENT("FfuPeer");
	ready = WaitLatchOrSocket(MyLatch,
							  WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | event,
							  PQsocket(conn), -1, wait_event);
	if (ready & WL_LATCH_SET)
	{
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * Add a parameter.
 */
static void
add_parameter(const char **keywords, const char **values, int *n,
			  const char *keyword, const char *value)
{
	keywords[*n] = keyword;
	values[*n] = value;
	(*n)++;
}

/*
 * Start a connection with the parameters of the string, and with our own.
 */
static PGconn *
start(const FfuPeerTarget *target, const PQconninfoOption *options)
{
	const PQconninfoOption *option;
	const char **keywords;
	const char **values;
	bool		has_database = false;
	int			n = 0;

	for (option = options; option->keyword; option++)
		n++;
	keywords = palloc0((n + ADDED_PARAMETERS + 1) * sizeof(char *));
	values = palloc0((n + ADDED_PARAMETERS + 1) * sizeof(char *));
	n = 0;
	for (option = options; option->keyword; option++)
	{
		bool		is_database = strcmp(option->keyword, "dbname") == 0;

		if (option->val == NULL || option->val[0] == '\0' ||
			strcmp(option->keyword, "replication") == 0 ||
			(is_database && target->same_name))
			continue;
		add_parameter(keywords, values, &n, option->keyword, option->val);
		has_database = has_database || is_database;
	}
	if (!has_database)
		add_parameter(keywords, values, &n, "dbname", target->database);
	add_parameter(keywords, values, &n, "client_encoding", target->encoding);
	add_parameter(keywords, values, &n, "fallback_application_name",
				  "ffu.fetch_missing");
	return PQconnectStartParams(keywords, values, 0);
}

/*
 * Start a connection.  Its string is parsed here first: the messages of libpq
 * would show parts of a string that is malformed.
 */
static PGconn *
parse_and_start(const FfuPeerTarget *target)
{
	char	   *error = NULL;
	PQconninfoOption *options = PQconninfoParse(target->conninfo, &error);
	PGconn	   *conn;

	PQfreemem(error);
	if (options == NULL)
		raise_unreachable("The connection string is malformed.");
	conn = start(target, options);
	PQconninfoFree(options);
	return conn;
}

/*
 * Callback of libpq: drop a notice.  libpq would write the notice to the log as
 * it is, and the other server could forge lines of the log.
 */
static void
ignore_notice(void *arg, const PGresult *result)
{
}

/*
 * Connect.  The caller closes the connection after an error as well.
 */
void
ffu_connection_open(FfuPeer *peer, const FfuPeerTarget *target)
{
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;

	if (!AcquireExternalFD())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not connect to the other server"),
				 errdetail("There are too many open files in this session."),
				 errhint("Raise the limit of open files of the server's processes.")));
	peer->has_slot = true;
	peer->conn = parse_and_start(target);
	if (peer->conn == NULL)
		raise_unreachable("libpq has no memory.");
	(void) PQsetNoticeReceiver(peer->conn, ignore_notice, NULL);
	while (PQstatus(peer->conn) != CONNECTION_BAD &&
		   status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED)
	{
		wait_for_socket(peer->conn, status == PGRES_POLLING_READING ?
						WL_SOCKET_READABLE : WL_SOCKET_CONNECTED);
		status = PQconnectPoll(peer->conn);
	}
	if (PQstatus(peer->conn) != CONNECTION_OK)
		raise_unreachable(pchomp(PQerrorMessage(peer->conn)));
}

/*
 * Close the connection.
 */
void
ffu_connection_close(FfuPeer *peer)
{
	PQclear(peer->result);
	peer->result = NULL;
	PQfinish(peer->conn);
	peer->conn = NULL;
	if (peer->has_slot)
		ReleaseExternalFD();
	peer->has_slot = false;
}

/*
 * Wait for the next result of a query.  Return NULL after the last one.  Keep
 * the result in the peer, which the next call, or the end, clears.
 */
PGresult *
ffu_connection_result(FfuPeer *peer)
{
	PQclear(peer->result);
	peer->result = NULL;
	while (PQisBusy(peer->conn))
	{
		wait_for_socket(peer->conn, WL_SOCKET_READABLE);
		if (PQconsumeInput(peer->conn) == 0)
			raise_lost(pchomp(PQerrorMessage(peer->conn)));
	}
	peer->result = PQgetResult(peer->conn);
	return peer->result;
}

/*
 * Wait for all results of a query that was sent in single-row mode, and return
 * the first row, or the last result if there is no row.  Further rows are
 * thrown away as they come: a wrong server must not fill the memory.
 */
PGresult *
ffu_connection_row(FfuPeer *peer)
{
	PGresult   *kept = NULL;
	PGresult   *result;

	while ((result = ffu_connection_result(peer)) != NULL)
	{
		ffu_connection_check(peer, result);
		if (kept && PQresultStatus(kept) == PGRES_SINGLE_TUPLE)
			continue;
		PQclear(kept);
		kept = result;
		peer->result = NULL;
	}
	peer->result = kept;
	return kept;
}

/*
 * Raise an error if a result says that the session of the other server ends, or
 * if the connection has ended.
 */
void
ffu_connection_check(FfuPeer *peer, const PGresult *result)
{
	const char *severity;

	if (PQstatus(peer->conn) == CONNECTION_BAD)
		raise_lost(pchomp(PQerrorMessage(peer->conn)));
	if (PQresultStatus(result) != PGRES_FATAL_ERROR)
		return;
	severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	if (severity == NULL || strcmp(severity, "ERROR") != 0)
		raise_lost(pchomp(PQresultErrorMessage(result)));
}
