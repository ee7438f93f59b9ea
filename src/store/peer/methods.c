/*-------------------------------------------------------------------------
 *
 * methods.c
 *	  The library ffu_peer: its table of functions.
 *
 * The other server is asked by its own functions: ffu.stream() gives the bytes,
 * a piece at a time, whether they are in a folder or in a bucket.  A role that
 * may connect to the database needs no further right, since who knows a path
 * may read the file.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "lib/stringinfo.h"

#include "store/peer.h"
#include "store/peer/connection.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT const FfuPeerMethods *ffu_peer_methods(void);

static void refuse(const char *detail, const char *hint) pg_attribute_noreturn();

/* A session of our own, without the limits of its role */
#define SETTINGS \
	"SET search_path = pg_catalog, pg_temp;" \
	"SELECT set_config(name, '0', false) FROM pg_settings" \
	" WHERE name IN ('statement_timeout', 'lock_timeout'," \
	" 'idle_in_transaction_session_timeout', 'idle_session_timeout'," \
	" 'transaction_timeout')"

#define VERSION_QUERY \
	"SELECT e.extversion FROM pg_catalog.pg_extension e" \
	" WHERE e.extname OPERATOR(pg_catalog.=) 'ffu'"

/* Names of prepared statements */
#define READ		"ffu_read"
#define READ_QUERY	"SELECT ffu.stream($1::text, 262144)"
#define DIGEST		"ffu_digest"
#define DIGEST_QUERY "SELECT ffu._file_digest($1::text)"

/*
 * Return what the other server says in an error, as a sentence, palloc'd.
 */
static char *
reason(const PGresult *result)
{
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);

	return psprintf("The other server says: %s.%s%s",
					message ? ffu_connection_said(message) : "an unknown error",
					detail ? " " : "", detail ? ffu_connection_said(detail) : "");
}

/*
 * Refuse a server.
 */
static void
refuse(const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the other server does not have the files of this database"),
			 errdetail_internal("%s", detail),
			 errhint("%s", hint)));
}

/*
 * Raise an error unless a request was sent.
 */
static void
check_sent(FfuPeer *peer, int sent)
{
	if (sent == 0)
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("lost the connection to the other server"),
				 errdetail_internal("%s", ffu_connection_said(PQerrorMessage(peer->conn))),
				 errhint("Call again: files that have arrived are not fetched a second time.")));
}

/*
 * Wait for the answer to a request, and refuse the server if the answer is an
 * error.
 */
static PGresult *
answer(FfuPeer *peer, int sent)
{
	PGresult   *result;

	check_sent(peer, sent);
	/* Refused for what has no rows: the preparation of a statement */
	(void) PQsetSingleRowMode(peer->conn);
	result = ffu_connection_row(peer);
	if (PQresultStatus(result) != PGRES_SINGLE_TUPLE &&
		PQresultStatus(result) != PGRES_TUPLES_OK &&
		PQresultStatus(result) != PGRES_COMMAND_OK)
		refuse(reason(result),
			   "Let the role of the connection use the database, and install the same version of ffu there.");
	return result;
}

/*
 * Return the first value of a result, or NULL.
 */
static const char *
value_of(const PGresult *result)
{
	if (PQntuples(result) < 1 || PQgetisnull(result, 0, 0))
		return NULL;
	return PQgetvalue(result, 0, 0);
}

/*
 * Refuse a server that has no files of the root, or another version of ffu.
 */
static void
check_root(FfuPeer *peer, const FfuPeerTarget *target)
{
	const char *values[1] = {target->root_id};
	const char *value;

	(void) answer(peer, PQsendQuery(peer->conn, SETTINGS));
	value = value_of(answer(peer, PQsendQuery(peer->conn, VERSION_QUERY)));
	if (value == NULL)
		refuse(psprintf("Its database \"%s\" does not have the extension ffu.",
						PQdb(peer->conn)),
			   "Name the primary of this server, or another standby, and this database.");
	if (strcmp(value, target->version) != 0)
		refuse(psprintf("Its database has version %s of ffu, and this database has version %s.",
						ffu_connection_said(value), target->version),
			   "Bring both to the same version first.");
	value = value_of(answer(peer,
							PQsendQueryParams(peer->conn,
											  "SELECT ffu._is_root($1::text)",
											  1, NULL, values, NULL, NULL, 0)));
	if (value == NULL || strcmp(value, "t") != 0)
		refuse(psprintf("Its database \"%s\" has files of another root.",
						PQdb(peer->conn)),
			   "Name the primary of this server, or another standby, and this database.");
}

/*
 * Prepare a statement.
 */
static void
prepare(FfuPeer *peer, const char *name, const char *query)
{
	(void) answer(peer, PQsendPrepare(peer->conn, name, query, 0, NULL));
}

/*
 * Close the connection, and forget the peer.
 */
static void
close_peer(FfuPeer *peer)
{
	ffu_connection_close(peer);
	pfree(peer);
}

/*
 * Connect, and check the other server.
 */
static FfuPeer *
open_peer(const FfuPeerTarget *target)
{
	FfuPeer    *peer = palloc0(sizeof(FfuPeer));

	PG_TRY();
	{
		ffu_connection_open(peer, target);
		check_root(peer, target);
		prepare(peer, READ, READ_QUERY);
		prepare(peer, DIGEST, DIGEST_QUERY);
	}
	PG_CATCH();
	{
		close_peer(peer);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return peer;
}

/*
 * Ask for a file.  Its pieces come a row at a time, so that libpq holds one.
 */
static void
ask(FfuPeer *peer, const char *path)
{
	check_sent(peer, PQsendQueryPrepared(peer->conn, READ, 1, &path, NULL, NULL,
										 1));
	check_sent(peer, PQsetSingleRowMode(peer->conn));
}

/*
 * Read the next piece; see FfuPeerMethods.
 */
static bool
read_piece(FfuPeer *peer, const char **data, size_t *len, char **why)
{
	PGresult   *result;

	*why = NULL;
	while ((result = ffu_connection_result(peer)) != NULL)
	{
		ffu_connection_check(peer, result);
		switch (PQresultStatus(result))
		{
			case PGRES_SINGLE_TUPLE:
				*data = PQgetvalue(result, 0, 0);
				*len = PQgetlength(result, 0, 0);
				return true;
			case PGRES_TUPLES_OK:
				break;
			default:
				*why = reason(result);
				break;
		}
	}
	return false;
}

/*
 * Ask for the digest of a file; see FfuPeerMethods.
 */
static bool
digest(FfuPeer *peer, const char *path, char *sha256, char **why)
{
	PGresult   *result;
	const char *value;

	check_sent(peer, PQsendQueryPrepared(peer->conn, DIGEST, 1, &path, NULL,
										 NULL, 0));
	check_sent(peer, PQsetSingleRowMode(peer->conn));
	result = ffu_connection_row(peer);
	if (PQresultStatus(result) != PGRES_SINGLE_TUPLE &&
		PQresultStatus(result) != PGRES_TUPLES_OK)
	{
		*why = reason(result);
		return false;
	}
	value = value_of(result);
	strlcpy(sha256, value ? value : "", FFU_SHA256_HEX_LEN + 1);
	return true;
}

static const FfuPeerMethods methods = {
	FFU_PEER_VERSION,
	open_peer,
	ask,
	read_piece,
	digest,
	close_peer
};

/*
 * Return the table.  The library ffu calls this when a session fetches files.
 */
const FfuPeerMethods *
ffu_peer_methods(void)
{
	return &methods;
}
