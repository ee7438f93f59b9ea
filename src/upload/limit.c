/*-------------------------------------------------------------------------
 *
 * limit.c
 *	  The limits of what a transaction stages: ffu.max_staged and
 *	  ffu.max_detection_time.
 *
 * Quotas limit stored bytes (usage.c).  Without a limit no function here costs
 * more than a comparison, or two looks at the clock for a file.
 *
 * Nothing can interrupt libmagic, but the bytes that libmagic sees are limited,
 * and so the time of one file is (mime.c).  The limit here is for all files of a
 * transaction.  A rollback to a savepoint gives no time back.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "portability/instr_time.h"

#include "base/settings.h"
#include "transaction/pending.h"
#include "transaction/resumed.h"
#include "upload/limit.h"

/* Time for finding the types of this transaction's files, in microseconds */
static int64 detection = 0;

/*
 * Return the number of bytes that this transaction has staged or appended.  A
 * finished resumable upload counted when its bytes came.
 */
int64
ffu_limit_staged(void)
{
	int64		total = ffu_file_staged_bytes();
	FfuResumableFile *resumed;

	if (!ffu_pending_active())
		return 0;
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
	staged = ffu_limit_staged();
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

/*
 * Return the time for finding the types of this transaction's files, in
 * microseconds.
 */
int64
ffu_limit_detection(void)
{
	return detection;
}

/*
 * Do ffu_mime_detect(), and add up the time.  Raise 53400 if this transaction
 * took longer than ffu.max_detection_time, and the errors of
 * ffu_mime_detect().
 */
void
ffu_limit_detect(const void *data, size_t len, int64 size, FfuReadPiece read,
				 void *arg, FfuMime *mime)
{
	instr_time	begin;
	instr_time	end;

	INSTR_TIME_SET_CURRENT(begin);
	ffu_mime_detect(data, len, size, read, arg, mime);
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, begin);
	detection += INSTR_TIME_GET_MICROSEC(end);
	if (ffu_setting_max_detection_time < 0 ||
		detection <= (int64) ffu_setting_max_detection_time * 1000)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("finding the types of files takes too long"),
			 errdetail("It has taken " INT64_FORMAT " microseconds in this transaction; \"ffu.max_detection_time\" allows %d ms.",
					   detection, ffu_setting_max_detection_time),
			 errhint("Commit more often, or let a superuser raise \"ffu.max_detection_time\" for the role.")));
}

/*
 * The transaction is over: forget the time.  Raise no error.
 */
void
ffu_limit_reset(void)
{
	detection = 0;
}
