/*-------------------------------------------------------------------------
 *
 * upload_text.c
 *	  The text that stands for an upload in SQL: upload:fxid.n.secret.
 *
 * ffu.file() returns this text, and the BEFORE trigger of a file column finds
 * the upload of the text again.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/transam.h"
#include "access/xact.h"

#include "base/error.h"
#include "text/path.h"
#include "text/token.h"
#include "transaction/pending.h"
#include "upload/upload.h"

/* Hexadecimal digits of the secret in an upload's text */
#define SECRET_DIGITS	16

/*
 * Return the text of an upload for SQL, palloc'd: a number and a secret.  Code
 * of other roles can run in the same transaction, such as the triggers of a
 * table.  Without the secret this code could guess a number, and read or change
 * an upload that is not for that table.
 */
char *
ffu_upload_to_text(FfuFile *file)
{
	const FfuStaged *staged = ffu_file_staged(file);
	uint64		secret = ffu_file_secret(file);

	if (secret == 0)
	{
		while (secret == 0)
			ffu_token_random(&secret, sizeof(secret));
		ffu_file_set_secret(file, secret);
	}
	return psprintf(FFU_UPLOAD_PREFIX UINT64_FORMAT ".%u.%08x%08x",
					staged->fxid, staged->n,
					(uint32) (secret >> 32), (uint32) secret);
}

/*
 * Read the secret at the end of an upload's text.  Set *secret to 0 if the text
 * has no secret.  Return false if the text is not valid.
 */
static bool
read_secret(const char *p, uint64 *secret)
{
	static const char digits[] = "0123456789abcdef";
	int			i;

	*secret = 0;
	if (*p == '\0')
		return true;
	if (*p++ != '.' || strlen(p) != SECRET_DIGITS ||
		strspn(p, digits) != SECRET_DIGITS)
		return false;
	for (i = 0; i < SECRET_DIGITS; i++)
		*secret = *secret << 4 | (uint64) (strchr(digits, p[i]) - digits);
	return true;
}

/*
 * Find the upload for a value.  Raise 22023 if the value is not an upload's
 * text, 55000 if no upload of this transaction has this text.  rel and attnum
 * are the column for which the upload is meant; rel may be NULL.
 */
FfuFile *
ffu_upload_from_text(const char *value, Relation rel, AttrNumber attnum)
{
	size_t		prefix = strlen(FFU_UPLOAD_PREFIX);
	const char *end = NULL;
	uint64		fxid;
	uint32		n;
	uint64		secret;
	FfuFile    *file = NULL;
	bool		ours;

	if (strncmp(value, FFU_UPLOAD_PREFIX, prefix) == 0)
		end = ffu_upload_parse(value + prefix, &fxid, &n);
	if (end == NULL || !read_secret(end, &secret))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid upload: \"%s\"",
						ffu_shown(value, strlen(value))),
				 errdetail("An upload looks like \"%s1234.1.0123456789abcdef\".",
						   FFU_UPLOAD_PREFIX),
				 errhint("Pass the result of ffu.file() or ffu.upload_begin() as it is."),
				 ffu_err_column(rel, attnum, NULL)));
	ours = fxid == U64FromFullTransactionId(GetTopFullTransactionIdIfAny());
	if (ours)
		file = ffu_pending_by_number(n);
	if (file && (secret == 0 || secret != ffu_file_secret(file)))
	{
		file = NULL;
		ours = false;
	}
	if (file == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("upload \"%s\" is not available", value),
				 ours ?
				 errdetail("It was rolled back with its savepoint, or removed.") :
				 errdetail("It was made in another transaction, or that transaction has ended."),
				 errhint("Call ffu.file() or ffu.upload_begin() in the same transaction as the INSERT or UPDATE."),
				 ffu_err_column(rel, attnum, NULL)));
	return file;
}
