/*-------------------------------------------------------------------------
 *
 * mime.c
 *	  The type of a file by its bytes, with libmagic.
 *
 * This file has the backend's only libmagic handle, and decides which names
 * and which policies fit which content.  mime_types.c has ffu's knowledge of
 * file types beyond libmagic, and evidence.c examines the bytes.  Columns and
 * the origin of the bytes belong to other files.
 *
 * libmagic answers with a mime type or with a list of extensions, not with
 * both at once, and each answer costs 10 us (images) to 2 ms (long texts).  So
 * the table of types holds the lists of the common types, as in the database
 * of libmagic 5.44, if a list does not depend on the bytes or adds nothing to
 * the extensions of the family; ffu calls libmagic twice only for other types.
 * By experiment, no flag of libmagic makes libmagic faster without changing
 * answers, and only two parameters do (below).
 *
 * libmagic reads $MAGIC or ~/.magic of the server's user if these exist, else
 * the system's database.  libmagic maps the database read-only, so backends
 * share the memory.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <errno.h>
#include <locale.h>
#include <magic.h>
#include <unistd.h>

#include "miscadmin.h"

#include "text/evidence.h"
#include "text/mime.h"
#include "text/mime_types.h"

/*
 * No child process to look into compressed files, and no second reading of ELF
 * headers.  Today's libmagic does neither for bytes in memory; the flags keep
 * a later libmagic from starting to.
 */
#define MAGIC_FLAGS	(MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_ELF)

/*
 * The oldest libmagic, as magic_version() counts.  The table of types and the
 * limits below were made for libmagic 5.39 and later.
 */
#define MAGIC_OLDEST	539
#if !defined(MAGIC_VERSION) || MAGIC_VERSION < MAGIC_OLDEST
#error "ffu needs libmagic 5.39 or later: install a newer libmagic-dev (file-devel, file-dev)"
#endif

/* What an administrator does if libmagic or its database cannot be used */
#define MAGIC_HINT	"Install libmagic 5.39 or later with its database magic.mgc (package libmagic-mgc of Debian, file-libs of RPM systems, libmagic of Alpine). If the environment variable MAGIC of the server is set, it must name that file."

/*
 * Number of bytes that libmagic reads to recognize a text and its encoding.
 * This step, and the regular expressions tried on the text, are most of the
 * cost of a file.  With libmagic's default of 65536 a long text costs twice as
 * much, a picture nearly so, and no file gets another answer; with 4096 some
 * files do (script/soak types compares the answers).
 */
#define ENCODING_BYTES	16384

/*
 * libmagic tries a regular expression at the beginning of each line of the
 * first 8192 bytes, so time grows with the number of lines times the number of
 * bytes.  A megabyte of line feeds took 0.2 s on a machine where no other text
 * takes 0.05 s.  For a text with more than DENSE_LINES lines at the beginning,
 * regular expressions see REGEX_BYTES_DENSE bytes only.
 */
#define REGEX_BYTES			8192
#define REGEX_BYTES_DENSE	2048
#define DENSE_LINES			2048

/* The type of bytes that libmagic does not recognize */
#define UNKNOWN_TYPE	"application/octet-stream"

/* libmagic's answer for a type without a list of extensions */
#define NO_OPINION		"???"

/*
 * The handle and its locale, created once per process and never freed.  A
 * handle caches every regular expression that was compiled (3 to 5 ms of work
 * for the first text file), so a process has only one handle.
 */
static magic_t magic_handle = NULL;
static locale_t magic_locale = (locale_t) 0;

static bool load_database(char *why, size_t why_size);
static void ask_magic(int flags, const void *data, size_t len,
					  char *answer, size_t answer_size);
static void clean_mime_type(char *mime_type);
static void clean_extensions(char *extensions);
static void first_extension(const char *extensions, char *extension);
static bool fits_unknown_type(const FfuMime *mime, const char *ext);

/*
 * Limit regular expressions for bytes with very many lines.  The limit depends
 * on these bytes alone, so that the same bytes always get the same answer.
 * Raise no error.
 */
