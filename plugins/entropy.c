/* SPDX-License-Identifier: MIT */
/* How much randomness the kernel has at hand. */

#include <errno.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define FOLDER "/proc/sys/kernel/random"

enum metric {
	METRIC_AVAILABLE,
	METRIC_POOL_SIZE,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_AVAILABLE] =
		{
			.name = "node_entropy_available_bits",
			.unit = "bits",
			.help = "Randomness in the kernel's pool.",
			.source = FOLDER "/entropy_avail, bits",
			.kind = HM_GAUGE,
		},
	[METRIC_POOL_SIZE] =
		{
			.name = "node_entropy_pool_size_bits",
			.unit = "bits",
			.help = "Size of the kernel's pool of randomness.",
			.source = FOLDER "/poolsize, bits",
			.kind = HM_GAUGE,
		},
};

static const struct hm_attribute attributes[N_METRICS] = {
	{.file = "entropy_avail", .metric = &metrics[METRIC_AVAILABLE]},
	{.file = "poolsize", .metric = &metrics[METRIC_POOL_SIZE], .is_constant = true},
};

struct state {
	const struct hm_host *host;
	struct hm_attributes files;
};

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;

	state->host = host;
	for (size_t i = 0; i < N_METRICS; i++) {
		int result = hm_attributes_add(&state->files, host, &attributes[i], FOLDER);

		if (result < 0 && result != -ENOENT)
			return result;
	}
	return state->files.n > 0 ? 0 : -ENODEV;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;

	return hm_attributes_emit(&state->files, state->host, out);
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_attributes_close(&state->files);
}

HM_PLUGIN(entropy) = {
	HM_PLUGIN_HEADER,
	.name = "entropy",
	.help = "How much randomness the kernel has at hand.",
	.looks_for = FOLDER "/entropy_avail and poolsize",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
