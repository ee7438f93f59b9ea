/*-------------------------------------------------------------------------
 *
 * mime.c
 *	  What a file's bytes are, by libmagic.
 *
 * Owns the backend's one libmagic handle, and what ffu knows of
 * file types beyond libmagic: which need not be asked for twice, what they
 * are called where libmagic has no name, and which names go with which
 * content. It knows nothing of columns, policies or where bytes come from.
 *
 * libmagic can be asked for a mime type or for a list of extensions, not for
 * both at once, and each answer costs 10 us (images) to 2 ms (long texts).
 * So types[] holds the lists of the common types, as in the database of
 * libmagic 5.44, where they do not depend on the bytes or add nothing to
 * what the family (below) takes; only the others are asked about twice. None
 * of libmagic's flags makes it faster without changing answers, and of its
 * parameters one does (below): tried.
 *
 * A *family* is a set of types that share their extensions, because the
 * format is one (an MP4 film is an M4V one is an M4A song), or because
 * libmagic cannot tell them apart (every zip file), or because people do not
 * (a table in HTML saved as .xls). Refusing a good file is worse than taking
 * a misnamed one, so outside the families a name is refused only if its
 * extension is one that families[] knows to belong to something else.
 *
 * libmagic reads $MAGIC or ~/.magic of the server's user if they are there,
 * else the system's database. It maps that read-only, so backends share it.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <errno.h>
#include <locale.h>
#include <magic.h>

#include "text/mime.h"

/*
 * No child process to look into compressed files, and no second reading of
 * ELF headers: neither would happen for bytes in memory, with today's
 * libmagic; we rely on it not to begin.
 */
#define MAGIC_FLAGS	(MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_ELF)

/*
 * So many bytes are looked at to tell text from other things, and which one it
 * is. That, and the regular expressions tried on it, is most of what a file
 * costs. With libmagic's 65536 a long text costs twice as much, and a picture
 * nearly so, and no file gets another answer; with 4096 some do (script/soak
 * types compares them).
 */
#define ENCODING_BYTES	16384

/* What to call, and think of, bytes that libmagic does not know. */
#define UNKNOWN_TYPE	"application/octet-stream"

/* What libmagic says where it has no list of extensions. */
#define NO_OPINION		"???"

typedef enum FamilyId
{
	FAMILY_NONE,				/* anything goes */
	FAMILY_TEXT,
	FAMILY_PNG,
	FAMILY_JPEG,
	FAMILY_GIF,
	FAMILY_WEBP,
	FAMILY_BMP,
	FAMILY_ICON,
	FAMILY_TIFF,
	FAMILY_HEIF,
	FAMILY_JPEG2000,
	FAMILY_PHOTOSHOP,
	FAMILY_MP4,
	FAMILY_MATROSKA,
	FAMILY_OGG,
	FAMILY_WAV,
	FAMILY_AVI,
	FAMILY_ASF,
	FAMILY_FLV,
	FAMILY_MPEG_VIDEO,
	FAMILY_MPEG_AUDIO,
	FAMILY_FLAC,
	FAMILY_AIFF,
	FAMILY_DOLBY,
	FAMILY_MIDI,
	FAMILY_FONT,
	FAMILY_WOFF,
	FAMILY_WOFF2,
	FAMILY_PDF,
	FAMILY_ZIP,
	FAMILY_JAR,
	FAMILY_EPUB,
	FAMILY_WORD,
	FAMILY_SHEET,
	FAMILY_SLIDES,
	FAMILY_OPENDOCUMENT,
	FAMILY_OLE,
	FAMILY_GZIP,
	FAMILY_BZIP2,
	FAMILY_XZ,
	FAMILY_ZSTD,
	FAMILY_TAR,
	FAMILY_RAR,
	FAMILY_7ZIP,
	FAMILY_PROGRAM,
	FAMILY_COUNT
} FamilyId;

/*
 * The extensions that go with a family. An open family's need not be listed
 * if others use them too (.dat, .bin, .mod, .pub, .msg): being here is also
 * what makes an extension wrong for the others.
 *
 * media: the top-level types it has. An unknown type of the same top level
 * under one of the extensions (image/x-panasonic-raw as .rw2) is let be.
 *
 * closed: nothing else uses this format, so an extension we never heard of
 * is wrong as well. Containers are open: any program may wrap its files so.
 */
