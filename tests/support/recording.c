/* SPDX-License-Identifier: MIT */
/* What one host showed, as it was recorded. */

#include "tests/support/recording.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND "zstd -dcq tests/fixtures/host-1s.txt.zst 2>/dev/null"

static void *need(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

/* Each second has the series in about the same order: look on from the last one. */
static struct recording_series *find_series(struct recording *recording, const char *name,
					    size_t *next)
{
	for (size_t i = 0; i < recording->n_series; i++) {
		size_t at = (*next + i) % recording->n_series;

		if (strcmp(recording->series[at].name, name) == 0) {
			*next = at + 1;
			return &recording->series[at];
		}
	}
	if (recording->n_series == recording->capacity) {
		recording->capacity += 512;
		recording->series = need(reallocarray(recording->series, recording->capacity,
						      sizeof(*recording->series)));
	}
	recording->series[recording->n_series] = (struct recording_series){
		.name = need(strdup(name)), .metric_length = strcspn(name, "{")};
	return &recording->series[recording->n_series++];
}

static void add_sample(struct recording_series *series, int64_t time_us, double value)
{
	if (series->n == series->capacity) {
		series->capacity += 4096;
		series->times_us = need(reallocarray(series->times_us, series->capacity,
						     sizeof(*series->times_us)));
		series->values = need(
			reallocarray(series->values, series->capacity, sizeof(*series->values)));
	}
	series->times_us[series->n] = time_us;
	series->values[series->n++] = value;
}

/* A line `@ SECONDS` opens a second, the others are `series value`. */
static void take_line(struct recording *recording, char *line, int64_t *time_us, size_t *next)
{
	char *blank = strrchr(line, ' ');
	char *end;
	double value;

	if (!blank)
		abort();
	*blank = 0;
	value = strtod(blank + 1, &end);
	if (end == blank + 1)
		abort();
	if (line[0] == '@') {
		*time_us = (int64_t)value * 1000000;
		return;
	}
	add_sample(find_series(recording, line, next), *time_us, value);
	recording->n_samples++;
}

static int compare_series(const void *left, const void *right)
{
	const struct recording_series *a = left;
	const struct recording_series *b = right;
	size_t shorter = a->metric_length < b->metric_length ? a->metric_length : b->metric_length;
	int order = memcmp(a->name, b->name, shorter);

	if (order != 0)
		return order;
	if (a->metric_length != b->metric_length)
		return a->metric_length < b->metric_length ? -1 : 1;
	return strcmp(a->name, b->name);
}

int recording_read(struct recording *recording)
{
	FILE *lines = popen(COMMAND, "r"); /* NOLINT(cert-env33-c): a fixed command */
	char line[4096];
	int64_t time_us = 0;
	size_t next = 0;

	*recording = (struct recording){0};
	if (!lines)
		return -ENOENT;
	while (fgets(line, sizeof(line), lines))
		take_line(recording, line, &time_us, &next);
	if (pclose(lines) != 0 || recording->n_series == 0) {
		recording_done(recording);
		return -ENOENT;
	}
	qsort(recording->series, recording->n_series, sizeof(*recording->series), compare_series);
	return 0;
}

void recording_done(struct recording *recording)
{
	for (size_t i = 0; i < recording->n_series; i++) {
		free(recording->series[i].name);
		free(recording->series[i].times_us);
		free(recording->series[i].values);
	}
	free(recording->series);
	*recording = (struct recording){0};
}
