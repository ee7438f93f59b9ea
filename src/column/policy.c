/*-------------------------------------------------------------------------
 *
 * policy.c
 *	  What a file column accepts: size, extension, type and content of a file.
 *
 * The policy is an argument of the column's BEFORE trigger, read by
 * declaration.c.  The values that a client may assign are in value.c.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "utils/rel.h"

#include "base/error.h"
#include "base/settings.h"
#include "column/column.h"
#include "column/policy.h"
#include "text/mime.h"

/*
 * Convert a list to a text for a message: "mp4, mov".  The result is palloc'd.
 */
static char *
words_to_text(const FfuWords *words)
{
	StringInfoData buf;
	int			i;

	initStringInfo(&buf);
	for (i = 0; i < words->n; i++)
		appendStringInfo(&buf, "%s%s", i ? ", " : "", words->words[i]);
	return buf.data;
}

/*
 * Tell whether a list has the word, or "*".
 */
static bool
has_word(const FfuWords *words, const char *word)
{
	int			i;

	for (i = 0; i < words->n; i++)
	{
		if (strcmp(words->words[i], word) == 0 ||
			strcmp(words->words[i], "*") == 0)
			return true;
	}
	return false;
}

/*
 * Tell whether a list of MIME types accepts a type.  "image/" followed by "*"
 * accepts every image; "*", alone or twice with a slash, accepts every type.
 */
static bool
has_mime_type(const char *mime_type, const void *arg)
{
	const FfuWords *words = arg;
	int			i;

	for (i = 0; i < words->n; i++)
	{
		const char *word = words->words[i];
		size_t		len = strlen(word);

		if (strcmp(word, "*/*") == 0 ||
			(len > 2 && strcmp(word + len - 2, "/*") == 0 &&
			 strncmp(word, mime_type, len - 1) == 0))
			return true;
	}
	return has_word(words, mime_type);
}

/*
 * Raise 23514 if the column does not allow a size.  at_least tells that more
 * bytes may follow.
 */
void
ffu_policy_check_size(Relation rel, const FfuColumn *column, int64 size,
					  bool at_least)
{
	if (column->max_size < 0 || size <= column->max_size)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("file is too large for column \"%s\"",
					ffu_column_name(rel, column)),
			 errdetail("It has %s" INT64_FORMAT " bytes; at most " INT64_FORMAT " are allowed.",
					   at_least ? "at least " : "", size, column->max_size),
			 errhint("Store a smaller file, or raise max_size with ffu.alter_column."),
			 ffu_err_column(rel, column->attnum, FFU_CONSTRAINT_SIZE)));
}

/*
 * Tell whether the column, or else the database, allows an extension.
 */
static bool
allows_extension(const FfuColumn *column, const char *ext)
{
	return column->allowed_extensions.given ?
		has_word(&column->allowed_extensions, ext) :
		ffu_setting_extension_allowed(ext);
}

/*
 * Set ext for a file without an extension: to the first allowed extension that
 * libmagic knows for the type.  If no extension is allowed, leave ext
 * unchanged.
 */
void
ffu_policy_choose_extension(const FfuColumn *column, const FfuMime *mime,
							char *ext)
{
	const char *p = mime->extensions;

	while (*p && !allows_extension(column, ext))
	{
		char		next[FFU_EXT_MAX + 1];
		size_t		len = strcspn(p, "/");

		if (len <= FFU_EXT_MAX)
		{
			memcpy(next, p, len);
			next[len] = '\0';
			if (allows_extension(column, next))
				memcpy(ext, next, len + 1);
		}
		p += len;
		p += strspn(p, "/");
	}
}

/*
 * Raise 23514 if neither column nor database allows an extension.
 */
static void
check_extension(Relation rel, const FfuColumn *column, const char *ext)
{
	const FfuWords *words = &column->allowed_extensions;
	const char *allowed;

	if (allows_extension(column, ext))
		return;
	allowed = words->given ? words_to_text(words) : ffu_setting_allowed_extensions;
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 *ext ?
			 errmsg("extension \"%s\" is not allowed in column \"%s\"", ext,
					ffu_column_name(rel, column)) :
			 errmsg("a file without an extension is not allowed in column \"%s\"",
					ffu_column_name(rel, column)),
			 errdetail("Allowed are: %s.", *allowed ? allowed : "none"),
			 words->given ?
			 errhint("Store another kind of file, or change allowed_extensions with ffu.alter_column.") :
			 errhint("Store another kind of file, or give the column its own allowed_extensions with ffu.alter_column."),
			 ffu_err_column(rel, column->attnum, FFU_CONSTRAINT_EXTENSION)));
}

/*
 * Raise 23514 if the file cannot have any type that the column allows.
 */
static void
check_mime_type(Relation rel, const FfuColumn *column, const FfuMime *mime,
				const char *ext)
{
	const FfuWords *words = &column->allowed_mime_types;
	const char *mime_type = mime->mime_type;

	if (!words->given || ffu_mime_may_be(mime, ext, has_mime_type, words))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("files of type %s are not allowed in column \"%s\"",
					mime_type, ffu_column_name(rel, column)),
			 errdetail("The type was found in the content. Allowed are: %s.",
					   words->n ? words_to_text(words) : "none"),
			 errhint("Store another kind of file, or change allowed_mime_types with ffu.alter_column."),
			 ffu_err_column(rel, column->attnum, FFU_CONSTRAINT_MIME)));
}

/*
 * Raise 23514, or warn, if the extension contradicts the content.
 */
static void
check_content(Relation rel, const FfuColumn *column, const FfuMime *mime,
			  const char *ext)
{
	int			check = column->content_check >= 0 ? column->content_check :
	ffu_setting_content_check;

	if (check == FFU_CONTENT_OFF || ffu_mime_fits(mime, ext))
		return;
	ereport(check == FFU_CONTENT_WARNING ? WARNING : ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("file for column \"%s\" is not what its name says",
					ffu_column_name(rel, column)),
			 errdetail("Its extension is \"%s\", but its content is %s.",
					   ext, mime->mime_type),
			 errhint("Give the file the extension of its content%s%s.",
					 *mime->extension ? ", such as " : "",
					 mime->extension),
			 ffu_err_column(rel, column->attnum, FFU_CONSTRAINT_CONTENT)));
}

/*
 * Raise 23514 if the column's policy does not allow a file with the extension
 * ext.
 */
void
ffu_policy_check(Relation rel, const FfuColumn *column,
				 const FfuFacts *facts, const char *ext)
{
	ffu_policy_check_size(rel, column, facts->size, false);
	check_extension(rel, column, ext);
	check_mime_type(rel, column, facts->mime, ext);
	check_content(rel, column, facts->mime, ext);
}
