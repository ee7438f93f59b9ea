/*-------------------------------------------------------------------------
 *
 * path.c
 *	  The grammar of paths, staging names, templates, tokens, file names.
 *
 * Text only: owns what the names that ffu gives out look like, and what is
 * left of the names that clients send.  Knows nothing of disks, tables or
 * transactions.
 *
 *	path		= segment *( "/" segment )		at most FFU_PATH_MAX bytes
 *	segment		= ( alnum / "_" / "~" / "-" ) *byte
 *	byte		= alnum / "." / "_" / "~" / "-"
 *	alnum		= A-Z / a-z / 0-9
 *	token		= 26( a-z / 2-7 )				with no alnum beside it
 *
 * and somewhere in every path there is a token. A path needs no encoding in
 * a URL, is its own name on the disk, and holds no ":", so that in
 *
 *	staging		= part "/" fxid "." n [ ":" path ]	numbers in decimal
 *	part		= 0-9 / a-f						the fxid's last hex digit
 *
 * a ":" can stand for each "/" of the path. Paths are made from
 *
 *	template	= *( byte / "/" / placeholder )
 *	placeholder	= "{schema}" / "{table}" / "{column}" / "{pk}" / "{ext}" /
 *				  "{token}" / "{token:" 1-8 "}" / "{yyyy}" / "{mm}" / "{dd}"
 *
 * subject to what ffu_template_complaint() says. In the values of the
 * placeholders a byte that is not alnum, ".", "_" or "-", and a "." at the
 * start, becomes "~" and two lower-case hex digits.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "text/path.h"

/* {token:1} to {token:8} */
#define TOKEN_HEAD_MAX		8

/* A byte of a value, encoded: "~xx" */
#define ESCAPE_LEN			3

/* No file system takes more for one name; a whole path is shorter. */
#define SEGMENT_MAX			255

StaticAssertDecl(FFU_PATH_MAX <= SEGMENT_MAX,
				 "a path of one segment must fit into a file name");
StaticAssertDecl(FFU_STAGING_MAX - FFU_STAGING_PART_LEN - 1 <= SEGMENT_MAX,
				 "a staging name must fit into a file name");

/* What a template is made of; those that can be shortened come first. */
typedef enum PartKind
{
	PART_SCHEMA,
	PART_TABLE,
	PART_COLUMN,
	PART_PK,
	PART_EXT,
	PART_TOKEN,
	PART_TOKEN_HEAD,			/* {token:N} */
	PART_YEAR,
	PART_MONTH,
	PART_DAY,
	PART_LITERAL,				/* a single byte */
	PART_WRONG,					/* a brace that opens no placeholder */
	PART_END
} PartKind;

#define SHRINKABLE_KINDS	(PART_PK + 1)
#define VALUE_KINDS			(PART_DAY + 1)

typedef struct TemplatePart
{
	PartKind	kind;
	const char *start;
	int			len;			/* of its text in the template */
	int			room;			/* bytes to keep for it in a path */
} TemplatePart;

typedef struct Placeholder
{
	const char *name;
	PartKind	kind;
	int			room;			/* as in TemplatePart */
} Placeholder;

static const Placeholder placeholders[] = {
	{"{schema}", PART_SCHEMA, 1},
	{"{table}", PART_TABLE, 1},
	{"{column}", PART_COLUMN, 1},
	{"{pk}", PART_PK, 1},
	{"{ext}", PART_EXT, 1 + FFU_EXT_MAX},
	{"{token}", PART_TOKEN, FFU_TOKEN_LEN},
	{"{yyyy}", PART_YEAR, 4},
	{"{mm}", PART_MONTH, 2},
	{"{dd}", PART_DAY, 2},
};

/* What stands for a placeholder in the path being made, encoded. */
typedef struct PathValue
{
	char		chars[FFU_PATH_MAX + 1];
	int			len;
	int			uses;			/* how often the template has it */
} PathValue;

