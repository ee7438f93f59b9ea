/*-------------------------------------------------------------------------
 *
 * magic.c
 *	  What libmagic costs for a file, and what loading its database costs.
 *
 *	magic once|each COUNT BYTES FILE
 *
 * Asks for the type of the file's first BYTES bytes COUNT times, with the
 * database loaded once or each time, as a program does that is started for a
 * file.  Prints "seconds=<all of it> type=<the type>".
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include <magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * Seconds since some moment.
 */
static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/*
 * libmagic with its database, and its own defaults otherwise.
 */
static magic_t
load(void)
{
	magic_t		handle = magic_open(MAGIC_MIME_TYPE);

	if (handle == NULL || magic_load(handle, NULL) != 0)
	{
		fprintf(stderr, "magic: could not load the database\n");
		exit(1);
	}
	return handle;
}

int
main(int argc, char **argv)
{
	bool		each;
	int			count;
	size_t		len;
	char	   *bytes;
	char		type[128] = "";
	magic_t		handle = NULL;
	FILE	   *file;
	double		start;
	int			i;

	if (argc != 5 || (file = fopen(argv[4], "rb")) == NULL)
	{
		fprintf(stderr, "usage: magic once|each COUNT BYTES FILE\n");
		return 1;
	}
	each = strcmp(argv[1], "each") == 0;
	count = (int) strtol(argv[2], NULL, 10);
	bytes = malloc(strtoul(argv[3], NULL, 10) + 1);
	len = bytes ? fread(bytes, 1, strtoul(argv[3], NULL, 10), file) : 0;
	fclose(file);
	if (bytes == NULL)
		return 1;
	if (!each)
	{
		handle = load();
		(void) magic_buffer(handle, bytes, len);
	}
	start = now();
	for (i = 0; i < count; i++)
	{
		const char *said;

		if (each)
			handle = load();
		said = magic_buffer(handle, bytes, len);
		snprintf(type, sizeof(type), "%s", said ? said : "");
		if (each)
			magic_close(handle);
	}
	printf("seconds=%.6f type=%s\n", now() - start, type);
	free(bytes);
	return 0;
}