typedef struct MimeFamily
{
	const char *extensions;
	const char *media;
	bool		closed;
} MimeFamily;

static const MimeFamily families[FAMILY_COUNT] = {
	[FAMILY_NONE] = {"", "", false},

	/*
	 * Text may have any extension but those of other families. So only the
	 * names matter that are text's as well as theirs (TypeScript and MPEG
	 * transport streams are .ts; exports in HTML, XML, CSV or RTF go as .doc
	 * and .xls, Illustrator's PostScript as .ai), and those that nothing but
	 * text should have.
	 */
	[FAMILY_TEXT] = {"txt/text/log/md/csv/tsv/json/xml/html/htm/xhtml/svg/css/"
		"js/mjs/php/py/sh/sql/c/h/yml/yaml/ini/rtf/srt/vtt/ics/vcf/eml/ts/"
	"doc/dot/xls/xlt/ai/ps/eps", "", false},

	/* .ico: many a favicon.ico is a PNG */
	[FAMILY_PNG] = {"png/apng/ico", "image", true},

	/* .thm: a camera's thumbnails; .mpo, .jps: stereo pairs; .jls: JPEG-LS */
	[FAMILY_JPEG] = {"jpeg/jpg/jpe/jfif/jfi/jif/pjpeg/pjp/thm/mpo/jps/jls/"
	"mjpg/mjpeg", "image/video", true},
	[FAMILY_GIF] = {"gif", "image", true},
	[FAMILY_WEBP] = {"webp", "image", true},
	[FAMILY_BMP] = {"bmp/dib", "image", false},
	[FAMILY_ICON] = {"ico/cur", "image", false},

	/* Most raw formats of cameras, and of microscopes, are TIFF. */
	[FAMILY_TIFF] = {"tif/tiff/dng/nef/nrw/arw/sr2/srf/srw/pef/cr2/crw/orf/"
	"raf/rw2/rwl/3fr/iiq/erf/dcr/kdc/gpr/svs", "image", false},

	/* One container; the brand of a file from a phone is often just mif1. */
	[FAMILY_HEIF] = {"heic/heif/heics/heifs/hif/avif/avifs", "image", true},
	[FAMILY_JPEG2000] = {"jp2/j2k/jpf/jpx/jpm/j2c/jpc/mj2/mjp2/jph",
	"image/video", true},
	[FAMILY_PHOTOSHOP] = {"psd/psb/pdd", "image", true},

	/* The ISO base media format: brands do not follow the file's name. */
	[FAMILY_MP4] = {"mp4/m4v/m4a/m4b/m4p/m4r/mov/qt/mqv/3gp/3gpp/3ga/3g2/"
		"3gp2/f4v/f4a/f4b/f4p/mp4v/mpg4/m4s/ismv/isma/cmfv/cmfa/mj2/lrv/insv/"
	"psp", "audio/video", true},
	[FAMILY_MATROSKA] = {"mkv/mka/mks/mk3d/webm/weba", "audio/video", true},
	[FAMILY_OGG] = {"ogg/oga/ogv/ogx/ogm/opus/spx", "audio/video", true},
	[FAMILY_WAV] = {"wav/wave/bwf/rf64/w64", "audio", true},
	[FAMILY_AVI] = {"avi/divx/xvid", "video", true},
	[FAMILY_ASF] = {"asf/wmv/wma/wm/dvr-ms", "audio/video", true},
	[FAMILY_FLV] = {"flv/f4v", "video", true},

	/* Elementary, program and transport streams, as recorders name them. */
	[FAMILY_MPEG_VIDEO] = {"mpg/mpeg/mpe/mpv/m1v/m2v/m2p/vob/evo/ts/m2ts/mts/"
	"m2t/trp", "video", false},

	/* Frames of both begin with the same bits, and either after an ID3 tag. */
	[FAMILY_MPEG_AUDIO] = {"mp3/mp2/mp1/mpa/mpga/m2a/m3a/aac/adts",
	"audio", true},
	[FAMILY_FLAC] = {"flac", "audio", true},
	[FAMILY_AIFF] = {"aif/aiff/aifc/aff", "audio", true},
	[FAMILY_DOLBY] = {"ac3/eac3/ec3", "audio", true},
	[FAMILY_MIDI] = {"mid/midi/kar/rmi/smf", "audio", false},
	[FAMILY_FONT] = {"ttf/otf/ttc/otc/tte/dfont", "font", true},
	[FAMILY_WOFF] = {"woff", "font", true},
	[FAMILY_WOFF2] = {"woff2", "font", true},
	[FAMILY_PDF] = {"pdf/ai", "", true},

	/*
	 * libmagic sees no more than a zip file in many an office document (it
	 * goes by the order of the members), e-book, package or model.
	 */
	[FAMILY_ZIP] = {"zip/zipx/docx/docm/dotx/dotm/xlsx/xlsm/xlsb/xltx/xltm/"
		"xlam/pptx/pptm/ppsx/ppsm/potx/potm/vsdx/vstx/thmx/odt/ods/odp/odg/"
		"odf/odb/odc/odm/ott/ots/otp/otg/sxw/sxc/sxi/epub/jar/war/ear/apk/aab/"
		"aar/ipa/xpi/whl/kmz/cbz/3mf/usdz/xps/oxps/nupkg/vsix/pages/numbers/"
	"idml/kra/ora", "", false},
	[FAMILY_JAR] = {"jar/war/ear/aar/apk/aab/zip", "", false},
	[FAMILY_EPUB] = {"epub/zip", "", false},
	[FAMILY_WORD] = {"docx/docm/dotx/dotm/doc/zip", "", false},
	[FAMILY_SHEET] = {"xlsx/xlsm/xlsb/xltx/xltm/xlam/xls/zip", "", false},
	[FAMILY_SLIDES] = {"pptx/pptm/ppsx/ppsm/potx/potm/ppam/thmx/ppt/pps/zip",
	"", false},
	[FAMILY_OPENDOCUMENT] = {"odt/ods/odp/odg/odf/odb/odc/odi/odm/oth/ott/ots/"
	"otp/otg/otf/otc/sxw/sxc/sxi/zip", "", false},

	/* Encrypted documents of the newer formats are OLE files as well. */
	[FAMILY_OLE] = {"doc/dot/xls/xlt/xla/ppt/pps/ppa/vsd/vss/mpp/wps/hwp/msi/"
		"docx/docm/dotx/dotm/xlsx/xlsm/xlsb/xltx/xltm/xlam/pptx/pptm/ppsx/"
	"ppsm/potx/potm", "", false},
	[FAMILY_GZIP] = {"gz/gzip/tgz/taz/tpz/svgz/emz/wmz/vgz", "", false},
	[FAMILY_BZIP2] = {"bz2/tbz2/tbz/tb2/bz", "", false},
	[FAMILY_XZ] = {"xz/txz", "", false},
	[FAMILY_ZSTD] = {"zst/zstd/tzst", "", false},
	[FAMILY_TAR] = {"tar/gtar/ustar/ova/cbt", "", false},
	[FAMILY_RAR] = {"rar/cbr", "", false},
	[FAMILY_7ZIP] = {"7z/cb7", "", false},
	[FAMILY_PROGRAM] = {"exe/dll/scr/cpl/ocx/efi/elf", "", false},
};

