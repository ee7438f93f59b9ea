/*-------------------------------------------------------------------------
 *
 * spool.c
 *	  The spool of a store: where bytes are until COMMIT.
 *
 *	<root>/.ffu/staging/<part>/<fxid>.<n>	staged
 *	<root>/.ffu/staging/<part>/<fxid>.<n>:<path, : for />
 *	<root>/.ffu/staging/<part>/<fxid>.<n>.<run>:<path, : for />
 *											about to be published, or published
 *	<root>/.ffu/uploads/<fxid>.<key>		of a resumable upload
 *
 * The part is the last hexadecimal digit of the fxid.  So all names of a
 * transaction are in the same directory, and sessions that work at the same
 * time use different directories and do not wait for each other's locks.
 *
 * No function here raises an error or allocates memory (I6).  The exception is
 * ffu_spool_read(), if the bytes of the file are in the bucket.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <sys/stat.h>

#include "base/settings.h"
#include "store/dir/control.h"
#include "store/dir/folder.h"
#include "store/dir/outside.h"
#include "store/dir/spool.h"
#include "store/dir/syscall.h"
#include "text/path.h"

/*
 * Write the staging name of a file at the file's current step to name, of
 * FFU_STAGING_MAX + 1 bytes.
 */
void
ffu_spool_name(const FfuStaged *staged, char *name)
{
	ffu_staging_name(name, staged->fxid, staged->n, staged->run,
					 staged->step >= FFU_STEP_NAMED ? staged->path : NULL);
}

/*
 * Make the part of the staging directory for a staging name, after an attempt
 * to make the name failed with *result.  Return true if the caller should try
 * again.  Parts can be missing: a copy of the folder may lack empty
 * directories.  *tried prevents a second attempt.  If the part cannot be made,
 * set *result to the reason.
 */
static bool
make_part(const FfuSpool *spool, const FfuStaged *staged, int *result,
		  bool *tried)
{
	char		part[FFU_STAGING_PART_LEN + 1];
	int			made;

	if (*result != ENOENT || *tried)
		return false;
	*tried = true;
	ffu_staging_part(part, staged->fxid % FFU_STAGING_PARTS);
	made = ffu_sys_make_dir(spool->staging_fd, part, 0700);
	if (made == EEXIST)
		return true;
	if (made == 0)
		made = ffu_sys_sync(spool->staging_fd);
	if (made != 0)
		*result = made;
	return made == 0;
}

/*
 * Create the staging file, empty, and open the file.
 */
static int
create_staged(const FfuSpool *spool, FfuStaged *staged)
{
	char		name[FFU_STAGING_MAX + 1];
	bool		tried = false;
	int			result;

	ffu_spool_name(staged, name);
	do
	{
		result = ffu_sys_create(spool->staging_fd, name, ffu_setting_file_mode,
								&staged->file.fd);
	} while (make_part(spool, staged, &result, &tried));
	if (result == 0)
		staged->step = FFU_STEP_STAGED;
	return result;
}

/*
 * Make the staging name a second name of the file called from in dir.
 */
int
ffu_spool_link(const FfuSpool *spool, FfuStaged *staged, int dir,
			   const char *from)
{
	char		name[FFU_STAGING_MAX + 1];
	bool		tried = false;
	int			result;

	ffu_spool_name(staged, name);
	do
	{
		result = ffu_sys_link(dir, from, spool->staging_fd, name);
	} while (make_part(spool, staged, &result, &tried));
	if (result == 0)
		staged->step = FFU_STEP_STAGED;
	return result;
}

/*
 * Make the staging name a second name of the file of a resumable upload.
 */
static int
link_upload(const FfuSpool *spool, FfuStaged *staged, const char *upload)
{
	char		name[FFU_PATH_MAX + 1];
	int			dir;
	int			result = ffu_control_open(spool->staging_fd,
										  FFU_CONTROL_UPLOADS, upload, false,
										  &dir, name);

	if (result == 0)
		result = ffu_spool_link(spool, staged, dir, name);
	ffu_sys_close(&dir);
	return result;
}

