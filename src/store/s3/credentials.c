/*-------------------------------------------------------------------------
 *
 * credentials.c
 *	  The file with the keys of object stores.
 *
 * The file has the format of AWS's own tools: sections of lines "name =
 * value", each section under the name of a profile in brackets.  A key in SQL
 * would end in logs, dumps and statistics; a file does not.  A session reads
 * the file again when the file has changed, so that keys can be replaced at
 * any time.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/fd.h"
#include "utils/timestamp.h"

#include "store/s3/credentials.h"

/* Size of the largest file that is read, far above any real size */
#define FILE_MAX	(64 * 1024)

/* The profile that was read last, and the state of the file then */
static struct
{
	bool		valid;
	char		file[MAXPGPATH];
	char		profile[128];
	struct stat st;
	TimestampTz looked;			/* when the file was last looked at */
	FfuCredentials found;
}			last;

/*
 * Cut blanks off both ends of [*start, end), and return the length left.
 */
static size_t
trim(const char **start, const char *end)
{
	while (*start < end && isspace((unsigned char) **start))
		(*start)++;
	while (end > *start && isspace((unsigned char) end[-1]))
		end--;
	return end - *start;
}

/*
 * Tell whether the len bytes at text are the word.
 */
static bool
is_word(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(text, word, len) == 0;
}

/*
 * Copy a value to out, a buffer of size bytes.  Return false if the value does
 * not fit.
 */
static bool
take(char *out, size_t size, const char *value, size_t len)
{
	if (len >= size)
		return false;
	memcpy(out, value, len);
	out[len] = '\0';
	return true;
}

/*
 * Read the line [line, end) of the wanted profile.  Other names mean nothing
 * to ffu.  Return false if a value does not fit.
 */
static bool
read_value(const char *line, const char *end, FfuCredentials *found)
{
	const char *equals = memchr(line, '=', end - line);
	const char *value;
	size_t		name_len;
	size_t		len;

	if (equals == NULL)
		return true;
	name_len = trim(&line, equals);
	value = equals + 1;
	len = trim(&value, end);
	if (is_word(line, name_len, "aws_access_key_id"))
		return take(found->key_id, sizeof(found->key_id), value, len);
	if (is_word(line, name_len, "aws_secret_access_key"))
		return take(found->secret, sizeof(found->secret), value, len);
	if (is_word(line, name_len, "aws_session_token"))
		return take(found->token, sizeof(found->token), value, len);
	return true;
}

/*
 * Find a profile in the text of a credentials file.  Raise no error.
 */
FfuCredentialsFound
ffu_credentials_parse(const char *content, const char *profile,
					  FfuCredentials *found)
{
	bool		inside = false;
	bool		seen = false;
	const char *next;

	memset(found, 0, sizeof(FfuCredentials));
	for (; *content; content = next)
	{
		const char *line = content;
		const char *end = content + strcspn(content, "\n");
		size_t		len;

		next = *end ? end + 1 : end;
		len = trim(&line, end);
		if (len == 0 || *line == '#' || *line == ';')
			continue;
		if (*line == '[' && line[len - 1] == ']')
		{
			const char *name = line + 1;
			size_t		name_len = trim(&name, line + len - 1);

			inside = is_word(name, name_len, profile);
			seen |= inside;
		}
		else if (inside && !read_value(line, line + len, found))
			return FFU_CREDENTIALS_TOO_LONG;
	}
	if (!seen)
		return FFU_CREDENTIALS_NO_PROFILE;
	return found->key_id[0] && found->secret[0] ?
		FFU_CREDENTIALS_FOUND : FFU_CREDENTIALS_NO_KEY;
}

/*
 * Raise 55000 for a file that others could read or write.
 */
static void
require_private(const char *file, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("credentials file \"%s\" is not a regular file", file),
				 errdetail("ffu reads the keys of object stores from this file."),
				 errhint("Set ffu.credentials_file to the path of a file.")));
	if (st->st_uid != geteuid() || (st->st_mode & (S_IRWXG | S_IRWXO)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("credentials file \"%s\" is open to others", file),
				 errdetail("The file belongs to user %u and has mode %04o.",
						   (unsigned) st->st_uid,
						   (unsigned) (st->st_mode & 07777)),
				 errhint("Give the file to the operating system user of the server, with mode 0600.")));
}

