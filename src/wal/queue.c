/*-------------------------------------------------------------------------
 *
 * queue.c
 *	  The queue of files that the syncer is to make durable.
 *
 * A backend adds a file after the file has its path and before the backend
 * writes the file's record (W1).  The syncer opens the queue after it holds
 * checkpoints, and closes the queue before it lets go (W2).  A file that the
 * queue has accepted is durable before the syncer lets a checkpoint go on that
 * does not replay the file's record (W3); so a closed or full queue refuses a
 * file, and the backend syncs the file as usual.
 *
 * The queue is in shared memory, and exists only if the library is in
 * shared_preload_libraries.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "miscadmin.h"
#include "storage/lwlock.h"

#include "base/area.h"
#include "base/shared.h"
#include "wal/queue.h"

/* Number of files, and number from which the syncer is woken up */
#define FILES_MAX		2048
#define FILES_MANY		(FILES_MAX / 4)

/* Number of folders whose files are in the queue at the same time */
#define FOLDERS_MAX		32

/* Time after which a round that is not over has a problem, in ms */
#define STUCK_AFTER		15000

typedef struct Queue
{
	LWLock	   *lock;			/* protects all members */
	bool		is_open;
	bool		is_wanted;		/* a backend wanted the queue, and it was
								 * closed */
	bool		was_used;		/* in this run of the server */
	Latch	   *syncer;			/* NULL if the queue is not open */
	uint64		begin;			/* number of the first file in the queue */
	uint64		end;			/* number of the next file */
	TimestampTz round_since;	/* begin of the round, 0 between rounds */
	int			trouble_folder; /* folder that cannot be synced, or -1 */
	int			trouble;		/* the error number */
	int			nfolders;
	FfuQueueFolder folders[FOLDERS_MAX];
	FfuQueueFile files[FILES_MAX];
} Queue;

static Queue *queue = NULL;

/*
 * Attach the queue.
 */
static void
attach(void *memory, LWLock *lock, bool is_new)
{
	queue = memory;
	if (is_new)
	{
		queue->lock = lock;
		queue->trouble_folder = -1;
	}
}

/*
 * Request the queue.  _PG_init calls this in the postmaster.
 */
void
ffu_queue_init(void)
{
	static const FfuArea area = {"ffu queue", sizeof(Queue), attach};

	ffu_area_add(&area);
}

/*
 * Does the queue accept files?  If not, ask the launcher to start the syncer.
 */
bool
ffu_queue_is_open(void)
{
	bool		is_open;
	bool		wake = false;

	if (queue == NULL)
		return false;
	LWLockAcquire(queue->lock, LW_SHARED);
	is_open = queue->is_open;
	LWLockRelease(queue->lock);
	if (is_open)
		return true;
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	wake = !queue->is_open && !queue->is_wanted;
	queue->is_wanted = true;
	LWLockRelease(queue->lock);
	if (wake)
		ffu_shared_wake_launcher();
	return false;
}

/*
 * Return the index of the folder of this database, or -1 if there is no room.
 * A folder that was moved keeps its root id, and its files are in the new place.
 * The caller holds the lock.
 */
static int
enter_folder(const char *root_id, const char *folder_path)
{
	FfuQueueFolder *folder;
	int			i;

	for (i = 0; i < queue->nfolders; i++)
	{
		folder = &queue->folders[i];
		if (folder->database != MyDatabaseId ||
			strcmp(folder->root_id, root_id) != 0)
			continue;
		strlcpy(folder->path, folder_path, sizeof(folder->path));
		return i;
	}
	if (queue->nfolders == FOLDERS_MAX && queue->begin == queue->end)
		queue->nfolders = 0;
	if (queue->nfolders == FOLDERS_MAX)
		return -1;
	folder = &queue->folders[queue->nfolders];
	folder->database = MyDatabaseId;
	strlcpy(folder->root_id, root_id, sizeof(folder->root_id));
	strlcpy(folder->path, folder_path, sizeof(folder->path));
	return queue->nfolders++;
}

/*
 * Add a file that has its path.  Return false if the queue is closed or full.
 */
bool
ffu_queue_add(const char *root_id, const char *folder_path, const char *path)
{
	Latch	   *wake = NULL;
	int			folder = -1;

	if (queue == NULL)
		return false;
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	if (queue->is_open && queue->end - queue->begin < FILES_MAX)
		folder = enter_folder(root_id, folder_path);
	if (folder >= 0)
	{
		FfuQueueFile *file = &queue->files[queue->end++ % FILES_MAX];

		file->folder = folder;
		strlcpy(file->path, path, sizeof(file->path));
		queue->was_used = true;
	}
	if (queue->end - queue->begin >= FILES_MANY)
		wake = queue->syncer;
	LWLockRelease(queue->lock);
	if (wake)
		SetLatch(wake);
	return folder >= 0;
}