/*
 * Let a staged file be the file of an origin, or share its bytes.  Return
 * EXDEV, EMLINK or EPERM if the bytes must be copied.
 */
static int
link_origin(FfuStore *store, FfuStaged *staged, const FfuOrigin *origin)
{
	const FfuSpool *spool = store->spool;
	char		name[FFU_STAGING_MAX + 1];

	switch (origin->kind)
	{
		case FFU_ORIGIN_STAGED:
			ffu_spool_name(origin->staged, name);
			return ffu_spool_link(spool, staged, spool->staging_fd, name);
		case FFU_ORIGIN_PATH:
		case FFU_ORIGIN_DELETED:
			return store->methods->link == NULL ? EXDEV :
				store->methods->link(store, staged, origin->kind, origin->name);
		case FFU_ORIGIN_RESUMABLE:
			return link_upload(spool, staged, origin->name);
		case FFU_ORIGIN_OUTSIDE:
			return !origin->may_link ? EXDEV :
				ffu_spool_link(spool, staged, origin->outside->dir_fd,
							   origin->outside->name);
		default:
			return EINVAL;
	}
}

/*
 * Open the file of an origin for reading.
 */
static int
open_origin(FfuStore *store, FfuOrigin *origin)
{
	FfuReader  *rest = &origin->rest;
	int			result;

	switch (origin->kind)
	{
		case FFU_ORIGIN_STAGED:
			return ffu_spool_read(store, origin->staged, rest);
		case FFU_ORIGIN_PATH:
		case FFU_ORIGIN_DELETED:
			return store->methods->open(store, origin->kind, origin->name,
										rest);
		case FFU_ORIGIN_RESUMABLE:
			result = ffu_control_read(store->spool->staging_fd,
									  FFU_CONTROL_UPLOADS, origin->name,
									  &rest->source.fd, &rest->size);
			break;
		case FFU_ORIGIN_OUTSIDE:
			result = ffu_sys_duplicate(origin->outside->fd, &rest->source.fd,
									   &rest->size);
			break;
		default:
			return EINVAL;
	}
	if (result == 0)
		rest->methods = &ffu_folder_reader;
	return result;
}

/*
 * Tell whether an error number of link(2) means that the bytes must be copied.
 */
static bool
must_copy(int result)
{
	return result == EMLINK || result == EXDEV || result == EPERM;
}

/*
 * Let an empty staged file share the blocks of an open file.  Return false if
 * the bytes must be copied.
 */
static bool
share_blocks(FfuStaged *staged, const FfuReader *from)
{
	return from->methods == &ffu_folder_reader &&
		ffu_sys_clone(staged->file.fd, from->source.fd) == 0;
}

/*
 * Stage a file with the bytes of an origin: link the file of the origin; else
 * share the blocks of that file; else leave the staged file empty and open,
 * and open origin->rest: the caller copies the bytes, and closes origin->rest.
 * Return EEXIST if the staging name is taken, ENOENT if there are no bytes.
 */
int
ffu_spool_stage(FfuStore *store, FfuStaged *staged, FfuOrigin *origin)
{
	int			result;

	origin->linked = false;
	origin->rest.methods = NULL;
	if (origin->kind == FFU_ORIGIN_STAGED)
		staged->remote = origin->staged->remote;
	if (origin->kind == FFU_ORIGIN_CALLER || staged->remote != NULL)
		return create_staged(store->spool, staged);
	result = link_origin(store, staged, origin);
	origin->linked = result == 0;
	if (!must_copy(result))
		return result;
	result = open_origin(store, origin);
	if (result == 0)
		result = create_staged(store->spool, staged);
	if (result != 0 || share_blocks(staged, &origin->rest))
		ffu_reader_close(&origin->rest);
	return result;
}

/*
 * Open a staged file for writing unless the file is open.
 */
