/* SPDX-License-Identifier: MIT */
/*
 * A plugin for tests: each round gives the next whole number, and values that follow from it. None is ever given twice,
 * since the list of the rounds is written first: 16 bytes each, the number and the time, in microseconds since 1970.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"

#define SERIES_MAX 1000

enum metric {
	METRIC_ROUNDS,
	METRIC_VALUE,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	{
		.name = "counter_rounds_total",
		.unit = "",
		.help = "Rounds that were taken, ever.",
		.source = "the length of the file that the option names",
		.kind = HM_COUNTER,
	},
	{
		.name = "counter_value",
		.unit = "",
		.help = "What follows from the round's number and the series'.",
		.source = "computed",
		.kind = HM_GAUGE,
		.labels = HM_LABELS("n"),
	},
};

static const struct hm_option options[] = {
	{.name = "file", .fallback = "", .help = "The list of the rounds."},
	{.name = "series", .fallback = "0", .help = "How many values, 0 to 1000."},
	{.name = "first", .fallback = "1", .help = "The number of the first round in the list."},
};

struct round {
	uint64_t number;
	int64_t time_us;
};

struct state {
	int fd;
	long n_series;
	uint64_t first;
	uint64_t n_rounds; /* that are in the list */
};

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	struct stat file;

	state->n_series = strtol(hm_option(host, "series"), NULL, 10);
	state->first = strtoul(hm_option(host, "first"), NULL, 10);
	if (state->n_series < 0 || state->n_series > SERIES_MAX)
		return -EINVAL;
	state->fd = open(hm_option(host, "file"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (state->fd < 0 || fstat(state->fd, &file) < 0)
		return -errno;
	state->n_rounds = (uint64_t)file.st_size / sizeof(struct round);
	return 0;
}

/* A double below 1 of which no bit tells another (splitmix64). */
static double value_of(uint64_t number, uint64_t series)
{
	uint64_t bits = (number * SERIES_MAX + series) * 0x9e3779b97f4a7c15;

	bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
	bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
	return (double)((bits ^ bits >> 31) >> 11) * 0x1p-53;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	struct timespec now = {.tv_sec = 0};
	struct round round = {.number = state->first + state->n_rounds};

	(void)clock_gettime(CLOCK_REALTIME, &now);
	round.time_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	if (pwrite(state->fd, &round, sizeof(round), (off_t)(state->n_rounds * sizeof(round))) !=
	    sizeof(round))
		return -EIO;
	state->n_rounds++;
	hm_emit(out, &metrics[METRIC_ROUNDS], (double)round.number);
	for (long i = 0; i < state->n_series; i++) {
		char label[24];

		(void)snprintf(label, sizeof(label), "%ld", i);
		hm_emit(out, &metrics[METRIC_VALUE], value_of(round.number, (uint64_t)i), label);
	}
	return 0;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	if (state->fd > 0)
		(void)close(state->fd);
}

HM_PLUGIN(counter) = {
	HM_PLUGIN_HEADER,
	.name = "counter",
	.help = "Counts its own rounds, for tests.",
	.looks_for = "the file that it is told",
	.metrics = metrics,
	.n_metrics = sizeof(metrics) / sizeof(metrics[0]),
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	.stop_collect = stop_collect,
};