/* isalnum() for ASCII, whatever the locale. */
static inline bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9');
}

/* Can this byte stand in a segment of a path? */
static inline bool
is_segment_byte(char c)
{
	return is_alnum(c) || c == '.' || c == '_' || c == '~' || c == '-';
}

/* Is this a digit of a token? */
static inline bool
is_token_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7');
}

/*
 * Is this text a path that ffu could have given out?
 *
 * Looks at 'len' bytes, which may be anything. Raises no error and allocates
 * nothing.
 */
bool
ffu_path_valid(const char *path, size_t len)
{
	bool		has_token = false;
	bool		starts = true;	/* at the start of a segment? */
	size_t		run = 0;		/* letters and digits up to here ... */
	size_t		digits = 0;		/* ... and how many of them a token allows */

	if (len == 0 || len > FFU_PATH_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		char		c = path[i];

		if (starts && (c == '/' || c == '.'))
			return false;
		if (c != '/' && !is_segment_byte(c))
			return false;
		starts = (c == '/');

		if (is_alnum(c))
		{
			run++;
			if (is_token_digit(c))
				digits++;
			continue;
		}
		if (run == FFU_TOKEN_LEN && digits == FFU_TOKEN_LEN)
			has_token = true;
		run = digits = 0;
	}
	if (run == FFU_TOKEN_LEN && digits == FFU_TOKEN_LEN)
		has_token = true;
	return has_token && !starts;
}

/*
 * Read the part of a template at 'p'; returns where the next one begins.
 *
 * At the end of the template the part is PART_END, again and again. Raises
 * no error.
 */
static const char *
next_part(const char *p, TemplatePart *part)
{
	const char *close;

	part->start = p;
	part->len = 1;
	part->room = 1;
	if (*p == '\0')
	{
		part->kind = PART_END;
		return p;
	}
	part->kind = PART_LITERAL;
	if (*p != '{')
		return p + 1;

	close = strchr(p, '}');
	part->len = close ? close - p + 1 : strlen(p);
	part->kind = PART_WRONG;
	for (int i = 0; i < lengthof(placeholders); i++)
	{
		if (strlen(placeholders[i].name) == part->len &&
			memcmp(placeholders[i].name, p, part->len) == 0)
		{
			part->kind = placeholders[i].kind;
			part->room = placeholders[i].room;
		}
	}
	if (part->len == strlen("{token:N}") &&
		strncmp(p, "{token:", strlen("{token:")) == 0)
	{
		int			head = p[strlen("{token:")] - '0';

		if (close != NULL && head >= 1 && head <= TOKEN_HEAD_MAX)
		{
			part->kind = PART_TOKEN_HEAD;
			part->room = head;
		}
	}
	return p + part->len;
}

/*
 * What is wrong with a literal byte of a template, or NULL.
 *
 * 'starts' says that it begins a segment, 'after_token' that nothing but
 * {ext} stands between it and the token.
 */
static const char *
literal_complaint(const char *p, bool starts, bool after_token)
{
	if (*p == '/')
		return !starts ? NULL :
			"A path cannot begin with a slash or have two in a row.";
	if (!is_segment_byte(*p))
		return psprintf("The character \"%.*s\" cannot be used in a path.",
						pg_mbcharcliplen(p, strlen(p), 1), p);
	if (*p == '.' && starts)
		return "No part of a path can begin with a dot.";
	if (is_alnum(*p) && after_token)
		return "A letter or digit cannot stand next to {token}.";
	return NULL;
}

/*
 * What is wrong with a placeholder of a template, or NULL.
 *
 * 'starts' and 'after_token' as in literal_complaint(); 'after_alnum' says
 * that what stands before it can end in a letter or digit.
 */
