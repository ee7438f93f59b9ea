/*-------------------------------------------------------------------------
 *
 * http.c
 *	  Sends requests to an object store, several at a time.
 *
 * libcurl moves the bytes; this file waits, in the server's own way: with the
 * latch, so that a cancel is answered at once, and under a wait event.  libcurl
 * never waits here, and is never asked to.
 *
 * libcurl looks names up in other threads.  All signals are blocked while
 * libcurl runs, so that the threads inherit that: the server's signal handlers
 * are for the server's thread alone.
 *
 * A request without an answer may take effect later all the same, so the call
 * counts these attempts.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include <curl/curl.h>
#include <signal.h>

#include "common/pg_prng.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "store/s3/http.h"
#include "store/s3/transfer.h"
#include "store/s3/trouble.h"

/* A connection has one socket, or a few while it is made. */
#define SOCKETS_MAX		(4 * FFU_CONNECTIONS_MAX)
#define EVENTS_MAX		16

typedef struct Socket
{
	curl_socket_t socket;
	int			what;			/* CURL_POLL_... */
} Socket;

/* All of this session's traffic */
static struct
{
	CURLM	   *multi;			/* NULL before the first request */
	FfuTransfer transfers[FFU_CONNECTIONS_MAX];
	Socket		sockets[SOCKETS_MAX];
	int			nsockets;
	TimestampTz wake;			/* libcurl wants to be called then; 0: never */
	WaitEventSet *set;			/* of the sockets; NULL: to be made again */
	uint32		wait_event;
}			session;

/* Pauses before the second attempt and later ones, in milliseconds */
static const int pauses[FFU_CALL_ATTEMPTS - 1] = {100, 500, 2000};

/*
 * Block all signals, for libcurl.
 */
static void
block_signals(sigset_t *saved)
{
	sigset_t	all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, saved);
}

/*
 * Take the signals again that were not blocked.
 */
static void
unblock_signals(const sigset_t *saved)
{
	sigprocmask(SIG_SETMASK, saved, NULL);
}

/*
 * The sockets have changed.
 */
static void
forget_set(void)
{
	if (session.set != NULL)
		FreeWaitEventSet(session.set);
	session.set = NULL;
}

/*
 * libcurl says for what to wait on a socket.  Return -1 if there are too many
 * sockets.
 */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	int			i;

	for (i = 0; i < session.nsockets && session.sockets[i].socket != fd; i++)
		;
	forget_set();
	if (what == CURL_POLL_REMOVE)
	{
		if (i < session.nsockets)
			session.sockets[i] = session.sockets[--session.nsockets];
		return 0;
	}
	if (i == SOCKETS_MAX)
		return -1;
	if (i == session.nsockets)
		session.nsockets++;
	session.sockets[i].socket = fd;
	session.sockets[i].what = what;
	return 0;
}

/*
 * libcurl says when to be called, in milliseconds from now.
 */
static int
on_timer(CURLM *multi, long ms, void *arg)
{
	session.wake = ms < 0 ? 0 :
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms);
	return 0;
}

/*
 * Raise 53200 for a failure of libcurl at what needs only memory.
 */
static void
refuse_memory(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("out of memory"),
			 errdetail("Failed on a request to the object store.")));
}

/*
 * Get libcurl ready, once in a session.
 */
