/* SPDX-License-Identifier: MIT */
/* Random numbers from the kernel: the complete plugin of docs/plugins.md. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "hostmetrics/plugin.h"

#define SERIES_MAX 10000

enum metric {
	METRIC_VALUE,
	METRIC_DRAWS,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	{
		.name = "random_value",
		.unit = "",
		.help = "A random number from 0 to 1.",
		.source = "getrandom(2), 32 bits, divided by 2^32",
		.kind = HM_GAUGE,
		.labels = HM_LABELS("index"),
	},
	{
		.name = "random_draws_total",
		.unit = "",
		.help = "Random numbers drawn.",
		.source = "counted by the plugin",
		.kind = HM_EVENTS,
	},
};

static const struct hm_option options[] = {
	{.name = "series", .fallback = "1", .help = "How many numbers to draw, 1 to 10000."},
};

struct state {
	uint32_t *numbers; /* one a series */
	size_t n_series;
	size_t n_draws; /* since the last cleanup() */
};

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	char *end;
	long n_series = strtol(hm_option(host, "series"), &end, 10);

	if (hm_is_redirected(host))
		return -ENOTSUP;
	if (*end != '\0' || n_series < 1 || n_series > SERIES_MAX)
		return -EINVAL;
	state->n_series = (size_t)n_series;
	state->numbers = calloc(state->n_series, sizeof(*state->numbers));
	return state->numbers ? 0 : -ENOMEM;
}

/* The kernel may give less than was asked for. */
static int draw(struct state *state)
{
	size_t n_bytes = state->n_series * sizeof(*state->numbers);
	size_t n_drawn_bytes = 0;

	while (n_drawn_bytes < n_bytes) {
		ssize_t n_more = getrandom((char *)state->numbers + n_drawn_bytes,
					   n_bytes - n_drawn_bytes, GRND_NONBLOCK);

		if (n_more < 0)
			return -errno;
		n_drawn_bytes += (size_t)n_more;
	}
	state->n_draws = state->n_series;
	return 0;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	int result = 0;

	/* Asked again before cleanup(): the round is the same, and so is what it counted. */
	if (state->n_draws == 0)
		result = draw(state);
	if (result < 0)
		return result;
	for (size_t i = 0; i < state->n_series; i++) {
		char index[24];

		(void)snprintf(index, sizeof(index), "%zu", i);
		hm_emit(out, &metrics[METRIC_VALUE], state->numbers[i] / 0x1p32, index);
	}
	hm_emit(out, &metrics[METRIC_DRAWS], (double)state->n_draws);
	return 0;
}

static void cleanup(void *memory)
{
	struct state *state = memory;

	state->n_draws = 0;
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	free(state->numbers);
}

HM_PLUGIN(random) = {
	HM_PLUGIN_HEADER,
	.name = "random",
	.help = "Random numbers from the kernel.",
	.looks_for = "getrandom(2)",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	.cleanup = cleanup,
	.stop_collect = stop_collect,
};