static const char *
placeholder_complaint(const TemplatePart *part, bool starts,
					  bool after_token, bool after_alnum)
{
	if (part->kind == PART_WRONG)
		return psprintf("\"%.*s\" is not a placeholder.",
						pg_mbcliplen(part->start, part->len, FFU_SHOWN_MAX),
						part->start);
	if (part->kind == PART_EXT)
		return !starts ? NULL :
			"No part of a path can begin with {ext}, which has a dot or is empty.";
	if (after_token)
		return "No placeholder but {ext} can stand right behind {token}.";
	if (part->kind == PART_TOKEN && after_alnum)
		return "No letter, digit or placeholder can stand right before {token}.";
	return NULL;
}

/*
 * Say what is wrong with a path template: a sentence for errdetail(), either
 * constant or in the current memory context; or NULL if it is good.
 *
 * Every path made from a good template is valid: see ffu_path_valid(). The
 * template is the caller's text, in the database encoding. Raises no error
 * but "out of memory".
 */
const char *
ffu_template_complaint(const char *path_template)
{
	const char *p = path_template;
	TemplatePart part;
	const char *complaint;
	bool		starts = true;
	bool		after_token = false;
	bool		after_alnum = false;
	int			tokens = 0;
	size_t		total = 0;

	for (p = next_part(p, &part); part.kind != PART_END;
		 p = next_part(p, &part))
	{
		if (part.kind == PART_LITERAL)
			complaint = literal_complaint(part.start, starts, after_token);
		else
			complaint = placeholder_complaint(&part, starts, after_token,
											  after_alnum);
		if (complaint != NULL)
			return complaint;

		starts = (part.kind == PART_LITERAL && *part.start == '/');
		after_alnum = (part.kind != PART_LITERAL || is_alnum(*part.start));
		if (part.kind == PART_TOKEN)
			tokens++;
		/* {ext} can be empty: what follows it is then beside the token. */
		if (part.kind != PART_EXT)
			after_token = (part.kind == PART_TOKEN);
		total += part.room;
	}
	if (tokens != 1)
		return "It must contain {token} exactly once.";
	if (starts)
		return "A path cannot end with a slash.";
	if (total > FFU_PATH_MAX)
		return psprintf("Its paths could be longer than %d bytes.",
						FFU_PATH_MAX);
	return NULL;
}

/*
 * Encode the value of a placeholder, or as much of it as fits; "_" if it is
 * NULL or empty.
 */
static void
encode_value(PathValue *value, const char *source)
{
	static const char hex[] = "0123456789abcdef";
	char	   *out = value->chars;
	char	   *end = value->chars + FFU_PATH_MAX;

	if (source == NULL || *source == '\0')
		source = "_";
	for (const char *p = source; *p != '\0'; p++)
	{
		unsigned char c = *p;

		if (is_segment_byte(*p) && *p != '~' && !(*p == '.' && p == source))
		{
			if (end - out < 1)
				break;
			*out++ = *p;
		}
		else
		{
			if (end - out < ESCAPE_LEN)
				break;
			*out++ = '~';
			*out++ = hex[c >> 4];
			*out++ = hex[c & 0xf];
		}
	}
	*out = '\0';
	value->len = out - value->chars;
}

/*
 * Cut the last byte or "~xx" off a value; returns how much shorter it is.
 *
 * A value of which nothing would be left becomes "_".
 */
static int
shorten_value(PathValue *value)
{
	int			old_len = value->len;

	if (old_len >= ESCAPE_LEN && value->chars[old_len - ESCAPE_LEN] == '~')
		value->len -= ESCAPE_LEN;
	else
		value->len--;
	if (value->len <= 0)
	{
		value->chars[0] = '_';
		value->len = 1;
	}
	value->chars[value->len] = '\0';
	return old_len - value->len;
}

/* Write a number with at least 'width' digits into a value. */
static void
encode_number(PathValue *value, uint32 number, int width)
{
	char	   *end = pg_ultostr_zeropad(value->chars, number, width);

	*end = '\0';
	value->len = end - value->chars;
}

