/*-------------------------------------------------------------------------
 *
 * template.c
 *	  Path templates: their grammar, and the paths made from templates.
 *
 * This file handles text only, like path.c.  Paths are made from
 *
 *	template	= *( byte / "/" / placeholder )
 *	placeholder	= "{schema}" / "{table}" / "{column}" / "{pk}" / "{ext}" /
 *				  "{token}" / "{token:" 1-8 "}" / "{yyyy}" / "{mm}" / "{dd}"
 *
 * under the rules of ffu_template_complaint().  In the values of the
 * placeholders, each byte other than alnum, ".", "_" and "-", and a "." at
 * the start, becomes "~" and two lower-case hex digits.  Values are shortened
 * if the path would be too long.  Only the path of a private column begins with
 * "private/": another path that would begins with "~rivate/".
 *
 * ffu_path_fits() works in the other direction, and tells whether a path could
 * have been made from a template.
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
#include "text/template.h"

/* {token:1} to {token:8} */
#define TOKEN_HEAD_MAX		8

/* A byte of a value, encoded: "~xx" */
#define ESCAPE_LEN			3

/* In place of the first byte of "private/" in the path of a public column */
#define SHIFTED_BYTE		'~'

/* The elements of a template.  The kinds that can be shortened come first. */
typedef enum ElementKind
{
	ELEMENT_SCHEMA,
	ELEMENT_TABLE,
	ELEMENT_COLUMN,
	ELEMENT_PK,
	ELEMENT_EXT,
	ELEMENT_TOKEN,
	ELEMENT_TOKEN_HEAD,			/* {token:N} */
	ELEMENT_YEAR,
	ELEMENT_MONTH,
	ELEMENT_DAY,
	ELEMENT_LITERAL,			/* a single byte */
	ELEMENT_WRONG,				/* a brace that opens no placeholder */
	ELEMENT_END
} ElementKind;

#define SHRINKABLE_KINDS	(ELEMENT_PK + 1)
#define VALUE_KINDS			(ELEMENT_DAY + 1)

typedef struct Element
{
	ElementKind kind;
	const char *start;
	int			len;			/* of the element's text in the template */
	int			room;			/* bytes to reserve in a path */
} Element;

typedef struct Placeholder
{
	const char *name;
	ElementKind kind;
	int			room;			/* as in Element */
} Placeholder;

static const Placeholder placeholders[] = {
	{"{schema}", ELEMENT_SCHEMA, 1},
	{"{table}", ELEMENT_TABLE, 1},
	{"{column}", ELEMENT_COLUMN, 1},
	{"{pk}", ELEMENT_PK, 1},
	{"{ext}", ELEMENT_EXT, 1 + FFU_EXT_MAX},
	{"{token}", ELEMENT_TOKEN, FFU_TOKEN_LEN},
	{"{yyyy}", ELEMENT_YEAR, 4},
	{"{mm}", ELEMENT_MONTH, 2},
	{"{dd}", ELEMENT_DAY, 2},
};

/* The encoded value of a placeholder in the new path */
typedef struct PathValue
{
	char		chars[FFU_PATH_MAX + 1];
	int			len;
	int			uses;			/* number of uses in the template */
} PathValue;

/*
 * Read the element of a template at p, and return the start of the next
 * element.  At the end of the template the element is ELEMENT_END, at every
 * call.  Raise no error.
 */
static const char *
next_element(const char *p, Element *element)
{
	const char *close;

	element->start = p;
	element->len = 1;
	element->room = 1;
	if (*p == '\0')
	{
		element->kind = ELEMENT_END;
		return p;
	}
	element->kind = ELEMENT_LITERAL;
	if (*p != '{')
		return p + 1;

	close = strchr(p, '}');
	element->len = close ? close - p + 1 : strlen(p);
	element->kind = ELEMENT_WRONG;
	for (int i = 0; i < lengthof(placeholders); i++)
	{
		if (strlen(placeholders[i].name) == element->len &&
			memcmp(placeholders[i].name, p, element->len) == 0)
		{
			element->kind = placeholders[i].kind;
			element->room = placeholders[i].room;
		}
	}
	if (element->len == strlen("{token:N}") &&
		strncmp(p, "{token:", strlen("{token:")) == 0)
	{
		int			head = p[strlen("{token:")] - '0';

		if (close != NULL && head >= 1 && head <= TOKEN_HEAD_MAX)
		{
			element->kind = ELEMENT_TOKEN_HEAD;
			element->room = head;
		}
	}
	return p + element->len;
}

