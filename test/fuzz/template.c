/*-------------------------------------------------------------------------
 *
 * template.c
 *	  Harness: a good template makes valid paths, which fit the template.
 *
 * Copyright (c) 2026, the ffu authors
 *
 *-------------------------------------------------------------------------
 */
#include "shim.h"

#include "text/path.h"
#include "text/template.h"

#define TOKEN	"abcdefghijklmnopqrstuvwxyz"

/* template NUL schema NUL table NUL column NUL key NUL extension */
void
fuzz(const char *data, size_t len)
{
	char		fields[6][FUZZ_INPUT_MAX];
	char		name[FFU_EXT_MAX + 3] = "a.";
	char		ext[FFU_EXT_MAX + 1];
	FfuPathFields values = {.token = TOKEN};
	char	   *path;
	int			i;

	for (i = 0; i < lengthof(fields); i++)
	{
		fuzz_field(&data, &len, fields[i], sizeof(fields[i]));
		if (!fuzz_is_text(fields[i], strlen(fields[i])))
			return;
	}
	values.schema = fields[1];
	values.table = fields[2];
	values.column = fields[3];
	values.pk = *fields[4] ? fields[4] : NULL;
	strlcpy(name + 2, fields[5], FFU_EXT_MAX + 1);
	(void) ffu_extension_of(name, ext);
	values.ext = ext;
	values.now = len * 7;

	if (ffu_template_complaint(fields[0], false) != NULL)
		return;
	(void) ffu_path_fits(fields[4], fields[0], &values);
	path = ffu_path_make(fields[0], &values);
	insist(ffu_path_valid(path, strlen(path)));
	insist(ffu_path_fits(path, fields[0], &values));
}