/*
 * Write the date, in UTC, into the values of {yyyy}, {mm} and {dd}.
 *
 * Raises an error if the year has not four digits.
 */
static void
encode_date(PathValue *values, TimestampTz now)
{
	struct pg_tm tm;
	fsec_t		fsec;

	/* A timestamptz counts from an instant in UTC: no zone, no shift. */
	if (timestamp2tm(now, NULL, &tm, &fsec, NULL, NULL) != 0 ||
		tm.tm_year < 0 || tm.tm_year > 9999)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));

	encode_number(&values[PART_YEAR], tm.tm_year, 4);
	encode_number(&values[PART_MONTH], tm.tm_mon, 2);
	encode_number(&values[PART_DAY], tm.tm_mday, 2);
}

/*
 * Encode what the placeholders stand for, and count which the template uses.
 *
 * Returns the length of the path so far. Raises an error if the template has
 * a part that ffu_template_complaint() refuses.
 */
static size_t
encode_parts(PathValue *values, const char *path_template,
			 const FfuPathParts *parts)
{
	TemplatePart part;
	size_t		total = 0;

	encode_value(&values[PART_SCHEMA], parts->schema);
	encode_value(&values[PART_TABLE], parts->table);
	encode_value(&values[PART_COLUMN], parts->column);
	encode_value(&values[PART_PK], parts->pk);
	encode_value(&values[PART_TOKEN], parts->token);
	encode_date(values, parts->now);
	values[PART_EXT].len = 0;
	if (parts->ext != NULL && *parts->ext != '\0')
	{
		/* After its dot, so that the dot counts as the start of nothing. */
		encode_value(&values[PART_EXT], parts->ext);
		values[PART_EXT].len = Min(values[PART_EXT].len, FFU_EXT_MAX);
		memmove(values[PART_EXT].chars + 1, values[PART_EXT].chars,
				values[PART_EXT].len);
		values[PART_EXT].chars[0] = '.';
		values[PART_EXT].len++;
	}

	for (int i = 0; i < VALUE_KINDS; i++)
		values[i].uses = 0;
	for (const char *p = next_part(path_template, &part);
		 part.kind != PART_END; p = next_part(p, &part))
	{
		if (part.kind == PART_WRONG)
			elog(ERROR, "path template \"%s\" is broken", path_template);
		if (part.kind == PART_LITERAL || part.kind == PART_TOKEN_HEAD)
			total += part.room;
		else
		{
			values[part.kind].uses++;
			total += values[part.kind].len;
		}
	}
	return total;
}

/*
 * Shorten the longest of the values that may be, until the path fits.
 *
 * 'total' is the length of the path before. Returns what it is then; it is
 * over FFU_PATH_MAX only if the template is too long.
 */
static size_t
shrink_values(PathValue *values, size_t total)
{
	while (total > FFU_PATH_MAX)
	{
		PathValue  *longest = NULL;

		for (int i = 0; i < SHRINKABLE_KINDS; i++)
		{
			if (values[i].uses > 0 && values[i].len > 1 &&
				(longest == NULL || values[i].len > longest->len))
				longest = &values[i];
		}
		if (longest == NULL)
			break;
		total -= shorten_value(longest) * longest->uses;
	}
	return total;
}

/*
 * Make the path of a file.
 *
 * The template must be one that ffu_template_complaint() has nothing against,
 * the token from ffu_token_make(), the extension from ffu_extension_of().
 * The other values can be any text: they are encoded, and shortened if the
 * path would be too long. Returns a path in the current memory context, for
 * which ffu_path_valid() is true; raises an error rather than anything else.
 */
