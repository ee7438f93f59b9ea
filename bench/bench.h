/*-------------------------------------------------------------------------
 *
 * bench.h
 *	  The client of the benchmark: what its parts share.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include <libpq-fe.h>

/* What one run does; read from the command line. */
typedef struct Job
{
	const char *verb;
	const char *side;
	const char *conninfo;
	const char *dir;			/* where an application puts its files */
	const char *table;
	const char *kind;			/* what the bytes look like */
	const char *source;			/* a file on the server, for import */
	const char *url;			/* a bucket for objects, and */
	const char *keys;			/* the id and the secret for it */
	int			clients;
	int			count;			/* operations per client, at most, ... */
	double		limit;			/* and begun within so many seconds, if not 0 */
	int			first;			/* reads begin after this row, ... */
	int			rows;			/* go round so many (0: all of them), */
	int			stride;			/* and take each so manieth of them */
	int64_t		size;			/* bytes of a file */
	int64_t		piece;			/* bytes of a piece */
	bool		warm;			/* first, one operation that is not timed, ... */
	bool		one;			/* ... then all in one transaction ... */
	bool		rollback;		/* ... which is rolled back */
	bool		per_row;		/* a directory for each row */
	bool		move;			/* import moves its source */
	bool		verify;			/* compare what is read, byte by byte */
	bool		keep;			/* the backend keeps the memory it has used */
	bool		memory;			/* watch the memory of the first backend */
	int			nstatements;
	char	  **statements;
} Job;

/* One client: a thread, and where it needs one, a connection. */
typedef struct Worker
{
	const Job  *job;
	int			number;
	PGconn	   *conn;			/* NULL for a side without a database */
	int			dir;			/* descriptor of its directory, or -1 */
	char	   *bytes;			/* of the file, job->size of them */
	char	   *buf;			/* to read into */
	int			done;			/* operations */
	double		seconds;
	double		committing;		/* of these, for the COMMIT of all */
	double	   *each;			/* seconds of each statement, for "sql" */
	struct Sender *sender;		/* of objects, for put.c */
} Worker;

/*
 * A way to store files, or to read them.  begin and end are not timed; one
 * does operation number i.  end may be NULL.
 */
typedef struct Side
{
	const char *name;
	bool		database;
	void		(*begin) (Worker *worker);
	void		(*one) (Worker *worker, int i);
	void		(*end) (Worker *worker);
} Side;

extern const Side store_sides[];
extern const Side put_sides[];
extern const Side read_sides[];

extern void make_links(const Job *job);
extern void make_sample(const Job *job);

/* A row without a file, as an application keeps one */
extern void begin_row(Worker *worker);
extern void one_row(Worker *worker, int i);

extern void die(const char *format,...) __attribute__((format(printf, 1, 2), noreturn));
extern double now(void);
extern void fill(char *bytes, int64_t size, const char *kind);

/* Of the database; each ends the program if the server reports an error. */
extern PGresult *query(Worker *worker, const char *sql);
extern void run(Worker *worker, const char *sql);
extern void prepare(Worker *worker, const char *name, const char *sql);
extern PGresult *execute(Worker *worker, const char *name, int n,
						 const char *const *values, const int *lengths,
						 const int *binary);

#endif							/* BENCH_H */
