/*-------------------------------------------------------------------------
 *
 * mime_types.c
 *	  Tables of ffu's knowledge of file types beyond libmagic.
 *
 * There are four tables: the families with their extensions, the types with
 * their families, the additional types of a file (alternatives), and the names
 * of the same type (synonyms).  The tables are constant; no function here
 * looks at bytes or raises an error.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "text/mime_types.h"

const FfuFamily ffu_families[FFU_FAMILY_COUNT] = {
	[FFU_FAMILY_NONE] = {"", "", false},

	/*
	 * Text may have any extension except extensions of other families.  So
	 * this list only needs extensions that belong to text and to another
	 * family (TypeScript and MPEG transport streams are .ts; exports in HTML,
	 * XML, CSV or RTF have .doc and .xls, Illustrator's PostScript .ai), and
	 * extensions that only text should have.
	 */
	[FFU_FAMILY_TEXT] = {"txt/text/log/md/csv/tsv/json/xml/html/htm/xhtml/svg/css/"
		"js/mjs/php/py/sh/sql/c/h/yml/yaml/ini/rtf/srt/vtt/ics/vcf/eml/ts/"
	"doc/dot/xls/xlt/ai/ps/eps", "", false},

	/* .ico: many a favicon.ico is a PNG */
	[FFU_FAMILY_PNG] = {"png/apng/ico", "image", true},

	/* .thm: a camera's thumbnails; .mpo, .jps: stereo pairs; .jls: JPEG-LS */
	[FFU_FAMILY_JPEG] = {"jpeg/jpg/jpe/jfif/jfi/jif/pjpeg/pjp/thm/mpo/jps/jls/"
	"mjpg/mjpeg", "image/video", true},
	[FFU_FAMILY_GIF] = {"gif", "image", true},
	[FFU_FAMILY_WEBP] = {"webp", "image", true},
	[FFU_FAMILY_BMP] = {"bmp/dib", "image", false},
	[FFU_FAMILY_ICON] = {"ico/cur", "image", false},

	/* Most raw formats of cameras, and of microscopes, are TIFF. */
	[FFU_FAMILY_TIFF] = {"tif/tiff/dng/nef/nrw/arw/sr2/srf/srw/pef/cr2/crw/orf/"
	"raf/rw2/rwl/3fr/iiq/erf/dcr/kdc/gpr/svs", "image", false},

	/* One container; the brand of a file from a phone is often just mif1. */
	[FFU_FAMILY_HEIF] = {"heic/heif/heics/heifs/hif/avif/avifs", "image", true},
	[FFU_FAMILY_JPEG2000] = {"jp2/j2k/jpf/jpx/jpm/j2c/jpc/mj2/mjp2/jph",
	"image/video", true},
	[FFU_FAMILY_PHOTOSHOP] = {"psd/psb/pdd", "image", true},

	/* The ISO base media format: brands do not follow the file's name. */
	[FFU_FAMILY_MP4] = {"mp4/m4v/m4a/m4b/m4p/m4r/mov/qt/mqv/3gp/3gpp/3ga/3g2/"
		"3gp2/f4v/f4a/f4b/f4p/mp4v/mpg4/m4s/ismv/isma/cmfv/cmfa/mj2/lrv/insv/"
	"psp/aac", "audio/video", true},
	[FFU_FAMILY_MATROSKA] = {"mkv/mka/mks/mk3d/webm/weba", "audio/video", true},
	[FFU_FAMILY_OGG] = {"ogg/oga/ogv/ogx/ogm/opus/spx", "audio/video", true},
	[FFU_FAMILY_WAV] = {"wav/wave/bwf/rf64/w64", "audio", true},
	[FFU_FAMILY_AVI] = {"avi/divx/xvid", "video", true},
	[FFU_FAMILY_ASF] = {"asf/wmv/wma/wm/dvr-ms", "audio/video", true},
	[FFU_FAMILY_FLV] = {"flv/f4v", "video", true},

	/* Elementary, program and transport streams, as recorders name them. */
	[FFU_FAMILY_MPEG_VIDEO] = {"mpg/mpeg/mpe/mpv/m1v/m2v/m2p/vob/evo/ts/m2ts/mts/"
	"m2t/trp", "video", false},

	/* Frames of both begin with the same bits, and either after an ID3 tag. */
	[FFU_FAMILY_MPEG_AUDIO] = {"mp3/mp2/mp1/mpa/mpga/m2a/m3a/aac/adts",
	"audio", true},
	[FFU_FAMILY_FLAC] = {"flac", "audio", true},
	[FFU_FAMILY_AIFF] = {"aif/aiff/aifc/aff", "audio", true},
	[FFU_FAMILY_DOLBY] = {"ac3/eac3/ec3", "audio", true},
	[FFU_FAMILY_MIDI] = {"mid/midi/kar/rmi/smf", "audio", false},
	[FFU_FAMILY_FONT] = {"ttf/otf/ttc/otc/tte/dfont", "font", true},
	[FFU_FAMILY_WOFF] = {"woff", "font", true},
	[FFU_FAMILY_WOFF2] = {"woff2", "font", true},
	[FFU_FAMILY_PDF] = {"pdf/ai", "", true},

	/*
	 * For many an office document, e-book, package or model, libmagic reports
	 * only a zip file (libmagic depends on the order of the members).
	 */
	[FFU_FAMILY_ZIP] = {"zip/zipx/docx/docm/dotx/dotm/xlsx/xlsm/xlsb/xltx/xltm/"
		"xlam/pptx/pptm/ppsx/ppsm/potx/potm/vsdx/vstx/thmx/odt/ods/odp/odg/"
		"odf/odb/odc/odm/ott/ots/otp/otg/sxw/sxc/sxi/epub/jar/war/ear/apk/aab/"
		"aar/ipa/xpi/whl/kmz/cbz/3mf/usdz/xps/oxps/nupkg/vsix/pages/numbers/"
	"idml/kra/ora", "", false},
	[FFU_FAMILY_JAR] = {"jar/war/ear/aar/apk/aab/zip", "", false},
	[FFU_FAMILY_EPUB] = {"epub/zip", "", false},
	[FFU_FAMILY_WORD] = {"docx/docm/dotx/dotm/doc/zip", "", false},
	[FFU_FAMILY_SHEET] = {"xlsx/xlsm/xlsb/xltx/xltm/xlam/xls/zip", "", false},
	[FFU_FAMILY_SLIDES] = {"pptx/pptm/ppsx/ppsm/potx/potm/ppam/thmx/ppt/pps/zip",
	"", false},
	[FFU_FAMILY_OPENDOCUMENT] = {"odt/ods/odp/odg/odf/odb/odc/odi/odm/oth/ott/ots/"
	"otp/otg/otf/otc/sxw/sxc/sxi/zip", "", false},

	/* Encrypted documents of the newer formats are OLE files as well. */
	[FFU_FAMILY_OLE] = {"doc/dot/xls/xlt/xla/ppt/pps/ppa/vsd/vss/mpp/wps/hwp/msi/"
		"docx/docm/dotx/dotm/xlsx/xlsm/xlsb/xltx/xltm/xlam/pptx/pptm/ppsx/"
	"ppsm/potx/potm", "", false},
	[FFU_FAMILY_GZIP] = {"gz/gzip/tgz/taz/tpz/svgz/emz/wmz/vgz", "", false},
	[FFU_FAMILY_BZIP2] = {"bz2/tbz2/tbz/tb2/bz", "", false},
	[FFU_FAMILY_XZ] = {"xz/txz", "", false},
	[FFU_FAMILY_ZSTD] = {"zst/zstd/tzst", "", false},
	[FFU_FAMILY_TAR] = {"tar/gtar/ustar/ova/cbt", "", false},
	[FFU_FAMILY_RAR] = {"rar/cbr", "", false},
	[FFU_FAMILY_7ZIP] = {"7z/cb7", "", false},
	[FFU_FAMILY_PROGRAM] = {"exe/dll/scr/cpl/ocx/efi/elf", "", false},
};

