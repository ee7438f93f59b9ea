/*-------------------------------------------------------------------------
 *
 * exchange.h
 *	  The claim of a folder, and the exchange of one folder for another.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_EXCHANGE_H
#define FFU_EXCHANGE_H

#include "base/ffu.h"

#include "store/dir/root.h"

/* Treatment of the old folder after an exchange */
typedef enum FfuExchangeHow
{
	FFU_EXCHANGE_NONE,			/* no old folder, or the same root */
	FFU_EXCHANGE_EMPTY,			/* empty: deletions pass to the new folder */
	FFU_EXCHANGE_FOREIGN,		/* another database's, as in a copy by
								 * TEMPLATE: deletions are dropped here */
	FFU_EXCHANGE_ABANDON,		/* left as is, on the caller's demand */
	FFU_EXCHANGE_REFUSED		/* refused: holds files of this database */
} FfuExchangeHow;

typedef struct FfuExchange
{
	FfuExchangeHow how;
	FfuClaim	old;			/* undefined without an old folder */
} FfuExchange;

extern bool ffu_exchange_is_empty(const char *path);
extern void ffu_exchange_find(FfuExchange *exchange, bool abandon);
extern void ffu_exchange_record(const FfuOwner *owner, const char *path,
								const FfuExchange *exchange);

#endif							/* FFU_EXCHANGE_H */
