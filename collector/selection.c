/* SPDX-License-Identifier: MIT */
/* The series that a person asked for. */

#include "collector/selection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/lookup.h"
#include "common/match.h"

/* So many are compared between two looks at the limits. An expression may take some ms for one. */
#define SERIES_PER_CHECK 64
#define FILES_PER_CHECK  1024

/* Of so many metrics it is kept what the pattern says of them; where each is, a multiplication spreads. */
#define METRICS_KNOWN_BITS 10
#define METRICS_KNOWN      ((size_t)1 << METRICS_KNOWN_BITS)
#define SPREAD             UINT64_C(0x9e3779b97f4a7c15)

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

/* What was found out last: the next file or series is mostly of the same. Equal names of metrics have
 * equal pointers. */
struct chooser {
	struct match *match;
	const char *host_pattern;
	const struct limits *limits;
	const struct catalog_host *host;
	bool takes_host;
	const char *metrics[METRICS_KNOWN];
	enum match_extent extents[METRICS_KNOWN];
	struct buffer name;
};

static bool takes_host(struct chooser *chooser, const struct catalog_host *host)
{
	if (host != chooser->host)
		chooser->takes_host = match_host(chooser->host_pattern, host->name);
	chooser->host = host;
	return chooser->takes_host;
}

static enum match_extent extent_of(struct chooser *chooser, const char *metric)
{
	size_t place = (uint64_t)(uintptr_t)metric * SPREAD >> (64 - METRICS_KNOWN_BITS);

	if (chooser->metrics[place] != metric)
		chooser->extents[place] = match_metric(chooser->match, metric);
	chooser->metrics[place] = metric;
	return chooser->extents[place];
}

/* Keep those files of which series may be asked for. */
static int choose_files(struct chooser *chooser, struct catalog_file **files, size_t *n_files)
{
	size_t n = 0;
	int result = 0;

	for (size_t i = 0; i < *n_files && result == 0; i++) {
		if (takes_host(chooser, files[i]->host) &&
		    extent_of(chooser, files[i]->metric) != MATCH_NONE)
			files[n++] = files[i];
		if (i % FILES_PER_CHECK == 0)
			result = limits_check(chooser->limits);
	}
	*n_files = n;
	return result;
}

/* Keep those series that are asked for. */
static int choose_series(struct chooser *chooser, struct selection *selection)
{
	size_t n = 0;
	int result = 0;

	for (size_t i = 0; i < selection->n && result == 0; i++) {
		struct catalog_series *series = selection->series[i];

		if (extent_of(chooser, series->file->metric) == MATCH_ALL ||
		    match_takes(chooser->match, series->file->host->name,
				selection_name(series, &chooser->name)))
			selection->series[n++] = series;
		if (i % SERIES_PER_CHECK == 0)
			result = limits_check(chooser->limits);
	}
	selection->n = n;
	return buffer_failed(&chooser->name) ? -ENOMEM : result;
}

/* @return as selection_new(), with what is to be freed */
static int choose(struct engine *engine, struct chooser *chooser, struct selection *selection)
{
	struct catalog_file **files;
	size_t n_files;
	int result = lookup_files(engine, match_only_metric(chooser->match), &files, &n_files);

	if (result < 0)
		return result;
	result = choose_files(chooser, files, &n_files);
	if (result == 0)
		result = lookup_series(engine, files, n_files, &selection->series, &selection->n);
	free(files);
	return result < 0 ? result : choose_series(chooser, selection);
}

int selection_new(struct engine *engine, const char *series_pattern, const char *host_pattern,
		  const struct limits *limits, struct selection *ret_selection)
{
	char problem[MATCHER_PROBLEM_BYTES];
	struct chooser chooser = {.host_pattern = host_pattern, .limits = limits};
	struct selection selection = {0};
	int result = match_new(series_pattern, &chooser.match, problem);

	if (result < 0)
		return result;
	result = choose(engine, &chooser, &selection);
	buffer_done(&chooser.name);
	match_free(chooser.match);
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
