/*-------------------------------------------------------------------------
 *
 * store.c
 *	  The sides of the benchmark that store files.
 *
 *	ffu				ffu.file(), the bytes as one binary parameter
 *	ffu_text		the same as text in the statement, as psycopg2 sends it
 *	ffu_pieces		ffu.upload_begin() and ffu.upload_append()
 *	ffu_lo			by large object: lo_write(), then ffu.from_large_object()
 *	ffu_import		ffu.import_file()
 *	bytea			a bytea column, one binary parameter
 *	bytea_text		the same as text in the statement
 *	lo				a large object by lo_from_bytea()
 *	lo_write		a large object by lo_write()
 *	careful			an application: temporary file, fsync, rename, fsync of the
 *					directory, then the row
 *	careless		an application: file at its place, no fsync, then the row
 *	bare			no database: the file, durable; in one go, one syncfs
 *	wire, hash		what a part of it costs: the bytes to the server, and there
 *					their SHA-256
 *	ffu_staged		ffu.file() in a transaction that is rolled back
 *	row				a row like ffu's, without a file
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libpq/libpq-fs.h>

#include "bench.h"

#define FILE_NAME	"photo.png"

static void die_of(const char *action) __attribute__((noreturn));

/*
 * End the program because a system call has failed.
 */
static void
die_of(const char *action)
{
	die("could not %s: %s", action, strerror(errno));
}

/*
 * Prepare an INSERT of a file name and bytes.  value is what is assigned.
 */
static void
prepare_insert(Worker *worker, const char *value)
{
	char		sql[512];

	snprintf(sql, sizeof(sql), "INSERT INTO %s (title, %s) VALUES ('A photo', %s)",
			 worker->job->table,
			 strncmp(worker->job->side, "ffu", 3) == 0 ? "f" : "name, f", value);
	prepare(worker, "one", sql);
}

/*
 * Execute the statement "one" with a file name and the bytes.
 */
static void
insert_bytes(Worker *worker, int i)
{
	bool		is_text = strcmp(worker->job->kind, "text") == 0;
	bool		is_png = strcmp(worker->job->kind, "png") == 0;
	const char *name = is_png ? FILE_NAME : is_text ? "note.txt" : "data.bin";
	const char *values[2] = {name, worker->bytes};
	const int	lengths[2] = {0, (int) worker->job->size};
	const int	binary[2] = {0, 1};

	(void) i;
	PQclear(execute(worker, "one", 2, values, lengths, binary));
}

static void
begin_ffu(Worker *worker)
{
	prepare_insert(worker, "ffu.file($1::text, $2::bytea)");
}

static void
begin_bytea(Worker *worker)
{
	prepare_insert(worker, "$1::text, $2::bytea");
}

static void
begin_lo(Worker *worker)
{
	prepare_insert(worker, "$1::text, lo_from_bytea(0, $2::bytea)");
}

static void
begin_wire(Worker *worker)
{
	prepare(worker, "one", "SELECT length($1::text) + octet_length($2::bytea)");
}

static void
begin_hash(Worker *worker)
{
	prepare(worker, "one", "SELECT $1::text, octet_length(sha256($2::bytea))");
}

static void
begin_ffu_staged(Worker *worker)
{
	prepare(worker, "one", "SELECT ffu.file($1::text, $2::bytea)");
}

static void
one_ffu_staged(Worker *worker, int i)
{
	run(worker, "BEGIN");
	insert_bytes(worker, i);
	run(worker, "ROLLBACK");
}

static void
begin_nothing(Worker *worker)
{
	(void) worker;
}

/*
 * Send the bytes as text in the statement, between two pieces of it.
 */
static void
insert_text(Worker *worker, const char *columns, const char *before,
			const char *after)
{
	size_t		len;
	unsigned char *literal = PQescapeByteaConn(worker->conn, (unsigned char *) worker->bytes,
											   worker->job->size, &len);
	char	   *sql = malloc(len + 512);

	if (literal == NULL || sql == NULL)
		die("out of memory");
	snprintf(sql, len + 512, "INSERT INTO %s (%s) VALUES ('A photo', %s'%s'::bytea%s)",
			 worker->job->table, columns, before, literal, after);
	run(worker, sql);
	free(sql);
	PQfreemem(literal);
}

