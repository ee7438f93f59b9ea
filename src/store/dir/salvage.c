/*-------------------------------------------------------------------------
 *
 * salvage.c
 *	  The salvage: records of files that redo has kept in the data directory.
 *
 *	<data directory>/ffu.salvage/<oid of the database>
 *
 * Redo never writes to a folder: whose folder is at a path is a question to the
 * catalog, which redo cannot read, and recovery must not depend on a folder that
 * may be missing, full or another server's.  So redo appends each record with
 * the bytes of a file to the salvage of the database, and after recovery the
 * first use of the folder puts the files back (sweep/put_back.c).
 *
 * Entries are in the order of the WAL.  An entry of which the checksum is wrong
 * ends the file: a recovery that was cut off wrote the entry, and the next
 * recovery replays the record again.  Entries may occur twice for this reason.
 *
 * Every function returns 0 or an error number; none raises an error.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <dirent.h>
#include <fcntl.h>

#include "port/pg_crc32c.h"

#include "base/fault.h"
#include "store/dir/salvage.h"
#include "store/dir/syscall.h"

/* Size of the buffer for bytes that are only summed or moved */
#define BUFFER		(64 * 1024)

/* Number of files that redo keeps open */
#define OPEN_MAX_FILES	16

/* A file to which redo appends */
typedef struct OpenFile
{
	Oid			database;		/* InvalidOid: unused */
	FfuSalvage	salvage;		/* offset: the end of the valid entries */
	XLogRecPtr	last;			/* of the last entry, or invalid */
} OpenFile;

static OpenFile open_files[OPEN_MAX_FILES];
static int	next_victim = 0;

/* Not on the stack: redo runs in one process, and sessions read one file. */
static char buffer[BUFFER];

/*
 * Write the name of the salvage of a database to name, of MAXPGPATH bytes,
 * relative to the data directory.
 */
static void
salvage_name(Oid database, char *name)
{
	snprintf(name, MAXPGPATH, FFU_SALVAGE_DIR "/%u", database);
}

/*
 * Compute the checksum of an entry without its data.
 */
static pg_crc32c
begin_crc(const FfuSalvageEntry *entry)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, (const char *) entry + sizeof(entry->crc),
				sizeof(*entry) - sizeof(entry->crc));
	return crc;
}

/*
 * Read the entry at salvage->offset, and check the entry.  Return ENOENT at the
 * end of the valid entries.
 */
static int
look_at_entry(FfuSalvage *salvage, FfuSalvageEntry *entry)
{
	int64		offset = salvage->offset;
	pg_crc32c	crc;
	uint32		rest;
	size_t		got;
	int			result = ffu_sys_read(salvage->fd, (char *) entry,
									  sizeof(*entry), offset, &got);

	if (result == 0 && got < sizeof(*entry))
		result = ENOENT;
	if (result != 0)
		return result;
	crc = begin_crc(entry);
	offset += sizeof(*entry);
	for (rest = entry->len; rest > 0; rest -= got)
	{
		result = ffu_sys_read(salvage->fd, buffer, Min(rest, BUFFER), offset,
							  &got);
		if (result == 0 && got < Min(rest, BUFFER))
			result = ENOENT;
		if (result != 0)
			return result;
		COMP_CRC32C(crc, buffer, got);
		offset += got;
	}
	FIN_CRC32C(crc);
	return EQ_CRC32C(crc, entry->crc) ? 0 : ENOENT;
}

/*
 * Read the next entry, and go on to the entry behind.  Return ENOENT at the
 * end.
 */
int
ffu_salvage_next(FfuSalvage *salvage, FfuSalvageEntry *entry)
{
	int			result = look_at_entry(salvage, entry);

	if (result == 0)
		salvage->offset += sizeof(*entry) + entry->len;
	return result;
}

/*
 * Read the data of the entry that ffu_salvage_next() has returned into data, of
 * entry->len bytes.
 */
