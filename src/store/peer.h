/*-------------------------------------------------------------------------
 *
 * peer.h
 *	  The interface of the library ffu_peer: files of another server.
 *
 * A peer is another server with the files of this database: its primary, a
 * standby.  The library is loaded by sessions that fetch files from a peer, and
 * by no others, since the library needs libpq.
 *
 * Every function may wait, raise an error and be cancelled.  What a peer says is
 * not trusted: the caller chooses the paths, and judges the bytes.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_PEER_H
#define FFU_PEER_H

#include "base/ffu.h"

/* Name of the library, and of the function that returns the table */
#define FFU_PEER_LIBRARY		"$libdir/ffu_peer"
#define FFU_PEER_FUNCTION		"ffu_peer_methods"

/* Raised when the table below changes */
#define FFU_PEER_VERSION		1

/* An open connection; only the library knows the members */
typedef struct FfuPeer FfuPeer;

/* Where to connect, and what must be there */
typedef struct FfuPeerTarget
{
	const char *conninfo;		/* a connection string of libpq */
	const char *database;		/* this database */
	bool		same_name;		/* connect to a database of this name,
								 * whatever the string says */
	const char *encoding;		/* for messages */
	const char *version;		/* of the extension */
	const char *root_id;
} FfuPeerTarget;

typedef struct FfuPeerMethods
{
	int			version;
	/* Connect, and raise an error unless the peer has the files of the root */
	FfuPeer    *(*open) (const FfuPeerTarget *target);
	/* Ask for the file of a path */
	void		(*ask) (FfuPeer *peer, const char *path);

	/*
	 * Set *data and *len to the next piece of the file, valid until the next
	 * call.  False: this was the end, or the peer cannot give the file; then
	 * *why is a sentence, palloc'd.
	 */
	bool		(*read) (FfuPeer *peer, const char **data, size_t *len,
						 char **why);

	/*
	 * Write what the peer says is the SHA-256 of a file, as hex digits.
	 * False: the peer does not say; then *why is a sentence, palloc'd.
	 */
	bool		(*digest) (FfuPeer *peer, const char *path, char *sha256,
						   char **why);
	/* Close the connection.  Raises no error. */
	void		(*close) (FfuPeer *peer);
} FfuPeerMethods;

typedef const FfuPeerMethods *(*FfuPeerFunction) (void);

#endif							/* FFU_PEER_H */