static void
limit_regex(const char *data, size_t len)
{
	size_t		regex_bytes = REGEX_BYTES;
	int			lines = 0;

	len = Min(len, ENCODING_BYTES);
	for (size_t i = 0; i < len; i++)
		lines += data[i] == '\n';
	if (lines > DENSE_LINES)
	{
		regex_bytes = REGEX_BYTES_DENSE;
		ereport(DEBUG1,
				(errmsg_internal("libmagic tries regular expressions on %zu bytes only",
								 regex_bytes)));
	}
#ifdef MAGIC_PARAM_REGEX_MAX
	(void) magic_setparam(magic_handle, MAGIC_PARAM_REGEX_MAX, &regex_bytes);
#endif
}

/*
 * Ask libmagic for the type of some bytes.  If libmagic fails, the type is
 * application/octet-stream.  libmagic has no type for some zip files, and 5.46
 * for no plain zip file.
 */
static void
ask_type(const char *data, size_t len, FfuMime *mime)
{
	limit_regex(data, len);
	ask_magic(MAGIC_MIME_TYPE, data, len,
			  mime->mime_type, sizeof(mime->mime_type));
	clean_mime_type(mime->mime_type);
	if (strcmp(mime->mime_type, UNKNOWN_TYPE) == 0 &&
		len >= 4 && memcmp(data, "PK\3\4", 4) == 0)
		strlcpy(mime->mime_type, "application/zip", sizeof(mime->mime_type));
}

/*
 * Set the extensions for the type, from the table of types or from libmagic.
 */
static void
ask_extensions(const char *data, size_t len, FfuMime *mime)
{
	const FfuMimeType *type = ffu_mime_type_find(mime->mime_type);

	if (type != NULL && type->extensions != NULL)
		strlcpy(mime->extensions, type->extensions, sizeof(mime->extensions));
	else
	{
		ask_magic(MAGIC_EXTENSION, data, len,
				  mime->extensions, sizeof(mime->extensions));
		clean_extensions(mime->extensions);
	}

	first_extension(mime->extensions, mime->extension);
	if (mime->extension[0] == '\0' && type != NULL && type->extension != NULL)
		strlcpy(mime->extension, type->extension, sizeof(mime->extension));
}

/* The file whose type is asked for */
typedef struct File
{
	FfuReadPiece read;			/* NULL: only the first bytes are known */
	void	   *arg;
} File;

/*
 * Read a piece of the file; see FfuReadPiece.
 */
static size_t
read_piece(const File *file, int64 offset, char *buf, size_t len)
{
	return file->read ? file->read(file->arg, buf, len, offset) : 0;
}

/*
 * Ask libmagic again if the head as a whole does not tell the type: about the
 * beginning of a page that has control characters later on or is a zip file at
 * its end, about the bytes behind a long ID3 tag, and about the directory of a
 * compound file.
 */
static void
look_further(const FfuBytes *bytes, const File *file, FfuMime *mime)
{
	int64		sound = ffu_evidence_after_id3(bytes);
	int64		directory = 0;
	const FfuMimeType *type = ffu_mime_type_find(mime->mime_type);
	const char *ole_type;
	char	   *piece;
	size_t		len = 0;

	if (type == NULL || type->family != FFU_FAMILY_TEXT)
		len = ffu_evidence_markup(bytes);
	if (len > 0)
		ask_type(bytes->head, len, mime);

	if (type == NULL || type->family == FFU_FAMILY_NONE ||
		strcmp(mime->mime_type, "application/x-ole-storage") == 0 ||
		strncmp(mime->mime_type, "application/cdfv2", 17) == 0)
		directory = ffu_evidence_ole_directory(bytes);
	if (sound == 0 && directory == 0)
		return;

	piece = palloc(FFU_PIECE_BYTES);
	len = read_piece(file, sound + directory, piece, FFU_PIECE_BYTES);
	if (sound > 0 && len > 0)
		ask_type(piece, len, mime);
	if (directory > 0)
	{
		ole_type = ffu_evidence_ole_type(piece, len);
		if (ole_type != NULL)
			strlcpy(mime->mime_type, ole_type, sizeof(mime->mime_type));
	}
	pfree(piece);
}