static const FfuMimeType types[] = {
	{"application/octet-stream", FFU_FAMILY_NONE, "", "bin"},
	{"application/x-empty", FFU_FAMILY_NONE, "", NULL},

	/* text */
	{"text/plain", FFU_FAMILY_TEXT, "", "txt"},
	{"text/html", FFU_FAMILY_TEXT, "", "html"},
	{"text/xml", FFU_FAMILY_TEXT, "", "xml"},
	{"text/csv", FFU_FAMILY_TEXT, "", "csv"},
	{"text/calendar", FFU_FAMILY_TEXT, "", "ics"},
	{"text/x-shellscript", FFU_FAMILY_TEXT, "", "sh"},
	{"text/x-script.python", FFU_FAMILY_TEXT, "", "py"},
	{"text/x-c", FFU_FAMILY_TEXT, "", "c"},
	{"text/x-c++", FFU_FAMILY_TEXT, "", "cpp"},
	{"text/x-diff", FFU_FAMILY_TEXT, "", "diff"},
	{"text/x-php", FFU_FAMILY_TEXT, "", "php"},
	{"text/x-tex", FFU_FAMILY_TEXT, "", "tex"},
	{"text/x-perl", FFU_FAMILY_TEXT, "", "pl"},
	{"text/x-ruby", FFU_FAMILY_TEXT, "", "rb"},
	{"text/x-java", FFU_FAMILY_TEXT, "", "java"},
	{"text/x-asm", FFU_FAMILY_TEXT, "", "s"},
	{"text/x-msdos-batch", FFU_FAMILY_TEXT, "bat", NULL},
	{"text/rtf", FFU_FAMILY_TEXT, "rtf", NULL},
	{"text/vcard", FFU_FAMILY_TEXT, "vcf/vcard", NULL},
	{"text/vtt", FFU_FAMILY_TEXT, "vtt", NULL},
	{"text/*", FFU_FAMILY_TEXT, "", "txt"},
	{"message/rfc822", FFU_FAMILY_TEXT, "", "eml"},
	{"message/*", FFU_FAMILY_TEXT, "", "txt"},
	{"application/json", FFU_FAMILY_TEXT, "", "json"},
	{"application/x-ndjson", FFU_FAMILY_TEXT, "", "ndjson"},
	{"application/javascript", FFU_FAMILY_TEXT, "", "js"},
	{"application/postscript", FFU_FAMILY_TEXT, "", "ps"},
	{"application/x-subrip", FFU_FAMILY_TEXT, NULL, "srt"},
	{"application/x-setupscript", FFU_FAMILY_TEXT, NULL, NULL},
	{"application/x-wine-extension-ini", FFU_FAMILY_TEXT, NULL, "ini"},
	{"application/x-mswinurl", FFU_FAMILY_TEXT, NULL, NULL},
	{"application/x-sylk", FFU_FAMILY_TEXT, NULL, NULL},
	{"application/x-dif", FFU_FAMILY_TEXT, NULL, NULL},
	{"application/pgp*", FFU_FAMILY_TEXT, NULL, "asc"},
	{"image/svg+xml", FFU_FAMILY_TEXT, "svg", NULL},
	{"image/vnd.dxf", FFU_FAMILY_TEXT, NULL, NULL},

	/* images */
	{"image/png", FFU_FAMILY_PNG, "png", NULL},
	{"image/jpeg", FFU_FAMILY_JPEG, "jpeg/jpg/jpe/jfif", NULL},
	{"image/gif", FFU_FAMILY_GIF, "gif", NULL},
	{"image/webp", FFU_FAMILY_WEBP, "webp", NULL},
	{"image/bmp", FFU_FAMILY_BMP, "bmp", NULL},
	{"image/x-ms-bmp", FFU_FAMILY_BMP, NULL, "bmp"},
	{"image/vnd.microsoft.icon", FFU_FAMILY_ICON, "ico", NULL},
	{"image/x-icon", FFU_FAMILY_ICON, NULL, "ico"},
	{"image/x-win-bitmap", FFU_FAMILY_ICON, "cur", NULL},
	{"image/tiff", FFU_FAMILY_TIFF, "tif/tiff", NULL},
	{"image/x-canon-cr2", FFU_FAMILY_TIFF, "", "cr2"},
	{"image/x-canon-crw", FFU_FAMILY_TIFF, "", "crw"},
	{"image/x-olympus-orf", FFU_FAMILY_TIFF, "", "orf"},
	{"image/x-fuji-raf", FFU_FAMILY_TIFF, "raf", NULL},
	{"image/heic", FFU_FAMILY_HEIF, "", "heic"},
	{"image/heif", FFU_FAMILY_HEIF, "", "heif"},
	{"image/heic-sequence", FFU_FAMILY_HEIF, "", "heics"},
	{"image/heif-sequence", FFU_FAMILY_HEIF, "", "heifs"},
	{"image/avif", FFU_FAMILY_HEIF, "", "avif"},
	{"image/jp2", FFU_FAMILY_JPEG2000, NULL, "jp2"},
	{"image/jpx", FFU_FAMILY_JPEG2000, NULL, "jpx"},
	{"image/jpm", FFU_FAMILY_JPEG2000, NULL, "jpm"},
	{"image/x-jp2-codestream", FFU_FAMILY_JPEG2000, NULL, NULL},
	{"video/mj2", FFU_FAMILY_JPEG2000, NULL, "mj2"},
	{"image/vnd.adobe.photoshop", FFU_FAMILY_PHOTOSHOP, NULL, "psd"},

	/* audio and video */
	{"video/mp4", FFU_FAMILY_MP4, "mp4", NULL},
	{"audio/mp4", FFU_FAMILY_MP4, "", "m4a"},
	{"audio/x-m4a", FFU_FAMILY_MP4, "", "m4a"},
	{"video/x-m4v", FFU_FAMILY_MP4, "", "m4v"},
	{"video/quicktime", FFU_FAMILY_MP4, "", "mov"},
	{"video/3gpp", FFU_FAMILY_MP4, "", "3gp"},
	{"video/3gpp2", FFU_FAMILY_MP4, "", "3g2"},
	{"video/webm", FFU_FAMILY_MATROSKA, "", "webm"},
	{"video/x-matroska", FFU_FAMILY_MATROSKA, "", "mkv"},
	{"audio/webm", FFU_FAMILY_MATROSKA, NULL, "weba"},
	{"audio/x-matroska", FFU_FAMILY_MATROSKA, NULL, "mka"},
	{"audio/ogg", FFU_FAMILY_OGG, "", "ogg"},
	{"video/ogg", FFU_FAMILY_OGG, "", "ogv"},
	{"application/ogg", FFU_FAMILY_OGG, "", "ogx"},
	{"audio/x-wav", FFU_FAMILY_WAV, "wav/wave", NULL},
	{"audio/x-w64", FFU_FAMILY_WAV, "", "w64"},
	{"video/x-msvideo", FFU_FAMILY_AVI, "avi/divx", NULL},
	{"video/x-ms-asf", FFU_FAMILY_ASF, "", "asf"},
	{"video/x-flv", FFU_FAMILY_FLV, "", "flv"},
	{"video/mpeg", FFU_FAMILY_MPEG_VIDEO, NULL, "mpg"},
	{"video/mpeg4-generic", FFU_FAMILY_MPEG_VIDEO, NULL, "mpg"},
	{"video/mp2t", FFU_FAMILY_MPEG_VIDEO, NULL, "ts"},
	{"video/mp2p", FFU_FAMILY_MPEG_VIDEO, NULL, "mpg"},
	{"video/mpv", FFU_FAMILY_MPEG_VIDEO, NULL, "mpv"},
	{"audio/mpeg", FFU_FAMILY_MPEG_AUDIO, "", "mp3"},
	{"audio/aac", FFU_FAMILY_MPEG_AUDIO, NULL, "aac"},
	{"audio/x-hx-aac-adts", FFU_FAMILY_MPEG_AUDIO, "", "aac"},
	{"audio/x-hx-aac-adif", FFU_FAMILY_MPEG_AUDIO, "", "aac"},
	{"audio/flac", FFU_FAMILY_FLAC, "", "flac"},
	{"audio/x-aiff", FFU_FAMILY_AIFF, "", "aiff"},
	{"audio/vnd.dolby.dd-raw", FFU_FAMILY_DOLBY, "", "ac3"},
	{"audio/midi", FFU_FAMILY_MIDI, "", "mid"},
	{"audio/mid", FFU_FAMILY_MIDI, "rmi", NULL},

	/* fonts */
	{"font/sfnt", FFU_FAMILY_FONT, "ttf/tte", NULL},
	{"font/ttf", FFU_FAMILY_FONT, NULL, "ttf"},
	{"font/otf", FFU_FAMILY_FONT, NULL, "otf"},
	{"application/vnd.ms-opentype", FFU_FAMILY_FONT, "", "otf"},
	{"font/woff", FFU_FAMILY_WOFF, "", "woff"},
	{"font/woff2", FFU_FAMILY_WOFF2, "woff2", NULL},

	/* documents */
	{"application/pdf", FFU_FAMILY_PDF, "pdf", NULL},
	{"application/zip", FFU_FAMILY_ZIP, "", "zip"},
	{"application/x-ios-app", FFU_FAMILY_ZIP, "", "ipa"},
	{"application/java-archive", FFU_FAMILY_JAR, "jar", NULL},
	{"application/vnd.android.package-archive", FFU_FAMILY_JAR, "apk", NULL},
	{"application/epub+zip", FFU_FAMILY_EPUB, "", "epub"},
	{"application/vnd.openxmlformats-officedocument.wordprocessingml.*",
	FFU_FAMILY_WORD, "docx", NULL},
	{"application/vnd.openxmlformats-officedocument.spreadsheetml.*",
	FFU_FAMILY_SHEET, "xlsx", NULL},
	{"application/vnd.openxmlformats-officedocument.presentationml.*",
	FFU_FAMILY_SLIDES, "pptx", NULL},
	{"application/vnd.ms-visio.drawing.main+xml", FFU_FAMILY_ZIP, "", "vsdx"},
	{"application/vnd.oasis.opendocument.*", FFU_FAMILY_OPENDOCUMENT, NULL, NULL},
	{"application/vnd.sun.xml.*", FFU_FAMILY_OPENDOCUMENT, NULL, NULL},
	{"application/msword", FFU_FAMILY_OLE, NULL, "doc"},
	{"application/vnd.ms-excel", FFU_FAMILY_OLE, NULL, "xls"},
	{"application/vnd.ms-powerpoint", FFU_FAMILY_OLE, NULL, "ppt"},
	{"application/vnd.ms-outlook", FFU_FAMILY_OLE, NULL, NULL},
	{"application/vnd.ms-office", FFU_FAMILY_OLE, NULL, NULL},
	{"application/vnd.ms-project", FFU_FAMILY_OLE, NULL, "mpp"},
	{"application/vnd.ms-publisher", FFU_FAMILY_OLE, NULL, "pub"},
	{"application/vnd.visio", FFU_FAMILY_OLE, NULL, "vsd"},
	{"application/x-hwp", FFU_FAMILY_OLE, NULL, "hwp"},
	{"application/x-ole-storage", FFU_FAMILY_OLE, NULL, NULL},
	{"application/cdfv2*", FFU_FAMILY_OLE, NULL, NULL},
	{"application/encrypted", FFU_FAMILY_OLE, "", NULL},

	/* archives and programs */
	{"application/gzip", FFU_FAMILY_GZIP, "gz/tgz/tpz/svgz", NULL},
	{"application/x-gzip", FFU_FAMILY_GZIP, "", "gz"},
	{"application/x-bzip2", FFU_FAMILY_BZIP2, "bz2", NULL},
	{"application/x-xz", FFU_FAMILY_XZ, "xz", NULL},
	{"application/zstd", FFU_FAMILY_ZSTD, "zst", NULL},
	{"application/x-zstd", FFU_FAMILY_ZSTD, NULL, "zst"},
	{"application/x-tar", FFU_FAMILY_TAR, "tar/gtar", NULL},
	{"application/x-rar", FFU_FAMILY_RAR, "rar/cbr", NULL},
	{"application/vnd.rar", FFU_FAMILY_RAR, NULL, "rar"},
	{"application/x-7z-compressed", FFU_FAMILY_7ZIP, "7z/cb7", NULL},
	{"application/vnd.microsoft.portable-executable", FFU_FAMILY_PROGRAM, "",
	"exe"},
	{"application/x-executable", FFU_FAMILY_PROGRAM, "", NULL},
	{"application/x-pie-executable", FFU_FAMILY_PROGRAM, "", NULL},
	{"application/x-sharedlib", FFU_FAMILY_PROGRAM, "", "so"},
	{"application/x-object", FFU_FAMILY_PROGRAM, "", "o"},
	{"application/x-coredump", FFU_FAMILY_PROGRAM, "", NULL},
	{"application/x-mach-binary", FFU_FAMILY_PROGRAM, "", NULL},
};

