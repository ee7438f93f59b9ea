/*-------------------------------------------------------------------------
 *
 * secret.h
 *	  The secrets of signed URLs.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_SECRET_H
#define FFU_SECRET_H

#include "base/ffu.h"

#define FFU_SECRET_MAX		127

typedef struct FfuSecret
{
	int32		number;
	char		secret[FFU_SECRET_MAX + 1];
} FfuSecret;

extern void ffu_secret_for_signing(FfuSecret *secret);
extern bool ffu_secret_numbered(int32 number, FfuSecret *secret);

#endif							/* FFU_SECRET_H */
