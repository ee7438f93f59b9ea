/*-------------------------------------------------------------------------
 *
 * reader.c
 *	  Reads the objects of a bucket.
 *
 * A reader asks for a window of the object at a time, and gives out the bytes
 * of the window.  The window is as large as the rest of the object, up to
 * WINDOW bytes.  Everything a reader has is in the memory context in which the
 * object was opened.
 *
 * If the object is gone between two windows, the file has moved to the folder:
 * the reader goes on there.  (A deleted object stays for as long as a snapshot
 * can see its row.)
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "utils/memutils.h"

#include "store/bucket/place.h"
#include "store/bucket/reader.h"
#include "store/dir/root.h"

/* Number of bytes that one request asks for */
#define WINDOW		(INT64CONST(8) * 1024 * 1024)

/* An open object */
typedef struct Object
{
	FfuPlace	place;
	char	   *key;
	int64		window_size;
	char	   *window;			/* NULL before the first read */
	int64		start;			/* of the window in the object */
	int64		len;
	FfuReader	moved;			/* open if the file is in the folder now */
} Object;

/*
 * Ask for the window at an offset.  Return 0, or ENOENT if the object is gone.
 */
static int
move_window(FfuReader *reader, int64 offset)
{
	Object	   *object = reader->source.state;
	int64		len = Min(reader->size - offset, object->window_size);

	if (object->window == NULL)
		object->window = MemoryContextAlloc(GetMemoryChunkContext(object),
											Min(reader->size,
												object->window_size));
	object->len = 0;
	if (!ffu_place_methods()->read(&object->place, object->key, object->window,
								   len, offset))
		return ENOENT;
	object->start = offset;
	object->len = len;
	return 0;
}

/*
 * Open the file in the folder, and read there; see read_object().
 */
static int
follow(Object *object, char *buf, size_t len, int64 offset, size_t *got)
{
	int			result = ffu_folder_methods.open(ffu_root_read(),
												 FFU_ORIGIN_PATH, object->key,
												 &object->moved);

	return result != 0 ? result :
		ffu_reader_read(&object->moved, buf, len, offset, got);
}

/*
 * Read len bytes at offset, or fewer at the end; see FfuReaderMethods.  Raise
 * the errors of the store.
 */
static int
read_object(FfuReader *reader, char *buf, size_t len, int64 offset, size_t *got)
{
	Object	   *object = reader->source.state;
	int64		wanted = Min((int64) len, Max(reader->size - offset, 0));
	int64		done = 0;

	if (object->moved.methods != NULL)
		return ffu_reader_read(&object->moved, buf, len, offset, got);
	while (done < wanted)
	{
		int64		at = offset + done;
		int64		part;

		if (at < object->start || at >= object->start + object->len)
		{
			int			result = move_window(reader, at);

			if (result == ENOENT)
				return follow(object, buf, len, offset, got);
			if (result != 0)
				return result;
		}
		part = Min(wanted - done, object->start + object->len - at);
		memcpy(buf + done, object->window + (at - object->start), part);
		done += part;
	}
	*got = done;
	return 0;
}

/*
 * Close the object.
 */
static void
close_object(FfuReader *reader)
{
	Object	   *object = reader->source.state;

	ffu_reader_close(&object->moved);
	if (object->window != NULL)
		pfree(object->window);
	pfree(object);
}

static const FfuReaderMethods object_reader = {
	.read = read_object,
	.close = close_object,
};

/*
 * Set a reader up for an object that was looked at.  At most window bytes are
 * asked for at a time.
 */
void
ffu_bucket_begin(const FfuPlace *place, const char *key, int64 size,
				 int64 window, FfuReader *reader)
{
	Object	   *object = palloc0(sizeof(Object));

	object->place = *place;
	object->key = pstrdup(key);
	object->window_size = window;
	reader->methods = &object_reader;
	reader->size = size;
	reader->source.state = object;
}

/*
 * Open an object of the bucket of this database.  Return 0, or ENOENT if there
 * is no object with this key.  Raise the errors of the store.
 */
int
ffu_bucket_open(const char *key, FfuReader *reader)
{
	FfuPlace	place;
	FfuObject	known;

	if (!ffu_place_find(&place) ||
		!ffu_place_methods()->look(&place, key, &known))
		return ENOENT;
	ffu_bucket_begin(&place, key, known.size, WINDOW, reader);
	return 0;
}
