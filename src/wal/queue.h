/*-------------------------------------------------------------------------
 *
 * queue.h
 *	  The queue of files that the syncer is to make durable.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_QUEUE_H
#define FFU_QUEUE_H

#include "storage/latch.h"
#include "utils/timestamp.h"

#include "base/ffu.h"

/* The folder of a database */
typedef struct FfuQueueFolder
{
	Oid			database;
	char		root_id[FFU_ROOT_ID_LEN + 1];
	char		path[MAXPGPATH];
} FfuQueueFolder;

/* A file in the queue */
typedef struct FfuQueueFile
{
	int			folder;			/* index of an FfuQueueFolder */
	char		path[FFU_PATH_MAX + 1];
} FfuQueueFile;

extern void ffu_queue_init(void);

/* For backends */
extern bool ffu_queue_is_open(void);
extern bool ffu_queue_add(const char *root_id, const char *folder_path,
						  const char *path);
extern bool ffu_queue_was_used(void);

/* For the launcher */
extern bool ffu_queue_take_wanted(void);

/* For the syncer */
extern bool ffu_queue_open(void);
extern void ffu_queue_close(void);
extern bool ffu_queue_is_full(void);
extern uint64 ffu_queue_begin_round(uint64 *end);
extern void ffu_queue_end_round(uint64 end);
extern const FfuQueueFile *ffu_queue_file(uint64 number);
extern void ffu_queue_folder(int number, FfuQueueFolder *folder);
extern int	ffu_queue_folders(void);
extern void ffu_queue_note_trouble(int folder, int error);

/* For ffu.status and the launcher */
extern bool ffu_queue_is_stuck(Oid database, char *path, int *error);

#endif							/* FFU_QUEUE_H */
