/*-------------------------------------------------------------------------
 *
 * connection.c
 *	  Connections to another server.
 *
 * While libpq waits for the other server, this process waits for its latch as
 * well: a cancel, or the end of the server, ends the wait at once.
 *
 * libpq obeys connect_timeout only when libpq itself waits.  Here this process
 * waits, so connect_timeout is obeyed here, and has a default.  As in libpq each
 * address gets the time anew, and a silent host is not the end if the string
 * names others: the connection begins again without the silent one.
 *
 * No message has a part of the connection string, which may have a password.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "common/string.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/timestamp.h"

#include "store/peer/connection.h"

/* Seconds that a host has to connect, unless connect_timeout says others */
#define CONNECT_TIMEOUT		10

/* Number of parameters that are set here */
#define ADDED_PARAMETERS	6

/* Maximum number of bytes of a text of the other server in a message */
#define SAID_MAX	1000

/* Parameters of a connection; both arrays end with NULL, and have room */
typedef struct Parameters
{
	const char **keywords;
	const char **values;
} Parameters;

/* The parameters that name hosts: lists with commas, or NULL */
typedef struct Hosts
{
	char	   *host;
	char	   *hostaddr;
	char	   *port;
	int			n;
} Hosts;

static void raise_unreachable(const char *detail) pg_attribute_noreturn();
static void raise_lost(const char *detail) pg_attribute_noreturn();

/*
 * Return the begin of a text of the other server, palloc'd, without newlines at
 * the end.  Until both have agreed on an encoding the text can have any: bytes
 * that are invalid here become question marks.
 */
char *
ffu_connection_said(const char *text)
{
	int			len = (int) strnlen(text, SAID_MAX + MAX_MULTIBYTE_CHAR_LEN);
	char	   *said = pnstrdup(text, pg_mbcliplen(text, len, SAID_MAX));
	char	   *p;

	(void) pg_strip_crlf(said);
	if (pg_verifymbstr(said, strlen(said), true))
		return said;
	for (p = said; *p; p++)
	{
		if (IS_HIGHBIT_SET(*p))
			*p = '?';
	}
	return said;
}

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
 * cancel.  event is WL_SOCKET_READABLE or another of a socket; timeout is in ms,
 * or -1.  Return false if the socket is not ready.
 */
