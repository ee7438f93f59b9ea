/*-------------------------------------------------------------------------
 *
 * shim.c
 *	  The part of the server that the rooms of text need, for harnesses.
 *
 * The code under test is compiled for the server and linked without one.  The
 * shim has the functions that the code calls: memory comes from malloc(), so
 * that the address sanitizer knows every bound, and is freed after the input;
 * an error jumps back to the caller of fuzz().  The database encoding is UTF-8.
 * libpgcommon and libpgport have the rest.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "shim.h"

#include <setjmp.h>
#include <unistd.h>

#include "mb/pg_wchar.h"
#include "nodes/pg_list.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

/* A piece of memory that lives until the end of the input */
typedef struct Piece
{
	struct Piece *next;
	Size		size;			/* in bytes */
	max_align_t bytes[];
} Piece;

static Piece *pieces = NULL;
static jmp_buf caught;
static int	level;

MemoryContext CurrentMemoryContext = NULL;

/* --- memory */

void *
palloc(Size size)
{
	Piece	   *piece = malloc(sizeof(Piece) + size);

	insist(piece != NULL);
	piece->next = pieces;
	piece->size = size;
	pieces = piece;
	return piece->bytes;
}

void *
repalloc(void *pointer, Size size)
{
	const Piece *piece = (const Piece *) ((char *) pointer - offsetof(Piece, bytes));

	return memcpy(palloc(size), pointer, Min(size, piece->size));
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

/* The memory stays until the end of the input. */
void
pfree(void *pointer)
{
	insist(pointer != NULL);
}

char *
pnstrdup(const char *in, Size len)
{
	char	   *copy;

	len = strnlen(in, len);
	copy = palloc(len + 1);
	memcpy(copy, in, len);
	copy[len] = '\0';
	return copy;
}

char *
pstrdup(const char *in)
{
	return pnstrdup(in, strlen(in));
}

size_t
pvsnprintf(char *buf, size_t len, const char *format, va_list args)
{
	int			needed = vsnprintf(buf, len, format, args);

	insist(needed >= 0);
	return (size_t) needed < len ? (size_t) needed : (size_t) needed + 1;
}

char *
psprintf(const char *format,...)
{
	char		buf[FUZZ_INPUT_MAX * 8];
	va_list		args;

	va_start(args, format);
	(void) vsnprintf(buf, sizeof(buf), format, args);
	va_end(args);
	return pstrdup(buf);
}

static void
free_pieces(void)
{
	while (pieces)
	{
		Piece	   *piece = pieces;

		pieces = piece->next;
		free(piece);
	}
}

/* --- errors: the arguments of messages are formatted, so that they are read */

static int
format_message(const char *format, va_list args)
{
	char		buf[FUZZ_INPUT_MAX * 8];

	(void) vsnprintf(buf, sizeof(buf), format, args);
	return 0;
}

#define MESSAGE_FUNCTION(name) \
	int \
	name(const char *format,...) \
	{ \
		va_list		args; \
		va_start(args, format); \
		(void) format_message(format, args); \
		va_end(args); \
		return 0; \
	}

MESSAGE_FUNCTION(errmsg)
MESSAGE_FUNCTION(errmsg_internal)
MESSAGE_FUNCTION(errdetail)
MESSAGE_FUNCTION(errdetail_internal)
MESSAGE_FUNCTION(errhint)

int
errcode(int sqlerrcode)
{
	return 0;
}

bool
errstart(int elevel, const char *domain)
{
	level = elevel;
	return elevel >= ERROR;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

void
errfinish(const char *file, int line, const char *function)
{
	if (level >= ERROR)
		longjmp(caught, 1);
}

/* PG_TRY() sets a place to jump to; an error of the shim jumps past it. */
sigjmp_buf *PG_exception_stack = NULL;
ErrorContextCallback *error_context_stack = NULL;

void
pg_re_throw(void)
{
	longjmp(caught, 1);
}

/* No harness opens a file. */
int
OpenTransientFile(const char *name, int flags)
{
	insist(false);
	return -1;
}

int
CloseTransientFile(int fd)
{
	insist(false);
	return -1;
}

TimestampTz
GetCurrentTimestamp(void)
{
	insist(false);
	return 0;
}

void
ExceptionalCondition(const char *condition,
#if PG_VERSION_NUM < 160000
					 const char *type,
#endif
					 const char *file, int line)
{
	fuzz_violated(condition, file, line);
}

/* --- encodings */

int
GetDatabaseEncoding(void)
{
	return PG_UTF8;
}

int
pg_mblen(const char *text)
{
	return pg_encoding_mblen(PG_UTF8, text);
}

int
pg_mbcliplen(const char *text, int len, int limit)
{
	int			clipped = 0;

	while (clipped < len && text[clipped])
	{
		int			next = pg_encoding_mblen(PG_UTF8, text + clipped);

		if (clipped + next > limit || clipped + next > len)
			break;
		clipped += next;
	}
	return clipped;
}

int
pg_mbcharcliplen(const char *text, int len, int limit)
{
	int			clipped = 0;

	for (; limit > 0 && clipped < len && text[clipped]; limit--)
	{
		int			next = pg_encoding_mblen(PG_UTF8, text + clipped);

		if (clipped + next > len)
			break;
		clipped += next;
	}
	return clipped;
}

int
pg_mbstrlen(const char *text)
{
	int			chars = 0;

	for (; *text; chars++)
		text += pg_encoding_mblen(PG_UTF8, text);
	return chars;
}

bool
pg_verify_mbstr(int encoding, const char *text, int len, bool noError)
{
	return pg_encoding_verifymbstr(encoding, text, len) == len;
}

char *
pg_server_to_any(const char *text, int len, int encoding)
{
	return unconstify(char *, text);
}

char *
pg_any_to_server(const char *text, int len, int encoding)
{
	return unconstify(char *, text);
}

/* --- numbers, as the server writes them */

int
pg_ulltoa_n(uint64 value, char *out)
{
	char		buf[32];
	int			len = snprintf(buf, sizeof(buf), "%llu",
							   (unsigned long long) value);

	memcpy(out, buf, len);
	return len;
}

int
pg_ultoa_n(uint32 value, char *out)
{
	return pg_ulltoa_n(value, out);
}

char *
pg_ultostr_zeropad(char *out, uint32 value, int32 width)
{
	char		buf[32];
	int			len = snprintf(buf, sizeof(buf), "%0*u", width, value);

	memcpy(out, buf, len);
	return out + len;
}

uint64
hex_encode(const char *data, size_t len, char *out)
{
	size_t		i;

	for (i = 0; i < len; i++)
		sprintf(out + 2 * i, "%02x", (unsigned char) data[i]);
	return 2 * len;
}

/* A date is enough: harnesses do not test the calendar. */
int
timestamp2tm(Timestamp now, int *zone, struct pg_tm *tm, fsec_t *fsec,
			 const char **zone_name, pg_tz *attimezone)
{
	memset(tm, 0, sizeof(*tm));
	tm->tm_year = now % 12000;
	tm->tm_mon = 1;
	tm->tm_mday = 31;
	return 0;
}

List *
lappend(List *list, void *datum)
{
	return list;
}

char *
ffu_shown(const char *value, size_t len)
{
	return pnstrdup(value, pg_mbcliplen(value, Min(len, FUZZ_INPUT_MAX),
										FFU_SHOWN_MAX));
}

/* --- for the harnesses */

void
fuzz_violated(const char *property, const char *file, int line)
{
	fprintf(stderr, "%s:%d: violated: %s\n", file, line, property);
	abort();
}

void
fuzz_field(const char **data, size_t *len, char *out, size_t size)
{
	size_t		field = strnlen(*data, *len);
	size_t		used = Min(field, size - 1);

	memcpy(out, *data, used);
	out[used] = '\0';
	field = Min(field + 1, *len);
	*data += field;
	*len -= field;
}

bool
fuzz_is_text(const char *text, size_t len)
{
	return memchr(text, '\0', len) == NULL &&
		pg_encoding_verifymbstr(PG_UTF8, text, len) == len;
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	char	   *copy;

	if (size > FUZZ_INPUT_MAX)
		return 0;
	copy = malloc(size + 1);
	memcpy(copy, data, size);
	copy[size] = '\0';
	if (setjmp(caught) == 0)
		fuzz(copy, size);
	free_pieces();
	free(copy);
	return 0;
}

#ifdef FUZZ_REPLAY

/* Test every file that is named.  Print the number of files. */
int
main(int argc, char **argv)
{
	int			i;

	for (i = 1; i < argc; i++)
	{
		uint8		buf[FUZZ_INPUT_MAX];
		FILE	   *file = fopen(argv[i], "rb");

		if (file == NULL)
		{
			perror(argv[i]);
			return 1;
		}
		LLVMFuzzerTestOneInput(buf, fread(buf, 1, sizeof(buf), file));
		fclose(file);
	}
	printf("%d\n", argc - 1);
	return 0;
}

#endif
