/*-------------------------------------------------------------------------
 *
 * credentials.c
 *	  Harness: the keys in a credentials file are read as they stand there.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "shim.h"

#include "store/s3/credentials.h"

/*
 * A value of the file has no blanks at its ends, no line end, and is part of
 * the text.
 */
static void
check_value(const char *text, const char *value)
{
	size_t		len = strlen(value);

	insist(strchr(value, '\n') == NULL);
	insist(strstr(text, value) != NULL);
	insist(len == 0 || (!isspace((unsigned char) value[0]) &&
						!isspace((unsigned char) value[len - 1])));
}

void
fuzz(const char *data, size_t len)
{
	FfuCredentials found;
	FfuCredentials again;
	char	   *text;

	if (ffu_credentials_parse(data, "default", &found) != FFU_CREDENTIALS_FOUND)
		return;
	insist(found.key_id[0] && found.secret[0]);
	check_value(data, found.key_id);
	check_value(data, found.secret);
	check_value(data, found.token);
	text = psprintf("# ours\n[other]\naws_access_key_id=x\n[ default ]\r\naws_access_key_id = %s\naws_secret_access_key=%s\n%s%s\n",
					found.key_id, found.secret,
					found.token[0] ? "aws_session_token =" : "", found.token);
	insist(ffu_credentials_parse(text, "default", &again) ==
		   FFU_CREDENTIALS_FOUND);
	insist(strcmp(found.key_id, again.key_id) == 0);
	insist(strcmp(found.secret, again.secret) == 0);
	insist(strcmp(found.token, again.token) == 0);
	insist(ffu_credentials_parse(text, "third", &again) ==
		   FFU_CREDENTIALS_NO_PROFILE);
}
