/*-------------------------------------------------------------------------
 *
 * mime_types.h
 *	  Tables of ffu's knowledge of file types beyond libmagic.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_MIME_TYPES_H
#define FFU_MIME_TYPES_H

#include "base/ffu.h"

/* Evidence in the bytes of a file besides the type that libmagic found */
typedef enum FfuEvidence
{
	FFU_EVIDENCE_TEXT = 1 << 0, /* a text, without tags and scripts */
	FFU_EVIDENCE_JSON = 1 << 1, /* a text too long to be parsed as JSON */
	FFU_EVIDENCE_PDF = 1 << 2,	/* a PDF header within the first 1024 bytes */
	FFU_EVIDENCE_ZIP = 1 << 3,	/* begins with a member of a zip file */
	FFU_EVIDENCE_ZIP_END = 1 << 4,	/* a program that a zip file follows */
	FFU_EVIDENCE_WORD = 1 << 5, /* zip files with members of these formats */
	FFU_EVIDENCE_SHEET = 1 << 6,
	FFU_EVIDENCE_SLIDES = 1 << 7,
	FFU_EVIDENCE_OPENDOCUMENT = 1 << 8,
	FFU_EVIDENCE_EPUB = 1 << 9,
	FFU_EVIDENCE_AUDIO_ONLY = 1 << 10	/* MP4, Matroska: no video seen */
} FfuEvidence;

typedef enum FfuFamilyId
{
	FFU_FAMILY_NONE,			/* any extension fits */
	FFU_FAMILY_TEXT,
	FFU_FAMILY_PNG,
	FFU_FAMILY_JPEG,
	FFU_FAMILY_GIF,
	FFU_FAMILY_WEBP,
	FFU_FAMILY_BMP,
	FFU_FAMILY_ICON,
	FFU_FAMILY_TIFF,
	FFU_FAMILY_HEIF,
	FFU_FAMILY_JPEG2000,
	FFU_FAMILY_PHOTOSHOP,
	FFU_FAMILY_MP4,
	FFU_FAMILY_MATROSKA,
	FFU_FAMILY_OGG,
	FFU_FAMILY_WAV,
	FFU_FAMILY_AVI,
	FFU_FAMILY_ASF,
	FFU_FAMILY_FLV,
	FFU_FAMILY_MPEG_VIDEO,
	FFU_FAMILY_MPEG_AUDIO,
	FFU_FAMILY_FLAC,
	FFU_FAMILY_AIFF,
	FFU_FAMILY_DOLBY,
	FFU_FAMILY_MIDI,
	FFU_FAMILY_FONT,
	FFU_FAMILY_WOFF,
	FFU_FAMILY_WOFF2,
	FFU_FAMILY_PDF,
	FFU_FAMILY_ZIP,
	FFU_FAMILY_JAR,
	FFU_FAMILY_EPUB,
	FFU_FAMILY_WORD,
	FFU_FAMILY_SHEET,
	FFU_FAMILY_SLIDES,
	FFU_FAMILY_OPENDOCUMENT,
	FFU_FAMILY_OLE,
	FFU_FAMILY_GZIP,
	FFU_FAMILY_BZIP2,
	FFU_FAMILY_XZ,
	FFU_FAMILY_ZSTD,
	FFU_FAMILY_TAR,
	FFU_FAMILY_RAR,
	FFU_FAMILY_7ZIP,
	FFU_FAMILY_PROGRAM,
	FFU_FAMILY_COUNT
} FfuFamilyId;

/*
 * extensions: the extensions that go with a family.  An extension that several
 * formats share (.dat, .bin, .mod, .pub, .msg) need not be listed in an open
 * family: a listed extension is also wrong for all other families.
 *
 * media: the top-level types of the family.  An unknown type of the same top
 * level under a listed extension (image/x-panasonic-raw as .rw2) is accepted.
 *
 * closed: only the listed extensions use the format, so an unknown extension
 * is wrong as well.  Containers are open: any program may wrap its files in a
 * container.
 */
typedef struct FfuFamily
{
	const char *extensions;
	const char *media;
	bool		closed;
} FfuFamily;

/*
 * A type, or all types with this prefix if the name ends in '*'.  The first
 * match counts.
 *
 * extensions: libmagic's own list, "" if libmagic has no list.  NULL if ffu
 * must ask libmagic, because the list depends on the bytes and is useful.
 *
 * extension: the extension of such a file if libmagic has no list.  NULL for
 * the first extension of the list, or for no extension.
 */
typedef struct FfuMimeType
{
	const char *mime_type;
	FfuFamilyId family;
	const char *extensions;
	const char *extension;
} FfuMimeType;

/*
 * An additional type of a file that has the evidence and a listed extension
 */
typedef struct FfuAlternative
{
	FfuEvidence evidence;
	const char *mime_type;
	const char *extensions;
} FfuAlternative;

extern const FfuFamily ffu_families[FFU_FAMILY_COUNT];
extern const FfuAlternative ffu_alternatives[];
extern const int ffu_alternative_count;

extern const FfuMimeType *ffu_mime_type_find(const char *mime_type);
extern bool ffu_mime_type_is_active(const char *mime_type);
extern const char *ffu_mime_type_synonyms(const char *mime_type);
extern bool ffu_mime_list_has(const char *list, const char *word);

#endif							/* FFU_MIME_TYPES_H */