/*
 * A type, or all that begin so if it ends in '*'. The first match counts.
 *
 * extensions: libmagic's own list, "" if it has none. NULL if it must be
 * asked, because the list depends on the bytes and is worth having.
 *
 * extension: what to call such a file where libmagic gives no list. NULL for
 * the first of its list, or nothing.
 */
typedef struct MimeType
{
	const char *mime_type;
	FamilyId	family;
	const char *extensions;
	const char *extension;
} MimeType;

static const MimeType types[] = {
	{UNKNOWN_TYPE, FAMILY_NONE, "", "bin"},
	{"application/x-empty", FAMILY_NONE, "", NULL},

	/* text */
	{"text/plain", FAMILY_TEXT, "", "txt"},
	{"text/html", FAMILY_TEXT, "", "html"},
	{"text/xml", FAMILY_TEXT, "", "xml"},
	{"text/csv", FAMILY_TEXT, "", "csv"},
	{"text/calendar", FAMILY_TEXT, "", "ics"},
	{"text/x-shellscript", FAMILY_TEXT, "", "sh"},
	{"text/x-script.python", FAMILY_TEXT, "", "py"},
	{"text/x-c", FAMILY_TEXT, "", "c"},
	{"text/x-c++", FAMILY_TEXT, "", "cpp"},
	{"text/x-diff", FAMILY_TEXT, "", "diff"},
	{"text/x-php", FAMILY_TEXT, "", "php"},
	{"text/x-tex", FAMILY_TEXT, "", "tex"},
	{"text/x-perl", FAMILY_TEXT, "", "pl"},
	{"text/x-ruby", FAMILY_TEXT, "", "rb"},
	{"text/x-java", FAMILY_TEXT, "", "java"},
	{"text/x-asm", FAMILY_TEXT, "", "s"},
	{"text/x-msdos-batch", FAMILY_TEXT, "bat", NULL},
	{"text/rtf", FAMILY_TEXT, "rtf", NULL},
	{"text/vcard", FAMILY_TEXT, "vcf/vcard", NULL},
	{"text/vtt", FAMILY_TEXT, "vtt", NULL},
	{"text/*", FAMILY_TEXT, "", "txt"},
	{"message/rfc822", FAMILY_TEXT, "", "eml"},
	{"message/*", FAMILY_TEXT, "", "txt"},
	{"application/json", FAMILY_TEXT, "", "json"},
	{"application/x-ndjson", FAMILY_TEXT, "", "ndjson"},
	{"application/javascript", FAMILY_TEXT, "", "js"},
	{"application/postscript", FAMILY_TEXT, "", "ps"},
	{"application/x-subrip", FAMILY_TEXT, NULL, "srt"},
	{"application/x-setupscript", FAMILY_TEXT, NULL, NULL},
	{"application/x-wine-extension-ini", FAMILY_TEXT, NULL, "ini"},
	{"application/x-mswinurl", FAMILY_TEXT, NULL, NULL},
	{"application/x-sylk", FAMILY_TEXT, NULL, NULL},
	{"application/x-dif", FAMILY_TEXT, NULL, NULL},
	{"application/pgp*", FAMILY_TEXT, NULL, "asc"},
	{"image/svg+xml", FAMILY_TEXT, "svg", NULL},
	{"image/vnd.dxf", FAMILY_TEXT, NULL, NULL},

	/* images */
	{"image/png", FAMILY_PNG, "png", NULL},
	{"image/jpeg", FAMILY_JPEG, "jpeg/jpg/jpe/jfif", NULL},
	{"image/gif", FAMILY_GIF, "gif", NULL},
	{"image/webp", FAMILY_WEBP, "webp", NULL},
	{"image/bmp", FAMILY_BMP, "bmp", NULL},
	{"image/x-ms-bmp", FAMILY_BMP, NULL, "bmp"},
	{"image/vnd.microsoft.icon", FAMILY_ICON, "ico", NULL},
	{"image/x-icon", FAMILY_ICON, NULL, "ico"},
	{"image/x-win-bitmap", FAMILY_ICON, "cur", NULL},
	{"image/tiff", FAMILY_TIFF, "tif/tiff", NULL},
	{"image/x-canon-cr2", FAMILY_TIFF, "", "cr2"},
	{"image/x-canon-crw", FAMILY_TIFF, "", "crw"},
	{"image/x-olympus-orf", FAMILY_TIFF, "", "orf"},
	{"image/x-fuji-raf", FAMILY_TIFF, "raf", NULL},
	{"image/heic", FAMILY_HEIF, "", "heic"},
	{"image/heif", FAMILY_HEIF, "", "heif"},
	{"image/heic-sequence", FAMILY_HEIF, "", "heics"},
	{"image/heif-sequence", FAMILY_HEIF, "", "heifs"},
	{"image/avif", FAMILY_HEIF, "", "avif"},
	{"image/jp2", FAMILY_JPEG2000, NULL, "jp2"},
	{"image/jpx", FAMILY_JPEG2000, NULL, "jpx"},
	{"image/jpm", FAMILY_JPEG2000, NULL, "jpm"},
	{"image/x-jp2-codestream", FAMILY_JPEG2000, NULL, NULL},
	{"video/mj2", FAMILY_JPEG2000, NULL, "mj2"},
	{"image/vnd.adobe.photoshop", FAMILY_PHOTOSHOP, NULL, "psd"},

	/* audio and video */
	{"video/mp4", FAMILY_MP4, "mp4", NULL},
	{"audio/mp4", FAMILY_MP4, "", "m4a"},
	{"audio/x-m4a", FAMILY_MP4, "", "m4a"},
	{"video/x-m4v", FAMILY_MP4, "", "m4v"},
	{"video/quicktime", FAMILY_MP4, "", "mov"},
	{"video/3gpp", FAMILY_MP4, "", "3gp"},
	{"video/3gpp2", FAMILY_MP4, "", "3g2"},
	{"video/webm", FAMILY_MATROSKA, "", "webm"},
	{"video/x-matroska", FAMILY_MATROSKA, "", "mkv"},
	{"audio/webm", FAMILY_MATROSKA, NULL, "weba"},
	{"audio/x-matroska", FAMILY_MATROSKA, NULL, "mka"},
	{"audio/ogg", FAMILY_OGG, "", "ogg"},
	{"video/ogg", FAMILY_OGG, "", "ogv"},
	{"application/ogg", FAMILY_OGG, "", "ogx"},
	{"audio/x-wav", FAMILY_WAV, "wav/wave", NULL},
	{"audio/x-w64", FAMILY_WAV, "", "w64"},
	{"video/x-msvideo", FAMILY_AVI, "avi/divx", NULL},
	{"video/x-ms-asf", FAMILY_ASF, "", "asf"},
	{"video/x-flv", FAMILY_FLV, "", "flv"},
	{"video/mpeg", FAMILY_MPEG_VIDEO, NULL, "mpg"},
	{"video/mpeg4-generic", FAMILY_MPEG_VIDEO, NULL, "mpg"},
	{"video/mp2t", FAMILY_MPEG_VIDEO, NULL, "ts"},
	{"video/mp2p", FAMILY_MPEG_VIDEO, NULL, "mpg"},
	{"video/mpv", FAMILY_MPEG_VIDEO, NULL, "mpv"},
	{"audio/mpeg", FAMILY_MPEG_AUDIO, "", "mp3"},
	{"audio/aac", FAMILY_MPEG_AUDIO, NULL, "aac"},
	{"audio/x-hx-aac-adts", FAMILY_MPEG_AUDIO, "", "aac"},
	{"audio/x-hx-aac-adif", FAMILY_MPEG_AUDIO, "", "aac"},
	{"audio/flac", FAMILY_FLAC, "", "flac"},
	{"audio/x-aiff", FAMILY_AIFF, "", "aiff"},
	{"audio/vnd.dolby.dd-raw", FAMILY_DOLBY, "", "ac3"},
	{"audio/midi", FAMILY_MIDI, "", "mid"},
	{"audio/mid", FAMILY_MIDI, "rmi", NULL},

	/* fonts */
	{"font/sfnt", FAMILY_FONT, "ttf/tte", NULL},
	{"font/ttf", FAMILY_FONT, NULL, "ttf"},
	{"font/otf", FAMILY_FONT, NULL, "otf"},
	{"application/vnd.ms-opentype", FAMILY_FONT, "", "otf"},
	{"font/woff", FAMILY_WOFF, "", "woff"},
	{"font/woff2", FAMILY_WOFF2, "woff2", NULL},

	/* documents */
	{"application/pdf", FAMILY_PDF, "pdf", NULL},
	{"application/zip", FAMILY_ZIP, "", "zip"},
	{"application/java-archive", FAMILY_JAR, "jar", NULL},
	{"application/vnd.android.package-archive", FAMILY_JAR, "apk", NULL},
	{"application/epub+zip", FAMILY_EPUB, "", "epub"},
	{"application/vnd.openxmlformats-officedocument.wordprocessingml.*",
	FAMILY_WORD, "docx", NULL},
	{"application/vnd.openxmlformats-officedocument.spreadsheetml.*",
	FAMILY_SHEET, "xlsx", NULL},
	{"application/vnd.openxmlformats-officedocument.presentationml.*",
	FAMILY_SLIDES, "pptx", NULL},
	{"application/vnd.ms-visio.drawing.main+xml", FAMILY_ZIP, "", "vsdx"},
	{"application/vnd.oasis.opendocument.*", FAMILY_OPENDOCUMENT, NULL, NULL},
	{"application/vnd.sun.xml.*", FAMILY_OPENDOCUMENT, NULL, NULL},
	{"application/msword", FAMILY_OLE, NULL, "doc"},
	{"application/vnd.ms-excel", FAMILY_OLE, NULL, "xls"},
	{"application/vnd.ms-powerpoint", FAMILY_OLE, NULL, "ppt"},
	{"application/vnd.ms-outlook", FAMILY_OLE, NULL, NULL},
	{"application/vnd.ms-office", FAMILY_OLE, NULL, NULL},
	{"application/vnd.ms-project", FAMILY_OLE, NULL, "mpp"},
	{"application/vnd.ms-publisher", FAMILY_OLE, NULL, "pub"},
	{"application/vnd.visio", FAMILY_OLE, NULL, "vsd"},
	{"application/x-hwp", FAMILY_OLE, NULL, "hwp"},
	{"application/x-ole-storage", FAMILY_OLE, NULL, NULL},
	{"application/cdfv2*", FAMILY_OLE, NULL, NULL},
	{"application/encrypted", FAMILY_OLE, "", NULL},

	/* archives and programs */
	{"application/gzip", FAMILY_GZIP, "gz/tgz/tpz/svgz", NULL},
	{"application/x-gzip", FAMILY_GZIP, "", "gz"},
	{"application/x-bzip2", FAMILY_BZIP2, "bz2", NULL},
	{"application/x-xz", FAMILY_XZ, "xz", NULL},
	{"application/zstd", FAMILY_ZSTD, "zst", NULL},
	{"application/x-zstd", FAMILY_ZSTD, NULL, "zst"},
	{"application/x-tar", FAMILY_TAR, "tar/gtar", NULL},
	{"application/x-rar", FAMILY_RAR, "rar/cbr", NULL},
	{"application/vnd.rar", FAMILY_RAR, NULL, "rar"},
	{"application/x-7z-compressed", FAMILY_7ZIP, "7z/cb7", NULL},
	{"application/vnd.microsoft.portable-executable", FAMILY_PROGRAM, "",
	"exe"},
	{"application/x-executable", FAMILY_PROGRAM, "", NULL},
	{"application/x-pie-executable", FAMILY_PROGRAM, "", NULL},
	{"application/x-sharedlib", FAMILY_PROGRAM, "", "so"},
	{"application/x-object", FAMILY_PROGRAM, "", "o"},
	{"application/x-coredump", FAMILY_PROGRAM, "", NULL},
	{"application/x-mach-binary", FAMILY_PROGRAM, "", NULL},
};

