/*-------------------------------------------------------------------------
 *
 * evidence.c
 *	  Evidence in the bytes of a file that libmagic does not report.
 *
 * libmagic decides by the first signature that matches, and some signatures
 * have only two to four letters; and by the order of a zip file's members.
 * The functions here look for more: whether the whole file is a text, which
 * members a zip file has, where a PDF header stands, whether a container has a
 * video track.
 *
 * One rule holds for all functions: content that somebody runs (mime_types.c
 * has the list) gets no evidence for anything else.  The exception is a
 * program followed by a zip file, which counts under the extension "zip" only.
 *
 * Each function reads each byte a fixed number of times, raises no error and
 * allocates no memory.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "text/evidence.h"
#include "text/mime_types.h"

/* The largest offset of a PDF header, by PDF's own rule */
#define PDF_HEADER_BYTES	1024

/* Number of bytes of a text that are searched for tags */
#define TAG_BYTES			4096

/* Lengths of the fixed parts of a zip file's records */
#define ZIP_LOCAL_LEN		30
#define ZIP_CENTRAL_LEN		46
#define ZIP_END_LEN			22

#define ID3_HEADER_LEN		10

/* A compound file: its header, and the entries of its directory */
#define OLE_HEADER_LEN		512
#define OLE_ENTRY_LEN		128

static const unsigned char ole_signature[] =
{0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1};

/* The beginning of a zip member's name tells the format. */
static const struct
{
	const char *prefix;
	int			evidence;
}			zip_members[] = {
	{"word/", FFU_EVIDENCE_WORD},
	{"xl/", FFU_EVIDENCE_SHEET},
	{"ppt/", FFU_EVIDENCE_SLIDES},
	{"content.xml", FFU_EVIDENCE_OPENDOCUMENT},
	{"META-INF/container.xml", FFU_EVIDENCE_EPUB},
};

/* The name of a stream in a compound file tells the program. */
static const struct
{
	const char *stream;
	const char *mime_type;
}			ole_streams[] = {
	{"WordDocument", "application/msword"},
	{"Workbook", "application/vnd.ms-excel"},
	{"Book", "application/vnd.ms-excel"},
	{"PowerPoint Document", "application/vnd.ms-powerpoint"},
	{"VisioDocument", "application/vnd.visio"},
	{"__nameid_version1.0", "application/vnd.ms-outlook"},
	{"__properties_version1.0", "application/vnd.ms-outlook"},
};

/* Little-endian numbers; the bytes need not be aligned. */
static inline uint32
number2(const char *p)
{
	const unsigned char *u = (const unsigned char *) p;

	return u[0] | u[1] << 8;
}

static inline uint32
number4(const char *p)
{
	return number2(p) | number2(p + 2) << 16;
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Tell whether a text of len bytes begins with a word. */
static inline bool
begins(const char *p, size_t len, const char *word)
{
	return len >= strlen(word) && memcmp(p, word, strlen(word)) == 0;
}

/* Return the number of bytes before a control character that no text has. */
static size_t
text_len(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = p[i];

		if (c == 0x7f || (c < 0x20 && (c < '\b' || c > '\r') && c != 0x1b))
			return i;
	}
	return len;
}

/* Tell whether bytes contain a tag, a comment or an instruction of markup. */
static bool
has_tags(const char *p, size_t len)
{
	len = Min(len, TAG_BYTES);
	for (size_t i = 0; i + 1 < len; i++)
	{
		char		next = p[i + 1];

		if (p[i] == '<' && (next == '!' || next == '?' || next == '/' ||
							is_letter(next)))
			return true;
	}
	return false;
}

/*
 * Tell whether the whole file is a harmless text.
 *
 * A file that libmagic calls a text is a text.  If libmagic found the
 * signature of a binary format, the bytes must have no control character and
 * no tag: libmagic has not looked for HTML then.  A PDF can consist of letters
 * only, and is never a text.
 */
static bool
is_text(const FfuBytes *bytes, const FfuMimeType *type)
{
	if (type != NULL && type->family == FFU_FAMILY_TEXT)
		return true;
	if (type != NULL && type->family == FFU_FAMILY_PDF)
		return false;
	return bytes->head_len > 0 &&
		text_len(bytes->head, bytes->head_len) == bytes->head_len &&
		!has_tags(bytes->head, bytes->head_len);
}

