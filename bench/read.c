/*-------------------------------------------------------------------------
 *
 * read.c
 *	  The sides of the benchmark that read files back.
 *
 *	ffu			ffu.content()
 *	ffu_stream	ffu.stream(), a row at a time
 *	bytea		a bytea column
 *	lo			a large object by lo_get()
 *	lo_read		a large object by lo_read()
 *	server		pg_read_binary_file()
 *	file		an application on the same machine, or a web server: the path
 *				from the row, then the file itself
 *	ffu_path	the same with a path of ffu's; dir is then the folder
 *
 * With "verify", what is read must be what was written, byte by byte.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libpq/libpq-fs.h>

#include "bench.h"

/*
 * Are these the bytes that belong at an offset?
 */
static void
check(Worker *worker, const char *bytes, int64_t len, int64_t offset)
{
	if (offset + len > worker->job->size)
		die("file is too long: %lld bytes", (long long) offset + (long long) len);
	if (worker->job->verify && memcmp(bytes, worker->bytes + offset, len) != 0)
		die("wrong bytes were read by side \"%s\"", worker->job->side);
}

/*
 * Was all of the file read?
 */
static void
check_end(Worker *worker, int64_t offset)
{
	if (offset != worker->job->size)
		die("%lld bytes were read instead of %lld by side \"%s\"", (long long) offset,
			(long long) worker->job->size, worker->job->side);
}

/*
 * Which row operation i reads.
 */
static int
row_of(const Job *job, int i)
{
	int			rows = job->rows > 0 ? job->rows : job->count + 1;

	return job->first + 1 + (int) ((int64_t) i * job->stride % rows);
}

/*
 * Execute the statement "one" for the row of operation i.
 */
static PGresult *
select_row(Worker *worker, int i)
{
	char		id[16];
	const char *values[1] = {id};
	PGresult   *result;

	snprintf(id, sizeof(id), "%d", row_of(worker->job, i));
	result = execute(worker, "one", 1, values, NULL, NULL);
	if (PQntuples(result) != 1)
		die("there is no row %s", id);
	return result;
}

static void
one_value(Worker *worker, int i)
{
	PGresult   *result = select_row(worker, i);
	int			len = PQgetlength(result, 0, 0);

	check(worker, PQgetvalue(result, 0, 0), len, 0);
	check_end(worker, len);
	PQclear(result);
}

/*
 * Prepare a SELECT of an expression of the row.
 */
static void
prepare_select(Worker *worker, const char *expression)
{
	char		sql[4096];

	snprintf(sql, sizeof(sql), "SELECT %s FROM %s WHERE id = $1::bigint", expression,
			 worker->job->table);
	prepare(worker, "one", sql);
}

static void
begin_ffu(Worker *worker)
{
	prepare_select(worker, "ffu.content(f)");
}

static void
begin_ffu_stream(Worker *worker)
{
	prepare_select(worker, "ffu.stream(f)");
}

static void
begin_bytea(Worker *worker)
{
	prepare_select(worker, "f");
}

static void
begin_lo(Worker *worker)
{
	prepare_select(worker, "lo_get(f)");
}

static void
begin_server(Worker *worker)
{
	char		expression[2048];

	snprintf(expression, sizeof(expression), "pg_read_binary_file('%s/' || path)",
			 worker->job->dir);
	prepare_select(worker, expression);
}

static void
begin_file(Worker *worker)
{
	prepare_select(worker, "path");
}

static void
one_ffu_stream(Worker *worker, int i)
{
	char		id[16];
	const char *values[1] = {id};
	int64_t		offset = 0;
	PGresult   *result;

	snprintf(id, sizeof(id), "%d", row_of(worker->job, i));
	if (!PQsendQueryPrepared(worker->conn, "one", 1, values, NULL, NULL, 1) ||
		!PQsetSingleRowMode(worker->conn))
		die("%s", PQerrorMessage(worker->conn));
	while ((result = PQgetResult(worker->conn)) != NULL)
	{
		if (PQresultStatus(result) == PGRES_SINGLE_TUPLE)
		{
			check(worker, PQgetvalue(result, 0, 0), PQgetlength(result, 0, 0), offset);
			offset += PQgetlength(result, 0, 0);
		}
		else if (PQresultStatus(result) != PGRES_TUPLES_OK)
			die("%s", PQerrorMessage(worker->conn));
		PQclear(result);
	}
	check_end(worker, offset);
}

static void
one_lo_read(Worker *worker, int i)
{
	const Job  *job = worker->job;
	PGresult   *result;
	uint32_t	oid;
	int64_t		offset = 0;
	int			fd;
	int			got;

	run(worker, "BEGIN");
	result = select_row(worker, i);
	memcpy(&oid, PQgetvalue(result, 0, 0), sizeof(oid));
	PQclear(result);
	fd = lo_open(worker->conn, ntohl(oid), INV_READ);
	while (fd >= 0 && (got = lo_read(worker->conn, fd, worker->buf, job->piece)) > 0)
	{
		check(worker, worker->buf, got, offset);
		offset += got;
	}
	lo_close(worker->conn, fd);
	run(worker, "COMMIT");
	check_end(worker, offset);
}

static void
one_file(Worker *worker, int i)
{
	PGresult   *result = select_row(worker, i);
	int64_t		offset = 0;
	int			fd = openat(worker->dir, PQgetvalue(result, 0, 0), O_RDONLY | O_CLOEXEC);
	ssize_t		got;

	if (fd < 0)
		die("could not open file: %s", strerror(errno));
	while ((got = read(fd, worker->buf, worker->job->size + 1 - offset)) > 0)
	{
		check(worker, worker->buf, got, offset);
		offset += got;
	}
	close(fd);
	PQclear(result);
	check_end(worker, offset);
}

const Side	read_sides[] = {
	{"ffu", true, begin_ffu, one_value, NULL},
	{"ffu_stream", true, begin_ffu_stream, one_ffu_stream, NULL},
	{"bytea", true, begin_bytea, one_value, NULL},
	{"lo", true, begin_lo, one_value, NULL},
	{"lo_read", true, begin_bytea, one_lo_read, NULL},
	{"server", true, begin_server, one_value, NULL},
	{"file", true, begin_file, one_file, NULL},
	{"ffu_path", true, begin_bytea, one_file, NULL},
	{NULL, false, NULL, NULL, NULL}
};
