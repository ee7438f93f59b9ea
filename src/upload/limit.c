/*-------------------------------------------------------------------------
 *
 * limit.c
 *	  The limit of the bytes that a transaction stages: ffu.max_staged.
 *
 * Quotas limit what is stored (usage.c).  Without a limit no function here costs
 * more than a comparison.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "base/settings.h"
#include "transaction/pending.h"
#include "transaction/resumed.h"
#include "upload/limit.h"

/*
 * Return the number of bytes that this transaction has staged or appended.  A
 * finished resumable upload counted when its bytes came.
 */
static int64
staged_bytes(void)
{
	int64		total = 0;
	FfuFile    *file;
	FfuResumableFile *resumed;

	if (!ffu_pending_active())
		return 0;
	for (file = ffu_pending_first(); file; file = ffu_pending_next(file))
	{
		if (ffu_file_birth(file)->kind != FFU_ORIGIN_RESUMABLE)
			total += ffu_file_facts(file)->size;
	}
	for (resumed = ffu_resumed_first(); resumed; resumed = ffu_resumed_next(resumed))
	{
		int64		from;
		int64		to;

		ffu_resumed_range(resumed, &from, &to);
		total += Max(to - from, 0);
	}
	return total;
}

/*
 * Raise 53400 if this transaction would stage more than ffu.max_staged with
 * this number of bytes more.
 */
void
ffu_limit_check_staged(int64 more)
{
	int64		allowed = (int64) ffu_setting_max_staged * 1024;
	int64		staged;

	if (ffu_setting_max_staged < 0 || more <= 0)
		return;
	staged = staged_bytes();
	if (staged + more <= allowed)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("transaction stores too many bytes"),
			 errdetail("It has stored " INT64_FORMAT " bytes and would store " INT64_FORMAT " more; \"ffu.max_staged\" allows " INT64_FORMAT ".",
					   staged, more, allowed),
			 errhint("Commit more often, or let a superuser raise \"ffu.max_staged\" for the role.")));
}

/*
 * Check a file that is whole now, of this size.  The bytes of a linked file
 * count as stored, except those of a resumable upload.
 */
void
ffu_limit_check_linked(const FfuFile *file, int64 size)
{
	if (ffu_file_birth(file)->kind != FFU_ORIGIN_RESUMABLE)
		ffu_limit_check_staged(size - ffu_file_facts(file)->size);
}