/* Tell whether a text looks like JSON that is too long for libmagic. */
static bool
is_long_json(const FfuBytes *bytes)
{
	size_t		i = 0;

	while (i < bytes->head_len &&
		   (bytes->head[i] == ' ' || bytes->head[i] == '\t' ||
			bytes->head[i] == '\r' || bytes->head[i] == '\n'))
		i++;
	return bytes->size > (int64) bytes->head_len && i < bytes->head_len &&
		(bytes->head[i] == '{' || bytes->head[i] == '[');
}

/* Tell whether the bytes have a PDF header. */
static bool
has_pdf_header(const FfuBytes *bytes)
{
	size_t		len = Min(bytes->head_len, PDF_HEADER_BYTES);

	for (size_t i = 0; i + strlen("%PDF-1") <= len; i++)
	{
		if (begins(bytes->head + i, len - i, "%PDF-") &&
			is_digit(bytes->head[i + strlen("%PDF-")]))
			return true;
	}
	return false;
}

/* Return the evidence from the name of one member. */
static int
member_evidence(const char *name, size_t len)
{
	for (int i = 0; i < lengthof(zip_members); i++)
	{
		if (begins(name, len, zip_members[i].prefix))
			return zip_members[i].evidence;
	}
	return 0;
}

/*
 * Collect the evidence from the names of all members, in the headers before
 * the members and in the list at the end of the file.
 */
static int
zip_evidence(const char *p, size_t len)
{
	const char *end = p + len;
	int			found = 0;

	while ((p = memchr(p, 'P', end - p)) != NULL)
	{
		size_t		fixed = 0;	/* length of the header before the name */
		size_t		name_len = 0;

		if (begins(p, end - p, "PK\3\4") && end - p >= ZIP_LOCAL_LEN)
		{
			fixed = ZIP_LOCAL_LEN;
			name_len = number2(p + 26);
		}
		else if (begins(p, end - p, "PK\1\2") && end - p >= ZIP_CENTRAL_LEN)
		{
			fixed = ZIP_CENTRAL_LEN;
			name_len = number2(p + 28);
		}
		if (fixed > 0 && fixed + name_len <= end - p)
			found |= member_evidence(p + fixed, name_len);
		p++;
	}
	return found;
}

/*
 * Tell whether a zip file ends here.  The record at the end must state the
 * length of the list of members before the record, and must reach the end of
 * the file with its comment.
 */
static bool
has_zip_end(const FfuBytes *bytes)
{
	for (size_t i = ZIP_END_LEN; i <= bytes->tail_len; i++)
	{
		size_t		at = bytes->tail_len - i;
		const char *p = bytes->tail + at;
		size_t		list;

		if (!begins(p, i, "PK\5\6") || number2(p + 20) + ZIP_END_LEN != i)
			continue;
		list = number4(p + 12);
		if (number2(p + 10) > 0 && list >= ZIP_CENTRAL_LEN &&
			list <= bytes->size - i &&
			(list > at || begins(p - list, list, "PK\1\2")))
			return true;
	}
	return false;
}

/*
 * Tell whether the head shows a video track.  In MP4 a video track has a
 * handler "vide", in Matroska a codec whose name begins with V_.
 */
static bool
has_video(const FfuBytes *bytes, FfuFamilyId family)
{
	const char *mark = family == FFU_FAMILY_MP4 ? "hdlr" : "V_";
	const char *p = bytes->head;
	const char *end = p + bytes->head_len;

	while ((p = memmem(p, end - p, mark, strlen(mark))) != NULL)
	{
		if (family == FFU_FAMILY_MP4 && end - p > 12 &&
			begins(p + 12, end - p - 12, "vide"))
			return true;
		if (family == FFU_FAMILY_MATROSKA && p - bytes->head >= 2 &&
			p[-2] == '\x86')
			return true;
		p++;
	}
	return false;
}

/* Return the evidence in a zip file. */
static int
zip_file_evidence(const FfuBytes *bytes)
{
	return FFU_EVIDENCE_ZIP |
		zip_evidence(bytes->head, bytes->head_len) |
		zip_evidence(bytes->tail, bytes->tail_len);
}

/*
 * Return the evidence in the bytes of a file, besides the type that libmagic
 * found: FfuEvidence, or'ed.
 */