/*
 * Raise an error: the file could not be opened or read.
 */
static void
refuse_file(const char *file)
{
	bool		is_setup = errno == ENOENT || errno == EACCES ||
	errno == ENOTDIR;

	ereport(ERROR,
			(errcode(is_setup ? ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE :
					 ERRCODE_IO_ERROR),
			 errmsg("could not read credentials file \"%s\": %m", file),
			 errdetail("ffu reads the keys of object stores from this file."),
			 errhint("Make the file, with mode 0600 and for the operating system user of the server, or set ffu.credentials_file to another path.")));
}

/*
 * Read the open file into a palloc'd content, and set *st to its state.
 */
static char *
read_text(int fd, const char *file, struct stat *st)
{
	char	   *content;
	ssize_t		len;

	if (fstat(fd, st) != 0)
		refuse_file(file);
	require_private(file, st);
	content = palloc(FILE_MAX + 1);
	len = read(fd, content, FILE_MAX);
	if (len < 0)
		refuse_file(file);
	content[len] = '\0';
	return content;
}

/*
 * Raise 55000: the file has no keys for the profile.
 */
static void
refuse_profile(FfuCredentialsFound result, const char *file,
			   const char *profile)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("credentials file \"%s\" has no keys for profile \"%s\"",
					file, profile),
			 result == FFU_CREDENTIALS_NO_PROFILE ?
			 errdetail("No line of the file is [%s].", profile) :
			 result == FFU_CREDENTIALS_NO_KEY ?
			 errdetail("The profile needs aws_access_key_id and aws_secret_access_key.") :
			 errdetail("A value of the profile is too long."),
			 errhint("Write the profile into the file in the format of AWS's tools; ffu reads the file again when it has changed.")));
}

/*
 * Is the file as it was when the session read it?
 */
static bool
is_same_file(const char *file)
{
	struct stat st;

	return stat(file, &st) == 0 &&
		st.st_ino == last.st.st_ino && st.st_dev == last.st.st_dev &&
		st.st_size == last.st.st_size && st.st_mode == last.st.st_mode &&
		st.st_uid == last.st.st_uid &&
		st.st_mtim.tv_sec == last.st.st_mtim.tv_sec &&
		st.st_mtim.tv_nsec == last.st.st_mtim.tv_nsec &&
		st.st_ctim.tv_sec == last.st.st_ctim.tv_sec &&
		st.st_ctim.tv_nsec == last.st.st_ctim.tv_nsec;
}

/*
 * May the session use the keys of this profile that it has read?  Look at the
 * file once a second: a statement may sign a URL for each of many rows.
 */
static bool
is_unchanged(const char *file, const char *profile)
{
	TimestampTz now = GetCurrentTimestamp();

	if (!last.valid || strcmp(last.file, file) != 0 ||
		strcmp(last.profile, profile) != 0)
		return false;
	if (now >= last.looked && now - last.looked < USECS_PER_SEC)
		return true;
	if (!is_same_file(file))
		return false;
	last.looked = now;
	return true;
}

/*
 * Return the keys of a profile.  Raise 55000 if the file does not have them or
 * is open to others.  The result is valid until the next call.
 */
const FfuCredentials *
ffu_credentials_read(const char *file, const char *profile)
{
	FfuCredentialsFound result;
	char	   *content;
	int			fd;

	if (is_unchanged(file, profile))
		return &last.found;
	last.valid = false;
	fd = OpenTransientFile(file, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		refuse_file(file);
	content = read_text(fd, file, &last.st);
	CloseTransientFile(fd);
	result = ffu_credentials_parse(content, profile, &last.found);
	explicit_bzero(content, strlen(content));
	pfree(content);
	if (result != FFU_CREDENTIALS_FOUND)
		refuse_profile(result, file, profile);
	last.looked = GetCurrentTimestamp();
	last.valid = strlcpy(last.file, file, sizeof(last.file)) <
		sizeof(last.file) &&
		strlcpy(last.profile, profile, sizeof(last.profile)) <
		sizeof(last.profile);
	return &last.found;
}
