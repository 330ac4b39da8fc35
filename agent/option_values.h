/* SPDX-License-Identifier: MIT */
#ifndef AGENT_OPTION_VALUES_H
#define AGENT_OPTION_VALUES_H

/* The values of a plugin's options: as many as its table has, each may be NULL for the fallback. */

#include <stdbool.h>
#include <stddef.h>

#include "hostmetrics/plugin.h"

/* @param values  NULL = all are NULL. @return a copy, or NULL without memory */
char **option_values_copy(const struct hm_plugin *table, const char *const values[]);

/* Takes NULL. */
void option_values_free(char **values, size_t n_values);

/* Is there an option of which they say something else? */
bool option_values_differ(const struct hm_plugin *table, char *const before[], char *const after[]);

#endif
