/*-------------------------------------------------------------------------
 *
 * server_place.h
 *	  The directories of the server itself.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_SERVER_PLACE_H
#define FFU_SERVER_PLACE_H

#include "base/ffu.h"

typedef enum FfuServerPlace
{
	FFU_SERVER_PLACE_NONE,
	FFU_SERVER_PLACE_DATA,		/* the data directory, or the directory of WAL */
	FFU_SERVER_PLACE_TABLESPACE
} FfuServerPlace;

extern bool ffu_server_place_is_in(const char *path, const char *dir,
								   bool above);
extern FfuServerPlace ffu_server_place(const char *path, bool above);

#endif							/* FFU_SERVER_PLACE_H */
