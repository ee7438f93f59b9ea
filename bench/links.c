/*-------------------------------------------------------------------------
 *
 * links.c
 *	  Files of the benchmark that no server has stored: millions of names of
 *	  small files, as if ffu had stored them, and a sample.
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

#include "bench.h"

/* So many names a file gets; ext4 stops at 65,000. */
#define LINKS_MAX	50000

#define BYTES		100
#define TOKEN_LEN	26

/*
 * The token of file number n: never the same, and spread evenly.
 */
static void
make_token(char *token, uint64_t n)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint64_t	state = n * 0x9E3779B97F4A7C15ULL;
	int			i;

	for (i = 0; i < TOKEN_LEN; i++)
	{
		token[i] = digits[state >> 59];
		state = state << 5 | state >> 59;
		if (i == 12)
			state = n * 0xD1B54A32D192ED03ULL;
	}
	token[TOKEN_LEN] = '\0';
}

/*
 * Make the file that the next names are for.
 */
static void
make_file(int folder, const char *path)
{
	char		bytes[BYTES];
	int			fd;

	fill(bytes, sizeof(bytes), "png");
	fd = openat(folder, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0 || write(fd, bytes, sizeof(bytes)) != sizeof(bytes) || close(fd) < 0)
		die("could not make file \"%s\": %s", path, strerror(errno));
}

/*
 * Make the files number job->first and so on below the folder job->side, and
 * write their rows to the file job->source, as CSV.
 */
void
make_links(const Job *job)
{
	char		path[64];
	char		original[64] = "";
	char		token[TOKEN_LEN + 1];
	int			folder = open(job->side, O_RDONLY | O_DIRECTORY);
	FILE	   *rows = fopen(job->source, "w");
	int			i;

	if (folder < 0 || rows == NULL)
		die("could not open \"%s\" or \"%s\": %s", job->side, job->source, strerror(errno));
	umask(0027);
	(void) mkdirat(folder, "many", 0750);
	for (i = 0; i < job->count; i++)
	{
		make_token(token, (uint64_t) job->first + i);
		snprintf(path, sizeof(path), "many/%.2s", token);
		if (mkdirat(folder, path, 0750) < 0 && errno != EEXIST)
			die("could not make directory \"%s\": %s", path, strerror(errno));
		snprintf(path, sizeof(path), "many/%.2s/f-%s.png", token, token);
		if (i % LINKS_MAX == 0)
		{
			make_file(folder, path);
			memcpy(original, path, sizeof(original));
		}
		else if (linkat(folder, original, folder, path, 0) < 0)
			die("could not link file \"%s\": %s", path, strerror(errno));
		fprintf(rows, "%d,%s,photo.png,image/png,png,%d,%064d\n", job->first + i, path, BYTES, 0);
	}
	if (fclose(rows) != 0)
		die("could not write \"%s\": %s", job->source, strerror(errno));
	close(folder);
}

/*
 * Write one file of job->kind.
 */
void
make_sample(const Job *job)
{
	char	   *bytes = malloc(job->size + 1);
	FILE	   *file = fopen(job->side, "w");

	if (bytes == NULL || file == NULL)
		die("could not open \"%s\": %s", job->side, strerror(errno));
	fill(bytes, job->size, job->kind);
	if (fwrite(bytes, 1, job->size, file) != (size_t) job->size || fclose(file) != 0)
		die("could not write \"%s\": %s", job->side, strerror(errno));
	free(bytes);
}
