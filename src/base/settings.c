/*-------------------------------------------------------------------------
 *
 * settings.c
 *	  The settings of ffu.
 *
 * A superuser may set every setting per database (ALTER DATABASE ... SET);
 * any role may set ffu.base_url.  No setting holds a secret, since everybody
 * can read pg_db_role_setting.  No setting names the folder of a database,
 * since a value per role would send a sweep to another folder.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <limits.h>

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "base/fault.h"
#include "base/settings.h"

/* Each database without a folder gets a directory below this directory. */
char	   *ffu_setting_folder_parent = NULL;

/* Time between DROP DATABASE and the removal of such a directory */
int			ffu_setting_folder_grace = 24 * 60 * 60;

/*
 * The extensions accepted in a column without a list: images, video, audio,
 * PDF, office and text formats, archives.  Formats that a browser or a server
 * would run are left out: html, svg, xml, js, php, exe.
 */
#define DEFAULT_EXTENSIONS \
	"jpg,jpeg,jfif,png,gif,webp,avif,heic,heif,bmp,tif,tiff,ico,psd," \
	"mp4,m4v,mov,webm,mkv,avi,mpg,mpeg,ogv,3gp," \
	"mp3,m4a,aac,ogg,oga,opus,wav,flac," \
	"pdf,txt,md,csv,tsv,rtf,json,log," \
	"doc,docx,xls,xlsx,ppt,pptx,odt,ods,odp,epub," \
	"zip,gz,tgz,bz2,xz,zst,7z,tar"

/*
 * An administrator widens or narrows this list for a whole database; the list
 * of a column replaces this list for the column.
 */
char	   *ffu_setting_allowed_extensions = NULL;

/* The reaction to a file whose name contradicts its content */
int			ffu_setting_content_check = FFU_CONTENT_ERROR;

/* The largest file of the database, in kB; a column can only be stricter. */
int			ffu_setting_max_content_length = 1024 * 1024;

/*
 * Prefix that ffu.url() puts before a path; applications set their own host.
 */
char	   *ffu_setting_base_url = NULL;

/*
 * "off" is for test databases, "strict" for a file system that the
 * administrator does not trust.
 */
int			ffu_setting_fsync = FFU_FSYNC_ON;

/* Which files travel in the WAL, instead of a sync of the commit */
int			ffu_setting_wal = FFU_WAL_OFF;
int			ffu_setting_wal_max_file = 32;

/* Whether a standby, or a recovery from a backup, keeps the files of the WAL */
bool		ffu_setting_standby_files = false;

/*
 * Where this server has the folders of databases whose rows name the folder of
 * another server
 */
char	   *ffu_setting_folder_map = NULL;

/* The web server reads files and enters directories by its group. */
int			ffu_setting_file_mode = 0640;
int			ffu_setting_directory_mode = 02750;

/* A migration that calls ffu.file() on trial lowers this setting. */
int			ffu_setting_unused_upload = FFU_UNUSED_ERROR;

/*
 * A superuser turns this on to load a dump's data into tables that already
 * have their triggers: rows then keep their paths unchanged.
 */
bool		ffu_setting_restore = false;

/* Time in which ffu.undelete() can bring a deleted file back */
int			ffu_setting_deletion_delay = 0;

/* A client that returns later than this has to begin again. */
int			ffu_setting_upload_expiry = 24 * 60 * 60;

/*
 * Limits for roles whose statements the administrator does not write: set for a
 * role (ALTER ROLE ... SET), which cannot raise the limits.
 */
int			ffu_setting_max_staged = -1;
int			ffu_setting_max_uploads = -1;
int			ffu_setting_max_detection_time = -1;

/* Life of the signature in a URL of ffu.url() */
int			ffu_setting_url_expiry = 60 * 60;

/* Time that the launcher sleeps unless a backend wakes the launcher up */
int			ffu_setting_naptime = 60;

/* Number of deletions that are made durable and struck off together */
int			ffu_setting_sweep_batch = 10000;

bool		ffu_setting_preloaded = false;

/*
 * Names of the settings that the client gave at the start of the session, before
 * the server loaded the library; in TopMemoryContext.
 */
static List *from_client = NIL;

static const struct config_enum_entry fsync_options[] = {
	{"on", FFU_FSYNC_ON, false},
	{"strict", FFU_FSYNC_STRICT, false},
	{"off", FFU_FSYNC_OFF, false},
	{"true", FFU_FSYNC_ON, true},
	{"false", FFU_FSYNC_OFF, true},
	{NULL, 0, false}
};