/*
 * The handle, and the locale it works in; made once per process and never
 * given back. A handle keeps every regular expression it has ever compiled
 * (3 to 5 ms of work for the first text file), so there is but one.
 */
static magic_t magic_handle = NULL;
static locale_t magic_locale = (locale_t) 0;

static bool load_database(char *why, size_t why_size);
static void ask_magic(int flags, const void *data, size_t len,
					  char *answer, size_t answer_size);
static void clean_mime_type(char *mime_type);
static void clean_extensions(char *extensions);
static void first_extension(const char *extensions, char *extension);
static const MimeType *find_type(const char *mime_type);
static bool list_has(const char *list, const char *word, size_t word_len);
static bool fits_unknown_type(const FfuMime *mime, const char *ext);

/*
 * Tell what the first FFU_MAGIC_BYTES of len bytes are, without the help of
 * a name, in every locale alike.
 *
 * Raises an error if libmagic's database cannot be loaded. If libmagic gives
 * up on the bytes they are application/octet-stream.
 */
void
ffu_mime_detect(const void *data, size_t len, FfuMime *mime)
{
	char		why[256];
	const MimeType *type;

	if (!load_database(why, sizeof(why)))
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not load the database of libmagic"),
				 errdetail("libmagic reports: %s", why)));

	len = Min(len, FFU_MAGIC_BYTES);
	if (data == NULL)
	{
		data = "";
		len = 0;
	}

	ask_magic(MAGIC_MIME_TYPE, data, len,
			  mime->mime_type, sizeof(mime->mime_type));
	clean_mime_type(mime->mime_type);
	type = find_type(mime->mime_type);

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

