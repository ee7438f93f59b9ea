/*-------------------------------------------------------------------------
 *
 * standby.h
 *	  Have the standbys all that this server has written?
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_STANDBY_H
#define FFU_STANDBY_H

#include "base/ffu.h"

extern bool ffu_standby_has_all(char **why);

#endif							/* FFU_STANDBY_H */