/*
 * Return the complaint about a literal byte of a template, or NULL.
 *
 * starts says that the byte begins a segment, after_token that at most {ext}
 * stands between the token and the byte.
 */
static const char *
literal_complaint(const char *p, bool starts, bool after_token)
{
	if (*p == '/')
		return !starts ? NULL :
			"A path cannot begin with a slash or have two in a row.";
	if (!ffu_is_segment_byte(*p))
		return psprintf("The character \"%.*s\" cannot be used in a path.",
						pg_mbcharcliplen(p, strlen(p), 1), p);
	if (*p == '.' && starts)
		return "No part of a path can begin with a dot.";
	if (ffu_is_alnum(*p) && after_token)
		return "A letter or digit cannot stand next to {token}.";
	return NULL;
}

/*
 * Return the complaint about a placeholder of a template, or NULL.
 *
 * starts and after_token are as in literal_complaint(); after_alnum says that
 * the element before the placeholder can end in a letter or digit.
 */
static const char *
placeholder_complaint(const Element *element, bool starts,
					  bool after_token, bool after_alnum)
{
	if (element->kind == ELEMENT_WRONG)
		return psprintf("\"%.*s\" is not a placeholder.",
						pg_mbcliplen(element->start, element->len, FFU_SHOWN_MAX),
						element->start);
	if (element->kind == ELEMENT_EXT)
		return !starts ? NULL :
			"No part of a path can begin with {ext}, which has a dot or is empty.";
	if (after_token)
		return "No placeholder but {ext} can stand right behind {token}.";
	if (element->kind == ELEMENT_TOKEN && after_alnum)
		return "No letter, digit or placeholder can stand right before {token}.";
	return NULL;
}

/*
 * Return the complaint about a path template, or NULL if the template is good.
 * The complaint is a sentence for errdetail(), constant or in the current
 * memory context.
 *
 * Every path made from a good template is valid: see ffu_path_valid().  The
 * template is the caller's text, in the database encoding, without the
 * beginning that a private column adds.  Raise no error except "out of
 * memory".
 */
