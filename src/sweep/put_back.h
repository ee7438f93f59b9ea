/*-------------------------------------------------------------------------
 *
 * put_back.h
 *	  Puts the files that redo found in the WAL back into the folder.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_PUT_BACK_H
#define FFU_PUT_BACK_H

#include "base/ffu.h"

extern void ffu_put_back_init(void);

#endif							/* FFU_PUT_BACK_H */
