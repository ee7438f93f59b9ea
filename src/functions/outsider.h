/*-------------------------------------------------------------------------
 *
 * outsider.h
 *	  A file of this server outside the folder.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_OUTSIDER_H
#define FFU_OUTSIDER_H

#include "base/ffu.h"

#include <sys/stat.h>

#include "store/dir/outside.h"
#include "transaction/pending.h"

/*
 * A file on this server.  The caller sets path, and sets file to
 * FFU_OUTSIDE_CLOSED.
 */
typedef struct FfuOutsider
{
	const char *path;			/* as given */
	bool		copy;			/* never take the file itself without move */
	FfuOutside	file;			/* file.name points into path */
} FfuOutsider;

extern void ffu_outsider_check_read(void);
extern void ffu_outsider_prepare(const char *function, bool move);
extern const char *ffu_outsider_kind(mode_t mode);
extern void ffu_outsider_refuse_below(int error, const char *action,
									  const char *path) pg_attribute_noreturn();
extern bool ffu_outsider_is_downward(const char *below);
extern void ffu_outsider_open(FfuOutsider *file, const char *root,
							  const char *below, bool move);
extern void ffu_outsider_close(FfuOutsider *file);
extern FfuFile *ffu_outsider_upload(FfuOutsider *file, const char *root,
									const char *below, const char *file_name,
									bool move);

#endif							/* FFU_OUTSIDER_H */
