/*-------------------------------------------------------------------------
 *
 * folder_list.h
 *	  The list of folders that databases of this cluster use.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_FOLDER_LIST_H
#define FFU_FOLDER_LIST_H

#include "base/ffu.h"

#include "store/dir/root.h"

extern void ffu_folder_list_note(const FfuClaim *claim);
extern void ffu_folder_list_forget(Oid database, const char *root_id);

#endif							/* FFU_FOLDER_LIST_H */
