/*-------------------------------------------------------------------------
 *
 * dropped.h
 *	  Removes the folders of dropped databases below ffu.folder_parent.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_DROPPED_H
#define FFU_DROPPED_H

#include "base/ffu.h"

#include "store/dir/root.h"

extern bool ffu_dropped_remove(int batch);
extern bool ffu_dropped_is_marked(const FfuControl *control);
extern void ffu_dropped_unmark(FfuStore *store);

#endif							/* FFU_DROPPED_H */