const char *
ffu_template_complaint(const char *path_template, bool is_private)
{
	const char *p = path_template;
	Element		element;
	const char *complaint;
	bool		starts = true;
	bool		after_token = false;
	bool		after_alnum = false;
	int			tokens = 0;
	size_t		total = is_private ? strlen(FFU_PRIVATE_PREFIX) : 0;

	if (ffu_path_is_private(path_template))
		return "Only the paths of a private column begin with \"private/\", which is not written in the template.";
	for (p = next_element(p, &element); element.kind != ELEMENT_END;
		 p = next_element(p, &element))
	{
		if (element.kind == ELEMENT_LITERAL)
			complaint = literal_complaint(element.start, starts, after_token);
		else
			complaint = placeholder_complaint(&element, starts, after_token,
											  after_alnum);
		if (complaint != NULL)
			return complaint;

		starts = (element.kind == ELEMENT_LITERAL && *element.start == '/');
		after_alnum = (element.kind != ELEMENT_LITERAL || ffu_is_alnum(*element.start));
		if (element.kind == ELEMENT_TOKEN)
			tokens++;
		/* {ext} can be empty: then the next element stands beside the token. */
		if (element.kind != ELEMENT_EXT)
			after_token = (element.kind == ELEMENT_TOKEN);
		total += element.room;
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
 * Return the template with the beginning that the paths of a private column
 * have, palloc'd.
 */
char *
ffu_template_full(const char *path_template, bool is_private)
{
	return psprintf("%s%s", is_private ? FFU_PRIVATE_PREFIX : "",
					path_template);
}

/*
 * Encode the value of a placeholder, or as much of the value as fits.  A NULL
 * or empty value becomes "_".
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

		if (ffu_is_segment_byte(*p) && *p != '~' &&
			!(p == source && *p == '.'))
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
 * Cut the last byte or "~xx" off a value, and return the number of removed
 * bytes.  A value that would become empty becomes "_".
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

/* Write a number with at least width digits into a value. */
static void
encode_number(PathValue *value, uint32 number, int width)
{
	char	   *end = pg_ultostr_zeropad(value->chars, number, width);

	*end = '\0';
	value->len = end - value->chars;
}

/*
 * Write the date, in UTC, into the values of {yyyy}, {mm} and {dd}.  Raise an
 * error if the year does not have four digits.
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

	encode_number(&values[ELEMENT_YEAR], tm.tm_year, 4);
	encode_number(&values[ELEMENT_MONTH], tm.tm_mon, 2);
	encode_number(&values[ELEMENT_DAY], tm.tm_mday, 2);
}

/*
 * Encode the values of the placeholders, and count their uses in the template.
 *
 * Return the length of the unshortened path.  Raise an error if the template
 * has an element that ffu_template_complaint() refuses.
 */
static size_t
encode_elements(PathValue *values, const char *path_template,
				const FfuPathFields *fields)
{
	Element		element;
	size_t		total = 0;

	encode_value(&values[ELEMENT_SCHEMA], fields->schema);
	encode_value(&values[ELEMENT_TABLE], fields->table);
	encode_value(&values[ELEMENT_COLUMN], fields->column);
	encode_value(&values[ELEMENT_PK], fields->pk);
	encode_value(&values[ELEMENT_TOKEN], fields->token);
	encode_date(values, fields->now);
	values[ELEMENT_EXT].len = 0;
	if (fields->ext != NULL && *fields->ext != '\0')
	{
		int			len = Min(strlen(fields->ext), FFU_EXT_MAX);

		/* ffu_extension_of() gives letters and digits: nothing to encode. */
		values[ELEMENT_EXT].chars[0] = '.';
		memcpy(values[ELEMENT_EXT].chars + 1, fields->ext, len);
		values[ELEMENT_EXT].len = 1 + len;
	}

	for (int i = 0; i < VALUE_KINDS; i++)
		values[i].uses = 0;
	for (const char *p = next_element(path_template, &element);
		 element.kind != ELEMENT_END; p = next_element(p, &element))
	{
		if (element.kind == ELEMENT_WRONG)
			elog(ERROR, "path template \"%s\" is broken", path_template);
		if (element.kind == ELEMENT_LITERAL || element.kind == ELEMENT_TOKEN_HEAD)
			total += element.room;
		else
		{
			values[element.kind].uses++;
			total += values[element.kind].len;
		}
	}
	return total;
}

/*
 * Shorten the longest of the shrinkable values until the path fits.
 *
 * total is the length of the path before.  Return the new length; it exceeds
 * FFU_PATH_MAX only if the template is too long.
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
 * The template must have passed ffu_template_complaint(); the token must be
 * from ffu_proof_token(), the extension from ffu_extension_of().  The other
 * values can be any text: they are encoded, and shortened if the path would be
 * too long.  Return a path in the current memory context for which
 * ffu_path_valid() is true; raise an error if no such path can be made.
 */
char *
ffu_path_make(const char *path_template, const FfuPathFields *fields)
{
	PathValue	values[VALUE_KINDS];
	Element		element;
	size_t		total;
	char	   *path;
	char	   *out;

	total = encode_elements(values, path_template, fields);
	total = shrink_values(values, total);

	path = out = palloc(total + 1);
	for (const char *p = next_element(path_template, &element);
		 element.kind != ELEMENT_END; p = next_element(p, &element))
	{
		const char *source = element.start;
		int			len = element.room;

		if (element.kind == ELEMENT_TOKEN_HEAD)
			source = values[ELEMENT_TOKEN].chars;
		else if (element.kind != ELEMENT_LITERAL)
		{
			source = values[element.kind].chars;
			len = values[element.kind].len;
		}
		memcpy(out, source, len);
		out += len;
	}
	*out = '\0';
	Assert(out == path + total);
	if (ffu_path_is_private(path) && !ffu_path_is_private(path_template))
		*path = SHIFTED_BYTE;

	/* Not only an assertion: the path decides where bytes go on the disk. */
	if (!ffu_path_valid(path, total))
		elog(ERROR, "path template \"%s\" makes no valid path", path_template);
	return path;
}

/*
 * Tell whether all characters at s pass a test.
 */
static bool
all_are(bool (*test) (char), const char *s, int len)
{
	for (int i = 0; i < len; i++)
	{
		if (!test(s[i]))
			return false;
	}
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Extensions are stored in lower case. */
static bool
is_ext_byte(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z');
}

/*
 * Tell whether len characters at s can be a value.  If the path is so long
 * that values were shortened, a prefix of the value is enough.
 */
static bool
value_fits(const PathValue *value, bool shortened, const char *s, int len)
{
	if (shortened && len == 1 && *s == '_')
		return true;
	return (len == value->len || (shortened && len > 0 && len < value->len)) &&
		memcmp(s, value->chars, len) == 0;
}

/*
 * Tell whether len characters at s can be this element of a template.  The
 * caller does not know the key of the row, so {pk} matches any text.
 */
static bool
element_fits(const Element *element, const PathValue *values, bool shortened,
			 const char *s, int len)
{
	switch (element->kind)
	{
		case ELEMENT_SCHEMA:
		case ELEMENT_TABLE:
		case ELEMENT_COLUMN:
			return value_fits(&values[element->kind], shortened, s, len);
		case ELEMENT_PK:
			return len > 0 && all_are(ffu_is_segment_byte, s, len);
		case ELEMENT_EXT:
			return len == 0 || (len >= 2 && len <= element->room && *s == '.' &&
								all_are(is_ext_byte, s + 1, len - 1));
		case ELEMENT_TOKEN:
		case ELEMENT_TOKEN_HEAD:
			return len == element->room && all_are(ffu_is_token_digit, s, len);
		case ELEMENT_YEAR:
		case ELEMENT_MONTH:
		case ELEMENT_DAY:
			return len == element->room && all_are(is_digit, s, len);
		case ELEMENT_LITERAL:
			return len == 1 && *s == *element->start;
		case ELEMENT_WRONG:
		case ELEMENT_END:
			break;
	}
	return false;
}

/*
 * Tell whether a path of this length may contain shortened values.  A
 * shortened path ends just below the limit: each step of shrink_values()
 * removes at most ESCAPE_LEN bytes from each use of a value.
 */
static bool
may_be_shortened(int path_len, const char *path_template)
{
	Element		element;
	int			slack = 0;

	for (const char *p = next_element(path_template, &element);
		 element.kind != ELEMENT_END; p = next_element(p, &element))
	{
		if (element.kind < SHRINKABLE_KINDS)
			slack += ESCAPE_LEN;
	}
	return path_len + slack > FFU_PATH_MAX;
}

/*
 * Tell whether the values of a template could give this path, whatever the path
 * begins with.
 *
 * at[i] says that the first i bytes of the path match the template so far.
 */
static bool
values_fit(const char *path, const char *path_template,
		   const FfuPathFields *fields)
{
	int			path_len = strlen(path);
	bool		at[FFU_PATH_MAX + 1] = {true};
	PathValue	values[VALUE_KINDS];
	Element		element;
	bool		shortened;

	if (path_len > FFU_PATH_MAX)
		return false;
	encode_value(&values[ELEMENT_SCHEMA], fields->schema);
	encode_value(&values[ELEMENT_TABLE], fields->table);
	encode_value(&values[ELEMENT_COLUMN], fields->column);
	shortened = may_be_shortened(path_len, path_template);

	for (const char *p = next_element(path_template, &element);
		 element.kind != ELEMENT_END; p = next_element(p, &element))
	{
		bool		next[FFU_PATH_MAX + 1] = {false};

		for (int i = 0; i <= path_len; i++)
		{
			for (int len = 0; at[i] && i + len <= path_len; len++)
				next[i + len] |= element_fits(&element, values, shortened,
											  path + i, len);
		}
		memcpy(at, next, sizeof(at));
	}
	return at[path_len];
}

/*
 * Tell whether ffu_path_make() could have made this path from this template,
 * with the names in fields and any key, extension, token and date.  Raise no
 * error except "out of memory".
 */
bool
ffu_path_fits(const char *path, const char *path_template,
			  const FfuPathFields *fields)
{
	char	   *unshifted;

	if (ffu_path_is_private(path) != ffu_path_is_private(path_template))
		return false;
	if (values_fit(path, path_template, fields))
		return true;
	if (*path != SHIFTED_BYTE || ffu_path_is_private(path_template))
		return false;
	unshifted = pstrdup(path);
	*unshifted = *FFU_PRIVATE_PREFIX;
	return ffu_path_is_private(unshifted) &&
		values_fit(unshifted, path_template, fields);
}

/*
 * Return the placeholders of templates, as a list of palloc'd texts.
 */
List *
ffu_template_placeholders(void)
{
	List	   *names = NIL;

	for (int i = 0; i < lengthof(placeholders); i++)
		names = lappend(names, pstrdup(placeholders[i].name));
	return lappend(names, pstrdup("{token:2}"));
}