/*
 * Types of content that a browser, a server or a shell runs.  ffu's knowledge
 * beyond libmagic never lets such content pass as another type.
 */
static const char *const active_types[] = {
	"text/html", "text/xml", "text/x-php", "text/x-shellscript",
	"text/x-script.python", "text/x-perl", "text/x-ruby", "text/x-msdos-batch",
	"text/javascript", "text/x-lua", "text/x-awk", "text/x-tcl", "text/x-nodejs",
	"application/javascript", "application/x-setupscript",
	"application/x-mswinurl", "application/x-wine-extension-ini",
	"image/svg+xml", "application/x-java-applet",
	"application/vnd.adobe.flash.movie", "application/x-shockwave-flash",
};

#define OPENXML	"application/vnd.openxmlformats-officedocument."
#define OPENDOCUMENT	"application/vnd.oasis.opendocument."

/*
 * libmagic reports one type of a file.  The policy of a column asks whether a
 * file may be of a type, and the content check whether the file may have its
 * name: a second type counts as well if the bytes give evidence.
 */
const FfuAlternative ffu_alternatives[] = {
	{FFU_EVIDENCE_TEXT, "text/plain", "txt/text/log/asc/conf/cfg/ini"},
	{FFU_EVIDENCE_TEXT, "text/csv", "csv"},
	{FFU_EVIDENCE_TEXT, "text/tab-separated-values", "tsv/tab"},
	{FFU_EVIDENCE_TEXT, "text/markdown", "md/markdown"},
	{FFU_EVIDENCE_TEXT, "text/css", "css"},
	{FFU_EVIDENCE_TEXT, "application/yaml", "yaml/yml"},
	{FFU_EVIDENCE_JSON, "application/json", "json/geojson"},
	{FFU_EVIDENCE_PDF, "application/pdf", "pdf/ai"},
	{FFU_EVIDENCE_ZIP, "application/zip", "zip"},
	{FFU_EVIDENCE_ZIP_END, "application/zip", "zip"},
	{FFU_EVIDENCE_EPUB, "application/epub+zip", "epub"},
	{FFU_EVIDENCE_WORD, OPENXML "wordprocessingml.document", "docx/doc"},
	{FFU_EVIDENCE_WORD, OPENXML "wordprocessingml.template", "dotx/dot"},
	{FFU_EVIDENCE_WORD, "application/vnd.ms-word.document.macroenabled.12",
	"docm"},
	{FFU_EVIDENCE_SHEET, OPENXML "spreadsheetml.sheet", "xlsx/xls"},
	{FFU_EVIDENCE_SHEET, OPENXML "spreadsheetml.template", "xltx/xlt"},
	{FFU_EVIDENCE_SHEET, "application/vnd.ms-excel.sheet.macroenabled.12",
	"xlsm"},
	{FFU_EVIDENCE_SLIDES, OPENXML "presentationml.presentation", "pptx/ppt"},
	{FFU_EVIDENCE_SLIDES, OPENXML "presentationml.slideshow", "ppsx/pps"},
	{FFU_EVIDENCE_SLIDES, OPENXML "presentationml.template", "potx/pot"},
	{FFU_EVIDENCE_SLIDES,
		"application/vnd.ms-powerpoint.presentation.macroenabled.12",
	"pptm"},
	{FFU_EVIDENCE_OPENDOCUMENT, OPENDOCUMENT "text", "odt"},
	{FFU_EVIDENCE_OPENDOCUMENT, OPENDOCUMENT "text-template", "ott"},
	{FFU_EVIDENCE_OPENDOCUMENT, OPENDOCUMENT "spreadsheet", "ods"},
	{FFU_EVIDENCE_OPENDOCUMENT, OPENDOCUMENT "spreadsheet-template", "ots"},
	{FFU_EVIDENCE_OPENDOCUMENT, OPENDOCUMENT "presentation", "odp"},
	{FFU_EVIDENCE_OPENDOCUMENT, OPENDOCUMENT "presentation-template", "otp"},
	{FFU_EVIDENCE_OPENDOCUMENT, OPENDOCUMENT "graphics", "odg"},
	{FFU_EVIDENCE_OPENDOCUMENT, OPENDOCUMENT "formula", "odf"},
	{FFU_EVIDENCE_AUDIO_ONLY, "audio/mp4", "mp4/m4a/m4b/m4r/aac/3gp/mov"},
	{FFU_EVIDENCE_AUDIO_ONLY, "audio/webm", "webm/weba"},
	{FFU_EVIDENCE_AUDIO_ONLY, "audio/x-matroska", "mka/mkv"},
};
const int	ffu_alternative_count = lengthof(ffu_alternatives);