int
ffu_spool_reopen(FfuStore *store, FfuStaged *staged)
{
	char		name[FFU_STAGING_MAX + 1];

	if (staged->file.fd >= 0)
		return 0;
	ffu_spool_name(staged, name);
	return ffu_sys_reopen(store->spool->staging_fd, name, &staged->file.fd);
}

/*
 * Cut a staged file off at size bytes.  A file that is closed is closed again:
 * the abort of a subtransaction may cut any number of files.
 */
int
ffu_spool_cut(FfuStore *store, FfuStaged *staged, int64 size)
{
	bool		was_open = staged->file.fd >= 0;
	int			result = ffu_spool_reopen(store, staged);

	if (result == 0)
		result = ffu_sys_cut(staged->file.fd, size);
	if (!was_open)
		ffu_sys_close(&staged->file.fd);
	return result;
}

/*
 * Open a staged file for reading.
 */
int
ffu_spool_read(FfuStore *store, const FfuStaged *staged, FfuReader *reader)
{
	char		name[FFU_STAGING_MAX + 1];
	int			result;

	if (staged->remote != NULL)
		return store->methods->open(store, FFU_ORIGIN_OBJECT, staged->remote,
									reader);
	ffu_spool_name(staged, name);
	result = ffu_sys_open(store->spool->staging_fd, name, &reader->source.fd,
						  &reader->size);
	if (result == 0)
		reader->methods = &ffu_folder_reader;
	return result;
}

/*
 * Read from the descriptor of a reader.
 */
static int
read_file(FfuReader *reader, char *buf, size_t len, int64 offset, size_t *got)
{
	return ffu_sys_read(reader->source.fd, buf, len, offset, got);
}

/*
 * Close the descriptor of a reader.
 */
static void
close_file(FfuReader *reader)
{
	ffu_sys_close(&reader->source.fd);
}

/*
 * Close a reader that has borrowed its descriptor.
 */
static void
give_back(FfuReader *reader)
{
}

const FfuReaderMethods ffu_folder_reader = {
	.read = read_file,
	.close = close_file
};

const FfuReaderMethods ffu_borrowing_reader = {
	.read = read_file,
	.close = give_back
};

/*
 * Read a staged file by its own descriptor if the file is open, else open the
 * file for reading.  The file must stay open as long as the reader.  The size
 * of a borrowing reader is 0.
 */
int
ffu_spool_borrow(FfuStore *store, const FfuStaged *staged, FfuReader *reader)
{
	if (staged->file.fd < 0 || staged->remote != NULL)
		return ffu_spool_read(store, staged, reader);
	reader->methods = &ffu_borrowing_reader;
	reader->size = 0;
	reader->source.fd = staged->file.fd;
	return 0;
}

/*
 * Set *size to the size of a staged file, in bytes.
 */
int
ffu_spool_size(FfuStore *store, const FfuStaged *staged, int64 *size)
{
	FfuReader	reader = {0};
	int			result;

	if (staged->file.fd >= 0 && staged->remote == NULL)
		return ffu_sys_size(staged->file.fd, size);
	result = ffu_spool_read(store, staged, &reader);
	*size = reader.size;
	ffu_reader_close(&reader);
	return result;
}

/*
 * Is a file open for writing?
 */
bool
ffu_spool_is_open(const FfuSpoolFile *file)
{
	return file->fd >= 0;
}

/*
 * Write len bytes at offset of an open file.
 */
int
ffu_spool_write(FfuSpoolFile *file, const char *data, size_t len, int64 offset)
{
	return ffu_sys_write(file->fd, data, len, offset);
}

/*
 * Begin writing a slice of an open file to the disk, and wait until the slice
 * FFU_SLICES before is on the disk.  A failure means lost bytes.
 */
int
ffu_spool_write_behind(FfuSpoolFile *file, int64 slice)
{
	return ffu_sys_write_behind(file->fd, slice * FFU_SLICE,
								slice < FFU_SLICES ? -1 :
								(slice - FFU_SLICES) * FFU_SLICE);
}

/*
 * May the sync of a file of a commit come later, and be one for many files?
 */