/*
 * May a file of this content have this extension (lower case, no dot)?
 *
 * True also where there is no opinion: no extension, unknown bytes, or an
 * unknown extension on something that is not closed. Raises no error.
 */
bool
ffu_mime_fits(const FfuMime *mime, const char *ext)
{
	const MimeType *type = find_type(mime->mime_type);
	size_t		ext_len = strlen(ext);

	if (ext_len == 0 || list_has(mime->extensions, ext, ext_len))
		return true;
	if (type == NULL)
		return fits_unknown_type(mime, ext);
	if (type->family == FAMILY_NONE ||
		list_has(families[type->family].extensions, ext, ext_len))
		return true;
	if (families[type->family].closed)
		return false;

	for (int i = 0; i < FAMILY_COUNT; i++)
	{
		if (list_has(families[i].extensions, ext, ext_len))
			return false;
	}
	return true;
}

/*
 * Load the database now, and have libmagic compile what it needs for text,
 * so that processes forked from here need not. Raises no error: what fails
 * here is tried again, and reported, by the first ffu_mime_detect().
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
				 errdetail("libmagic reports: %s", why)));
		return;
	}
	ask_magic(MAGIC_MIME_TYPE, text, sizeof(text) - 1, answer, sizeof(answer));
}

/*
 * Make magic_handle, if it is not there yet.
 *
 * On failure returns false with the reason in why (why_size bytes), holding
 * nothing. Raises no error.
 */
