/* SPDX-License-Identifier: MIT */
/* Which CPUs are switched on, and which the kernel keeps for those who ask for them. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define CPUS "/sys/devices/system/cpu"

/* Kernels are built for 8192 CPUs at most; a number above this is not believed. */
#define CPUS_MAX 16384

#define LIST_MAX_BYTES 4096

enum metric {
	METRIC_ONLINE,
	METRIC_ISOLATED,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_ONLINE] =
		{
			.name = "node_cpu_online",
			.unit = "",
			.help = "Whether the CPU is switched on. Not there where the first CPU cannot "
				"be switched off.",
			.source = CPUS "/cpu*/online, 1 or 0",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("cpu"),
		},
	[METRIC_ISOLATED] =
		{
			.name = "node_cpu_isolated",
			.unit = "",
			.help = "1 for each CPU on which nothing runs but what asks for it.",
			.source = CPUS "/isolated, a list of CPUs, as it was at the start",
			.kind = HM_GAUGE,
			.labels = HM_LABELS("cpu"),
		},
};

static const struct hm_attribute online = {.file = "online", .metric = &metrics[METRIC_ONLINE]};

struct state {
	const struct hm_host *host;
	struct hm_attributes cpus;
};

/* As node_exporter has it: none of them where the first one cannot tell. */
static int add_cpu(void *context, const char *device)
{
	struct state *state = context;
	char folder[sizeof(CPUS "/") + HM_DEVICE_NAME_MAX];
	int result;

	if (strlen(device) >= HM_DEVICE_NAME_MAX)
		return 0;
	(void)snprintf(folder, sizeof(folder), CPUS "/%s", device);
	result = hm_attributes_add(&state->cpus, state->host, &online, folder,
				   device + strlen("cpu"));
	if (result == -ENOENT && state->cpus.n > 0)
		return 0;
	return result;
}

/* Take "3" or "3-5" off a list. @return false: there is no more, or it is none */
static bool take_range(const char **list, uint64_t *ret_first, uint64_t *ret_last)
{
	size_t length = strcspn(*list, ",");
	size_t first_length = strcspn(*list, ",-");
	const char *last = first_length < length ? *list + first_length + 1 : *list;

	if (hm_span_uint64((struct hm_span){*list, first_length}, ret_first) < 0 ||
	    hm_span_uint64((struct hm_span){last, (size_t)(*list + length - last)}, ret_last) < 0)
		return false;
	*list += length + ((*list)[length] == ',');
	return *ret_first <= *ret_last && *ret_last < CPUS_MAX;
}

static int add_isolated(struct state *state)
{
	char text[LIST_MAX_BYTES];
	const char *list = text;
	uint64_t next = 0; /* the kernel's lists rise */
	uint64_t first;
	uint64_t last;
	int result = hm_read_line_of(state->host, CPUS "/isolated", text, sizeof(text));

	if (result < 0)
		return result == -ENOENT || result == -ENOTDIR ? 0 : result;
	hm_trim(text);
	while (*list && take_range(&list, &first, &last)) {
		for (next = first > next ? first : next; next <= last; next++) {
			char cpu[24];

			(void)snprintf(cpu, sizeof(cpu), "%" PRIu64, next);
			result = hm_attributes_add_constant(&state->cpus, &metrics[METRIC_ISOLATED],
							    1, cpu);
			if (result < 0)
				return result;
		}
	}
	return 0;
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result;

	state->host = host;
	result = hm_folder_find(host, CPUS, "cpu[0-9]*", add_cpu, state);
	if (result == -ENOENT || result == 0)
		result = add_isolated(state);
	if (result < 0)
		return result;
	return state->cpus.n > 0 ? 0 : -ENODEV;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;

	return hm_attributes_emit(&state->cpus, state->host, out);
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_attributes_close(&state->cpus);
}

HM_PLUGIN(cpu_online) = {
	HM_PLUGIN_HEADER,
	.name = "cpu_online",
	.help = "Which CPUs are switched on, and which the kernel keeps for those who ask.",
	.looks_for = CPUS "/cpu0/online, " CPUS "/isolated with a CPU in it",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.udev_subsystem = "cpu",
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
