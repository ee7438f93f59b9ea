/*-------------------------------------------------------------------------
 *
 * credentials.h
 *	  The file with the keys of object stores.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_CREDENTIALS_H
#define FFU_CREDENTIALS_H

#include "base/ffu.h"

/* One profile of the file; a text is "" if the profile does not have it */
typedef struct FfuCredentials
{
	char		key_id[257];
	char		secret[257];
	char		token[4097];
} FfuCredentials;

/* Result of ffu_credentials_parse() */
typedef enum FfuCredentialsFound
{
	FFU_CREDENTIALS_FOUND,
	FFU_CREDENTIALS_NO_PROFILE,
	FFU_CREDENTIALS_NO_KEY,		/* the profile has no key id or no secret */
	FFU_CREDENTIALS_TOO_LONG	/* a value does not fit */
} FfuCredentialsFound;

extern FfuCredentialsFound ffu_credentials_parse(const char *text,
												 const char *profile,
												 FfuCredentials *found);
extern const FfuCredentials *ffu_credentials_read(const char *file,
												  const char *profile);

#endif							/* FFU_CREDENTIALS_H */