/*
 * Find the evidence of the bytes.  Read the end of the file if the end
 * matters.
 */
static void
find_evidence(FfuBytes *bytes, const File *file, FfuMime *mime)
{
	char	   *tail = NULL;

	bytes->tail_len = Min(bytes->head_len, FFU_TAIL_BYTES);
	bytes->tail = bytes->head + bytes->head_len - bytes->tail_len;
	if (ffu_evidence_needs_tail(bytes, mime->mime_type))
	{
		bytes->tail = tail = palloc(FFU_TAIL_BYTES);
		bytes->tail_len = read_piece(file, Max(bytes->size - FFU_TAIL_BYTES, 0),
									 tail, FFU_TAIL_BYTES);
	}
	mime->evidence = ffu_evidence_find(bytes, mime->mime_type);
	if (tail)
		pfree(tail);
}

/*
 * Tell the type of a file of size bytes, without the help of a name, in every
 * locale alike.
 *
 * data points to the first len bytes, of which FFU_MAGIC_BYTES are examined.
 * If they do not tell the type, read up to two more pieces with read and arg;
 * the caller passes NULL if there are no more bytes.  Raise an error if
 * libmagic's database cannot be loaded, or if the query was cancelled
 * meanwhile.
 */
void
ffu_mime_detect(const void *data, size_t len, int64 size, FfuReadPiece read,
				void *arg, FfuMime *mime)
{
	File		file = {.read = read,.arg = arg};
	char		why[256];
	FfuBytes	bytes = {.head = data ? data : "",.size = size};

	if (!load_database(why, sizeof(why)))
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not load the database of libmagic"),
				 errdetail("libmagic reports: %s", why),
				 errhint(MAGIC_HINT)));

	bytes.head_len = data ? Min(len, FFU_MAGIC_BYTES) : 0;
	memset(mime, 0, sizeof(*mime));
	ask_type(bytes.head, bytes.head_len, mime);
	look_further(&bytes, &file, mime);
	ask_extensions(bytes.head, bytes.head_len, mime);
	find_evidence(&bytes, &file, mime);
	CHECK_FOR_INTERRUPTS();
}

/*
 * Tell whether a file of this type may have this extension.
 */
static bool
type_fits(const FfuMimeType *type, const char *ext)
{
	const FfuFamily *family = &ffu_families[type->family];

	if (type->family == FFU_FAMILY_NONE ||
		ffu_mime_list_has(family->extensions, ext))
		return true;
	if (family->closed)
		return false;
	for (int i = 0; i < FFU_FAMILY_COUNT; i++)
	{
		if (ffu_mime_list_has(ffu_families[i].extensions, ext))
			return false;
	}
	return true;
}

/* Tell whether the evidence supports an alternative under an extension. */
static bool
applies(const FfuMime *mime, const FfuAlternative *alternative,
		const char *ext)
{
	return (mime->evidence & alternative->evidence) != 0 &&
		ffu_mime_list_has(alternative->extensions, ext);
}

/*
 * Tell whether a file of this content may have this extension (lower case, no
 * dot).
 *
 * Return true also if there is nothing to compare: no extension, unknown
 * bytes, or an unknown extension with a type that is not closed.  Raise no
 * error.
 */
bool
ffu_mime_fits(const FfuMime *mime, const char *ext)
{
	const FfuMimeType *type = ffu_mime_type_find(mime->mime_type);

	if (*ext == '\0' || ffu_mime_list_has(mime->extensions, ext))
		return true;
	if (type != NULL ? type_fits(type, ext) : fits_unknown_type(mime, ext))
		return true;
	if ((mime->evidence & FFU_EVIDENCE_TEXT) != 0 &&
		type_fits(ffu_mime_type_find("text/plain"), ext))
		return true;
	for (int i = 0; i < ffu_alternative_count; i++)
	{
		if (applies(mime, &ffu_alternatives[i], ext))
			return true;
	}
	return false;
}

