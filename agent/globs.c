/* SPDX-License-Identifier: MIT */
/* Lists of globs, as options of plugins have them. */

#include <fnmatch.h>
#include <string.h>

#include "hostmetrics/sysfs.h"

#define GLOB_MAX_BYTES 256

bool hm_globs_take(const char *globs, const char *word)
{
	struct hm_span list = {globs, strlen(globs)};
	struct hm_span glob;

	while (hm_next_word(&list, &glob)) {
		char text[GLOB_MAX_BYTES];

		if (glob.length >= sizeof(text))
			continue;
		memcpy(text, glob.start, glob.length);
		text[glob.length] = '\0';
		if (fnmatch(text, word, 0) == 0)
			return true;
	}
	return false;
}