static void
begin_session(void)
{
	sigset_t	saved;

	if (session.multi != NULL)
		return;
	session.wait_event = FFU_WAIT_EVENT("FfuObjectStore");
	block_signals(&saved);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		session.multi = curl_multi_init();
	unblock_signals(&saved);
	if (session.multi == NULL)
		refuse_memory();
	curl_multi_setopt(session.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(session.multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(session.multi, CURLMOPT_MAXCONNECTS,
					  (long) FFU_CONNECTIONS_MAX);
}

/*
 * Begin the next attempt at a call.
 */
static void
start(const FfuPlace *place, FfuTransfer *transfer, FfuCall *call)
{
	sigset_t	saved;
	bool		good;

	good = ffu_transfer_begin(transfer, place, call);
	if (good)
	{
		block_signals(&saved);
		good = curl_multi_add_handle(session.multi, transfer->easy) == CURLM_OK;
		unblock_signals(&saved);
	}
	if (!good)
	{
		ffu_transfer_drop(transfer);
		refuse_memory();
	}
	if (call->attempts == 0)
		call->begun = GetCurrentTimestamp();
	call->state = FFU_CALL_RUNNING;
	call->attempts++;
}

/*
 * Take the place of a transfer out of libcurl.
 */
static void
detach(FfuTransfer *transfer)
{
	sigset_t	saved;

	block_signals(&saved);
	curl_multi_remove_handle(session.multi, transfer->easy);
	unblock_signals(&saved);
}

/*
 * Forget all attempts that run, after an error.  Their connections close.
 */
static void
abandon(void)
{
	int			i;

	for (i = 0; i < FFU_CONNECTIONS_MAX; i++)
	{
		FfuTransfer *transfer = &session.transfers[i];

		if (transfer->call == NULL)
			continue;
		detach(transfer);
		ffu_transfer_drop(transfer);
	}
	forget_set();
}

/*
 * Should a call be tried again?  A store that was asked rightly and refuses
 * would refuse again.
 */
static bool
is_worth_retry(const FfuPlace *place, const FfuCall *call, TimestampTz now)
{
	int64		allowed = place->timeout + call->body_len / (1024 * 1024);

	if (call->once || call->attempts >= FFU_CALL_ATTEMPTS ||
		call->error != 0 || call->untrusted ||
		now - call->begun > allowed * USECS_PER_SEC)
		return false;
	return call->status == 0 || call->status == 408 || call->status == 429 ||
		call->status >= 500 || ffu_trouble_is_passing(call);
}

/*
 * Is an answer without an error good for the call?  Otherwise set *said.
 */
static bool
is_plausible(const FfuCall *call, const char **said)
{
	*said = "An answer is not of an object store";
	if (call->wants_etag && call->answer.etag[0] == '\0')
		return false;
	if (call->wants_reply != NULL &&
		(call->reply_len == 0 ||
		 strstr(call->reply, call->wants_reply) == NULL))
		return false;
	*said = "An answer is not the part of the object that was asked for";
	return call->into == NULL || call->status == FFU_CALL_PART;
}

/*
 * Look at the outcome of an attempt: the call is done, or waits for another.
 */
static void
judge(const FfuPlace *place, FfuCall *call)
{
	TimestampTz now = GetCurrentTimestamp();
	const char *said;
	int			pause;

	ffu_trouble_read(call);
	if (ffu_trouble_is_none(call) && !is_plausible(call, &said))
	{
		call->status = 0;
		strlcpy(call->said, said, sizeof(call->said));
	}
	if (call->status == 0 || call->status >= 500)
		call->unanswered++;
	if (!is_worth_retry(place, call, now))
	{
		call->state = FFU_CALL_DONE;
		return;
	}
	pause = pauses[call->attempts - 1];
	pause += pg_prng_uint64_range(&pg_global_prng_state, 0, pause);
	if (call->answer.retry_after > 0)
		pause = Max(pause, Min(call->answer.retry_after, 5) * 1000);
	call->next_try = TimestampTzPlusMilliseconds(now, pause);
	call->state = FFU_CALL_WAITING;
}

/*
 * Take the answers that have come.
 */
static void
reap(const FfuPlace *place)
{
	CURLMsg    *message;
	int			left;

	while ((message = curl_multi_info_read(session.multi, &left)) != NULL)
	{
		CURLcode	result = message->data.result;
		char	   *private = NULL;
		FfuTransfer *transfer;
		FfuCall    *call;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
		transfer = (FfuTransfer *) private;
		call = transfer->call;
		detach(transfer);
		ffu_transfer_end(transfer, result);
		judge(place, call);
	}
}

/*
 * Begin attempts while connections are free.  Return the number of calls that
 * are not done, and set *next to the time of the next attempt that waits, or
 * to 0.
 */
static int
start_waiting(const FfuPlace *place, FfuCall *calls, int n, TimestampTz *next)
{
	TimestampTz now = GetCurrentTimestamp();
	int			slot = 0;
	int			open = 0;
	int			i;

	*next = 0;
	for (i = 0; i < n; i++)
	{
		if (calls[i].state == FFU_CALL_DONE)
			continue;
		open++;
		if (calls[i].state == FFU_CALL_RUNNING)
			continue;
		if (calls[i].next_try > now)
		{
			if (*next == 0 || calls[i].next_try < *next)
				*next = calls[i].next_try;
			continue;
		}
		while (slot < place->connections && session.transfers[slot].call != NULL)
			slot++;
		if (slot == place->connections)
			break;
		start(place, &session.transfers[slot], &calls[i]);
	}
	return open;
}

/*
 * Make the set of what to wait for.
 */
static void
make_set(void)
{
	int			i;

	session.set = FFU_CREATE_WAIT_EVENT_SET(session.nsockets + 2);
	AddWaitEventToSet(session.set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch,
					  NULL);
	AddWaitEventToSet(session.set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL,
					  NULL);
	for (i = 0; i < session.nsockets; i++)
	{
		int			what = session.sockets[i].what;

		AddWaitEventToSet(session.set,
						  (what & CURL_POLL_IN ? WL_SOCKET_READABLE : 0) |
						  (what & CURL_POLL_OUT ? WL_SOCKET_WRITEABLE : 0),
						  session.sockets[i].socket, NULL,
						  (void *) (intptr_t) session.sockets[i].socket);
	}
}

/*
 * Return the milliseconds until the earlier of two times, of which 0 is never;
 * -1 if both are.
 */
static long
time_until(TimestampTz a, TimestampTz b)
{
	TimestampTz first = a == 0 ? b : b == 0 ? a : Min(a, b);

	return first == 0 ? -1 :
		TimestampDifferenceMilliseconds(GetCurrentTimestamp(), first);
}

/*
 * Let libcurl work on a socket, or on due timers.
 */
static void
work(curl_socket_t fd, int what)
{
	sigset_t	saved;
	int			running;

	block_signals(&saved);
	curl_multi_socket_action(session.multi, fd, what, &running);
	unblock_signals(&saved);
}

/*
 * Wait for the network, the time or a cancel, and let libcurl work.
 */
static void
wait_and_work(TimestampTz next)
{
	WaitEvent	events[EVENTS_MAX];
	int			n;
	int			i;

	if (session.set == NULL)
		make_set();
	n = WaitEventSetWait(session.set, time_until(session.wake, next), events,
						 EVENTS_MAX, session.wait_event);
	for (i = 0; i < n; i++)
	{
		if (events[i].events & WL_LATCH_SET)
		{
			ResetLatch(MyLatch);
			CHECK_FOR_INTERRUPTS();
		}
		else
			work((curl_socket_t) (intptr_t) events[i].user_data,
				 (events[i].events & WL_SOCKET_READABLE ? CURL_CSELECT_IN : 0) |
				 (events[i].events & WL_SOCKET_WRITEABLE ? CURL_CSELECT_OUT : 0));
	}
	if (session.wake != 0 && session.wake <= GetCurrentTimestamp())
	{
		session.wake = 0;
		work(CURL_SOCKET_TIMEOUT, 0);
	}
}

/*
 * Make all calls, and return when each has an answer or is given up.  The
 * caller looks at status and code of each call, and then calls ffu_http_free.
 * Raise an error only if the session is cancelled, or if the keys cannot be
 * read.
 */
void
ffu_http_run(const FfuPlace *place, FfuCall *calls, int n)
{
	int			i;

	begin_session();
	for (i = 0; i < n; i++)
		calls[i].state = FFU_CALL_WAITING;
	PG_TRY();
	{
		TimestampTz next;

		CHECK_FOR_INTERRUPTS();
		while (start_waiting(place, calls, n, &next) > 0)
		{
			wait_and_work(next);
			reap(place);
		}
	}
	PG_CATCH();
	{
		abandon();
		ffu_http_free(calls, n);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/*
 * Free the replies of calls.
 */
void
ffu_http_free(FfuCall *calls, int n)
{
	int			i;

	for (i = 0; i < n; i++)
	{
		if (calls[i].reply != NULL)
			free(calls[i].reply);
		calls[i].reply = NULL;
	}
}