static bool
wait_for_socket(PGconn *conn, int event, long timeout)
{
	static uint32 wait_event = 0;
	int			ready;

	if (wait_event == 0)
		wait_event = FFU_WAIT_EVENT("FfuPeer");
	ready = WaitLatchOrSocket(MyLatch,
							  WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | event |
							  (timeout >= 0 ? WL_TIMEOUT : 0),
							  PQsocket(conn), timeout, wait_event);
	if (ready & WL_LATCH_SET)
	{
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	return (ready & event) != 0;
}

/*
 * Set a parameter, which replaces one of this keyword.
 */
static void
set_parameter(Parameters *parameters, const char *keyword, const char *value)
{
	int			i = 0;

	while (parameters->keywords[i] != NULL &&
		   strcmp(parameters->keywords[i], keyword) != 0)
		i++;
	parameters->keywords[i] = keyword;
	parameters->values[i] = value;
}

/*
 * Return the parameters of a parsed connection string, and our own, palloc'd.
 */
static Parameters
make_parameters(const FfuPeerTarget *target, const PQconninfoOption *options)
{
	const PQconninfoOption *option;
	Parameters	parameters;
	int			n = ADDED_PARAMETERS + 1;

	for (option = options; option->keyword; option++)
		n++;
	parameters.keywords = palloc0(n * sizeof(char *));
	parameters.values = palloc0(n * sizeof(char *));
	set_parameter(&parameters, "dbname", target->database);
	for (option = options; option->keyword; option++)
	{
		if (option->val == NULL || option->val[0] == '\0' ||
			strcmp(option->keyword, "replication") == 0 ||
			(target->same_name && strcmp(option->keyword, "dbname") == 0))
			continue;
		set_parameter(&parameters, pstrdup(option->keyword),
					  pstrdup(option->val));
	}
	set_parameter(&parameters, "client_encoding", target->encoding);
	set_parameter(&parameters, "fallback_application_name",
				  "ffu.fetch_missing");
	return parameters;
}

/*
 * Parse the connection string.  libpq alone would show parts of a string that
 * is malformed in its messages.
 */
static Parameters
parse(const FfuPeerTarget *target)
{
	char	   *error = NULL;
	PQconninfoOption *options = PQconninfoParse(target->conninfo, &error);
	Parameters	parameters;

	PQfreemem(error);
	if (options == NULL)
		raise_unreachable("The connection string is malformed.");
	parameters = make_parameters(target, options);
	PQconninfoFree(options);
	return parameters;
}

/*
 * Return a parameter of a connection as libpq has found it, palloc'd, be it in
 * the string, in a service file or in the environment; or NULL.
 */
static char *
found_parameter(PGconn *conn, const char *keyword)
{
	PQconninfoOption *options = PQconninfo(conn);
	const PQconninfoOption *option;
	char	   *value = NULL;

	for (option = options; option && option->keyword; option++)
	{
		if (strcmp(option->keyword, keyword) == 0 && option->val &&
			option->val[0] != '\0')
			value = pstrdup(option->val);
	}
	PQconninfoFree(options);
	return value;
}

/*
 * Return the number of seconds that a host has to connect; 0: no limit.
 */
static int
connect_timeout(PGconn *conn)
{
	char	   *value = found_parameter(conn, "connect_timeout");
	char	   *end;
	int			seconds;

	if (value == NULL)
		return CONNECT_TIMEOUT;
	errno = 0;
	seconds = strtoint(value, &end, 10);
	end += strspn(end, " ");
	if (end == value || *end != '\0' || errno != 0)
		raise_unreachable("The parameter connect_timeout is not a number of seconds.");
	return Max(seconds, 0);
}

/*
 * Return the number of elements of a list.
 */
static int
count_elements(const char *list)
{
	int			n = 1;

	for (; *list; list++)
		n += *list == ',';
	return n;
}

/*
 * Return the hosts of a connection, palloc'd.
 */
static Hosts
find_hosts(PGconn *conn)
{
	Hosts		hosts;
	const char *list;

	hosts.host = found_parameter(conn, "host");
	hosts.hostaddr = found_parameter(conn, "hostaddr");
	hosts.port = found_parameter(conn, "port");
	list = hosts.hostaddr ? hosts.hostaddr : hosts.host;
	hosts.n = list ? count_elements(list) : 1;
	return hosts;
}

/*
 * Find element i of a list.  Set *len to its length.
 */
static const char *
find_element(const char *list, int i, size_t *len)
{
	while (i-- > 0)
		list += strcspn(list, ",") + 1;
	*len = strcspn(list, ",");
	return list;
}

/*
 * Does element i of a list say this?  The only element is for all hosts.
 */
static bool
element_is(const char *list, int i, const char *value)
{
	size_t		len;
	const char *element;

	if (list == NULL)
		return true;
	if (i >= count_elements(list))
		i = 0;
	element = find_element(list, i, &len);
	return len == 0 || (strlen(value) == len && strncmp(element, value, len) == 0);
}

/*
 * Take element i out of a list of more than one, and set the parameter to the
 * list.
 */
static void
leave_out(Parameters *parameters, const char *keyword, char *list, int i)
{
	size_t		len;
	char	   *element;

	if (list == NULL || i >= count_elements(list) || count_elements(list) == 1)
		return;
	element = unconstify(char *, find_element(list, i, &len));
	if (element[len] == ',')
		memmove(element, element + len + 1, strlen(element + len + 1) + 1);
	else
		element[-1] = '\0';
	set_parameter(parameters, keyword, list);
}

/*
 * Leave the host to which the connection is being made out of the parameters,
 * which have others.
 */
static void
leave_host_out(Parameters *parameters, PGconn *conn, Hosts *hosts)
{
	const char *names = hosts->host ? hosts->host : hosts->hostaddr;
	int			i = 0;

	while (i < hosts->n - 1 &&
		   !(element_is(names, i, PQhost(conn)) &&
			 element_is(hosts->port, i, PQport(conn))))
		i++;
	leave_out(parameters, "host", hosts->host, i);
	leave_out(parameters, "hostaddr", hosts->hostaddr, i);
	leave_out(parameters, "port", hosts->port, i);
	hosts->n--;
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
 * Return the address to which the connection is being made, palloc'd.
 */
static char *
address(PGconn *conn)
{
	return psprintf("%s,%s,%s", PQhost(conn), PQhostaddr(conn), PQport(conn));
}

/*
 * Wait until the connection is made, or cannot be made.  Return false if a host
 * does not answer within the timeout, in seconds; 0: no limit.
 */
static bool
wait_for_connection(PGconn *conn, int timeout)
{
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;
	char	   *tried = address(conn);
	TimestampTz begin = GetCurrentTimestamp();

	while (PQstatus(conn) != CONNECTION_BAD &&
		   status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED)
	{
		TimestampTz end = begin + timeout * USECS_PER_SEC;
		long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
														   end);

		if (timeout > 0 && left <= 0)
			return false;
		if (!wait_for_socket(conn, status == PGRES_POLLING_READING ?
							 WL_SOCKET_READABLE : WL_SOCKET_CONNECTED,
							 timeout > 0 ? left : -1))
			continue;
		status = PQconnectPoll(conn);
		if (strcmp(address(conn), tried) != 0)
		{
			tried = address(conn);
			begin = GetCurrentTimestamp();
		}
	}
	return true;
}

/*
 * Raise an error: a host is silent.
 */
static void
raise_silent(PGconn *conn, int timeout)
{
	raise_unreachable(psprintf("Host \"%s\", port %s, has not answered within %d s, which connect_timeout can change.",
							   PQhost(conn), PQport(conn), timeout));
}

/*
 * Start a connection.
 */
static PGconn *
start(const Parameters *parameters)
{
	PGconn	   *conn = PQconnectStartParams(parameters->keywords,
											parameters->values, 0);

	if (conn == NULL)
		raise_unreachable("libpq has no memory.");
	(void) PQsetNoticeReceiver(conn, ignore_notice, NULL);
	return conn;
}

/*
 * Connect.  The caller closes the connection after an error as well.
 */
void
ffu_connection_open(FfuPeer *peer, const FfuPeerTarget *target)
{
	Parameters	parameters;
	Hosts		hosts;
	int			timeout;

	if (!AcquireExternalFD())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not connect to the other server"),
				 errdetail("There are too many open files in this session."),
				 errhint("Raise the limit of open files of the server's processes.")));
	peer->has_slot = true;
	parameters = parse(target);
	peer->conn = start(&parameters);
	hosts = find_hosts(peer->conn);
	timeout = connect_timeout(peer->conn);
	while (!wait_for_connection(peer->conn, timeout))
	{
		if (hosts.n == 1)
			raise_silent(peer->conn, timeout);
		leave_host_out(&parameters, peer->conn, &hosts);
		PQfinish(peer->conn);
		peer->conn = NULL;
		peer->conn = start(&parameters);
	}
	if (PQstatus(peer->conn) != CONNECTION_OK)
		raise_unreachable(ffu_connection_said(PQerrorMessage(peer->conn)));
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
		(void) wait_for_socket(peer->conn, WL_SOCKET_READABLE, -1);
		if (PQconsumeInput(peer->conn) == 0)
			raise_lost(ffu_connection_said(PQerrorMessage(peer->conn)));
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
 * Raise an error if a result says that the session of the other server ends, if
 * the connection has ended, or if the other server wants to COPY: libpq would
 * give that result again and again.
 */
void
ffu_connection_check(FfuPeer *peer, const PGresult *result)
{
	const char *severity;

	if (PQstatus(peer->conn) == CONNECTION_BAD)
		raise_lost(ffu_connection_said(PQerrorMessage(peer->conn)));
	switch (PQresultStatus(result))
	{
		case PGRES_COPY_IN:
		case PGRES_COPY_OUT:
		case PGRES_COPY_BOTH:
			raise_lost("The other server has answered a query with COPY.");
			break;
		case PGRES_FATAL_ERROR:
			severity = PQresultErrorField(result,
										  PG_DIAG_SEVERITY_NONLOCALIZED);
			if (severity == NULL || strcmp(severity, "ERROR") != 0)
				raise_lost(ffu_connection_said(PQresultErrorMessage(result)));
			break;
		default:
			break;
	}
}