static const struct config_enum_entry wal_options[] = {
	{"off", FFU_WAL_OFF, false},
	{"small", FFU_WAL_SMALL, false},
	{"all", FFU_WAL_ALL, false},
	{NULL, 0, false}
};

static const struct config_enum_entry unused_upload_options[] = {
	{"error", FFU_UNUSED_ERROR, false},
	{"warning", FFU_UNUSED_WARNING, false},
	{"ignore", FFU_UNUSED_IGNORE, false},
	{NULL, 0, false}
};

static const struct config_enum_entry content_check_options[] = {
	{"error", FFU_CONTENT_ERROR, false},
	{"warning", FFU_CONTENT_WARNING, false},
	{"off", FFU_CONTENT_OFF, false},
	{NULL, 0, false}
};

/*
 * Write an extension of len bytes to out, FFU_EXT_MAX + 1 bytes, in lower case
 * and without leading dots.  Return false if the result is not 1 to
 * FFU_EXT_MAX letters and digits.  Raise no error.
 */
bool
ffu_setting_normal_extension(const char *ext, size_t len, char *out)
{
	size_t		i;

	while (len > 0 && *ext == '.')
	{
		ext++;
		len--;
	}
	if (len < 1 || len > FFU_EXT_MAX)
		return false;
	for (i = 0; i < len; i++)
	{
		out[i] = pg_ascii_tolower((unsigned char) ext[i]);
		if (!((out[i] >= 'a' && out[i] <= 'z') ||
			  (out[i] >= '0' && out[i] <= '9')))
			return false;
	}
	out[len] = '\0';
	return true;
}

/*
 * Check hook of ffu.allowed_extensions: accept a list of extensions separated
 * by commas, or "*".  Rewrite the list in place to its normal form, which is
 * never longer.  Raise no error.
 */
static bool
check_allowed_extensions(char **newval, void **extra, GucSource source)
{
	StringInfoData list;
	List	   *words;
	ListCell   *lc;

	if (strcmp(*newval, "*") == 0)
		return true;
	if (!SplitGUCList(pstrdup(*newval), ',', &words))
	{
		GUC_check_errdetail("List syntax is invalid.");
		return false;
	}
	initStringInfo(&list);
	foreach(lc, words)
	{
		const char *word = lfirst(lc);
		char		ext[FFU_EXT_MAX + 1];

		if (!ffu_setting_normal_extension(word, strlen(word), ext))
		{
			GUC_check_errdetail("An extension has 1 to %d letters and digits; "
								"the list is separated by commas.",
								FFU_EXT_MAX);
			return false;
		}
		appendStringInfo(&list, "%s%s", list.len > 0 ? "," : "", ext);
	}
	memcpy(*newval, list.data, list.len + 1);
	return true;
}

/*
 * Check hook of ffu.base_url: refuse white space, quotes, angle brackets,
 * backslashes and control characters, which could break out of an HTML page
 * that shows a URL.  Raise no error.
 */
static bool
check_base_url(char **newval, void **extra, GucSource source)
{
	const char *p;

	for (p = *newval; *p; p++)
	{
		if ((unsigned char) *p <= ' ' || *p == 0x7f || strchr("\"'<>\\", *p))
		{
			GUC_check_errdetail("A base URL has no white space, control "
								"characters, quotes, angle brackets or "
								"backslashes.");
			return false;
		}
	}
	return true;
}

/*
 * Check hook of ffu.wal: whoever replays the WAL needs the library, so refuse
 * to write records unless the server itself loads the library.  Raise no error.
 */
static bool
check_wal(int *newval, void **extra, GucSource source)
{
	if (*newval == FFU_WAL_OFF || ffu_setting_preloaded ||
		process_shared_preload_libraries_in_progress)
		return true;
	GUC_check_errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE);
	GUC_check_errdetail("The server has not preloaded ffu, and could not replay the WAL.");
	GUC_check_errhint("Add ffu to shared_preload_libraries, and restart the server.");
	return false;
}

/*
 * Check hooks of the modes.  The server must be able to read and write its own
 * files, and no other user may write them.  Raise no error.
 */
static bool
check_file_mode(int *newval, void **extra, GucSource source)
{
	if ((*newval & 0600) == 0600 && (*newval & ~0644) == 0)
		return true;
	GUC_check_errdetail("A file mode is 0600, with 0040 and 0004 at most "
						"added.");
	return false;
}

static bool
check_directory_mode(int *newval, void **extra, GucSource source)
{
	if ((*newval & 0700) == 0700 && (*newval & ~02755) == 0)
		return true;
	GUC_check_errdetail("A directory mode is 0700, with 02000, 0050 and 0005 "
						"at most added.");
	return false;
}

