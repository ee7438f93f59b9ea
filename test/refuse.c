/*-------------------------------------------------------------------------
 *
 * refuse.c
 *	  Runs a command under a kernel that lacks some system calls.
 *
 *	refuse [--uname-2.6] CALL=ERRNO... -- COMMAND ARGUMENT...
 *	refuse CALL=KILL -- COMMAND ARGUMENT...
 *
 * CALL is a name of calls[]; the call then fails with the error number, in the
 * command and in all its children.  KILL ends the process that makes the call.  FICLONE stands for this request of ioctl.
 * With --uname-2.6 the kernel says that it is older than Linux 3.  Before the
 * command runs, every refusal is tried: the exit status 99 means that the
 * filter does not work.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_CALLS	16

/* In place of an error number: end the process */
#define KILL		0

/* Since Linux 6.6, and not in older headers */
#ifndef SYS_fchmodat2
#define SYS_fchmodat2	452
#endif

static const struct
{
	const char *name;
	long		number;
	unsigned	request;		/* 0, or the second argument */
}			calls[] =
{
	{"openat2", SYS_openat2, 0},
	{"faccessat2", SYS_faccessat2, 0},
	{"fchmodat2", SYS_fchmodat2, 0},
	{"syncfs", SYS_syncfs, 0},
	{"sync_file_range", SYS_sync_file_range, 0},
	{"FICLONE", SYS_ioctl, FICLONE}
};

static const struct
{
	const char *name;
	int			number;
}			errors[] =
{
	{"ENOSYS", ENOSYS}, {"EPERM", EPERM}, {"EIO", EIO},
	{"EOPNOTSUPP", EOPNOTSUPP}, {"ENOTTY", ENOTTY}, {"EXDEV", EXDEV},
	{"KILL", KILL}
};

static struct sock_filter filter[MAX_CALLS * 5 + 2];
static unsigned short length = 0;
static long tried[MAX_CALLS];
static unsigned tried_request[MAX_CALLS];
static int	tried_error[MAX_CALLS];
static int	ntried = 0;

static void
usage(void)
{
	fprintf(stderr, "usage: refuse [--uname-2.6] CALL=ERRNO... -- COMMAND...\n");
	exit(99);
}

static void
add(unsigned short code, unsigned k, unsigned char yes, unsigned char no)
{
	struct sock_filter step = {code, yes, no, k};

	filter[length++] = step;
}

/* Refuse a call, if its second argument is the request (0: always). */
static void
refuse(long number, unsigned request, int error)
{
	add(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	add(BPF_JMP | BPF_JEQ | BPF_K, (unsigned) number, 0, request ? 3 : 1);
	if (request)
	{
		add(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]), 0, 0);
		add(BPF_JMP | BPF_JEQ | BPF_K, request, 0, 1);
	}
	add(BPF_RET | BPF_K, error == KILL ? SECCOMP_RET_KILL_PROCESS :
		SECCOMP_RET_ERRNO | (unsigned) error, 0, 0);
	if (error == KILL)
		return;
	tried[ntried] = number;
	tried_request[ntried] = request;
	tried_error[ntried++] = error;
}

static void
parse(const char *argument)
{
	const char *equals = strchr(argument, '=');

	for (size_t i = 0; equals && ntried < MAX_CALLS && i < sizeof(calls) / sizeof(calls[0]); i++)
	{
		if (strlen(calls[i].name) != (size_t) (equals - argument) ||
			strncmp(calls[i].name, argument, (size_t) (equals - argument)) != 0)
			continue;
		for (size_t j = 0; j < sizeof(errors) / sizeof(errors[0]); j++)
		{
			if (strcmp(errors[j].name, equals + 1) == 0)
			{
				refuse(calls[i].number, calls[i].request, errors[j].number);
				return;
			}
		}
	}
	usage();
}

int
main(int argc, char **argv)
{
	struct sock_fprog program = {0, filter};
	int			i = 1;

	if (i < argc && strcmp(argv[i], "--uname-2.6") == 0)
	{
		if (personality(UNAME26) == -1)
			return 99;
		i++;
	}
	for (; i < argc && strcmp(argv[i], "--") != 0; i++)
		parse(argv[i]);
	if (i + 1 >= argc)
		usage();
	add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	program.len = length;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
	{
		perror("refuse");
		return 99;
	}
	for (int n = 0; n < ntried; n++)
	{
		errno = 0;
		if (syscall(tried[n], -1, tried_request[n], 0, 0) != -1 || errno != tried_error[n])
		{
			fprintf(stderr, "refuse: system call %ld is not refused\n", tried[n]);
			return 99;
		}
	}
	execvp(argv[i + 1], argv + i + 1);
	perror(argv[i + 1]);
	return 99;
}
