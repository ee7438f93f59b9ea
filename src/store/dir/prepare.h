/*-------------------------------------------------------------------------
 *
 * prepare.h
 *	  Prepares a folder for its claim.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_PREPARE_H
#define FFU_PREPARE_H

#include "base/ffu.h"

#include "store/dir/root.h"

extern void ffu_prepare_refuse(const char *path, const char *detail,
							   const char *hint) pg_attribute_noreturn();
extern void ffu_prepare_refuse_error(const char *path, int error,
									 const char *hint) pg_attribute_noreturn();
extern char *ffu_prepare_path(const char *path);
extern void ffu_prepare_parent(const char *path);
extern void ffu_prepare_folder(const char *path, FfuControl *directory);
extern void ffu_prepare_sync(const char *path, const FfuControl *control);
extern void ffu_prepare_close(FfuControl *directory);

#endif							/* FFU_PREPARE_H */