/*
 * Check hook of ffu.folder_parent: accept an absolute path, or nothing.  Remove
 * slashes at the end.  Raise no error.
 */
static bool
check_folder_parent(char **newval, void **extra, GucSource source)
{
	if (**newval == '\0')
		return true;
	if (!is_absolute_path(*newval) || strlen(*newval) >= MAXPGPATH / 2)
	{
		GUC_check_errdetail("The path is absolute, and has less than %d bytes.",
							MAXPGPATH / 2);
		return false;
	}
	canonicalize_path(*newval);
	return true;
}

/*
 * Take an element of ffu.folder_map apart: two absolute paths, with = between.
 * Return false if the element is malformed.
 */
static bool
split_mapping(char *word, char **from, char **to)
{
	char	   *equals = strstr(word, "=/");

	if (equals == NULL)
		return false;
	*equals = '\0';
	*from = word;
	*to = equals + 1;
	canonicalize_path(*from);
	canonicalize_path(*to);
	return is_absolute_path(*from) && strlen(*from) < MAXPGPATH &&
		strlen(*to) < MAXPGPATH;
}

/*
 * Check hook of ffu.folder_map: accept a list of elements separated by commas,
 * or nothing.  Raise no error.
 */
static bool
check_folder_map(char **newval, void **extra, GucSource source)
{
	List	   *words;
	ListCell   *lc;

	if (!SplitGUCList(pstrdup(*newval), ',', &words))
	{
		GUC_check_errdetail("List syntax is invalid.");
		return false;
	}
	foreach(lc, words)
	{
		char	   *from;
		char	   *to;

		if (!split_mapping(lfirst(lc), &from, &to))
		{
			GUC_check_errdetail("An element is \"/folder/of/the/primary=/folder/here\", with absolute paths; the list is separated by commas.");
			return false;
		}
	}
	return true;
}

/*
 * Show hooks of the modes: return octal digits.  The result is static.
 */
static const char *
show_file_mode(void)
{
	static char buf[12];

	snprintf(buf, sizeof(buf), "%04o", ffu_setting_file_mode);
	return buf;
}

static const char *
show_directory_mode(void)
{
	static char buf[12];

	snprintf(buf, sizeof(buf), "%04o", ffu_setting_directory_mode);
	return buf;
}

/*
 * Define the settings of the files that ffu accepts.
 */