/*
 * Tell whether accepts takes the type or a synonym of the type.  accepts is
 * called with one name at a time, and with arg.
 */
static bool
any_name(const char *mime_type, FfuMimeAccepts accepts, const void *arg)
{
	const char *p = ffu_mime_type_synonyms(mime_type);
	char		name[FFU_MIME_MAX + 1];

	if (accepts(mime_type, arg))
		return true;
	while (*p != '\0')
	{
		size_t		len = strcspn(p, " ");

		Assert(len <= FFU_MIME_MAX);
		memcpy(name, p, len);
		name[len] = '\0';
		if (accepts(name, arg))
			return true;
		p += len;
		p += strspn(p, " ");
	}
	return false;
}

/*
 * Tell whether the file is a text, by evidence and extension, although
 * libmagic found the signature of another format.
 */
static bool
is_only_text(const FfuMime *mime, const char *ext)
{
	const FfuMimeType *type = ffu_mime_type_find(mime->mime_type);

	return (mime->evidence & FFU_EVIDENCE_TEXT) != 0 &&
		(type == NULL || type->family != FFU_FAMILY_TEXT) &&
		ffu_mime_list_has(ffu_families[FFU_FAMILY_TEXT].extensions, ext);
}

/*
 * Tell whether a file of this content, under this extension, may be of a type
 * that accepts takes.  Raise no error unless accepts does.
 */
bool
ffu_mime_may_be(const FfuMime *mime, const char *ext, FfuMimeAccepts accepts,
				const void *arg)
{
	if (!is_only_text(mime, ext) && any_name(mime->mime_type, accepts, arg))
		return true;
	for (int i = 0; i < ffu_alternative_count; i++)
	{
		if (applies(mime, &ffu_alternatives[i], ext) &&
			any_name(ffu_alternatives[i].mime_type, accepts, arg))
			return true;
	}
	return false;
}

/*
 * Load the database now, and let libmagic compile its expressions for text, so
 * that forked processes share the work.  Raise no error: after a failure here,
 * the first ffu_mime_detect() tries again and reports the failure.
 */
void
ffu_mime_preload(void)
{
	static const char text[] = "ffu\nis\nwarm\n";
	char		why[256];
	char		answer[FFU_MIME_MAX + 1];

	if (!load_database(why, sizeof(why)))
	{
		ereport(WARNING,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not load the database of libmagic"),
				 errdetail("libmagic reports: %s", why),
				 errhint(MAGIC_HINT)));
		return;
	}
	ask_magic(MAGIC_MIME_TYPE, text, sizeof(text) - 1, answer, sizeof(answer));
}

/*
 * Create magic_handle on the first call.
 *
 * On failure return false with the reason in why (why_size bytes), and hold no
 * resources.  Raise no error.
 */
static bool
load_database(char *why, size_t why_size)
{
	magic_t		handle;
	const char *reason;

	if (magic_handle != NULL)
		return true;

	if (magic_version() < MAGIC_OLDEST)
	{
		snprintf(why, why_size, "version %d.%02d",
				 magic_version() / 100, magic_version() % 100);
		return false;
	}
	handle = magic_open(MAGIC_FLAGS);
	if (handle == NULL)
	{
		strlcpy(why, strerror(errno), why_size);
		return false;
	}
	if (magic_load(handle, NULL) != 0)
	{
		reason = magic_error(handle);
		strlcpy(why, reason != NULL ? reason : "no reason", why_size);
		magic_close(handle);
		return false;
	}

#ifdef MAGIC_PARAM_ENCODING_MAX
	{
		size_t		encoding_bytes = ENCODING_BYTES;

		(void) magic_setparam(handle, MAGIC_PARAM_ENCODING_MAX,
							  &encoding_bytes);
	}
#endif

	/* Without this locale, answers may depend on lc_ctype; not an error. */
	magic_locale = newlocale(LC_ALL_MASK, "C", (locale_t) 0);
	magic_handle = handle;
	return true;
}

