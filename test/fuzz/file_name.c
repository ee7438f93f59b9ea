/*-------------------------------------------------------------------------
 *
 * file_name.c
 *	  Harness: a clean name has no directory and no character that disguises.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "shim.h"

#include "mb/pg_wchar.h"

#include "text/file_name.h"
#include "text/path.h"

static void
check_short(const char *name, int max)
{
	char	   *shorter = ffu_file_name_shorten(name, max);

	if (shorter == NULL)
		return;
	insist(pg_mbstrlen(shorter) <= max);
	insist(fuzz_is_text(shorter, strlen(shorter)));
}

void
fuzz(const char *data, size_t len)
{
	char		ext[FFU_EXT_MAX + 1];
	char	   *clean;
	char	   *again;

	if (!fuzz_is_text(data, len))
		return;
	clean = ffu_file_name_clean(data, len);
	if (clean == NULL)
		return;
	insist(*clean != '\0' && strlen(clean) <= len);
	insist(fuzz_is_text(clean, strlen(clean)));
	insist(strpbrk(clean, "/\\\n\r\t\x7f\x1b") == NULL);
	insist(strstr(clean, "\xe2\x80\xae") == NULL);
	insist(strcmp(clean, "..") != 0 && strcmp(clean, ".") != 0);
	again = ffu_file_name_clean(clean, strlen(clean));
	insist(again != NULL && strcmp(again, clean) == 0);
	if (ffu_extension_of(clean, ext))
		insist(strlen(ext) >= 1 && strlen(ext) <= FFU_EXT_MAX);
	check_short(clean, 1);
	check_short(clean, 20);
	check_short(ffu_file_name_extend(clean, "txt"), FFU_FILE_NAME_MAX);
	(void) ffu_file_name_read(data, len);
}