bool
ffu_spool_may_sync_later(const FfuStore *store)
{
	return store->spool->in_order && ffu_setting_fsync == FFU_FSYNC_ON;
}

/*
 * Ask the kernel to begin writing an open file to the disk.
 */
void
ffu_spool_start_writeback(FfuSpoolFile *file)
{
	(void) ffu_sys_start_writeback(file->fd);
}

/*
 * Close a file if it is open.
 */
void
ffu_spool_close(FfuSpoolFile *file)
{
	ffu_sys_close(&file->fd);
}

/*
 * Create the file of a resumable upload and open the file for writing.  Return
 * EEXIST if there is such a file.
 */
int
ffu_spool_begin_upload(FfuStore *store, const char *name, FfuSpoolFile *file)
{
	char		control_name[FFU_PATH_MAX + 1];
	int			dir;
	int			result = ffu_control_open(store->spool->staging_fd,
										  FFU_CONTROL_UPLOADS, name, true,
										  &dir, control_name);

	file->fd = -1;
	if (result == 0)
		result = ffu_sys_create(dir, control_name, ffu_setting_file_mode,
								&file->fd);
	ffu_sys_close(&dir);
	return result;
}

/*
 * Open the file of a resumable upload for writing.
 */
int
ffu_spool_open_upload(FfuStore *store, const char *name, FfuSpoolFile *file)
{
	char		control_name[FFU_PATH_MAX + 1];
	int			dir;
	int			result = ffu_control_open(store->spool->staging_fd,
										  FFU_CONTROL_UPLOADS, name, false,
										  &dir, control_name);

	file->fd = -1;
	if (result == 0)
		result = ffu_sys_reopen(dir, control_name, &file->fd);
	ffu_sys_close(&dir);
	return result;
}

/*
 * Set *size to the size of the open file of a resumable upload, in bytes, and
 * *names to the number of its names: 1 until the upload is finished.
 */
int
ffu_spool_look_upload(const FfuSpoolFile *file, int64 *size, int *names)
{
	struct stat st;

	if (fstat(file->fd, &st) < 0)
		return errno;
	*size = st.st_size;
	*names = st.st_nlink;
	return 0;
}

/*
 * Cut the open file of a resumable upload off at size bytes.
 */
int
ffu_spool_cut_upload(FfuSpoolFile *file, int64 size)
{
	return ffu_sys_cut(file->fd, size);
}

/*
 * Remove the name of a resumable upload.  A missing name is success (I7).
 */
int
ffu_spool_remove_upload(FfuStore *store, const char *name)
{
	int			result = ffu_control_remove(store->spool->staging_fd,
											FFU_CONTROL_UPLOADS, name);

	return result == ENOENT ? 0 : result;
}

/*
 * Make the names of resumable uploads durable.
 */
int
ffu_spool_sync_upload_names(FfuStore *store)
{
	int			staging_fd = store->spool->staging_fd;
	char		control_name[FFU_PATH_MAX + 1];
	int			dir;
	int			result = ffu_control_open(staging_fd, FFU_CONTROL_UPLOADS, "",
										  false, &dir, control_name);

	if (result == 0)
		result = ffu_sys_sync(dir);
	if (result == 0)
		result = ffu_control_sync_names(staging_fd);
	ffu_sys_close(&dir);
	return result;
}

/*
 * Return the size of the file of a resumable upload in bytes, or -1 if there is
 * no such file.
 */
int64
ffu_spool_upload_size(FfuStore *store, const char *name)
{
	char		path[MAXPGPATH];
	struct stat st;

	snprintf(path, sizeof(path), FFU_CONTROL_UPLOADS "/%s", name);
	return ffu_sys_look(store->spool->staging_fd, path, &st) == 0 ?
		st.st_size : -1;
}

/*
 * Is there a staging name, given relative to the staging directory?  If the
 * answer is unknown, return true.
 */
bool
ffu_spool_has(FfuStore *store, const char *name)
{
	struct stat st;

	return ffu_sys_look(store->spool->staging_fd, name, &st) != ENOENT;
}