char *
ffu_path_make(const char *path_template, const FfuPathParts *parts)
{
	PathValue	values[VALUE_KINDS];
	TemplatePart part;
	size_t		total;
	char	   *path;
	char	   *out;

	total = encode_parts(values, path_template, parts);
	total = shrink_values(values, total);

	path = out = palloc(total + 1);
	for (const char *p = next_part(path_template, &part);
		 part.kind != PART_END; p = next_part(p, &part))
	{
		const char *source = part.start;
		int			len = part.room;

		if (part.kind == PART_TOKEN_HEAD)
			source = values[PART_TOKEN].chars;
		else if (part.kind != PART_LITERAL)
		{
			source = values[part.kind].chars;
			len = values[part.kind].len;
		}
		memcpy(out, source, len);
		out += len;
	}
	*out = '\0';
	Assert(out == path + total);

	/* Not only asserted: it decides where on the disk something is written. */
	if (!ffu_path_valid(path, total))
		elog(ERROR, "path template \"%s\" makes no valid path", path_template);
	return path;
}

/*
 * How many bytes at 'p' to drop from a file name: those of a control
 * character, or of one that can make a name look like another; else 0.
 *
 * In UTF-8 such are the C1 controls, and what turns the direction of writing
 * or breaks a line: U+061C, U+200E, U+200F, U+2028 to U+202E, and U+2066 to
 * U+2069. 'utf8' says that the text is valid UTF-8.
 */
static int
dropped_len(const unsigned char *p, size_t len, bool utf8)
{
	if (*p < 0x20 || *p == 0x7f)
		return 1;
	if (!utf8)
		return 0;
	if (len >= 2 &&
		((p[0] == 0xc2 && p[1] <= 0x9f) || (p[0] == 0xd8 && p[1] == 0x9c)))
		return 2;
	if (len >= 3 && p[0] == 0xe2 &&
		((p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f ||
						   (p[2] >= 0xa8 && p[2] <= 0xae))) ||
		 (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)))
		return 3;
	return 0;
}

/*
 * Keep of a client's file name what is fit for display and download.
 *
 * Directories go, whether they end with "/" or "\"; so do control and spoofing
 * characters, spaces at both ends and dots at the end. Returns the rest in
 * the current memory context, of any length up to 'len'; NULL if there is
 * none. 'name' must be valid in the database encoding. Raises no error but
 * "out of memory".
 */
char *
ffu_file_name_clean(const char *name, size_t len)
{
	bool		utf8 = (GetDatabaseEncoding() == PG_UTF8);
	const char *end = name + len;
	const char *p = end;
	char	   *clean;
	char	   *out;

	/*
	 * Going by bytes is right in every encoding that a database can have: an
	 * ASCII byte is never part of a longer character there. (It can be in
	 * some that a client can have.)
	 */
	while (p > name && p[-1] != '/' && p[-1] != '\\')
		p--;

	clean = out = palloc(end - p + 1);
	while (p < end)
	{
		int			dropped = dropped_len((const unsigned char *) p, end - p,
										  utf8);

		if (dropped == 0 && !(*p == ' ' && out == clean))
			*out++ = *p;
		p += Max(dropped, 1);
	}
	while (out > clean && (out[-1] == ' ' || out[-1] == '.'))
		out--;
	*out = '\0';
	if (out > clean)
		return clean;
	pfree(clean);
	return NULL;
}

/*
 * Write the extension of a file name into 'ext', FFU_EXT_MAX + 1 bytes: what
 * follows its last dot, in lower case; "" if it has none.
 *
 * Returns whether it has one: 1 to FFU_EXT_MAX letters and digits, and a dot
 * that is not the first byte. Raises no error and allocates nothing.
 */
bool
ffu_extension_of(const char *name, char *ext)
{
	const char *dot = strrchr(name, '.');
	size_t		len = 0;

	ext[0] = '\0';
	if (dot == NULL || dot == name)
		return false;
	for (const char *p = dot + 1; *p != '\0'; p++, len++)
	{
		if (len == FFU_EXT_MAX || !is_alnum(*p))
			return false;
	}
	for (size_t i = 0; i < len; i++)
		ext[i] = pg_ascii_tolower((unsigned char) dot[i + 1]);
	ext[len] = '\0';
	return len > 0;
}

