/*-------------------------------------------------------------------------
 *
 * deletion.h
 *	  The table of deletions: which files go because a row let them go.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_DELETION_H
#define FFU_DELETION_H

#include "base/ffu.h"
#include "lib/bloomfilter.h"
#include "utils/relcache.h"

/* Columns of ffu.deletion */
#define Anum_deletion_id			1
#define Anum_deletion_root			2
#define Anum_deletion_path			3
#define Anum_deletion_state			4
#define Anum_deletion_doomed_at		5
#define Anum_deletion_attempts		6
#define Anum_deletion_last_error	7
#define Anum_deletion_next_try		8
#define Anum_deletion_relation		9
#define Anum_deletion_size			10
#define Natts_deletion				10

/* Values of ffu.deletion.state */
#define FFU_STATE_DOOMED			"doomed"	/* to be removed, or kept */
#define FFU_STATE_KEPT				"kept"	/* out of URL reach */
#define FFU_STATE_DOUBTFUL			"doubtful"	/* not proven: verify */
#define FFU_STATE_DETACHED			"detached"	/* stays without a row */
#define FFU_STATE_DANGLING			"dangling"	/* a path without a file */

/* What the rows of ffu.deletion say about a path */
#define FFU_DELETION_GOES			0x01	/* doomed, kept or doubtful */
#define FFU_DELETION_DETACHED		0x02
#define FFU_DELETION_DANGLING		0x04
#define FFU_DELETION_COMMITTED		0x08	/* committed, and not a detached
											 * mark: the file may be gone */
#define FFU_DELETION_CERTAIN		0x10	/* doomed or kept */

/* Inserts many rows, and opens the table and its indexes only once. */
typedef struct FfuDoomer FfuDoomer;

/* Called with a deleted file on the disk: its table, its size in bytes */
typedef void (*FfuDoomedVisitor) (Oid relid, int64 size, void *arg);

extern FfuDoomer *ffu_deletion_begin(void);
extern void ffu_deletion_add(FfuDoomer *doomer, const char *path,
							 bool proven, Oid relid);
extern void ffu_deletion_end(FfuDoomer *doomer);
extern void ffu_deletion_doom(const char *path, bool proven, Oid relid);
extern void ffu_deletion_mark(const char *path, const char *state,
							  Oid relid);
extern int	ffu_deletion_rows(const char *path);
extern bool ffu_deletion_has(const char *path);
extern bool ffu_deletion_admits_restore(const char *path);
extern bool ffu_deletion_goes(const char *path);
extern bool ffu_deletion_is_removed(const char *path);
extern bool ffu_deletion_forbids(const char *path);
extern bloom_filter *ffu_deletion_filter(CommandId since);
extern bool ffu_deletion_is_since(const char *path, CommandId since);
extern bool ffu_deletion_is_ours(const char *path);
extern bool ffu_deletion_is_proven(const char *path);
extern void ffu_deletion_visit_doomed(FfuDoomedVisitor visit, void *arg);

#endif							/* FFU_DELETION_H */
