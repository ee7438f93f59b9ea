/*-------------------------------------------------------------------------
 *
 * exchange.h
 *	  The claim of a folder, and of another one in its place.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_EXCHANGE_H
#define FFU_EXCHANGE_H

#include "base/ffu.h"

#include "store/dir/root.h"

/* What becomes of the folder that another one takes the place of */
typedef enum FfuExchangeHow
{
	FFU_EXCHANGE_NONE,			/* there is none, or it is the same root */
	FFU_EXCHANGE_EMPTY,			/* nothing is in it: its deletions are the new
								 * one's */
	FFU_EXCHANGE_FOREIGN,		/* another database's, as in a copy by
								 * TEMPLATE: its deletions are that one's */
	FFU_EXCHANGE_ABANDON,		/* it stays as it is, by wish */
	FFU_EXCHANGE_REFUSED		/* this database's files are in it */
} FfuExchangeHow;

typedef struct FfuExchange
{
	FfuExchangeHow how;
	FfuClaim	old;			/* unless there was none */
} FfuExchange;

extern bool ffu_exchange_is_empty(const char *path);
extern void ffu_exchange_find(FfuExchange *exchange, bool abandon);
extern void ffu_exchange_record(const FfuOwner *owner, const char *path,
								const FfuExchange *exchange);

#endif							/* FFU_EXCHANGE_H */