int
ffu_evidence_find(const FfuBytes *bytes, const char *mime_type)
{
	const FfuMimeType *type = ffu_mime_type_find(mime_type);
	FfuFamilyId family = type ? type->family : FFU_FAMILY_NONE;
	int			found = 0;

	if (family == FFU_FAMILY_PROGRAM)
		return has_zip_end(bytes) ? FFU_EVIDENCE_ZIP_END : 0;
	if (ffu_mime_type_is_active(mime_type))
		return 0;
	if (begins(bytes->head, bytes->head_len, "PK\3\4"))
		return zip_file_evidence(bytes);
	if ((family == FFU_FAMILY_MP4 || family == FFU_FAMILY_MATROSKA) &&
		!has_video(bytes, family))
		found |= FFU_EVIDENCE_AUDIO_ONLY;
	if ((family == FFU_FAMILY_NONE || family == FFU_FAMILY_TEXT) &&
		has_pdf_header(bytes))
		found |= FFU_EVIDENCE_PDF;
	if (is_text(bytes, type))
	{
		found |= FFU_EVIDENCE_TEXT;
		if (is_long_json(bytes))
			found |= FFU_EVIDENCE_JSON;
	}
	return found;
}

/*
 * Return the number of leading bytes that are a text if the file begins with a
 * tag, else 0.  libmagic calls no bytes HTML or SVG that include a control
 * character; a browser does.
 */
size_t
ffu_evidence_markup(const FfuBytes *bytes)
{
	size_t		len = text_len(bytes->head, Min(bytes->head_len, TAG_BYTES));
	size_t		skip = begins(bytes->head, len, "\xef\xbb\xbf") ? 3 : 0;

	while (skip < len && bytes->head[skip] > 0 && bytes->head[skip] <= ' ')
		skip++;
	return has_tags(bytes->head + skip, Min(len - skip, 2)) ? len : 0;
}

/*
 * Tell whether the end of the file matters and the head does not reach the
 * end.
 */
bool
ffu_evidence_needs_tail(const FfuBytes *bytes, const char *mime_type)
{
	const FfuMimeType *type = ffu_mime_type_find(mime_type);

	return bytes->size > (int64) bytes->head_len &&
		((type != NULL && type->family == FFU_FAMILY_PROGRAM) ||
		 begins(bytes->head, bytes->head_len, "PK\3\4"));
}

/*
 * Return the offset of the sound behind an ID3 tag that extends beyond the
 * head; 0 if there is no such tag.
 */
int64
ffu_evidence_after_id3(const FfuBytes *bytes)
{
	const char *p = bytes->head;
	int64		after = ID3_HEADER_LEN;

	if (!begins(p, bytes->head_len, "ID3") ||
		bytes->head_len < ID3_HEADER_LEN ||
		((p[6] | p[7] | p[8] | p[9]) & 0x80) != 0)
		return 0;
	after += p[6] << 21 | p[7] << 14 | p[8] << 7 | p[9];
	return after + ID3_HEADER_LEN > (int64) bytes->head_len &&
		after < bytes->size ? after : 0;
}

/*
 * Return the offset of a compound file's directory; 0 if the file is not a
 * compound file.
 */
int64
ffu_evidence_ole_directory(const FfuBytes *bytes)
{
	const char *p = bytes->head;
	int			shift;
	int64		at;

	if (bytes->head_len < OLE_HEADER_LEN ||
		memcmp(p, ole_signature, sizeof(ole_signature)) != 0)
		return 0;
	shift = number2(p + 30);
	if (shift < 7 || shift > 16)
		return 0;
	at = ((int64) number4(p + 48) + 1) << shift;
	return at < bytes->size ? at : 0;
}

/* Tell whether an entry of a directory, in UTF-16, has this name. */
static bool
entry_is(const char *entry, const char *name)
{
	size_t		len = strlen(name);

	if (number2(entry + 64) != 2 * (len + 1))
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (entry[2 * i] != name[i] || entry[2 * i + 1] != 0)
			return false;
	}
	return true;
}

/*
 * Return the type of a compound file, by the first entries of its directory;
 * NULL if no entry tells the type.
 */
const char *
ffu_evidence_ole_type(const char *directory, size_t len)
{
	for (size_t at = 0; at + OLE_ENTRY_LEN <= len; at += OLE_ENTRY_LEN)
	{
		for (int i = 0; i < lengthof(ole_streams); i++)
		{
			if (entry_is(directory + at, ole_streams[i].stream))
				return ole_streams[i].mime_type;
		}
	}
	return NULL;
}