/*
 * Names of the same type, including the name in libmagic 5.44.  A policy
 * accepts a file under each name.
 */
static const char *const synonyms[] = {
	"audio/x-wav audio/wav audio/wave audio/vnd.wave",
	"audio/x-hx-aac-adts audio/x-hx-aac-adif audio/aac audio/aacp audio/x-aac",
	"audio/x-m4a audio/mp4 audio/m4a",
	"audio/mpeg audio/mp3",
	"audio/flac audio/x-flac",
	"audio/x-aiff audio/aiff",
	"audio/midi audio/mid audio/x-midi",
	"audio/ogg audio/opus",
	"video/x-msvideo video/avi video/vnd.avi",
	"video/x-m4v video/mp4",
	"video/x-matroska video/matroska",
	"video/x-ms-asf video/x-ms-wmv",
	"image/bmp image/x-ms-bmp",
	"image/vnd.microsoft.icon image/x-icon",
	"image/heic image/heif",
	"image/vnd.adobe.photoshop image/x-photoshop",
	"font/sfnt font/ttf font/otf application/vnd.ms-opentype",
	"text/rtf application/rtf",
	"text/xml application/xml",
	"text/csv application/csv",
	"text/markdown text/x-markdown",
	"text/vcard text/x-vcard",
	"application/yaml text/yaml application/x-yaml",
	"application/javascript text/javascript",
	"application/x-ndjson application/json",
	"application/zip application/x-zip-compressed",
	"application/gzip application/x-gzip",
	"application/x-rar application/vnd.rar application/x-rar-compressed",
	"application/zstd application/x-zstd",
	"application/x-bzip2 application/bzip2",
	"application/x-7z-compressed application/7z",
	"application/vnd.sqlite3 application/x-sqlite3",
};