/*
 * Has any file of this run of the server been in the queue?
 */
bool
ffu_queue_was_used(void)
{
	bool		was_used;

	if (queue == NULL)
		return false;
	LWLockAcquire(queue->lock, LW_SHARED);
	was_used = queue->was_used;
	LWLockRelease(queue->lock);
	return was_used;
}

/*
 * Has a backend wanted the queue while it was closed?  Clear the request.
 */
bool
ffu_queue_take_wanted(void)
{
	bool		wanted;

	if (queue == NULL)
		return false;
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	wanted = queue->is_wanted && !queue->is_open;
	queue->is_wanted = false;
	LWLockRelease(queue->lock);
	return wanted;
}

/*
 * Open the queue.  The caller is the syncer, and holds checkpoints.  Return
 * false if another syncer has opened the queue.
 */
bool
ffu_queue_open(void)
{
	bool		was_open;

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	was_open = queue->is_open;
	if (!was_open)
	{
		queue->is_open = true;
		queue->syncer = MyLatch;
	}
	LWLockRelease(queue->lock);
	return !was_open;
}

/*
 * Close the queue.  The caller then makes the files in the queue durable before
 * it lets checkpoints go.
 */
void
ffu_queue_close(void)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	queue->is_open = false;
	queue->syncer = NULL;
	LWLockRelease(queue->lock);
}

/*
 * Should a round begin early?
 */
bool
ffu_queue_is_full(void)
{
	bool		is_full;

	LWLockAcquire(queue->lock, LW_SHARED);
	is_full = queue->end - queue->begin >= FILES_MANY;
	LWLockRelease(queue->lock);
	return is_full;
}

/*
 * Begin a round.  Return the number of the first file of the round, and set
 * *end to the number after the last.  Only the caller removes files, so the
 * files of the round do not change.
 */
uint64
ffu_queue_begin_round(uint64 *end)
{
	uint64		begin;

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	begin = queue->begin;
	*end = queue->end;
	if (queue->round_since == 0 && begin < *end)
		queue->round_since = GetCurrentTimestamp();
	LWLockRelease(queue->lock);
	return begin;
}

/*
 * End a round: all files before this number are durable.
 */
void
ffu_queue_end_round(uint64 end)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	queue->begin = end;
	queue->round_since = 0;
	queue->trouble_folder = -1;
	LWLockRelease(queue->lock);
}

/*
 * Return a file of the round.
 */
const FfuQueueFile *
ffu_queue_file(uint64 number)
{
	return &queue->files[number % FILES_MAX];
}

/*
 * Copy a folder, whose path a session may change.
 */
void
ffu_queue_folder(int number, FfuQueueFolder *folder)
{
	LWLockAcquire(queue->lock, LW_SHARED);
	*folder = queue->folders[number];
	LWLockRelease(queue->lock);
}

/*
 * Return the number of folders.
 */
int
ffu_queue_folders(void)
{
	int			n;

	LWLockAcquire(queue->lock, LW_SHARED);
	n = queue->nfolders;
	LWLockRelease(queue->lock);
	return n;
}

/*
 * Note the folder that the syncer works on, and why the folder cannot be
 * synced, or 0.
 */
void
ffu_queue_note_trouble(int folder, int error)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	queue->trouble_folder = folder;
	queue->trouble = error;
	LWLockRelease(queue->lock);
}

/*
 * Has the syncer tried for long to sync the folder of this database, or with
 * InvalidOid of any database?  Then copy the path of the folder to path, of
 * MAXPGPATH bytes, and set *error to an error number, or to 0 if the folder
 * does not answer.
 */
bool
ffu_queue_is_stuck(Oid database, char *path, int *error)
{
	const FfuQueueFolder *folder;
	bool		stuck = false;

	if (queue == NULL)
		return false;
	LWLockAcquire(queue->lock, LW_SHARED);
	if (queue->round_since != 0 && queue->trouble_folder >= 0 &&
		TimestampDifferenceExceeds(queue->round_since, GetCurrentTimestamp(),
								   STUCK_AFTER))
	{
		folder = &queue->folders[queue->trouble_folder];
		stuck = !OidIsValid(database) || database == folder->database;
		strlcpy(path, folder->path, MAXPGPATH);
		*error = queue->trouble;
	}
	LWLockRelease(queue->lock);
	return stuck;
}
