/* SPDX-License-Identifier: MIT */
/* The series that a person asked for. */

#include "collector/selection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/match.h"

/* So many are compared between two looks at the limits. An expression may take some ms for one. */
#define SERIES_PER_CHECK 64

const char *selection_name(const struct catalog_series *series, struct buffer *out)
{
	buffer_clear(out);
	buffer_append_text(out, series->file->metric);
	buffer_append(out, series->labels, series->labels_length);
	return buffer_text(out);
}

/* Compare metric with labels behind it to another such pair, as if each were one text. */
static int compare_names(const struct catalog_series *a, const struct catalog_series *b)
{
	const char *a_metric = a->file->metric;
	const char *b_metric = b->file->metric;
	size_t common = 0;

	if (a->file == b->file)
		return strcmp(a->labels, b->labels);
	while (a_metric[common] && a_metric[common] == b_metric[common])
		common++;
	if (a_metric[common] && b_metric[common])
		return (unsigned char)a_metric[common] - (unsigned char)b_metric[common];
	/* One metric's name begins the other's: what follows it are its labels. */
	if (a_metric[common])
		return (unsigned char)a_metric[common] - (unsigned char)b->labels[0];
	if (b_metric[common])
		return (unsigned char)a->labels[0] - (unsigned char)b_metric[common];
	return strcmp(a->labels, b->labels);
}

static int compare_series(const void *a_pointer, const void *b_pointer)
{
	const struct catalog_series *a = *(struct catalog_series *const *)a_pointer;
	const struct catalog_series *b = *(struct catalog_series *const *)b_pointer;
	int order = 0;

	if (a->file->host != b->file->host)
		order = strcmp(a->file->host->name, b->file->host->name);
	return order ? order : compare_names(a, b);
}

/* Keep those of all series that are asked for. */
static int choose(struct selection *selection, size_t n_all, struct match *match,
		  const char *host_pattern, const struct limits *limits)
{
	struct catalog_series **all = selection->series;
	struct buffer name = {0};
	int result = 0;

	for (size_t i = 0; i < n_all && result == 0; i++) {
		const char *host = all[i]->file->host->name;

		if (match_host(host_pattern, host) &&
		    match_takes(match, host, selection_name(all[i], &name)))
			all[selection->n++] = all[i];
		if (i % SERIES_PER_CHECK == 0)
			result = limits_check(limits);
	}
	if (buffer_failed(&name))
		result = -ENOMEM;
	buffer_done(&name);
	return result;
}

int selection_new(struct engine *engine, const char *series_pattern, const char *host_pattern,
		  const struct limits *limits, struct selection *ret_selection)
{
	char problem[MATCHER_PROBLEM_BYTES];
	struct selection selection = {0};
	struct match *match;
	size_t n_all;
	int result = match_new(series_pattern, &match, problem);

	if (result < 0)
		return result;
	result = engine_list_series(engine, &selection.series, &n_all);
	if (result == 0)
		result = choose(&selection, n_all, match, host_pattern, limits);
	match_free(match);
	if (result < 0) {
		selection_done(&selection);
		return result;
	}
	if (selection.n > 0) {
		qsort(selection.series, selection.n, sizeof(struct catalog_series *),
		      compare_series);
	}
	*ret_selection = selection;
	return 0;
}

void selection_done(struct selection *selection)
{
	free(selection->series);
	*selection = (struct selection){0};
}
