/* SPDX-License-Identifier: MIT */
/* How often CPUs were slowed down because they were too hot. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostmetrics/plugin.h"
#include "hostmetrics/sysfs.h"

#define CPUS "/sys/devices/system/cpu"

#define NUMBER_MAX 24

enum metric {
	METRIC_CORE,
	METRIC_PACKAGE,
	N_METRICS,
};

static const struct hm_metric metrics[N_METRICS] = {
	[METRIC_CORE] =
		{
			.name = "node_cpu_core_throttles_total",
			.unit = "",
			.help = "How often the core was slowed down because it was too hot.",
			.source = CPUS "/cpu*/thermal_throttle/core_throttle_count of the core's "
				       "first CPU, a number",
			.kind = HM_COUNTER,
			.labels = HM_LABELS("package", "core"),
		},
	[METRIC_PACKAGE] =
		{
			.name = "node_cpu_package_throttles_total",
			.unit = "",
			.help = "How often the package was slowed down because it was too hot.",
			.source = CPUS "/cpu*/thermal_throttle/package_throttle_count of the "
				       "package's first CPU, a number",
			.kind = HM_COUNTER,
			.labels = HM_LABELS("package"),
		},
};

static const struct hm_attribute core_count = {
	.file = "thermal_throttle/core_throttle_count",
	.metric = &metrics[METRIC_CORE],
};

static const struct hm_attribute package_count = {
	.file = "thermal_throttle/package_throttle_count",
	.metric = &metrics[METRIC_PACKAGE],
};

/* What is told already: a core's CPUs, and a package's, all have its count. */
struct place {
	uint64_t package;
	uint64_t core; /* UINT64_MAX: the package itself */
};

struct state {
	const struct hm_host *host;
	struct hm_attributes counts;
	struct place *places; /* during start_collect() */
	size_t n_places;
};

static int read_number(const struct state *state, const char *folder, const char *file,
		       uint64_t *ret_number)
{
	char path[256];
	char text[NUMBER_MAX];
	int result;

	(void)snprintf(path, sizeof(path), "%s/topology/%s", folder, file);
	result = hm_read_line_of(state->host, path, text, sizeof(text));
	if (result == 0)
		result = hm_span_uint64((struct hm_span){text, strlen(text)}, ret_number);
	return result;
}

static bool is_told(const struct state *state, struct place place)
{
	for (size_t i = 0; i < state->n_places; i++) {
		if (state->places[i].package == place.package &&
		    state->places[i].core == place.core)
			return true;
	}
	return false;
}

/* Add the count of a core or a package, where no CPU before had it. */
static int add_count(struct state *state, const char *folder, struct place place)
{
	bool is_package = place.core == UINT64_MAX;
	char package[NUMBER_MAX];
	char core[NUMBER_MAX];
	struct place *places;
	int result;

	if (is_told(state, place))
		return 0;
	places = reallocarray(state->places, state->n_places + 1, sizeof(*places));
	if (!places)
		return -ENOMEM;
	state->places = places;
	(void)snprintf(package, sizeof(package), "%" PRIu64, place.package);
	(void)snprintf(core, sizeof(core), "%" PRIu64, place.core);
	if (is_package) {
		result = hm_attributes_add(&state->counts, state->host, &package_count, folder,
					   package);
	} else {
		result = hm_attributes_add(&state->counts, state->host, &core_count, folder,
					   package, core);
	}
	if (result == 0)
		places[state->n_places++] = place;
	return result == -ENOENT ? 0 : result;
}

/* A CPU that is off has no topology. */
static int add_cpu(void *context, const char *device)
{
	struct state *state = context;
	struct place place = {0};
	char folder[sizeof(CPUS "/") + HM_DEVICE_NAME_MAX];
	int result;

	if (strlen(device) >= HM_DEVICE_NAME_MAX)
		return 0;
	(void)snprintf(folder, sizeof(folder), CPUS "/%s", device);
	if (read_number(state, folder, "physical_package_id", &place.package) < 0 ||
	    read_number(state, folder, "core_id", &place.core) < 0)
		return 0;
	result = add_count(state, folder, place);
	if (result < 0)
		return result;
	place.core = UINT64_MAX;
	return add_count(state, folder, place);
}

static int start_collect(void *memory, const struct hm_host *host)
{
	struct state *state = memory;
	int result;

	state->host = host;
	result = hm_folder_find(host, CPUS, "cpu[0-9]*", add_cpu, state);
	if (result < 0)
		return result == -ENOENT ? -ENODEV : result;
	return state->counts.n > 0 ? 0 : -ENODEV;
}

static int get_current_state(void *memory, struct hm_batch *out)
{
	struct state *state = memory;

	return hm_attributes_emit(&state->counts, state->host, out);
}

static void stop_collect(void *memory)
{
	struct state *state = memory;

	hm_attributes_close(&state->counts);
	free(state->places);
}

HM_PLUGIN(cpu_throttle) = {
	HM_PLUGIN_HEADER,
	.name = "cpu_throttle",
	.help = "How often CPUs were slowed down because they were too hot.",
	.looks_for = CPUS "/cpu*/thermal_throttle",
	.metrics = metrics,
	.n_metrics = N_METRICS,
	.udev_subsystem = "cpu",
	.state_size = sizeof(struct state),
	.start_collect = start_collect,
	.get_current_state = get_current_state,
	/* No .cleanup: nothing accumulates between two rounds. */
	.stop_collect = stop_collect,
};