static void
one_ffu_text(Worker *worker, int i)
{
	(void) i;
	insert_text(worker, "title, f", "ffu.file('" FILE_NAME "', ", ")");
}

static void
one_bytea_text(Worker *worker, int i)
{
	(void) i;
	insert_text(worker, "title, name, f", "'" FILE_NAME "', ", "");
}

/*
 * Begin and end what takes several statements, if it is a transaction of its
 * own.
 */
static void
begin_transaction(Worker *worker)
{
	if (!worker->job->one)
		run(worker, "BEGIN");
}

static void
end_transaction(Worker *worker)
{
	if (!worker->job->one)
		run(worker, "COMMIT");
}

static void
begin_ffu_pieces(Worker *worker)
{
	prepare_insert(worker, "$1");
	prepare(worker, "append", "SELECT ffu.upload_append($1::text, $2::bytea)");
}

static void
one_ffu_pieces(Worker *worker, int i)
{
	const Job  *job = worker->job;
	PGresult   *upload;
	int64_t		done;

	(void) i;
	begin_transaction(worker);
	upload = query(worker, "SELECT ffu.upload_begin('" FILE_NAME "')");
	for (done = 0; done < job->size; done += job->piece)
	{
		int64_t		left = job->size - done;
		const char *values[2] = {PQgetvalue(upload, 0, 0), worker->bytes + done};
		const int	lengths[2] = {0, (int) (left < job->piece ? left : job->piece)};
		const int	binary[2] = {0, 1};

		PQclear(execute(worker, "append", 2, values, lengths, binary));
	}
	{
		const char *values[1] = {PQgetvalue(upload, 0, 0)};

		PQclear(execute(worker, "one", 1, values, NULL, NULL));
	}
	PQclear(upload);
	end_transaction(worker);
}

/*
 * Write the bytes to a new large object.
 */
static Oid
write_large_object(Worker *worker)
{
	const Job  *job = worker->job;
	Oid			oid = lo_creat(worker->conn, INV_READ | INV_WRITE);
	int			fd = lo_open(worker->conn, oid, INV_WRITE);
	int64_t		done;

	for (done = 0; done < job->size; done += job->piece)
	{
		int64_t		left = job->size - done;
		size_t		len = left < job->piece ? left : job->piece;

		if (fd < 0 || lo_write(worker->conn, fd, worker->bytes + done, len) != (int) len)
			die("%s", PQerrorMessage(worker->conn));
	}
	lo_close(worker->conn, fd);
	return oid;
}

static void
begin_lo_write(Worker *worker)
{
	prepare_insert(worker, "'" FILE_NAME "', $1::oid");
}

static void
begin_ffu_lo(Worker *worker)
{
	prepare_insert(worker, "ffu.from_large_object('" FILE_NAME "', $1::oid)");
}

static void
one_lo_write(Worker *worker, int i)
{
	char		oid[16];
	const char *values[1] = {oid};

	(void) i;
	begin_transaction(worker);
	snprintf(oid, sizeof(oid), "%u", write_large_object(worker));
	PQclear(execute(worker, "one", 1, values, NULL, NULL));
	if (strcmp(worker->job->side, "ffu_lo") == 0)
		lo_unlink(worker->conn, (Oid) strtoul(oid, NULL, 10));
	end_transaction(worker);
}

static void
begin_ffu_import(Worker *worker)
{
	prepare_insert(worker, worker->job->move ?
				   "ffu.import_file($1::text, '" FILE_NAME "', true)" :
				   "ffu.import_file($1::text, '" FILE_NAME "')");
}

static void
one_ffu_import(Worker *worker, int i)
{
	char		path[4096];
	const char *values[1] = {path};

	/* What is moved is gone then: one source for each. */
	if (worker->job->move)
		snprintf(path, sizeof(path), "%s.%d", worker->job->source, i);
	else
		snprintf(path, sizeof(path), "%s", worker->job->source);
	PQclear(execute(worker, "one", 1, values, NULL, NULL));
}

void
begin_row(Worker *worker)
{
	char		sql[256];

	snprintf(sql, sizeof(sql), "INSERT INTO %s (title, name, path) VALUES ('A photo', '" FILE_NAME "', $1)",
			 worker->job->table);
	prepare(worker, "one", sql);
}

void
one_row(Worker *worker, int i)
{
	const char *values[1] = {"photos/1/photo-7k2vh5c2zq4tq5c3jx6w2l4a5b.png"};

	(void) i;
	PQclear(execute(worker, "one", 1, values, NULL, NULL));
}