int
ffu_salvage_read(FfuSalvage *salvage, const FfuSalvageEntry *entry, char *data)
{
	size_t		got;
	int			result = ffu_sys_read(salvage->fd, data, entry->len,
									  salvage->offset - entry->len, &got);

	return result == 0 && got < entry->len ? EIO : result;
}

/*
 * Open the salvage of a database for reading.  Return ENOENT if there is no salvage.
 */
int
ffu_salvage_open(Oid database, FfuSalvage *salvage)
{
	char		name[MAXPGPATH];
	int64		size;

	salvage_name(database, name);
	salvage->offset = 0;
	return ffu_sys_open(AT_FDCWD, name, &salvage->fd, &size);
}

/*
 * Close a salvage.
 */
void
ffu_salvage_close(FfuSalvage *salvage)
{
	ffu_sys_close(&salvage->fd);
}

/*
 * Is there a salvage of this database?  An empty file does not count.
 */
bool
ffu_salvage_has(Oid database)
{
	char		name[MAXPGPATH];
	struct stat st;

	salvage_name(database, name);
	return ffu_sys_look(AT_FDCWD, name, &st) == 0 && st.st_size > 0;
}

/*
 * Make the names in a directory of the data directory durable.
 */
int
ffu_salvage_sync_names(const char *directory)
{
	int			dir;
	int			result = ffu_sys_open_dir(AT_FDCWD, directory, &dir);

	if (result == 0)
		result = ffu_sys_sync(dir);
	ffu_sys_close(&dir);
	return result;
}

/*
 * Remove the salvage of a database, durably.
 */
int
ffu_salvage_remove(Oid database)
{
	char		name[MAXPGPATH];
	int			result;

	salvage_name(database, name);
	result = ffu_sys_unlink(AT_FDCWD, name);
	return result ? result : ffu_salvage_sync_names(FFU_SALVAGE_DIR);
}

/*
 * Make a directory in the data directory if it is missing, and its name
 * durable: a crash may have come between the two before.
 */
int
ffu_salvage_make_directory(const char *directory)
{
	int			result = ffu_sys_make_dir(AT_FDCWD, directory, 0700);

	return result == 0 || result == EEXIST ? ffu_salvage_sync_names(".") : result;
}

/*
 * Create the salvage of a database and open the file for writing.
 */
static int
create_file(const char *name, int *fd)
{
	int			result = ffu_salvage_make_directory(FFU_SALVAGE_DIR);

	if (result == 0)
		result = ffu_sys_create(AT_FDCWD, name, 0600, fd);
	return result ? result : ffu_salvage_sync_names(FFU_SALVAGE_DIR);
}

/*
 * Find the end of the valid entries of an open file, and cut the rest off.  Set
 * *last to the position of the last entry, or to an invalid one.
 */
int
ffu_salvage_find_end(FfuSalvage *salvage, XLogRecPtr *last)
{
	FfuSalvageEntry entry;
	int			result;

	salvage->offset = 0;
	*last = InvalidXLogRecPtr;
	while ((result = ffu_salvage_next(salvage, &entry)) == 0)
		*last = entry.lsn;
	return result == ENOENT ? ffu_sys_cut(salvage->fd, salvage->offset) : result;
}

/*
 * Write an entry at salvage->offset, and go on to the end of the entry.
 */
int
ffu_salvage_write(FfuSalvage *salvage, XLogRecPtr lsn, uint8 info,
				  const char *data, uint32 len)
{
	FfuSalvageEntry entry = {.len = len,.lsn = lsn,.info = info};
	int			result;

	entry.crc = begin_crc(&entry);
	COMP_CRC32C(entry.crc, data, len);
	FIN_CRC32C(entry.crc);
	result = ffu_sys_write(salvage->fd, (char *) &entry, sizeof(entry),
						   salvage->offset);
	if (result == 0)
		result = ffu_sys_write(salvage->fd, data, len,
							   salvage->offset + sizeof(entry));
	if (result == 0)
		salvage->offset += sizeof(entry) + len;
	return result;
}

