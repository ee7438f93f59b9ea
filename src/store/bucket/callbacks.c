/*-------------------------------------------------------------------------
 *
 * callbacks.c
 *	  What the callbacks of a transaction do with a folder and a bucket.
 *
 * They work on the folder alone: nothing that COMMIT, ABORT and release reach
 * speaks to a network (I6).  The sweep does the rest: ffu.intent names the keys
 * of a transaction that did not commit, and ffu.deletion the files to remove.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "store/bucket/both.h"
#include "store/dir/root.h"

/*
 * Remove all names of a file on this host.
 */
int
ffu_both_undo(FfuStore *store, FfuStaged *staged)
{
	return ffu_folder_methods.undo(store, staged);
}

/*
 * Remove the staging name of a file, after commit.
 */
int
ffu_both_finish(FfuStore *store, FfuStaged *staged)
{
	return ffu_folder_methods.finish(store, staged);
}

/*
 * Remove or keep a file of the folder.
 */
int
ffu_both_remove_now(FfuStore *store, const char *path, bool keep)
{
	return ffu_folder_methods.remove_now(store, path, keep);
}
