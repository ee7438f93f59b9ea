/*-------------------------------------------------------------------------
 *
 * owner.h
 *	  The text of an owner file.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_OWNER_H
#define FFU_OWNER_H

#include "base/ffu.h"

/* Size of a buffer for an owner file, far above the real size */
#define FFU_OWNER_TEXT_MAX	1024

#define FFU_MACHINE_MAX		63
#define FFU_KEY_LEN			64

/*
 * The form of .ffu/owner, and so of all that lies in .ffu.  ffu reads every
 * form up to this one, writes this one, and uses no folder of a higher one.
 */
#define FFU_OWNER_FORM		1

/* Result of ffu_owner_parse() for a higher form; no error number */
#define FFU_OWNER_NEWER		(-1)
#define FFU_OWNER_NEWER_HINT \
	"Install the version of ffu that has used the folder, or a later version."

/* The owner of a root: the content of .ffu/owner */
typedef struct FfuOwner
{
	uint64		form;			/* FFU_OWNER_FORM, or a form that was read */
	char		root_id[FFU_ROOT_ID_LEN + 1];
	uint64		system_identifier;
	Oid			database;
	char		machine[FFU_MACHINE_MAX + 1];	/* the host's machine-id */
	uint64		control_inode;	/* inode of global/pg_control */
	uint64		folder_inode;	/* inode of the root, different in a copy */
	char		key[FFU_KEY_LEN + 1];	/* for the proofs in paths; "" without
										 * a key */
} FfuOwner;

extern int	ffu_owner_parse(const char *text, FfuOwner *owner);
extern void ffu_owner_write(char *text, const FfuOwner *owner);

#endif							/* FFU_OWNER_H */
