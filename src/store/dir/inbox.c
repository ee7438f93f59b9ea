/*-------------------------------------------------------------------------
 *
 * inbox.c
 *	  The inbox of a standby: records of files that are not in its folder yet.
 *
 *	<data directory>/ffu.inbox/<oid of the database>.<number>	a segment
 *	<data directory>/ffu.inbox/<oid of the database>.removals	removals that
 *																wait
 *
 * On a standby that keeps files, and in a recovery from a backup, redo appends
 * the records to the last segment of the database.  sweep/deliver.c gives the
 * files to the folder, and removes each segment but the last once its files are
 * durable there.  So redo and delivery share no file that both change.
 *
 * A segment has the form of a salvage.  Redo makes a new segment after each
 * start.  What a crash has cut off at the end of a segment is replayed again,
 * since the segments are durable before a restartpoint.
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

#include "base/fault.h"
#include "store/dir/inbox.h"
#include "store/dir/syscall.h"

/* Size from which redo begins another segment */
#define SEGMENT_SIZE	(16 * 1024 * 1024)

/* Number of segments that redo keeps open */
#define OPEN_MAX_FILES	16

/* Suffixes of names */
#define REMOVALS		"removals"
#define NEW_REMOVALS	"removals.new"

/* A segment to which redo appends */
typedef struct OpenSegment
{
	FfuSalvage	file;			/* offset: the end */
	Oid			database;		/* InvalidOid: unused */
	bool		is_dirty;		/* written since the last sync */
} OpenSegment;

static OpenSegment open_segments[OPEN_MAX_FILES];
static int	next_victim = 0;

/* Look for the segments of one database */
typedef struct RangeSearch
{
	Oid			database;
	FfuInboxRange *range;
} RangeSearch;

/*
 * Write the name of a segment to name, of MAXPGPATH bytes, relative to the data
 * directory.
 */
static void
segment_name(Oid database, uint64 number, char *name)
{
	snprintf(name, MAXPGPATH, FFU_INBOX_DIR "/%u." UINT64_FORMAT, database,
			 number);
}

/*
 * Write the name of another file of a database to name.
 */
static void
other_name(Oid database, const char *suffix, char *name)
{
	snprintf(name, MAXPGPATH, FFU_INBOX_DIR "/%u.%s", database, suffix);
}

/*
 * Take the name of a file of the inbox apart.  *number is 0 for the removals.
 */
static bool
parse_name(const char *name, Oid *database, uint64 *number)
{
	char	   *end;

	*database = (Oid) strtoul(name, &end, 10);
	*number = 0;
	if (end == name || *end++ != '.')
		return false;
	if (strcmp(end, REMOVALS) == 0)
		return true;
	name = end;
	*number = strtou64(name, &end, 10);
	return end != name && *end == '\0' && *number > 0;
}

/*
 * Read the names of the inbox, and call visit with the parts of each.
 */
static int
read_names(void (*visit) (Oid database, uint64 number, void *arg), void *arg)
{
	DIR		   *list;
	struct dirent *de;
	int			result = ffu_sys_open_list(AT_FDCWD, FFU_INBOX_DIR, &list);

	if (result != 0)
		return result == ENOENT ? 0 : result;
	while (errno = 0, (de = readdir(list)) != NULL)
	{
		Oid			database;
		uint64		number;

		if (parse_name(de->d_name, &database, &number))
			visit(database, number, arg);
	}
	result = errno;
	closedir(list);
	return result;
}

/* What ffu_inbox_visit() was called with */
typedef struct Visit
{
	FfuInboxVisitor visit;
	void	   *arg;
} Visit;

static void
visit_name(Oid database, uint64 number, void *arg)
{
	Visit	   *visit = arg;

	visit->visit(database, visit->arg);
}

/*
 * Call visit with the database of each name in the inbox.
 */
int
ffu_inbox_visit(FfuInboxVisitor visit, void *arg)
{
	Visit		outer = {.visit = visit,.arg = arg};

	return read_names(visit_name, &outer);
}

static void
extend_range(Oid database, uint64 number, void *arg)
{
	RangeSearch *search = arg;
	FfuInboxRange *range = search->range;

	if (database != search->database || number == 0)
		return;
	if (range->first == 0 || number < range->first)
		range->first = number;
	range->last = Max(range->last, number);
}

/*
 * Set *range to the segments of a database.
 */
int
ffu_inbox_range(Oid database, FfuInboxRange *range)
{
	RangeSearch search = {.database = database,.range = range};

	range->first = range->last = 0;
	return read_names(extend_range, &search);
}

/*
 * Open a segment for reading.
 */
int
ffu_inbox_open(Oid database, uint64 number, FfuSalvage *segment)
{
	char		name[MAXPGPATH];
	int64		size;

	segment_name(database, number, name);
	segment->offset = 0;
	return ffu_sys_open(AT_FDCWD, name, &segment->fd, &size);
}

/*
 * Remove a segment.  If the segment comes back after a crash, the same is done
 * again.
 */
int
ffu_inbox_remove(Oid database, uint64 number)
{
	char		name[MAXPGPATH];

	segment_name(database, number, name);
	return ffu_sys_unlink(AT_FDCWD, name);
}

/*
 * Make the bytes of an open segment durable.
 */
