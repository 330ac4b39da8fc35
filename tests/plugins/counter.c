/* SPDX-License-Identifier: MIT */
/*
 * A plugin for tests: each round gives the next whole number, and none is ever given twice, since the file that says
 * which was the last is written first.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "hostmetrics/plugin.h"

static const struct hm_metric metrics[] = {
	{
		.name = "counter_rounds_total",
		.unit = "",
		.help = "Rounds that were taken, ever.",
		.source = "the file that the option names",
		.kind = HM_COUNTER,
	},
};

static const struct hm_option options[] = {
	{.name = "file", .fallback = "", .help = "What the last number is kept in."},
};

struct state {
	int fd;
	uint64_t number;
};

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;

	state->fd = open(hm_option(host, "file"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (state->fd < 0)
		return -errno;
	return pread(state->fd, &state->number, sizeof(state->number), 0) < 0 ? -errno : 0;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;
	uint64_t number = state->number + 1;

	if (pwrite(state->fd, &number, sizeof(number), 0) != sizeof(number))
		return -EIO;
	state->number = number;
	hm_emit(out, &metrics[0], (double)number);
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