/*
 * Ask libmagic about some bytes and copy the answer, "" if libmagic fails.
 *
 * libmagic classifies characters with isspace() and tolower(), and prints with
 * isprint(), so the call runs in the C locale, whatever the database's locale.
 * No code here may raise an error, or the locale would stay.
 */
static void
ask_magic(int flags, const void *data, size_t len,
		  char *answer, size_t answer_size)
{
	locale_t	before = uselocale(magic_locale);
	const char *said;

	magic_setflags(magic_handle, MAGIC_FLAGS | flags);
	said = magic_buffer(magic_handle, data, len);
	strlcpy(answer, said != NULL ? said : "", answer_size);
	uselocale(before);
}

/*
 * Turn libmagic's answer into a well-formed type in lower case.  The answer
 * contains one type, ended by any character outside of types; another answer
 * becomes the unknown type.
 */
static void
clean_mime_type(char *mime_type)
{
	char	   *p;
	int			slashes = 0;

	for (p = mime_type; *p != '\0'; p++)
	{
		if (*p >= 'A' && *p <= 'Z')
			*p += 'a' - 'A';
		if (*p == '/')
			slashes++;
		else if (!(*p >= 'a' && *p <= 'z') && !(*p >= '0' && *p <= '9') &&
				 strchr("!#$&^_.+-", *p) == NULL)
			break;
	}
	*p = '\0';

	if (slashes != 1 || mime_type[0] == '/' || p[-1] == '/')
		strlcpy(mime_type, UNKNOWN_TYPE, FFU_MIME_MAX + 1);
}

/*
 * Turn libmagic's answer into a list of extensions in lower case.  Drop words
 * that cannot be extensions in ffu ("_" for "the last letter replaced").
 */
static void
clean_extensions(char *extensions)
{
	char	   *from = extensions;
	char	   *to = extensions;

	if (strcmp(extensions, NO_OPINION) == 0)
		*from = '\0';

	while (*from != '\0')
	{
		char	   *word = to;
		bool		valid = true;

		for (; *from != '\0' && *from != '/'; from++)
		{
			*to = (*from >= 'A' && *from <= 'Z') ? *from + 'a' - 'A' : *from;
			if (!(*to >= 'a' && *to <= 'z') && !(*to >= '0' && *to <= '9'))
				valid = false;
			to++;
		}
		if (!valid || to == word || to - word > FFU_EXT_MAX)
			to = word;
		else if (*from == '/')
			*to++ = '/';
		if (*from == '/')
			from++;
	}
	if (to > extensions && to[-1] == '/')
		to--;
	*to = '\0';
}

/*
 * Copy the first word of a clean list into extension[FFU_EXT_MAX + 1], or ""
 * from an empty list.
 */
static void
first_extension(const char *extensions, char *extension)
{
	size_t		len = strcspn(extensions, "/");

	Assert(len <= FFU_EXT_MAX);
	memcpy(extension, extensions, len);
	extension[len] = '\0';
}

/*
 * ffu_mime_fits() for a type outside the table of types, and an extension that
 * is not in libmagic's list.
 *
 * The name is wrong if the extension belongs to another family, unless the
 * family also has types of this top level and libmagic has no list.  An
 * extension of the text family proves nothing: libmagic takes some texts for
 * other types.
 */
static bool
fits_unknown_type(const FfuMime *mime, const char *ext)
{
	size_t		media_len = strcspn(mime->mime_type, "/");
	char		media[FFU_MIME_MAX + 1];
	bool		claimed = false;

	memcpy(media, mime->mime_type, media_len);
	media[media_len] = '\0';
	for (int i = FFU_FAMILY_TEXT + 1; i < FFU_FAMILY_COUNT; i++)
	{
		if (!ffu_mime_list_has(ffu_families[i].extensions, ext))
			continue;
		if (mime->extensions[0] == '\0' &&
			ffu_mime_list_has(ffu_families[i].media, media))
			return true;
		claimed = true;
	}
	return !claimed;
}
