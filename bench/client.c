/*-------------------------------------------------------------------------
 *
 * client.c
 *	  The client of the benchmark: a number of clients that do the same thing
 *	  at the same time, and how long it took them.
 *
 *	client store|put|read SIDE [option=value]...
 *	client sql conninfo=... [count=N] STATEMENT...
 *	client links FOLDER source=FILE first=N count=N
 *	client sample FILE kind=... size=N
 *
 * What it prints is one line of words "name=value".  Connections, prepared
 * statements and one store of each client to warm up are not timed.  It is
 * started by bench.py, which knows what the options mean together.
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
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

/* Above so many bytes a side is warmed up with a file of fewer. */
#define WARM_UP_MAX		2000000
#define WARM_UP_SIZE	1000

/* How often the memory of a backend is looked at, in microseconds */
#define MEMORY_PAUSE	2000

static pthread_barrier_t barrier;
static const Side *side;

/* Set by the main thread when all workers are done. */
static volatile bool finished = false;

/*
 * End the program with a message.
 */
void
die(const char *format,...)
{
	va_list		args;

	fputs("client: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/*
 * Seconds since some moment.
 */
double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/*
 * Fill a buffer with bytes of a kind: a PNG image (as far as anybody who looks
 * at its head can tell), text, or nothing known.  Random ones, since a server
 * may compress what it stores.
 */
void
fill(char *bytes, int64_t size, const char *kind)
{
	static const char png[] =
	"\211PNG\r\n\032\n\0\0\0\rIHDR\0\0\2\200\0\0\1\340\010\2\0\0\0\272\263\113\263";
	uint64_t	state = 88172645463325252ULL;
	bool		is_text = strcmp(kind, "text") == 0;
	int64_t		i;

	for (i = 0; i < size; i++)
	{
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		if (!is_text)
			bytes[i] = (char) (state >> 32);
		else if ((state >> 32) % 60 == 0)
			bytes[i] = '\n';
		else
			bytes[i] = (state >> 40) % 6 == 0 ? ' ' : (char) ('a' + (state >> 50) % 26);
	}
	if (strcmp(kind, "png") == 0)
		memcpy(bytes, png, (size_t) size < sizeof(png) - 1 ? (size_t) size : sizeof(png) - 1);
}

/*
 * The result of a statement, which must not be an error.
 */
static PGresult *
checked(Worker *worker, PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		die("%s", PQerrorMessage(worker->conn));
	return result;
}

/*
 * Run a statement and return its result, which the caller clears.
 */
PGresult *
query(Worker *worker, const char *sql)
{
	return checked(worker, PQexec(worker->conn, sql));
}

/*
 * Run a statement whose result does not matter.
 */
void
run(Worker *worker, const char *sql)
{
	PQclear(query(worker, sql));
}

/*
 * Prepare a statement.
 */
void
prepare(Worker *worker, const char *name, const char *sql)
{
	PQclear(checked(worker, PQprepare(worker->conn, name, sql, 0, NULL)));
}

/*
 * Execute it, with the result in binary form; the caller clears that.
 */
PGresult *
execute(Worker *worker, const char *name, int n, const char *const *values,
		const int *lengths, const int *binary)
{
	return checked(worker, PQexecPrepared(worker->conn, name, n, values,
										  lengths, binary, 1));
}

/*
 * The memory that is a process's own, in kB; 0 if it cannot be found out.
 */
static long
own_memory(int pid)
{
	char		path[64];
	char		line[256];
	long		kb = 0;
	FILE	   *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file))
	{
		if (strncmp(line, "RssAnon:", 8) == 0)
			kb = strtol(line + 8, NULL, 10);
	}
	fclose(file);
	return kb;
}

/*
 * Thread: watch the memory of the first worker's backend.  Leaves how much it
 * grew, at most, in *arg.
 */
static void *
watch_memory(void *arg)
{
	Worker	   *worker = ((void **) arg)[0];
	long	   *growth = ((void **) arg)[1];
	int			pid = PQbackendPID(worker->conn);
	long		before = own_memory(pid);

	*growth = 0;
	while (!finished)
	{
		long		grown = own_memory(pid) - before;

		if (grown > *growth)
			*growth = grown;
		usleep(MEMORY_PAUSE);
	}
	return NULL;
}