/*
 * Close a file of redo, durably.
 */
static int
close_file(OpenFile *file)
{
	int			result = 0;

	if (OidIsValid(file->database))
		result = ffu_sys_sync(file->salvage.fd);
	ffu_salvage_close(&file->salvage);
	file->database = InvalidOid;
	return result;
}

/*
 * Set *found to the open file of a database.  With make create a missing file;
 * else return ENOENT.
 */
static int
enter_file(Oid database, bool make, OpenFile **found)
{
	OpenFile   *file;
	char		name[MAXPGPATH];
	int			i;
	int			result = 0;

	for (i = 0; i < OPEN_MAX_FILES; i++)
	{
		*found = &open_files[i];
		if (open_files[i].database == database)
			return 0;
	}
	file = *found = &open_files[next_victim];
	if (OidIsValid(file->database))
		result = close_file(file);
	next_victim = (next_victim + 1) % OPEN_MAX_FILES;
	salvage_name(database, name);
	if (result == 0)
		result = ffu_sys_reopen(AT_FDCWD, name, &file->salvage.fd);
	if (result == ENOENT && make)
		result = create_file(name, &file->salvage.fd);
	if (result != 0)
		return result;
	file->database = database;
	return ffu_salvage_find_end(&file->salvage, &file->last);
}

/*
 * Append a record to the salvage of a database.
 */
int
ffu_salvage_append(Oid database, XLogRecPtr lsn, uint8 info, const char *data,
				   uint32 len)
{
	OpenFile   *file;
	int			result = enter_file(database, true, &file);

	if (result == 0)
		result = ffu_salvage_write(&file->salvage, lsn, info, data, len);
	if (result == 0)
		file->last = lsn;
	return result;
}

/*
 * Move the bytes of a file from this offset on to the front, and cut the file.
 */
static int
move_to_front(FfuSalvage *salvage, int64 from)
{
	int64		end = salvage->offset;
	int64		to = 0;
	int			result = 0;

	while (result == 0 && from < end)
	{
		size_t		len = Min(end - from, BUFFER);
		size_t		got;

		result = ffu_sys_read(salvage->fd, buffer, len, from, &got);
		if (result == 0 && got < len)
			result = EIO;
		if (result == 0)
			result = ffu_sys_write(salvage->fd, buffer, len, to);
		from += len;
		to += len;
	}
	salvage->offset = to;
	return result ? result : ffu_sys_cut(salvage->fd, to);
}

/*
 * Drop the entries of a database that begin before upto: their files are
 * durable in the folder.  The cut needs no sync: if the dropped entries come
 * back, their files are put back once more.
 */
int
ffu_salvage_drop(Oid database, XLogRecPtr upto)
{
	FfuSalvageEntry entry;
	OpenFile   *file;
	FfuSalvage	scan;
	int64		from = 0;
	int			result = enter_file(database, false, &file);

	if (result == ENOENT)
		return 0;
	if (result != 0)
		return result;
	scan = file->salvage;
	scan.offset = 0;
	if (file->last < upto)
		from = file->salvage.offset;
	else
	{
		while ((result = ffu_salvage_next(&scan, &entry)) == 0 &&
			   entry.lsn < upto)
			from = scan.offset;
	}
	if (result != 0 && result != ENOENT)
		return result;
	return from > 0 ? move_to_front(&file->salvage, from) : 0;
}

/*
 * At the end of redo, make the salvages durable and close all files.
 */
int
ffu_salvage_end(void)
{
	int			result = 0;
	int			i;

	for (i = 0; i < OPEN_MAX_FILES; i++)
	{
		int			closed = 0;

		if (OidIsValid(open_files[i].database))
			closed = close_file(&open_files[i]);
		if (result == 0)
			result = closed;
	}
	return result;
}
