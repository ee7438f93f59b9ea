/*-------------------------------------------------------------------------
 *
 * record.c
 *	  The records of ffu in the WAL: their parts, and how they are shown.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "access/xlogrecord.h"

#include "wal/record.h"

/*
 * Take a record of this kind apart.  Return false if the record is malformed
 * or of a higher form.  The results point into data; a path of FILE has no zero
 * byte at the end.
 */
bool
ffu_record_file(const char *data, uint32 len, FfuRecordFile *file,
				const char **path, const char **bytes)
{
	if (len < sizeof(*file))
		return false;
	memcpy(file, data, sizeof(*file));
	*path = data + sizeof(*file);
	*bytes = *path + file->path_len;
	return file->form <= FFU_RECORD_FORM && file->path_len <= FFU_PATH_MAX &&
		file->offset <= file->size && file->len <= file->size - file->offset &&
		len == sizeof(*file) + (uint64) file->path_len + file->len;
}

bool
ffu_record_remove(const char *data, uint32 len, FfuRecordRemove *removal,
				  const char **paths)
{
	if (len < sizeof(*removal))
		return false;
	memcpy(removal, data, sizeof(*removal));
	*paths = data + sizeof(*removal);
	return removal->form <= FFU_RECORD_FORM && removal->len > 0 &&
		len == sizeof(*removal) + (uint64) removal->len &&
		data[len - 1] == '\0';
}

bool
ffu_record_sync(const char *data, uint32 len, FfuRecordSync *sync)
{
	if (len != sizeof(*sync))
		return false;
	memcpy(sync, data, sizeof(*sync));
	return sync->form <= FFU_RECORD_FORM;
}

/*
 * Does a FILE record have the whole file?
 */
bool
ffu_record_is_whole(const FfuRecordFile *file)
{
	return file->len == file->size;
}

/*
 * Describe a FILE record.
 */
static void
describe_file(StringInfo buf, const FfuRecordFile *file, const char *path)
{
	appendStringInfo(buf, "database %u; file " UINT64_FORMAT ".%u; path %.*s; size " UINT64_FORMAT,
					 file->database, file->fxid, file->n,
					 (int) file->path_len, path, file->size);
	if (!ffu_record_is_whole(file))
		appendStringInfo(buf, "; bytes " UINT64_FORMAT " to " UINT64_FORMAT,
						 file->offset, file->offset + file->len);
	if (file->flags & FFU_FILE_DURABLE)
		appendStringInfoString(buf, "; durable");
}

/*
 * Describe a record for pg_walinspect and messages of redo.
 */
void
ffu_record_desc(StringInfo buf, XLogReaderState *record)
{
	const char *data = XLogRecGetData(record);
	uint32		len = XLogRecGetDataLen(record);
	FfuRecordFile file;
	FfuRecordRemove removal;
	FfuRecordSync sync;
	const char *text;
	const char *bytes;

	switch (XLogRecGetInfo(record) & ~XLR_INFO_MASK)
	{
		case FFU_RECORD_FILE:
			if (ffu_record_file(data, len, &file, &text, &bytes))
				describe_file(buf, &file, text);
			break;
		case FFU_RECORD_REMOVE:
			if (ffu_record_remove(data, len, &removal, &text))
				appendStringInfo(buf, "database %u; count %u; first path %s%s",
								 removal.database, removal.count, text,
								 (removal.flags & FFU_REMOVE_KEEP) ?
								 "; kept" : "");
			break;
		case FFU_RECORD_SYNC:
			if (ffu_record_sync(data, len, &sync))
				appendStringInfo(buf, "database %u; upto %X/%X", sync.database,
								 LSN_FORMAT_ARGS(sync.upto));
			break;
		default:
			break;
	}
}

/*
 * Return the name of a kind of records, or NULL.
 */
const char *
ffu_record_identify(uint8 info)
{
	switch (info & ~XLR_INFO_MASK)
	{
		case FFU_RECORD_FILE:
			return "FILE";
		case FFU_RECORD_REMOVE:
			return "REMOVE";
		case FFU_RECORD_SYNC:
			return "SYNC";
		default:
			return NULL;
	}
}
