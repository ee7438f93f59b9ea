/*-------------------------------------------------------------------------
 *
 * connection.h
 *	  Connections to another server.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_CONNECTION_H
#define FFU_CONNECTION_H

#include <libpq-fe.h>

#include "base/ffu.h"

#include "store/peer.h"

struct FfuPeer
{
	PGconn	   *conn;			/* NULL if there is none */
	bool		has_slot;		/* of a descriptor, counted by the server */
	PGresult   *result;			/* the result being read, or NULL */
};

extern void ffu_connection_open(FfuPeer *peer, const FfuPeerTarget *target);
extern void ffu_connection_close(FfuPeer *peer);
extern PGresult *ffu_connection_result(FfuPeer *peer);
extern PGresult *ffu_connection_row(FfuPeer *peer);
extern void ffu_connection_check(FfuPeer *peer, const PGresult *result);
extern char *ffu_connection_said(const char *text);

#endif							/* FFU_CONNECTION_H */
