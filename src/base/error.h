/*-------------------------------------------------------------------------
 *
 * error.h
 *	  Error messages shared by several files.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_ERROR_H
#define FFU_ERROR_H

#include "base/ffu.h"
#include "access/attnum.h"
#include "utils/relcache.h"

extern int	ffu_errcode_for(int error);
extern int	ffu_errcode_for_folder(int error);
extern const char *ffu_hint_for(int error);
extern void ffu_report_directory(const char *path, size_t len);
extern void ffu_raise_io(int error, const char *action,
						 const char *path) pg_attribute_noreturn();
extern void ffu_warn_io(int elevel, int error, const char *action,
						const char *path);
extern void ffu_warn_store(int elevel, const char *why, const char *action,
						   const char *path);
extern int	ffu_err_column(Relation rel, AttrNumber attnum,
						   const char *constraint);
extern void ffu_raise_too_large(int64 size, int64 limit, bool at_least,
								Relation rel,
								AttrNumber attnum) pg_attribute_noreturn();
extern char *ffu_shown(const char *value, size_t len);
extern const char *ffu_shown_name(const char *name);

#endif							/* FFU_ERROR_H */
