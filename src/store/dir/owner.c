/*-------------------------------------------------------------------------
 *
 * owner.c
 *	  The text of an owner file.
 *
 *	owner		= "ffu " number LF "root " uuid LF "system " number LF
 *				  "database " number LF "control " number LF
 *				  "folder " number LF "machine " text LF [ "key " hex LF ]
 *
 * This file handles text only; root.c reads and writes the file, and decides what a
 * foreign owner means.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "base/ffu.h"

#include "store/dir/owner.h"

/*
 * Read the line "name value" at *line into value, and go to the next line.
 * Return false if the line has another name or is too long.
 */
static bool
read_line(const char **line, const char *name, char *value, size_t size)
{
	size_t		name_len = strlen(name);
	size_t		len = strcspn(*line, "\n");

	if ((*line)[len] != '\n' || len <= name_len ||
		strncmp(*line, name, name_len) != 0 || (*line)[name_len] != ' ' ||
		len - name_len - 1 >= size)
		return false;
	memcpy(value, *line + name_len + 1, len - name_len - 1);
	value[len - name_len - 1] = '\0';
	*line += len + 1;
	return true;
}

/*
 * Read the line "name value" at *line, where the value is a decimal number.
 */
static bool
read_number(const char **line, const char *name, uint64 *number)
{
	char		value[32];
	char	   *end;

	if (!read_line(line, name, value, sizeof(value)))
		return false;
	errno = 0;
	*number = strtou64(value, &end, 10);
	return errno == 0 && end != value && *end == '\0';
}

/*
 * Read the first line of an owner file, "ffu <form>", at *line.  Return 0,
 * EINVAL for a malformed line, or FFU_OWNER_NEWER for a form that a later
 * version of ffu has written.  A later form keeps this line, and may change
 * all others.
 */
static int
read_form(const char **line, FfuOwner *owner)
{
	if (!read_number(line, "ffu", &owner->form) || owner->form < 1)
		return EINVAL;
	return owner->form > FFU_OWNER_FORM ? FFU_OWNER_NEWER : 0;
}

/*
 * Parse the text of an owner file into *owner.  Return 0, EINVAL for a
 * malformed text, or FFU_OWNER_NEWER with only owner->form set.  Raise no
 * error.
 *
 * Form 1 may have further lines at the end: the line "key" is missing in files
 * that are older than proofs.
 */
int
ffu_owner_parse(const char *text, FfuOwner *owner)
{
	const char *line = text;
	uint64		database;
	int			result;

	memset(owner, 0, sizeof(*owner));
	result = read_form(&line, owner);
	if (result != 0)
		return result;
	if (!read_line(&line, "root", owner->root_id, sizeof(owner->root_id)) ||
		!read_number(&line, "system", &owner->system_identifier) ||
		!read_number(&line, "database", &database) ||
		!read_number(&line, "control", &owner->control_inode) ||
		!read_number(&line, "folder", &owner->folder_inode) ||
		!read_line(&line, "machine", owner->machine, sizeof(owner->machine)))
		return EINVAL;
	(void) read_line(&line, "key", owner->key, sizeof(owner->key));
	owner->database = (Oid) database;
	return 0;
}

/*
 * Write an owner as text, FFU_OWNER_TEXT_MAX bytes at most.  Raise no error.
 */
void
ffu_owner_write(char *text, const FfuOwner *owner)
{
	snprintf(text, FFU_OWNER_TEXT_MAX,
			 "ffu %d\nroot %s\nsystem %llu\ndatabase %u\ncontrol %llu\nfolder %llu\nmachine %s\nkey %s\n",
			 FFU_OWNER_FORM, owner->root_id, (unsigned long long) owner->system_identifier,
			 owner->database, (unsigned long long) owner->control_inode,
			 (unsigned long long) owner->folder_inode,
			 owner->machine, owner->key);
}
