/*-------------------------------------------------------------------------
 *
 * control.h
 *	  The directories beside the staging directory, in .ffu.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_CONTROL_H
#define FFU_CONTROL_H

#include "base/ffu.h"

/* The names of these directories, relative to the staging directory */
#define FFU_CONTROL_KEPT		"../kept"
#define FFU_CONTROL_UPLOADS		"../uploads"
#define FFU_CONTROL_QUARANTINE	"../quarantine"
#define FFU_CONTROL_FETCHED		"../fetched"

extern int	ffu_control_open(int staging_fd, const char *directory,
							 const char *path, bool make, int *fd, char *name);
extern int	ffu_control_remove(int staging_fd, const char *directory,
							   const char *path);
extern int	ffu_control_read(int staging_fd, const char *directory,
							 const char *path, int *fd, int64 *size);
extern int	ffu_control_sync_names(int staging_fd);

#endif							/* FFU_CONTROL_H */