static void
define_content_settings(void)
{
	DefineCustomStringVariable("ffu.allowed_extensions",
							   "Extensions a file may have where its column does not list any.",
							   "A comma-separated list; \"*\" accepts every extension, an empty list none.",
							   &ffu_setting_allowed_extensions,
							   DEFAULT_EXTENSIONS,
							   PGC_SUSET, 0,
							   check_allowed_extensions, NULL, NULL);
	DefineCustomEnumVariable("ffu.content_check",
							 "What happens to a file whose extension contradicts its content.",
							 "A column's content_check comes first.",
							 &ffu_setting_content_check,
							 FFU_CONTENT_ERROR, content_check_options,
							 PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomIntVariable("ffu.max_content_length",
							"Largest size of a file.",
							"A column's max_size can only be stricter.",
							&ffu_setting_max_content_length,
							1024 * 1024, 1, INT_MAX,
							PGC_SUSET, GUC_UNIT_KB,
							NULL, NULL, NULL);
	DefineCustomEnumVariable("ffu.unused_upload",
							 "What happens at commit to an upload that was not assigned to a file column.",
							 NULL,
							 &ffu_setting_unused_upload,
							 FFU_UNUSED_ERROR, unused_upload_options,
							 PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomIntVariable("ffu.upload_expiry",
							"How long a resumable upload is kept after its last bytes came.",
							"What is in force when bytes come is what counts for them.",
							&ffu_setting_upload_expiry,
							24 * 60 * 60, 1, INT_MAX,
							PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomBoolVariable("ffu.restore",
							 "Takes paths in inserted rows as they are, for loading a dump's data.",
							 "The files themselves are to be put in the folder by other means.",
							 &ffu_setting_restore,
							 false,
							 PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomStringVariable("ffu.base_url",
							   "What ffu.url() puts before a path.",
							   "For example https://files.example.com/ or /files/.",
							   &ffu_setting_base_url,
							   "/files/",
							   PGC_USERSET, 0,
							   check_base_url, NULL, NULL);
	DefineCustomIntVariable("ffu.url_expiry",
							"How long the signed URL of a private file is valid at most.",
							"The URL stays the same for half of this time.",
							&ffu_setting_url_expiry,
							60 * 60, 2, INT_MAX,
							PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
}

/*
 * Define the limits of what a role can do to the disk.
 */
static void
define_limit_settings(void)
{
	DefineCustomIntVariable("ffu.max_staged",
							"Most bytes that a transaction may store, or append to uploads.",
							"-1 for no limit. Counts copies as well.",
							&ffu_setting_max_staged,
							-1, -1, INT_MAX,
							PGC_SUSET, GUC_UNIT_KB,
							NULL, NULL, NULL);
	DefineCustomIntVariable("ffu.max_uploads",
							"Most resumable uploads that a role may have open.",
							"-1 for no limit.",
							&ffu_setting_max_uploads,
							-1, -1, INT_MAX,
							PGC_SUSET, 0,
							NULL, NULL, NULL);
	DefineCustomIntVariable("ffu.max_detection_time",
							"Longest time for finding the types of a transaction's files.",
							"-1 for no limit.",
							&ffu_setting_max_detection_time,
							-1, -1, INT_MAX,
							PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);
}

/*
 * Define the settings of folders that ffu makes by itself.  A value per role or
 * database would send databases to the folders of others: the configuration
 * file alone sets them.
 */
static void
define_folder_settings(void)
{
	DefineCustomStringVariable("ffu.folder_parent",
							   "Directory in which a database without a folder gets one at the first use.",
							   "Empty for none: a superuser calls ffu.use_folder().",
							   &ffu_setting_folder_parent,
							   "",
							   PGC_SIGHUP, 0,
							   check_folder_parent, NULL, NULL);
	DefineCustomStringVariable("ffu.folder_map",
							   "Where this server has the folders of other servers.",
							   "For example /srv/ffu=/data/ffu. For a standby, and the server that it becomes.",
							   &ffu_setting_folder_map,
							   "",
							   PGC_SIGHUP, 0,
							   check_folder_map, NULL, NULL);
	DefineCustomIntVariable("ffu.folder_grace",
							"How long a folder below ffu.folder_parent outlives its dropped database.",
							"-1 keeps it for ever.",
							&ffu_setting_folder_grace,
							24 * 60 * 60, -1, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_S,
							NULL, NULL, NULL);
}

/*
 * Define the settings of writing files.
 */
static void
define_disk_settings(void)
{
	DefineCustomEnumVariable("ffu.fsync",
							 "How files are made durable before commit.",
							 "\"strict\" syncs every directory as well; \"off\" loses files in a crash of the machine.",
							 &ffu_setting_fsync,
							 FFU_FSYNC_ON, fsync_options,
							 PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomEnumVariable("ffu.wal",
							 "Which files are in the WAL, so that a commit need not sync them.",
							 "\"small\" takes files up to ffu.wal_max_file, \"all\" every file of the folder, for standbys. Needs ffu in shared_preload_libraries, wherever the WAL is replayed.",
							 &ffu_setting_wal,
							 FFU_WAL_OFF, wal_options,
							 PGC_SUSET, 0,
							 check_wal, NULL, NULL);
	DefineCustomIntVariable("ffu.wal_max_file",
							"Largest file that is in the WAL instead of a sync.",
							"Larger files are synced by the commit.",
							&ffu_setting_wal_max_file,
							32, 1, 1024,
							PGC_SUSET, GUC_UNIT_KB,
							NULL, NULL, NULL);
	/* A server that has not preloaded ffu replays no files. */
	DefineCustomBoolVariable("ffu.standby_files",
							 "Whether a standby, or a recovery from a backup, keeps the files of the WAL for its own folder.",
							 "See ffu.adopt_folder().",
							 &ffu_setting_standby_files,
							 false,
							 process_shared_preload_libraries_in_progress ?
							 PGC_POSTMASTER : PGC_SIGHUP, 0,
							 NULL, NULL, NULL);
	DefineCustomIntVariable("ffu.file_mode",
							"Permissions of new files.",
							NULL,
							&ffu_setting_file_mode,
							0640, 0, 0777,
							PGC_SUSET, 0,
							check_file_mode, NULL, show_file_mode);
	DefineCustomIntVariable("ffu.directory_mode",
							"Permissions of new directories.",
							"The set-group-ID bit, 02000, hands the root's group down to all that is made in it.",
							&ffu_setting_directory_mode,
							02750, 0, 02777,
							PGC_SUSET, 0,
							check_directory_mode, NULL, show_directory_mode);
}

/*
 * Define the settings of deleting files.
 */
static void
define_sweep_settings(void)
{
	DefineCustomIntVariable("ffu.deletion_delay",
							"How long a deleted file is kept out of URL reach, to be brought back with ffu.undelete().",
							NULL,
							&ffu_setting_deletion_delay,
							0, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomIntVariable("ffu.naptime",
							"How often the background worker looks for leftovers by itself.",
							"A commit that leaves work wakes it up anyway.",
							&ffu_setting_naptime,
							60, 1, INT_MAX / 1000,
							PGC_SIGHUP, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomIntVariable("ffu.sweep_batch",
							"How many deletions the background worker does in one transaction.",
							NULL,
							&ffu_setting_sweep_batch,
							10000, 1, 100000,
							PGC_SIGHUP, 0,
							NULL, NULL, NULL);
}

/*
 * Note the settings of ffu that the client gave at the start of the session.
 * Before the library is loaded the server takes any value, and drops the value
 * of the role, the database or the configuration file.
 */
static void
note_client_settings(void)
{
	int			number;
	struct config_generic **all = FFU_GUC_VARIABLES(number);
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	int			i;

	for (i = 0; i < number; i++)
	{
		if (all[i]->reset_source == PGC_S_CLIENT &&
			pg_strncasecmp(all[i]->name, "ffu.", strlen("ffu.")) == 0)
			from_client = lappend(from_client, pstrdup(all[i]->name));
	}
	MemoryContextSwitchTo(old);
}

/*
 * Tell whether the value at the start of the session is the client's.
 */
static bool
is_from_client(const char *name)
{
	int			number;
	struct config_generic **all = FFU_GUC_VARIABLES(number);
	int			i;

	for (i = 0; i < number; i++)
	{
		if (pg_strcasecmp(all[i]->name, name) == 0)
			return all[i]->reset_source == PGC_S_CLIENT;
	}
	return false;
}

/*
 * Raise 55P02 if the server has refused a value of the client at the definition
 * of the setting: the setting has its default now, and the value that was meant
 * for this role is lost.
 */
static void
check_client_settings(void)
{
	ListCell   *lc;

	foreach(lc, from_client)
	{
		const char *name = lfirst(lc);

		if (!is_from_client(name))
			ereport(ERROR,
					(errcode(ERRCODE_CANT_CHANGE_RUNTIME_PARAM),
					 errmsg("setting \"%s\" of the client is refused", name),
					 errdetail("The client gave a value at the start of the session that is invalid, or that this role may not set; the value of the server is lost."),
					 errhint("Connect without this setting in PGOPTIONS or the option \"options\" of the connection.")));
	}
}

/*
 * Define all settings.  _PG_init calls this, again after an error.  Raise 55P02.
 */
void
ffu_setting_init(void)
{
	static bool defined = false;

	if (!defined)
	{
		note_client_settings();
		define_content_settings();
		define_limit_settings();
		define_folder_settings();
		define_disk_settings();
		define_sweep_settings();
		ffu_setting_define_store();
		ffu_fault_init();
		MarkGUCPrefixReserved("ffu");
		defined = true;
	}
	check_client_settings();
}

/*
 * Return the largest allowed size of a file, in bytes.  Raise no error.
 */
int64
ffu_setting_max_bytes(void)
{
	return (int64) ffu_setting_max_content_length * 1024;
}

/*
 * Tell whether ffu.allowed_extensions, in its normal form, accepts ext, in
 * lower case and without a dot; "" stands for no extension.
 */
bool
ffu_setting_extension_allowed(const char *ext)
{
	const char *list = ffu_setting_allowed_extensions;

	return strcmp(list, "*") == 0 ||
		(*ext && strstr(psprintf(",%s,", list), psprintf(",%s,", ext)) != NULL);
}

/*
 * Replace the path of a folder, in a buffer of this size, by the path that this
 * server has for the folder.
 */
void
ffu_setting_map_folder(char *path, size_t size)
{
	List	   *words;
	ListCell   *lc;

	if (*ffu_setting_folder_map == '\0' ||
		!SplitGUCList(pstrdup(ffu_setting_folder_map), ',', &words))
		return;
	foreach(lc, words)
	{
		char	   *from;
		char	   *to;

		if (split_mapping(lfirst(lc), &from, &to) && strcmp(path, from) == 0)
		{
			strlcpy(path, to, size);
			return;
		}
	}
}

/*
 * Return the value of "content_check" for a word, or -1.  Raise no error.
 */
int
ffu_setting_content_check_value(const char *word)
{
	const struct config_enum_entry *option;

	for (option = content_check_options; option->name; option++)
	{
		if (strcmp(option->name, word) == 0)
			return option->val;
	}
	return -1;
}
