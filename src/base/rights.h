/*-------------------------------------------------------------------------
 *
 * rights.h
 *	  Work with the rights of a table's owner.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_RIGHTS_H
#define FFU_RIGHTS_H

#include "base/ffu.h"

/* State for ffu_rights_back() to restore */
typedef struct FfuRights
{
	bool		switched;
	Oid			user;
	int			context;
	int			nest;			/* nest level of settings */
} FfuRights;

extern Oid	ffu_rights_owner(Oid relid);
extern void ffu_rights_set(const char *name, const char *value);
extern int	ffu_rights_settings(void);
extern void ffu_rights_switch(Oid relid, FfuRights *saved);
extern void ffu_rights_become(Oid relid, FfuRights *saved);
extern void ffu_rights_back(const FfuRights *saved);

#endif							/* FFU_RIGHTS_H */