/*
 * Find a type in the table of types.  Return NULL for an unknown type.
 */
const FfuMimeType *
ffu_mime_type_find(const char *mime_type)
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
 * Tell whether a browser, server or shell runs content of this type.
 */
bool
ffu_mime_type_is_active(const char *mime_type)
{
	const FfuMimeType *type = ffu_mime_type_find(mime_type);

	if (type != NULL && type->family == FFU_FAMILY_PROGRAM)
		return true;
	for (int i = 0; i < lengthof(active_types); i++)
	{
		if (strcmp(active_types[i], mime_type) == 0)
			return true;
	}
	return false;
}

/*
 * Return all names of a type, separated by spaces and including the type
 * itself.  Return "" if the type has no other name.
 */
const char *
ffu_mime_type_synonyms(const char *mime_type)
{
	size_t		len = strlen(mime_type);

	for (int i = 0; i < lengthof(synonyms); i++)
	{
		const char *p = synonyms[i];

		while ((p = strstr(p, mime_type)) != NULL)
		{
			if ((p == synonyms[i] || p[-1] == ' ') &&
				(p[len] == ' ' || p[len] == '\0'))
				return synonyms[i];
			p++;
		}
	}
	return "";
}

/*
 * Tell whether a word is in a list such as "jpeg/jpg".
 */
bool
ffu_mime_list_has(const char *list, const char *word)
{
	size_t		word_len = strlen(word);

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