/*
 * Write the name of a part of the staging directory into 'name',
 * FFU_STAGING_PART_LEN + 1 bytes. Raises no error and allocates nothing.
 */
void
ffu_staging_part(char *name, int part)
{
	name[0] = "0123456789abcdef"[part];
	name[1] = '\0';
}

/*
 * Write a staging name, relative to the staging directory, into 'name',
 * FFU_STAGING_MAX + 1 bytes: that of the 'n'th upload of transaction 'fxid',
 * to be published as 'path' unless NULL.
 *
 * The path must be valid. Raises no error and allocates nothing; by hand,
 * because nobody promises that of snprintf().
 */
void
ffu_staging_name(char *name, uint64 fxid, uint32 n, const char *path)
{
	char	   *out = name;

	ffu_staging_part(out, fxid % FFU_STAGING_PARTS);
	out += FFU_STAGING_PART_LEN;
	*out++ = '/';
	out += pg_ulltoa_n(fxid, out);
	*out++ = '.';
	out += pg_ultoa_n(n, out);
	if (path != NULL)
	{
		Assert(ffu_path_valid(path, strlen(path)));
		*out++ = ':';
		for (int i = 0; i < FFU_PATH_MAX && path[i] != '\0'; i++)
			*out++ = (path[i] == '/') ? ':' : path[i];
	}
	*out = '\0';
}

/*
 * Read a decimal number as ffu_staging_name() writes it, at most 'max'.
 *
 * Returns where it ends, or NULL if there is none. Raises no error.
 */
static const char *
parse_number(const char *p, uint64 max, uint64 *number)
{
	uint64		value = 0;

	if (*p < '0' || *p > '9' || (*p == '0' && p[1] >= '0' && p[1] <= '9'))
		return NULL;
	for (; *p >= '0' && *p <= '9'; p++)
	{
		int			digit = *p - '0';

		if (value > (max - digit) / 10)
			return NULL;
		value = value * 10 + digit;
	}
	*number = value;
	return p;
}

/*
 * Read "<fxid>.<n>", which names the 'n'th upload of transaction 'fxid'.
 *
 * Returns where it ends, or NULL if there is none. Raises no error and
 * allocates nothing.
 */
const char *
ffu_upload_parse(const char *p, uint64 *fxid, uint32 *n)
{
	uint64		number;

	p = parse_number(p, PG_UINT64_MAX, fxid);
	if (p == NULL || *p != '.')
		return NULL;
	p = parse_number(p + 1, PG_UINT32_MAX, &number);
	if (p != NULL)
		*n = (uint32) number;
	return p;
}

/*
 * Take a staging name apart: the inverse of ffu_staging_name().
 *
 * Writes the path into 'path', FFU_PATH_MAX + 1 bytes, or "" if the name has
 * none. Returns false, with nothing of use in the results, if the name is not
 * exactly one that ffu_staging_name() writes. Raises no error and allocates
 * nothing.
 */
bool
ffu_staging_parse(const char *name, uint64 *fxid, uint32 *n, char *path)
{
	const char *p;
	char		part[FFU_STAGING_PART_LEN + 1];
	size_t		len;

	path[0] = '\0';
	if (name[0] == '\0' || name[1] != '/')
		return false;
	p = ffu_upload_parse(name + 2, fxid, n);
	if (p == NULL)
		return false;
	ffu_staging_part(part, *fxid % FFU_STAGING_PARTS);
	if (name[0] != part[0])
		return false;
	if (*p == '\0')
		return true;
	if (*p != ':')
		return false;

	p++;
	len = strlen(p);
	if (len > FFU_PATH_MAX || strchr(p, '/') != NULL)
		return false;
	for (size_t i = 0; i < len; i++)
		path[i] = (p[i] == ':') ? '/' : p[i];
	path[len] = '\0';
	return ffu_path_valid(path, len);
}
