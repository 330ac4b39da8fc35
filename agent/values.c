/* SPDX-License-Identifier: MIT */
/* The last values of the series of all plugins, copied. */

#include "agent/values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/match.h"

/* While plugins are copied: their texts move as they grow, so rows get them afterwards. */
static void copy_value(void *context, const struct plugin_value *value)
{
	struct values *values = context;

	if (values->n_rows == values->capacity) {
		size_t capacity = values->capacity ? 2 * values->capacity : 256;
		struct plugin_value *rows = reallocarray(values->rows, capacity, sizeof(*rows));

		if (!rows) {
			values->texts.failed = true;
			return;
		}
		values->rows = rows;
		values->capacity = capacity;
	}
	values->rows[values->n_rows++] = *value;
	buffer_append(&values->texts, value->series, strlen(value->series) + 1);
}

static int compare_rows(const void *left, const void *right)
{
	const struct plugin_value *a = left;
	const struct plugin_value *b = right;

	return strcmp(a->series, b->series);
}

/* Give the rows their texts, and leave out those that are not chosen. */
static void choose_rows(struct values *values, struct match *match, const char *host)
{
	const char *text = values->texts.data;
	size_t n_chosen = 0;

	for (size_t i = 0; i < values->n_rows; i++) {
		values->rows[i].series = text;
		if (!match || match_takes(match, host, text))
			values->rows[n_chosen++] = values->rows[i];
		text += strlen(text) + 1;
	}
	values->n_rows = n_chosen;
}

int values_copy(struct values *values, const struct plugin_set *set, struct match *match,
		const char *host)
{
	*values = (struct values){0};
	for (size_t i = 0; i < set->n_plugins; i++)
		plugin_visit(set->plugins[i], copy_value, values);
	if (buffer_failed(&values->texts)) {
		values_done(values);
		return -ENOMEM;
	}
	choose_rows(values, match, host);
	if (values->n_rows > 0)
		qsort(values->rows, values->n_rows, sizeof(*values->rows), compare_rows);
	return 0;
}

void values_done(struct values *values)
{
	free(values->rows);
	buffer_done(&values->texts);
	*values = (struct values){0};
}