/*
 * Create a file with the bytes in it.
 */
static int
create(Worker *worker, int dir, const char *name)
{
	const char *from = worker->bytes;
	int64_t		left = worker->job->size;
	int			fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

	if (fd < 0)
		die_of("create file");
	while (left > 0)
	{
		ssize_t		written = write(fd, from, left);

		if (written < 0)
			die_of("write file");
		from += written;
		left -= written;
	}
	return fd;
}

/*
 * The directory for file number i, made if each row has its own.  *name is
 * the file's name in it, *path its path; a process id makes both new in each
 * run.
 */
static int
directory_for(Worker *worker, int i, bool durable, char *path, size_t size,
			  const char **name)
{
	int			dir;

	if (!worker->job->per_row)
	{
		snprintf(path, size, "%d-%d-%d.png", (int) getpid(), worker->number, i);
		*name = path;
		return worker->dir;
	}
	snprintf(path, size, "%d-%d-%d", (int) getpid(), worker->number, i);
	if (mkdirat(worker->dir, path, 0750) < 0)
		die_of("make directory");
	if (durable && fsync(worker->dir) < 0)
		die_of("fsync directory");
	dir = openat(worker->dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		die_of("open directory");
	snprintf(path + strlen(path), size - strlen(path), "/" FILE_NAME);
	*name = FILE_NAME;
	return dir;
}

static void
one_careful(Worker *worker, int i)
{
	char		path[128];
	char		temporary[160];
	const char *values[1] = {path};
	const char *name;
	int			dir = directory_for(worker, i, true, path, sizeof(path), &name);
	int			fd;

	snprintf(temporary, sizeof(temporary), "%s.tmp", name);
	fd = create(worker, dir, temporary);
	if (fsync(fd) < 0 || close(fd) < 0)
		die_of("fsync file");
	if (renameat(dir, temporary, dir, name) < 0)
		die_of("rename file");
	if (fsync(dir) < 0)
		die_of("fsync directory");
	if (dir != worker->dir)
		close(dir);
	PQclear(execute(worker, "one", 1, values, NULL, NULL));
}

static void
one_careless(Worker *worker, int i)
{
	char		path[128];
	const char *values[1] = {path};
	const char *name;
	int			dir = directory_for(worker, i, false, path, sizeof(path), &name);

	if (close(create(worker, dir, name)) < 0)
		die_of("close file");
	if (dir != worker->dir)
		close(dir);
	PQclear(execute(worker, "one", 1, values, NULL, NULL));
}

static void
one_bare(Worker *worker, int i)
{
	char		path[128];
	const char *name;
	int			dir = directory_for(worker, i, false, path, sizeof(path), &name);
	int			fd = create(worker, dir, name);

	if (!worker->job->one && fsync(fd) < 0)
		die_of("fsync file");
	close(fd);
	if (dir != worker->dir)
		close(dir);
}

static void
end_bare(Worker *worker)
{
	if (syncfs(worker->dir) < 0)
		die_of("sync file system");
}

const Side	store_sides[] = {
	{"ffu", true, begin_ffu, insert_bytes, NULL},
	{"ffu_text", true, begin_nothing, one_ffu_text, NULL},
	{"ffu_pieces", true, begin_ffu_pieces, one_ffu_pieces, NULL},
	{"ffu_lo", true, begin_ffu_lo, one_lo_write, NULL},
	{"ffu_import", true, begin_ffu_import, one_ffu_import, NULL},
	{"bytea", true, begin_bytea, insert_bytes, NULL},
	{"bytea_text", true, begin_nothing, one_bytea_text, NULL},
	{"lo", true, begin_lo, insert_bytes, NULL},
	{"lo_write", true, begin_lo_write, one_lo_write, NULL},
	{"careful", true, begin_row, one_careful, NULL},
	{"careless", true, begin_row, one_careless, NULL},
	{"bare", false, begin_nothing, one_bare, end_bare},
	{"wire", true, begin_wire, insert_bytes, NULL},
	{"hash", true, begin_hash, insert_bytes, NULL},
	{"ffu_staged", true, begin_ffu_staged, one_ffu_staged, NULL},
	{"row", true, begin_row, one_row, NULL},
	{NULL, false, NULL, NULL, NULL}
};
