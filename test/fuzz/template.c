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

/* template NUL schema NUL table NUL column NUL key NUL extension [NUL "private"] */
void
fuzz(const char *data, size_t len)
{
	char		fields[7][FUZZ_INPUT_MAX];
	char		name[FFU_EXT_MAX + 3] = "a.";
	char		ext[FFU_EXT_MAX + 1];
	FfuPathFields values = {.token = TOKEN};
	char	   *full;
	char	   *path;
	bool		is_private;
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

	is_private = strcmp(fields[6], FFU_PRIVATE_DIR) == 0;
	if (ffu_template_complaint(fields[0], is_private) != NULL)
		return;
	full = ffu_template_full(fields[0], is_private);
	(void) ffu_path_fits(fields[4], full, &values);
	path = ffu_path_make(full, &values);
	insist(ffu_path_valid(path, strlen(path)));
	insist(ffu_path_fits(path, full, &values));
	insist(is_private == (strncmp(path, FFU_PRIVATE_PREFIX,
								  strlen(FFU_PRIVATE_PREFIX)) == 0));
}
