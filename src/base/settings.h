/*-------------------------------------------------------------------------
 *
 * settings.h
 *	  The settings of ffu.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_SETTINGS_H
#define FFU_SETTINGS_H

#include "base/ffu.h"
#include "nodes/pg_list.h"

/* ffu.fsync */
typedef enum FfuFsync
{
	FFU_FSYNC_OFF,				/* none: a crash of the machine loses files */
	FFU_FSYNC_ON,				/* the syncs that the file system is known to
								 * need */
	FFU_FSYNC_STRICT			/* files and all their directories, always */
} FfuFsync;

/* ffu.content_check */
typedef enum FfuContentCheck
{
	FFU_CONTENT_OFF,
	FFU_CONTENT_WARNING,
	FFU_CONTENT_ERROR
} FfuContentCheck;

/* ffu.unused_upload */
typedef enum FfuUnusedUpload
{
	FFU_UNUSED_IGNORE,
	FFU_UNUSED_WARNING,
	FFU_UNUSED_ERROR
} FfuUnusedUpload;

/* ffu.wal */
typedef enum FfuWal
{
	FFU_WAL_OFF,				/* no file is in the WAL */
	FFU_WAL_SMALL,				/* files up to ffu.wal_max_file are */
	FFU_WAL_ALL					/* every file in the folder is */
} FfuWal;

extern char *ffu_setting_folder_parent; /* "": none */
extern int	ffu_setting_folder_grace;	/* in seconds; -1: no end */
extern char *ffu_setting_allowed_extensions;
extern int	ffu_setting_content_check;
extern int	ffu_setting_max_content_length; /* in kB */
extern char *ffu_setting_base_url;
extern int	ffu_setting_fsync;
extern int	ffu_setting_wal;
extern int	ffu_setting_wal_max_file;	/* in kB */
extern bool ffu_setting_standby_files;
extern char *ffu_setting_folder_map;	/* "": none */
extern int	ffu_setting_file_mode;
extern int	ffu_setting_directory_mode;
extern int	ffu_setting_unused_upload;
extern bool ffu_setting_restore;
extern int	ffu_setting_deletion_delay; /* in seconds */
extern int	ffu_setting_upload_expiry;	/* in seconds */
extern int	ffu_setting_max_staged; /* in kB; -1: no limit */
extern int	ffu_setting_max_uploads;	/* -1: no limit */
extern int	ffu_setting_max_detection_time; /* in ms; -1: no limit */
extern int	ffu_setting_url_expiry; /* in seconds */
extern int	ffu_setting_naptime;	/* in seconds */
extern int	ffu_setting_sweep_batch;	/* in files */
extern char *ffu_setting_credentials_file;
extern int	ffu_setting_store_connections;
extern int	ffu_setting_store_timeout;	/* in seconds */
extern int	ffu_setting_store_delete_batch;
extern int	ffu_setting_multipart_threshold;	/* in kB */
extern int	ffu_setting_settle_time;	/* in seconds */
extern int	ffu_setting_move_after; /* in seconds; -1: never */

/* True if the postmaster loaded the library.  This flag is not a setting. */
extern bool ffu_setting_preloaded;

extern void ffu_setting_init(void);
extern void ffu_setting_define_store(void);
extern int64 ffu_setting_max_bytes(void);
extern bool ffu_setting_extension_allowed(const char *ext);
extern bool ffu_setting_normal_extension(const char *ext, size_t len, char *out);
extern int	ffu_setting_content_check_value(const char *word);
extern void ffu_setting_map_folder(char *path, size_t size);

#endif							/* FFU_SETTINGS_H */
