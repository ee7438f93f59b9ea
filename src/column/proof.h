/*-------------------------------------------------------------------------
 *
 * proof.h
 *	  The proof in a path: for which column and row the path was made.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_PROOF_H
#define FFU_PROOF_H

#include "base/ffu.h"
#include "lib/stringinfo.h"

extern void ffu_proof_token(const StringInfoData *whose, char *token);
extern bool ffu_proof_holds(const StringInfoData *whose, const char *path);

#endif							/* FFU_PROOF_H */