static bool
load_database(char *why, size_t why_size)
{
	magic_t		handle;
	const char *reason;

	if (magic_handle != NULL)
		return true;

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

	/* Without it answers may depend on lc_ctype; that is no reason to fail. */
	magic_locale = newlocale(LC_ALL_MASK, "C", (locale_t) 0);
	magic_handle = handle;
	return true;
}

/*
 * Ask libmagic about some bytes and copy what it says, "" if it fails.
 *
 * libmagic classifies characters with isspace() and tolower(), and prints
 * with isprint(): give it the C locale, whatever the database has. Nothing
 * here may raise an error, or the locale would stay.
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
 * Make a well-formed type in lower case of what libmagic said: it has one
 * type ended by anything that a type cannot hold, or it is unknown.
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
 * Make a list of extensions in lower case of what libmagic said. Words that
 * no extension of ours can be ("_" for "the last letter replaced") go.
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
 * Copy the first word of a clean list into extension[FFU_EXT_MAX + 1], ""
 * if there is none.
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
 * Find what we know of a type; NULL if nothing.
 */
static const MimeType *
find_type(const char *mime_type)
{
	for (int i = 0; i < lengthof(types); i++)
	{
		const char *name = types[i].mime_type;
		size_t		len = strlen(name);

		if (name[len - 1] == '*' ?
			strncmp(name, mime_type, len - 1) == 0 :
			strcmp(name, mime_type) == 0)
			return &types[i];
	}
	return NULL;
}

/*
 * Is a word of word_len bytes in a list such as "jpeg/jpg"?
 */
static bool
list_has(const char *list, const char *word, size_t word_len)
{
	while (*list != '\0')
	{
		size_t		len = strcspn(list, "/");

		if (len == word_len && memcmp(list, word, len) == 0)
			return true;
		list += len;
		if (*list == '/')
			list++;
	}
	return false;
}

/*
 * ffu_mime_fits() for a type that we know nothing of, and an extension that
 * libmagic does not have for it.
 *
 * The name is wrong if its extension is known to be another family's, unless
 * that has types of this top level too and libmagic has no list to go by.
 * A text's extension is no evidence: libmagic takes some texts for others.
 */
static bool
fits_unknown_type(const FfuMime *mime, const char *ext)
{
	size_t		media_len = strcspn(mime->mime_type, "/");
	size_t		ext_len = strlen(ext);
	bool		claimed = false;

	for (int i = FAMILY_TEXT + 1; i < FAMILY_COUNT; i++)
	{
		if (!list_has(families[i].extensions, ext, ext_len))
			continue;
		if (mime->extensions[0] == '\0' &&
			list_has(families[i].media, mime->mime_type, media_len))
			return true;
		claimed = true;
	}
	return !claimed;
}
