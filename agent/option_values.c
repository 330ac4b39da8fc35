/* SPDX-License-Identifier: MIT */
/* The values of a plugin's options. */

#include "agent/option_values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void option_values_free(char **values, size_t n_values)
{
	for (size_t i = 0; values && i < n_values; i++)
		free(values[i]);
	free((void *)values);
}

char **option_values_copy(const struct hm_plugin *table, const char *const values[])
{
	/* One more than needed: calloc(0) may answer NULL. */
	char **copies = calloc(table->n_options + 1, sizeof(*copies));

	for (size_t i = 0; copies && values && i < table->n_options; i++) {
		if (!values[i])
			continue;
		/* Not strdup(3): behind it gcc 12's -fanalyzer sees a leak, which is none. */
		if (asprintf(&copies[i], "%s", values[i]) < 0) {
			copies[i] = NULL;
			option_values_free(copies, table->n_options);
			return NULL;
		}
	}
	return copies;
}

bool option_values_differ(const struct hm_plugin *table, char *const before[], char *const after[])
{
	for (size_t i = 0; i < table->n_options; i++) {
		const char *fallback = table->options[i].fallback;

		if (strcmp(before[i] ? before[i] : fallback, after[i] ? after[i] : fallback) != 0)
			return true;
	}
	return false;
}