/*
 * Connect, and open the directory of a worker.
 */
static void
begin_worker(Worker *worker)
{
	const Job  *job = worker->job;

	worker->dir = -1;
	if (side == NULL || side->database)
	{
		worker->conn = PQconnectdb(job->conninfo);
		if (PQstatus(worker->conn) != CONNECTION_OK)
			die("%s", PQerrorMessage(worker->conn));
		if (job->keep)
			PQclear(checked(worker, PQexec(worker->conn, "SELECT length(repeat('x', 9000000))")));
	}
	if (job->dir)
	{
		worker->dir = open(job->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (worker->dir < 0)
			die("could not open directory \"%s\": %s", job->dir, strerror(errno));
	}
	worker->bytes = malloc(job->size + 1);
	worker->buf = malloc(job->size + 1);
	if (worker->bytes == NULL || worker->buf == NULL)
		die("out of memory");
	fill(worker->bytes, job->size, job->kind);
}

/*
 * Do one operation that is not timed, with a small file where the file is
 * large.  (For an import, those are files beside the source.)
 */
static void
warm_up(Worker *worker)
{
	const Job  *job = worker->job;
	Job			small = *job;
	char		source[4096];

	small.one = false;
	if (job->size > WARM_UP_MAX)
	{
		small.size = WARM_UP_SIZE;
		if (job->source)
		{
			snprintf(source, sizeof(source), "%s.small", job->source);
			small.source = source;
		}
	}
	worker->job = &small;
	side->one(worker, 0);
	worker->job = job;
}

/*
 * Thread: what one client does.
 */
static void *
work(void *arg)
{
	Worker	   *worker = arg;
	const Job  *job = worker->job;
	double		start;
	int			i;

	side->begin(worker);
	if (job->warm || (!job->one && strcmp(job->verb, "read") != 0))
		warm_up(worker);
	pthread_barrier_wait(&barrier);
	start = now();
	if (job->one && worker->conn)
		run(worker, "BEGIN");
	for (i = 1; i <= job->count && (job->limit == 0 || now() < start + job->limit); i++)
		side->one(worker, i);
	worker->done = i - 1;
	if (job->one && side->end)
		side->end(worker);
	worker->committing = now();
	if (job->one && worker->conn)
		run(worker, job->rollback ? "ROLLBACK" : "COMMIT");
	worker->committing = now() - worker->committing;
	worker->seconds = now() - start;
	return NULL;
}

/*
 * Do the job with all workers, and print how long the slowest took.
 */
static void
do_job(const Job *job, Worker *workers)
{
	pthread_t  *threads = calloc(job->clients, sizeof(pthread_t));
	pthread_t	watcher = 0;
	long		growth = 0;
	void	   *watched[2] = {&workers[0], &growth};
	double		seconds = 0;
	int			done = 0;
	int			i;

	pthread_barrier_init(&barrier, NULL, job->clients);
	for (i = 0; i < job->clients; i++)
	{
		workers[i].job = job;
		workers[i].number = i;
		begin_worker(&workers[i]);
	}
	if (job->memory)
		pthread_create(&watcher, NULL, watch_memory, watched);
	for (i = 0; i < job->clients; i++)
		pthread_create(&threads[i], NULL, work, &workers[i]);
	for (i = 0; i < job->clients; i++)
	{
		pthread_join(threads[i], NULL);
		if (workers[i].seconds > seconds)
			seconds = workers[i].seconds;
		done += workers[i].done;
	}
	finished = true;
	if (job->memory)
		pthread_join(watcher, NULL);
	printf("seconds=%.6f operations=%d memory_kb=%ld committing=%.6f\n",
		   seconds, done, growth, workers[0].committing);
	free(threads);
}

/*
 * Run the statements one after the other, as often as asked, and print how
 * long each took in all.  One with a parameter is given the number of the
 * round.
 */
static void
do_statements(const Job *job, Worker *worker)
{
	char		number[16];
	const char *value = number;
	int			round;
	int			i;

	worker->job = job;
	begin_worker(worker);
	worker->each = calloc(job->nstatements, sizeof(double));
	for (round = 1; round <= job->count; round++)
	{
		snprintf(number, sizeof(number), "%d", round);
		for (i = 0; i < job->nstatements; i++)
		{
			double		start = now();
			PGresult   *result;

			if (strstr(job->statements[i], "$1"))
				result = PQexecParams(worker->conn, job->statements[i], 1, NULL,
									  &value, NULL, NULL, 0);
			else
				result = PQexec(worker->conn, job->statements[i]);
			worker->each[i] += now() - start;
			PQclear(checked(worker, result));
		}
	}
	for (i = 0; i < job->nstatements; i++)
		printf("%sseconds%d=%.6f", i ? " " : "", i + 1, worker->each[i]);
	printf("\n");
}

/*
 * Take one word of the command line.
 */
static void
take_word(Job *job, char *word)
{
	char	   *value = strchr(word, '=');
	size_t		len = value ? (size_t) (value - word) : strlen(word);

#define IS(name) (len == strlen(name) && strncmp(word, name, len) == 0)
	if (value == NULL)
		value = word + len - 1;
	value++;
	if (IS("conninfo"))
		job->conninfo = value;
	else if (IS("dir"))
		job->dir = value;
	else if (IS("table"))
		job->table = value;
	else if (IS("kind"))
		job->kind = value;
	else if (IS("source"))
		job->source = value;
	else if (IS("url"))
		job->url = value;
	else if (IS("keys"))
		job->keys = value;
	else if (IS("clients"))
		job->clients = (int) strtol(value, NULL, 10);
	else if (IS("count"))
		job->count = (int) strtol(value, NULL, 10);
	else if (IS("first"))
		job->first = (int) strtol(value, NULL, 10);
	else if (IS("rows"))
		job->rows = (int) strtol(value, NULL, 10);
	else if (IS("stride"))
		job->stride = (int) strtol(value, NULL, 10);
	else if (IS("limit"))
		job->limit = strtod(value, NULL);
	else if (IS("size"))
		job->size = strtoll(value, NULL, 10);
	else if (IS("piece"))
		job->piece = strtoll(value, NULL, 10);
	else if (IS("one"))
		job->one = true;
	else if (IS("warm"))
		job->warm = true;
	else if (IS("rollback"))
		job->rollback = true;
	else if (IS("per_row"))
		job->per_row = true;
	else if (IS("move"))
		job->move = true;
	else if (IS("verify"))
		job->verify = true;
	else if (IS("memory"))
		job->memory = true;
	else if (IS("keep"))
		job->keep = true;
	else
		die("unknown option \"%s\"", word);
#undef IS
}

/*
 * The side with a name.
 */
static const Side *
find_side(const char *verb, const char *name)
{
	const Side *sides = strcmp(verb, "store") == 0 ? store_sides :
	strcmp(verb, "put") == 0 ? put_sides : read_sides;

	for (; sides->name; sides++)
	{
		if (strcmp(sides->name, name) == 0)
			return sides;
	}
	die("there is no side \"%s\"", name);
}

int
main(int argc, char **argv)
{
	Job			job = {.kind = "png",.clients = 1,.count = 1,.stride = 1,.piece = 1024 * 1024};
	Worker	   *workers;
	bool		sql;
	int			i;

	if (argc < 3)
		die("usage: client store|put|read SIDE [option=value]... | client sql conninfo=... STATEMENT...");
	job.verb = argv[1];
	sql = strcmp(job.verb, "sql") == 0;
	for (i = sql ? 2 : 3; i < argc; i++)
	{
		if (sql && strncmp(argv[i], "conninfo=", 9) != 0 &&
			strncmp(argv[i], "count=", 6) != 0)
			break;
		take_word(&job, argv[i]);
	}
	if (job.clients < 1 || job.count < 0 || job.size < 0 || job.piece < 1)
		die("a number is out of range");
	workers = calloc(job.clients, sizeof(Worker));
	job.side = argv[2];
	if (strcmp(job.verb, "links") == 0)
		make_links(&job);
	else if (strcmp(job.verb, "sample") == 0)
		make_sample(&job);
	else if (sql)
	{
		job.nstatements = argc - i;
		job.statements = argv + i;
		do_statements(&job, workers);
	}
	else
	{
		side = find_side(job.verb, job.side);
		do_job(&job, workers);
	}
	free(workers);
	return 0;
}