static int
sync_segment(OpenSegment *segment)
{
	int			result = 0;

	if (OidIsValid(segment->database) && segment->is_dirty)
		result = ffu_sys_sync(segment->file.fd);
	if (result == 0)
		segment->is_dirty = false;
	return result;
}

/*
 * Close a segment of redo, durably.
 */
static int
close_segment(OpenSegment *segment)
{
	int			result = sync_segment(segment);

	if (OidIsValid(segment->database))
		ffu_salvage_close(&segment->file);
	segment->database = InvalidOid;
	return result;
}

/*
 * Make the next segment of a database.
 */
static int
make_segment(Oid database, OpenSegment *segment)
{
	char		name[MAXPGPATH];
	FfuInboxRange range;
	int			result = ffu_salvage_make_directory(FFU_INBOX_DIR);

	if (result == 0)
		result = ffu_inbox_range(database, &range);
	if (result != 0)
		return result;
	segment_name(database, range.last + 1, name);
	result = ffu_sys_create(AT_FDCWD, name, 0600, &segment->file.fd);
	if (result != 0)
		return result;
	segment->database = database;
	segment->file.offset = 0;
	segment->is_dirty = true;
	return ffu_salvage_sync_names(FFU_INBOX_DIR);
}

/*
 * Set *found to the segment to which the next record of a database goes.
 */
static int
enter_segment(Oid database, OpenSegment **found)
{
	OpenSegment *segment = NULL;
	int			i;
	int			result = 0;

	for (i = 0; i < OPEN_MAX_FILES; i++)
	{
		if (open_segments[i].database == database)
			segment = &open_segments[i];
	}
	if (segment && segment->file.offset < SEGMENT_SIZE)
	{
		*found = segment;
		return 0;
	}
	if (segment == NULL)
	{
		segment = &open_segments[next_victim];
		next_victim = (next_victim + 1) % OPEN_MAX_FILES;
	}
	*found = segment;
	if (OidIsValid(segment->database))
		result = close_segment(segment);
	return result ? result : make_segment(database, segment);
}

/*
 * Append a record to the inbox of a database.
 */
int
ffu_inbox_append(Oid database, XLogRecPtr lsn, uint8 info, const char *data,
				 uint32 len)
{
	OpenSegment *segment;
	int			result = enter_segment(database, &segment);

	if (result != 0)
		return result;
	segment->is_dirty = true;
	return ffu_salvage_write(&segment->file, lsn, info, data, len);
}

/*
 * Make everything that redo has appended durable.
 */
int
ffu_inbox_sync(void)
{
	int			result = 0;
	int			i;

	for (i = 0; result == 0 && i < OPEN_MAX_FILES; i++)
		result = sync_segment(&open_segments[i]);
	return result;
}

/*
 * At the end of redo, make everything durable and close all segments.
 */
int
ffu_inbox_end(void)
{
	int			result = 0;
	int			i;

	for (i = 0; i < OPEN_MAX_FILES; i++)
	{
		int			closed = close_segment(&open_segments[i]);

		if (result == 0)
			result = closed;
	}
	return result;
}

/*
 * Does a database have removals that wait for old snapshots?
 */
bool
ffu_inbox_has_removals(Oid database)
{
	char		name[MAXPGPATH];
	struct stat st;

	other_name(database, REMOVALS, name);
	return ffu_sys_look(AT_FDCWD, name, &st) == 0;
}

/*
 * Open the waiting removals for reading.
 */
int
ffu_inbox_open_removals(Oid database, FfuSalvage *removals)
{
	char		name[MAXPGPATH];
	int64		size;

	other_name(database, REMOVALS, name);
	removals->offset = 0;
	return ffu_sys_open(AT_FDCWD, name, &removals->fd, &size);
}

/*
 * Begin to write waiting removals: append to those there are, or write a list
 * that is to replace them.
 */
int
ffu_inbox_begin_removals(Oid database, bool append, FfuSalvage *removals)
{
	char		name[MAXPGPATH];
	XLogRecPtr	last;
	int			result = ENOENT;

	other_name(database, append ? REMOVALS : NEW_REMOVALS, name);
	removals->offset = 0;
	if (append)
		result = ffu_sys_reopen(AT_FDCWD, name, &removals->fd);
	else
		(void) ffu_sys_unlink(AT_FDCWD, name);
	if (result == ENOENT)
		result = ffu_sys_create(AT_FDCWD, name, 0600, &removals->fd);
	return result ? result : ffu_salvage_find_end(removals, &last);
}

/*
 * The removals are written: make them durable, and close the file.  An empty
 * list that replaces another one leaves no file.
 */
int
ffu_inbox_end_removals(Oid database, bool append, FfuSalvage *removals)
{
	char		name[MAXPGPATH];
	char		new[MAXPGPATH];
	bool		is_empty = removals->offset == 0;
	int			result = ffu_sys_sync(removals->fd);

	ffu_salvage_close(removals);
	other_name(database, REMOVALS, name);
	other_name(database, NEW_REMOVALS, new);
	if (result == 0 && !append)
		result = ffu_sys_rename(AT_FDCWD, new, name);
	if (result == 0 && !append && is_empty)
		result = ffu_sys_unlink(AT_FDCWD, name);
	return result ? result : ffu_salvage_sync_names(FFU_INBOX_DIR);
}
