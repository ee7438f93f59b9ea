/*-------------------------------------------------------------------------
 *
 * owner.c
 *	  Harness: the text of an owner file is read as it is written.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "shim.h"

#include "store/dir/owner.h"

void
fuzz(const char *data, size_t len)
{
	char		text[FFU_OWNER_TEXT_MAX];
	FfuOwner	owner;
	FfuOwner	again;

	if (len >= FFU_OWNER_TEXT_MAX || ffu_owner_parse(data, &owner) != 0)
		return;
	insist(strpbrk(owner.root_id, "\n") == NULL);
	ffu_owner_write(text, &owner);
	insist(ffu_owner_parse(text, &again) == 0);
	insist(strcmp(owner.root_id, again.root_id) == 0);
	insist(owner.system_identifier == again.system_identifier);
	insist(owner.database == again.database);
	insist(strcmp(owner.machine, again.machine) == 0);
	insist(owner.control_inode == again.control_inode);
	insist(owner.folder_inode == again.folder_inode);
	insist(strcmp(owner.key, again.key) == 0);
}
