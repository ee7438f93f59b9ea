/*-------------------------------------------------------------------------
 *
 * syscall.h
 *	  System calls on files, by directory descriptor and one name.
 *
 * Every function returns 0 or an error number; none raises an error or
 * allocates memory (I6).
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef FFU_SYSCALL_H
#define FFU_SYSCALL_H

#include <dirent.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/ffu.h"

extern int	ffu_sys_open_dir(int dir, const char *name, int *fd);
extern int	ffu_sys_open_dir_below(int dir, const char *path, int *fd);
extern int	ffu_sys_open_list(int dir, const char *name, DIR **list);
extern int	ffu_sys_make_dir(int dir, const char *name, mode_t mode);
extern int	ffu_sys_remove_dir(int dir, const char *name);
extern int	ffu_sys_create(int dir, const char *name, mode_t mode,
						   int *fd);
extern int	ffu_sys_open(int dir, const char *name, int *fd, int64 *size);
extern int	ffu_sys_open_below(int dir, const char *path, int *fd,
							   int64 *size);
extern int	ffu_sys_duplicate(int old, int *fd, int64 *size);
extern int	ffu_sys_reopen(int dir, const char *name, int *fd);
extern int	ffu_sys_write(int fd, const char *data, size_t len,
						  int64 offset);
extern int	ffu_sys_cut(int fd, int64 size);
extern int	ffu_sys_read(int fd, char *buf, size_t len, int64 offset,
						 size_t *got);
extern int	ffu_sys_size(int fd, int64 *size);
extern int	ffu_sys_look(int dir, const char *name, struct stat *st);
extern int	ffu_sys_group(int dir, gid_t *group);
extern int	ffu_sys_set_group(int dir, const char *name, gid_t group);
extern int	ffu_sys_set_mode(int dir, const char *name, mode_t mode);
extern int	ffu_sys_start_writeback(int fd);
extern int	ffu_sys_write_behind(int fd, int64 offset, int64 done);
extern int	ffu_sys_write_out(int fd);
extern int	ffu_sys_touch(int fd);
extern int	ffu_sys_sync(int fd);
extern int	ffu_sys_sync_dir(int fd);
extern int	ffu_sys_sync_all(int fd);
extern int	ffu_sys_link(int from_dir, const char *from,
						 int to_dir, const char *to);
extern int	ffu_sys_rename(int dir, const char *from, const char *to);
extern int	ffu_sys_move(int from_dir, const char *from,
						 int to_dir, const char *to);
extern int	ffu_sys_clone(int to, int from);
extern int	ffu_sys_unlink(int dir, const char *name);
extern void ffu_sys_close(int *fd);

#endif							/* FFU_SYSCALL_H */
